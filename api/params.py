"""Parameters that several routes take."""

from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from errors import InvalidInput
from wire.fields import SENDER_ID

MAX_LIMIT = 1000
MAX_CHAT_ID = 256  # characters
ID = r"^[A-Za-z0-9_.:@-]{1,128}$"

Id = Annotated[str, Path(pattern=ID, description="letters, digits and _.:@-")]
QueryId = Annotated[str | None, Query(pattern=ID)]
NeededId = Annotated[str, Query(pattern=ID)]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Amount = Annotated[int | None, Query(ge=0, le=MAX_LIMIT)]  # None: no limit
Offset = Annotated[int, Query(ge=0)]
Mask = Annotated[bool | None, Query(description="under pseudonyms; always for analysts")]
SenderId = Annotated[
    str | None,
    Header(
        alias="Sender-Id",
        pattern=SENDER_ID,
        description="who of the creator's team sent the messages that do not say it",
    ),
]
ChatId = Annotated[str | None, Query(min_length=1, max_length=MAX_CHAT_ID)]
Instant = Annotated[str | None, Query(description="a date, or ISO 8601 with offset")]


async def _known_parameters(request: Request) -> None:
    """InvalidInput names the parameters that the route does not have: one may be misspelt."""
    route: APIRoute = request.scope["route"]
    known = {each.alias for each in get_flat_params(route.dependant)}
    unknown = [name[:64] for name in dict.fromkeys(request.query_params) if name not in known][:20]
    if unknown:
        raise InvalidInput(
            f"Not known: {', '.join(unknown)}.",
            detail=[{"field": name, "reason": "is no parameter of this question"} for name in unknown],
        )


KnownParameters = Depends(_known_parameters)
