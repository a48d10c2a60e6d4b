"""Kinds of kill: each ends one real process of the service with kill -9, whatever it is doing."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import httpx
import ray
from ray.exceptions import RayError

from tests.conftest import Service

ANSWER = 20.0  # seconds for an actor to say which process it is


KINDS = ("user actor", "registry", "graph writer", "Serve replica", "enrichment worker", "embedded Redis")


class Kill(NamedTuple):
    kind: str
    user_id: str  # whose actor, when it is one
    after: float  # seconds since the kill before


def plan(rng: Random, count: int, users: Sequence[str], most_apart: float) -> list[Kill]:
    """Kinds in a random order in which all come up, user actors most of all."""
    kinds: list[str] = []
    while len(kinds) < count:
        deck = [*KINDS, "user actor", "user actor", "user actor", "enrichment worker"]
        rng.shuffle(deck)
        kinds += deck
    return [Kill(kind, rng.choice(users), rng.uniform(0, most_apart)) for kind in kinds[:count]]


async def carry_out(kill: Kill, service: Service, http: httpx.AsyncClient) -> None:
    """Kill it as soon as it lives. Only the service's own processes are ever killed."""
    while True:
        pid = await _find(kill, service)
        if pid is not None and pid in _descendants(service.pid):
            os.kill(pid, signal.SIGKILL)
            return
        with contextlib.suppress(httpx.TransportError):  # an actor that rests comes when it is called
            await http.get("/api/v1/chats", params={"user_id": kill.user_id}, timeout=1)
        await asyncio.sleep(0.1)


async def _find(kill: Kill, service: Service) -> int | None:
    match kill.kind:
        case "user actor":
            return await _pid_of(f"user:{kill.user_id}")
        case "registry":
            return await _pid_of("registry")
        case "graph writer":
            return await _pid_of("graph_writer")
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
    return next((pid for pid in sorted(_descendants(service.pid)) if _title(pid).startswith(title)), None)


async def _pid_of(name: str) -> int | None:
    """The process of the actor of that name; None when it does not live."""
    try:
        actor: Any = ray.get_actor(name, namespace="analytics")
        async with asyncio.timeout(ANSWER):
            pid: int = await actor.__ray_call__.remote(lambda self: os.getpid())
    except (ValueError, RayError, TimeoutError):
        return None
    return pid


def _descendants(pid: int) -> set[int]:
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
