"""What is told of each fan, one fan at a time: the plain form of what the service computes of all at once."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, fsum, log1p
from typing import Any, NamedTuple

from graph.traversals import ACTIVITY, PROFILES, SALES
from graph.warned import WARNINGS, read_warnings
from insights.fan_history import AccountFans
from insights.fans import Moment
from insights.tables import of_rows
from insights.window import Window

DAY = 86_400


class Talk(NamedTuple):
    """A conversation, or what stands alone; times are None where the fan wrote nothing."""

    conversation: str
    start: int
    end: int
    messages: int
    fan_first: int | None
    fan_last: int | None
    felt_sum: float
    felt_n: int
    warnings: str

    def before(self, at: int) -> "Talk":
        if self.end < at:
            return self
        if self.fan_last is None or self.fan_last < at:
            return self._replace(end=at)
        first = self.fan_first if self.fan_first is not None and self.fan_first < at else None
        return self._replace(end=at, fan_first=first, fan_last=first, felt_sum=0.0, felt_n=0, warnings="")


class Payment(NamedTuple):
    at: int
    type: str
    amount: float

    @property
    def is_sale(self) -> bool:
        return self.type in ("tip", "purchase")


@dataclass(frozen=True)
class FanHistory:
    """One fan of an account (its key)."""

    account: str
    fan_id: str
    chat_id: str
    joined: int | None
    subscription_end: int | None
    talks: Sequence[Talk]  # by start and id
    payments: Sequence[Payment]
    ends: Sequence[int]

    def before(self, at: int) -> "FanHistory":
        return replace(
            self,
            joined=self.joined if self.joined is not None and self.joined < at else None,
            subscription_end=None,
            talks=[talk.before(at) for talk in self.talks if talk.start < at],
            payments=[payment for payment in self.payments if payment.at < at],
            ends=(),
        )

    @property
    def last_wrote(self) -> int | None:
        return max((talk.fan_last for talk in self.talks if talk.fan_last is not None), default=None)

    @property
    def last_paid(self) -> int | None:
        return max((payment.at for payment in self.payments), default=None)

    @property
    def last_acted(self) -> int | None:
        return max((at for at in (self.last_wrote, self.last_paid) if at is not None), default=None)

    def visits(self) -> list[int]:
        begun = [talk.fan_first for talk in self.talks if talk.fan_first is not None]
        return sorted([*begun, *(payment.at for payment in self.payments)])

    def acts_in(self, start: int, end: int) -> bool:
        wrote = ((talk.fan_first, talk.fan_last) for talk in self.talks)
        return any(start <= payment.at < end for payment in self.payments) or any(
            first is not None and last is not None and first < end and last >= start for first, last in wrote
        )

    def talks_in(self, start: int, end: int) -> list[Talk]:
        return [talk for talk in self.talks if start <= talk.start < end]

    def payments_in(self, start: int, end: int) -> list[Payment]:
        return [payment for payment in self.payments if start <= payment.at < end]


def amount(payments: Iterable[Payment]) -> float:
    return fsum(payment.amount for payment in payments)


def in_columns(fans: Sequence[FanHistory], account: str = "u/c") -> AccountFans:
    """The fans as the service has them."""
    profiles = [
        {
            "fanId": fan.fan_id,
            "chatId": fan.chat_id,
            "joinDate": fan.joined or 0,
            "subscriptionEnd": fan.subscription_end or 0,
        }
        for fan in fans
    ]
    talks = [
        {
            "conversation": talk.conversation,
            "chatId": fan.chat_id,
            "startDate": talk.start,
            "endDate": talk.end,
            "messageCount": talk.messages,
            "firstFanDate": talk.fan_first or 0,
            "lastFanDate": talk.fan_last or 0,
            "sentimentSum": talk.felt_sum,
            "sentimentCount": talk.felt_n,
            "warnings": talk.warnings,
        }
        for fan in fans
        for talk in fan.talks
    ]
    named = {"conversation": "", "startDate": 0, "endDate": 0, "messageCount": 0, "follows": ""}
    outcomes = [
        {**named, "chatId": fan.chat_id, "fanId": fan.fan_id, "type": type, "date": at, "amount": money}
        for fan in fans
        for at, type, money in [*fan.payments, *((end, "drop_off", 0.0) for end in fan.ends)]
    ]
    rows = {PROFILES: profiles, ACTIVITY: talks, SALES: outcomes}
    return AccountFans.of(account, *(of_rows(traversal, own) for traversal, own in rows.items()))


def is_active(fan: FanHistory, at: int, horizon: int) -> bool:
    return fan.acts_in(at - horizon, at)


def drops_off(fan: FanHistory, at: int, horizon: int) -> bool:
    return not fan.acts_in(at, at + horizon) or any(at <= end < at + horizon for end in fan.ends)


def features(fan: FanHistory, at: int, horizon: int) -> list[float]:
    """Of a fan who is active at that time, in the order of `FEATURES`."""
    known = fan.before(at)
    visits, last = known.visits(), known.last_acted
    assert last is not None
    warned: Counter[str] = Counter()
    for talk in known.talks_in(at - horizon, at):
        warned.update(read_warnings(talk.warnings))
    now, before = mood(known, at - horizon, at)[0], mood(known, at - 2 * horizon, at - horizon)[0]
    spoken = [talk for talk in known.talks if talk.messages]
    said = spoken[-1] if spoken else None
    month = at - 31 * DAY
    renewed = [payment.at for payment in known.payments if payment.type == "renewal"]
    return [
        log1p((at - last) / DAY),
        log1p((at - last) / rhythm(visits, horizon)),
        log1p(sum(visit >= at - horizon for visit in visits)),
        log1p(amount(each for each in known.payments_in(at - horizon, at) if each.is_sale)),
        float(said is not None and said.end < at and said.fan_last == said.end),
        0.0 if now is None or before is None else now - before,
        float(any(each >= month for each in (*renewed, *([] if known.joined is None else [known.joined])))),
        *(log1p(warned[kind]) for kind in WARNINGS),
        log1p((at - min([visits[0], *([] if known.joined is None else [known.joined])])) / DAY),
    ]


def rhythm(visits: list[int], otherwise: int) -> float:
    if len(visits) < 2:
        return float(otherwise)
    return max(float(DAY), (visits[-1] - visits[0]) / (len(visits) - 1))


def mood(fan: FanHistory, start: int, end: int) -> tuple[float | None, int]:
    talks = fan.talks_in(start, end)
    n = sum(talk.felt_n for talk in talks)
    return (fsum(talk.felt_sum for talk in talks) / n if n >= 5 else None), n


def is_known(fan: FanHistory, at: int) -> bool:
    return fan.joined is None or fan.joined < at or fan.before(at).last_acted is not None


def big_spender(fans: Sequence[FanHistory], at: int) -> float | None:
    """What a big spender among those who are known paid at least."""
    values = sorted(value for fan in fans if is_known(fan, at) and (value := lifetime(fan, at)) > 0)
    return values[ceil(0.9 * len(values)) - 1] if len(values) >= 10 else None


def lifetime(fan: FanHistory, at: int) -> float:
    return amount(payment for payment in fan.before(at).payments if payment.is_sale)


def figures(
    fan: FanHistory, window: Window, moment: Moment, big: float | None, risk: float | None
) -> dict[str, Any]:
    """What an answer says of the fan, with times in seconds."""
    at, horizon = moment
    start, end = window.start_second, min(window.end_second, at)
    known = fan.before(at)
    payments = known.payments_in(start, end)
    now, n = mood(fan, start, end)
    before, n_before = mood(fan, window.preceding_start_second, min(start, at))
    seen, visits = known.last_acted, known.visits()
    is_lapsed = seen is not None and not is_active(fan, at, horizon)
    weeks = [fan.acts_in(at - (week + 1) * 7 * DAY, at - week * 7 * DAY) for week in range(4)]
    is_silent = seen is not None and at - seen > max(7 * DAY, 3 * rhythm(visits, horizon))
    rules = {
        "new": known.joined is not None and known.joined >= at - horizon,
        "regular": all(weeks),
        "big_spender": big is not None and lifetime(fan, at) >= big,
        "silent": is_silent and not is_lapsed and len(visits) >= 3,
        "at_risk": risk is not None and risk >= 0.5,
        "lapsed": is_lapsed,
    }
    return {
        "fanId": fan.fan_id,
        "chatId": fan.chat_id,
        "joined": known.joined,
        "conversations": sum(talk.fan_first is not None for talk in fan.talks_in(start, end)),
        "sales": sum(payment.is_sale for payment in payments),
        "value": amount(payment for payment in payments if payment.is_sale),
        "payments": len(payments),
        "revenue": amount(payments),
        "lifetime_sales": sum(payment.is_sale for payment in known.payments),
        "lifetime_value": lifetime(fan, at),
        "last_wrote": known.last_wrote,
        "last_paid": known.last_paid,
        "last_seen": seen,
        "silent_seconds": None if seen is None else at - seen,
        "mood": now,
        "mood_n": n,
        "mood_before": before,
        "mood_before_n": n_before,
        "mood_change": None if now is None or before is None else now - before,
        "subscription_end": fan.subscription_end,
        "risk": risk,
        "segments": [segment for segment, is_in in rules.items() if is_in],
    }


def behind(
    fan: FanHistory, window: Window, moment: Moment, group: str
) -> dict[str, tuple[int, float | None]]:
    """The conversations that a number of the fan counts: how often, and with what amount."""
    start, end = window.start_second, min(window.end_second, moment.at)
    if group == "conversations":
        return {
            talk.conversation: (1, None) for talk in fan.talks_in(start, end) if talk.fan_first is not None
        }
    if group in ("mood", "mood_before"):
        bounds = (window.preceding_start_second, min(start, moment.at))
        talks = fan.talks_in(*((start, end) if group == "mood" else bounds))
        return {talk.conversation: (talk.felt_n, None) for talk in talks if talk.felt_n}
    paid: dict[str, list[float]] = {}
    for payment in fan.payments_in(0 if group == "lifetime_sales" else start, end) if fan.talks else ():
        if payment.is_sale or group == "payments":
            place = bisect_left([talk.start for talk in fan.talks], payment.at + 1)
            paid.setdefault(fan.talks[max(0, place - 1)].conversation, []).append(payment.amount)
    return {conversation: (len(amounts), fsum(amounts)) for conversation, amounts in paid.items()}
