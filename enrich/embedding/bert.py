"""BERT's forward pass over texts of unlike length, without padding.

Every layer but attention works on tokens one by one, so the tokens of all texts go through it as one matrix;
attention takes the texts of one length at a time. On a processor that is a fifth faster than padded batches.
The mathematics is Devlin et al., 2018, as `transformers` computes it. The matrix is padded to row counts that
give equal rows (`enrich.embedding.rows`), so a text's vector does not depend, to the bit, on the texts beside
it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import torch
from torch import Tensor
from torch.nn import functional

from enrich.embedding.model import Means, Texts
from enrich.embedding.product import laid_out
from enrich.embedding.rows import RowCounts, Weight, in_blocks

_WORDS = "embeddings.word_embeddings.weight"


@dataclass(frozen=True, slots=True)
class Bert:
    """A BERT encoder: its weights by their names in the model's file, and what these do not say."""

    weights: Mapping[str, Tensor]
    heads: int
    epsilon: float  # of the layer norms

    @property
    def layers(self) -> int:
        return sum(name.endswith("attention.self.query.weight") for name in self.weights)

    def to(self, dtype: torch.dtype) -> "Bert":
        weights = {name: each.to(dtype) for name, each in self.weights.items() if each.is_floating_point()}
        return replace(self, weights=weights)


class PackedModel:
    """A BERT encoder on a processor, with the mean of its tokens as the vector (`enrich.embedding.model`)."""

    padding = 0
    device = torch.device("cpu")
    product = staticmethod(laid_out)

    def __init__(self, bert: Bert, tokens: Callable[[Sequence[str]], Texts], max_tokens: int) -> None:
        # A mapped file's weights are anywhere in memory, which kernels may mind.
        self._bert = replace(bert, weights={name: each.clone() for name, each in bert.weights.items()})
        self.dimension = bert.weights[_WORDS].shape[1]
        self.depth = bert.layers
        self.max_tokens = max_tokens
        self.tokens = tokens

    @property
    def weights(self) -> list[Weight]:
        return [weight for n in range(self.depth) for weight in _weights(self._bert, n)]

    def forward(self, dtype: torch.dtype, counts: RowCounts, layers: Sequence[int] = ()) -> "PackedBert":
        return PackedBert(self._bert.to(dtype), counts, layers)


class PackedBert:
    """The means of texts' tokens, after the last layer and after each of `layers`."""

    def __init__(self, bert: Bert, counts: RowCounts, layers: Sequence[int] = ()) -> None:
        if not set(layers) <= set(range(1, bert.layers + 1)):
            raise IndexError(f"of {bert.layers} layers, {layers} were asked for")
        weights = bert.weights
        self._words = weights[_WORDS]
        self._positions = (
            weights["embeddings.position_embeddings.weight"]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = _Norm(bert, "embeddings.LayerNorm")
        self._layers = [_Layer(bert, n) for n in range(bert.layers)]
        self._counts = counts
        self._kept = layers

    def __call__(self, texts: Texts) -> Means:
        """Of `texts`, with those of equal length side by side."""
        shapes = [(sum(1 for _ in same), length) for length, same in groupby(map(len, texts))]
        ids = torch.tensor([id for text in texts for id in text])
        at = torch.tensor([place for text in texts for place in range(len(text))])
        blocks = self._counts.blocks(len(ids))
        hidden = self._norm(
            functional.embedding(ids, self._words) + functional.embedding(at, self._positions)
        )
        hidden = functional.pad(hidden, (0, 0, 0, sum(blocks) - len(ids)))
        means = {}
        for number, layer in enumerate(self._layers, start=1):
            hidden = layer(hidden, shapes, blocks)
            if number in self._kept or number == len(self._layers):
                means[number] = _means(hidden, shapes)
        kept = [means[number] for number in self._kept]
        vectors = means[len(self._layers)]
        return Means(vectors, torch.stack(kept, dim=1) if kept else vectors.new_empty(len(texts), 0, 0))


class _Layer:
    def __init__(self, bert: Bert, number: int) -> None:
        name = _name(number)
        self._heads = bert.heads
        products = (laid_out(*weight) for weight in _weights(bert, number))
        self._inputs, self._mixed, self._wide, self._narrow = products
        self._mixed_norm = _Norm(bert, f"{name}.attention.output.LayerNorm")
        self._norm = _Norm(bert, f"{name}.output.LayerNorm")

    def __call__(self, hidden: Tensor, shapes: Sequence[tuple[int, int]], blocks: Sequence[int]) -> Tensor:
        """`hidden` [rows, dimension]: texts with these (count, length) one behind the other, then padding.

        Its products are made of `blocks`, which have as many rows.
        """
        seen = self._attention(in_blocks(hidden, blocks, self._inputs), shapes)
        hidden = self._mixed_norm(in_blocks(seen, blocks, self._mixed) + hidden)
        wide = functional.gelu(in_blocks(hidden, blocks, self._wide))
        return self._norm(in_blocks(wide, blocks, self._narrow) + hidden)

    def _attention(self, inputs: Tensor, shapes: Sequence[tuple[int, int]]) -> Tensor:
        """`inputs` [rows, 3 * dimension]: queries, keys and values; rows of padding stay what they are."""
        sizes = [count * length for count, length in shapes]
        *parts, padding = inputs.split_with_sizes([*sizes, inputs.shape[0] - sum(sizes)])
        seen = []
        for part, (count, length) in zip(parts, shapes, strict=True):
            query, key, value = part.view(count, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
            looked = functional.scaled_dot_product_attention(query, key, value)
            seen.append(looked.transpose(1, 2).reshape(count * length, -1))
        return torch.cat([*seen, padding[:, : inputs.shape[1] // 3]])


class _Norm:
    def __init__(self, bert: Bert, name: str) -> None:
        self._weight, self._bias = _weight(bert, name)
        self._epsilon = bert.epsilon

    def __call__(self, hidden: Tensor) -> Tensor:
        return torch.layer_norm(hidden, hidden.shape[-1:], self._weight, self._bias, self._epsilon)


def _means(hidden: Tensor, shapes: Sequence[tuple[int, int]]) -> Tensor:
    """Over the tokens of each text, [n, dimension]."""
    sizes = [count * length for count, length in shapes]
    parts = hidden[: sum(sizes)].float().split_with_sizes(sizes)
    return torch.cat([part.view(*shape, -1).mean(dim=1) for part, shape in zip(parts, shapes, strict=True)])


def _weights(bert: Bert, number: int) -> list[Weight]:
    """Those of a layer's products: of queries, keys and values at once, of what was seen, and two more."""
    name = _name(number)
    inputs = [_weight(bert, f"{name}.attention.self.{each}") for each in ("query", "key", "value")]
    return [
        (torch.cat([weight for weight, _ in inputs]), torch.cat([bias for _, bias in inputs])),
        _weight(bert, f"{name}.attention.output.dense"),
        _weight(bert, f"{name}.intermediate.dense"),
        _weight(bert, f"{name}.output.dense"),
    ]


def _name(number: int) -> str:
    return f"encoder.layer.{number}"


def _weight(bert: Bert, name: str) -> tuple[Tensor, Tensor]:
    return bert.weights[f"{name}.weight"], bert.weights[f"{name}.bias"]
