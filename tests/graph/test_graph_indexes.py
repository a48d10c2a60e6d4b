"""The files of deploy/graph: they index what traversals look up, and on Cosmos DB nothing else."""

import inspect
import json
import re

from graph import care, contents, dialect, embedded, opened, traversals
from graph.connect import connect
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy" / "graph"
FILTER = re.compile(r'has\(\\?"(\w+)\\?"')


def filtered() -> set[str]:
    """The properties that any script has a `has(..)` of."""
    modules = (care, contents, dialect, embedded, opened, traversals)
    texts = [inspect.getsource(module) for module in modules]
    return {key for text in texts for key in FILTER.findall(text)}


def test_cosmos_db_indexes_exactly_what_is_filtered() -> None:
    policy = json.loads((DEPLOY / "cosmos-indexing-policy.json").read_text())
    excluded = {path["path"].split("/")[1] for path in policy["excludedPaths"]} - {'"_etag"'}
    assert filtered() >= {"pk", "startDate", "userId", "rev"}
    assert excluded == dialect.KEYS - filtered()
    assert policy["includedPaths"] == [{"path": "/*"}]


async def test_a_tinkerpop_server_takes_the_declared_indexes(gremlin_server: str) -> None:
    server = connect(gremlin_server, max_bindings=16)
    text = (DEPLOY / "tinkergraph-indexes.groovy").read_text()
    for _ in range(2):
        await server.submit(text, {})
    declared = await server.submit("graph.getIndexedKeys(Vertex.class).toList()", {})
    assert set(declared) == {key for _, key in embedded.INDEXES}
    await server.close()
