"""A known effect in every home: a topic that doubles sales, one that does nothing, one too rare to say."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from chats.enriched import EnrichedConversation, Offer, Outcome, OutcomeType
from graph.builder import GraphBuilder
from graph.connect import connect
from graph.port import Graph
from graph.traversals import ACROSS_PARTITIONS
from insights.money import fetch_conversion, fetch_ppv
from tests.graph.strategies import START, conversation
from tests.gremlin_server import server
from tests.standin.server import Standin

TALKS = 240
WINDOW = (
    datetime.fromtimestamp(START, UTC) - timedelta(days=1),
    datetime.fromtimestamp(START, UTC) + timedelta(days=1),
)
AS_OF = datetime.fromtimestamp(START, UTC) + timedelta(days=30)
KINDS: Any = ("topic", "action", "pair", "price_band", "hour_of_week")


def sale(number: int) -> Outcome:
    """Within the conversation, or hours after it."""
    kind: OutcomeType = "tip" if number % 8 else "purchase"
    at = START + (60 if number % 3 else 20 * 3600)
    return Outcome(type=kind, at=at, amount=5.25 + number % 4, score=1.0, evidence="")


def talk(number: int) -> EnrichedConversation:
    """Of 60 that discuss `doubles` a half sells, of the others a quarter; `same` is in a third of both."""
    doubles = number < 60
    topics = [
        *(["doubles"] if doubles else []),
        *(["same"] if number % 3 == 0 else []),
        *(["rare"] if number >= TALKS - 5 else []),
    ]
    actions = ["question"] if number % 2 else []
    sells = number % 2 == 0 if doubles else number % 4 == 0
    media: Any = "video" if number % 2 else None
    locked = Offer(at=START, price=5.0 + number % 40, media=media, is_mass=number % 5 == 0)
    bought = replace(locked, unlocked_at=START + number, paid=9.5, dated_by="change")
    found = conversation(
        f"c{number}:m1",
        topics=topics,
        actions=actions,
        outcomes=[sale(number)] if sells else [],
        offers=[bought if number % 7 == 0 else locked] if number % 4 else [],
    )
    return replace(found, fan_id=f"f{number}")


async def written(graph: Graph, user: str) -> Graph:
    builder = GraphBuilder(user, "creator", 1)
    for start in range(0, TALKS, 40):
        talks = map(talk, range(start, start + 40))
        await graph.apply([m for each in talks for m in builder.build_graph(each, each.fan_id)])
    await graph.apply([builder.build_account()])
    return graph


@asynccontextmanager
async def homes(folder: Path) -> AsyncIterator[dict[str, Graph]]:
    async with AsyncExitStack() as stack:
        standin = stack.enter_context(Standin(server.address(), across=ACROSS_PARTITIONS))
        found = {
            "embedded": connect(f"embedded:{folder}", max_bindings=16),
            "tinkerpop": connect(server.address(), max_bindings=16),
            "cosmos": connect(
                f"cosmos:{standin.url.rstrip('/')}/?database=db&graph=graph",
                max_bindings=16,
                cosmos_key="secret",
            ),
        }
        for graph in found.values():
            stack.push_async_callback(graph.close)
        yield found


@pytest.mark.slow
async def test_a_known_effect_is_found_with_its_interval_and_alike_in_every_home(tmp_path: Path) -> None:
    answers: dict[str, Any] = {}
    async with homes(tmp_path / "graph") as graphs:
        for name, graph in graphs.items():
            user = f"{name}-{uuid.uuid4().hex}" if name != "embedded" else "u1"
            await written(graph, user)
            found = await fetch_conversion(
                *WINDOW,
                "creator",
                graph=graph,
                as_of=AS_OF,
                attribution=24,
                user_id=user,
                kinds=KINDS,
                time_zone="Asia/Tokyo",
            )
            funnel = await fetch_ppv(*WINDOW, "creator", graph=graph, as_of=AS_OF, user_id=user)
            told = [each.model_dump_json().replace(user, "u1") for each in (found, funnel)]
            answers[name] = told
            topics = {row.topicId: row for row in found.rows if row.kind == "topic"}
            doubles, same, rare = topics["doubles"], topics["same"], topics["rare"]
            assert doubles.lift == pytest.approx(2)
            assert same.lift == pytest.approx(1)
            assert doubles.lift_low is not None
            assert 1.3 < doubles.lift_low < 2 < (doubles.lift_high or 0) < 3
            assert doubles.significant
            assert (same.lift_low or 9) < 1 < (same.lift_high or 0)
            assert same.significant is False
            assert (rare.lift, rare.reason, rare.significant) == (None, "too_few_with", None)
            assert (found.total.conversations, found.total.sold) == (240, 75)
            assert funnel.total.sent == 180
            assert {row.key for row in funnel.by_media} == {"video", "unknown"}
    assert answers["embedded"] == answers["tinkerpop"] == answers["cosmos"]


async def test_an_account_of_an_older_schema_counts_nothing_until_it_is_written_anew(tmp_path: Path) -> None:
    graph = await written(connect(f"embedded:{tmp_path / 'graph'}", max_bindings=16), "u1")
    lacking = '"conversation", "offers", "said", "answers"'
    await graph.submit(f'g.V().hasLabel("ConversationNode").properties({lacking}).drop().iterate()', {})
    asked: Any = {"graph": graph, "as_of": AS_OF, "user_id": "u1"}
    found = await fetch_conversion(*WINDOW, "creator", attribution=24, kinds=KINDS, **asked)
    assert (found.total.conversations, found.rows) == (0, [])
    assert (await fetch_ppv(*WINDOW, "creator", **asked)).total.sent == 0
    await written(graph, "u1")
    assert (await fetch_conversion(*WINDOW, "creator", attribution=24, **asked)).total.sold == 75
    await graph.close()
