"""Chaos in a process of its own: a process is a driver on one Ray only, and this one may be on another."""

import subprocess
import sys

from tests.conftest import ROOT


def run_apart(*asked: str) -> None:
    """Fails with what it printed when anything was lost, doubled, reordered or different."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *asked],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
