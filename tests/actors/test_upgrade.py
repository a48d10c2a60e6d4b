"""What a data folder from before there were accounts becomes, and who is woken for what the graph lacks."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

import actors.upgrade
from actors.upgrade import Upgrade
from chats.account import Account
from errors import GraphUnavailable, Unavailable
from frames.log import connect_redis
from graph.builder import GraphBuilder
from graph.embedded import EmbeddedGraph
from graph.model import Mutation, Scalar, UpsertVertex
from graph.write import rebuild_graph_from_snapshot
from session.topic_models import TopicModels
from tests.enrich.test_topic_store import artefact
from tests.graph.reading import contents
from tests.graph.strategies import conversation
from tests.history.store import Store

OLD: list[Mutation] = [
    UpsertVertex("shared", "creator:shared", "Creator"),
    UpsertVertex("shared", "fan:f1", "Fan", {"userId": "ben", "unread": 2}),
    UpsertVertex("shared", "conv:f1:m1", "ConversationNode", {"userId": "ben", "rev": 1}),
    UpsertVertex("shared", "topic:1", "Topic", {"description": "Travel"}),
    UpsertVertex("anna", "fan:f1", "Fan", {"userId": "anna"}),  # a chat without messages has no Creator
]


@pytest.fixture
async def redis(new_store: Store) -> AsyncIterator[Redis]:
    """In which Anna and Ben hold one creator, and Anna one more."""
    client = connect_redis(new_store.url)
    await client.sadd("users", "anna", "ben")
    await client.sadd("creators:anna", "anna", "shared")
    await client.sadd("creators:ben", "shared")
    yield client
    await client.connection_pool.disconnect()


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[EmbeddedGraph]:
    graph = EmbeddedGraph(tmp_path)
    await graph.apply(OLD)
    yield graph
    await graph.close()


class Owners:
    """Writes what a user holds as soon as it is asked for; some cannot be started."""

    def __init__(self, graph: EmbeddedGraph, *, broken: Sequence[str] = ()) -> None:
        self.woken: list[str] = []
        self._graph = graph
        self._broken = broken

    async def activate(self, user_id: str) -> Any:
        self.woken.append(user_id)
        if user_id in self._broken:
            raise Unavailable("It does not start.")
        return self

    @property
    def in_graph(self) -> Any:
        return self

    async def remote(self, user_id: str, within: float) -> None:
        for creator_id in ("anna", "shared") if user_id == "anna" else ("shared",):
            await rebuild_graph_from_snapshot(
                user_id, [conversation()], creator_id, fans=(), rev=1, writer=self._graph
            )


async def test_what_was_by_creator_is_dropped_once_the_accounts_are_written(
    redis: Redis, graph: EmbeddedGraph
) -> None:
    owners = Owners(graph)
    await Upgrade(redis, graph, graph).beside_owners(owners.activate)
    assert sorted(owners.woken) == ["anna", "ben"]
    assert await graph.submit('g.V().values("pk").dedup().order()', {}) == [
        "anna/anna",
        "anna/shared",
        "ben/shared",
    ]
    assert (await contents(graph, "ben/shared")).labelled("ConversationNode") == {"conv:c1:m1"}


async def test_whoever_the_graph_has_whole_is_not_woken(redis: Redis, graph: EmbeddedGraph) -> None:
    whole, part = GraphBuilder("ben", "shared", 1), GraphBuilder("anna", "shared", 1)
    await graph.apply([*whole.build_graph(conversation(), "f1"), whole.build_account()])
    await graph.apply(part.build_graph(conversation(), "f1"))  # a rebuild that was interrupted
    owners = Owners(graph)
    for _ in range(2):
        await Upgrade(redis, graph, graph).beside_owners(owners.activate)
    assert owners.woken == ["anna"]


async def test_a_user_that_does_not_start_keeps_none_of_the_others_waiting(
    redis: Redis, graph: EmbeddedGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actors.upgrade, "TOGETHER", 1)
    owners = Owners(graph, broken=["anna"])
    await Upgrade(redis, graph, graph).beside_owners(owners.activate)
    assert owners.woken == ["anna", "ben"]
    assert (await contents(graph, "ben/shared")).labelled("ConversationNode") == {"conv:c1:m1"}


class AwayAtFirst:
    """A graph that is away the first time it is asked, and the first time it is written to."""

    def __init__(self, graph: EmbeddedGraph) -> None:
        self._graph = graph
        self._away = {"submit", "apply"}

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        self._answers("submit")
        return await self._graph.submit(script, bindings)

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        self._answers("apply")
        await self._graph.apply(mutations)

    async def ping(self) -> None: ...

    async def close(self) -> None: ...

    def _answers(self, call: str) -> None:
        if call in self._away:
            self._away.remove(call)
            raise GraphUnavailable("The graph is away.")


async def test_a_graph_that_comes_later_is_waited_for(
    redis: Redis, graph: EmbeddedGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actors.upgrade, "RETRY_FIRST", 0.001)
    late, owners = AwayAtFirst(graph), Owners(graph)
    await Upgrade(redis, late, late).beside_owners(owners.activate)
    assert sorted(owners.woken) == ["anna", "ben"]
    assert await graph.submit('g.V().has("pk", P.eq(pk)).count()', {"pk": "shared"}) == [0]


async def test_every_account_keeps_the_topics_of_its_creator_and_a_later_one_gets_none(
    redis: Redis, graph: EmbeddedGraph
) -> None:
    await redis.hset("topics:shared", mapping={"version": 2, "next_topic": 7, "artefact": artefact(2, 7)})
    upgrade = Upgrade(redis, graph, graph)
    await upgrade.before_owners()
    await redis.sadd("users", "carl")
    await redis.sadd("creators:carl", "shared")
    await upgrade.before_owners()  # the registry began once more before it was through
    for user, kept in (("anna", artefact(2, 7)), ("ben", artefact(2, 7)), ("carl", None)):
        assert await TopicModels(redis).latest(Account(user, "shared")) == kept
    assert await TopicModels(redis).latest(Account("anna", "anna")) is None


async def test_what_is_by_account_is_left_alone(redis: Redis, graph: EmbeddedGraph) -> None:
    await Upgrade(redis, graph, graph).beside_owners(Owners(graph).activate)
    await graph.apply(OLD)
    await redis.hset("topics:shared", mapping={"version": 1, "next_topic": 0, "artefact": artefact(1)})
    again = Upgrade(redis, graph, graph)
    await again.before_owners()
    await again.beside_owners(Owners(graph).activate)
    assert await TopicModels(redis).latest(Account("ben", "shared")) is None
    assert await graph.submit('g.V().has("pk", P.eq(pk)).count()', {"pk": "shared"}) == [4]
