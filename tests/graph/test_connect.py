from pathlib import Path

import pytest

from errors import SettingsError
from graph import tinkerpop
from graph.connect import connect
from graph.embedded import EmbeddedGraph
from graph.tinkerpop import TinkerPopGraph


async def test_embedded_url_opens_its_folder(tmp_path: Path) -> None:
    graph = connect(f"embedded:{tmp_path / 'graph'}", max_bindings=16)
    assert isinstance(graph, EmbeddedGraph)
    await graph.close()
    assert (tmp_path / "graph").is_dir()


@pytest.mark.parametrize(
    ("url", "address", "username", "password"),
    [
        ("ws://graph.test:8182", "ws://graph.test:8182/gremlin", "", ""),
        ("ws://graph.test:8182/", "ws://graph.test:8182/gremlin", "", ""),
        ("wss://ann:p%40ss@graph.test/custom", "wss://graph.test/custom", "ann", "p@ss"),
        ("ws://ann:x@[::1]:8182", "ws://[::1]:8182/gremlin", "ann", "x"),
    ],
)
def test_credentials_leave_the_url_for_the_driver(
    monkeypatch: pytest.MonkeyPatch, url: str, address: str, username: str, password: str
) -> None:
    seen: dict[str, object] = {}

    class Recorded(TinkerPopGraph):
        def __init__(self, url: str, **options: object) -> None:
            seen.update(url=url, **options)

    monkeypatch.setattr(tinkerpop, "TinkerPopGraph", Recorded)
    connect(url, max_bindings=32)
    assert seen == {"url": address, "max_bindings": 32, "username": username, "password": password}


@pytest.mark.parametrize("url", ["", "embedded:", "http://ann:secret@graph.test", "ws://", "graph.test:8182"])
def test_any_other_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        connect(url, max_bindings=16)
    assert "secret" not in str(caught.value)
