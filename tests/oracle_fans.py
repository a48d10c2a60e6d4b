"""What fans are worth, how they stand, and cohorts, from the definitions: no module of the service."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil, fsum
from typing import Any
from zoneinfo import ZoneInfo

from tests import oracle
from tests.oracle import Call, Said

DAY = 86_400
MIN_FELT = 5
FELT = {0: 0.1, 1: 0.9, 3: 0.4, 4: 0.6}  # of a fan's direct message, by the last digit of its id


def felt(id: str) -> float | None:
    return FELT.get(int(id[-1]))


@dataclass
class Fan:
    """Times are whole seconds."""

    id: str
    joined: int | None
    subscription_end: int | None
    talks: list[tuple[int, list[Said]]] = field(default_factory=list)  # by start, the fan's direct messages
    paid: list[tuple[int, str, float]] = field(default_factory=list)

    def wrote(self, at: int) -> list[int]:
        """The last message of each conversation, or the first of one in which the fan goes on after `at`."""
        found = []
        for _, said in self.talks:
            if said and int(said[-1].at) < at:
                found.append(int(said[-1].at))
            elif said and int(said[0].at) < at:
                found.append(int(said[0].at))
        return found

    def paid_before(self, at: int) -> list[tuple[int, str, float]]:
        return [each for each in self.paid if each[0] < at]

    def visits(self, at: int) -> list[int]:
        begun = [int(said[0].at) for _, said in self.talks if said and int(said[0].at) < at]
        return sorted([*begun, *(when for when, _, _ in self.paid_before(at))])

    def seen(self, at: int) -> int | None:
        return max([*self.wrote(at), *(when for when, _, _ in self.paid_before(at))], default=None)

    def acts(self, start: int, end: int) -> bool:
        writes = any(said and int(said[0].at) < end and int(said[-1].at) >= start for _, said in self.talks)
        return writes or any(start <= when < end for when, _, _ in self.paid)

    def is_known(self, at: int) -> bool:
        return self.joined is None or self.joined < at or self.seen(at) is not None

    def mood(self, start: int, end: int) -> tuple[float | None, int]:
        own = [felt(m.id) for begun, said in self.talks if start <= begun < end for m in said]
        known = [each for each in own if each is not None]
        return (fsum(known) / len(known) if len(known) >= MIN_FELT else None), len(known)


def moment(end: float, as_of: float) -> int:
    return max(0, min(ceil(end), ceil(as_of)))


def fans(feed: list[Call], start: float, end: float, *, as_of: float, days: int) -> dict[str, dict[str, Any]]:
    at, first = moment(end, as_of), ceil(start)
    last = min(ceil(end), at)
    found = {}
    for fan in _fans(feed):
        if not fan.is_known(at):
            continue
        paid = [each for each in fan.paid if first <= each[0] < last]
        sales = [each for each in paid if each[1] != "renewal"]
        ever = [each for each in fan.paid_before(at) if each[1] != "renewal"]
        seen = fan.seen(at)
        now, n = fan.mood(first, last)
        before, n_before = fan.mood(2 * first - ceil(end), min(first, at))
        found[fan.id] = {
            "joined": fan.joined if fan.joined is not None and fan.joined < at else None,
            "conversations": sum(bool(said) and first <= begun < last for begun, said in fan.talks),
            "sales": len(sales),
            "value": fsum(each[2] for each in sales),
            "payments": len(paid),
            "revenue": fsum(each[2] for each in paid),
            "lifetime_sales": len(ever),
            "lifetime_value": fsum(each[2] for each in ever),
            "last_wrote": max(fan.wrote(at), default=None),
            "last_paid": max((each[0] for each in fan.paid_before(at)), default=None),
            "last_seen": seen,
            "silent_seconds": None if seen is None else at - seen,
            "mood": now,
            "mood_n": n,
            "mood_before": before,
            "mood_before_n": n_before,
            "mood_change": None if now is None or before is None else now - before,
            "subscription_end": fan.subscription_end,
            "segments": " ".join(_segments(fan, at, days)),
        }
    return found


def _segments(fan: Fan, at: int, days: int) -> list[str]:
    """Nobody is at risk without a model, nor a big spender among fewer than ten that paid."""
    seen, visits = fan.seen(at), fan.visits(at)
    found = []
    if fan.joined is not None and at - days * DAY <= fan.joined < at:
        found.append("new")
    if all(fan.acts(at - 7 * DAY * (week + 1), at - 7 * DAY * week) for week in range(4)):
        found.append("regular")
    is_lapsed = seen is not None and not fan.acts(at - days * DAY, at)
    if len(visits) >= 3 and not is_lapsed and seen is not None:
        rhythm = max(DAY, (visits[-1] - visits[0]) / (len(visits) - 1))
        if at - seen > max(7 * DAY, 3 * rhythm):
            found.append("silent")
    if is_lapsed:
        found.append("lapsed")
    return found


def cohorts(
    feed: list[Call], start: float, end: float, *, as_of: float, zone: str
) -> tuple[dict[str, tuple[int, list[tuple[Any, ...]]]], int]:
    """By month of joining: fans, and of each month from then on who was active and what was paid."""
    at, first = moment(end, as_of), ceil(start)
    last = min(ceil(end), at)
    known = [fan for fan in _fans(feed) if fan.is_known(at)]
    found: dict[str, tuple[int, list[tuple[Any, ...]]]] = {}
    for month in sorted({_month(f.joined, zone) for f in known if f.joined is not None and f.joined < at}):
        begun, over = _bounds(month, zone)
        if first >= last or over <= first or begun >= last:
            continue
        own = [f for f in known if f.joined is not None and f.joined < at and _month(f.joined, zone) == month]
        cells, each = [], month
        while (bounds := _bounds(each, zone))[0] < at:
            until = min(bounds[1], at)
            revenue = fsum(p[2] for fan in own for p in fan.paid if bounds[0] <= p[0] < until)
            active = sum(fan.acts(bounds[0], until) for fan in own)
            cells.append((each, active, round(revenue, 6), bounds[1] <= at))
            each = _next(each)
        found[month] = len(own), cells
    return found, sum(fan.joined is None for fan in known)


def _month(second: int, zone: str) -> str:
    return datetime.fromtimestamp(second, ZoneInfo(zone)).strftime("%Y-%m")


def _next(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + 1}-01" if number == 12 else f"{year}-{number + 1:02}"


def _bounds(month: str, zone: str) -> tuple[int, int]:
    found = []
    for each in (month, _next(month)):
        local = datetime(int(each[:4]), int(each[5:]), 1, tzinfo=ZoneInfo(zone))
        found.append(int(local.astimezone(UTC).timestamp()))
    return found[0], found[1]


def _fans(feed: list[Call]) -> list[Fan]:
    rows, _, _ = oracle._read(feed)
    found = []
    for chat in oracle._chats(feed):
        told = [row["withUser"].get("subscribedOnData") or {} for row in rows[chat.fan] if "withUser" in row]
        known = {
            name: next((int(oracle._time(data[name])) for data in told if name in data), None)
            for name in ("subscribeAt", "expiredAt")
        }
        first = min((int(m.at) for m in chat.messages), default=None)
        found.append(
            Fan(
                chat.fan,
                first if known["subscribeAt"] is None else known["subscribeAt"],
                known["expiredAt"],
                [(int(each[0].at), [m for m in each if m.by_fan]) for each in chat.conversations],
                sorted((int(at), kind, amount) for kind, at, amount in chat.outcomes),
            )
        )
    return found
