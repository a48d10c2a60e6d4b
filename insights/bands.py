"""Bands of prices. Pure."""

from itertools import pairwise
from typing import Final

import numpy as np

from insights.columns import Numbers

BOUNDS: Final = (5, 10, 20, 50, 100)  # dollars: a band holds its lower bound and not its upper one
PRICE_BANDS: Final = (
    f"0-{BOUNDS[0]}",
    *(f"{low}-{high}" for low, high in pairwise(BOUNDS)),
    f"{BOUNDS[-1]}-",
)


def price_bands(prices: Numbers) -> Numbers:
    """The places among PRICE_BANDS of the bands of prices in dollars."""
    return np.searchsorted(BOUNDS, prices, side="right")
