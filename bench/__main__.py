"""`python -m bench`: every measurement, then a Markdown table. What each means: docs/benchmarks.md."""

import asyncio
import os
import platform
import signal
import sys
from pathlib import Path

from bench.figure import Figure, table
from errors import AnalyticsError

# Read when the libraries are imported: the measured process computes as the service's workers do.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def main() -> int:
    from bench import (
        access,
        columns,
        durable,
        enrich,
        frames,
        graph,
        graph_server,
        history,
        ingest,
        latency,
        search,
        snapshot,
        window,
        workers,
    )
    from bench.service import running

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the service is stopped then too
    figures: list[Figure] = []

    def told(found: list[Figure]) -> None:
        for figure in found:
            print(" | ".join(figure.cells()), flush=True)
        figures.extend(found)

    try:
        told(enrich.measure())
        told(workers.measure())
        told(durable.measure())
        told(window.measure())
        told(columns.measure())
        told(frames.measure())
        told(search.measure())
        told(access.measure())
        told(graph.measure())
        told(graph_server.measure())
        with running() as places:
            url = places["url"]
            told(asyncio.run(latency.measure(url, places["redis_url"])))
            told(asyncio.run(ingest.measure(url)))
            told(asyncio.run(history.measure(url, places["ray_address"])))
            naive = figures[0].baseline_value
            told(asyncio.run(snapshot.measure(url, places["ray_address"], places["folder"], naive)))
    except AnalyticsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    load = os.getloadavg()[0]
    print(
        f"\n{table(figures)}\n\n{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"embeddings in {enrich.tuning().precision}, load at the end {load:.1f}"
    )
    return 0


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    sys.exit(main())
