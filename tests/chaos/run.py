"""One run of chaos: users send while parts of the service are killed; then everything is compared.

The graph and the numbers are compared with those of another user who sends what must be there at once, in one
snapshot, when nothing is killed any more.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx
import ray

from actors.graph_writer import ThroughActor
from chats.account import Account
from tests.chaos.check import (
    Fault,
    View,
    graph_faults,
    journal_faults,
    listing_faults,
    number_faults,
    page_faults,
)
from tests.chaos.clients import Extension, Log, Poster, reading_journal, trimmed_records, watching
from tests.chaos.kills import Kill, Strike
from tests.chaos.stream import Key, Send, kept, listed_chats, openings, stream
from tests.conftest import PATIENCE, Service
from tests.graph.reading import Contents, contents
from tests.service.talk import Raw, post

STEPS = 3  # of each user, for one kill
AHEAD = 2  # kills that the stream may be ahead of, so that it lasts as long as they do
BETWEEN_KILLS = 4.0  # seconds at most; half of it in the mean
LIST_PAGE = 100


@dataclass(slots=True)
class User:
    """One user of the run: what is sent, and what was seen of it."""

    id: str
    sends: Sequence[Send]
    log: Log = field(default_factory=Log)
    view: View = field(default_factory=View)
    journaled: list[Key] = field(default_factory=list)

    @property
    def rebuilt(self) -> str:
        """Who sends at once what this user should have."""
        return f"{self.id}-at-once"

    def model(self) -> dict[str, list[Raw]]:
        return kept(self.log.acknowledged)


@dataclass(frozen=True, slots=True)
class Outcome:
    kills: Counter[str]
    users: Sequence[User]
    seconds: float  # from the first message to the last comparison
    faults: Sequence[Fault]
    trimmed: Sequence[int]  # records of each user that are in checkpoints and no longer in the journal

    def table(self) -> str:
        """As Markdown."""
        found = Counter(fault.kind for fault in self.faults)
        logs = [user.log for user in self.users]
        rows = [
            *((f"kill -9: {kind}", str(count)) for kind, count in sorted(self.kills.items())),
            ("kill -9 in all", str(self.kills.total())),
            ("users", str(len(self.users))),
            ("messages sent", f"{sum(log.sent for log in logs):,}"),
            ("of them sent again", f"{sum(log.resent for log in logs):,}"),
            (
                "answers and closed connections that had it sent again",
                _counts(sum((log.refusals for log in logs), Counter())),
            ),
            ("acknowledged", f"{sum(len(log.acknowledged) for log in logs):,}"),
            (
                "messages that must be there",
                f"{sum(len(own) for user in self.users for own in user.model().values()):,}",
            ),
            ("records trimmed behind checkpoints", f"{sum(self.trimmed):,}"),
            ("duration", f"{self.seconds:.0f} s"),
            ("lost", str(found["lost"])),
            ("doubled", str(found["doubled"])),
            ("reordered", str(found["reordered"])),
            ("graph differences", str(found["graph"])),
            ("number differences", str(found["number"])),
            ("users not settled", str(found["unsettled"])),
        ]
        return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


async def _trimmed(
    service: Service, users: Sequence[User], enough: Callable[[Iterable[int]], bool]
) -> list[int]:
    """Records of each user that checkpoints made superfluous, once they are `enough`.

    A slow machine has its second checkpoint, behind which the first records go, only when the user idles:
    that is waited for.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        found = [await trimmed_records(service.redis_url, user.id) for user in users]
        if enough(found) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(1)


async def run(
    service: Service,
    kills: Sequence[Kill],
    strike: Strike,
    *,
    names: Sequence[str],
    seed: int,
    say: Callable[[str], None],
    enough: Callable[[Iterable[int]], bool],
) -> Outcome:
    """Drive the stream of this seed against a fresh service while `strike` kills, then compare everything."""
    now = datetime.now(UTC)
    users = [User(name, stream(seed, name, now, STEPS * len(kills))) for name in names]
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=service.url, timeout=PATIENCE))
        for user in users:
            user.view = await stack.enter_async_context(watching(service.ws, user.id))
            user.journaled = await stack.enter_async_context(reading_journal(service.redis_url, user.id))
        async with asyncio.TaskGroup() as tasks:
            struck = [asyncio.Event() for _ in kills]
            tasks.create_task(_kill(strike, http, kills, struck, say))
            for user in users:
                tasks.create_task(_send(service, http, user, struck, Random(f"{seed} {user.id}")))
        say("Everything is acknowledged; waiting until it is in the graph.")
        for user in users:
            messages = [raw for own in user.model().values() for raw in own]
            ids = {raw["id"] for raw in messages}
            messages += (raw for raw in openings(user.log.acknowledged) if raw["id"] in ids)
            await post(http, user.rebuilt, "snapshot", {"chats": listed_chats(now), "messages": messages})
        faults = await _settle(http, users, say)
    counts = Counter(kill.kind for kill in kills)
    trimmed = await _trimmed(service, users, enough)
    return Outcome(counts, users, time.monotonic() - began, faults, trimmed)


