"""Products of rows and a layer's weights, made ready once and made often."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

Product = Callable[[Tensor], Tensor]  # of rows [n, inputs], [n, outputs]
Layer = Callable[[Tensor, Tensor | None], Product]  # of weights [outputs, inputs] and a bias [outputs]


def plain(weight: Tensor, bias: Tensor | None) -> Product:
    """By weights as they lie, which others may change."""
    return partial(functional.linear, weight=weight, bias=bias)


def laid_out(weight: Tensor, bias: Tensor | None) -> Product:
    """By a copy of the weights as the processor's kernel of bf16 has them; of others as they lie.

    It gives the same bits. Without the copy every product lays its weights out again, which takes a third of
    the time, whether rows are few or many.
    """
    if weight.dtype != torch.bfloat16 or not _has_kernel():
        return plain(weight, bias)
    kernel = torch.ops.mkldnn._linear_pointwise.default
    own = torch.ops.mkldnn._reorder_linear_weight(weight)

    def product(rows: Tensor) -> Tensor:
        found: Tensor = kernel(rows, own, bias, "none", [], "")
        return found

    return product


def _has_kernel() -> bool:
    is_built_in: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return is_built_in and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
