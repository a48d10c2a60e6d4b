"""A snapshot of 100,000 messages of one creator, from the request until everything is on the page."""

import asyncio
import re
import time
from pathlib import Path
from typing import cast

import aiohttp

from bench.client import page, warm
from bench.corpus import corpus
from bench.figure import Figure
from bench.service import beside

MESSAGES = 100_000
USER = "bench-snapshot"
SEED, SEED_ALONE = 1_000, 2_000  # other texts than those of other measurements: no worker has met them
PAUSE = 1.0  # seconds between two looks at the memory


async def measure(url: str, ray_address: str, folder: str, naive: float) -> list[Figure]:
    """`folder` is the service's data folder; `naive` the messages/s of `.encode` one by one."""
    alone = cast(float, await beside("bench.understand", ray_address, str(SEED_ALONE), str(MESSAGES)))
    samples = corpus(MESSAGES, seed=SEED)
    before = _memory(folder)
    timeout = aiohttp.ClientTimeout(total=1_800)
    async with aiohttp.ClientSession(url, timeout=timeout) as http, page(http, USER) as opened:
        peak = [before]
        watching = asyncio.create_task(_watch(folder, peak))
        start = time.perf_counter()
        path = f"/api/v1/ingest/{USER}/snapshot?creator_id={samples.creator_id}"
        await warm(http, opened, path, samples.messages)
        seconds = time.perf_counter() - start
        watching.cancel()
    return [
        Figure(
            f"Snapshot of {MESSAGES:,} messages, until all of it is on the page",
            MESSAGES / seconds,
            "messages/s",
            "`.encode` one by one, fp32, embedding only",
            naive,
        ),
        Figure(
            f"Snapshot of {MESSAGES:,} messages, until all of it is on the page",
            seconds,
            "s",
            "understanding as many alone",
            alone,
        ),
        Figure("Memory of the whole service at its peak meanwhile", peak[0], "GiB", "before", before),
    ]


async def _watch(folder: str, peak: list[float]) -> None:
    while True:
        peak[0] = max(peak[0], await asyncio.to_thread(_memory, folder))
        await asyncio.sleep(PAUSE)


def _memory(folder: str) -> float:
    """GiB of all processes with this data folder in their environment; what they share counts once."""
    total = 0
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and folder.encode() in (process / "environ").read_bytes():
                found = re.search(r"^Pss:\s+(\d+) kB", (process / "smaps_rollup").read_text(), re.MULTILINE)
                total += int(found[1]) if found else 0
        except OSError:  # it has ended meanwhile
            continue
    return total / 2**20
