"""The published JSON Schema of every message on the sockets."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from wire.incoming import INCOMING
from wire.payloads import Frame, Payload, TypedOutgoing

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
    for name in _payloads(Payload):
        if name in definitions:
            _leave_out_nulls(definitions[name])
    return {
        "$schema": DIALECT,
        "title": "Messages on the WebSockets",
        "anyOf": [{"$ref": "#/$defs/Incoming"}, {"$ref": "#/$defs/Outgoing"}],
        "$defs": definitions,
    }


def _payloads(base: type[Payload]) -> Iterator[str]:
    """The names of what frames carry."""
    for each in base.__subclasses__():
        if not issubclass(each, Frame):
            yield each.__name__
            yield from _payloads(each)


def _leave_out_nulls(definition: dict[str, Any]) -> None:
    """Say that what may be null is missing instead, as it is in frames."""
    null = {"type": "null"}
    for name, field in definition.get("properties", {}).items():
        if null in (options := field.get("anyOf", [])):
            [*known] = (each for each in options if each != null)
            del field["anyOf"]
            field.update(known[0] if len(known) == 1 else {"anyOf": known})
            field.pop("default", None)
            definition["required"] = [each for each in definition.get("required", []) if each != name]
