"""`python -m bench.owner ADDRESS USER [end]`: memory of a user's actor as JSON, in MiB; `end` passivates it.

A process of its own, as it joins the service's Ray.
"""

import json
import logging
import os
import re
import sys
from pathlib import Path
from typing import Any

import ray


def main() -> None:
    address, user_id, *more = sys.argv[1:]
    ray.init(address=address, namespace="analytics", log_to_driver=False, logging_level=logging.ERROR)
    registry: Any = ray.get_actor("registry")
    actor: Any = ray.get(registry.activate.remote(user_id))
    pid = ray.get(actor.__ray_call__.remote(lambda self: os.getpid()))
    status = Path(f"/proc/{pid}/status").read_text()
    print(json.dumps({name: _mib(status, name) for name in ("VmRSS", "VmHWM")}))
    if more == ["end"]:
        ray.get(registry.passivate.remote(user_id))


def _mib(status: str, name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
