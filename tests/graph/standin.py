"""The graph's adapter for Cosmos DB before a stand-in for it."""

from graph.connect import connect_as
from graph.port import Graph
from metrics.port import UNMEASURED, Metrics
from settings import Settings
from tests.standin.server import Standin


def settings_for(standin: Standin, **more: float) -> Settings:
    return Settings(
        graph_url=f"cosmos:{standin.url}?database=db&graph=graph",
        cosmos_key="secret",
        **more,  # type: ignore[arg-type]
    )


def opened(standin: Standin, metrics: Metrics = UNMEASURED) -> Graph:
    settings = settings_for(standin)
    return connect_as(settings, settings.graph_url, metrics)
