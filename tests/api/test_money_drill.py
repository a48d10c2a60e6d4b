"""Every number about money on the samples has a list with as many entries as it says."""

import asyncio
import contextlib
import warnings
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import orjson
import pytest
from msgspec.structs import replace

from chats.enriched import ActionTopic, ActionUse, TopicUse
from enrich.outcomes import offers
from graph.builder import GraphBuilder
from graph.connect import connect
from graph.port import Graph
from insights.people import Terms
from insights.shifts import no_rosters
from samples.generate import CreatorSamples, Samples, generate
from settings import Settings
from tests.actors.factories import enrich_pending
from tests.test_oracle import Owner, Records

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from serve_app import build_api

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)  # so that few hours are not over
DAYS = 90
KINDS = ("topic", "action", "pair", "price_band", "hour_of_week")


async def write(graph: Graph, samples: Samples, creator: CreatorSamples) -> None:
    """What the samples are by design, as if enrichment had found just that."""
    id, owner = creator.creator_id, Owner(Records())
    running = asyncio.create_task(owner.intake.run())
    await owner.intake.snapshot(orjson.dumps(creator.snapshot), id, None)
    await owner.intake.messages(orjson.dumps(creator.deltas), id, None)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    enrich_pending(owner.cache)
    truth = {f"{each.chat_id}:{each.first_message_id}": each for each in samples.truth}
    builder = GraphBuilder(id, id, 1)
    for chat in owner.cache.of(id):
        for each in chat.conversations:
            told = truth.get(each.id)
            topics, actions = (told.topics, told.actions) if told else ((), ())
            node = replace(
                chat.nodes[each.id],
                outcomes=chat.contexts[each.id].outcomes,
                ppv_offers=offers(each),
                topics=tuple(TopicUse(id=t, label=t, messages=1, weight=1.0, model="m") for t in topics),
                actions=tuple(ActionUse(type=a, count=1, direction="fan") for a in actions),
                action_topics=tuple(
                    ActionTopic(action=a, topic_id=t, count=1) for a in actions[:2] for t in topics
                ),
            )
            await graph.apply(builder.build_graph(node, node.fan_id))
        await graph.apply(builder.build_fan(chat.fan_state()))
    await graph.apply([builder.build_account()])


@contextlib.contextmanager
def sampled(folder: Path, now: datetime, days: int) -> Iterator[Graph]:
    """A graph with the samples of two creators, each held by a user of its own."""
    graph = connect(f"embedded:{folder / 'graph'}", max_bindings=16)
    samples = generate(now=now, days=days)
    for creator in samples.creators:
        asyncio.run(write(graph, samples, creator))
    yield graph
    asyncio.run(graph.close())


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with sampled(tmp_path_factory.mktemp("samples"), NOW, DAYS) as written:
        yield written


@pytest.fixture
async def http(graph: Graph) -> AsyncIterator[httpx.AsyncClient]:
    """The API on that graph."""
    api = build_api(Settings())
    api.state.services = SimpleNamespace(
        graph=graph, attribution_hours=24.0, drop_off_days=30, terms=Terms(300.0), rosters=no_rosters
    )
    transport = httpx.ASGITransport(app=api)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client


