"""Bands of prices. Pure."""

from bisect import bisect_right
from itertools import pairwise
from typing import Final

BOUNDS: Final = (5, 10, 20, 50, 100)  # dollars: a band holds its lower bound and not its upper one
PRICE_BANDS: Final = (
    f"0-{BOUNDS[0]}",
    *(f"{low}-{high}" for low, high in pairwise(BOUNDS)),
    f"{BOUNDS[-1]}-",
)


def price_band(price: float) -> str:
    """The band of a price in dollars, such as `10-20`."""
    return PRICE_BANDS[bisect_right(BOUNDS, price)]
