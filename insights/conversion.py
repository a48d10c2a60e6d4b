"""Which conversations a sale follows, and what they have that others have not. Pure; see docs/metrics.md.

A sale is a tip or a purchase. It follows the last fan conversation of its chat that began no later, when it
came within the hours of attribution after that conversation's end, and follows no other.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import partial
from math import fsum
from statistics import median
from typing import Final, Literal, NamedTuple, get_args

from graph.offers import read_offers
from graph.traversals import DiscussedRow, FanConversationRow, SaleRow, TargetRow, UsedRow
from insights.bands import price_band
from insights.clock import HOURS_OF_WEEK, hour_of_week_at
from insights.drill import Counted, Scope
from insights.rates import SIGNIFICANT, Share, adjusted, p_value, ratio_interval, wilson
from insights.row import topic_id
from insights.window import invalid
from wire.payloads import Conversion, ConversionRow, Converted, FactorKind, NoLift

Group = Literal["with", "with_sold", "without", "without_sold", "pending"]
SALES: Final = ("tip", "purchase")
METHOD: Final = (
    "Rates have 95 % Wilson score intervals, a lift the 95 % log-normal interval of Katz. p is of the N-1 "
    "chi-squared test, or the Fisher-Irwin test where an expected count is below 1; adjusted p is that of "
    f"Benjamini and Hochberg over all tests of this answer; significant is one of at most {SIGNIFICANT}."
)
CAUTION: Final = (
    "A lift says that sales followed more often, not why. Fans who buy may also talk so; a topic or action "
    "may have come after the sale, or be a part of it, as an offer is. All conversations count alike and as "
    "if they were independent: a few fans who buy much can make a lift, and its interval is too narrow then."
)


class Factor(NamedTuple):
    """What a conversation may have; what its kind does not name is empty."""

    kind: FactorKind
    action: str = ""
    topic_id: str = ""
    topic: str = ""  # its label: topics that two accounts discovered for themselves may share an id
    value: str = ""  # the price band, or the hour of the week

    def check(self) -> None:
        """InvalidInput names the part that the kind needs and that is missing."""
        needed = {"topic": ("topic_id",), "action": ("action",), "pair": ("action", "topic_id")}
        for name in needed.get(self.kind, ("value",)):
            if not getattr(self, name):
                raise invalid(name, f"is missing: it says which {self.kind} is meant")


@dataclass(slots=True)
class Talk:
    """A fan conversation of an account (its key), with the sales that followed it."""

    account: str
    row: FanConversationRow
    amounts: list[float] = field(default_factory=list)  # of its sales, in dollars; 0: not known

    @property
    def is_sold(self) -> bool:
        return bool(self.amounts)


@dataclass(frozen=True, slots=True)
class AccountRows:
    """What the graph answers of one account, by its key.

    `later` are fan conversations that began after the window, `sales` the outcomes since its start, both up
    to the end of the last hour of attribution.
    """

    account: str
    conversations: Sequence[FanConversationRow]
    later: Sequence[FanConversationRow]
    sales: Sequence[SaleRow]
    discussed: Sequence[DiscussedRow] = ()
    used: Sequence[UsedRow] = ()
    targets: Sequence[TargetRow] = ()


@dataclass(slots=True)
class Observed:
    """The conversations whose hours of attribution are over, what each has, and those whose are not."""

    talks: list[Talk] = field(default_factory=list)
    pending: list[Talk] = field(default_factory=list)
    having: defaultdict[Factor, set[int]] = field(
        default_factory=lambda: defaultdict(set)
    )  # places in `talks`


def observe(
    accounts: Iterable[AccountRows],
    *,
    kinds: Collection[FactorKind],
    zone: tzinfo,
    attribution: int,
    as_of: int,
) -> Observed:
    """Put together what accounts answered. `attribution` is in seconds, `as_of` an epoch second."""
    found = Observed()
    for rows in accounts:
        places: dict[str, int] = {}
        for talk in _attributed(rows, attribution):
            if talk.row["endDate"] + attribution > as_of:
                found.pending.append(talk)
            else:
                places[talk.row["conversation"]] = len(found.talks)
                found.talks.append(talk)
        for conversation, factor in _factors(rows, kinds, zone):
            # One that was written between the two reads, or whose hours are not over, is not there.
            if (place := places.get(conversation)) is not None:
                found.having[factor].add(place)
    return found


def _attributed(rows: AccountRows, attribution: int) -> list[Talk]:
    talks = [Talk(rows.account, row) for row in rows.conversations if row["conversation"]]
    by_chat: defaultdict[str, list[tuple[int, Talk | None]]] = defaultdict(list)
    for talk in talks:
        by_chat[talk.row["chatId"]].append((talk.row["startDate"], talk))
    for row in rows.later:
        by_chat[row["chatId"]].append((row["startDate"], None))
    for own in by_chat.values():
        own.sort(key=lambda each: each[0])
    for sale in rows.sales:
        own = by_chat.get(sale["chatId"], [])
        place = bisect_right(own, sale["date"], key=lambda each: each[0])
        last = own[place - 1][1] if place and sale["type"] in SALES else None
        if last is not None and sale["date"] <= last.row["endDate"] + attribution:
            last.amounts.append(sale["amount"])
    return talks


def _factors(rows: AccountRows, kinds: Collection[FactorKind], zone: tzinfo) -> Iterator[tuple[str, Factor]]:
    """What conversations, by id, have. What is not asked for may be among the rows, and is left out."""
    if "topic" in kinds:
        for link in rows.discussed:
            yield link["conversation"], Factor("topic", "", topic_id(link["id"]), link["topic"])
    if "action" in kinds:
        for use in rows.used:
            yield use["conversation"], Factor("action", use["type"])
    if "pair" in kinds:
        for pair in rows.targets:
            yield pair["conversation"], Factor("pair", pair["type"], topic_id(pair["id"]), pair["topic"])
    if "price_band" in kinds:
        for row in rows.conversations:
            for band in {price_band(each.price) for each in read_offers(row["offers"])}:
                yield row["conversation"], Factor("price_band", value=band)
    if "hour_of_week" in kinds:
        for row in rows.conversations:
            hour = HOURS_OF_WEEK[hour_of_week_at(row["startDate"], zone)]
            yield row["conversation"], Factor("hour_of_week", value=hour)


def conversion(
    observed: Observed,
    scope: Scope,
    *,
    attribution: float,
    min_sample: int,
    as_of: datetime,
    notes: list[str],
) -> Conversion:
    """Every factor's conversations against those without it. `attribution` is in hours."""
    talks = observed.talks
    total = Share(sum(talk.is_sold for talk in talks), len(talks))
    compared = [
        _Compared(factor, [talks[place] for place in sorted(places)], total, min_sample)
        for factor, places in observed.having.items()
    ]
    tested = [each for each in compared if each.is_tested]
    p_values = [p_value(each.with_it, each.without_it) for each in tested]
    for each, p, q in zip(tested, p_values, adjusted(p_values), strict=True):
        each.p, each.adjusted_p = p, q
    compared.sort(key=_Compared.order)
    amounts = _Amounts.of(talks)
    drill = partial(scope.drill, "conversion", attribution=attribution, as_of=as_of.isoformat())
    return Conversion(
        creatorId=scope.creator_id,
        startDate=scope.window.start,
        endDate=scope.window.end,
        as_of=as_of,
        time_zone=scope.time_zone,
        attribution=attribution,
        min_sample=min_sample,
        total=_converted(total),
        pending=len(observed.pending),
        sales=amounts.sales,
        amount_total=amounts.total,
        amount_median=amounts.median,
        amounts_known=amounts.known,
        tests=len(tested),
        rows=[each.row(drill(**each.factor._asdict())) for each in compared],
        drill=drill(),
        method=METHOD,
        caution=CAUTION,
        notes=notes,
    )


