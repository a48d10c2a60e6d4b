"""A stand-in for Cosmos DB that fails as the service is known to, for a service of a test's own."""

from collections.abc import Iterator
from contextlib import contextmanager

from graph.traversals import ACROSS_PARTITIONS
from tests.gremlin_server import server
from tests.standin.faults import Faults
from tests.standin.server import Standin

RATE = 0.05  # of the requests that fail: throttled, in conflict, cut off, half carried out, ..


@contextmanager
def failing_cosmos() -> Iterator[tuple[Standin, dict[str, str]]]:
    """The stand-in, and the settings of a service that keeps its graph there.

    Before a server of its own, so that the whole graph is this service's.
    """
    engine = server.Server(server.jars())
    try:
        with Standin(engine.address, across=ACROSS_PARTITIONS, faults=Faults(RATE)) as standin:
            url = f"cosmos:{standin.url}?database=db&graph=graph"
            yield standin, {"GRAPH_URL": url, "COSMOS_KEY": "secret"}
    finally:
        engine.stop()
