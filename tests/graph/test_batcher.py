import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import GraphError, GraphUnavailable, JournalUnavailable, StaleOwner
from graph import batcher as batching
from graph.batcher import Batcher
from graph.model import Mutation, Scalar, UpsertVertex
from tests.conftest import PATIENCE

FOREVER = 3600.0
Start = Callable[..., Batcher]


def mutations(*ids: str, account: str = "c1") -> list[Mutation]:
    return [UpsertVertex(account, id, "Fan") for id in ids]


class Recorder:
    """A graph that notes what it is given; it can be away, refuse some ids, or be held."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []  # that went in
        self.tried = 0
        self.asked = asyncio.Event()
        self.away = 0  # this many more calls find it away
        self.refused: set[str] = set()
        self.open = asyncio.Event()
        self.open.set()

    @property
    def written(self) -> list[str]:
        return [id for batch in self.batches for id in batch]

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        self.tried += 1
        self.asked.set()
        await self.open.wait()
        if self.away:
            self.away -= 1
            raise GraphUnavailable("The graph is away.")
        ids = [mutation.id for mutation in mutations if isinstance(mutation, UpsertVertex)]
        if self.refused & set(ids):
            raise GraphError("The graph refuses this.")
        self.batches.append(ids)

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        raise NotImplementedError

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


class Epochs:
    """The newest epoch of each user; it can be away."""

    def __init__(self) -> None:
        self.newest: dict[str, int] = {}
        self.asked: list[set[str]] = []
        self.away = 0  # this many more calls find it away

    async def __call__(self, users: Collection[str]) -> Mapping[str, int]:
        self.asked.append(set(users))
        if self.away:
            self.away -= 1
            raise JournalUnavailable("Redis is away.")
        return {user: self.newest[user] for user in users if user in self.newest}


@pytest.fixture
def epochs() -> Epochs:
    return Epochs()


@pytest.fixture
async def graph() -> Recorder:
    return Recorder()


@pytest.fixture
async def start(graph: Recorder, epochs: Epochs, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Starts the batcher before the graph; its retries come quickly."""
    monkeypatch.setattr(batching, "RETRY_FIRST", 0.001)
    started: list[Batcher] = []

    def start(*, size: int = 1, wait: float = 0.0) -> Batcher:
        started.append(Batcher(graph, epochs, size=size, wait=wait))
        return started[-1]

    yield start
    for each in started:
        await each.close()


async def test_callers_of_one_moment_go_out_together_in_their_order(graph: Recorder, start: Start) -> None:
    batcher = start(size=6, wait=FOREVER)
    await asyncio.gather(*(batcher.apply(mutations(f"{n}a", f"{n}b")) for n in range(3)))
    assert graph.batches == [["0a", "0b", "1a", "1b", "2a", "2b"]]


async def test_a_full_batch_does_not_wait_for_company_and_a_lone_mutation_waits_no_longer_than_told(
    graph: Recorder, start: Start
) -> None:
    await start(size=2, wait=FOREVER).apply(mutations("a", "b"))
    await start(size=100, wait=0.001).apply(mutations("c"))
    assert graph.batches == [["a", "b"], ["c"]]


async def test_what_does_not_fill_a_batch_waits_for_company(graph: Recorder, start: Start) -> None:
    batcher = start(size=3, wait=FOREVER)
    first = asyncio.create_task(batcher.apply(mutations("a")))
    for _ in range(10):
        await asyncio.sleep(0)
    assert graph.tried == 0
    await batcher.apply(mutations("b", "c"))
    await first
    assert graph.batches == [["a", "b", "c"]]


async def test_a_call_returns_only_when_its_mutations_are_in(graph: Recorder, start: Start) -> None:
    graph.open.clear()
    call = asyncio.create_task(start().apply(mutations("a")))
    await graph.asked.wait()
    assert not call.done()
    graph.open.set()
    await call
    assert graph.written == ["a"]


async def test_what_arrives_during_a_write_forms_the_next_batch(graph: Recorder, start: Start) -> None:
    batcher = start()
    graph.open.clear()
    calls = [asyncio.create_task(batcher.apply(mutations("a")))]
    await graph.asked.wait()
    calls += [asyncio.create_task(batcher.apply(mutations(id))) for id in "bcd"]
    await asyncio.sleep(0)
    graph.open.set()
    await asyncio.gather(*calls)
    assert graph.batches == [["a"], ["b", "c", "d"]]


async def test_batches_are_bounded_and_a_large_call_is_cut_in_its_order(
    graph: Recorder, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "LARGEST_BATCH", 4)
    monkeypatch.setattr(batching, "LARGEST_PART", 2)
    batcher = start(size=8, wait=FOREVER)
    await asyncio.gather(batcher.apply(mutations(*"abcdefg")), batcher.apply(mutations("h")))
    assert graph.batches == [list("abcd"), list("efgh")]


