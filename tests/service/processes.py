"""The processes of a service of a test's own."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.conftest import PATIENCE


def processes_of(folder: Path) -> list[str]:
    """Commands of processes that run with this data folder in their environment."""
    return [command for _, command in _running(folder)]


def replica_of(folder: Path) -> int:
    """The process id of the Serve replica."""
    [pid] = [pid for pid, command in _running(folder) if command.startswith("ray::ServeReplica")]
    return pid


def with_model(folder: Path) -> list[int]:
    """The process ids of those that have the library of the sentence model in memory."""
    return [pid for pid, _ in _running(folder) if b"libtorch_cpu" in Path(f"/proc/{pid}/maps").read_bytes()]


def memory_of(pid: int) -> int:
    """Bytes of a process that are in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _running(folder: Path) -> Iterator[tuple[int, str]]:
    setting = f"DATA_DIR={folder}".encode()  # others of this run name it elsewhere
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and setting in (process / "environ").read_bytes().split(b"\0"):
                yield int(process.name), (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue


def redis_of(folder: Path) -> int:
    """The process id of the embedded Redis."""
    return int((folder / "redis" / "pid").read_text())


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.1)