async def get(http: httpx.AsyncClient, path: str) -> Any:
    answer = await http.get(f"/api/v1/insights/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(http: httpx.AsyncClient, drill: str, group: str, limit: int = 1000) -> list[dict[str, Any]]:
    """All pages of a list, which tells how much it is on each."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        part = await get(http, f"conversations?{drill}&group={group}&limit={limit}{cursor}")
        found += part["conversations"]
        if part["next"] is None:
            break
        cursor = f"&cursor={part['next']}"
    assert part["total"] == len(found) == len({(e["creatorId"], e["conversationId"]) for e in found})
    assert part["counted"] == sum(each["counted"] for each in found)
    return found


def amount(found: list[dict[str, Any]]) -> float:
    return float(sum(each["amount"] for each in found))


def window() -> str:
    return f"start_date={(NOW - timedelta(days=DAYS)).date()}&end_date={(NOW + timedelta(days=1)).date()}"


async def test_every_number_of_conversion_has_a_list_of_as_many_conversations(
    http: httpx.AsyncClient,
) -> None:
    kinds = "".join(f"&kind={kind}" for kind in KINDS)
    found = await get(http, f"conversion?{window()}&time_zone=Europe/Berlin{kinds}")
    assert {row["kind"] for row in found["rows"]} == set(KINDS)
    assert found["total"]["conversations"] > 200
    assert found["total"]["sold"] > 20
    everything = await listed(http, found["drill"], "with", limit=50)
    sold = await listed(http, found["drill"], "with_sold")
    pending = await listed(http, found["drill"], "pending")
    assert (len(everything), len(sold), len(pending)) == (
        found["total"]["conversations"],
        found["total"]["sold"],
        found["pending"],
    )
    assert amount(sold) == pytest.approx(found["amount_total"])
    many = [row for row in found["rows"] if row["kind"] != "hour_of_week"]
    for row in [*many, *(row for row in found["rows"] if row["kind"] == "hour_of_week")][: len(many) + 10]:
        for group, number in (
            ("with", row["with_it"]["conversations"]),
            ("with_sold", row["with_it"]["sold"]),
            ("without", row["without_it"]["conversations"]),
            ("without_sold", row["without_it"]["sold"]),
        ):
            part = await get(http, f"conversations?{row['drill']}&group={group}&limit=1")
            assert (part["total"], part["counted"]) == (number, number), row
            if group == "with_sold":
                assert (part["amount"] or 0) == pytest.approx(row["amount_total"])


async def test_every_topic_outcome_and_count_of_the_update_has_a_list_that_counts_as_much(
    http: httpx.AsyncClient,
) -> None:
    found = await get(http, f"full?{window()}")
    assert len(found["topics"]) > 5
    assert found["topics"] == await get(http, f"topics?{window()}")
    for topic in found["topics"]:
        assert len(await listed(http, topic["drill"], "volume")) == topic["volume"]
    for name in ("conversations", "fan_conversations", "broadcast_only"):
        assert len(await listed(http, found["drill"], name)) == found[name] > 0
    everything = await listed(http, found["drill"], "outcomes")
    assert sum(each["counted"] for each in everything) == sum(found["outcomes"].values())
    assert amount(everything) == pytest.approx(found["revenue"])
    for kind, number in found["outcomes"].items():
        own = await listed(http, found["drill"] + f"&value={kind}", "outcomes")
        assert sum(each["counted"] for each in own) == number
    times = await get(http, f"response-time?{window()}")
    answers = await listed(http, times["drill"], "responses")
    assert sum(each["counted"] for each in answers) == times["response_time"]["n"]


async def test_every_number_of_the_funnel_has_a_list_that_counts_as_much(http: httpx.AsyncClient) -> None:
    found = await get(http, f"ppv?{window()}")
    parts = [found[name] for name in ("by_delivery", "by_price_band", "by_media", "by_creator")]
    assert [len(part) > 1 for part in parts] == [True] * 4
    for row in [found["total"], *(row for part in parts for row in part)]:
        sent = await listed(http, row["drill"], "sent")
        unlocked = await listed(http, row["drill"], "unlocked", limit=20)
        assert (sum(each["counted"] for each in sent), len(sent)) == (row["sent"], row["conversations"])
        assert sum(each["counted"] for each in unlocked) == row["unlocked"]
        assert amount(unlocked) == pytest.approx(row["revenue"])
        if row["messages_sent"] is not None:
            messages = await listed(http, row["drill"], "messages")
            assert sum(each["counted"] for each in messages) == row["messages_sent"]
    assert found["total"]["unlocked"] > 10
    full = await get(http, f"full?{window()}")
    assert found["total"]["sent"] == full["ppv"]["direct"]["offers"] + full["ppv"]["mass"]["offers"]
    by_delivery = [row["sent"] for row in found["by_delivery"]]
    assert by_delivery == [full["ppv"]["direct"]["offers"], full["ppv"]["mass"]["offers"]]
    for name in ("sent", "unlocked", "messages_sent"):
        assert sum(row[name] for row in found["by_creator"]) == found["total"][name]
