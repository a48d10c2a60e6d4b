"""What was freed goes back to the system, and what stays is not looked through again."""

import gc
import subprocess
import sys

from memory import keep
from tests.conftest import ROOT

# Many blocks of the C library with a kept one after them, so that it keeps the others after they are freed.
_PROGRAM = """
import ctypes, memory
from pathlib import Path

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

c = ctypes.CDLL(None)
c.malloc.restype, c.malloc.argtypes, c.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
blocks = [c.malloc(60_000) for _ in range(2_000)]
for block in blocks:
    ctypes.memset(block, 1, 60_000)
last = c.malloc(60_000)
for block in blocks:
    c.free(block)
before = resident()
memory.give_back()
print(before - resident())
"""


def test_what_was_freed_goes_back_to_the_system() -> None:
    program = [sys.executable, "-c", _PROGRAM]
    given = int(subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert given > 100_000_000


def test_what_is_kept_is_not_looked_through_again() -> None:
    kept: list[object] = []
    try:
        keep()
        assert all(each is not kept for each in gc.get_objects())
    finally:
        gc.unfreeze()
