"""BERT's forward pass over texts of unlike length, without padding.

Every layer but attention works on tokens one by one, so the tokens of all texts go through it as one matrix;
attention takes the texts of one length at a time. On a processor that is a fifth faster than padded batches.
The weights are those of the loaded model; the mathematics is Devlin et al., 2018, as `transformers` computes
it. The matrix is padded to row counts that give equal rows (`enrich.embedding.rows`), so a text's
vector does not depend, to the bit, on the texts beside it.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from enrich.embedding.rows import RowCounts, Weight


class PackedBert:
    """The mean-pooled vectors of a `transformers` BertModel; `supports` says which models these are."""

    def __init__(self, modules: Sequence[Any], counts: RowCounts) -> None:
        bert = _bert(modules[0])
        embeddings, heads = bert.embeddings, bert.config.num_attention_heads
        self._words = embeddings.word_embeddings.weight
        self._positions = embeddings.position_embeddings.weight + embeddings.token_type_embeddings.weight[0]
        self._norm = embeddings.LayerNorm
        self._layers = [_Layer(layer, heads, counts) for layer in bert.encoder.layer]
        self._counts = counts

    @staticmethod
    def supports(modules: Sequence[Any]) -> bool:
        """Whether these modules of a SentenceTransformer are a BERT encoder with the mean of its tokens."""
        bert = _bert(modules[0])
        return (
            type(bert).__name__ == "BertModel"
            and bool(modules[0].tokenizer("")["input_ids"])  # no text is without a token
            and bert.config.hidden_act == "gelu"
            and not bert.config.is_decoder
            and getattr(bert.config, "position_embedding_type", "absolute") == "absolute"
            and [type(each).__name__ for each in modules[1:]] in (["Pooling"], ["Pooling", "Normalize"])
            and modules[1].get_config_dict().get("pooling_mode") == "mean"
        )

    @property
    def weights(self) -> list[Weight]:
        """Those of every product, layer by layer."""
        return [weight for layer in self._layers for weight in layer.weights]

    def __call__(self, texts: Sequence[Sequence[int]]) -> Tensor:
        """The vectors [n, dimension] of `texts`, token ids with texts of equal length side by side."""
        shapes = [(sum(1 for _ in same), length) for length, same in groupby(map(len, texts))]
        ids = torch.tensor([id for text in texts for id in text])
        at = torch.cat([torch.arange(length).repeat(count) for count, length in shapes])
        hidden = self._norm(
            functional.embedding(ids, self._words) + functional.embedding(at, self._positions)
        )
        padding = sum(self._counts.blocks(len(ids))) - len(ids)
        hidden = functional.pad(hidden, (0, 0, 0, padding))
        for layer in self._layers:
            hidden = layer(hidden, shapes)
        parts = hidden[: len(ids)].float().split_with_sizes([count * length for count, length in shapes])
        return torch.cat(
            [part.view(*shape, -1).mean(dim=1) for part, shape in zip(parts, shapes, strict=True)]
        )


class _Layer:
    def __init__(self, layer: Any, heads: int, counts: RowCounts) -> None:
        attention = layer.attention.self
        inputs = (attention.query, attention.key, attention.value)
        self._heads = heads
        self._linear = counts.linear
        self._inputs = (
            torch.cat([each.weight for each in inputs]),
            torch.cat([each.bias for each in inputs]),
        )
        self._mixed = _weight(layer.attention.output.dense)
        self._mixed_norm = layer.attention.output.LayerNorm
        self._wide = _weight(layer.intermediate.dense)
        self._narrow = _weight(layer.output.dense)
        self._norm = layer.output.LayerNorm

    @property
    def weights(self) -> list[Weight]:
        return [self._inputs, self._mixed, self._wide, self._narrow]

    def __call__(self, hidden: Tensor, shapes: Sequence[tuple[int, int]]) -> Tensor:
        """`hidden` [rows, dimension]: texts with these (count, length) one behind the other, then padding."""
        mixed = self._linear(self._attention(hidden, shapes), *self._mixed)
        hidden = self._mixed_norm(mixed + hidden)
        narrow = self._linear(functional.gelu(self._linear(hidden, *self._wide)), *self._narrow)
        out: Tensor = self._norm(narrow + hidden)
        return out

    def _attention(self, hidden: Tensor, shapes: Sequence[tuple[int, int]]) -> Tensor:
        inputs = self._linear(hidden, *self._inputs)
        sizes = [count * length for count, length in shapes]
        *parts, padding = inputs.split_with_sizes([*sizes, len(inputs) - sum(sizes)])
        seen = []
        for part, (count, length) in zip(parts, shapes, strict=True):
            query, key, value = part.view(count, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
            looked = functional.scaled_dot_product_attention(query, key, value)
            seen.append(looked.transpose(1, 2).reshape(count * length, -1))
        return torch.cat([*seen, padding[:, : hidden.shape[1]]])


def _weight(layer: Any) -> Weight:
    return layer.weight, layer.bias


def _bert(module: Any) -> Any:
    return getattr(module, "auto_model", None) or getattr(module, "model", None)
