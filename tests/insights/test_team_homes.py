"""Who answers and when is the same in every home."""

import uuid
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from insights.people import Terms
from insights.periods import Period
from insights.shifts import Roster, Shift, Shifts
from insights.team import About, fetch_heatmap, fetch_people
from insights.window import Window
from tests.insights.test_money_homes import AS_OF, WINDOW, homes, written

# The conversations begin on a Saturday at 10:00 UTC.
ROSTER = Roster(Shifts(shifts=[Shift(name="morning", personId="mia", hours="Sat 09:00-10:30")]))
TERMS = Terms.of(3600.0, "Sat 10:00-10:45", "UTC")


async def rosters(accounts: Collection[str]) -> Mapping[str, Roster]:
    return dict.fromkeys(accounts, ROSTER)


@pytest.mark.slow
async def test_who_answers_and_when_is_alike_in_every_home(tmp_path: Path) -> None:
    answers: dict[str, list[str]] = {}
    period = Period(Window(*WINDOW))
    async with homes(tmp_path / "graph") as graphs:
        for name, graph in graphs.items():
            user = f"{name}-{uuid.uuid4().hex}" if name != "embedded" else "u1"
            await written(graph, user)
            about = About("creator", user, "Asia/Kathmandu")
            people = await fetch_people(period, about, graph=graph, as_of=AS_OF, terms=TERMS, rosters=rosters)
            heat = await fetch_heatmap(period, about, graph=graph, as_of=AS_OF)
            answers[name] = [each.model_dump_json().replace(user, "u1") for each in (people, heat)]
            rows = {row.key: row.figures for row in people.by_person}
            # Of each of 240 conversations: bob's mass message, one of anna's, and nobody's at 11:00.
            # Of two answers one is anna's, the other one is sent at 10:10 and does not say by whom.
            assert (rows["bob@team.example"].mass_messages, rows["anna"].messages) == (240, 240)
            assert (rows["unknown"].messages, rows["mia"].messages) == (240, 0)
            assert (rows["mia"].responses.n, rows["mia"].responses.median) == (240, 660)
            assert rows["mia"].responses_in_hours is not None
            assert rows["mia"].responses_in_hours.median == 600
            assert heat.total.figures.fan_messages == 480
    assert answers["embedded"] == answers["tinkerpop"] == answers["cosmos"]
