"""What the benchmarks make up is what the service holds, and the graph can have it."""

from collections.abc import Iterable

import pytest

from bench import accounts, window
from chats.enriched import EnrichedConversation
from graph.builder import GraphBuilder


@pytest.mark.parametrize(
    "made", [window._conversations(50), accounts.conversations(50)], ids=["window", "accounts"]
)
def test_the_graph_can_have_them(made: Iterable[EnrichedConversation]) -> None:
    builder = GraphBuilder("bench", "creator", 1)
    written = [builder.build_graph(each, each.fan_id) for each in made]
    assert all(written)
