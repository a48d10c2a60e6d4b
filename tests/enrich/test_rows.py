"""Row counts that give equal rows: found whatever the kernel does, kept to whatever the number of rows."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from bench.kernels import Kernel, here, walks
from enrich.embedding.product import Layer, laid_out, plain
from enrich.embedding.rows import FEW, RowCounts, Weight, alike, candidates

MOST = 1024
WEIGHT: Weight = (torch.empty(96, 384), torch.empty(96))
FP32 = torch.float32


def other_order(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The same products, added up in two halves."""
    half = rows.shape[1] // 2
    found = functional.linear(rows[:, :half], weight[:, :half]) + functional.linear(
        rows[:, half:], weight[:, half:]
    )
    return found if bias is None else found + bias


def steady(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """A kernel that gives a row the same bits in any company: each is multiplied alone."""
    return torch.cat([functional.linear(row, weight, bias) for row in rows.split_with_sizes([1] * len(rows))])


def layer(kernel: Callable[[Tensor, Tensor, Tensor | None], Tensor]) -> Layer:
    return lambda weight, bias: lambda rows: kernel(rows, weight, bias)


def found(
    kernel: Callable[[Tensor, Tensor, Tensor | None], Tensor], most: int = MOST, few: int = FEW
) -> list[int]:
    return alike([WEIGHT], FP32, most=most, few=few, layer=layer(kernel))


def test_of_a_kernel_that_is_steady_all_counts_are_alike() -> None:
    assert found(steady) == candidates(MOST)


def test_counts_in_the_middle_that_are_added_up_otherwise_are_left_out() -> None:
    """As bf16 is with AMX: 55 to 383 rows are unlike fewer and more."""

    def kernel(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return (other_order if 55 <= len(rows) <= 383 else steady)(rows, weight, bias)

    assert found(kernel) == [1, 4, 8, 16, 32, 48, 384, 512, 768, 1024]


def test_few_rows_that_are_added_up_otherwise_are_left_out() -> None:
    def kernel(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return (other_order if len(rows) < 16 else steady)(rows, weight, bias)

    assert found(kernel) == [count for count in candidates(MOST) if count >= 16]


def test_of_large_counts_that_no_small_one_is_like_none_is_taken() -> None:
    """A live message would be padded to hundreds of rows."""

    def kernel(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return (other_order if len(rows) > 200 else steady)(rows, weight, bias)

    assert found(kernel) == [count for count in candidates(MOST) if count <= 192]


def test_where_a_few_may_be_many_the_large_counts_are_taken() -> None:
    """A GPU adds up large numbers of rows in another way than small ones, and takes as long for both."""

    def kernel(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return (other_order if len(rows) < 300 else steady)(rows, weight, bias)

    assert found(kernel, few=MOST) == [384, 512, 768, 1024]


def test_a_kernel_that_minds_where_a_row_stands_has_none() -> None:
    def kernel(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        plain = steady(rows, weight, bias)
        plain[1::2] = other_order(rows, weight, bias)[1::2]
        return plain

    assert found(kernel) == []


def test_what_differs_with_one_shape_is_left_out_for_all() -> None:
    def kernel(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        is_narrow = rows.shape[1] == 1536 and len(rows) < 40
        return (other_order if is_narrow else steady)(rows, weight, bias)

    weights: list[Weight] = [WEIGHT, (torch.empty(8, 1536), None)]
    assert alike(weights, FP32, most=128, layer=layer(kernel)) == [48, 64, 96, 128]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_products_of_an_odd_number_of_inputs_can_be_told_apart_too(dtype: torch.dtype) -> None:
    weights: list[Weight] = [(torch.empty(5, 33), torch.empty(5))]
    assert alike(weights, dtype, most=128, layer=layer(steady)) == candidates(128)


@given(st.sets(st.integers(1, 300), min_size=1), st.integers(0, 3000))
def test_blocks_hold_all_rows_and_little_more(counts: set[int], rows: int) -> None:
    kept = RowCounts(counts)
    blocks = kept.blocks(rows)
    assert set(blocks) <= counts
    assert sum(blocks) >= rows
    assert sum(blocks[:-1]) < max(rows, 1)
    padding = sum(blocks) - rows
    assert padding <= max(16, rows // 8, min(counts) - 1)


@given(st.integers(1, 130), st.sampled_from([(384, 96), (7, 5)]))
def test_a_product_of_blocks_is_the_product(rows: int, shape: tuple[int, int]) -> None:
    inputs, outputs = shape
    dice = torch.Generator().manual_seed(rows)
    left = torch.randn(2, rows, inputs, generator=dice)
    weight, bias = torch.randn(outputs, inputs, generator=dice), torch.randn(outputs, generator=dice)
    result = RowCounts([1, 8, 48]).linear(left, plain(weight, bias))
    assert result.shape == (2, rows, outputs)
    torch.testing.assert_close(result, functional.linear(left, weight, bias), atol=1e-4, rtol=1e-4)


@given(st.integers(1, 400), st.sampled_from([(384, 96), (1536, 40), (7, 5)]), st.booleans())
def test_weights_that_are_laid_out_give_the_same_product(
    rows: int, shape: tuple[int, int], has_bias: bool
) -> None:
    inputs, outputs = shape
    dice = torch.Generator().manual_seed(rows)
    left = torch.randn(rows, inputs, generator=dice).bfloat16()
    weight = torch.randn(outputs, inputs, generator=dice).bfloat16()
    bias = torch.randn(outputs, generator=dice).bfloat16() if has_bias else None
    exact = left.float() @ weight.float().T + (0 if bias is None else bias.float())
    with torch.inference_mode():
        result = laid_out(weight, bias)(left)
    assert result.dtype == torch.bfloat16
    torch.testing.assert_close(result.float(), exact, atol=0.05, rtol=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", here(), ids=lambda kernel: kernel.onednn)
def test_no_number_of_rows_changes_a_row_with_any_kernel_of_this_processor(kernel: Kernel) -> None:
    """The first layer's weights; `python -m bench.kernels` walks every layer's."""
    for walk in walks(kernel, "--layers", "1", "--kept-only"):
        assert walk.counts[0] <= 64
        assert walk.differing == 0, walk.precision
