"""The writer before a real Redis and a real graph: whom it believes, also after it was started anew."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
from redis.asyncio import Redis

from actors.graph_writer import GraphWriter, ThroughActor, graph_reader
from errors import GraphUnavailable, StaleOwner
from graph.model import Mutation, UpsertVertex
from graph.placement import place
from session.journal import Journal
from settings import Settings
from tests.history.store import Store

Start = Callable[[], GraphWriter]


def fan(unread: int) -> list[Mutation]:
    return [UpsertVertex("u1/c1", "fan:f1", "Fan", {"unread": unread})]


async def unread(writer: GraphWriter) -> list[int]:
    return await writer.submit('g.V().has("pk", P.eq(pk)).values("unread")', {"pk": "u1/c1"})


@pytest.fixture
async def start(store: Store, tmp_path: Path) -> AsyncIterator[Start]:
    started: list[GraphWriter] = []

    def start() -> GraphWriter:
        settings = Settings(redis_url=store.url, data_dir=tmp_path)
        started.append(GraphWriter(settings.env()))
        return started[-1]

    yield start
    for each in started:
        await each.close()


async def test_a_displaced_owner_is_refused_also_by_a_writer_that_was_started_anew(
    start: Start, redis: Redis, user_id: str
) -> None:
    # Both owners live, and the older one knows nothing of the newer.
    older, newer = (
        (user_id, await Journal(redis, user_id).claim()),
        (user_id, await Journal(redis, user_id).claim()),
    )
    writer = start()
    await writer.apply(fan(1), newer)
    await writer.close()

    writer = start()
    with pytest.raises(StaleOwner):
        await writer.apply(fan(2), older)
    assert await unread(writer) == [1]
    await writer.apply(fan(3), newer)
    assert await unread(writer) == [3]


async def test_an_owner_is_displaced_before_the_next_one_writes(
    start: Start, redis: Redis, user_id: str
) -> None:
    writer = start()
    older = (user_id, await Journal(redis, user_id).claim())
    await writer.apply(fan(1), older)
    await Journal(redis, user_id).claim()
    with pytest.raises(StaleOwner):
        await writer.apply(fan(2), older)
    assert await unread(writer) == [1]


@pytest.mark.parametrize(
    ("url", "through"),
    [
        ("", True),
        ("ws://127.0.0.1:1/gremlin", False),
        ("cosmos:ws://127.0.0.1:1/?database=d&graph=g", True),
    ],
)
async def test_what_one_process_must_see_whole_is_read_through_the_writer(url: str, through: bool) -> None:
    writer = Mock(ThroughActor)
    reader = graph_reader(Settings(graph_url=url), writer)
    assert (reader is writer) == through
    if not through:
        await reader.close()


class Actor:
    """Stands for a writer's handle: notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.submit = self.apply = self

    def remote(self, what: str | list[Mutation], *_: object) -> str:
        self.asked.append(what if isinstance(what, str) else what[0].pk)
        return ""


async def test_an_account_is_read_and_written_by_its_writer_and_all_accounts_by_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def result(reference: str) -> list[str]:
        return []

    monkeypatch.setattr("actors.graph_writer.result", result)
    writers = [Actor() for _ in range(3)]
    graph = ThroughActor(writers)  # type: ignore[arg-type]
    accounts = [f"u{n}/c1" for n in range(20)]
    for account in accounts:
        await graph.apply([UpsertVertex(account, "fan:f1", "Fan")])
        await graph.submit("of one account", {"pk": account})
        writer = writers[place(account, len(writers))]
        assert writer.asked[-2:] == [account, "of one account"]
    assert all(each.asked for each in writers)
    await graph.submit("of all", {})
    assert sum(each.asked.count("of all") for each in writers) == 1


async def test_a_graph_in_cosmos_db_is_opened_with_the_key_of_its_file(store: Store, tmp_path: Path) -> None:
    settings = Settings(
        redis_url=store.url,
        graph_url="cosmos:ws://127.0.0.1:1/?database=d&graph=g",
        cosmos_key_file=str(tmp_path / "key"),
    )
    writer = GraphWriter(settings.env())
    with pytest.raises(GraphUnavailable, match="COSMOS_KEY_FILE"):
        await writer.ping()
    (tmp_path / "key").write_text("secret")
    with pytest.raises(GraphUnavailable, match="Cosmos DB") as caught:
        await writer.ping()
    assert "secret" not in str(caught.value)
    await writer.close()
