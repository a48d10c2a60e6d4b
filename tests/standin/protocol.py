"""The driver's frames in GraphSON 2, as Cosmos DB reads and writes them. Pure."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

MIME: Final = "application/vnd.gremlin-v2.0+json"
ROWS: Final = 16  # in one frame, at most


class Refused(Exception):
    """A request that is not carried out: the outer code and the one in `x-ms-status-code`."""

    def __init__(self, outer: int, status: int, reason: str) -> None:
        super().__init__(reason)
        self.outer, self.status = outer, status


@dataclass(frozen=True, slots=True)
class Request:
    id: str
    op: str
    args: dict[str, Any]


def read(frame: bytes | str) -> Request:
    """The request in a binary frame: a byte with the mime type's length, the mime type, JSON."""
    if isinstance(frame, str):
        raise Refused(498, 1004, "Gremlin Malformed Request: binary frames only.")
    length = frame[0] if frame else 0
    if frame[1 : 1 + length] != MIME.encode():
        raise Refused(498, 1004, "Gremlin Malformed Request: only GraphSON v2 IO is supported.")
    message = json.loads(frame[1 + length :])
    return Request(str(_value(message["requestId"])), message["op"], dict(_value(message["args"])))


def credentials(request: Request) -> tuple[str, str]:
    """User and key of a SASL PLAIN answer."""
    _, user, key = base64.b64decode(request.args["sasl"]).decode().split("\0")
    return user, key


def answer(
    id: str, code: int, data: list[Any] | None, attributes: Mapping[str, Any], message: str = ""
) -> str:
    status = {"code": code, "attributes": attributes, "message": message}
    return json.dumps({"requestId": id, "status": status, "result": {"data": data, "meta": {}}})


def attributes(status: int, charge: float, total: float, retry_after: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "x-ms-status-code": status,
        "x-ms-request-charge": charge,
        "x-ms-total-request-charge": total,
        "x-ms-server-time-ms": 1.0,
        "x-ms-total-server-time-ms": 1.0,
        "x-ms-activity-id": str(uuid4()),
    }
    if status == 429:
        found["x-ms-substatus-code"] = 3200
    if retry_after is not None:
        found["x-ms-retry-after-ms"] = retry_after
    return found


def time_span(seconds: float) -> str:
    """As .NET writes a TimeSpan: `00:00:01.2500000`, without a fraction where there is none."""
    ticks = round(seconds * 10_000_000)
    whole, fraction = divmod(ticks, 10_000_000)
    text = f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
    return f"{text}.{fraction:07}" if fraction else text


def pages(rows: list[Any]) -> list[list[Any]]:
    return [rows[at : at + ROWS] for at in range(0, len(rows), ROWS)] or [[]]


def _value(value: Any) -> Any:
    """GraphSON's typed values as what they hold; a map or list keeps its type, so that it can be refused."""
    if not isinstance(value, dict):
        return value
    if "@value" not in value:
        return {key: _value(each) for key, each in value.items()}
    inner = value["@value"]
    if value["@type"] == "g:Map":
        return {_value(k): _value(v) for k, v in zip(inner[::2], inner[1::2], strict=True)}
    return [_value(each) for each in inner] if isinstance(inner, list) else inner
