from pathlib import Path

import pytest

from errors import SettingsError
from graph import cosmos_address, tinkerpop
from graph.connect import connect
from graph.embedded import EmbeddedGraph
from graph.tinkerpop import TinkerPopGraph

COSMOS = "cosmos:wss://account.gremlin.cosmos.azure.com:443/?database=chats&graph=g1"


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


@pytest.mark.parametrize(
    ("url", "address", "username"),
    [
        (COSMOS, "wss://account.gremlin.cosmos.azure.com:443/", "/dbs/chats/colls/g1"),
        ("cosmos:wss://a.test?graph=g&database=d", "wss://a.test:443/", "/dbs/d/colls/g"),
        ("cosmos:ws://localhost:8901/?database=d&graph=g%20h", "ws://localhost:8901/", None),
        ("cosmos:ws://[::1]:8901?database=d&graph=g", "ws://[::1]:8901/", "/dbs/d/colls/g"),
        ("cosmos:ws://127.0.0.1/?database=d&graph=g", "ws://127.0.0.1:80/", "/dbs/d/colls/g"),
    ],
)
def test_a_cosmos_url_says_address_database_and_graph(url: str, address: str, username: str | None) -> None:
    if username is None:
        with pytest.raises(SettingsError, match="name"):
            cosmos_address.parse(url)
    else:
        assert cosmos_address.parse(url) == cosmos_address.Address(address, username)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("cosmos:", "form"),
        ("cosmos:https://a.test/?database=d&graph=g", "form"),
        ("cosmos:wss:///?database=d&graph=g", "form"),
        ("cosmos:wss://a.test:port/?database=d&graph=g", "read"),
        ("cosmos:wss://a.test/", "needed"),
        ("cosmos:wss://a.test/?database=d", "needed"),
        ("cosmos:wss://a.test/?database=d&graph=g&key=secret", "needed"),
        ("cosmos:wss://a.test/?database=d&graph=g&graph=secret", "needed"),
        ("cosmos:wss://a.test/?database=&graph=g", "name"),
        ("cosmos:wss://a.test/?database=d/secret&graph=g", "name"),
        ("cosmos:wss://a.test/?secret", "read"),
        ("cosmos:wss://a.test/gremlin?database=d&graph=g", "follows"),
        ("cosmos:wss://a.test/?database=d&graph=g#secret", "follows"),
        ("cosmos:wss://me:secret@a.test/?database=d&graph=g", "COSMOS_KEY"),
        ("cosmos:ws://a.test/?database=d&graph=g", "wss://"),
    ],
)
def test_a_cosmos_url_that_cannot_be_says_why_without_repeating_it(url: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=f"^GRAPH_URL: .*{reason}") as caught:
        connect(url, max_bindings=16, cosmos_key="k")
    assert "secret" not in str(caught.value)


def test_a_cosmos_graph_needs_its_key() -> None:
    with pytest.raises(SettingsError, match=r"^COSMOS_KEY"):
        connect(COSMOS, max_bindings=16)


@pytest.mark.parametrize("name", ["", "/pk", "id", "label", "rev", "userId", "1st", 'a"b', "a b"])
def test_a_partition_key_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=r"^COSMOS_PARTITION_KEY"):
        connect(COSMOS, max_bindings=16, cosmos_key="k", cosmos_partition_key=name)


@pytest.mark.parametrize("url", ["", "embedded:", "http://ann:secret@graph.test", "ws://", "graph.test:8182"])
def test_any_other_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        connect(url, max_bindings=16)
    assert "secret" not in str(caught.value)
