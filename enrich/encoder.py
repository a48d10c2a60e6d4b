"""A loaded sentence model, run the fastest way this machine has for it.

Precision and batch size are chosen by a short measurement when the model is loaded. Neither of them lets a
text's vector depend on the texts beside it: packed batches do not by nature (`enrich.bert`), padded ones hold
texts of one padded length only. So snapshot, delta and replay agree to the bit on one kind of machine; bf16
and fp32 machines differ in the third decimal.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from transformers.utils import logging

from enrich.bert import PackedBert
from errors import EnrichmentError

Vectors = NDArray[np.float32]
Texts = Sequence[Sequence[int]]  # token ids
Forward = Callable[[Texts], torch.Tensor]

MAX_TOKENS = 256  # of a text are read
_STEP = 8  # tokens; padded batches have lengths that are multiples of it
_BATCHES = (512, 1024, 2048)  # tokens; larger ones leave the caches of a core
_GPU_BATCHES = (8_192, 32_768)
_TRIAL = (1_000,) * 16  # token ids of a text to measure with; every vocabulary has this one
_ROUNDS = 2
_PAYS = (
    1.2  # bf16 is 1.9 to 2.6 times faster where the processor has it, slower elsewhere: nothing lies between
)


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the measurement chose: the precision, and how many tokens make a batch."""

    precision: str  # bf16 or fp32
    batch: int


class Encoder:
    """Texts to unit vectors, on the GPU where the process sees one, else on one core."""

    def __init__(self, folder: Path) -> None:
        """EnrichmentError when `folder` holds no model that sentence-transformers can load."""
        torch.set_num_threads(1)  # two processes with one thread each beat one with two
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            model = SentenceTransformer(str(folder), local_files_only=True).eval()
            self.dimension = model.get_embedding_dimension() or 0
            self._tokenizer = model.tokenizer
            self._max_tokens = min(model.max_seq_length or MAX_TOKENS, MAX_TOKENS)
            self._on_gpu = model.device.type != "cpu"
            self._packs = not self._on_gpu and PackedBert.supports(list(model))
            with torch.inference_mode():
                self._forward, self.tuning = self._tuned(model)
        except Exception as error:  # whatever a folder makes the libraries throw
            cause = f"MODEL={folder}: cannot be used ({type(error).__name__})"
            raise EnrichmentError(f"{cause}; give a sentence-transformers folder.") from error

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The texts' unit vectors, float32 [n, dimension]."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        if not texts:
            return vectors
        ids = self._tokenizer(list(texts), truncation=True, max_length=self._max_tokens)["input_ids"]
        with torch.inference_mode():
            for rows in self._batches([len(each) for each in ids]):
                found = self._forward([ids[row] for row in rows])
                vectors[rows] = torch.nn.functional.normalize(found, dim=1).numpy()
        return vectors

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Rows by length, as many as make the batch's tokens; with padding, of one padded length each."""
        step = 1 if self._packs else _STEP
        rows: list[int] = []
        tokens = last = 0
        for row in sorted(range(len(lengths)), key=lengths.__getitem__):
            length = -(-lengths[row] // step) * step
            if rows and (tokens + length > self.tuning.batch or (not self._packs and length != last)):
                yield rows
                rows, tokens = [], 0
            rows.append(row)
            tokens, last = tokens + length, length
        if rows:
            yield rows

    def _tuned(self, plain: SentenceTransformer) -> tuple[Forward, Tuning]:
        """The forward pass to use, and how: one that all workers of a machine choose alike."""
        forwards = [self._runner(plain), self._runner(deepcopy(plain).to(torch.bfloat16))]
        plainly, shortly = _best(
            [partial(forward, _trial(_BATCHES[0])) for forward in forwards], on_gpu=self._on_gpu
        )
        pays = shortly * _PAYS <= plainly
        sizes = _GPU_BATCHES if self._on_gpu else _BATCHES
        times = _best([partial(forwards[pays], _trial(size)) for size in sizes], on_gpu=self._on_gpu)
        batch = min(zip(times, sizes, strict=True), key=lambda each: each[0] / each[1])[1]
        return forwards[pays], Tuning("bf16" if pays else "fp32", batch)

    def _runner(self, model: SentenceTransformer) -> Forward:
        return PackedBert(list(model)) if self._packs else partial(_padded, model)


def _padded(model: SentenceTransformer, texts: Texts) -> torch.Tensor:
    """The vectors [n, dimension] of texts (token ids) that have one padded length."""
    length = -(-max(map(len, texts)) // _STEP) * _STEP
    padded = model.tokenizer.pad(
        {"input_ids": list(texts)}, padding="max_length", max_length=length, return_tensors="pt"
    )
    features = {name: tensor.to(model.device) for name, tensor in padded.items()}
    vectors: torch.Tensor = model(features)["sentence_embedding"]
    return vectors.float().cpu()


def _trial(tokens: int) -> Texts:
    return [_TRIAL] * (tokens // len(_TRIAL))


def _best(runs: Sequence[Callable[[], Any]], *, on_gpu: bool) -> list[float]:
    """The least time of each of `runs`, in seconds, measured in turn; the first round only warms up.

    The thread's own time, unless it only waits for a GPU: what else the machine does then does not count.
    """
    clock = time.perf_counter if on_gpu else time.thread_time
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(1 + _ROUNDS):
        for found, run in zip(times, runs, strict=True):
            start = clock()
            run()
            found.append(clock() - start)
    return [min(found[1:]) for found in times]
