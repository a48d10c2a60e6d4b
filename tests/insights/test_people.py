"""Who answers, by hand."""

from datetime import UTC, datetime

import pytest

from chats.conversation import Answer, Figures, Said
from graph.said import answers_text, said_text
from graph.traversals import OFFERED, SALES, OfferedRow
from insights.drill import Scope
from insights.people import Acts, Terms, counted, people
from insights.shifts import Roster, Shift, Shifts
from insights.tables import of_rows
from insights.window import Window
from wire.team import People

MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
SCOPE = Scope(Window(MONDAY, datetime(2026, 5, 5, tzinfo=UTC)), "c1", "u1")
BEFORE = Scope(Window(datetime(2026, 5, 3, tzinfo=UTC), MONDAY), "c1", "u1")
TERMS = Terms.of(300.0, "Mon-Fri 09:00-17:00", "UTC")
BOB = Shift(name="noon", personId="bob", hours="Mon-Fri 12:00-20:00")


def at(hour: int, minute: int) -> float:
    return MONDAY.timestamp() + hour * 3600 + minute * 60


def row() -> OfferedRow:
    """The example of the documents."""
    said = [
        Said(at(8, 50), "fan"),
        Said(at(9, 4), "creator", "anna"),
        Said(at(12, 0), "fan"),
        Said(at(12, 10), "creator"),
    ]
    figures = Figures(
        start=at(8, 50),
        end=at(12, 10),
        direct_messages=4,
        fan_messages=2,
        mass_messages=0,
        offers=0,
        mass_offers=0,
        turns=3,
        silence_seconds=0.0,
        response_seconds=(840.0, 600.0),
        unanswered=0,
        said=tuple(said),
        answers=(Answer(at(8, 50), "anna"), Answer(at(12, 0))),
    )
    return OfferedRow(
        conversation="f:1",
        chatId="f",
        fanId="f",
        startDate=int(figures.start),
        endDate=int(figures.end),
        messageCount=4,
        offers="",
        said=said_text(said),
        answers=answers_text(figures),
    )


def acts(rows: list[OfferedRow], terms: Terms, *shifts: Shift) -> Acts:
    roster = Roster(Shifts(shifts=list(shifts)))
    return Acts.read([("u1/c1", of_rows(OFFERED, rows), of_rows(SALES, []), roster)], terms)


def asked(*shifts: Shift, terms: Terms = TERMS) -> People:
    now, before = acts([row()], terms, *shifts), acts([], terms)
    return people(now, before, SCOPE, BEFORE, ["u1/c1"], terms, as_of=MONDAY)


def test_the_example_of_the_documents() -> None:
    rows = {each.key: each.figures for each in asked(BOB).by_person}
    anna, bob = rows["anna"], rows["bob"]
    assert (anna.responses.median, anna.responses.within_target) == (840, 0)
    assert anna.responses_in_hours is not None
    assert (anna.responses_in_hours.median, anna.responses_in_hours.within_target) == (240, 100)
    assert bob.responses_in_hours is not None
    assert (bob.responses.median, bob.responses_in_hours.median) == (600, 600)
    other = Shift(name="noon", personId="cleo", hours="Mon 12:00-13:00")
    rows = {each.key: each.figures for each in asked(BOB, other).by_person}
    assert rows.keys() == {"anna", "unknown"}
    assert rows["unknown"].responses.median == 600


def test_what_nobody_is_told_of_is_counted_as_unknown_and_for_nobody_else() -> None:
    found = asked()
    assert [(each.key, each.figures.messages) for each in found.by_person] == [("anna", 1), ("unknown", 1)]
    assert [(each.key, each.figures.messages) for each in found.by_shift] == [("unknown", 2)]
    assert found.total.figures.messages == 2
    assert [(each.key, each.figures.messages, each.previous.messages) for each in found.by_creator] == [
        ("c1", 2, 0)
    ]


@pytest.mark.parametrize(("target", "percent"), [(599.0, 0), (600.0, 50), (840.0, 100)])
def test_a_time_of_the_target_is_within_it_and_its_list_says_as_much(target: float, percent: int) -> None:
    terms = Terms.of(target, "", "UTC")
    found = asked(terms=terms).total.figures
    assert (found.responses.within_target, found.responses_in_hours) == (percent, None)
    now = acts([row()], terms)
    assert sum(each.counted for each in counted(now, "all", "all", "within_target", terms)) == percent / 50