async def _kill(
    strike: Strike,
    http: httpx.AsyncClient,
    kills: Sequence[Kill],
    struck: Sequence[asyncio.Event],
    say: Callable[[str], None],
) -> None:
    for number, kill in enumerate(kills, 1):
        await asyncio.sleep(kill.after)
        await strike(kill, http)
        struck[number - 1].set()
        say(f"kill {number} of {len(kills)}: {kill.kind}")


async def _send(
    service: Service, http: httpx.AsyncClient, user: User, struck: Sequence[asyncio.Event], rng: Random
) -> None:
    """Send everything, each channel on its own; return when all of it is acknowledged."""
    poster = Poster(http, user.id, user.log)
    posts: asyncio.Queue[Send | None] = asyncio.Queue()
    uri = f"{service.ws}/ws/extension/{user.id}"
    sockets = {name: Extension(uri, user.log) for name in ("socket 1", "socket 2")}

    async def posting() -> None:
        while (send := await posts.get()) is not None:
            await poster.send(send)

    async def beginning() -> None:
        for step, send in enumerate(user.sends):
            if step >= AHEAD * STEPS:
                await struck[min(step // STEPS - AHEAD, len(struck) - 1)].wait()
            if send.channel in sockets:
                sockets[send.channel].send(send)
            else:
                posts.put_nowait(send)
            await asyncio.sleep(rng.uniform(0, BETWEEN_KILLS / STEPS))
        posts.put_nowait(None)
        for socket in sockets.values():
            socket.end()

    await asyncio.gather(beginning(), posting(), *(socket.run() for socket in sockets.values()))


async def _settle(http: httpx.AsyncClient, users: Sequence[User], say: Callable[[str], None]) -> list[Fault]:
    """What is wrong when all work is done; what only was not done yet is none."""
    graph = ThroughActor([ray.get_actor("graph_writer_0", namespace="analytics")])
    deadline = time.monotonic() + PATIENCE
    seen = -1
    while True:
        faults = [fault for user in users for fault in await _faults(http, graph, user)]
        if not faults or time.monotonic() > deadline:
            return faults
        if len(faults) != seen:
            seen = len(faults)
            say(f"{seen} differences still, such as: {faults[0].kind} {faults[0].user_id}")
        await asyncio.sleep(1)


async def _faults(http: httpx.AsyncClient, graph: ThroughActor, user: User) -> list[Fault]:
    model = user.model()
    listed = {chat: await _listed(http, user.id, chat) for chat in model}
    return [
        *listing_faults(user.id, model, listed),
        *page_faults(user.id, model, user.view),
        *journal_faults(user.id, user.log.own_runs(), user.journaled),
        *graph_faults(user.id, await _graph(graph, user.id), await _graph(graph, user.rebuilt)),
        *number_faults(user.id, await _insights(http, user.id), await _insights(http, user.rebuilt)),
    ]


async def _graph(graph: ThroughActor, user_id: str) -> Contents:
    return await contents(graph, Account(user_id, user_id).key)


async def _listed(http: httpx.AsyncClient, user_id: str, chat_id: str) -> list[Raw]:
    """The chat's messages, oldest first."""
    found: list[Raw] = []
    while True:
        asked = {"user_id": user_id, "limit": LIST_PAGE, "offset": len(found)}
        part = await _get(http, f"/api/v1/chats/{chat_id}/messages", asked)
        found += part
        if len(part) < LIST_PAGE:
            return found[::-1]


async def _insights(http: httpx.AsyncClient, user_id: str) -> Raw:
    update: Raw = await _get(http, "/api/v1/insights/full", {"user_id": user_id, "creator_id": user_id})
    return update


async def _get(http: httpx.AsyncClient, path: str, asked: dict[str, Any]) -> Any:
    """The answer; asked again while what was killed last comes back."""
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = await http.get(path, params=asked)
        if answer.status_code == 200 or time.monotonic() > deadline:
            return answer.raise_for_status().json()
        await asyncio.sleep(0.5)
