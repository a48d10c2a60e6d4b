"""Which conversations a sale follows, and what they have that others have not. Pure; see docs/metrics.md.

A sale is a tip or a purchase. It follows the last fan conversation of its chat that began no later, when it
came within the hours of attribution after that conversation's end, and follows no other.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from math import fsum
from typing import Final, Literal, NamedTuple, get_args

import numpy as np

from insights.bands import PRICE_BANDS, price_bands
from insights.clock import HOURS_OF_WEEK
from insights.columns import Dictionary, Nested, Numbers, Table, distinct, joined, without_repeats
from insights.drill import Counted, Scope, named_rows
from insights.instants import hours_of_week
from insights.metrics import median
from insights.ordered import Sorted
from insights.rates import SIGNIFICANT, Share, adjusted, p_value, ratio_interval, wilson
from insights.row import topic_id
from insights.tables import rows_of
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


@dataclass(frozen=True, slots=True)
class AccountTables:
    """What is answered of one account, by its key; all of it with the dictionaries of one answer, or not.

    `conversations` and `later` are of FAN_CONVERSATIONS, the latter of what began after the window, `sales`
    of SALES since its start, both up to the end of the last hour of attribution. `links` are by their kind:
    of DISCUSSED, USED and TARGETS.
    """

    account: str
    conversations: Table
    later: Table
    sales: Table
    links: Mapping[FactorKind, Table]


@dataclass(frozen=True, slots=True)
class Observed:
    """The fan conversations of a window, by places over all accounts: what followed, and what each has."""

    accounts: Sequence[tuple[str, Table]]  # keys, with their conversations
    over: Numbers  # of each conversation: whether its hours of attribution are
    fans: Numbers  # of each conversation: a number of its fan
    sales: Nested  # of each conversation: the amounts of what followed it, in dollars; 0: not known
    factors: Sequence[Factor]
    having: Sequence[Numbers]  # of each factor: the conversations that have it and whose hours are over

    @property
    def sold(self) -> Numbers:
        """Which conversations a sale followed."""
        return self.sales.lengths > 0

    def amounts(self, places: Numbers) -> Numbers:
        """Of the sales that followed these conversations."""
        return self.sales.take(places).table.numbers("amount")


def observe(
    accounts: Sequence[AccountTables],
    *,
    kinds: Collection[FactorKind],
    zone: tzinfo,
    attribution: int,
    as_of: int,
) -> Observed:
    """Put together what accounts answered. `attribution` is in seconds, `as_of` an epoch second."""
    talks: list[tuple[str, Table]] = []
    over: list[Numbers] = [np.zeros(0, np.bool_)]
    fans, sold, amounts, factors, having = ([_NONE] for _ in range(5))
    numbers: dict[Factor, int] = {}
    n, strangers = 0, 0
    for each in accounts:
        own = each.conversations.where(each.conversations.coded("conversation").are_named)
        talks.append((each.account, own))
        over.append(own.numbers("endDate") + attribution <= as_of)
        names = Dictionary()
        fans.append(own.coded("fanId").within(names) + strangers)
        places, paid = _attributed(own, each, attribution)
        sold.append(places + n)
        amounts.append(paid)
        for found, links, of in _factors(each, own, kinds, zone):
            codes = np.array([numbers.setdefault(factor, len(numbers)) for factor in found], np.int64)
            factors.append(codes[links])
            having.append(of + n)
        n += len(own)
        strangers += len(names)
    return _observed(
        talks,
        np.concatenate(over),
        np.concatenate(fans),
        (np.concatenate(sold), np.concatenate(amounts)),
        list(numbers),
        (np.concatenate(factors), np.concatenate(having)),
    )


_NONE: Final[Numbers] = np.zeros(0, np.int64)


def _observed(
    talks: Sequence[tuple[str, Table]],
    over: Numbers,
    fans: Numbers,
    sales: tuple[Numbers, Numbers],
    factors: Sequence[Factor],
    having: tuple[Numbers, Numbers],
) -> Observed:
    n = len(over)
    sold, amounts = sales
    order = np.argsort(sold, kind="stable")
    bounds = np.searchsorted(sold[order], np.arange(n + 1))
    followed = Nested(bounds, Table(len(order), {"amount": amounts[order]}))
    factor, place = having
    kept = over[place]
    # A conversation has a factor once, however often that is linked to it.
    pairs = without_repeats(factor[kept] * max(1, n) + place[kept])
    factor, place = pairs // max(1, n), pairs % max(1, n)
    found = np.split(place, np.searchsorted(factor, np.arange(1, len(factors)))) if factors else []
    # What only conversations have whose hours are not over is no factor yet.
    there = [number for number, own in enumerate(found) if len(own)]
    return Observed(
        talks,
        over,
        fans,
        followed,
        [factors[number] for number in there],
        [found[number] for number in there],
    )


def _attributed(talks: Table, rows: AccountTables, attribution: int) -> tuple[Numbers, Numbers]:
    """The places of the conversations that sales followed, a place a sale, and the amounts."""
    sales = rows.sales.where(rows.sales.coded("type").is_any(SALES))
    chats = Dictionary()
    begun = [
        _place_in_time(table.coded("chatId").within(chats), table.numbers("startDate"))
        for table in (talks, rows.later)
    ]
    starts = np.concatenate(begun)
    order = np.argsort(starts, kind="stable")
    starts = starts[order]
    at = _place_in_time(sales.coded("chatId").within(chats), sales.numbers("date"))
    behind = np.searchsorted(starts, at, side="right") - 1  # the last one that began no later
    in_chat = (behind >= 0) & (starts[behind] >> _TIME == at >> _TIME) if len(starts) else behind >= 0
    place = order[behind[in_chat]]
    sales = sales.where(in_chat)
    of_window = place < len(talks)
    place, sales = place[of_window], sales.where(of_window)
    follows = sales.numbers("date") <= talks.numbers("endDate")[place] + attribution
    return place[follows], sales.numbers("amount")[follows]


_TIME: Final = 40  # bits of a time to the year 9999 and as far back, in whole seconds


def _place_in_time(chats: Numbers, seconds: Numbers) -> Numbers:
    """Numbers in the order of chats, and in a chat of time."""
    found: Numbers = (chats.astype(np.int64) << _TIME) + (seconds + (1 << (_TIME - 1)))
    return found


def _factors(
    rows: AccountTables, talks: Table, kinds: Collection[FactorKind], zone: tzinfo
) -> Iterator[tuple[Sequence[Factor], Numbers, Numbers]]:
    """Factors, and for each time that one of them is there its number and the place of the conversation.

    What is not asked for may be among the rows, and is left out.
    """
    for kind in ("topic", "action", "pair"):
        if kind in kinds and kind in rows.links:
            links = rows.links[kind]
            place = joined(talks.coded("conversation"), links.coded("conversation"))
            # One that was written between the two reads is not there.
            yield *_linked(kind, links.where(place >= 0)), place[place >= 0]
    if "price_band" in kinds:
        offers = talks.nested("offers")
        bands = [Factor("price_band", value=band) for band in PRICE_BANDS]
        yield bands, price_bands(offers.table.numbers("price")), offers.parents
    if "hour_of_week" in kinds:
        hours = [Factor("hour_of_week", value=hour) for hour in HOURS_OF_WEEK]
        yield hours, hours_of_week(talks.numbers("startDate"), zone), np.arange(len(talks))


def _linked(kind: FactorKind, links: Table) -> tuple[list[Factor], Numbers]:
    names = [name for name in ("type", "id", "topic") if name in links.columns]
    places, which = distinct(*(links.coded(name).codes for name in names))
    found = [
        Factor(kind, row.get("type", ""), topic_id(row["id"]) if "id" in row else "", row.get("topic", ""))
        for row in rows_of(links.only(names).take(places))
    ]
    return found, which


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
    over, sold = observed.over, observed.sold
    total = Share(int(sold[over].sum()), int(over.sum()))
    fans = _counts_of_fans(observed)
    compared = [
        _Compared(
            factor,
            Share(int(sold[own].sum()), len(own)),
            total,
            fan_count,
            _Amounts.of(observed.amounts(own)),
            min_sample,
        )
        for factor, own, fan_count in zip(observed.factors, observed.having, fans, strict=True)
    ]
    tested = [each for each in compared if each.is_tested]
    p_values = [p_value(each.with_it, each.without_it) for each in tested]
    for each, p, q in zip(tested, p_values, adjusted(p_values), strict=True):
        each.p, each.adjusted_p = p, q
    compared.sort(key=_Compared.order)
    amounts = _Amounts.of(observed.amounts(np.flatnonzero(over)))
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
        pending=int((~over).sum()),
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
    chosen = ~observed.over
    if group != "pending":
        having = np.zeros(len(observed.over), np.bool_)
        if factor is None:
            having[:] = True
        elif factor in observed.factors:
            having[observed.having[observed.factors.index(factor)]] = True
        is_with, only_sold = group.startswith("with_") or group == "with", group.endswith("_sold")
        chosen = observed.over & (having == is_with) & (observed.sold | (not only_sold))
    found: list[Counted] = []
    first = 0
    bounds, paid = observed.sales.bounds.tolist(), observed.sales.table.numbers("amount").tolist()
    for account, talks in observed.accounts:
        places = np.flatnonzero(chosen[first : first + len(talks)])
        for place, row in zip((places + first).tolist(), named_rows(talks, places), strict=True):
            amount = None if group == "pending" else fsum(paid[bounds[place] : bounds[place + 1]])
            found.append(Counted(account, row, amount=amount))
        first += len(talks)
    return found


def _counts_of_fans(observed: Observed) -> list[int]:
    """How many fans the conversations of each factor have."""
    counts = np.zeros(len(observed.factors), np.int64)
    n = int(observed.fans.max(initial=-1)) + 1
    seen = np.zeros(n, np.bool_)
    for number, own in enumerate(observed.having):
        seen[:] = False
        seen[observed.fans[own]] = True
        counts[number] = np.count_nonzero(seen)
    return counts.tolist()


class _Compared:
    """The conversations with a factor, against those of `total` without it."""

    def __init__(
        self, factor: Factor, with_it: Share, total: Share, fans: int, amounts: "_Amounts", min_sample: int
    ) -> None:
        self.factor = factor
        self.with_it = with_it
        self.without_it = Share(total.hits - with_it.hits, total.n - with_it.n)
        self.p: float | None = None
        self.adjusted_p: float | None = None
        self._fans = fans
        self._amounts = amounts
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
    def of(cls, amounts: Numbers) -> "_Amounts":
        known = Sorted(amounts[amounts > 0])
        return cls(len(amounts), len(known), fsum(known.numbers.tolist()), median(known))


def _converted(share: Share) -> Converted:
    interval = wilson(share)
    return Converted(
        conversations=share.n,
        sold=share.hits,
        rate=share.rate,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
    )
