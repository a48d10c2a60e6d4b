"""Insights over HTTP: what the graph has of a window; sent to pages as well where that is asked for."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime

from access.policy import Action, decide
from access.principal import Principal
from actors.kept_graph import KeptGraph
from api.beside import with_previous
from api.caller import GUARDED, KNOWN, KnownCaller
from api.drills import with_drill
from api.limits import KnownLimits, Limits
from api.params import ChatId, KnownParameters, Limit, QueryId
from api.repeated import repeated, repeated_by_shifts
from api.services import Provided
from api.tables import TABLES, TableRoute
from api.terms import KnownTerms
from errors import InvalidInput
from frames.publisher import Announcer
from graph.port import Graph
from insights.behind import Insight, fetch_behind
from insights.conversion import Factor
from insights.drill import Scope
from insights.fan_queries import fetch_of_fan
from insights.metrics import Bucket
from insights.money import KINDS, MIN_SAMPLE, fetch_conversion, fetch_converted, fetch_offered, fetch_ppv
from insights.periods import Named, Period
from insights.ppv import ALL
from insights.queries import (
    broadcast_analytics_update,
    build_analytics_update,
    fetch_response_time_metrics,
    fetch_sentiment_trend,
    fetch_topic_metrics,
    fetch_topics_over_time,
)
from insights.team import About, fetch_beats, fetch_worked
from insights.window import Window, invalid, now, parse_time_zone
from session.lag import graph_as_of
from settings import MOST_ATTRIBUTION_HOURS
from wire.payloads import (
    AnalyticsUpdate,
    Conversion,
    CountedConversations,
    FactorKind,
    PpvFunnel,
    ResponseTimeMetrics,
    SentimentTrend,
    TopicMetric,
    TopicsOverTime,
)

router = APIRouter(
    prefix="/api/v1/insights",
    tags=["insights"],
    dependencies=[KNOWN, TABLES, KnownParameters],
    responses=GUARDED,
    route_class=TableRoute,
)

Broadcast = Annotated[
    bool, Query(alias="broadcast", description="also send an analytics_update to the user's pages")
]


Source = Literal["kept", "graph"]


@dataclass(frozen=True, slots=True)
class Question:
    """The window and scope of a question, who asks it (somebody who may), and what answers it."""

    principal: Principal
    period: Period
    time_zone: str
    creator_id: str | None
    user_id: str | None
    corrections: bool
    graph: Graph
    text: Hashable | None  # see `api.repeated`
    with_previous: bool = False

    @property
    def window(self) -> Window:
        return self.period.window

    @property
    def before(self) -> Self:
        """The same question about the period before."""
        return replace(self, period=Period(self.period.previous), with_previous=False)

    @property
    def about(self) -> About:
        return About(self.creator_id, self.user_id, self.time_zone, self.corrections)

    @property
    def drilled(self) -> Scope:
        """The window and accounts that its numbers are followed in."""
        return self.about.scope(self.window)

    @property
    def scope(self) -> tuple[datetime, datetime, str | None]:
        return self.window.start, self.window.end, self.creator_id


async def _question(
    request: Request,
    services: Provided,
    caller: KnownCaller,
    limits: KnownLimits,
    start_date: Annotated[
        str | None, Query(description="a date, or ISO 8601 with offset; default 30 days back")
    ] = None,
    end_date: Annotated[str | None, Query(description="a date, or ISO 8601 with offset; default now")] = None,
    window: Annotated[
        Named | None,
        Query(description="in place of both: a calendar window in `time_zone`, or one up to now"),
    ] = None,
    previous: Annotated[bool, Query(description="answer the period before that window instead")] = False,
    time_zone: Annotated[
        str, Query(description="IANA time zone, in which a date begins and days are counted")
    ] = "UTC",
    creator_id: QueryId = None,
    user_id: QueryId = None,
    corrections: Annotated[
        bool, Query(description="with what people have corrected, or as the models said it")
    ] = True,
    source: Annotated[
        Source,
        Query(
            description="`graph`: asked of the graph alone, not of what is kept beside it; the same, slower"
        ),
    ] = "kept",
) -> Question:
    decide(caller.principal, Action.READ_NUMBERS, user_id, creator_id)
    moment = now()
    period = Period.from_params(start_date, end_date, window, moment, parse_time_zone(time_zone))
    is_fixed = period.window.end != moment
    check_length(period, limits, "start_date" if window is None else "window")
    if previous:
        period = Period(period.previous)
    graph: Graph = services.graph
    if source == "graph" and isinstance(graph, KeptGraph):
        graph = graph.graph
    # What models said is asked of the graph alone, which may lack what came last.
    text = (period, request.url.path, caller.principal, tuple(request.query_params.multi_items()))
    return Question(
        caller.principal,
        period,
        time_zone,
        creator_id,
        user_id,
        corrections,
        graph,
        text if is_fixed and corrections else None,
    )


def check_length(period: Period, limits: Limits, field: str) -> None:
    """InvalidInput names the parameter that asks for a longer window than the service answers."""
    if period.window.end - period.window.start > limits.longest_window:
        raise invalid(field, "asks for a longer window than MAX_WINDOW allows; ask for less")


Asked = Annotated[Question, Depends(_question)]


async def _beside(
    asked: Asked,
    with_previous: Annotated[
        bool, Query(description="also answer the period before that window, beside each figure")
    ] = False,
) -> Question:
    return replace(asked, with_previous=with_previous)


AskedBeside = Annotated[Question, Depends(_beside)]  # of a route that is `with_previous`


@router.get("/topics")
@repeated
@with_previous
@with_drill("topics")
async def topics(services: Provided, asked: AskedBeside, broadcast: Broadcast = False) -> list[TopicMetric]:
    """Topics of the window by volume, with share and trend."""
    if broadcast:
        await _broadcast(services, asked)
    return await fetch_topic_metrics(
        *asked.scope, graph=asked.graph, user_id=asked.user_id, corrections=asked.corrections
    )


@router.get("/topics-over-time")
@repeated
async def topics_in_time(services: Provided, asked: Asked, bucket: Bucket = "week") -> TopicsOverTime:
    """How many conversations discussed which topic, by the time they began."""
    return await fetch_topics_over_time(
        *asked.scope,
        graph=asked.graph,
        user_id=asked.user_id,
        bucket=bucket,
        time_zone=asked.time_zone,
        corrections=asked.corrections,
    )


@router.get("/sentiment-trend")
@repeated
@with_previous
@with_drill("sentiment-trend")
async def sentiment(
    services: Provided, asked: AskedBeside, bucket: Bucket = "day", broadcast: Broadcast = False
) -> SentimentTrend:
    """Mean sentiment of fan messages per bucket."""
    if broadcast:
        await _broadcast(services, asked, bucket)
    return await fetch_sentiment_trend(
        *asked.scope,
        graph=asked.graph,
        user_id=asked.user_id,
        bucket=bucket,
        time_zone=asked.time_zone,
        corrections=asked.corrections,
    )


@router.get("/response-time")
@repeated
@with_previous
@with_drill("response-time")
async def response_time(
    services: Provided, asked: AskedBeside, broadcast: Broadcast = False
) -> ResponseTimeMetrics:
    """Handling time, silence, turns and response times."""
    if broadcast:
        await _broadcast(services, asked)
    return await fetch_response_time_metrics(
        *asked.scope, graph=asked.graph, user_id=asked.user_id, corrections=asked.corrections
    )


@router.get("/full")
@repeated
@with_previous
@with_drill("full")
async def full(
    services: Provided, asked: AskedBeside, bucket: Bucket = "day", broadcast: Broadcast = False
) -> AnalyticsUpdate:
    """Everything a dashboard shows: the payload of `analytics_update`."""
    if broadcast:
        await _broadcast(services, asked, bucket)
    return await build_analytics_update(
        asked.user_id,
        *asked.scope,
        graph=asked.graph,
        now=now(),
        as_of=await _as_of(services, asked),
        bucket=bucket,
        time_zone=asked.time_zone,
        corrections=asked.corrections,
    )


Attribution = Annotated[
    float | None,
    Query(
        ge=0,
        le=MOST_ATTRIBUTION_HOURS,
        description="hours after a conversation in which a sale still follows it; default ATTRIBUTION_HOURS",
    ),
]
Label = Annotated[str, Query(max_length=1000)]


@router.get("/conversion")
@repeated
@with_previous
async def conversion(
    services: Provided,
    asked: AskedBeside,
    kind: Annotated[
        tuple[FactorKind, ...], Query(description="what to compare; may be given several times")
    ] = KINDS,
    attribution: Attribution = None,
    min_sample: Annotated[
        int, Query(ge=1, le=1_000_000, description="conversations that each group needs for a lift")
    ] = MIN_SAMPLE,
) -> Conversion:
    """Which topics, actions and pairs of both tips and purchases follow more often than others."""
    return await fetch_conversion(
        *asked.scope,
        graph=asked.graph,
        as_of=await _as_of(services, asked) or now(),
        attribution=services.attribution_hours if attribution is None else attribution,
        user_id=asked.user_id,
        corrections=asked.corrections,
        time_zone=asked.time_zone,
        kinds=kind,
        min_sample=min_sample,
    )


@router.get("/ppv")
@repeated_by_shifts
@with_previous
async def ppv(services: Provided, asked: AskedBeside) -> PpvFunnel:
    """Pay-per-view offers: sent, unlocked, paid; by delivery, price band, media, person and creator."""
    return await fetch_ppv(
        *asked.scope,
        graph=asked.graph,
        as_of=await counted_until(services, asked),
        user_id=asked.user_id,
        corrections=asked.corrections,
        rosters=services.rosters,
    )


@router.get("/conversations")
async def conversations(
    services: Provided,
    asked: Asked,
    terms: KnownTerms,
    insight: Literal[Insight, "conversion", "ppv", "people", "heatmap", "fans"],
    group: Annotated[str, Query(description="which of the numbers beside the `drill`")],
    kind: Annotated[FactorKind | None, Query(description="of `conversion`; none: every conversation")] = None,
    action: Label = "",
    topic_id: Label = "",
    topic: Label = "",
    value: Label = "",
    attribution: Attribution = None,
    as_of: Annotated[AwareDatetime | None, Query(description="ISO 8601 with offset; default now")] = None,
    by: Label = ALL,
    key: Label = ALL,
    hour: Label = ALL,
    fan_id: ChatId = None,
    limit: Limit = 100,
    cursor: Annotated[str | None, Query(max_length=4000, description="the `next` of the page before")] = None,
) -> CountedConversations:
    """The conversations that a number counts: its `drill`, with the number's `group`."""
    match insight:
        case "topics" | "sentiment-trend" | "response-time" | "full":
            return await fetch_behind(
                *asked.scope,
                graph=asked.graph,
                insight=insight,
                group=group,
                topic=(topic_id, topic),
                outcome=value,
                user_id=asked.user_id,
                corrections=asked.corrections,
                limit=limit,
                cursor=cursor,
            )
    if insight == "ppv":
        return await fetch_offered(
            *asked.scope,
            graph=asked.graph,
            by=by,
            key=key,
            group=group,
            user_id=asked.user_id,
            corrections=asked.corrections,
            limit=limit,
            cursor=cursor,
            rosters=services.rosters,
        )
    if insight == "people":
        return await fetch_worked(
            asked.window,
            asked.about,
            graph=asked.graph,
            terms=terms,
            by=by,
            key=key,
            group=group,
            rosters=services.rosters,
            limit=limit,
            cursor=cursor,
        )
    if insight == "heatmap":
        return await fetch_beats(
            asked.window,
            asked.about,
            graph=asked.graph,
            hour=hour,
            group=group,
            limit=limit,
            cursor=cursor,
        )
    if insight == "fans":
        if fan_id is None:
            raise invalid("fan_id", "is missing: it says whose conversations are meant")
        return await fetch_of_fan(
            *asked.scope,
            graph=asked.graph,
            as_of=as_of or await _as_of(services, asked) or now(),
            fan_id=fan_id,
            group=group,
            user_id=asked.user_id,
            corrections=asked.corrections,
            limit=limit,
            cursor=cursor,
        )
    return await fetch_converted(
        *asked.scope,
        graph=asked.graph,
        as_of=as_of or await _as_of(services, asked) or now(),
        attribution=services.attribution_hours if attribution is None else attribution,
        factor=Factor(kind, action, topic_id, topic, value) if kind else None,
        group=group,
        user_id=asked.user_id,
        corrections=asked.corrections,
        time_zone=asked.time_zone,
        limit=limit,
        cursor=cursor,
    )


async def counted_until(services: Provided, asked: Question) -> datetime:
    """Up to when all of it is counted: now, or since when the graph lacks something of the user."""
    return await _as_of(services, asked) or now()


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
        graph=asked.graph,
        frames=Announcer(services.redis, asked.user_id, services.keys(asked.user_id)),
        now=now(),
        as_of=await _as_of(services, asked),
        bucket=bucket,
        time_zone=asked.time_zone,
    )
