"""Search over HTTP: the messages of an account that have some words, or mean something like them."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from access.policy import Action, masks
from api.caller import GUARDED, KnownCaller, on_asked_account
from api.params import ChatId, Instant, KnownParameters, Mask, NeededId, QueryId
from api.services import Provided, check_known
from chats.message import Direction
from insights.window import invalid, parse_instant, parse_time_zone
from search.question import Filters, Mode, Mood, Question
from wire.found import SearchAnswer

MOST_TEXT = 10_000  # characters of what is searched for
MOST_HITS = 100

router = APIRouter(prefix="/api/v1", tags=["reading"], responses=GUARDED)

Label = Annotated[str | None, Query(min_length=1, max_length=1000)]


@router.get(
    "/search",
    response_model=SearchAnswer,
    dependencies=[on_asked_account(Action.READ_TEXT), KnownParameters],
)
async def search(
    services: Provided,
    caller: KnownCaller,
    user_id: NeededId,
    q: Annotated[
        str, Query(min_length=1, max_length=MOST_TEXT, description="text; nothing in it is an operator")
    ],
    creator_id: QueryId = None,
    mode: Annotated[
        Mode, Query(description="by all of the words, by meaning, or by both ranks together")
    ] = "both",
    start_date: Instant = None,
    end_date: Instant = None,
    time_zone: Annotated[str, Query(description="IANA time zone, in which a date begins")] = "UTC",
    fan_id: ChatId = None,
    chat_id: ChatId = None,
    topic: Annotated[Label, Query(description="a topic's id or label")] = None,
    action: Label = None,
    mood: Annotated[Mood | None, Query(description="of the message: below 0.4, below 0.6, or above")] = None,
    direction: Direction | None = None,
    corrections: Annotated[
        bool, Query(description="filter by what people have corrected, or as the models said it")
    ] = True,
    limit: Annotated[int, Query(ge=1, le=MOST_HITS)] = 20,
    cursor: Annotated[str | None, Query(max_length=1000, description="the `next` of the page before")] = None,
    mask: Mask = None,
) -> Response:
    """Messages of an account, best first; with `mask` masked."""
    zone = parse_time_zone(time_zone)
    filters = Filters(
        start=_seconds(parse_instant("start_date", start_date, zone)),
        end=_seconds(parse_instant("end_date", end_date, zone)),
        fan_id=fan_id,
        chat_id=chat_id,
        topic=topic,
        action=action,
        mood=mood,
        direction=direction,
        corrections=corrections,
    )
    if filters.start is not None and filters.end is not None and filters.start >= filters.end:
        raise invalid("start_date", "must be before end_date")
    await check_known(services, user_id)
    question = Question(q, mode, filters, limit, cursor)
    masked = masks(caller.principal, mask, user_id, creator_id)
    body = await services.owners.search(user_id, creator_id, question, masked)
    return Response(body, media_type="application/json")


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
