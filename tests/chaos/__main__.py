"""`python -m tests.chaos --kills 100 --seed 1`: a service of its own, and one run of chaos against it.

With `--nodes` the service runs on a Ray cluster, and whole nodes are killed. With `--folder DATA_DIR` it is
one that runs already, started with `tests.chaos.kills.settings`.
"""

import argparse
import asyncio
import logging
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from random import Random

import tests.conftest  # noqa: F401 (before Ray: it reads its environment when it is imported)

MOST_FAULTS_SAID = 40


def main() -> int:
    """Print what happens and a table; returns 1 when anything is lost, doubled, reordered or different."""
    import ray

    from tests.chaos import kills, nodes
    from tests.chaos.run import BETWEEN_KILLS, run
    from tests.conftest import load

    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--users", type=int, default=4, help="who send at once")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--nodes", action="store_true", help="kill whole nodes of a cluster")
    where.add_argument("--folder", type=Path, help="of the service that runs already")
    asked = parser.parse_args()
    plan, running = (nodes.plan, nodes.running) if asked.nodes else (kills.plan, kills.running)
    names = [f"chaos-{number}" for number in range(1, asked.users + 1)]
    planned = plan(Random(asked.seed), asked.kills, names, BETWEEN_KILLS)
    enough = any if asked.nodes else all  # so few messages do not bring two checkpoints to every user
    began = time.monotonic()

    def say(line: str) -> None:
        _write(f"{time.monotonic() - began:4.0f} s  {line}")

    say(f"seed {asked.seed}")
    with ExitStack() as stack:
        if asked.folder is None:
            service, strike = stack.enter_context(running(asked.users))
        else:
            service = load(asked.folder)
            strike = kills.striking(service)
        ray.init(
            address=service.ray_address,
            namespace="analytics",
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        try:
            outcome = asyncio.run(
                run(service, planned, strike, names=names, seed=asked.seed, say=say, enough=enough)
            )
        finally:
            ray.shutdown()
    for fault in outcome.faults[:MOST_FAULTS_SAID]:
        _write(" ".join(fault))
    _write(f"\n{outcome.table()}")
    return 1 if outcome.faults or not enough(outcome.trimmed) else 0


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
