"""Memory of the process: what was freed goes back to the system, what stays is not looked through again."""

import ctypes
import gc
import sys
from functools import lru_cache
from typing import Any


def give_back() -> None:
    """Have glibc give back what it holds of freed memory, which it otherwise keeps for later.

    After a large snapshot that is more than the process needs ever again. Takes some ten milliseconds, and
    lets other threads work. Nothing where there is no glibc.
    """
    if (trim := _trim()) is not None:
        trim(0)


def keep() -> None:
    """Keep the garbage collector from all that was made so far, such as modules, and is there for good.

    Each time it looks through that, the process stands still, a worker with the model for 150 ms.
    """
    gc.collect()
    gc.freeze()


@lru_cache(maxsize=1)
def _trim() -> Any:
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
