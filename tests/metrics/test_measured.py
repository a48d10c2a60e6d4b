"""What each part measures, by the metric's name."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

import session.graph
from actors.reports import Reports
from api.errors import add_error_handlers
from api.sockets.pages import Asked, Pages
from enrich.embedding import embed as embedding
from enrich.embedding.encoded import Encoded
from enrich.embedding.heads import Heads
from errors import GraphError, GraphUnavailable, Overloaded
from frames.publisher import Publisher
from graph import batcher as batching
from graph.batcher import Batcher
from graph.model import Mutation
from history.checkpoints import Checkpoint, Checkpoints
from history.history import History
from metrics.declared import (
    BACKLOG,
    EMBEDDED_TEXTS,
    FRAMES_LOST,
    FRAMES_SENT,
    FRAMES_SENT_BYTES,
    GRAPH_BATCH_MUTATIONS,
    GRAPH_RETRIES,
    GRAPH_WRITE_SECONDS,
    HTTP_ERRORS,
    INPUTS_HELD_TOTAL,
    JOURNAL_APPEND_RECORDS,
    JOURNAL_APPEND_SECONDS,
    MESSAGES_ACCEPTED,
    PAGES_CUT_OFF,
)
from metrics.tally import Counted, Tally
from session.clock import SystemClock
from session.graph import GraphWrites
from session.intake import Intake
from session.journal import Journal
from session.knowledge import Knowledge
from tests.conftest import PATIENCE
from tests.graph.test_batcher import Recorder, mutations
from wire.payloads import SystemStatus, SystemStatusMsg


@pytest.fixture
def tally() -> Tally:
    return Tally()


def plain(series: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    """Of metrics without a label, by name."""
    return {name: value for (name, of), value in series.items() if not of}


# The way in


@pytest.fixture
async def intake(redis: Redis, user_id: str, tally: Tally) -> AsyncIterator[Intake]:
    journal = Journal(redis, user_id)
    await journal.claim()
    made = Intake(
        journal,
        Knowledge(10),
        max_text=1_000,
        max_waiting=10,
        waiting=lambda: 0,
        accepted=lambda _: None,
        metrics=tally,
    )
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def message(id: int, fan: str | None = "f1") -> dict[str, Any]:
    sides = {} if fan is None else {"fromUser": {"id": fan, "name": "Fan"}}
    return {"id": id, "text": "hi", "createdAt": "2024-05-01T08:00:00+00:00", **sides}


async def test_messages_that_are_appended_together_are_one_append(intake: Intake, tally: Tally) -> None:
    await intake.messages(orjson.dumps([message(1), message(2)]), "c1")
    counted = tally.take()
    assert plain(counted.counts)[MESSAGES_ACCEPTED.name] == 2
    assert plain(counted.observed)[JOURNAL_APPEND_RECORDS.name] == [2]
    [seconds] = plain(counted.observed)[JOURNAL_APPEND_SECONDS.name]
    assert 0 < seconds < PATIENCE


async def test_what_is_known_already_is_no_append(intake: Intake, tally: Tally) -> None:
    await intake.messages(orjson.dumps([message(1)]), "c1")
    tally.take()
    await intake.messages(orjson.dumps([message(1)]), "c1")
    counted = tally.take()
    assert not counted.observed
    assert not plain(counted.counts).get(MESSAGES_ACCEPTED.name)


async def test_what_is_held_is_counted_by_its_reason(intake: Intake, tally: Tally) -> None:
    await intake.messages(orjson.dumps([message(1), message(2, fan=None)]), "c1")
    assert tally.take().counts[INPUTS_HELD_TOTAL.name, "no_chat"] == 1


async def test_a_snapshot_is_one_append(intake: Intake, tally: Tally) -> None:
    snapshot = {"chats": [{"withUser": {"id": "f1"}}], "messages": [message(1), message(2)]}
    await intake.snapshot(orjson.dumps(snapshot), "c1")
    counted = tally.take()
    assert plain(counted.counts)[MESSAGES_ACCEPTED.name] == 2
    assert len(plain(counted.observed)[JOURNAL_APPEND_SECONDS.name]) == 1


def test_a_checkpoint_tells_its_size(tmp_path: Path) -> None:
    checkpoints = Checkpoints(str(tmp_path), "u1", 1)
    checkpoints.write(Checkpoint(1, {}, {}, [], []))
    [path] = tmp_path.rglob("*1-*")
    assert checkpoints.size == path.stat().st_size > 0


# The graph


async def owners(_users: Any) -> dict[str, int]:
    return {}


async def test_a_batch_has_its_size_and_time_and_what_is_tried_again_is_counted(
    tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "RETRY_FIRST", 0.001)
    graph = Recorder()
    graph.away = 2
    batcher = Batcher(graph, owners, size=3, wait=PATIENCE, metrics=tally)
    await asyncio.gather(batcher.apply(mutations("a", "b")), batcher.apply(mutations("c")))
    counted = tally.take()
    assert plain(counted.counts) == {GRAPH_RETRIES.name: 2}
    assert plain(counted.observed)[GRAPH_BATCH_MUTATIONS.name] == [3]
    assert len(plain(counted.observed)[GRAPH_WRITE_SECONDS.name]) == 1
    graph.refused = {"bad"}
    with pytest.raises(GraphError):
        await asyncio.gather(batcher.apply(mutations("bad", "d", "e")))
    assert tally.take() == Counted()  # nothing was written
    await batcher.close()


class Away:
    """Takes no mutations at first."""

    def __init__(self, times: int) -> None:
        self._times = times

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        if self._times:
            self._times -= 1
            raise GraphUnavailable("The graph is away.")


async def test_an_owner_counts_how_often_it_tries_the_graph_again(
    tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session.graph, "RETRY_FIRST", 0.001)
    writes = GraphWrites("u1", History(gap=60, silence=60), Recorder(), SystemClock(), tally)
    writes.begin(1, Away(2), {"c1": {"everything": True}})
    running = asyncio.create_task(writes.run())
    async with asyncio.timeout(PATIENCE):
        await writes.caught_up()
    running.cancel()
    assert plain(tally.take().counts) == {GRAPH_RETRIES.name: 2}


# Pages


class Taking:
    """A Redis that takes scripts, or none."""

    def __init__(self) -> None:
        self.away = False

    def register_script(self, _text: str) -> Any:
        async def run(**_arguments: Any) -> bytes:
            if self.away:
                raise RedisConnectionError
            return b"1-0"

        return run


async def test_frames_are_counted_with_their_size_and_those_that_are_lost_apart(tally: Tally) -> None:
    redis = Taking()
    frames = Publisher(redis, "u1", lambda: None, tally)  # type: ignore[arg-type]
    frame = SystemStatusMsg(payload=SystemStatus(status="REALTIME"))
    await frames.send(frame)
    await frames.send_full_sync(b'{"a":1}', b'{"b":22}')
    redis.away = True
    await frames.send(frame)
    await frames.send(frame)  # nothing is tried any more
    assert plain(tally.take().counts) == {
        FRAMES_SENT.name: 2,
        FRAMES_SENT_BYTES.name: len(frame.published()) + 15,
        FRAMES_LOST.name: 2,
    }


class Socket:
    """A page that says nothing."""

    def __init__(self) -> None:
        self.accepted = asyncio.Event()
        self.code: int | None = None

    async def accept(self) -> None:
        self.accepted.set()

    async def receive(self) -> Any:
        await asyncio.Event().wait()

    async def send_text(self, text: str) -> None: ...

    async def close(self, code: int, reason: str | None) -> None:
        self.code = code


async def test_a_page_that_is_cut_off_is_counted_and_connected_no_more(
    redis: Redis, user_id: str, tally: Tally
) -> None:
    pages, socket = Pages(redis, None, tally), Socket()  # type: ignore[arg-type]
    serving = asyncio.create_task(pages.serve(socket, Asked(user_id), asyncio.Event()))  # type: ignore[arg-type]
    async with asyncio.timeout(PATIENCE):
        while not pages.connected:  # noqa: ASYNC110 (it is told nobody)
            await asyncio.sleep(0)
        [page] = pages._pages[Asked(user_id).channel]
        page.cut()
        await serving
    assert (pages.connected, socket.code) == (0, 4008)
    assert plain(tally.take().counts) == {PAGES_CUT_OFF.name: 1}
    assert pages._task is not None
    pages._task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await pages._task
    await pages._pubsub.aclose()  # type: ignore[no-untyped-call]


async def test_requests_that_are_refused_are_counted_by_status(tally: Tally) -> None:
    app = FastAPI()
    add_error_handlers(app, tally)

    @app.get("/")
    async def fail(n: int) -> None:
        raise Overloaded("Too much waits.")

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as client:
        for n in ("1", "2", "no number"):
            await client.get("/", params={"n": n})
    assert tally.take().counts == {(HTTP_ERRORS.name, "429"): 2, (HTTP_ERRORS.name, "422"): 1}


# Enrichment


class Encoder:
    def encode(self, texts: list[str], heads: Heads) -> Encoded:
        rows = len(texts)
        return Encoded(np.zeros((rows, 2), np.float32), np.zeros((rows, heads.outputs), np.float32))


def test_a_text_is_embedded_once_and_then_comes_from_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "encoder", lambda model, heads: Encoder())
    monkeypatch.setattr(embedding, "_cache", type(embedding._cache)())
    embedding.tally.take()
    embedding.embed(["one", "two"])
    embedding.embed(["two", "three"])
    counts = embedding.tally.take().counts
    assert counts == {(EMBEDDED_TEXTS.name, "model"): 3, (EMBEDDED_TEXTS.name, "cache"): 1}


# Owners


class Registry:
    """Stands in for the registry's handle: `record.options(..).remote(..)`."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Counted]] = []
        self.record = self

    def options(self, **_options: Any) -> "Registry":
        return self

    async def remote(self, user_id: str, counted: Counted) -> None:
        self.told.append((user_id, counted))


async def test_an_owner_at_rest_tells_nothing(tally: Tally) -> None:
    waiting = 3
    registry = Registry()
    reports = Reports("u1", tally, lambda: tally.set(BACKLOG, waiting))
    reports._registry = registry
    await reports.tell()
    await reports.tell()
    gauges = {(BACKLOG.name, ""): 3}
    assert registry.told == [("u1", Counted(gauges=gauges))]
    tally.count(FRAMES_SENT)
    await reports.tell()
    assert registry.told[1:] == [("u1", Counted({(FRAMES_SENT.name, ""): 1}, {}, gauges))]
