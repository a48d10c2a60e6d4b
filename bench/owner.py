"""`python -m bench.owner ADDRESS USER [end]`: the process of a user's actor; `end` passivates it.

A process of its own, as it joins the service's Ray.
"""

import json
import logging
import os
import sys
from typing import Any

import ray


def main() -> None:
    address, user_id, *more = sys.argv[1:]
    ray.init(address=address, namespace="analytics", log_to_driver=False, logging_level=logging.ERROR)
    registry: Any = ray.get_actor("registry")
    actor: Any = ray.get(registry.activate.remote(user_id))
    pid = ray.get(actor.__ray_call__.remote(lambda self: os.getpid()))
    print(json.dumps(pid))
    if more == ["end"]:
        ray.get(registry.passivate.remote(user_id))


if __name__ == "__main__":
    main()
