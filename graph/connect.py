"""From the graph's URL to the adapter that serves it.

Only that adapter is imported: a user's actor that reaches the graph through the writer needs no driver,
which would be a third of the time that its modules take.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from errors import SettingsError
from graph.cosmos_address import PREFIX, check_partition_key, parse
from graph.port import Graph
from metrics.port import UNMEASURED, Metrics


def connect(
    url: str,
    *,
    max_bindings: int,
    cosmos_key: str = "",
    cosmos_partition_key: str = "pk",
    cosmos_units: float = 0.0,
    metrics: Metrics = UNMEASURED,
) -> Graph:
    """Open the graph at `embedded:PATH`, or address it at `ws://`, `wss://` or `cosmos:wss://`.

    `max_bindings` concerns TinkerPop servers, whose user and password are in the URL. `cosmos_units` are
    request units a second that may be spent (0: no limit). SettingsError for another kind of URL, GraphError
    when a folder cannot be opened; a server that is away shows at the first request. Credentials never
    appear in an error.
    """
    kind, _, rest = url.partition(":")
    if kind == "embedded" and rest:
        from graph.embedded import EmbeddedGraph

        return EmbeddedGraph(Path(rest))
    if url.startswith(PREFIX):
        address = parse(url)
        check_partition_key(cosmos_partition_key)
        if not cosmos_key:
            raise SettingsError("COSMOS_KEY: a graph in Cosmos DB needs its key, or a COSMOS_KEY_FILE.")
        from graph.cosmos import CosmosGraph

        return CosmosGraph(
            address,
            key=cosmos_key,
            partition_key=cosmos_partition_key,
            units=cosmos_units,
            metrics=metrics,
        )
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise SettingsError("GRAPH_URL: must be embedded:PATH, a ws:// or wss:// address, or cosmos:wss://..")
    from graph.tinkerpop import TinkerPopGraph

    host = parts.netloc.rpartition("@")[2]
    return TinkerPopGraph(
        urlunsplit((parts.scheme, host, parts.path.rstrip("/") or "/gremlin", parts.query, "")),
        max_bindings=max_bindings,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