def counted(observed: Observed, factor: Factor | None, group: str) -> list[Counted]:
    """The conversations that a number of `conversion` counts. Without a factor all are with it.

    InvalidInput when there is no such group.
    """
    if group not in get_args(Group):
        raise invalid("group", f"must be one of {', '.join(get_args(Group))}")
    if group == "pending":
        return [Counted(talk.account, talk.row) for talk in observed.pending]
    having = range(len(observed.talks)) if factor is None else observed.having.get(factor, set())
    is_with, only_sold = group.startswith("with_") or group == "with", group.endswith("_sold")
    return [
        Counted(talk.account, talk.row, amount=fsum(talk.amounts))
        for place, talk in enumerate(observed.talks)
        if (place in having) is is_with and (talk.is_sold or not only_sold)
    ]


class _Compared:
    """The conversations with a factor, against those of `total` without it."""

    def __init__(self, factor: Factor, having: Sequence[Talk], total: Share, min_sample: int) -> None:
        self.factor = factor
        self.with_it = Share(sum(talk.is_sold for talk in having), len(having))
        self.without_it = Share(total.hits - self.with_it.hits, total.n - self.with_it.n)
        self.p: float | None = None
        self.adjusted_p: float | None = None
        self._fans = len({(talk.account, talk.row["fanId"]) for talk in having})
        self._amounts = _Amounts.of(having)
        self._reason: NoLift | None = None
        self._lift: float | None = None
        if self.with_it.n < min_sample:
            self._reason = "too_few_with"
        elif self.without_it.n < min_sample:
            self._reason = "too_few_without"
        elif not self.without_it.hits:
            self._reason = "none_sold_without"
        else:
            one, other = self.with_it, self.without_it
            self._lift = (one.hits / one.n) / (other.hits / other.n)

    @property
    def is_tested(self) -> bool:
        """Whether there are enough conversations; a difference can be tested where there is no ratio, too."""
        return self._reason in (None, "none_sold_without")

    def order(self) -> tuple[object, ...]:
        """By kind, then the highest lift first; what has none behind, the most frequent first."""
        kind = get_args(FactorKind).index(self.factor.kind)
        return (kind, self._lift is None, -(self._lift or 0.0), -self.with_it.n, self.factor)

    def row(self, drill: str) -> ConversionRow:
        factor = self.factor
        interval = None if self._lift is None else ratio_interval(self.with_it, self.without_it)
        return ConversionRow(
            kind=factor.kind,
            action=factor.action or None,
            topicId=factor.topic_id or None,
            topic=factor.topic or None,
            value=factor.value or None,
            with_it=_converted(self.with_it),
            without_it=_converted(self.without_it),
            fans=self._fans,
            sales=self._amounts.sales,
            amount_total=self._amounts.total,
            amount_median=self._amounts.median,
            amounts_known=self._amounts.known,
            lift=self._lift,
            lift_low=interval.low if interval else None,
            lift_high=interval.high if interval else None,
            reason=self._reason,
            p=self.p,
            adjusted_p=self.adjusted_p,
            significant=None if self.adjusted_p is None else self.adjusted_p <= SIGNIFICANT,
            drill=drill,
        )


class _Amounts(NamedTuple):
    """Sales, and the amounts of those that have a known one."""

    sales: int
    known: int
    total: float
    median: float | None

    @classmethod
    def of(cls, talks: Iterable[Talk]) -> "_Amounts":
        every = [amount for talk in talks for amount in talk.amounts]
        known = [amount for amount in every if amount > 0]
        return cls(len(every), len(known), fsum(known), median(known) if known else None)


def _converted(share: Share) -> Converted:
    interval = wilson(share)
    return Converted(
        conversations=share.n,
        sold=share.hits,
        rate=share.rate,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
    )
