"""What was corrected is asked with and without it in every home, and each answers as the others do."""

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chats.account import Account
from chats.corrections import Correction, StatedOutcome
from graph.builder import GraphBuilder
from graph.contents import Contents as Written
from graph.contents import compare, loose_ends, read
from graph.model import DropConversation, DropOlder, DropUnusedTopics, Mutation
from graph.port import Graph
from history.history import History
from insights.fan_queries import fetch_fans
from insights.fans import Asked
from insights.money import fetch_conversion
from insights.queries import build_analytics_update
from insights.risk import Fits
from tests.actors.factories import DAY, HOUR, MINUTE, START, chat, empty_cache, message
from tests.corrected import of_conversation, of_message, of_topic, take, understand
from tests.insights.test_money_homes import homes

NOW = datetime.fromtimestamp(START + 3 * DAY, UTC)
WINDOW = NOW - timedelta(days=30), NOW


def talked() -> History:
    history = empty_cache()
    history.merge(
        [chat("f1"), chat("f2")],
        [
            message("1", 0, text="0.2 topic_0 question"),
            message("2", MINUTE, "creator", text="0.9 fitness thanks"),
            message("3", 2 * MINUTE, text="0.4 topic_0 topic_1 question churn_intent"),
            message("t", 3 * MINUTE, text="", tip=5.0),
            message("5", 20 * HOUR, text="0.6 topic_1 complaint"),
            message("6", 0, chat="f2", text="0.8 topic_1 fitness"),
        ],
    )
    understand(history)
    return history


CORRECTIONS = [
    of_message("1", "sentiment", 1.0, by="a"),
    of_message("3", "action", ("thanks",), by="b"),
    of_message("t", "outcome", (StatedOutcome("tip", 50.0),), by="c"),
    of_conversation("5", "outcome", (StatedOutcome("purchase", 20.0),), by="d"),
    of_conversation("5", "topic", ("fitness",), by="e"),
    of_topic("topic_0", "merged_into", "topic_1", by="f"),
    of_topic("topic_1", "name", "Outdoors", by="g"),
    of_topic("fitness", "hidden", True, by="h"),
]


def withdrawn(made: Iterable[Correction]) -> list[Correction]:
    return [
        Correction(f"un{each.id}", each.at + 1, each.who, each.subject, each.field, each.side, None)
        for each in made
    ]


def mutations(history: History, user: str, revision: int) -> list[Mutation]:
    """As an owner writes what changed."""
    builder = GraphBuilder(user, "c1", revision)
    found: list[Mutation] = []
    for cached in history.of("c1"):
        for node in cached.counted.values():
            found += builder.build_graph(node, node.fan_id)
        found += builder.build_fan(cached.fan_state())
    return [*found, builder.build_account()]


async def numbers(graph: Graph, user: str, *, corrections: bool = True) -> list[Any]:
    asked: Any = {"graph": graph, "user_id": user, "corrections": corrections}
    update = await build_analytics_update(user, *WINDOW, "c1", graph=graph, now=NOW, corrections=corrections)
    conversion = await fetch_conversion(
        *WINDOW, "c1", as_of=NOW, attribution=24, kinds=("topic", "action", "pair"), min_sample=1, **asked
    )
    fans = await fetch_fans(*WINDOW, "c1", fits=Fits(), as_of=NOW, horizon_days=14, asked=Asked(), **asked)
    told = [each.model_dump_json() for each in (update, conversion, fans)]
    # Chats come in no particular order.
    return [json.loads(text.replace(user, "u1").replace("&corrections=false", "")) for text in told]


async def is_whole(graph: Graph, history: History, user: str) -> bool:
    expected = Written()
    expected.add(mutations(history, user, 0))
    found = await read(graph, Account(user, "c1").key)
    return not compare(expected, found) and not loose_ends(found)


@pytest.mark.slow
async def test_every_home_tells_what_counts_and_what_models_said_alike(tmp_path: Path) -> None:
    answers: dict[str, Any] = {}
    async with homes(tmp_path / "graph") as graphs:
        for name, graph in graphs.items():
            user = f"{name}-{uuid.uuid4().hex}" if name != "embedded" else "u1"
            pk = Account(user, "c1").key
            history = talked()
            await graph.apply(mutations(history, user, 1))
            before = await numbers(graph, user)
            assert await numbers(graph, user, corrections=False) == before
            take(history, CORRECTIONS)
            await graph.apply(mutations(history, user, 2))
            counted = await numbers(graph, user)
            assert counted != before
            assert await numbers(graph, user, corrections=False) == before
            assert await is_whole(graph, history, user)
            take(history, withdrawn(CORRECTIONS[1::2]))
            await graph.apply([*mutations(history, user, 3), DropUnusedTopics(pk)])
            half = await numbers(graph, user)
            assert await numbers(graph, user, corrections=False) == before
            assert await is_whole(graph, history, user)
            take(history, withdrawn(CORRECTIONS[::2]))
            await graph.apply(mutations(history, user, 4))
            assert await numbers(graph, user) == before
            assert await numbers(graph, user, corrections=False) == before
            assert await is_whole(graph, history, user)
            answers[name] = before, counted, half
            # What is gone takes what stands beside it along, and so does a rebuild.
            take(history, [of_message("1", "sentiment", 0.0, by="z", at=9.0)])
            await graph.apply(mutations(history, user, 5))
            gone = [DropConversation(pk, "f1:1"), DropConversation(pk, "f1:1", uncorrected=True)]
            await graph.apply(gone)
            assert not {id for id in (await read(graph, pk)).vertices if "f1:1" in id}
            await graph.apply([*mutations(talked(), user, 6), DropOlder(pk, 6)])
            assert await numbers(graph, user) == await numbers(graph, user, corrections=False)
    assert answers["embedded"] == answers["tinkerpop"] == answers["cosmos"]
