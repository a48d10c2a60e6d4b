"""Who of a creator's team sent, answered and sold what. Pure; definitions in docs/metrics.md.

Who sent a message is what the message says, else whoever the account's shifts tell; else it is not known, and
counts for nobody. Every number is a sum over the same acts that its drill-down lists.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import fsum
from typing import Final, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

import numpy as np

from chats.account import Account
from graph.traversals import OFFERED
from graph.traversals import SALES as SOLD
from insights.columns import NOT_KNOWN, Coded, Column, Dictionary, Numbers, Table, grouped
from insights.conversion import SALES
from insights.drill import Counted, Scope, counted_rows, same_conversation
from insights.hours import FORM, WeeklyHours
from insights.instants import seconds_within
from insights.metrics import is_within, median, p90, share_within
from insights.ordered import Sorted
from insights.rates import Share
from insights.shifts import NO_SHIFTS, UNKNOWN, Roster
from insights.tables import Ask, nothing
from insights.window import invalid, parse_time_zone
from wire.team import AnswerTimes, ComparedColumn, People, TeamFigures, TeamRow

By = Literal["all", "person", "shift"]
Kind = Literal["messages", "mass_messages", "responses", "ppv_sent", "sales"]
Group = Literal[
    "messages",
    "mass_messages",
    "responses",
    "within_target",
    "within_target_in_hours",
    "ppv_sent",
    "ppv_unlocked",
    "sales",
]
_COUNTED: Final[Mapping[str, Kind]] = {
    "within_target": "responses",
    "within_target_in_hours": "responses",
    "ppv_unlocked": "ppv_sent",
}


class Part(NamedTuple):
    """Some of the acts: those whose person or shift is `key`."""

    by: By
    key: str


EVERY: Final = Part("all", "all")


@dataclass(frozen=True, slots=True)
class Terms:
    """How answers are judged: a target in seconds, and business hours (None: every hour) in a zone."""

    target: float
    hours: WeeklyHours | None = None
    text: str = ""  # of the hours
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    @classmethod
    def of(cls, target: float, hours: str, zone: str) -> "Terms":
        """The terms that parameters name; InvalidInput says which is wrong."""
        found = WeeklyHours.parse(hours) if hours.strip() else None
        if hours.strip() and found is None:
            raise invalid("business_hours", FORM)
        return cls(target, found, hours.strip(), parse_time_zone(zone, "business_time_zone"))

    def drill(self) -> dict[str, str | float | None]:
        """These terms as parameters."""
        named = {"business_hours": self.text, "business_time_zone": self.zone.key} if self.hours else {}
        return {"target": self.target, **named}


@dataclass(frozen=True, slots=True)
class Acts:
    """What was done in accounts (their keys): in the conversations of a window, and what sold in it.

    Of each kind a row an act: its `account` as a number, `person` and `shift`, its `place` (of its
    conversation among those of all accounts, or of its sale among theirs), and the `seconds` until an answer,
    those of them `inHours`, NaN: there are none, or the `amount` paid, NaN: not bought.
    """

    conversations: Sequence[tuple[str, Table]]
    sales: Sequence[tuple[str, Table]]
    of: Mapping[Kind, Table]

    @classmethod
    def read(cls, accounts: Sequence[tuple[str, Table, Table, Roster]], terms: Terms) -> "Acts":
        """From what accounts answered to OFFERED and SALES, with who is told from their shifts."""
        conversations: list[tuple[str, Table]] = []
        sales: list[tuple[str, Table]] = []
        found: list[Mapping[Kind, Table]] = []
        first = first_sale = 0
        nobodys, unsold = nothing(Ask(OFFERED), Ask(SOLD))
        for account, offered, sold, roster in accounts or [("", nobodys, unsold, NO_SHIFTS)]:
            own = offered.where(offered.coded("conversation").are_named)  # an older schema wrote the others
            named = sold.where(sold.coded("conversation").are_named & sold.coded("type").is_any(SALES))
            told = _Told(len(conversations), roster, terms)
            found.append({**told.by(own, first), "sales": told.sold(named, first_sale)})
            conversations.append((account, own))
            sales.append((account, named))
            first, first_sale = first + len(own), first_sale + len(named)
        return cls(
            conversations,
            sales,
            {kind: Table.concat([each[kind] for each in found]) for kind in get_args(Kind)},
        )


@dataclass(frozen=True, slots=True)
class _Told:
    """Tells who did what in an account, by its number."""

    account: int
    roster: Roster
    terms: Terms

    def by(self, rows: Table, first: int) -> dict[Kind, Table]:
        """What was sent, answered and offered in conversations, of which `first` is the first one's place."""
        said, answers, offers = (rows.nested(name) for name in ("said", "answers", "offers"))
        by_creators = ~said.table.coded("kind").is_any(["fan"])
        sent = said.table.only(["at", "sender", "kind"]).where(by_creators)
        places = said.parents[by_creators] + first
        is_mass = sent.coded("kind").is_any(["mass"])
        messages = self._acts(sent.coded("sender"), sent.numbers("at"), places)
        seconds, asked = answers.table.numbers("seconds"), answers.table.numbers("askedAt")
        hours = self.terms.hours
        in_hours = (
            seconds_within(hours, asked, asked + seconds, self.terms.zone)
            if hours
            else np.full(len(asked), np.nan)
        )
        paid, unlocked = offers.table.numbers("paid"), offers.table.numbers("unlockedAt") != NOT_KNOWN
        return {
            "messages": messages.where(~is_mass),
            "mass_messages": messages.where(is_mass),
            "responses": self._acts(
                answers.table.coded("sender"),
                answers.table.numbers("answeredAt"),
                answers.parents + first,
                seconds=seconds,
                inHours=in_hours,
            ),
            "ppv_sent": self._acts(
                offers.table.coded("sender"),
                offers.table.numbers("at"),
                offers.parents + first,
                amount=np.where(unlocked, np.where(np.isnan(paid), 0.0, paid), np.nan),
            ),
        }

    def sold(self, sales: Table, first: int) -> Table:
        """Sales, of which `first` is the first one's place."""
        follows = sales.nested("follows")
        places = same_conversation(sales) + first
        follows_one = follows.lengths > 0
        known = self._acts(
            follows.table.coded("sender"),
            follows.table.numbers("at"),
            places[follows_one],
            amount=sales.numbers("amount")[follows_one],
        )
        n = int((~follows_one).sum())
        unknown = Coded(np.zeros(n, np.int32), [UNKNOWN])
        nobody: dict[str, Column] = {
            "account": np.full(n, self.account),
            "person": unknown,
            "shift": unknown,
            "place": places[~follows_one],
            "amount": sales.numbers("amount")[~follows_one],
        }
        return Table.concat([known, Table(n, nobody)])

    def _acts(self, senders: Coded, at: Numbers, places: Numbers, **more: Numbers) -> Table:
        person, shift = self.roster.told(senders, at)
        columns: dict[str, Column] = {
            "account": np.full(len(at), self.account),
            "person": person,
            "shift": shift,
            "place": places,
            **more,
        }
        return Table(len(at), columns)


