"""The processes of a service of a test's own."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.conftest import PATIENCE


def processes_of(folder: Path) -> list[str]:
    """Commands of processes that run with this data folder in their environment."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and str(folder).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def redis_of(folder: Path) -> int:
    """The process id of the embedded Redis."""
    return int((folder / "redis" / "pid").read_text())


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.1)
