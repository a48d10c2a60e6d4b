"""The same fans in every home: the same answers, to the last digit."""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from chats.conversation import Figures
from chats.enriched import ActionUse, EnrichedConversation, Outcome
from chats.fan import FanState
from graph.builder import GraphBuilder
from graph.connect import connect
from graph.port import Graph
from insights.fan_queries import fetch_cohorts, fetch_fans
from insights.fans import Asked
from insights.risk import Fits
from tests.graph.strategies import START, conversation
from tests.insights.test_money_homes import homes

DAY = 86_400
AS_OF = datetime.fromtimestamp(START, UTC)
WINDOW = (AS_OF - timedelta(days=30), AS_OF)
FANS = 6


def talk(fan: int, number: int) -> EnrichedConversation:
    start = START - (number * 17 + fan * 3 + 1) * DAY
    figures = Figures(
        start=start,
        end=start + 1800.0,
        direct_messages=6,
        fan_messages=3 if number != 2 else 0,
        mass_messages=0,
        offers=0,
        mass_offers=0,
        turns=2,
        silence_seconds=0.0,
        response_seconds=(),
        unanswered=0,
        fan_first=start + 0.5,
        fan_last=start + 900.0,
    )
    sales = [
        Outcome(type="tip", at=start + 60, amount=5.25 * fan, score=1.0, evidence=""),
        Outcome(type="renewal", at=start + 90, amount=None, score=1.0, evidence=""),
    ]
    found = conversation(f"c{fan}:m{number}", topics=[], actions=[], outcomes=sales[: fan % 3], offers=[])
    warns = ActionUse(type="complaint", count=1, direction="fan")
    return replace(found, fan_id=f"f{fan}", figures=figures, actions=(warns,) if number == 1 else ())


def state(fan: int) -> FanState:
    joined = START - (40 * fan + 5) * DAY if fan else None
    end = START + fan * DAY if fan % 2 else None
    return FanState(
        f"f{fan}", "creator", f"c{fan}", joined, 1.0, 0, None, None, None, START, subscription_end=end
    )


async def written(graph: Graph, user: str) -> None:
    builder = GraphBuilder(user, "creator", 1)
    for fan in range(FANS):
        for number in range(fan):
            await graph.apply(builder.build_graph(talk(fan, number), f"f{fan}"))
        await graph.apply(builder.build_fan(state(fan)))
    await graph.apply([builder.build_account()])


async def answers(graph: Graph, user: str) -> tuple[str, str]:
    asked: Any = {"graph": graph, "as_of": AS_OF, "user_id": user}
    fans = await fetch_fans(
        *WINDOW, "creator", fits=Fits(), horizon_days=30, asked=Asked(sort="silence"), **asked
    )
    year = AS_OF - timedelta(days=365)
    cohorts = await fetch_cohorts(year, AS_OF, "creator", time_zone="Asia/Tokyo", **asked)
    assert [fan.fanId for fan in fans.fans][-1] == "f0"
    assert fans.total == FANS
    assert fans.value > 0
    assert {fan.subscription_end is None for fan in fans.fans} == {True, False}
    assert sum(each.fans for each in cohorts.cohorts) == FANS - 1
    assert cohorts.unknown == 1
    told = [each.model_dump_json().replace(user, "u1") for each in (fans, cohorts)]
    return told[0], told[1]


@pytest.mark.slow
async def test_fans_and_cohorts_are_alike_in_every_home(tmp_path: Path) -> None:
    found = {}
    async with homes(tmp_path / "graph") as graphs:
        for name, graph in graphs.items():
            user = "u1" if name == "embedded" else f"{name}-{uuid.uuid4().hex}"
            await written(graph, user)
            found[name] = await answers(graph, user)
    assert found["embedded"] == found["tinkerpop"] == found["cosmos"]


async def test_fans_of_an_older_schema_never_wrote_until_they_are_written_anew(tmp_path: Path) -> None:
    graph = connect(f"embedded:{tmp_path / 'graph'}", max_bindings=16)
    await written(graph, "u1")
    lacking = '"firstFanDate", "lastFanDate", "warnings"'
    await graph.submit(f'g.V().hasLabel("ConversationNode").properties({lacking}).drop().iterate()', {})
    await graph.submit('g.V().hasLabel("Fan").properties("subscriptionEnd").drop().iterate()', {})
    asked: Any = {"graph": graph, "as_of": AS_OF, "user_id": "u1", "fits": Fits(), "asked": Asked()}
    found = await fetch_fans(*WINDOW, "creator", horizon_days=30, **asked)
    assert {fan.last_wrote for fan in found.fans} == {fan.subscription_end for fan in found.fans} == {None}
    await written(graph, "u1")
    found = await fetch_fans(*WINDOW, "creator", horizon_days=30, **asked)
    assert sum(fan.last_wrote is not None for fan in found.fans) == FANS - 1
    await graph.close()
