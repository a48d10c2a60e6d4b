"""A whole node of the cluster is lost: other nodes serve its users, with all that was acknowledged."""

import subprocess
import sys
from random import Random

import pytest

from tests.chaos.nodes import KINDS, plan
from tests.conftest import ROOT
from tests.gremlin_server import server

KILLS = 3
SEED = 1
USERS = 2


@pytest.mark.own_service
def test_nothing_acknowledged_is_lost_doubled_or_reordered_whichever_node_is_killed() -> None:
    """In a process of its own: a process is a driver on one Ray only, and this is a cluster of its own."""
    server.jars()  # skips where there are none
    asked = ["--nodes", f"--kills={KILLS}", f"--seed={SEED}", f"--users={USERS}"]
    run = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *asked],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


def test_every_kind_of_node_is_killed() -> None:
    assert {kill.kind for kill in plan(Random(SEED), KILLS, ["chaos-1"], 1.0)} == set(KINDS)
