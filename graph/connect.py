"""From the graph's URL to the adapter that serves it.

Only that adapter is imported: a user's actor that reaches the graph through the writer needs no driver,
which would be a third of the time that its modules take.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from errors import SettingsError
from graph.port import Graph


def connect(url: str, *, max_bindings: int) -> Graph:
    """Open the graph at `embedded:PATH`, or address it at `ws://` or `wss://` (`user:password@` as needed).

    `max_bindings` concerns servers. SettingsError for another kind of URL, GraphError when a folder cannot
    be opened; a server that is away shows at the first request. Credentials never appear in an error.
    """
    kind, _, rest = url.partition(":")
    if kind == "embedded" and rest:
        from graph.embedded import EmbeddedGraph

        return EmbeddedGraph(Path(rest))
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise SettingsError("GRAPH_URL: must be embedded:PATH or a ws:// or wss:// address.")
    from graph.tinkerpop import TinkerPopGraph

    host = parts.netloc.rpartition("@")[2]
    return TinkerPopGraph(
        urlunsplit((parts.scheme, host, parts.path.rstrip("/") or "/gremlin", parts.query, "")),
        max_bindings=max_bindings,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
