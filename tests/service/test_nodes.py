"""A whole node of the cluster is lost: other nodes serve its users, with all that was acknowledged."""

from random import Random

import pytest

from tests.chaos.apart import run_apart
from tests.chaos.nodes import KINDS, plan
from tests.gremlin_server import server

KILLS = 3
SEED = 1
USERS = 2


@pytest.mark.own_service
def test_nothing_acknowledged_is_lost_doubled_or_reordered_whichever_node_is_killed() -> None:
    server.jars()  # skips where there are none
    run_apart("--nodes", f"--kills={KILLS}", f"--seed={SEED}", f"--users={USERS}")


def test_every_kind_of_node_is_killed() -> None:
    assert {kill.kind for kill in plan(Random(SEED), KILLS, ["chaos-1"], 1.0)} == set(KINDS)
