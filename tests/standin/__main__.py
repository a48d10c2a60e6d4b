"""`python -m tests.standin ws://127.0.0.1:8182/gremlin [--port 8901] [--units 400] [--faults 0.1]`"""

import argparse
import threading

from graph.traversals import ACROSS_PARTITIONS
from tests.standin.faults import Faults
from tests.standin.server import Standin

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.standin")
    parser.add_argument("engine", help="address of a Gremlin Server")
    parser.add_argument("--port", type=int, default=8901)
    parser.add_argument("--units", type=float, default=0.0, help="request units a second")
    parser.add_argument("--faults", type=float, default=0.0, help="the part of requests that fail")
    parser.add_argument("--key", default="secret")
    args = parser.parse_args()
    with Standin(
        args.engine,
        key=args.key,
        port=args.port,
        units=args.units,
        faults=Faults(args.faults),
        across=ACROSS_PARTITIONS,
    ) as standin:
        print(standin.url, flush=True)  # noqa: T201
        threading.Event().wait()
