"""Insights over HTTP: from what is kept beside the graph, the same as from the graph alone."""

import asyncio
import warnings
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from actors.kept_graph import KeptGraph
from bench.accounts import CREATOR, USER, conversations, fans
from chats.account import Account
from graph.embedded import EmbeddedGraph
from graph.rows import fan_facts
from graph.write import rebuild_graph_from_snapshot
from insights.columns import Table
from insights.kept import AccountColumns, Put
from insights.people import Terms
from insights.shifts import Roster, Shift, Shifts
from insights.tables import Ask, Version
from settings import Settings

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from serve_app import build_api

SIZE = 120
PK = Account(USER, CREATOR).key
ASKED = {
    "user_id": USER,
    "creator_id": CREATOR,
    "start_date": "2023-07-01",
    "end_date": "2024-03-01",
    "time_zone": "Europe/Berlin",
}
INSIGHTS = (
    "topics",
    "sentiment-trend",
    "response-time",
    "full",
    "conversion",
    "ppv",
    "people",
    "heatmap",
    "compare",
    "fans",
    "cohorts",
)
DRILLS = (
    "insight=conversion&group=with_sold",
    "insight=ppv&group=unlocked",
    "insight=people&group=responses",
    "insight=heatmap&group=sales",
    "insight=fans&group=conversations&fan_id=100000001",
)


class Owner:
    def __init__(self) -> None:
        self.version = 1
        self.reads = 0
        self._columns = AccountColumns()
        nodes = conversations(SIZE)
        self._columns.follow(
            OrderedDict((node.id, Put.of(node, PK)) for node in nodes),
            {fan.chat_id: fan_facts(fan) for fan in fans(SIZE)},
        )

    async def columns(
        self, user_id: str, creator_id: str, asks: Sequence[Ask]
    ) -> tuple[Version, list[Table]] | None:
        assert (user_id, creator_id) == (USER, CREATOR)
        self.reads += 1
        return (self.version,), self._columns.read(asks)

    async def column_versions(self, user_id: str, creators: Sequence[str]) -> list[Version | None]:
        return [(self.version,) for _ in creators]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedGraph]:
    graph = EmbeddedGraph(tmp_path_factory.mktemp("kept") / "graph")
    nodes, states = conversations(SIZE), fans(SIZE)
    asyncio.run(rebuild_graph_from_snapshot(USER, nodes, CREATOR, fans=states, rev=1, writer=graph))
    yield graph
    asyncio.run(graph.close())


class Served:
    """The API, and what stands behind it."""

    def __init__(self, client: httpx.AsyncClient, owner: Owner, shifts: dict[str, Roster]) -> None:
        self.owner = owner
        self.shifts = shifts
        self._client = client

    async def get(self, path: str, **asked: Any) -> Any:
        answer = await self._client.get(f"/api/v1/insights/{path}", params={**ASKED, **asked})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def served(written: EmbeddedGraph, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    async def no_lag(*_: Any) -> None:
        return None

    owner, shifts = Owner(), dict[str, Roster]()

    async def rosters(accounts: Any) -> dict[str, Roster]:
        return shifts

    for module in ("insights", "fans"):
        monkeypatch.setattr(f"api.{module}.graph_as_of", no_lag)
    api = build_api(Settings())
    api.state.services = SimpleNamespace(
        graph=KeptGraph(written, owner),
        redis=None,
        attribution_hours=24.0,
        drop_off_days=30,
        terms=Terms(300.0),
        rosters=rosters,
    )
    transport = httpx.ASGITransport(app=api)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield Served(client, owner, shifts)


def timeless(answer: Any) -> Any:
    """The answer without when it was asked: drills carry that, too, and priorities follow from it."""
    if isinstance(answer, dict):
        times = ("as_of", "drill", "previous_drill", "priority", "priorityScores")
        return {name: timeless(value) for name, value in answer.items() if name not in times}
    return [timeless(each) for each in answer] if isinstance(answer, list) else answer


@pytest.mark.parametrize("insight", INSIGHTS)
async def test_an_insight_of_what_is_kept_is_that_of_the_graph(served: Served, insight: str) -> None:
    kept = await served.get(insight)
    assert served.owner.reads > 0
    reads = served.owner.reads
    assert timeless(await served.get(insight, source="graph")) == timeless(kept)
    assert served.owner.reads == reads


@pytest.mark.parametrize("drill", DRILLS)
async def test_a_list_behind_a_number_is_that_of_the_graph(served: Served, drill: str) -> None:
    asked = dict(each.split("=") for each in drill.split("&"))
    kept = await served.get("conversations", **asked)
    assert kept["total"] > 0
    assert served.owner.reads > 0
    assert await served.get("conversations", **asked, source="graph") == kept


@pytest.mark.parametrize("insight", INSIGHTS)
async def test_an_insight_is_given_again_until_something_changes(served: Served, insight: str) -> None:
    first = await served.get(insight)
    reads = served.owner.reads
    assert await served.get(insight) == first
    assert served.owner.reads == reads
    served.owner.version = 2
    reads = served.owner.reads
    await served.get(insight)
    assert served.owner.reads > reads


async def test_other_words_and_another_window_are_another_question(served: Served) -> None:
    reads = 0
    for asked in ({}, {"min_sample": 3}, {"end_date": "2024-02-01"}, {"kind": "topic"}, {"time_zone": "UTC"}):
        await served.get("conversion", **asked)
        assert served.owner.reads > reads
        reads = served.owner.reads


async def test_other_shifts_are_another_question(served: Served) -> None:
    before = await served.get("people")
    shift = Shift(name="day", personId="eve", hours="Mon-Sun 00:00-24:00")
    served.shifts[PK] = Roster(Shifts(shifts=[shift]))
    after = await served.get("people")
    assert [each["key"] for each in before["by_shift"]] == ["unknown"]
    assert "day" in [each["key"] for each in after["by_shift"]]


async def test_a_window_that_ends_now_is_asked_anew(served: Served) -> None:
    asked = {"window": "last_365_days", "start_date": None, "end_date": None}
    await served.get("topics", **asked)
    reads = served.owner.reads
    await served.get("topics", **asked)
    assert served.owner.reads > reads
