"""`python -m tests.service.owner ADDRESS USER pid|end`: the process of a user's actor, or its end in order.

A process of its own: a test process is a driver on one Ray only.
"""

import logging
import os
import sys
from typing import Any

import ray


def main() -> None:
    address, user_id, wanted = sys.argv[1:]
    ray.init(address=address, namespace="analytics", log_to_driver=False, logging_level=logging.ERROR)
    registry: Any = ray.get_actor("registry")
    if wanted == "end":
        ray.get(registry.passivate.remote(user_id))
    else:
        actor: Any = ray.get(registry.owner.remote(user_id))
        pid = ray.get(actor.__ray_call__.remote(lambda self: os.getpid()))
        sys.stdout.write(f"\n<{pid}>\n")  # told from the warnings that Ray writes here as well


if __name__ == "__main__":
    main()
