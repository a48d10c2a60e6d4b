"""Sentiment by a classifier of the user's own: any transformers folder for sequence classification.

It speaks alone: neither the lexicon nor a head is asked. Its labels are taken as negative, neutral or
positive (`enrich.sentiment.labels`), and a text's sentiment is .5 + .5 * (P(positive) - P(negative)), so a
text that leans less than .2 to one side is neutral. Weights are read from safetensors alone, and no code of
a folder runs. What is said of a text does not depend, to the bit, on the texts beside it
(`enrich.embedding.encoder`).
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from copy import deepcopy
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging as transformers_logging

from enrich.embedding.encoder import Encoder
from enrich.embedding.model import MAX_TOKENS, Forward, Means, Texts
from enrich.embedding.padded import PADDING, keep_to, padded, tokens, unmap, weights_of
from enrich.embedding.product import plain
from enrich.embedding.rows import RowCounts, Weight
from enrich.sentiment.labels import Classifier, feelings
from enrich.sentiment.score import unread
from errors import EnrichmentError

_MAX_CHARACTERS = 4_000  # more than the model reads of any chat
_CACHE_SIZE = 50_000  # texts
_NAMED_BY = ("*.safetensors", "config.json", "tokenizer*.json", "vocab*", "merges.txt", "*.model")
_SIGNS = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}
_MULTI_LABEL = "multi_label_classification"  # as a transformers configuration has it

_cache: OrderedDict[tuple[str, bytes], float] = OrderedDict()


def sentiment(texts: Sequence[str], classifier: Classifier) -> list[float | None]:
    """The sentiment of each text, 0..1; None where `enrich.sentiment.score.unread` has a reason.

    EnrichmentError when the folder cannot be used, or not all of its labels have a meaning.
    """
    readable = [None if unread(text) else _plain(text) for text in texts]
    found = _polarities([text for text in readable if text is not None], classifier)
    polarities = iter(found)
    return [None if text is None else round(0.5 + 0.5 * next(polarities), 4) for text in readable]


@lru_cache(maxsize=4)
def name(classifier: Classifier) -> str:
    """Name and version: the folder's, with a hash of its files and of what its labels mean.

    EnrichmentError when there are no weights.
    """
    folder = Path(classifier.folder)
    if not any(folder.glob("*.safetensors")):
        raise EnrichmentError(
            f"SENTIMENT_MODEL={folder}: no safetensors weights there; give a folder that save_pretrained of "
            "transformers wrote."
        )
    digest = hashlib.sha256(repr(sorted(classifier.meanings)).encode())
    for path in sorted(path for pattern in _NAMED_BY for path in folder.glob(pattern)):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"{folder.name} {digest.hexdigest()[:12]}"


class ClassifierModel:
    """Logits of labels [n, labels] in place of vectors, in padded batches (`enrich.embedding.model`)."""

    padding = PADDING
    product = staticmethod(plain)

    def __init__(self, model: Any, tokenizer: Any) -> None:
        config = model.config
        # Some models number positions from their padding's id on, which leaves two fewer of them.
        positions = getattr(config, "max_position_embeddings", MAX_TOKENS + 2)
        self.max_tokens = min(MAX_TOKENS, positions - 2, tokenizer.model_max_length) // PADDING * PADDING
        self.dimension: int = config.num_labels
        self.depth: int = config.num_hidden_layers
        self.device: torch.device = model.device
        unmap(model)
        self._tokenizer = tokenizer
        self._filler = tokenizer.unk_token_id or tokenizer.pad_token_id or 0
        self._models = {torch.float32: model}

    @property
    def weights(self) -> list[Weight]:
        return weights_of(self._models[torch.float32])

    def tokens(self, texts: Sequence[str]) -> Texts:
        return [ids or [self._filler] for ids in tokens(self._tokenizer, texts, self.max_tokens)]

    def forward(self, dtype: torch.dtype, counts: RowCounts, layers: Sequence[int] = ()) -> Forward:
        if dtype not in self._models:
            self._models[dtype] = deepcopy(self._models[torch.float32]).to(dtype)
        keep_to(self._models[dtype], counts)
        return partial(self._logits, self._models[dtype])

    def _logits(self, model: Any, texts: Texts) -> Means:
        found = model(**padded(self._tokenizer, texts, self.device)).logits.float().cpu()
        return Means(found, found.new_empty(len(texts), 0, 0))


class _Loaded(NamedTuple):
    encoder: Encoder
    signs: NDArray[np.float32]  # of each label: -1, 0 or 1


@lru_cache(maxsize=1)
def load(classifier: Classifier) -> _Loaded:
    """The model, loaded once a process, on the GPU where it sees one; its vectors are labels' shares of 1.

    EnrichmentError as `sentiment`.
    """
    name(classifier)  # refuses a folder without weights
    folder = Path(classifier.folder)
    torch.set_num_threads(1)  # as in `enrich.embedding.encoder.load`
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with torch.inference_mode():
            model, found = AutoModelForSequenceClassification.from_pretrained(
                folder,
                dtype=torch.float32,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
            )
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            labels = [model.config.id2label[n] for n in range(model.config.num_labels)]
            signs = np.array([_SIGNS[each] for each in feelings(classifier, labels)], np.float32)
            if found["missing_keys"]:
                raise ValueError("weights are missing")  # they would be random
            if not model.config.vocab_size / 2 <= len(tokenizer) <= model.config.vocab_size:
                raise ValueError("the tokenizer is missing or another model's")  # an empty one would be made
            if torch.cuda.is_available():
                model = model.to("cuda")
            is_multi_label = model.config.problem_type == _MULTI_LABEL
            served = ClassifierModel(model.eval(), tokenizer)
            return _Loaded(Encoder(served, finish=_normalised if is_multi_label else _softmax), signs)
    except EnrichmentError:
        raise
    except Exception as error:  # whatever a folder makes the libraries throw
        cause = f"SENTIMENT_MODEL={folder}: cannot be used ({type(error).__name__})"
        mend = "give a folder of transformers that is trained for sequence classification and needs no code"
        raise EnrichmentError(f"{cause}; {mend}.") from error


def _polarities(texts: Sequence[str], classifier: Classifier) -> list[float]:
    """P(positive) - P(negative) of each text."""
    version = name(classifier)
    keys = [(version, hashlib.blake2b(text.encode(), digest_size=16).digest()) for text in texts]
    found = {key: _cache[key] for key in keys if key in _cache}
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
    if missing:
        encoder, signs = load(classifier)
        shares = encoder.encode(list(missing.values())).vectors
        found.update(zip(missing, (shares * signs).sum(axis=1).tolist(), strict=True))
    for key in found:
        _cache[key] = found[key]
        _cache.move_to_end(key)
    while len(_cache) > _CACHE_SIZE:
        _cache.popitem(last=False)
    return [found[key] for key in keys]


def _plain(text: str) -> str:
    """The text as the model reads it: emoji stay, one space between words, no lone surrogates."""
    text = " ".join(text[: 4 * _MAX_CHARACTERS].split())[:_MAX_CHARACTERS]
    return text.encode("utf-8", "replace").decode()


def _softmax(logits: torch.Tensor) -> torch.Tensor:
    return logits.softmax(dim=-1)


def _normalised(logits: torch.Tensor) -> torch.Tensor:
    """Of labels that do not exclude each other: each label's probability, as a share of all."""
    each = logits.sigmoid()
    return each / each.sum(dim=-1, keepdim=True)
