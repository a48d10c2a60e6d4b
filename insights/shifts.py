"""Who of a creator's team works when, which tells who sent what does not say it. Pure.

Where shifts of several people hold a moment, nobody is told from them: what is not known stays so.
"""

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Annotated, Final, NamedTuple, Self

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from insights.clock import DAY, MINUTE, WEEK, local_second
from insights.columns import Coded, Dictionary, Numbers, distinct
from insights.hours import FORM, LONGEST, WeeklyHours
from insights.instants import local_seconds
from insights.window import parse_time_zone
from wire.fields import SENDER_ID

MOST: Final = 500  # shifts of an account
UNKNOWN: Final = "unknown"  # how answers call who or what is not known, so nobody is called so


def _hours(text: str) -> str:
    if WeeklyHours.parse(text) is None:
        raise ValueError(FORM)
    return text


def _zone(name: str) -> str:
    if parse_time_zone(name).key != name:
        raise ValueError("must be an IANA time zone, such as Europe/Berlin")
    return name


def _known(name: str) -> str:
    if name.strip().lower() in ("", UNKNOWN):
        raise ValueError("must be a name, and not `unknown`")
    return name


class Shift(BaseModel):
    """Hours of every week, from the local day `since` until the day before `until`; without them: always."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_known)]
    personId: Annotated[str | None, Field(pattern=SENDER_ID)] = None  # who works it; null: several may
    hours: Annotated[str, Field(max_length=LONGEST, examples=["Mon-Fri 09:00-17:30"]), AfterValidator(_hours)]
    since: date | None = None
    until: date | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.personId is not None:
            _known(self.personId)
        if self.since and self.until and self.since >= self.until:
            raise ValueError("since must be before until")
        return self


class Shifts(BaseModel):
    """The shifts of an account, by the clocks of a zone."""

    model_config = ConfigDict(extra="forbid")

    time_zone: Annotated[str, Field(max_length=100), AfterValidator(_zone)] = "UTC"
    shifts: Annotated[list[Shift], Field(max_length=MOST)] = []


class OnDuty(NamedTuple):
    """Who is told from the shifts of a moment, and which shift that is; None: none or several."""

    person: str | None
    shift: str | None


_FIRST: Final = date(1969, 12, 29).toordinal()  # the Monday before the epoch
_NOBODY: Final = OnDuty(None, None)


@dataclass(frozen=True, slots=True)
class _Term:
    """A shift, with its days as ordinals."""

    name: str
    person: str | None
    hours: WeeklyHours
    since: int
    until: int


class Roster:
    """Looks up who is on duty."""

    def __init__(self, shifts: Shifts) -> None:
        self._text = shifts.model_dump_json()
        self._zone: tzinfo = parse_time_zone(shifts.time_zone)
        terms = [_term(each) for each in shifts.shifts]
        # Between two of these local days the same shifts hold, so most moments are looked up in few of them.
        self._days = sorted({day for each in terms for day in (each.since, each.until)})
        self._on = [
            [term for term in terms if term.since <= day < term.until]
            for day in (date.min.toordinal(), *self._days)
        ]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Roster) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def at(self, second: int) -> OnDuty:
        """Who is on duty at an epoch second."""
        if not self._days:
            return _NOBODY
        local = local_second(second, self._zone)
        day = int(local // DAY) + _FIRST
        on = [each for each in self._on[bisect_right(self._days, day)] if each.hours.has(local)]
        return OnDuty(_one(each.person for each in on), _one(each.name for each in on))

    def told(self, senders: Coded, at: Numbers) -> tuple[Coded, Coded]:
        """Persons and shifts of what was sent then (epoch seconds), by somebody where that is known."""
        if not self._days:
            persons = [value or UNKNOWN for value in senders.values]
            return Coded(senders.codes, persons), Coded(np.zeros(len(at), np.int32), [UNKNOWN])
        local = local_seconds(at, self._zone)
        days = np.searchsorted(self._days, local // DAY + _FIRST, side="right")
        # Hours begin and end with minutes: in one of the week, between two days, the same people work.
        places, which = distinct(days, local % WEEK // MINUTE)
        on = [self.at(second) for second in at[places].tolist()]
        shifts = Dictionary().coded(each.shift or UNKNOWN for each in on)
        on_duty = Dictionary().coded(each.person or UNKNOWN for each in on)
        both = Coded.concat([senders, on_duty.take(which)])
        codes = np.where(senders.are_named, both.codes[: len(at)], both.codes[len(at) :])
        return Coded(codes, both.values), shifts.take(which)


def _one(names: Iterable[str | None]) -> str | None:
    """The only name; None: there is none, or a second one, or somebody without a name."""
    found = set(names)
    return found.pop() if len(found) == 1 else None


def _term(shift: Shift) -> _Term:
    hours = WeeklyHours.parse(shift.hours)
    assert hours is not None, "it was checked"
    since = shift.since or date.min
    until = shift.until.toordinal() if shift.until else date.max.toordinal() + 1
    return _Term(shift.name, shift.personId, hours, since.toordinal(), until)


NO_SHIFTS: Final = Roster(Shifts())
# The rosters of accounts, by their keys; an account without shifts is left out.
Rosters = Callable[[Collection[str]], Awaitable[Mapping[str, Roster]]]


async def no_rosters(accounts: Collection[str]) -> Mapping[str, Roster]:
    """No account has shifts."""
    return {}
