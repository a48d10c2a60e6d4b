"""What encryption at rest costs, in CPU time of the owner's process: taking messages in, and a checkpoint.

    python -m bench.encrypting

CPU time and not time, which says the same beside other work. Each figure is the median of rounds that take
turns without and with encryption.
"""

import asyncio
import os
import tempfile
import time
from pathlib import Path
from statistics import median

import orjson
from redis.asyncio import Redis

from bench.alone import alone, snapshot
from bench.corpus import corpus
from bench.durable import taking
from encryption.data_keys import DataKeys
from encryption.keyring import Keyring
from encryption.master import MasterKeyFile
from frames.log import connect_redis
from history.checkpoints import Checkpoint, Checkpoints
from local.redis import running_redis
from session.journal import Journal

ROUNDS = 9
BATCHES, BATCH = 50, 100  # of live messages
CHATS, EACH = 1_000, 20  # messages of a checkpoint
UNDERSTOOD_WITHIN = 20.0  # seconds


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:  # short: a socket's path holds 107 bytes
        folder = Path(name)
        with running_redis(folder, folder / "redis.sock", print) as url:
            asyncio.run(_measure(url, folder))


async def _measure(url: str, folder: Path) -> None:
    redis = connect_redis(url)
    file = folder / "master"
    file.write_bytes(os.urandom(32).hex().encode())
    file.chmod(0o600)
    keys = DataKeys(str(folder / "keys"), MasterKeyFile(file))
    rings = {name: Keyring("bench", keys, encrypts=name == "with") for name in ("without", "with")}
    samples = corpus(BATCHES * BATCH)
    bodies = [
        orjson.dumps([{"message": raw} for raw in samples.messages[start : start + BATCH]])
        for start in range(0, BATCHES * BATCH, BATCH)
    ]
    checkpoint = await _checkpoint(redis, folder)
    taken: dict[str, list[float]] = {name: [] for name in rings}
    written: dict[str, list[float]] = {name: [] for name in rings}
    sizes: dict[str, int] = {}
    for number in range(ROUNDS):
        for name, ring in rings.items():
            journal = Journal(redis, f"{name}{number}", ring)
            taken[name].append(await _cpu(journal, samples.creator_id, bodies) / (BATCHES * BATCH))
            checkpoints = Checkpoints(str(folder / name), "bench", number, ring)
            began = time.process_time()
            checkpoints.write(checkpoint)
            written[name].append(time.process_time() - began)
            sizes[name] = checkpoints.size
    await redis.connection_pool.disconnect()
    for what, unit, scale, found in (
        (f"Taking in a live message, {BATCH} a call", "µs", 1e6, taken),
        (f"A checkpoint of {CHATS} chats with {CHATS * EACH:,} messages", "ms", 1e3, written),
    ):
        off, on = (scale * median(found[name]) for name in ("without", "with"))
        print(f"{what}: {off:.1f} {unit} without, {on:.1f} {unit} with encryption ({on / off - 1:+.1%})")
    print(f"Bytes of the checkpoint: {sizes['without']:,} without, {sizes['with']:,} with")


async def _cpu(journal: Journal, creator_id: str, bodies: list[bytes]) -> float:
    """Seconds of this process."""
    async with taking(journal) as intake:
        began = time.process_time()
        for body in bodies:
            await intake.messages(body, creator_id)
        return time.process_time() - began


async def _checkpoint(redis: Redis, folder: Path) -> Checkpoint:
    async with alone(redis, "bench", folder / "alone") as session:
        await session.handle_snapshot(snapshot(CHATS, EACH), "creator")
        await session.leave(UNDERSTOOD_WITHIN)
    found = Checkpoints(str(folder / "alone" / "checkpoints"), "bench", 1).read()
    assert found is not None, "it was written"
    return found


if __name__ == "__main__":
    main()
