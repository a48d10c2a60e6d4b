"""`python -m tests.chaos --kills 100 --seed 1`: a service of its own, and one run of chaos against it."""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import start, stop

MOST_FAULTS_SAID = 40


def main() -> int:
    """Print what happens and a table; returns 1 when anything is lost, doubled, reordered or different."""
    import ray

    from tests.chaos.run import run

    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    began = time.monotonic()

    def say(line: str) -> None:
        _write(f"{time.monotonic() - began:4.0f} s  {line}")

    say(f"seed {asked.seed}")
    with tempfile.TemporaryDirectory(prefix="analytics-chaos-", ignore_cleanup_errors=True) as folder:
        # Users come and go, and what they have is in checkpoints rather than in their journals.
        service = start(Path(folder), CHECKPOINT_MESSAGES="20", USER_IDLE="4", USERS_PER_NODE="6")
        try:
            ray.init(
                address=service.ray_address,
                namespace="analytics",
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
            outcome = asyncio.run(run(service, kills=asked.kills, seed=asked.seed, say=say))
        finally:
            ray.shutdown()
            stop(service)
    for fault in outcome.faults[:MOST_FAULTS_SAID]:
        _write(" ".join(fault))
    _write(f"\n{outcome.table()}")
    return 1 if outcome.faults or not all(outcome.trimmed) else 0


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
