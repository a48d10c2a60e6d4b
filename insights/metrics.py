"""The one implementation of every windowed metric, from projected rows. Pure; definitions in docs/metrics.md.

No data gives null or an empty list, never a plausible constant. The order of the rows does not matter.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil, fsum
from typing import Literal, NamedTuple, Self, get_args

from graph.traversals import ActionRow, ConversationRow, MessagesRow, OutcomeRow, TopicLinkRow
from insights.ordered import Ordered
from insights.rates import Share
from insights.row import handling_seconds, response_times, silence_share, topic_id
from insights.topic_marks import topic_mark
from insights.window import invalid, parse_time_zone, time_zone_notes
from wire.payloads import (
    MessageCounts,
    PayPerView,
    PayPerViewMetrics,
    ResponseTime,
    ResponseTimeMetrics,
    SentimentPoint,
    SentimentTrend,
    TopicMark,
    TopicMetric,
)

Bucket = Literal["hour", "day", "week", "month"]
# Differences of epoch seconds are exact to less than this; no platform's times are finer.
_CLOCK = 1e-6


class TopicText(NamedTuple):
    """A topic as its links read it."""

    id: str  # of the topic
    topic: str  # the readable label
    category: str  # "" for a discovered topic
    keywords: str  # joined by commas

    @classmethod
    def of(cls, link: TopicLinkRow) -> Self:
        return cls(topic_id(link["id"]), link["topic"], link["category"], link["keywords"])


def topic_metrics(links: Iterable[TopicLinkRow], *, start: int, conversations: int) -> list[TopicMetric]:
    """Topics of a window by falling volume, from the links of that window and of the preceding one.

    Links before `start` (epoch seconds) are the preceding window's. `conversations` is the count of all fan
    conversations in the window. A topic that only the preceding window discusses is not listed.
    """
    counted = ((TopicText.of(link), link["startDate"] >= start) for link in links)
    return counted_topics(((text, now, not now) for text, now in counted), conversations=conversations)


def counted_topics(counts: Iterable[tuple[TopicText, int, int]], *, conversations: int) -> list[TopicMetric]:
    """`topic_metrics` from topics with a number of links in the window and in the preceding one."""
    # The label is part of the key: topics that creators discovered for themselves may share an id.
    texts: dict[tuple[str, str], TopicText] = {}
    volumes: Counter[tuple[str, str]] = Counter()
    before: Counter[tuple[str, str]] = Counter()
    for text, volume, previous in counts:
        key = (text.id, text.topic)
        if volume:
            texts.setdefault(key, text)
        volumes[key] += volume
        before[key] += previous
    all_now, all_before, looked_at = volumes.total(), before.total(), len(volumes + before)

    def mark(key: tuple[str, str]) -> TopicMark | None:
        return topic_mark(Share(volumes[key], all_now), Share(before[key], all_before), looked_at)

    metrics = [
        _topic_metric(text, volumes[key], before[key], conversations, mark(key))
        for key, text in texts.items()
    ]
    return sorted(metrics, key=lambda metric: (-metric.volume, metric.topic, metric.id))


def _topic_metric(
    text: TopicText, volume: int, previous: int, conversations: int, mark: TopicMark | None
) -> TopicMetric:
    return TopicMetric(
        topic=text.topic,
        id=text.id,
        volume=volume,
        # A conversation written between the two reads can be among the links only.
        percentage_of_total=100 * volume / max(volume, conversations),
        trend=100 * (volume - previous) / previous if previous else None,
        previous_volume=previous,
        category=text.category or None,
        keywords=text.keywords.split(",") if text.keywords else [],
        mark=mark,
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
    return trend_of(
        {date: _sentiment(found) for date, found in buckets.items()},
        _sentiment(felt),
        bucket=bucket,
        time_zone=time_zone,
    )


class Mean(NamedTuple):
    """A mean as the sum of its values, rounded once, and their number."""

    total: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        return cls(fsum(values), len(values))

    @property
    def value(self) -> float | None:
        """None when there are no values."""
        return self.total / self.n if self.n else None


def _sentiment(rows: Sequence[ConversationRow]) -> Mean:
    return Mean(fsum(row["sentimentSum"] for row in rows), sum(row["sentimentCount"] for row in rows))


def trend_of(buckets: Mapping[str, Mean], whole: Mean, *, bucket: Bucket, time_zone: str) -> SentimentTrend:
    """`sentiment_trend` from its buckets, the earliest first and none without a message, and their whole."""
    return SentimentTrend(
        trend=[
            SentimentPoint(date=date, sentiment_score=mean.total / mean.n, n=mean.n)
            for date, mean in buckets.items()
        ],
        sentiment_score=whole.value,
        n=whole.n,
        bucket=bucket,
        time_zone=parse_time_zone(time_zone).key,
        notes=time_zone_notes(time_zone),
    )


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
    times = [seconds for row in rows for seconds in response_times(row)]
    return response_times_of(
        handling=Mean.of([seconds for row in rows if (seconds := handling_seconds(row)) is not None]),
        silence=Mean.of([share for row in rows if (share := silence_share(row)) is not None]),
        turns=Mean.of([row["turns"] for row in rows]),
        times=Ordered("d", times),
        total=fsum(times),
        unanswered=sum(row["unanswered"] for row in rows),
    )


def response_times_of(
    *, handling: Mean, silence: Mean, turns: Mean, times: Ordered[float], total: float, unanswered: int
) -> ResponseTimeMetrics:
    """`response_time_metrics` from the means, and the response times (seconds) with their sum `total`."""
    seconds = handling.value
    return ResponseTimeMetrics(
        average_handling_time_minutes=None if seconds is None else seconds / 60,
        average_handling_time_n=handling.n,
        silence_percentage=silence.value,
        silence_n=silence.n,
        turns=turns.value,
        turns_n=turns.n,
        response_time=_response_time(times, total, unanswered),
    )


def _response_time(times: Ordered[float], total: float, unanswered: int) -> ResponseTime:
    n = len(times)
    return ResponseTime(
        mean=Mean(total, n).value,
        median=median(times),
        p90=p90(times),
        max=times[n - 1] if times else None,
        n=n,
        within_5_min=share_within(times, 300),
        within_1_h=share_within(times, 3600),
        within_4_h=share_within(times, 4 * 3600),
        within_8_h=share_within(times, 8 * 3600),
        within_24_h=share_within(times, 24 * 3600),
        unanswered=unanswered,
    )


def median(times: Ordered[float]) -> float | None:
    """The one in the middle, or the mean of the two; None when there are none."""
    n = len(times)
    return (times[(n - 1) // 2] + times[n // 2]) / 2 if times else None


def p90(times: Ordered[float]) -> float | None:
    """The nearest rank, which is a time that was observed; None when there are none."""
    return times[ceil(len(times) * 9 / 10) - 1] if times else None


def is_within(seconds: float, bound: float) -> bool:
    """Whether a time is `bound` seconds or less."""
    return seconds <= bound + _CLOCK


def share_within(times: Ordered[float], bound: float) -> float | None:
    """The percentage of the times that are `bound` seconds or less; None when there are none."""
    return 100 * times.up_to(bound + _CLOCK) / len(times) if times else None


def action_counts(rows: Iterable[ActionRow]) -> dict[str, int]:
    """How often each engagement action was seen, most frequent first."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row["type"]] += row["count"]
    return most_frequent(counts)


def outcome_counts(rows: Iterable[OutcomeRow]) -> dict[str, int]:
    """How many outcomes of each type, most frequent first."""
    return most_frequent(Counter(row["type"] for row in rows))


def most_frequent(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts, most frequent first, without what was not seen."""
    seen = [(name, count) for name, count in counts.items() if count]
    return dict(sorted(seen, key=lambda item: (-item[1], item[0])))


def revenue(rows: Iterable[OutcomeRow]) -> float:
    """The sum of the amounts that are known, in the platform's currency unit."""
    return fsum(row["amount"] for row in rows)
