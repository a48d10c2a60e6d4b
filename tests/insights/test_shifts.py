"""Who is told from shifts, and who is not."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from pydantic import ValidationError

from insights.columns import Dictionary
from insights.shifts import NO_SHIFTS, Roster, Shift, Shifts
from tests.oracle import Turn, on_duty

BERLIN = ZoneInfo("Europe/Berlin")


def shift(name: str, person: str | None, hours: str, **days: str) -> Shift:
    return Shift.model_validate({"name": name, "personId": person, "hours": hours} | days)


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp())


def told(roster: Roster, sender: str | None, second: int) -> tuple[str, str]:
    [found] = told_each(roster, sender, [second])
    return found


def told_each(roster: Roster, sender: str | None, seconds: Sequence[int]) -> list[tuple[str, str]]:
    senders = Dictionary().coded([sender or ""] * len(seconds))
    persons, shifts = roster.told(senders, np.array(seconds, np.int64))
    return list(zip(persons.strings(), shifts.strings(), strict=True))


def test_what_says_who_sent_it_is_theirs_whoever_is_on_duty() -> None:
    roster = Roster(Shifts(shifts=[shift("day", "anna", "Mon-Sun 00:00-24:00")]))
    second = at("2026-05-04 12:00")
    assert told(roster, "bob", second) == ("bob", "day")
    assert told(roster, None, second) == ("anna", "day")
    assert told(NO_SHIFTS, None, second) == ("unknown", "unknown")


def test_where_several_could_be_meant_nobody_is_told() -> None:
    roster = Roster(
        Shifts(
            time_zone="Europe/Berlin",
            shifts=[
                shift("early", "anna", "Mon 06:00-14:00"),
                shift("late", "bob", "Mon 13:00-20:00"),
                shift("late", "bob", "Mon 19:00-21:00"),
                shift("late", None, "Mon 20:30-22:00"),
            ],
        )
    )
    found = [
        told(roster, None, at(f"2026-05-04 {time}")) for time in ("12:59", "13:00", "14:00", "19:30", "20:30")
    ]
    assert found == [
        ("anna", "early"),
        ("unknown", "unknown"),
        ("bob", "late"),
        ("bob", "late"),
        ("unknown", "late"),
    ]


def test_a_shift_holds_from_its_first_day_until_the_day_before_its_last() -> None:
    shifts = [
        shift("day", "anna", "Mon-Sun 00:00-24:00", until="2026-05-04"),
        shift("day", "bob", "Mon-Sun 00:00-24:00", since="2026-05-04", until="2026-05-06"),
    ]
    roster = Roster(Shifts(time_zone="Europe/Berlin", shifts=shifts))
    days = ("2026-05-03 23:59", "2026-05-04 00:00", "2026-05-05 23:59", "2026-05-06 00:00")
    assert [told(roster, None, at(day))[0] for day in days] == ["anna", "bob", "bob", "unknown"]


def test_a_shift_that_clocks_set_back_is_worked_twice_and_one_that_they_skip_not_at_all() -> None:
    roster = Roster(Shifts(time_zone="Europe/Berlin", shifts=[shift("night", "nils", "Sun 02:00-03:00")]))
    twice = [at("2024-10-27 02:30", fold=fold) for fold in (0, 1)]
    assert twice[1] - twice[0] == 3600
    assert [told(roster, None, second)[0] for second in twice] == ["nils", "nils"]
    start = at("2024-03-31 00:00")
    assert {told(roster, None, second)[0] for second in range(start, start + 5 * 3600, 60)} == {"unknown"}


def test_a_night_goes_on_into_the_next_day_as_the_oracle_says() -> None:
    roster = Roster(
        Shifts(time_zone="Asia/Kathmandu", shifts=[shift("night", "nils", "Sat-Sun 22:00-06:30")])
    )
    turns = [Turn("night", "nils", (5, 6), 22 * 60, 6 * 60 + 30)]
    start = int(datetime(2026, 5, 1, tzinfo=UTC).timestamp())
    seconds = range(start, start + 5 * 86_400, 600)
    expected = [on_duty(second, turns, "Asia/Kathmandu") for second in seconds]
    assert [roster.at(second) for second in seconds] == expected
    names = [(person or "unknown", shift or "unknown") for person, shift in expected]
    assert told_each(roster, None, seconds) == names
    assert told_each(roster, "bob", seconds) == [("bob", shift) for _, shift in names]


@pytest.mark.parametrize("name", ["unknown", " Unknown ", " "])
def test_nobody_and_no_shift_is_called_unknown(name: str) -> None:
    with pytest.raises(ValidationError):
        shift(name, "anna", "Mon 09:00-10:00")
    with pytest.raises(ValidationError):
        shift("day", name.strip(), "Mon 09:00-10:00")
