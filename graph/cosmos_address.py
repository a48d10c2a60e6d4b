"""The address of a graph in Azure Cosmos DB, from its URL. Pure."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from errors import SettingsError
from graph.dialect import KEYS

PREFIX: Final = "cosmos:"
SHAPE: Final = "cosmos:wss://HOST:443/?database=DATABASE&graph=GRAPH"
LOOPBACK: Final = frozenset(("localhost", "127.0.0.1", "::1"))
_NAME = re.compile(r"[^/\\?#\s]{1,255}")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_TAKEN = (KEYS | {"id", "label"}) - {"pk"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where the driver connects, and as what: the user name of Cosmos DB is the graph's path."""

    url: str
    username: str


def parse(url: str) -> Address:
    """SettingsError, which repeats nothing of the URL, says what is wrong with it."""
    try:
        parts = urlsplit(url.removeprefix(PREFIX))
        port = parts.port
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise _refused("it cannot be read") from None
    host = parts.hostname
    if not url.startswith(PREFIX) or parts.scheme not in ("ws", "wss") or not host:
        raise _refused("it has another form")
    if "@" in parts.netloc:
        raise _refused("the key belongs into COSMOS_KEY or COSMOS_KEY_FILE, not into the URL")
    if parts.scheme == "ws" and host not in LOOPBACK:
        raise _refused("ws:// sends the key unencrypted, so it is for this machine only: write wss://")
    if parts.path not in ("", "/") or parts.fragment:
        raise _refused("nothing but the names of database and graph follows the host")
    names = dict(given)
    if len(given) != 2 or set(names) != {"database", "graph"}:
        raise _refused("database and graph are needed, once each, and nothing else")
    if not all(_NAME.fullmatch(name) for name in names.values()):
        raise _refused("a name of a database or graph has no spaces, slashes, ? or #")
    address = f"[{host}]" if ":" in host else host
    path = f"/dbs/{names['database']}/colls/{names['graph']}"
    return Address(f"{parts.scheme}://{address}:{port or (443 if parts.scheme == 'wss' else 80)}/", path)


def check_partition_key(name: str) -> None:
    """SettingsError unless the graph can be partitioned by a property of that name."""
    if not _KEY.fullmatch(name) or name in _TAKEN:
        raise SettingsError(
            "COSMOS_PARTITION_KEY: must be the graph's partition key without its slash, such as pk: "
            "a name of letters, digits and _ that no other property has."
        )


def _refused(reason: str) -> SettingsError:
    return SettingsError(f"GRAPH_URL: {reason}. A graph in Cosmos DB is addressed as {SHAPE}.")
