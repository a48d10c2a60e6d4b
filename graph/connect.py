"""From the graph's URL to the adapter that serves it."""

from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from errors import SettingsError
from graph.embedded import EmbeddedGraph
from graph.port import Graph
from graph.tinkerpop import TinkerPopGraph


def connect(url: str, *, max_bindings: int) -> Graph:
    """Open the graph at `embedded:PATH`, or address it at `ws://` or `wss://` (`user:password@` as needed).

    `max_bindings` concerns servers. SettingsError for another kind of URL, GraphError when a folder cannot
    be opened; a server that is away shows at the first request. Credentials never appear in an error.
    """
    kind, _, rest = url.partition(":")
    if kind == "embedded" and rest:
        return EmbeddedGraph(Path(rest))
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise SettingsError("GRAPH_URL: must be embedded:PATH or a ws:// or wss:// address.")
    host = parts.netloc.rpartition("@")[2]
    return TinkerPopGraph(
        urlunsplit((parts.scheme, host, parts.path.rstrip("/") or "/gremlin", parts.query, "")),
        max_bindings=max_bindings,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
