"""The figures of a window as sums, from which a conversation can be taken again. Pure.

Every sum is exact and rounded once, so it is that of the rows which are left, to the last bit.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

import msgpack

from graph.rows import ConversationRows
from insights.metrics import (
    Mean,
    TopicText,
    bucket_start,
    response_times_of,
    trend_of,
)
from insights.ordered import ExactSum, Ordered
from insights.row import handling_seconds, response_times, silence_share
from wire.payloads import (
    MessageCounts,
    PayPerView,
    PayPerViewMetrics,
    ResponseTimeMetrics,
    SentimentTrend,
)

_DAY = 86_400  # seconds


class Outcome(NamedTuple):
    date: int
    type: str
    amount: float
    is_mass: bool


class Share(NamedTuple):
    """What one conversation adds to the figures."""

    start: int
    direct: int
    by_fans: int
    mass: int
    offers: int
    mass_offers: int
    sentiment_sum: float
    sentiment_n: int
    handling: int | None
    silence: float | None
    turns: int
    unanswered: int
    times: Sequence[float]
    topics: Sequence[str]  # ids, none where the fan says nothing
    actions: Sequence[tuple[str, int]]
    outcomes: Sequence[Outcome]

    @classmethod
    def of(cls, rows: ConversationRows) -> Self:
        row, messages = rows.conversation, rows.messages
        fan = row["fanMessages"] > 0
        return cls(
            start=row["startDate"],
            direct=row["messageCount"],
            by_fans=row["fanMessages"],
            mass=messages["massMessages"],
            offers=messages["ppvOffers"],
            mass_offers=messages["massPpvOffers"],
            sentiment_sum=row["sentimentSum"],
            sentiment_n=row["sentimentCount"],
            handling=handling_seconds(row) if fan else None,
            silence=silence_share(row) if fan else None,
            turns=row["turns"],
            unanswered=row["unanswered"] if fan else 0,
            times=response_times(row) if fan else [],
            topics=[TopicText.of(link).id for link in rows.topics] if fan else [],
            actions=[(action["type"], action["count"]) for action in rows.actions],
            outcomes=[
                Outcome(date, outcome["type"], outcome["amount"], outcome["isMass"])
                for date, outcome in rows.outcomes
            ],
        )

    # Tens of thousands are kept: as bytes they take a fifth of what they take as objects.

    def packed(self) -> bytes:
        return msgpack.packb(self)  # type: ignore[no-any-return]

    @classmethod
    def unpacked(cls, packed: bytes) -> Self:
        fields: list[Any] = msgpack.unpackb(packed)
        fields[-1] = [Outcome(*each) for each in fields[-1]]
        return cls(*fields)


class _Terms:
    """A sum with the number of its terms."""

    __slots__ = ("_sum", "n")

    def __init__(self) -> None:
        self._sum = ExactSum()
        self.n = 0

    def add(self, value: float, sign: int, n: int = 1) -> None:
        self._sum.add(value, sign)
        self.n += sign * n

    @property
    def total(self) -> float:
        return self._sum.total

    @property
    def mean(self) -> Mean:
        return Mean(self.total, self.n)


class Sums:
    """The figures of a window as sums that conversations and outcomes can be taken from again."""

    def __init__(self) -> None:
        self.rows = 0
        self.conversations = 0
        self.fan_conversations = 0
        self.direct = 0
        self._by_fans = 0
        self._mass = 0
        self._offers = 0
        self._mass_offers = 0
        self._felt = _Terms()  # n: messages
        self._felt_by_day: defaultdict[int, _Terms] = defaultdict(_Terms)
        self._handling = _Terms()
        self._silence = _Terms()
        self._turns = _Terms()
        self._unanswered = 0
        self._times = Ordered[float]("d")
        self._seconds = ExactSum()  # of the times
        self.actions: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.revenue = ExactSum()
        self._bought, self._mass_bought = _Terms(), _Terms()

    def add(self, share: Share, sign: int) -> None:
        """Add a conversation of the window, but not its outcomes, or with `sign` -1 take it away."""
        self.rows += sign
        self.conversations += sign * (share.direct > 0)
        self.direct += sign * share.direct
        self._by_fans += sign * share.by_fans
        self._mass += sign * share.mass
        self._offers += sign * share.offers
        self._mass_offers += sign * share.mass_offers
        if share.sentiment_n > 0:
            day = share.start // _DAY
            for felt in (self._felt, self._felt_by_day[day]):
                felt.add(share.sentiment_sum, sign, share.sentiment_n)
            if not self._felt_by_day[day].n:
                del self._felt_by_day[day]
        if share.by_fans > 0:
            self._add_fan_conversation(share, sign)
        for action, count in share.actions:
            self.actions[action] += sign * count

    def _add_fan_conversation(self, share: Share, sign: int) -> None:
        self.fan_conversations += sign
        self._turns.add(share.turns, sign)
        if share.handling is not None:
            self._handling.add(share.handling, sign)
        if share.silence is not None:
            self._silence.add(share.silence, sign)
        self._unanswered += sign * share.unanswered
        for seconds in share.times:
            self._seconds.add(seconds, sign)
            if sign > 0:
                self._times.add(seconds)
            else:
                self._times.remove(seconds)

    def add_outcome(self, outcome: Outcome, sign: int) -> None:
        """Add an outcome of the window, or with `sign` -1 take it away."""
        self.outcomes[outcome.type] += sign
        self.revenue.add(outcome.amount, sign)
        if outcome.type == "purchase":
            (self._mass_bought if outcome.is_mass else self._bought).add(outcome.amount, sign)

    def message_counts(self) -> MessageCounts:
        return MessageCounts(direct=self.direct, by_fans=self._by_fans, mass=self._mass)

    def pay_per_view(self) -> PayPerViewMetrics:
        def of(offers: int, bought: _Terms) -> PayPerView:
            return PayPerView(offers=offers, unlocks=bought.n, revenue=bought.total)

        return PayPerViewMetrics(
            direct=of(self._offers, self._bought), mass=of(self._mass_offers, self._mass_bought)
        )

    def sentiment_trend(self) -> SentimentTrend:
        start_of = bucket_start("day")
        days = sorted(self._felt_by_day.items())
        return trend_of(
            {start_of(datetime.fromtimestamp(day * _DAY, UTC)): felt.mean for day, felt in days},
            self._felt.mean,
            bucket="day",
            time_zone="UTC",
        )

    def response_time_metrics(self) -> ResponseTimeMetrics:
        return response_times_of(
            handling=self._handling.mean,
            silence=self._silence.mean,
            turns=self._turns.mean,
            times=self._times,
            total=self._seconds.total,
            unanswered=self._unanswered,
        )