async def test_a_small_write_waits_for_one_batch_of_another_accounts_rebuild(
    graph: Recorder, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "LARGEST_BATCH", 4)
    monkeypatch.setattr(batching, "LARGEST_PART", 2)
    batcher = start()
    graph.open.clear()
    rebuild = asyncio.create_task(batcher.apply(mutations(*"abcdefghijkl")))
    await graph.asked.wait()
    other = asyncio.create_task(batcher.apply(mutations(*"rst", account="c2")))
    deltas = [asyncio.create_task(batcher.apply(mutations(id, account=id))) for id in "xy"]
    await asyncio.sleep(0)
    graph.open.set()
    await asyncio.gather(*deltas)
    assert not rebuild.done()
    assert not other.done()
    await asyncio.gather(rebuild, other)
    assert graph.batches[:3] == [list("abcd"), ["x", "y"], ["e", "f", "r", "s"]]
    assert [id for id in graph.written if id in "abcdefghijkl"] == list("abcdefghijkl")


async def test_small_writes_that_do_not_end_hold_up_no_rebuild(
    graph: Recorder, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "LARGEST_BATCH", 4)
    monkeypatch.setattr(batching, "LARGEST_PART", 2)
    batcher = start()
    rebuild = asyncio.create_task(batcher.apply(mutations(*"abcdefghijkl")))

    async def again_and_again(id: str) -> None:
        while not rebuild.done():
            await batcher.apply(mutations(id, account=id))

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(rebuild, *map(again_and_again, "xyz"))
    assert len(graph.batches) < 20


async def test_what_is_left_of_a_refused_call_is_not_written_and_makes_room(
    graph: Recorder, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "LARGEST_BATCH", 2)
    monkeypatch.setattr(batching, "MOST_WAITING", 5)
    graph.refused = {"bad"}
    batcher = start()
    with pytest.raises(GraphError):
        await batcher.apply(mutations("bad", "b", "c", "d", "e"))
    async with asyncio.timeout(PATIENCE):
        await batcher.apply(mutations(*"vwxyz"))
    assert graph.written == list("vwxyz")


async def test_an_owner_that_is_displaced_between_two_parts_writes_no_more(
    graph: Recorder, epochs: Epochs, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "LARGEST_BATCH", 2)
    epochs.newest = {"u1": 1}
    batcher = start()
    graph.open.clear()
    older = asyncio.create_task(batcher.apply(mutations(*"abcd"), ("u1", 1)))
    await graph.asked.wait()
    epochs.newest = {"u1": 2}
    newer = asyncio.create_task(batcher.apply(mutations("n"), ("u1", 2)))
    graph.open.set()
    with pytest.raises(StaleOwner):
        await older
    await newer
    assert graph.written == ["a", "b", "n"]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9)), min_size=1, max_size=12),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(0, 2),
)
def test_each_account_is_written_in_the_order_of_its_calls_in_bounded_batches(
    calls: list[tuple[int, int]], largest_batch: int, largest_part: int, away: int
) -> None:
    async def written() -> Recorder:
        graph = Recorder()
        graph.away = away
        batcher = Batcher(graph, Epochs(), size=1, wait=0.0)
        asked = (
            mutations(*(f"{account}:{n}:{m}" for m in range(count)), account=str(account))
            for n, (account, count) in enumerate(calls)
        )
        await asyncio.gather(*(batcher.apply(each) for each in asked))
        await batcher.close()
        return graph

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batching, "LARGEST_BATCH", largest_batch)
        patch.setattr(batching, "LARGEST_PART", largest_part)
        patch.setattr(batching, "RETRY_FIRST", 0.0001)
        graph = asyncio.run(written())
    assert max(map(len, graph.batches)) <= largest_batch
    for account in range(3):
        assert [id for id in graph.written if id.startswith(f"{account}:")] == [
            f"{account}:{n}:{m}" for n, (of, count) in enumerate(calls) if of == account for m in range(count)
        ]


async def test_callers_that_outrun_the_graph_wait_until_there_is_room(
    graph: Recorder, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "MOST_WAITING", 4)
    batcher = start()
    graph.open.clear()
    first = asyncio.create_task(batcher.apply(mutations("a", "b", "c")))
    await graph.asked.wait()
    fits = asyncio.create_task(batcher.apply(mutations("d")))
    too_much = asyncio.create_task(batcher.apply(mutations(*"efghij")))
    for _ in range(10):
        await asyncio.sleep(0)
    graph.open.set()
    await asyncio.gather(first, fits, too_much)
    # "d" waited in the queue during the first write, what had no room came after both.
    assert graph.batches == [["a", "b", "c"], ["d"], list("efghij")]


