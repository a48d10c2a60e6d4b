"""What each fan is worth and how each stands at a time, in segments and pages. Pure; see docs/metrics.md."""

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil, fsum
from typing import Any, Final, Literal, NamedTuple, Self, get_args

import numpy as np

from chats.account import Account
from insights.columns import NOT_KNOWN, Numbers, Table
from insights.drill import Counted, Scope, counted_rows
from insights.fan_history import DAY, AccountFans, sales
from insights.months import month_of
from insights.risk import Learned
from insights.risk_features import FEATURES, are_active, features, mood
from insights.tables import rows_of
from insights.window import Window, invalid
from wire.fans import (
    FanInsight,
    Fans,
    FanSort,
    NoRisk,
    ReliabilityBin,
    RiskModel,
    RiskPart,
    Segment,
    SegmentCount,
)

Group = Literal["conversations", "sales", "payments", "lifetime_sales", "mood", "mood_before"]
WEEKS: Final = 4  # in each of which a regular fan acted
SILENT_AFTER: Final = 3  # times the fan's own rhythm
SILENT_DAYS: Final = 7  # at least
MIN_VISITS: Final = 3  # of which a rhythm is read
MIN_PAYERS: Final = 10  # of an account, of whom the tenth that paid most are big spenders
AT_RISK: Final = 0.5
CAUTION: Final = (
    "A risk says how many such fans dropped off before, not why, and not that anything done will change it. "
    "Parts are what the model adds up, not causes. What the platform does not tell (a fan who reads and is "
    "silent, refunds, money elsewhere) is in no number."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which fans, and how they are put in order; None: all."""

    segment: Segment | None = None
    cohort: str | None = None  # the month of joining, such as 2024-05
    is_active: bool | None = None  # in the window
    sort: FanSort = "value"


class Moment(NamedTuple):
    """The second up to which everything is counted, and the seconds after which a silent fan dropped off."""

    at: int
    horizon: int

    @classmethod
    def of(cls, window: Window, as_of: datetime, horizon_days: int) -> Self:
        return cls(max(0, min(window.end_second, ceil(as_of.timestamp()))), horizon_days * DAY)


class Cursor(NamedTuple):
    """The fan that a page ended with, and what the question was about then."""

    start: str
    end: str
    at: int
    sort: str
    is_last: bool
    rank: float
    account: str
    fan_id: str

    def text(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(self).encode()).decode()

    @classmethod
    def read(cls, text: str, sort: FanSort) -> Self:
        """InvalidInput when no answer in that order gave it."""
        try:
            match json.loads(base64.urlsafe_b64decode(text)):
                case [str(), str(), int(), str(), bool(), float(), str(), str()] as found:
                    cursor = cls(*found)
                    Window(datetime.fromisoformat(cursor.start), datetime.fromisoformat(cursor.end))
                    if cursor.sort == sort:
                        return cursor
        except (binascii.Error, ValueError, RecursionError):
            pass
        raise invalid("cursor", "is not the `next` of an answer in this order; leave it out to begin anew")


@dataclass(frozen=True, slots=True)
class _Standings:
    """What puts an account's fans in order, and is added up; more is worked out for those that are shown."""

    fans: AccountFans  # who were there before the moment
    known: AccountFans  # what was known of them then
    learned: Learned
    value: Numbers
    revenue: Numbers
    silent: Numbers  # seconds; `NOT_KNOWN`: never seen
    risk: Numbers  # NaN: there is none
    segments: Mapping[Segment, Numbers]  # who is in each

    @classmethod
    def of(cls, fans: AccountFans, learned: Learned, scope: Scope, moment: Moment) -> "_Standings":
        at, known = moment.at, fans.before(moment.at)
        seen = known.last_acted
        # There was who joined, wrote or paid, or of whom nobody knows since when they are there.
        there = (fans.profiles.numbers("joinDate") < at) | (seen != NOT_KNOWN)
        fans, known, seen = fans.where(there), known.where(there), seen[there]
        acted, active = seen != NOT_KNOWN, are_active(fans, *moment)
        silent = np.where(acted, at - np.where(acted, seen, at), NOT_KNOWN)
        risk = np.full(len(fans), np.nan)
        if learned.model is not None:
            scored = acted & active
            risk[scored] = learned.model.risks(features(known.where(scored), *moment))
        paid = known.payments_in(*_span(scope, moment))
        sold = sales(paid)
        value = known.amounts(sold)
        return cls(
            fans,
            known,
            learned,
            value=value,
            revenue=value if sold is paid else known.amounts(paid),
            silent=silent,
            risk=risk,
            segments=_segments(fans, known, silent, acted & ~active, risk, moment),
        )

    def asked(self, asked: Asked, scope: Scope, moment: Moment) -> Numbers:
        """Who is asked for, of whatever segment."""
        found = np.ones(len(self.fans), np.bool_)
        if asked.is_active is not None:
            found &= self.fans.act_in(*_span(scope, moment)) == asked.is_active
        if asked.cohort is not None:
            zone = scope.zone
            joined = self.known.profiles.numbers("joinDate").tolist()
            months = [None if at == NOT_KNOWN else month_of(at, zone) for at in joined]
            found &= np.array([month == asked.cohort for month in months], np.bool_)
        return found

    def places(self, sort: FanSort) -> Table:
        """The highest value or risk first, or who is silent for the longest; behind them who has none."""
        ranked = {
            "value": self.value,
            "risk": self.risk,
            "silence": np.where(self.silent == NOT_KNOWN, np.nan, self.silent),
        }[sort]
        is_last = np.isnan(ranked)
        rank = -np.where(is_last, 0.0, ranked)
        return Table(len(rank), {"isLast": is_last, "rank": rank, "fan": np.arange(len(rank))})


def fans_of(
    accounts: Sequence[AccountFans],
    learned: Sequence[Learned],
    scope: Scope,
    asked: Asked,
    moment: Moment,
    *,
    as_of: datetime,
    limit: int,
    after: Cursor | None,
    zone_notes: list[str],
) -> Fans:
    """The first `limit` fans after the cursor, by accounts and what the risk model of each is."""
    standings = [_Standings.of(*each, scope, moment) for each in zip(accounts, learned, strict=True)]
    found = [each.asked(asked, scope, moment) for each in standings]
    chosen = [
        of if asked.segment is None else of & each.segments[asked.segment]
        for each, of in zip(standings, found, strict=True)
    ]
    every = list(zip(standings, chosen, strict=True))
    behind = _behind([(each.fans, each.places(asked.sort).where(of)) for each, of in every], after)
    shown = behind.part(0, min(limit, len(behind)))
    return Fans(
        creatorId=scope.creator_id,
        startDate=scope.window.start,
        endDate=scope.window.end,
        as_of=as_of,
        time_zone=scope.time_zone,
        horizon_days=moment.horizon // DAY,
        total=sum(int(of.sum()) for of in chosen),
        value=fsum(each for of, own in every for each in of.value[own].tolist()),
        revenue=fsum(each for of, own in every for each in of.revenue[own].tolist()),
        fans=_insights(standings, shown, scope, moment, as_of),
        next=_cursor(scope, moment, asked.sort, standings, shown) if len(behind) > limit else None,
        segments=[
            SegmentCount(
                segment=segment,
                fans=sum(
                    int((of & each.segments[segment]).sum())
                    for each, of in zip(standings, found, strict=True)
                ),
                drill=_drill(scope, asked, moment, as_of, segment),
            )
            for segment in get_args(Segment)
        ],
        models=[_model(of.account, each) for of, each in zip(accounts, learned, strict=True)],
        caution=CAUTION,
        notes=zone_notes,
    )


def _span(scope: Scope, moment: Moment) -> tuple[int, int]:
    """The seconds of the window up to the moment."""
    return scope.window.start_second, min(scope.window.end_second, moment.at)


def _behind(accounts: Sequence[tuple[AccountFans, Table]], after: Cursor | None) -> Table:
    """The fans at these places of each account that come after the cursor, in order."""
    keys = sorted(fans.account for fans, _ in accounts)
    none = np.zeros(0, np.int64)
    found = [Table(0, {"isLast": none > 0, "rank": none * 0.0, "fan": none, "account": none, "key": none})]
    for number, (fans, places) in enumerate(accounts):
        of = {"account": np.full(len(places), number), "key": np.full(len(places), keys.index(fans.account))}
        own = Table(len(places), {**places.columns, **of})
        found.append(own if after is None else own.where(_is_behind(fans, places, after)))
    whole = Table.concat(found)
    return whole.take(np.lexsort([whole.numbers(name) for name in ("fan", "key", "rank", "isLast")]))


def _is_behind(fans: AccountFans, places: Table, after: Cursor) -> Numbers:
    is_last, rank = places.numbers("isLast"), places.numbers("rank")
    later = np.full(len(places), fans.account > after.account)
    if fans.account == after.account:
        first = bisect_right(fans.profiles.coded("fanId").strings(), after.fan_id)
        later = places.numbers("fan") >= first
    same = is_last == after.is_last
    found: Numbers = (is_last & ~np.array(after.is_last)) | (
        same & ((rank > after.rank) | ((rank == after.rank) & later))
    )
    return found


def _cursor(
    scope: Scope, moment: Moment, sort: FanSort, standings: Sequence[_Standings], shown: Table
) -> str:
    """For the fans behind the last one that is shown."""
    [last] = rows_of(shown.part(len(shown) - 1, len(shown)))
    fans, window = standings[last["account"]].fans, scope.window
    [fan_id] = fans.profiles.coded("fanId").part(last["fan"], last["fan"] + 1).strings()
    start, end = window.start.isoformat(), window.end.isoformat()
    return Cursor(start, end, moment.at, sort, last["isLast"], last["rank"], fans.account, fan_id).text()


def counted(accounts: Iterable[AccountFans], scope: Scope, moment: Moment, group: str) -> list[Counted]:
    """The conversations that a number of fans counts, their own ones. InvalidInput: no such number.

    A payment counts at the last conversation, or what stands alone, that began before it; else at the first.
    """
    if group not in get_args(Group):
        raise invalid("group", f"must be one of {', '.join(get_args(Group))}")
    start, end = _span(scope, moment)
    found: list[Counted] = []
    for fans in accounts:
        if group == "conversations":
            talks = fans.talks_in(start, end)
            talks = talks.where(talks.numbers("firstFanDate") != NOT_KNOWN)
            found += _counted(fans, talks, np.arange(len(talks)))
        elif group in ("mood", "mood_before"):
            before = scope.window.preceding_start_second
            talks = fans.talks_in(*((start, end) if group == "mood" else (before, min(start, moment.at))))
            found += _counted(fans, talks, np.repeat(np.arange(len(talks)), talks.numbers("sentimentCount")))
        else:
            paid = fans.payments_in(0 if group == "lifetime_sales" else start, end)
            paid = paid if group == "payments" else sales(paid)
            for fan in range(len(fans)):
                talks = fans.talks.where(fans.talks.numbers("fan") == fan)
                own = paid.where(paid.numbers("fan") == fan)
                if len(talks):  # else its conversation was written after it was read
                    begun = np.searchsorted(talks.numbers("startDate"), own.numbers("date"), side="right")
                    found += _counted(fans, talks, np.maximum(0, begun - 1), own.numbers("amount"))
    return found


def _counted(
    fans: AccountFans, talks: Table, places: Numbers, amounts: Numbers | None = None
) -> list[Counted]:
    named = {"fanId": fans.profiles.coded("fanId").take(talks.numbers("fan"))}
    own = Table(len(talks), {**talks.columns, **named})
    return counted_rows([(fans.account, own)], places, amounts)


def _segments(
    fans: AccountFans, known: AccountFans, silent: Numbers, lapsed: Numbers, risk: Numbers, moment: Moment
) -> Mapping[Segment, Numbers]:
    at, horizon = moment
    weeks = [fans.act_in(at - (n + 1) * 7 * DAY, at - n * 7 * DAY) for n in range(WEEKS)]
    lifetime = known.amounts(sales(known.payments))
    paid = np.sort(lifetime[lifetime > 0])
    big = paid[ceil(0.9 * len(paid)) - 1] if len(paid) >= MIN_PAYERS else np.inf
    visits = known.visits()
    usual = np.maximum(float(SILENT_DAYS * DAY), SILENT_AFTER * visits.rhythm(horizon))
    return {
        "new": known.profiles.numbers("joinDate") >= at - horizon,
        "regular": np.logical_and.reduce(weeks),
        "big_spender": lifetime >= big,
        "silent": (silent > usual) & ~lapsed & (visits.n >= MIN_VISITS),
        "at_risk": risk >= AT_RISK,
        "lapsed": lapsed,
    }


def _insights(
    standings: Sequence[_Standings], shown: Table, scope: Scope, moment: Moment, as_of: datetime
) -> list[FanInsight]:
    found: dict[int, FanInsight] = {}
    for number, each in enumerate(standings):
        slots = np.flatnonzero(shown.numbers("account") == number)
        rows = _of_account(each, shown.numbers("fan")[slots], scope, moment, as_of)
        found |= zip(slots.tolist(), rows, strict=True)
    return [found[slot] for slot in range(len(shown))]


def _of_account(
    of: _Standings, places: Numbers, scope: Scope, moment: Moment, as_of: datetime
) -> list[FanInsight]:
    """The fans at these places."""
    start, end = _span(scope, moment)
    fans, known = of.fans.take(places), of.known.take(places)
    account = Account.of_key(fans.account)
    own = replace(scope, creator_id=account.creator_id, user_id=account.user_id)
    talks, paid = fans.talks_in(start, end), known.payments_in(start, end)
    ever = sales(known.payments)
    now = mood(fans, start, end)
    before = mood(fans, scope.window.preceding_start_second, min(start, moment.at))
    columns: Mapping[str, Sequence[Any]] = {
        "fanId": fans.profiles.coded("fanId").strings(),
        "chatId": fans.profiles.coded("chatId").strings(),
        "joined": _times(known.profiles.numbers("joinDate")),
        "conversations": fans.counted(talks.where(talks.numbers("firstFanDate") != NOT_KNOWN)).tolist(),
        "sales": known.counted(sales(paid)).tolist(),
        "value": of.value[places].tolist(),
        "payments": known.counted(paid).tolist(),
        "revenue": of.revenue[places].tolist(),
        "lifetime_sales": known.counted(ever).tolist(),
        "lifetime_value": known.amounts(ever).tolist(),
        "last_wrote": _times(known.last_wrote),
        "last_paid": _times(known.last_paid),
        "last_seen": _times(known.last_acted),
        "silent_seconds": _or_none(of.silent[places], of.silent[places] != NOT_KNOWN),
        "mood": _figures(now.mean),
        "mood_n": now.n.tolist(),
        "mood_before": _figures(before.mean),
        "mood_before_n": before.n.tolist(),
        "mood_change": _figures(now.mean - before.mean),
        "subscription_end": _times(fans.profiles.numbers("subscriptionEnd")),
        "risk": _figures(of.risk[places]),
    }
    risks = _risks(of, known, places, moment)
    segments = zip(*(of.segments[each][places].tolist() for each in get_args(Segment)), strict=True)
    return [
        FanInsight(
            userId=account.user_id,
            creatorId=account.creator_id,
            **dict(zip(columns, row, strict=True)),
            **risk,
            segments=[each for each, is_in in zip(get_args(Segment), is_in_each, strict=True) if is_in],
            drill=own.drill("fans", fan_id=row[0], as_of=as_of.isoformat()),
        )
        for row, risk, is_in_each in zip(zip(*columns.values(), strict=True), risks, segments, strict=True)
    ]


def _risks(of: _Standings, known: AccountFans, places: Numbers, moment: Moment) -> list[dict[str, Any]]:
    """What each risk is made of, or why there is none."""
    found: list[dict[str, Any]] = []
    for seen, is_lapsed in zip(
        known.last_acted.tolist(), of.segments["lapsed"][places].tolist(), strict=True
    ):
        reason: NoRisk | None = "lapsed" if is_lapsed else of.learned.reason
        reason = "never_acted" if seen == NOT_KNOWN else reason
        found.append({"risk_base": None, "risk_parts": [], "risk_reason": reason})
    scored = ~np.isnan(of.risk[places])
    if of.learned.model is not None and scored.any():
        model, values = of.learned.model, features(known.where(scored), *moment)
        each = zip(
            np.flatnonzero(scored).tolist(), values.tolist(), model.parts(values).tolist(), strict=True
        )
        for place, own, odds in each:
            parts = [
                RiskPart(feature=name, value=value, log_odds=part)
                for name, value, part in zip(FEATURES, own, odds, strict=True)
            ]
            parts.sort(key=lambda part: (-abs(part.log_odds), part.feature))
            found[place] = {"risk_base": model.base, "risk_parts": parts, "risk_reason": None}
    return found


def _drill(scope: Scope, asked: Asked, moment: Moment, as_of: datetime, segment: Segment) -> str:
    return scope.query(
        segment=segment,
        cohort=asked.cohort,
        active=None if asked.is_active is None else str(asked.is_active).lower(),
        horizon_days=moment.horizon // DAY,
        as_of=as_of.isoformat(),
    )


def _model(account: str, learned: Learned) -> RiskModel:
    named, trial = Account.of_key(account), learned.trial
    return RiskModel(
        userId=named.user_id,
        creatorId=named.creator_id,
        reason=learned.reason,
        fitted=learned.fitted,
        held_out=datetime.fromtimestamp(learned.held_out, UTC),
        fans=trial.fans if trial else None,
        dropped=trial.dropped if trial else None,
        base_rate=trial.base_rate if trial else None,
        auc=trial.auc if trial else None,
        brier=trial.brier if trial else None,
        brier_base=trial.brier_base if trial else None,
        calibration_error=trial.calibration_error if trial else None,
        bins=[ReliabilityBin(**each._asdict()) for each in trial.bins] if trial else [],
    )


def _times(seconds: Numbers) -> list[datetime | None]:
    return [None if each == NOT_KNOWN else datetime.fromtimestamp(each, UTC) for each in seconds.tolist()]


def _figures(numbers: Numbers) -> list[float | None]:
    return _or_none(numbers, ~np.isnan(numbers))


def _or_none(numbers: Numbers, known: Numbers) -> list[Any]:
    return [
        each if is_known else None for each, is_known in zip(numbers.tolist(), known.tolist(), strict=True)
    ]
