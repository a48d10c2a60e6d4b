"""A loaded sentence model, run the fastest way this machine has for it.

The precision is chosen by a short measurement when the model is loaded. A text's vector never depends on the
texts beside it: products keep to row counts that are found to give equal rows (`enrich.embedding.rows`),
padded batches hold texts of one padded length only, and where that does not do, texts are taken one by one.
So snapshot, delta and replay agree to the bit on one kind of machine. On unlike kinds, vectors differ in the
third decimal where one computes in bf16, in the seventh otherwise.
"""

import logging
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
from torch.nn import Linear
from transformers.utils import logging as transformers_logging

from enrich.embedding.bert import PackedBert
from enrich.embedding.rows import FEW, RowCounts, Weight, alike, candidates
from errors import EnrichmentError

log = logging.getLogger(__name__)

Vectors = NDArray[np.float32]
Texts = Sequence[Sequence[int]]  # token ids
Forward = Callable[[Texts], torch.Tensor]

MAX_TOKENS = 256  # of a text are read
_STEP = 8  # tokens; padded batches have lengths that are multiples of it
BATCH = 1024  # tokens; between 256 and 4096 a core is equally fast
_GPU_BATCH = 4_096  # tokens; a GPU takes as many in the time of a few, and seldom adds up both alike
_TRIAL = [[1_000] * 16] * 16  # token ids of texts to measure with; every vocabulary has this one
_COMPANY = (1, 2, 3, 5, 13, 21, 34, 55, 144, 256, *[8] * 3, *[16] * 40)  # tokens of texts to compare with
_ROUNDS = 2
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
_PAYS = (
    1.2  # bf16 is 1.9 to 2.6 times faster where the processor has it, slower elsewhere: nothing lies between
)


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was chosen for this machine; without `counts` texts are taken one by one."""

    precision: str  # bf16 or fp32
    counts: tuple[int, ...]  # of rows that its products keep to


class Encoder:
    """Texts to unit vectors, on the GPU where the process sees one, else on one core."""

    def __init__(self, folder: Path) -> None:
        """EnrichmentError when `folder` holds no model that sentence-transformers can load."""
        torch.set_num_threads(1)  # two processes with one thread each beat one with two
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            model = SentenceTransformer(str(folder), local_files_only=True).eval()
            self.dimension = model.get_embedding_dimension() or 0
            self._tokenizer = model.tokenizer
            self._max_tokens = min(model.max_seq_length or MAX_TOKENS, MAX_TOKENS)
            self._on_gpu = model.device.type != "cpu"
            self._packs = not self._on_gpu and PackedBert.supports(list(model))
            self._batch = _GPU_BATCH if self._on_gpu else BATCH
            for layer in _linears(model):  # a mapped file's are anywhere in memory, which kernels may mind
                layer.weight.data = layer.weight.data.clone()
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
        lengths = [len(each) for each in ids]
        batches = self._batches(lengths) if self.tuning.counts else [[row] for row in range(len(ids))]
        with torch.inference_mode():
            for rows in batches:
                vectors[rows] = _unit(self._forward([ids[row] for row in rows])).numpy()
        return vectors

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Rows by length, as many as make the batch's tokens; with padding, of one padded length each."""
        step = 1 if self._packs else _STEP
        rows: list[int] = []
        tokens = last = 0
        for row in sorted(range(len(lengths)), key=lengths.__getitem__):
            length = -(-lengths[row] // step) * step
            if rows and (tokens + length > self._batch or (not self._packs and length != last)):
                yield rows
                rows, tokens = [], 0
            rows.append(row)
            tokens, last = tokens + length, length
        if rows:
            yield rows

    def _tuned(self, model: SentenceTransformer) -> tuple[Forward, Tuning]:
        """The forward pass to use, and how: one that all workers of a machine choose alike."""
        models = {"fp32": model.float(), "bf16": deepcopy(model).to(torch.bfloat16)}
        every = RowCounts(candidates(self._batch))
        plainly, shortly = _best(
            [partial(self._runner(each, every), _TRIAL) for each in models.values()], on_gpu=self._on_gpu
        )
        few = _GPU_BATCH if self._on_gpu else FEW
        for precision in ("bf16", "fp32") if shortly * _PAYS <= plainly else ("fp32",):
            counts = alike(
                self._weights(model), PRECISIONS[precision], most=self._batch, few=few, device=model.device
            )
            if counts:
                forward = self._runner(models[precision], RowCounts(counts))
                if self._is_steady(forward):
                    return forward, Tuning(precision, tuple(counts))
            log.warning("In %s a text's vector depends on the texts beside it.", precision)
        log.warning("Texts are embedded one by one, which is slower.")
        return self._runner(models["fp32"], RowCounts(range(1, MAX_TOKENS + 1))), Tuning("fp32", ())

    def _runner(self, model: SentenceTransformer, counts: RowCounts) -> Forward:
        if self._packs:
            return PackedBert(list(model), counts)
        for layer in _linears(model):
            layer.forward = partial(_through, counts, layer)  # type: ignore[method-assign]
        return partial(_padded, model)

    def _weights(self, model: SentenceTransformer) -> list[Weight]:
        if self._packs:
            return PackedBert(list(model), RowCounts([1])).weights
        return [(each.weight, each.bias) for each in _linears(model)]

    def _is_steady(self, forward: Forward) -> bool:
        """Whether texts of many lengths, few and many of one, have the same vectors alone and together."""
        company = [length for length in _COMPANY if length <= self._max_tokens]
        text = {length: list(range(1_000 - length, 1_000)) for length in company}
        alone = {length: _unit(forward([text[length]])) for length in text}
        for rows in self._batches(company):
            lengths = [company[row] for row in rows]
            together = _unit(forward([text[length] for length in lengths]))
            if not torch.equal(together, torch.cat([alone[length] for length in lengths])):
                return False
        return True


def _linears(model: SentenceTransformer) -> list[Linear]:
    return [each for each in model.modules() if type(each) is Linear]


def _through(counts: RowCounts, layer: Linear, rows: torch.Tensor) -> torch.Tensor:
    return counts.linear(rows, layer.weight, layer.bias)


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(vectors, dim=1)


def _padded(model: SentenceTransformer, texts: Texts) -> torch.Tensor:
    """The vectors [n, dimension] of texts (token ids) that have one padded length."""
    length = -(-max(map(len, texts)) // _STEP) * _STEP
    padded = model.tokenizer.pad(
        {"input_ids": list(texts)}, padding="max_length", max_length=length, return_tensors="pt"
    )
    features = {name: tensor.to(model.device) for name, tensor in padded.items()}
    vectors: torch.Tensor = model(features)["sentence_embedding"]
    return vectors.float().cpu()


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
