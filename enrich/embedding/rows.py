"""Matrix products in which a row's result does not depend, to the bit, on the rows beside it.

In which order a kernel adds up the terms of a row can depend on how many rows it is given, and where the
borders lie differs by processor, by precision and by shape. So only those row counts are used that were found
on this machine to give equal rows. A matrix is cut into blocks of such counts, the last one padded.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import takewhile

import torch
from torch import Tensor
from torch.nn import functional

from enrich.embedding.product import Layer, Product, plain

Weight = tuple[Tensor, Tensor | None]  # of a linear layer, [outputs, inputs], and its bias [outputs]

FEW = 64  # a live message has about 15 tokens: it must not be padded to hundreds
_SPARE = 16  # rows of padding that cost less than a second product


class RowCounts:
    """Row counts that give equal rows, and products made of them only."""

    def __init__(self, counts: Iterable[int]) -> None:
        """`counts` are not empty; `alike` finds them."""
        self.counts = tuple(sorted(counts))

    def blocks(self, rows: int) -> list[int]:
        """Counts whose sum is at least `rows`, with little padding."""
        found: list[int] = []
        while rows > 0:
            taken = self._block(rows)
            found.append(taken)
            rows -= taken
        return found

    def linear(self, rows: Tensor, product: Product) -> Tensor:
        """The product of `rows` [..., inputs]; quickest where `blocks` make exactly their number."""
        flat = rows.reshape(-1, rows.shape[-1])
        blocks = self.blocks(len(flat))
        if missing := sum(blocks) - len(flat):
            flat = functional.pad(flat, (0, 0, 0, missing))
        found = in_blocks(flat, blocks, product)
        return found[: len(found) - missing].view(*rows.shape[:-1], -1)

    def _block(self, rows: int) -> int:
        place = bisect_left(self.counts, rows)
        if place == len(self.counts):
            return self.counts[-1]
        above = self.counts[place]
        if place == 0 or above - rows <= max(_SPARE, rows // 8):
            return above
        return self.counts[place - 1]


def in_blocks(rows: Tensor, blocks: Sequence[int], product: Product) -> Tensor:
    """The product of as many `rows` [n, inputs] as the blocks have together."""
    if len(blocks) == 1:
        return product(rows)
    return torch.cat([product(part) for part in rows.split_with_sizes(blocks)])


def candidates(most: int) -> list[int]:
    """Row counts to try, up to `most`: close enough together that little is padded."""
    powers = [1 << exponent for exponent in range(2, most.bit_length())]
    found = sorted({1, *powers, *(each * 3 // 2 for each in powers if each >= 32)})
    return list(takewhile(lambda count: count <= most, found))


def alike(
    weights: Iterable[Weight],
    dtype: torch.dtype,
    *,
    most: int,
    few: int = FEW,
    device: torch.device | str = "cpu",
    layer: Layer = plain,
) -> list[int]:
    """The candidates up to `most` rows with which a `layer` gives a row the same bits, wherever it stands.

    Of the `weights` only the shapes matter. The largest count that others are like decides; empty when they
    do not reach from `few` rows to many.
    """
    shapes = dict.fromkeys((weight.shape[1], weight.shape[0], bias is not None) for weight, bias in weights)
    probes = [_Probe(*shape, dtype, most, device, layer) for shape in shapes]
    left = candidates(most)
    while left[-1] >= FEW:
        found = left
        for probe in probes:
            found = probe.like_the_last(found)
        if found and found[0] <= few:
            return found
        left.pop()
    return []


class _Probe:
    """Rows and weights whose products are zero but for rounding: what is left is how they were added up."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        has_bias: bool,
        dtype: torch.dtype,
        most: int,
        device: torch.device | str,
        layer: Layer,
    ) -> None:
        dice = torch.Generator().manual_seed(0)
        order = torch.randperm(inputs, generator=dice)
        half, odd = inputs // 2, (0, inputs % 2)  # an odd input stays 0
        rows = torch.randn(2 * most, half, generator=dice)
        weight = torch.randn(outputs, half, generator=dice)
        rows = functional.pad(torch.cat([rows, -rows], dim=1), odd)[:, order]
        weight = functional.pad(torch.cat([weight, weight], dim=1), odd)[:, order]
        self._rows = rows.to(device, dtype).contiguous()
        bias = torch.zeros(outputs, dtype=dtype, device=device) if has_bias else None
        self._product = layer(weight.to(device, dtype).contiguous(), bias)

    def like_the_last(self, counts: Sequence[int]) -> list[int]:
        """The counts that give each row what the largest of them gives it: itself among them, or none."""
        if not counts:
            return []
        most = counts[-1]
        wanted = self._of(0, most)
        # A second place, odd: also for kernels that mind where in memory a matrix begins.
        place = most // 3 | 1

        def holds(count: int) -> bool:
            both = min(count, most - place)
            moved = self._of(place, count)[:both]
            return torch.equal(moved, wanted[place : place + both]) and torch.equal(
                self._of(0, count), wanted[:count]
            )

        return [each for each in counts if holds(each)] if holds(most) else []

    def _of(self, start: int, count: int) -> Tensor:
        return self._product(self._rows[start : start + count])
