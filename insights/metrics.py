"""The one implementation of every windowed metric, from columns of rows. Pure; see docs/metrics.md.

No data gives null or an empty list, never a plausible constant. The order of the rows does not matter.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from math import ceil, fsum
from typing import Literal, NamedTuple, Self, get_args
from zoneinfo import ZoneInfo

import numpy as np

from graph.traversals import TopicLinkRow
from insights.clock import DAY, HOUR
from insights.columns import Coded, Numbers, Table, distinct, grouped
from insights.instants import local_seconds
from insights.ordered import InOrder, Sorted
from insights.rates import Share
from insights.row import topic_id
from insights.tables import rows_of
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


def topic_metrics(links: Table, *, start: int, conversations: int) -> list[TopicMetric]:
    """Topics of a window by falling volume, from the TOPIC_LINKS of that window and of the preceding one.

    Links before `start` (epoch seconds) are the preceding window's. `conversations` is the count of all fan
    conversations in the window. A topic that only the preceding window discusses is not listed.
    """
    ids, labels = links.coded("id"), links.coded("topic")
    places, which = distinct(ids.codes, labels.codes)
    now = np.bincount(which[links.numbers("startDate") >= start], minlength=len(places))
    before = np.bincount(which, minlength=len(places)) - now
    texts = map(TopicText.of, rows_of(links.take(places)))  # type: ignore[arg-type]  # rows of TOPIC_LINKS
    counts = zip(texts, now.tolist(), before.tolist(), strict=True)
    return counted_topics(counts, conversations=conversations)


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


def sentiment_trend(rows: Table, *, bucket: Bucket, time_zone: str) -> SentimentTrend:
    """Mean sentiment of fan messages by the bucket their conversation starts in; empty ones are left out.

    `rows` are of CONVERSATIONS. InvalidInput names `bucket` or `time_zone` when it is unknown.
    """
    zone = parse_time_zone(time_zone)
    felt = rows.only(["startDate", "sentimentSum", "sentimentCount"])
    felt = felt.where(felt.numbers("sentimentCount") > 0)
    felt = felt.take(np.argsort(felt.numbers("startDate"), kind="stable"))
    dates, which = buckets_of(felt.numbers("startDate"), bucket, zone)
    sums, counts = felt.numbers("sentimentSum"), felt.numbers("sentimentCount")
    buckets = zip(dates, grouped(which, len(dates)), strict=True)
    return trend_of(
        {date: Mean(fsum(sums[own].tolist()), int(counts[own].sum())) for date, own in buckets},
        Mean(fsum(sums.tolist()), int(counts.sum())),
        bucket=bucket,
        time_zone=time_zone,
    )


def buckets_of(starts: Numbers, bucket: Bucket, zone: ZoneInfo) -> tuple[list[str], Numbers]:
    """The buckets in which these epoch seconds are, the earliest first, and which of them each is in."""
    start_of = bucket_start(bucket)
    local = local_seconds(starts, zone)
    # Where clocks show one hour, as far ahead of UTC, all is of one bucket; and where they show one day.
    places, which = distinct(local // (HOUR if bucket == "hour" else DAY), local - starts)
    ranks: dict[str, int] = {}
    rank = np.zeros(len(places), np.int64)
    for each in np.argsort(starts[places], kind="stable").tolist():
        date = start_of(datetime.fromtimestamp(int(starts[places[each]]), zone))
        rank[each] = ranks.setdefault(date, len(ranks))
    return list(ranks), rank[which]


class Mean(NamedTuple):
    """A mean as the sum of its values, rounded once, and their number."""

    total: float
    n: int

    @classmethod
    def of(cls, values: Numbers) -> Self:
        return cls(fsum(values.tolist()), len(values))

    @property
    def value(self) -> float | None:
        """None when there are no values."""
        return self.total / self.n if self.n else None


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


def _handling(rows: Table) -> Numbers:
    """`insights.row.handling_seconds` of the fan conversations (rows of CONVERSATIONS) that have them."""
    found: Numbers = (rows.numbers("endDate") - rows.numbers("startDate"))[rows.numbers("messageCount") >= 2]
    return found


def _silence(rows: Table) -> Numbers:
    """`insights.row.silence_share` of the fan conversations (rows of CONVERSATIONS) that have one."""
    durations = rows.numbers("endDate") - rows.numbers("startDate")
    lasted = durations > 0
    found: Numbers = np.minimum(100.0, 100 * rows.numbers("silenceSeconds")[lasted] / durations[lasted])
    return found


def spoken(rows: Table) -> Table:
    """The rows that are conversations."""
    return rows.where(rows.numbers("messageCount") > 0)


def by_fans(rows: Table) -> Table:
    """The rows of conversations in which the fan says something."""
    return rows.where(rows.numbers("fanMessages") > 0)


def message_counts(rows: Table) -> MessageCounts:
    """Messages of the rows of MESSAGES, direct and mass apart."""
    return MessageCounts(
        direct=_sum(rows, "messageCount"), by_fans=_sum(rows, "fanMessages"), mass=_sum(rows, "massMessages")
    )


def _sum(rows: Table, name: str) -> int:
    return int(rows.numbers(name).sum())


def pay_per_view(rows: Table, outcomes: Table) -> PayPerViewMetrics:
    """Offers of the rows (of MESSAGES) and unlocks among the outcomes, direct and mass apart."""
    bought = outcomes.where(outcomes.coded("type").is_any(["purchase"]))

    def of(*, mass: bool) -> PayPerView:
        own = bought.where(bought.numbers("isMass") == mass)
        offers = _sum(rows, "massPpvOffers" if mass else "ppvOffers")
        return PayPerView(offers=offers, unlocks=len(own), revenue=revenue(own))

    return PayPerViewMetrics(direct=of(mass=False), mass=of(mass=True))


def response_time_metrics(conversations: Table) -> ResponseTimeMetrics:
    """Handling time, silence, turns and response times of fan conversations, each with its sample size.

    `conversations` are rows of CONVERSATIONS.
    """
    rows = by_fans(conversations)
    times = rows.nested("responseSeconds").table.numbers("seconds")
    return response_times_of(
        handling=Mean.of(_handling(rows)),
        silence=Mean.of(_silence(rows)),
        turns=Mean.of(rows.numbers("turns")),
        times=Sorted(times),
        total=fsum(times.tolist()),
        unanswered=_sum(rows, "unanswered"),
    )


def response_times_of(
    *, handling: Mean, silence: Mean, turns: Mean, times: InOrder, total: float, unanswered: int
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


def _response_time(times: InOrder, total: float, unanswered: int) -> ResponseTime:
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


def median(times: InOrder) -> float | None:
    """The one in the middle, or the mean of the two; None when there are none."""
    n = len(times)
    return (times[(n - 1) // 2] + times[n // 2]) / 2 if times else None


def p90(times: InOrder) -> float | None:
    """The nearest rank, which is a time that was observed; None when there are none."""
    return times[ceil(len(times) * 9 / 10) - 1] if times else None


def is_within(seconds: Numbers, bound: float) -> Numbers:
    """Which times are `bound` seconds or less."""
    return seconds <= bound + _CLOCK


def share_within(times: InOrder, bound: float) -> float | None:
    """The percentage of the times that are `bound` seconds or less; None when there are none."""
    return 100 * times.up_to(bound + _CLOCK) / len(times) if times else None


def action_counts(rows: Table) -> dict[str, int]:
    """How often each engagement action was seen, most frequent first; rows of ACTIONS."""
    return most_frequent(_counted(rows.coded("type"), rows.numbers("count")))


def outcome_counts(rows: Table) -> dict[str, int]:
    """How many outcomes of each type, most frequent first; rows of OUTCOMES."""
    return most_frequent(_counted(rows.coded("type"), np.ones(len(rows), np.int64)))


def _counted(types: Coded, counts: Numbers) -> Counter[str]:
    totals = np.bincount(types.codes, counts, minlength=len(types.values))  # exact: there are few
    found: Counter[str] = Counter()
    for type, total in zip(types.values, totals.tolist(), strict=True):
        found[type] += int(total)
    return found


def most_frequent(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts, most frequent first, without what was not seen."""
    seen = [(name, count) for name, count in counts.items() if count]
    return dict(sorted(seen, key=lambda item: (-item[1], item[0])))


def revenue(rows: Table) -> float:
    """The sum of the amounts that are known, in the platform's currency unit."""
    return fsum(rows.numbers("amount").tolist())
