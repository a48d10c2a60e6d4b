"""The homes of the graph, each test in partitions of its own."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chats.account import Account
from graph.connect import connect
from graph.port import Graph
from tests.gremlin_server import server


@pytest.fixture(scope="session")
def gremlin_server() -> str:
    return server.address()


@pytest.fixture
def creator() -> str:
    return f"creator/{uuid.uuid4().hex}"


@pytest.fixture
def pk(creator: str) -> str:
    """Of the account of user `u1`."""
    return Account("u1", creator).key


@pytest.fixture(params=["embedded", "tinkerpop"])
async def graph(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Graph]:
    url = (
        f"embedded:{tmp_path / 'graph'}"
        if request.param == "embedded"
        else request.getfixturevalue("gremlin_server")
    )
    opened = connect(url, max_bindings=16)
    yield opened
    await opened.close()
