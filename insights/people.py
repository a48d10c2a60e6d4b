"""Who of a creator's team sent, answered and sold what. Pure; definitions in docs/metrics.md.

Who sent a message is what the message says, else whoever the account's shifts tell; else it is not known, and
counts for nobody. Every number is a sum over the same acts that its drill-down lists.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import fsum
from typing import Final, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from chats.account import Account
from graph.offers import read_offers
from graph.said import read_answers, read_followed, read_said
from graph.traversals import NamedRow, OfferedRow, SaleRow
from insights.conversion import SALES
from insights.drill import Counted, Scope
from insights.hours import FORM, WeeklyHours
from insights.metrics import is_within, median, p90, share_within
from insights.ordered import Ordered
from insights.rates import Share
from insights.shifts import UNKNOWN, Roster
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
_KIND_OF: Final[dict[str, Kind]] = {"creator": "messages", "mass": "mass_messages"}


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

    def is_within(self, seconds: float | None) -> bool:
        return seconds is not None and is_within(seconds, self.target)

    def drill(self) -> dict[str, str | float | None]:
        """These terms as parameters."""
        named = {"business_hours": self.text, "business_time_zone": self.zone.key} if self.hours else {}
        return {"target": self.target, **named}


class Act(NamedTuple):
    """One thing that somebody did in a conversation of an account (its key)."""

    account: str
    row: NamedRow
    kind: Kind
    person: str
    shift: str
    seconds: float | None = None  # until an answer
    seconds_in_hours: float | None = None  # of these, in business hours; None: there are none
    amount: float | None = None  # dollars that were paid, for an offer or a sale; None: not bought

    @property
    def parts(self) -> tuple[Part, ...]:
        return EVERY, Part("person", self.person), Part("shift", self.shift)


def acts(
    account: str,
    offered: Iterable[OfferedRow],
    sales: Iterable[SaleRow],
    roster: Roster,
    terms: Terms,
) -> Iterator[Act]:
    """What was done in an account: in the conversations of a window, and what sold in it."""

    def act(row: NamedRow, kind: Kind, sender: str | None, at: int | None, **more: float | None) -> Act:
        person, shift = roster.told(sender, at)
        return Act(account, row, kind, person, shift, **more)

    for row in offered:
        if not row["conversation"]:  # an older schema wrote it
            continue
        for said in read_said(row["said"]):
            if said.kind != "fan":
                yield act(row, _KIND_OF[said.kind], said.sender_id, int(said.at))
        for answer in read_answers(row["answers"]):
            in_hours = (
                terms.hours.seconds(answer.asked_at, answer.asked_at + answer.seconds, terms.zone)
                if terms.hours
                else None
            )
            yield act(
                row,
                "responses",
                answer.sender_id,
                answer.answered_at,
                seconds=answer.seconds,
                seconds_in_hours=in_hours,
            )
        for offer in read_offers(row["offers"]):
            paid = None if offer.unlocked_at is None else offer.paid or 0.0
            yield act(row, "ppv_sent", offer.sender_id, int(offer.at), amount=paid)
    for sale in sales:
        if sale["conversation"] and sale["type"] in SALES:
            followed = read_followed(sale["follows"])
            at, sender = followed or (None, None)
            yield act(sale, "sales", sender, at, amount=sale["amount"])


def people(
    now: Iterable[Act],
    before: Iterable[Act],
    scope: Scope,
    previous: Scope,
    accounts: Sequence[str],
    terms: Terms,
    *,
    as_of: datetime,
) -> People:
    """The figures of all, of each person and shift, and of each of `accounts` (keys), beside those before."""
    found, earlier = _tallies(now), _tallies(before)

    def row(part: Part) -> TeamRow:
        return TeamRow(
            key=part.key,
            figures=_figures(found.get(part), scope, part, terms),
            previous=_figures(earlier.get(part), previous, part, terms),
        )

    def by(name: By) -> list[TeamRow]:
        keys = {part.key for part in (*found, *earlier) if isinstance(part, Part) and part.by == name}
        # What is not known comes last, whatever there is of it.
        return [row(Part(name, key)) for key in sorted(keys, key=lambda key: (key == UNKNOWN, key))]

    def of(account: str) -> TeamRow:
        named = Account.of_key(account)
        own, own_before = (
            replace(each, creator_id=named.creator_id, user_id=named.user_id) for each in (scope, previous)
        )
        return TeamRow(
            key=named.creator_id,
            figures=_figures(found.get(account), own, EVERY, terms),
            previous=_figures(earlier.get(account), own_before, EVERY, terms),
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
        by_creator=[of(account) for account in accounts],
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


def counted(acts: Iterable[Act], by: str, key: str, group: str, terms: Terms) -> list[Counted]:
    """The conversations that a number of `people` counts. InvalidInput when there is no such number."""
    if group not in get_args(Group):
        raise invalid("group", f"must be one of {', '.join(get_args(Group))}")
    part = next((Part(each, key) for each in get_args(By) if each == by), None)
    if part is None:
        raise invalid("by", f"must be one of {', '.join(get_args(By))}")
    rows: dict[tuple[str, str], NamedRow] = {}
    found: defaultdict[tuple[str, str], list[Act]] = defaultdict(list)
    for act in acts:
        if part in act.parts and _is_in(act, group, terms):
            rows[act.account, act.row["conversation"]] = act.row
            found[act.account, act.row["conversation"]].append(act)
    has_money = group in ("ppv_unlocked", "sales")
    return [
        Counted(account, rows[account, id], len(own), _money(own) if has_money else None)
        for (account, id), own in found.items()
    ]


def _is_in(act: Act, group: str, terms: Terms) -> bool:
    match group:
        case "within_target":
            return act.kind == "responses" and terms.is_within(act.seconds)
        case "within_target_in_hours":
            return act.kind == "responses" and terms.is_within(act.seconds_in_hours)
        case "ppv_unlocked":
            return act.kind == "ppv_sent" and act.amount is not None
    return act.kind == group


def _money(acts: Iterable[Act]) -> float:
    return fsum(act.amount for act in acts if act.amount is not None)


def _tallies(acts: Iterable[Act]) -> dict[Part | str, list[Act]]:
    """The acts of each part, and of each account by its key."""
    found: defaultdict[Part | str, list[Act]] = defaultdict(list)
    for act in acts:
        for part in act.parts:
            found[part].append(act)
        found[act.account].append(act)
    return found


def _figures(own: Sequence[Act] | None, scope: Scope, part: Part, terms: Terms) -> TeamFigures:
    of: defaultdict[str, list[Act]] = defaultdict(list)
    for act in own or ():
        of[act.kind].append(act)
    unlocked = [act for act in of["ppv_sent"] if act.amount is not None]
    in_hours = [act.seconds_in_hours for act in of["responses"] if act.seconds_in_hours is not None]
    return TeamFigures(
        messages=len(of["messages"]),
        mass_messages=len(of["mass_messages"]),
        responses=_times([act.seconds for act in of["responses"] if act.seconds is not None], terms),
        responses_in_hours=_times(in_hours, terms) if terms.hours else None,
        ppv_sent=len(of["ppv_sent"]),
        ppv_unlocked=len(unlocked),
        unlock_ratio=Share(len(unlocked), len(of["ppv_sent"])).rate,
        ppv_revenue=_money(unlocked),
        sales=len(of["sales"]),
        revenue=_money(of["sales"]),
        drill=scope.drill("people", by=part.by, key=part.key, **terms.drill()),
    )


def _times(seconds: Sequence[float], terms: Terms) -> AnswerTimes:
    times = Ordered("d", seconds)
    return AnswerTimes(
        n=len(times),
        median=median(times),
        p90=p90(times),
        within_target=share_within(times, terms.target),
    )
