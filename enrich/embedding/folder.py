"""Any model that sentence-transformers loads from a folder, on the GPU where the process sees one."""

from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

from enrich.embedding.bert import Bert, PackedModel
from enrich.embedding.model import MAX_TOKENS, Forward, Means, Model, Texts
from enrich.embedding.padded import PADDING, keep_to, padded, tokens, unmap, weights_of
from enrich.embedding.product import plain
from enrich.embedding.rows import RowCounts, Weight


def opened(folder: Path) -> Model:
    """What there is, packed where it can be. Whatever the libraries raise when they cannot load it."""
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model = SentenceTransformer(str(folder), local_files_only=True).eval()
    found = PaddedModel(model)
    if found.device.type == "cpu" and supports_packing(list(model)):
        return PackedModel(bert_of(model), found.tokens, found.max_tokens)
    return found


def supports_packing(modules: Sequence[Any]) -> bool:
    """Whether these modules of a SentenceTransformer are a BERT encoder with the mean of its tokens."""
    bert = _encoder(modules[0])
    return (
        type(bert).__name__ == "BertModel"
        and bool(modules[0].tokenizer("")["input_ids"])  # no text is without a token
        and bert.config.hidden_act == "gelu"
        and not bert.config.is_decoder
        and getattr(bert.config, "position_embedding_type", "absolute") == "absolute"
        and [type(each).__name__ for each in modules[1:]] in (["Pooling"], ["Pooling", "Normalize"])
        and modules[1].get_config_dict().get("pooling_mode") == "mean"
    )


def bert_of(model: SentenceTransformer) -> Bert:
    bert = _encoder(next(iter(model)))
    return Bert(bert.state_dict(), bert.config.num_attention_heads, bert.config.layer_norm_eps)


class PaddedModel:
    """In batches of texts that are padded to one length."""

    padding = PADDING
    product = staticmethod(plain)

    def __init__(self, model: SentenceTransformer) -> None:
        self.dimension = model.get_embedding_dimension() or 0
        self.max_tokens = min(model.max_seq_length or MAX_TOKENS, MAX_TOKENS)
        self.depth = _encoder(next(iter(model))).config.num_hidden_layers
        self.device = model.device
        unmap(model)
        self._tokenizer = model.tokenizer
        self._models = {torch.float32: model.float()}

    @property
    def weights(self) -> list[Weight]:
        return weights_of(self._models[torch.float32])

    def tokens(self, texts: Sequence[str]) -> Texts:
        return tokens(self._tokenizer, texts, self.max_tokens)

    def forward(self, dtype: torch.dtype, counts: RowCounts, layers: Sequence[int] = ()) -> Forward:
        if dtype not in self._models:
            self._models[dtype] = deepcopy(self._models[torch.float32]).to(dtype)
        keep_to(self._models[dtype], counts)
        _encoder(next(iter(self._models[dtype]))).config.output_hidden_states = bool(layers)
        return partial(self._means, self._models[dtype], layers)

    def _means(self, model: SentenceTransformer, layers: Sequence[int], texts: Texts) -> Means:
        features = padded(model.tokenizer, texts, self.device)
        found = model(features)
        vectors = found["sentence_embedding"].float().cpu()
        if not layers:
            return Means(vectors, vectors.new_empty(len(texts), 0, 0))
        hidden = found["all_layer_embeddings"]  # the first is before any layer
        is_token = features["attention_mask"][:, :, None].float()
        means = [(hidden[each].float() * is_token).sum(dim=1) / is_token.sum(dim=1) for each in layers]
        return Means(vectors, torch.stack(means, dim=1).cpu())


def _encoder(module: Any) -> Any:
    return getattr(module, "auto_model", None) or getattr(module, "model", None)
