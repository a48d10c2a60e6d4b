"""Kinds of kill: each ends one real process of the service with kill -9, whatever it is doing."""

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import httpx
import ray
from ray.exceptions import RayError

from tests.conftest import Service, start, stop

ANSWER = 120.0  # seconds for an actor to say which process it is


FEW, SEED = 8, 10  # kills in a run of the tests, every kind among them
KINDS = ("user actor", "registry", "graph writer", "Serve replica", "enrichment worker", "embedded Redis")


class Kill(NamedTuple):
    kind: str
    user_id: str  # whose actor, when it is one
    after: float  # seconds since the kill before


Strike = Callable[[Kill, httpx.AsyncClient], Awaitable[None]]  # returns when it is killed


def settings(users: int) -> dict[str, str]:
    """Those with which users come and go, and have what they have in checkpoints rather than in journals."""
    return {"CHECKPOINT_MESSAGES": "20", "USER_IDLE": "4", "USERS_PER_NODE": str(users + users // 2)}


def plan(rng: Random, count: int, users: Sequence[str], most_apart: float) -> list[Kill]:
    """Kinds in a random order in which all come up, user actors most of all."""
    kinds: list[str] = []
    while len(kinds) < count:
        deck = [*KINDS, "user actor", "user actor", "user actor", "enrichment worker"]
        rng.shuffle(deck)
        kinds += deck
    return [Kill(kind, rng.choice(users), rng.uniform(0, most_apart)) for kind in kinds[:count]]


@contextmanager
def running(users: int) -> Iterator[tuple[Service, Strike]]:
    """A service of its own on this machine, and what kills in it."""
    with tempfile.TemporaryDirectory(prefix="analytics-chaos-", ignore_cleanup_errors=True) as folder:
        service = start(Path(folder), **settings(users))
        try:
            yield service, striking(service)
        finally:
            stop(service)


def striking(service: Service) -> Strike:
    """What kills in this service."""
    return lambda kill, http: _carry_out(kill, service, http)


async def _carry_out(kill: Kill, service: Service, http: httpx.AsyncClient) -> None:
    """Kill it as soon as it lives. Only the service's own processes are ever killed."""
    while (pid := await _find(kill, service)) is None or pid not in descendants(service.pid):
        await call(kill.user_id, http)
    os.kill(pid, signal.SIGKILL)


async def call(user_id: str, http: httpx.AsyncClient) -> None:
    """Have an actor that rests come."""
    with contextlib.suppress(httpx.TransportError):
        await http.get("/api/v1/chats", params={"user_id": user_id}, timeout=1)
    await asyncio.sleep(0.1)


async def _find(kill: Kill, service: Service) -> int | None:
    match kill.kind:
        case "user actor":
            return await _pid_of(f"user:{kill.user_id}")
        case "registry":
            return await _pid_of("registry")
        case "graph writer":
            return await _pid_of("graph_writer_0")
        case "embedded Redis":
            return _written(service.folder / "redis" / "pid")
        case "Serve replica":
            return _titled(service, "ray::ServeReplica")
        case _:  # a worker that is enriching, if one is: a task's process has its function as title
            return _titled(service, "ray::_") or _titled(service, "ray::IDLE")


def _written(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (FileNotFoundError, ValueError):  # it is being written
        return None


def _titled(service: Service, title: str) -> int | None:
    return next((pid for pid in sorted(descendants(service.pid)) if _title(pid).startswith(title)), None)


async def _pid_of(name: str) -> int | None:
    """The process of the actor of that name; None when it does not live."""
    pid: int | None = await asked(name, lambda _: os.getpid())
    return pid


async def asked(name: str, question: Callable[[Any], Any]) -> Any:
    """What the actor of that name answers; None when it does not live."""
    try:
        async with asyncio.timeout(ANSWER):
            actor = await found(name)
            return None if actor is None else await actor.__ray_call__.remote(question)
    except (ValueError, RayError, TimeoutError):
        return None


async def found(name: str) -> Any:
    """The actor of that name, or of the user at `user:{user_id}`; None or ValueError when it is not up."""
    kind, _, user_id = name.partition(":")
    if kind != "user":
        return ray.get_actor(name, namespace="analytics")
    registry: Any = ray.get_actor("registry", namespace="analytics")
    return await registry.owner.remote(user_id)


def descendants(pid: int) -> set[int]:
    """The processes that came of this one, as far as their parents live."""
    parents: dict[int, int] = {}
    for each in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(each.name)] = int((each / "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found: set[int] = set()
    fresh = {pid}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh}
        found |= fresh
    return found


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
