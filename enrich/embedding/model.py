"""What an encoder asks of a loaded sentence model, before it is known how this machine runs it best."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import torch

from enrich.embedding.product import Product
from enrich.embedding.rows import RowCounts, Weight

Texts = Sequence[Sequence[int]]  # token ids


class Means(NamedTuple):
    """Of n texts, over a text's tokens; float32 on the CPU, not of unit length."""

    vectors: torch.Tensor  # [n, dimension], what the model is trained to give
    layers: torch.Tensor  # [n, layers, dimension], after each of the layers that were asked for


Forward = Callable[[Texts], Means]

MAX_TOKENS = 256  # of a text are read


class Model(Protocol):
    """Weights and tokenizer, on one device."""

    @property
    def dimension(self) -> int:
        """Of its vectors."""

    @property
    def max_tokens(self) -> int:
        """Of a text, at most MAX_TOKENS."""

    @property
    def depth(self) -> int:
        """The number of its layers."""

    @property
    def device(self) -> torch.device: ...

    @property
    def padding(self) -> int:
        """Texts of one batch are padded to one length, a multiple of this; 0: they may differ in length."""

    @property
    def weights(self) -> list[Weight]:
        """Those of every product of `forward`."""

    def product(self, weight: torch.Tensor, bias: torch.Tensor | None) -> Product:
        """As those of `forward` are made, by weights of its precision."""

    def tokens(self, texts: Sequence[str]) -> Texts:
        """At most `max_tokens` of each."""

    def forward(self, dtype: torch.dtype, counts: RowCounts, layers: Sequence[int] = ()) -> Forward:
        """The forward pass in this precision, its products made of these row counts only.

        `layers`, from 1 on, are those whose means it gives beside the vectors; IndexError where one is
        missing. Texts come by length. Of one precision, only what was asked for last may be used.
        """
