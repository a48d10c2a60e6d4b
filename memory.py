"""Memory of the process: what was freed goes back to the system, what stays is not looked through again."""

import ctypes
import gc
import sys
from functools import lru_cache
from typing import Any

NEW_OBJECTS = 10_000  # before the youngest are looked through; cycles hold no more memory than they do


def give_back() -> None:
    """Have glibc give back what it holds of freed memory, which it otherwise keeps for later.

    After a large snapshot that is more than the process needs ever again. Takes some ten milliseconds, and
    lets other threads work. Nothing where there is no glibc.
    """
    if (trim := _trim()) is not None:
        trim(0)


def keep() -> None:
    """Keep the garbage collector from all that was made so far, such as modules, and is there for good.

    Each time it looks through that, the process stands still, a worker with the model for 150 ms. What comes
    is looked through once as many objects are new as a large input brings, not after every 700.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])


@lru_cache(maxsize=1)
def _trim() -> Any:
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