def people(
    now: Acts,
    before: Acts,
    scope: Scope,
    previous: Scope,
    accounts: Sequence[str],
    terms: Terms,
    *,
    as_of: datetime,
) -> People:
    """The figures of all, of each person and shift, and of each of `accounts` (keys), beside those before."""
    found, earlier = _Parted(now), _Parted(before)

    def row(part: Part) -> TeamRow:
        return TeamRow(
            key=part.key,
            figures=_figures(found.of(part), scope, part, terms),
            previous=_figures(earlier.of(part), previous, part, terms),
        )

    def by(name: By) -> list[TeamRow]:
        keys = {*found.keys(name), *earlier.keys(name)}
        # What is not known comes last, whatever there is of it.
        return [row(Part(name, key)) for key in sorted(keys, key=lambda key: (key == UNKNOWN, key))]

    def of(number: int, account: str) -> TeamRow:
        named = Account.of_key(account)
        own, own_before = (
            replace(each, creator_id=named.creator_id, user_id=named.user_id) for each in (scope, previous)
        )
        return TeamRow(
            key=named.creator_id,
            figures=_figures(found.of_account(number), own, EVERY, terms),
            previous=_figures(earlier.of_account(number), own_before, EVERY, terms),
        )

    return People(
        creatorId=scope.creator_id,
        startDate=scope.window.start,
        endDate=scope.window.end,
        previousStartDate=previous.window.start,
        previousEndDate=previous.window.end,
        as_of=as_of,
        target=terms.target,
        business_hours=terms.text or None,
        business_time_zone=terms.zone.key if terms.hours else None,
        total=row(EVERY),
        by_person=by("person"),
        by_shift=by("shift"),
        by_creator=[of(number, account) for number, account in enumerate(accounts)],
    )


