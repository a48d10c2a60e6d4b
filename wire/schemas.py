"""The published JSON Schema of every message on the sockets."""

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from wire.incoming import INCOMING
from wire.payloads import TypedOutgoing

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@cache
def wss_schema() -> dict[str, Any]:
    """JSON Schema 2020-12: `$defs/Incoming` is what extensions send, `$defs/Outgoing` the answers."""
    frames, shared = TypeAdapter.json_schemas(
        [
            ("Incoming", "validation", INCOMING),
            ("Outgoing", "serialization", TypeAdapter(TypedOutgoing)),
        ]
    )
    definitions = shared["$defs"]
    # TypedOutgoing only carries the union: publish the union itself.
    outgoing = definitions.pop("TypedOutgoing")["properties"]["message"]
    definitions["Incoming"] = frames["Incoming", "validation"]
    definitions["Outgoing"] = {key: outgoing[key] for key in ("oneOf", "discriminator")}
    return {
        "$schema": DIALECT,
        "title": "Messages on the WebSockets",
        "anyOf": [{"$ref": "#/$defs/Incoming"}, {"$ref": "#/$defs/Outgoing"}],
        "$defs": definitions,
    }
