"""What callers ask of the graph: each question's traversals, run at once, and the metrics of their rows.

Every function takes aware datetimes of a half-open window `[start_date, end_date)` and raises InvalidInput
naming the parameter that is wrong. `user_id` and `creator_id` name one account. `user_id` alone means all
accounts of that user, neither means all there are, and `creator_id` alone the account of the one user that
holds the creator: AmbiguousUser where several do. Without `corrections` the numbers are of what models said,
whatever people have corrected. Errors of the graph (GraphError, GraphUnavailable) pass
through.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from chats.account import Account
from errors import AmbiguousUser
from frames.log import Readers
from frames.publisher import Frames
from graph.port import Graph
from graph.traversals import (
    ACCOUNTS,
    ACCOUNTS_OF_CREATOR,
    ACCOUNTS_OF_USER,
    ACTIONS,
    CONVERSATIONS,
    FANS,
    MESSAGES,
    OUTCOMES,
    TOPIC_LINKS,
)
from graph.without_corrections import WithoutCorrections
from insights.columns import Table
from insights.metrics import (
    Bucket,
    action_counts,
    bucket_start,
    by_fans,
    message_counts,
    outcome_counts,
    pay_per_view,
    response_time_metrics,
    revenue,
    sentiment_trend,
    spoken,
    topic_metrics,
)
from insights.priority import priority_scores, unread_counts
from insights.tables import Ask, Columnar, nothing, of_answers
from insights.topics import topics_over_time
from insights.update import analytics_update, priority_by_chat
from insights.window import Window, parse_time_zone, time_zone_notes
from wire.bounds import REPLACED, URGENT, changes, of_most_urgent
from wire.payloads import (
    AnalyticsUpdate,
    AnalyticsUpdateMsg,
    ResponseTimeMetrics,
    SentimentTrend,
    TopicMetric,
    TopicsOverTime,
)


async def fetch_topic_metrics(
    start_date: datetime,
    end_date: datetime,
    creator_id: str | None = None,
    *,
    graph: Graph,
    user_id: str | None = None,
    corrections: bool = True,
) -> list[TopicMetric]:
    """Topics of the window by falling volume, with share and trend."""
    window = Window(start_date, end_date)
    reader = await Reader.open(graph, creator_id, user_id, corrections=corrections)
    conversations, links = await reader.tables(
        Ask(CONVERSATIONS, *window.seconds), Ask(TOPIC_LINKS, *_two_windows(window))
    )
    return topic_metrics(links, start=window.start_second, conversations=len(by_fans(conversations)))


async def fetch_topics_over_time(
    start_date: datetime,
    end_date: datetime,
    creator_id: str | None = None,
    *,
    graph: Graph,
    user_id: str | None = None,
    bucket: Bucket = "week",
    time_zone: str = "UTC",
    corrections: bool = True,
) -> TopicsOverTime:
    """How many fan conversations of the window discussed which topic, by the bucket they start in."""
    window = Window(start_date, end_date)
    _check_trend(bucket, time_zone)
    reader = await Reader.open(graph, creator_id, user_id, corrections=corrections)
    conversations, links = await reader.tables(
        Ask(CONVERSATIONS, *window.seconds), Ask(TOPIC_LINKS, *window.seconds)
    )
    return await asyncio.to_thread(
        topics_over_time, links, by_fans(conversations), bucket=bucket, time_zone=time_zone
    )


async def fetch_sentiment_trend(
    start_date: datetime,
    end_date: datetime,
    creator_id: str | None = None,
    *,
    graph: Graph,
    user_id: str | None = None,
    corrections: bool = True,
    bucket: Bucket = "day",
    time_zone: str = "UTC",
) -> SentimentTrend:
    """Mean sentiment of fan messages per bucket of the window."""
    window = Window(start_date, end_date)
    _check_trend(bucket, time_zone)
    reader = await Reader.open(graph, creator_id, user_id, corrections=corrections)
    (conversations,) = await reader.tables(Ask(CONVERSATIONS, *window.seconds))
    return sentiment_trend(conversations, bucket=bucket, time_zone=time_zone)


async def fetch_response_time_metrics(
    start_date: datetime,
    end_date: datetime,
    creator_id: str | None = None,
    *,
    graph: Graph,
    user_id: str | None = None,
    corrections: bool = True,
) -> ResponseTimeMetrics:
    """Handling time, silence, turns and response times of the window."""
    window = Window(start_date, end_date)
    reader = await Reader.open(graph, creator_id, user_id, corrections=corrections)
    (conversations,) = await reader.tables(Ask(CONVERSATIONS, *window.seconds))
    return response_time_metrics(conversations)


async def build_analytics_update(
    user_id: str | None,
    start_date: datetime,
    end_date: datetime,
    creator_id: str | None = None,
    *,
    graph: Graph,
    now: datetime,
    as_of: datetime | None = None,
    bucket: Bucket = "day",
    time_zone: str = "UTC",
    corrections: bool = True,
) -> AnalyticsUpdate:
    """Everything a dashboard shows of the window, and every chat's priority at `now` (aware).

    `as_of` is since when the graph lacks something of these accounts; None: it has all up to now.
    Priority is ranked within each account. Where two accounts share a chat id (one fan follows two creators),
    the more urgent of the two chats is shown, with its own unread count; ask for one account to see either.
    """
    window = Window(start_date, end_date)
    _check_trend(bucket, time_zone)
    reader = await Reader.open(graph, creator_id, user_id, corrections=corrections)
    asked = (
        *(Ask(traversal, *window.seconds) for traversal in (CONVERSATIONS, MESSAGES, ACTIONS, OUTCOMES)),
        Ask(TOPIC_LINKS, *_two_windows(window)),
        Ask(FANS),
    )
    accounts = await reader.tables_by_account(*asked)

    def update() -> AnalyticsUpdate:
        tables = [Table.concat(own) for own in zip(*accounts, strict=True)] or nothing(*asked)
        conversations, messages, actions, outcomes, links, fans = tables
        priority, unread = priority_by_chat(
            (priority_scores(own, now), unread_counts(own)) for *_, own in accounts
        )
        talks = spoken(conversations)
        own = len(by_fans(conversations))
        return analytics_update(
            creator_id,
            window,
            as_of=as_of or now,
            chats=len(fans),
            conversations=len(talks),
            fan_conversations=own,
            broadcast_only=len(conversations) - len(talks),
            messages=message_counts(messages),
            ppv=pay_per_view(messages, outcomes),
            message_count=int(conversations.numbers("messageCount").sum()),
            topics=topic_metrics(links, start=window.start_second, conversations=own),
            trend=sentiment_trend(conversations, bucket=bucket, time_zone=time_zone),
            times=response_time_metrics(conversations),
            actions=action_counts(actions),
            outcomes=outcome_counts(outcomes),
            revenue=revenue(outcomes),
            priority=priority,
            unread=unread,
            notes=time_zone_notes(time_zone),
        )

    return await asyncio.to_thread(update)  # of a long window, or of many chats, it takes a while


async def broadcast_analytics_update(
    user_id: str,
    start_date: datetime,
    end_date: datetime,
    creator_id: str | None = None,
    *,
    graph: Graph,
    frames: Frames,
    now: datetime,
    as_of: datetime | None = None,
    bucket: Bucket = "day",
    time_zone: str = "UTC",
) -> AnalyticsUpdate:
    """Build the update, send it to the user's pages (`frames`), and return it.

    Pages get the inbox order of the most urgent chats alone (`wire.bounds`).
    """
    update = await build_analytics_update(
        user_id,
        start_date,
        end_date,
        creator_id,
        graph=graph,
        now=now,
        as_of=as_of,
        bucket=bucket,
        time_zone=time_zone,
    )
    await frames.send(
        AnalyticsUpdateMsg(creatorId=creator_id, merge=True, payload=changes(of_most_urgent(update, URGENT))),
        Readers.MERGING,
    )
    replaced = of_most_urgent(update, REPLACED)
    await frames.send(AnalyticsUpdateMsg(creatorId=creator_id, payload=replaced), Readers.REPLACING)
    return update


class Reader:
    """Runs traversals over the accounts (by their keys) that one question is about."""

    def __init__(self, graph: Graph, accounts: list[str]) -> None:
        self._graph = graph
        self.accounts = accounts

    @classmethod
    async def open(
        cls, graph: Graph, creator_id: str | None, user_id: str | None, *, corrections: bool = True
    ) -> "Reader":
        """For the accounts that these ids name. AmbiguousUser."""
        accounts = await _accounts(graph, creator_id, user_id)
        return cls(graph if corrections else WithoutCorrections(graph), accounts)

    async def tables_by_account(self, *asks: Ask) -> list[list[Table]]:
        """The columns of what each of `accounts` answers to each question."""
        return await asyncio.gather(*(self._tables(account, asks) for account in self.accounts))

    async def tables(self, *asks: Ask) -> list[Table]:
        """The columns of what all `accounts` together answer to each question."""
        accounts = await self.tables_by_account(*asks)
        return [Table.concat(own) for own in zip(*accounts, strict=True)] or nothing(*asks)

    async def _tables(self, account: str, asks: Sequence[Ask]) -> list[Table]:
        # Nobody's question starts the owners of all users.
        if isinstance(self._graph, Columnar) and len({Account.of_key(a).user_id for a in self.accounts}) == 1:
            found = await self._graph.tables(account, asks)
            if found is not None:
                return found
        rows = await asyncio.gather(
            *(self._graph.submit(each.traversal, {"pk": account, **each.bindings}) for each in asks)
        )
        return await asyncio.to_thread(of_answers, asks, rows)


async def _accounts(graph: Graph, creator_id: str | None, user_id: str | None) -> list[str]:
    """The keys of the accounts that these ids name."""
    match user_id, creator_id:
        case str(), str():
            return [Account(user_id, creator_id).key]
        case str(), None:
            return sorted(await graph.submit(ACCOUNTS_OF_USER, {"user_id": user_id}))
        case None, str():
            accounts = await graph.submit(ACCOUNTS_OF_CREATOR, {"creator_id": creator_id})
            if len(accounts) > 1:
                raise AmbiguousUser(
                    "Several users hold this creator: say whose account is meant with user_id.",
                    detail=[{"field": "user_id", "reason": "missing"}],
                )
            return accounts
        case _:
            return sorted(await graph.submit(ACCOUNTS, {}))


def _two_windows(window: Window) -> tuple[int, int]:
    return window.preceding_start_second, window.end_second


def _check_trend(bucket: str, time_zone: str) -> None:
    """Refuse what `sentiment_trend` would refuse, before the graph is asked."""
    bucket_start(bucket)
    parse_time_zone(time_zone)
