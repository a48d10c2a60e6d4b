"""What an answer of Azure Cosmos DB that is no success means. Pure.

The outer code says little (500 for most): the store's own is in the attribute `x-ms-status-code`. Nothing of
the server's text is repeated, it may quote ids and values.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from errors import AnalyticsError, GraphError, GraphUnavailable

STATUS: Final = "x-ms-status-code"
RETRY_AFTER: Final = "x-ms-retry-after-ms"
CHARGE: Final = "x-ms-total-request-charge"

THROTTLED: Final = 429
LONGEST_WAIT: Final = 60.0  # seconds; a server that says more is not believed
NO_SUCH_GRAPH: Final = "Owner resource does not exist"

# How often a request is sent at most.
ATTEMPTS: Final = 5
ATTEMPTS_THROTTLED: Final = 10
ATTEMPTS_FAILED: Final = 2

_RACES: Final = {
    404: "an element was dropped meanwhile",
    408: "it took too long",
    409: "another request created the element meanwhile",
    412: "another request changed the element meanwhile",
    449: "another request changed the element meanwhile",
}
_CONNECTION: Final = {
    503: "the service is not available",
    1007: "it closes the connection",
    1008: "it moved or the connection is too busy",
}
_TOO_MUCH: Final = {
    1001: "its answer is too large or too complex",
    1003: "it needs too much memory",
    1009: "it takes longer than Cosmos DB allows",
}
_FINAL: Final = {
    400: "it cannot be read or has a step that is not supported there",
    401: "the key is refused: check COSMOS_KEY and that GRAPH_URL names its account",
    403: "access is denied: check the account's firewall and COSMOS_KEY",
    413: "it or its answer is too large",
    498: "the request has another form than Cosmos DB takes",
    597: "it cannot be read or has a step that is not supported there",
    1004: "the request has another form than Cosmos DB takes",
}
_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d+):(\d{1,2}):(\d{1,2}(?:\.\d+)?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Again:
    """The same request may succeed: `attempts` in all, then `error` is raised.

    `wait` is how many seconds the server wants; None: it does not say. `reconnect` asks for a new client.
    """

    attempts: int
    error: AnalyticsError
    wait: float | None = None
    throttled: bool = False
    reconnect: bool = False


def judged(code: int, attributes: Mapping[str, Any], message: str) -> Again | GraphError:
    """Whether to send the request again, or the error that says what to do instead.

    `code` is the outer one; `message` is the server's text, of which one phrase is known and none repeated.
    """
    status = status_of(code, attributes)
    if status == THROTTLED:
        error = GraphUnavailable(
            "Cosmos DB throttles requests (429): give the graph more request units, or set COSMOS_RU to what "
            "it has."
        )
        return Again(ATTEMPTS_THROTTLED, error, wait=retry_after(attributes), throttled=True)
    if status == 404 and NO_SUCH_GRAPH in message:
        return GraphError("Cosmos DB has no such database or graph (404): create it, or mend GRAPH_URL.")
    if status in _RACES:
        return Again(ATTEMPTS, _unavailable(status, _RACES[status]))
    if status in _CONNECTION:
        return Again(ATTEMPTS, _unavailable(status, _CONNECTION[status]), reconnect=True)
    if status == 500:
        reason = "it fails; after a graph was created anew under its old name, for up to five minutes"
        return Again(ATTEMPTS, _unavailable(status, reason))
    if status == 1000:
        return Again(ATTEMPTS_FAILED, GraphError("Cosmos DB could not carry out a query (1000)."))
    if status in _TOO_MUCH:
        return GraphError(
            f"Cosmos DB gave up on a query ({status}): {_TOO_MUCH[status]}; split it, such as into shorter "
            "windows of time."
        )
    reason = _FINAL.get(status, "it says no more")
    return GraphError(f"Cosmos DB refused a request ({status}): {reason}.")


def status_of(code: int, attributes: Mapping[str, Any]) -> int:
    """The store's own status, or else the outer one."""
    try:
        return int(attributes[STATUS])
    except (KeyError, TypeError, ValueError):
        return code


def charge_of(attributes: Mapping[str, Any]) -> float:
    """Request units that the request took; 0.0 where the answer does not say."""
    found = _number(attributes.get(CHARGE))
    return 0.0 if found is None else found


def retry_after(attributes: Mapping[str, Any]) -> float | None:
    """Seconds to wait, None where it does not say.

    The answer has a .NET time span such as `00:00:03.95`, or a number of milliseconds.
    """
    value = attributes.get(RETRY_AFTER)
    if isinstance(value, str) and (span := _TIME_SPAN.fullmatch(value.strip())):
        days, hours, minutes = (int(part or 0) for part in span.groups()[:3])
        return min(LONGEST_WAIT, ((days * 24 + hours) * 60 + minutes) * 60 + float(span[4]))
    milliseconds = _number(value)
    return None if milliseconds is None else min(LONGEST_WAIT, milliseconds / 1000)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _unavailable(status: int, reason: str) -> GraphUnavailable:
    return GraphUnavailable(f"Cosmos DB does not answer ({status}): {reason}.")
