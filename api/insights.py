"""Insights over HTTP: what the graph has of a window; sent to pages as well where that is asked for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from access.policy import Action, decide
from access.principal import Principal
from api.caller import GUARDED, KnownCaller
from api.limits import KnownLimits
from api.params import QueryId
from api.services import Provided
from errors import InvalidInput
from frames.publisher import Announcer
from insights.metrics import Bucket
from insights.queries import (
    broadcast_analytics_update,
    build_analytics_update,
    fetch_response_time_metrics,
    fetch_sentiment_trend,
    fetch_topic_metrics,
)
from insights.window import Window, invalid, now, parse_time_zone
from session.lag import graph_as_of
from wire.payloads import AnalyticsUpdate, ResponseTimeMetrics, SentimentTrend, TopicMetric

router = APIRouter(prefix="/api/v1/insights", tags=["insights"], responses=GUARDED)

Broadcast = Annotated[
    bool, Query(alias="broadcast", description="also send an analytics_update to the user's pages")
]


@dataclass(frozen=True, slots=True)
class Question:
    """The window and scope of a question, and who asks it: somebody who may."""

    principal: Principal
    window: Window
    time_zone: str
    creator_id: str | None
    user_id: str | None

    @property
    def scope(self) -> tuple[datetime, datetime, str | None]:
        return self.window.start, self.window.end, self.creator_id


async def _question(
    caller: KnownCaller,
    limits: KnownLimits,
    start_date: Annotated[
        str | None, Query(description="a date, or ISO 8601 with offset; default 30 days back")
    ] = None,
    end_date: Annotated[str | None, Query(description="a date, or ISO 8601 with offset; default now")] = None,
    time_zone: Annotated[
        str, Query(description="IANA time zone, in which a date begins and days are counted")
    ] = "UTC",
    creator_id: QueryId = None,
    user_id: QueryId = None,
) -> Question:
    decide(caller.principal, Action.READ_NUMBERS, user_id, creator_id)
    window = Window.from_params(start_date, end_date, now(), parse_time_zone(time_zone))
    if window.end - window.start > limits.longest_window:
        raise invalid("start_date", "is farther before end_date than MAX_WINDOW allows; ask for less")
    return Question(caller.principal, window, time_zone, creator_id, user_id)


Asked = Annotated[Question, Depends(_question)]


@router.get("/topics")
async def topics(services: Provided, asked: Asked, broadcast: Broadcast = False) -> list[TopicMetric]:
    """Topics of the window by volume, with share and trend."""
    if broadcast:
        await _broadcast(services, asked)
    return await fetch_topic_metrics(*asked.scope, graph=services.graph, user_id=asked.user_id)


@router.get("/sentiment-trend")
async def sentiment(
    services: Provided, asked: Asked, bucket: Bucket = "day", broadcast: Broadcast = False
) -> SentimentTrend:
    """Mean sentiment of fan messages per bucket."""
    if broadcast:
        await _broadcast(services, asked, bucket)
    return await fetch_sentiment_trend(
        *asked.scope, graph=services.graph, user_id=asked.user_id, bucket=bucket, time_zone=asked.time_zone
    )


@router.get("/response-time")
async def response_time(
    services: Provided, asked: Asked, broadcast: Broadcast = False
) -> ResponseTimeMetrics:
    """Handling time, silence, turns and response times."""
    if broadcast:
        await _broadcast(services, asked)
    return await fetch_response_time_metrics(*asked.scope, graph=services.graph, user_id=asked.user_id)


@router.get("/full")
async def full(
    services: Provided, asked: Asked, bucket: Bucket = "day", broadcast: Broadcast = False
) -> AnalyticsUpdate:
    """Everything a dashboard shows: the payload of `analytics_update`."""
    if broadcast:
        await _broadcast(services, asked, bucket)
    return await build_analytics_update(
        asked.user_id,
        *asked.scope,
        graph=services.graph,
        now=now(),
        as_of=await _as_of(services, asked),
        bucket=bucket,
        time_zone=asked.time_zone,
    )


async def _as_of(services: Provided, asked: Question) -> datetime | None:
    """Since when the graph lacks something of the user that is asked about."""
    if asked.user_id is None:
        return None
    return await graph_as_of(services.redis, asked.user_id, asked.creator_id)


async def _broadcast(services: Provided, asked: Question, bucket: Bucket = "day") -> None:
    if asked.user_id is None:
        raise InvalidInput(
            "broadcast needs user_id: it says whose pages are sent the update.",
            detail=[{"field": "user_id", "reason": "missing"}],
        )
    decide(asked.principal, Action.TELL_PAGES, asked.user_id, asked.creator_id)
    await broadcast_analytics_update(
        asked.user_id,
        *asked.scope,
        graph=services.graph,
        frames=Announcer(services.redis, asked.user_id),
        now=now(),
        as_of=await _as_of(services, asked),
        bucket=bucket,
        time_zone=asked.time_zone,
    )
