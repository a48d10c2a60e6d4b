"""The one implementation of every windowed metric, from projected rows. Pure; definitions in docs/metrics.md.

No data gives null or an empty list, never a plausible constant. The order of the rows does not matter.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil, fsum
from statistics import fmean, median
from typing import Literal, get_args

from graph.model import local_id, topic_vertex
from graph.traversals import ActionRow, ConversationRow, MessagesRow, OutcomeRow, TopicLinkRow
from insights.window import invalid, parse_time_zone, time_zone_notes
from wire.payloads import (
    MessageCounts,
    PayPerView,
    PayPerViewMetrics,
    ResponseTime,
    ResponseTimeMetrics,
    SentimentPoint,
    SentimentTrend,
    TopicMetric,
)

Bucket = Literal["hour", "day", "week", "month"]
# Differences of epoch seconds are exact to less than this; no platform's times are finer.
_CLOCK = 1e-6


def topic_metrics(links: Iterable[TopicLinkRow], *, start: int, conversations: int) -> list[TopicMetric]:
    """Topics of a window by falling volume, from the links of that window and of the preceding one.

    Links before `start` (epoch seconds) are the preceding window's. `conversations` is the count of all fan
    conversations in the window. A topic that only the preceding window discusses is not listed.
    """
    # The label is part of the key: topics that creators discovered for themselves may share an id.
    now: defaultdict[tuple[str, str], list[TopicLinkRow]] = defaultdict(list)
    before: Counter[tuple[str, str]] = Counter()
    for link in links:
        key = (_topic_id(link), link["topic"])
        if link["startDate"] < start:
            before[key] += 1
        else:
            now[key].append(link)
    metrics = [_topic_metric(found, before[key], conversations) for key, found in now.items()]
    return sorted(metrics, key=lambda metric: (-metric.volume, metric.topic, metric.id))


def _topic_id(link: TopicLinkRow) -> str:
    return local_id(link["id"]).removeprefix(topic_vertex(""))


def _topic_metric(links: Sequence[TopicLinkRow], previous: int, conversations: int) -> TopicMetric:
    first, volume = links[0], len(links)
    return TopicMetric(
        topic=first["topic"],
        id=_topic_id(first),
        volume=volume,
        # A conversation written between the two reads can be among the links only.
        percentage_of_total=100 * volume / max(volume, conversations),
        trend=100 * (volume - previous) / previous if previous else None,
        previous_volume=previous,
        category=first["category"] or None,
        keywords=first["keywords"].split(",") if first["keywords"] else [],
    )


def sentiment_trend(rows: Iterable[ConversationRow], *, bucket: Bucket, time_zone: str) -> SentimentTrend:
    """Mean sentiment of fan messages by the bucket their conversation starts in; empty ones are left out.

    InvalidInput names `bucket` or `time_zone` when it is unknown.
    """
    start_of, zone = bucket_start(bucket), parse_time_zone(time_zone)
    buckets: defaultdict[str, list[ConversationRow]] = defaultdict(list)
    felt = [row for row in rows if row["sentimentCount"] > 0]
    for row in sorted(felt, key=lambda row: row["startDate"]):
        buckets[start_of(datetime.fromtimestamp(row["startDate"], zone))].append(row)
    n = _sentiment_n(felt)
    return SentimentTrend(
        trend=[
            SentimentPoint(date=date, sentiment_score=_sentiment(found), n=_sentiment_n(found))
            for date, found in buckets.items()
        ],
        sentiment_score=_sentiment(felt) if n else None,
        n=n,
        bucket=bucket,
        time_zone=zone.key,
        notes=time_zone_notes(time_zone),
    )


def _sentiment(rows: Sequence[ConversationRow]) -> float:
    return fsum(row["sentimentSum"] for row in rows) / _sentiment_n(rows)


def _sentiment_n(rows: Iterable[ConversationRow]) -> int:
    return sum(row["sentimentCount"] for row in rows)


def _hour(local: datetime) -> str:
    # With its offset: where clocks are set back, one hour is there twice.
    return local.replace(minute=0, second=0, microsecond=0).isoformat()


def _day(local: datetime) -> str:
    return local.date().isoformat()


def _week(local: datetime) -> str:
    return (local.date() - timedelta(days=local.weekday())).isoformat()


def _month(local: datetime) -> str:
    return local.date().replace(day=1).isoformat()


_BUCKETS: Mapping[str, Callable[[datetime], str]] = {
    "hour": _hour,
    "day": _day,
    "week": _week,  # Monday
    "month": _month,
}


def bucket_start(bucket: str) -> Callable[[datetime], str]:
    """From a local time to the ISO 8601 start of its bucket; InvalidInput when there is no such bucket."""
    if bucket not in _BUCKETS:
        raise invalid("bucket", f"must be one of {', '.join(get_args(Bucket))}")
    return _BUCKETS[bucket]


def spoken(rows: Iterable[ConversationRow]) -> list[ConversationRow]:
    """The rows that are conversations."""
    return [row for row in rows if row["messageCount"] > 0]


def by_fans(rows: Iterable[ConversationRow]) -> list[ConversationRow]:
    """The rows of conversations in which the fan says something."""
    return [row for row in rows if row["fanMessages"] > 0]


def message_counts(rows: Sequence[MessagesRow]) -> MessageCounts:
    """Messages of the rows, direct and mass apart."""
    return MessageCounts(
        direct=sum(row["messageCount"] for row in rows),
        by_fans=sum(row["fanMessages"] for row in rows),
        mass=sum(row["massMessages"] for row in rows),
    )


def pay_per_view(rows: Sequence[MessagesRow], outcomes: Sequence[OutcomeRow]) -> PayPerViewMetrics:
    """Offers of the rows and unlocks among the outcomes, direct and mass apart."""

    def of(*, mass: bool) -> PayPerView:
        bought = [each for each in outcomes if each["type"] == "purchase" and each["isMass"] is mass]
        offers = sum(row["massPpvOffers"] if mass else row["ppvOffers"] for row in rows)
        return PayPerView(offers=offers, unlocks=len(bought), revenue=revenue(bought))

    return PayPerViewMetrics(direct=of(mass=False), mass=of(mass=True))


def response_time_metrics(conversations: Iterable[ConversationRow]) -> ResponseTimeMetrics:
    """Handling time, silence, turns and response times of fan conversations, each with its sample size."""
    rows = by_fans(conversations)
    handling = [row["endDate"] - row["startDate"] for row in rows if row["messageCount"] >= 2]
    silence = [
        # Whole-second dates can make the duration a fraction shorter than the gaps inside it.
        min(100.0, 100 * row["silenceSeconds"] / (row["endDate"] - row["startDate"]))
        for row in rows
        if row["endDate"] > row["startDate"]
    ]
    turns = [row["turns"] for row in rows]
    return ResponseTimeMetrics(
        average_handling_time_minutes=fmean(handling) / 60 if handling else None,
        average_handling_time_n=len(handling),
        silence_percentage=fmean(silence) if silence else None,
        silence_n=len(silence),
        turns=fmean(turns) if turns else None,
        turns_n=len(turns),
        response_time=_response_time(rows),
    )


def _response_time(rows: Iterable[ConversationRow]) -> ResponseTime:
    unanswered = 0
    times: list[float] = []
    for row in rows:
        unanswered += row["unanswered"]
        if row["responseSeconds"]:
            times.extend(float(text) for text in row["responseSeconds"].split(","))
    times.sort()
    n = len(times)
    return ResponseTime(
        mean=fmean(times) if times else None,
        median=median(times) if times else None,
        p90=times[ceil(n * 9 / 10) - 1] if times else None,  # nearest rank: a time that was observed
        max=times[-1] if times else None,
        n=n,
        within_5_min=_share_within(times, 300),
        within_1_h=_share_within(times, 3600),
        within_4_h=_share_within(times, 4 * 3600),
        within_8_h=_share_within(times, 8 * 3600),
        within_24_h=_share_within(times, 24 * 3600),
        unanswered=unanswered,
    )


def _share_within(times: Sequence[float], bound: float) -> float | None:
    """The percentage of the sorted times that are `bound` seconds or less; None when there are none."""
    return 100 * bisect_right(times, bound + _CLOCK) / len(times) if times else None


def action_counts(rows: Iterable[ActionRow]) -> dict[str, int]:
    """How often each engagement action was seen, most frequent first."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row["type"]] += row["count"]
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def outcome_counts(rows: Iterable[OutcomeRow]) -> dict[str, int]:
    """How many outcomes of each type, most frequent first."""
    counts = Counter(row["type"] for row in rows)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def revenue(rows: Iterable[OutcomeRow]) -> float:
    """The sum of the amounts that are known, in the platform's currency unit."""
    return fsum(row["amount"] for row in rows)