def columns(answer: People, rows: Iterable[TeamRow]) -> list[ComparedColumn]:
    """Rows of an answer as what is compared."""
    return [
        ComparedColumn(
            key=row.key,
            startDate=answer.startDate,
            endDate=answer.endDate,
            previousStartDate=answer.previousStartDate,
            previousEndDate=answer.previousEndDate,
            figures=row.figures,
            previous=row.previous,
        )
        for row in rows
    ]


def counted(acts: Acts, by: str, key: str, group: str, terms: Terms) -> list[Counted]:
    """The conversations that a number of `people` counts. InvalidInput when there is no such number."""
    if group not in get_args(Group):
        raise invalid("group", f"must be one of {', '.join(get_args(Group))}")
    part = next((Part(each, key) for each in get_args(By) if each == by), None)
    if part is None:
        raise invalid("by", f"must be one of {', '.join(get_args(By))}")
    kind = next(each for each in get_args(Kind) if each == _COUNTED.get(group, group))
    own = _Parted(acts).of(part)[kind]
    if group == "within_target":
        own = own.where(is_within(own.numbers("seconds"), terms.target))
    elif group == "within_target_in_hours":
        own = own.where(is_within(own.numbers("inHours"), terms.target))
    elif group == "ppv_unlocked":
        own = own.where(~np.isnan(own.numbers("amount")))
    has_money = group in ("ppv_unlocked", "sales")
    rows = acts.sales if kind == "sales" else acts.conversations
    return counted_rows(rows, own.numbers("place"), own.numbers("amount") if has_money else None)


class _Parted:
    """The acts of each part, and of each account by its number."""

    def __init__(self, acts: Acts) -> None:
        self._acts = acts
        self._places: dict[tuple[Kind, By], dict[str, Numbers]] = {}

    def keys(self, by: By) -> set[str]:
        """The persons, or the shifts, that did something."""
        return {key for kind in get_args(Kind) for key, own in self._by(kind, by).items() if len(own)}

    def of(self, part: Part) -> Mapping[Kind, Table]:
        if part.by == "all":
            return (
                self._acts.of if part == EVERY else {kind: t.part(0, 0) for kind, t in self._acts.of.items()}
            )
        nobody = np.zeros(0, np.int64)
        return {
            kind: table.take(self._by(kind, part.by).get(part.key, nobody))
            for kind, table in self._acts.of.items()
        }

    def of_account(self, number: int) -> Mapping[Kind, Table]:
        return {
            kind: table.where(table.numbers("account") == number) for kind, table in self._acts.of.items()
        }

    def _by(self, kind: Kind, by: By) -> dict[str, Numbers]:
        """The places of the acts of each person or shift."""
        if (kind, by) not in self._places:
            names = Dictionary()
            codes = self._acts.of[kind].coded(by).within(names)
            self._places[kind, by] = dict(zip(names, grouped(codes, len(names)), strict=True))
        return self._places[kind, by]


def _money(acts: Table) -> float:
    amounts = acts.numbers("amount")
    return fsum(amounts[~np.isnan(amounts)].tolist())


def _figures(of: Mapping[Kind, Table], scope: Scope, part: Part, terms: Terms) -> TeamFigures:
    offers, answers = of["ppv_sent"], of["responses"]
    unlocked = int((~np.isnan(offers.numbers("amount"))).sum())
    return TeamFigures(
        messages=len(of["messages"]),
        mass_messages=len(of["mass_messages"]),
        responses=_times(answers.numbers("seconds"), terms),
        responses_in_hours=_times(answers.numbers("inHours"), terms) if terms.hours else None,
        ppv_sent=len(offers),
        ppv_unlocked=unlocked,
        unlock_ratio=Share(unlocked, len(offers)).rate,
        ppv_revenue=_money(offers),
        sales=len(of["sales"]),
        revenue=_money(of["sales"]),
        drill=scope.drill("people", by=part.by, key=part.key, **terms.drill()),
    )


def _times(seconds: Numbers, terms: Terms) -> AnswerTimes:
    times = Sorted(seconds)
    return AnswerTimes(
        n=len(times),
        median=median(times),
        p90=p90(times),
        within_target=share_within(times, terms.target),
    )
