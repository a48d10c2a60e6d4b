"""The whole of the graph's port on a stand-in for Cosmos DB that fails as the service is known to."""

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from chats.account import Account
from chats.enriched import EnrichedConversation
from chats.fan import FanState
from errors import GraphUnavailable
from graph.builder import GraphBuilder
from graph.connect import connect
from graph.model import DropConversation, DropOlder, DropPartition, Mutation, Scalar
from graph.port import Graph
from graph.traversals import ACCOUNTS_OF_USER, ACROSS_PARTITIONS, QUESTIONS
from tests.graph.strategies import ACTIONS, START, TOPICS, conversation, drop_off, tip
from tests.gremlin_server import server
from tests.standin.faults import Faults
from tests.standin.server import Standin

STEPS = 6  # batches of a life
RATE = 0.05  # of the requests that fail
WINDOW = {"start": int(START) - 10, "end": int(START) + 10}


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin(server.address(), allow_fan_out=True) as started:
        yield started


def opened(standin: Standin) -> Graph:
    url = f"cosmos:{standin.url.rstrip('/')}/?database=db&graph=graph"
    return connect(url, max_bindings=16, cosmos_key="secret")


def conv(random: Random, chat: int) -> EnrichedConversation:
    return conversation(
        f"c{chat}:m{random.randint(1, 3)}",
        topics=random.sample(TOPICS, random.randint(0, 3)),
        actions=random.sample(ACTIONS, random.randint(0, 3)),
        outcomes=random.choices((tip(), tip(None), drop_off()), k=random.randint(0, 2)),
        turns=random.randint(0, 9),
    )


def fan(random: Random) -> FanState:
    spend, unread = random.choice((0.0, 12.5)), random.randint(0, 3)
    return FanState("f1", "creator", "c1", START, spend, unread, START, 0.5, None, START + 60.0)


def life(random: Random, user: str) -> list[list[Mutation]]:
    """Batches of one account, each as an owner writes them."""
    batches: list[list[Mutation]] = []
    for rev in range(1, STEPS + 1):
        builder = GraphBuilder(user, "creator", rev)
        batch: list[Mutation] = []
        for _ in range(random.randint(1, 3)):
            each = conv(random, random.randint(1, 4))
            batch += builder.build_graph(each, random.choice(("f1", "f2")))
        batch += builder.build_fan(fan(random))
        if random.random() < 0.3:
            batch.append(DropConversation(builder.pk, conv(random, random.randint(1, 4)).id))
        if random.random() < 0.2:
            batch.append(DropOlder(builder.pk, rev))
        batches.append([*batch, builder.build_account()])
    return batches


async def written(graph: Graph, batches: Sequence[Sequence[Mutation]]) -> None:
    for batch in batches:
        while True:
            try:
                await graph.apply(batch)
                break
            except GraphUnavailable:
                continue


async def answers(graph: Graph, pk: str) -> dict[str, list[bytes]]:
    """The rows of every question that names a partition, in one order."""
    found: dict[str, list[bytes]] = {}
    for name, script in QUESTIONS.items():
        if script not in ACROSS_PARTITIONS:
            bindings: dict[str, Scalar] = {"pk": pk, **(WINDOW if "gte(start)" in script else {})}
            rows = await graph.submit(script, bindings)
            found[name] = sorted(orjson.dumps(_numbers(row), option=orjson.OPT_SORT_KEYS) for row in rows)
    return found


def _numbers(row: Any) -> Any:
    """Whole and broken numbers alike: JSON without types does not tell 5 from 5.0."""
    if isinstance(row, dict):
        return {key: _numbers(value) for key, value in row.items()}
    return float(row) if isinstance(row, int | float) and not isinstance(row, bool) else row


@pytest.mark.parametrize("seed", range(2))
async def test_every_question_has_the_answer_of_the_embedded_graph_whatever_fails(
    standin: Standin, tmp_path: Path, seed: int
) -> None:
    random, user = Random(seed), f"u{uuid.uuid4().hex}"
    batches, pk = life(random, user), Account(user, "creator").key
    embedded, cosmos = connect(f"embedded:{tmp_path / 'graph'}", max_bindings=16), opened(standin)
    try:
        standin.faults = Faults(RATE, seed)
        await asyncio.gather(written(embedded, batches), written(cosmos, batches))
        standin.faults = Faults()
        expected = await answers(embedded, pk)
        assert any(expected.values())
        assert await answers(cosmos, pk) == expected
        assert sorted(await cosmos.submit(ACCOUNTS_OF_USER, {"user_id": user})) == [pk]
        assert {each.status for each in standin.seen} > {200}  # some failed
        await written(cosmos, [[DropPartition(pk)]])
        left = await answers(cosmos, pk)
        assert left.pop("conversation_count") == [b"0.0"]
        assert not any(left.values())
    finally:
        await embedded.close()
        await cosmos.close()


async def test_an_idle_socket_that_was_cut_is_replaced(tmp_path: Path) -> None:
    with Standin(server.address(), idle=0.2, allow_fan_out=True) as standin:
        graph = opened(standin)
        try:
            await graph.ping()
            await asyncio.sleep(1.0)
            await graph.ping()
        finally:
            await graph.close()
