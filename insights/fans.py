"""What each fan is worth and how each stands at a time, in segments and pages. Pure; see docs/metrics.md."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil, fsum
from typing import Final, Literal, NamedTuple, Self, get_args

from chats.account import Account
from insights.drill import Counted, Scope
from insights.fan_history import DAY, FanHistory, amount
from insights.months import month_of
from insights.risk import Learned
from insights.risk_features import FEATURES, features, is_active, mood, rhythm
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


_Place = tuple[bool, float, str, str]  # behind all others, rank, account, fan


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

    @property
    def place(self) -> _Place:
        return self.is_last, self.rank, self.account, self.fan_id

    def text(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(self).encode()).decode()

    @classmethod
    def read(cls, text: str, sort: FanSort) -> Self:
        """InvalidInput when no answer in that order gave it."""
        try:
            match json.loads(base64.urlsafe_b64decode(text)):
                case [str(), str(), int(), str(), bool(), float() | int(), str(), str()] as found:
                    cursor = cls(*found)
                    Window(datetime.fromisoformat(cursor.start), datetime.fromisoformat(cursor.end))
                    if cursor.sort == sort:
                        return cursor
        except (binascii.Error, ValueError, RecursionError):
            pass
        raise invalid("cursor", "is not the `next` of an answer in this order; leave it out to begin anew")


@dataclass(frozen=True, slots=True)
class _Fan:
    """A fan with what the account says of the risk."""

    history: FanHistory
    known: FanHistory  # before the moment
    risk: float | None
    base: float | None
    parts: Sequence[RiskPart]
    reason: NoRisk | None


@dataclass(frozen=True, slots=True)
class _Standing:
    """What puts a fan in order, and is added up over all; the rest is worked out for those that are shown."""

    fan: _Fan
    value: float
    revenue: float
    silent: int | None  # seconds; None: never seen
    segments: Sequence[Segment]

    def place(self, sort: FanSort) -> _Place:
        """The highest value or risk first, or who is silent for the longest; behind them who has none."""
        history, risk = self.fan.history, self.fan.risk
        rank: tuple[bool, float] = False, -self.value
        if sort == "risk":
            rank = risk is None, -(risk or 0.0)
        elif sort == "silence":
            rank = self.silent is None, -float(self.silent or 0)
        return *rank, history.account, history.fan_id


def is_known(fan: FanHistory, at: int) -> bool:
    """Whether the fan was there before: joined, wrote or paid, or nobody knows since when."""
    joined_before = fan.joined is None or fan.joined < at
    return joined_before or fan.before(at).last_acted is not None


def fans_of(
    accounts: Mapping[str, Sequence[FanHistory]],
    learned: Mapping[str, Learned],
    scope: Scope,
    asked: Asked,
    moment: Moment,
    *,
    as_of: datetime,
    limit: int,
    after: Cursor | None,
    zone_notes: list[str],
) -> Fans:
    """The first `limit` fans after the cursor, by account and what its risk model is."""
    start, end = scope.window.start_second, min(scope.window.end_second, moment.at)
    found: list[_Standing] = []
    for account, histories in accounts.items():
        there = [fan for fan in histories if is_known(fan, moment.at)]
        known = [_with_risk(fan, learned[account], moment) for fan in there]
        big = _big_spender(known)
        for fan in known:
            if asked.is_active is not None and fan.history.acts_in(start, end) is not asked.is_active:
                continue
            if asked.cohort is not None and not _joined_in(fan.known, asked.cohort, scope):
                continue
            found.append(_standing(fan, scope, moment, big))
    chosen = [row for row in found if asked.segment is None or asked.segment in row.segments]
    placed = [(row.place(asked.sort), row) for row in chosen]
    behind = [each for each in placed if after is None or each[0] > after.place]
    behind.sort(key=lambda each: each[0])
    shown = behind[:limit]
    return Fans(
        creatorId=scope.creator_id,
        startDate=scope.window.start,
        endDate=scope.window.end,
        as_of=as_of,
        time_zone=scope.time_zone,
        horizon_days=moment.horizon // DAY,
        total=len(chosen),
        value=fsum(row.value for row in chosen),
        revenue=fsum(row.revenue for row in chosen),
        fans=[_insight(row, scope, moment, as_of) for _, row in shown],
        next=_cursor(scope, moment, asked.sort, shown[-1][0]) if len(behind) > limit else None,
        segments=[
            SegmentCount(
                segment=segment,
                fans=sum(segment in row.segments for row in found),
                drill=_drill(scope, asked, moment, as_of, segment),
            )
            for segment in get_args(Segment)
        ],
        models=[_model(account, learned[account]) for account in accounts],
        caution=CAUTION,
        notes=zone_notes,
    )


def _cursor(scope: Scope, moment: Moment, sort: FanSort, place: _Place) -> str:
    window, (is_last, rank, account, fan_id) = scope.window, place
    start, end = window.start.isoformat(), window.end.isoformat()
    return Cursor(start, end, moment.at, sort, is_last, rank, account, fan_id).text()


def counted(fans: Iterable[FanHistory], scope: Scope, moment: Moment, group: str) -> list[Counted]:
    """The conversations that a number of a fan counts, the fan's own ones. InvalidInput: no such number.

    A payment counts at the last conversation, or what stands alone, that began before it; else at the first.
    """
    if group not in get_args(Group):
        raise invalid("group", f"must be one of {', '.join(get_args(Group))}")
    start, end = scope.window.start_second, min(scope.window.end_second, moment.at)
    found: list[Counted] = []
    for fan in fans:
        if group == "conversations":
            talks = [talk for talk in fan.talks_in(start, end) if talk.fan_first is not None]
            found += [Counted(fan.account, fan.row(talk)) for talk in talks]
        elif group in ("mood", "mood_before"):
            before = scope.window.preceding_start_second
            bounds = (start, end) if group == "mood" else (before, min(start, moment.at))
            felt = [talk for talk in fan.talks_in(*bounds) if talk.felt_n]
            found += [Counted(fan.account, fan.row(talk), talk.felt_n) for talk in felt]
        else:
            paid = fan.payments_in(0 if group == "lifetime_sales" else start, end)
            kept = [payment for payment in paid if payment.is_sale or group == "payments"]
            by_talk: dict[int, list[float]] = {}
            for payment in kept if fan.talks else ():  # its conversation may be written after it was read
                behind = sum(talk.start <= payment.at for talk in fan.talks)
                by_talk.setdefault(max(0, behind - 1), []).append(payment.amount)
            found += [
                Counted(fan.account, fan.row(fan.talks[place]), len(amounts), fsum(amounts))
                for place, amounts in by_talk.items()
            ]
    return found


def _with_risk(fan: FanHistory, learned: Learned, moment: Moment) -> _Fan:
    known = fan.before(moment.at)
    reason: NoRisk | None = learned.reason
    if known.last_acted is None:
        reason = "never_acted"
    elif not is_active(fan, *moment):
        reason = "lapsed"
    elif learned.model is not None:
        model, values = learned.model, features(known, *moment)
        parts = [
            RiskPart(feature=name, value=value, log_odds=part)
            for name, value, part in zip(FEATURES, values, model.parts(values), strict=True)
        ]
        parts.sort(key=lambda part: (-abs(part.log_odds), part.feature))
        return _Fan(fan, known, model.risk(values), model.base, parts, None)
    return _Fan(fan, known, None, None, (), reason)


def _big_spender(fans: Iterable[_Fan]) -> float | None:
    """What a big spender of the account paid at least; None: too few fans paid."""
    values = sorted(value for fan in fans if (value := _lifetime(fan)) > 0)
    return values[ceil(0.9 * len(values)) - 1] if len(values) >= MIN_PAYERS else None


def _lifetime(fan: _Fan) -> float:
    return amount(payment for payment in fan.known.payments if payment.is_sale)


def _joined_in(known: FanHistory, cohort: str, scope: Scope) -> bool:
    return known.joined is not None and month_of(known.joined, scope.zone) == cohort


def _standing(fan: _Fan, scope: Scope, moment: Moment, big: float | None) -> _Standing:
    start, end = scope.window.start_second, min(scope.window.end_second, moment.at)
    payments, seen = fan.known.payments_in(start, end), fan.known.last_acted
    return _Standing(
        fan,
        value=amount(payment for payment in payments if payment.is_sale),
        revenue=amount(payments),
        silent=None if seen is None else moment.at - seen,
        segments=_segments(fan, moment, big),
    )


def _insight(row: _Standing, scope: Scope, moment: Moment, as_of: datetime) -> FanInsight:
    start, end = scope.window.start_second, min(scope.window.end_second, moment.at)
    fan, history, known = row.fan, row.fan.history, row.fan.known
    account = Account.of_key(history.account)
    payments = known.payments_in(start, end)
    now, n = mood(history, start, end)
    before, n_before = mood(history, scope.window.preceding_start_second, min(start, moment.at))
    own = Scope(scope.window, account.creator_id, account.user_id, scope.time_zone)
    return FanInsight(
        userId=account.user_id,
        creatorId=account.creator_id,
        fanId=history.fan_id,
        chatId=history.chat_id,
        joined=_when(known.joined),
        conversations=sum(talk.fan_first is not None for talk in history.talks_in(start, end)),
        sales=sum(payment.is_sale for payment in payments),
        value=row.value,
        payments=len(payments),
        revenue=row.revenue,
        lifetime_sales=sum(payment.is_sale for payment in known.payments),
        lifetime_value=_lifetime(fan),
        last_wrote=_when(known.last_wrote),
        last_paid=_when(known.last_paid),
        last_seen=_when(known.last_acted),
        silent_seconds=row.silent,
        mood=now,
        mood_n=n,
        mood_before=before,
        mood_before_n=n_before,
        mood_change=None if now is None or before is None else now - before,
        subscription_end=_when(history.subscription_end),
        risk=fan.risk,
        risk_base=fan.base,
        risk_parts=list(fan.parts),
        risk_reason=fan.reason,
        segments=list(row.segments),
        drill=own.drill("fans", fan_id=history.fan_id, as_of=as_of.isoformat()),
    )


def _segments(fan: _Fan, moment: Moment, big: float | None) -> list[Segment]:
    at, horizon = moment
    last = fan.known.last_acted
    is_lapsed = fan.reason == "lapsed"
    visits = fan.known.visits()
    weeks = [fan.history.acts_in(at - (n + 1) * 7 * DAY, at - n * 7 * DAY) for n in range(WEEKS)]
    usual = max(SILENT_DAYS * DAY, SILENT_AFTER * rhythm(visits, horizon))
    rules: Mapping[Segment, bool] = {
        "new": fan.known.joined is not None and fan.known.joined >= at - horizon,
        "regular": all(weeks),
        "big_spender": big is not None and _lifetime(fan) >= big,
        "silent": last is not None and not is_lapsed and len(visits) >= MIN_VISITS and at - last > usual,
        "at_risk": fan.risk is not None and fan.risk >= AT_RISK,
        "lapsed": is_lapsed,
    }
    return [segment for segment in get_args(Segment) if rules[segment]]


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


def _when(second: int | None) -> datetime | None:
    return None if second is None else datetime.fromtimestamp(second, UTC)