async def test_a_graph_that_is_away_is_tried_until_it_is_back(graph: Recorder, start: Start) -> None:
    graph.away = 5
    batcher = start(size=2, wait=FOREVER)
    await asyncio.gather(batcher.apply(mutations("a")), batcher.apply(mutations("b")))
    assert (graph.tried, graph.batches) == (6, [["a", "b"]])


async def test_a_caller_whose_mutations_are_refused_takes_no_other_down(
    graph: Recorder, start: Start
) -> None:
    graph.refused = {"bad"}
    batcher = start(size=4, wait=FOREVER)
    results = await asyncio.gather(
        *(batcher.apply(mutations(*ids)) for ids in (["a"], ["b", "bad"], ["c"])), return_exceptions=True
    )
    assert [type(each) for each in results] == [type(None), GraphError, type(None)]
    assert graph.written == ["a", "c"]
    graph.refused = set()
    await start().apply(mutations("bad"))
    assert graph.written == ["a", "c", "bad"]


async def test_a_caller_that_went_away_holds_nobody_up(graph: Recorder, start: Start) -> None:
    batcher = start(size=2, wait=FOREVER)
    gone = asyncio.create_task(batcher.apply(mutations("a")))
    await asyncio.sleep(0)
    gone.cancel()
    await batcher.apply(mutations("b"))
    assert graph.batches == [["a", "b"]]
    graph.away = 1
    await batcher.apply(mutations("c", "d"))
    assert graph.written == ["a", "b", "c", "d"]


async def test_nothing_to_write_asks_nothing_of_the_graph(graph: Recorder, start: Start) -> None:
    await start(size=1, wait=FOREVER).apply([])
    assert graph.tried == 0


async def test_a_displaced_owner_is_refused_and_takes_no_other_down(
    graph: Recorder, epochs: Epochs, start: Start
) -> None:
    epochs.newest = {"u1": 3, "u2": 7}
    batcher = start(size=4, wait=FOREVER)
    results = await asyncio.gather(
        batcher.apply(mutations("old"), ("u1", 2)),
        batcher.apply(mutations("new"), ("u1", 3)),
        batcher.apply(mutations("other"), ("u2", 7)),
        batcher.apply(mutations("nobody's")),
        return_exceptions=True,
    )
    assert [type(each) for each in results] == [StaleOwner, type(None), type(None), type(None)]
    assert graph.batches == [["new", "other", "nobody's"]]
    assert epochs.asked == [{"u1", "u2"}]  # once for the batch


async def test_an_owner_that_is_displaced_while_it_waits_is_refused(
    graph: Recorder, epochs: Epochs, start: Start
) -> None:
    epochs.newest = {"u1": 1, "u2": 1}
    batcher = start()
    graph.open.clear()
    first = asyncio.create_task(batcher.apply(mutations("a"), ("u2", 1)))
    await graph.asked.wait()
    waits = asyncio.create_task(batcher.apply(mutations("b"), ("u1", 1)))
    await asyncio.sleep(0)
    epochs.newest["u1"] = 2
    graph.open.set()
    await first
    with pytest.raises(StaleOwner):
        await waits
    assert graph.batches == [["a"]]


async def test_an_owner_that_is_displaced_while_the_graph_is_away_is_refused(
    graph: Recorder, epochs: Epochs, start: Start
) -> None:
    epochs.newest = {"u1": 1}
    graph.away = 1
    graph.open.clear()
    call = asyncio.create_task(start().apply(mutations("a"), ("u1", 1)))
    await graph.asked.wait()
    epochs.newest = {"u1": 2}
    graph.open.set()
    with pytest.raises(StaleOwner):
        await call
    assert graph.batches == []


async def test_nothing_of_an_owner_is_written_while_it_is_not_known_who_owns(
    graph: Recorder, epochs: Epochs, start: Start
) -> None:
    epochs.newest = {"u1": 1}
    epochs.away = 3
    await start().apply(mutations("a"), ("u1", 1))
    assert (len(epochs.asked), graph.tried, graph.batches) == (4, 1, [["a"]])


async def test_an_owner_of_whom_nothing_is_known_is_refused(graph: Recorder, start: Start) -> None:
    with pytest.raises(StaleOwner):
        await start().apply(mutations("a"), ("u1", 1))
    assert graph.tried == 0


async def test_who_owns_is_not_asked_for_writes_of_nobody(epochs: Epochs, start: Start) -> None:
    await start().apply(mutations("a"))
    assert epochs.asked == []
