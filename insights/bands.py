"""Bands of prices, and hours of the week. Pure."""

from bisect import bisect_right
from datetime import datetime, tzinfo
from itertools import pairwise
from typing import Final

BOUNDS: Final = (5, 10, 20, 50, 100)  # dollars: a band holds its lower bound and not its upper one
PRICE_BANDS: Final = (
    f"0-{BOUNDS[0]}",
    *(f"{low}-{high}" for low, high in pairwise(BOUNDS)),
    f"{BOUNDS[-1]}-",
)
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def price_band(price: float) -> str:
    """The band of a price in dollars, such as `10-20`."""
    return PRICE_BANDS[bisect_right(BOUNDS, price)]


def hour_of_week(second: int, zone: tzinfo) -> str:
    """The hour that clocks show in the zone at an epoch second, such as `Mon 14`."""
    local = datetime.fromtimestamp(second, zone)
    return f"{DAYS[local.weekday()]} {local.hour:02}"
