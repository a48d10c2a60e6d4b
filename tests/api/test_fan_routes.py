"""Fans and cohorts over HTTP on the samples: every number has a list with as many entries as it says."""

import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from graph.connect import connect
from graph.port import Graph
from settings import Settings
from tests.api.test_money_drill import DAYS, NOW, get, listed, sampled, window

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from insights.people import Terms
from insights.shifts import no_rosters
from serve_app import build_api

GROUPS = {
    "conversations": ("conversations", None),
    "sales": ("sales", "value"),
    "payments": ("payments", "revenue"),
    "lifetime_sales": ("lifetime_sales", "lifetime_value"),
    "mood": ("mood_n", None),
    "mood_before": ("mood_before_n", None),
}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with sampled(tmp_path_factory.mktemp("samples"), NOW, DAYS) as written:
        yield written


@asynccontextmanager
async def api_on(graph: Graph) -> AsyncIterator[httpx.AsyncClient]:
    api = build_api(Settings())
    api.state.services = SimpleNamespace(
        graph=graph, attribution_hours=24.0, drop_off_days=30, terms=Terms(300.0), rosters=no_rosters
    )
    transport = httpx.ASGITransport(app=api)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The API on an empty graph."""
    graph = connect(f"embedded:{tmp_path / 'graph'}", max_bindings=16)
    async with api_on(graph) as client:
        yield client
    await graph.close()


@pytest.fixture
async def http(samples: Graph) -> AsyncIterator[httpx.AsyncClient]:
    """The API on a graph with the samples of two creators, each held by a user of its own."""
    async with api_on(samples) as client:
        yield client


async def every_fan(http: httpx.AsyncClient, query: str, limit: int = 1000) -> list[dict[str, Any]]:
    """All pages of a list, which tells how many they are on each."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        part = await get(http, f"fans?{query}&limit={limit}{cursor}")
        found += part["fans"]
        if part["next"] is None:
            break
        cursor = f"&cursor={part['next']}"
    assert part["total"] == len(found) == len({(each["creatorId"], each["fanId"]) for each in found})
    return found


async def test_every_number_of_a_fan_and_every_segment_has_a_list_that_counts_as_much(
    http: httpx.AsyncClient,
) -> None:
    month = f"start_date={(NOW - timedelta(days=30)).date()}&end_date={(NOW + timedelta(days=1)).date()}"
    found = await get(http, f"fans?{month}&limit=1000&time_zone=Europe/Berlin")
    assert found["total"] > 60
    assert found["value"] > 0
    for fan in found["fans"][:6]:
        for group, (number, amount) in GROUPS.items():
            behind = await listed(http, fan["drill"], group)
            assert sum(each["counted"] for each in behind) == fan[number], (fan["fanId"], group)
            if amount:
                assert sum(each["amount"] for each in behind) == pytest.approx(fan[amount])
    counts = {each["segment"]: each["fans"] for each in found["segments"]}
    assert counts["lapsed"] > 0
    assert counts["big_spender"] > 0
    for each in found["segments"]:
        own = await every_fan(http, each["drill"], limit=20)
        assert len(own) == each["fans"]
        assert all(each["segment"] in fan["segments"] for fan in own)
    full = await get(http, f"full?{month}&time_zone=Europe/Berlin")
    assert found["revenue"] == pytest.approx(full["revenue"])
    assert {each["reason"] for each in found["models"]} == {"too_little_history"}
    assert len(found["models"]) == 2


async def test_pages_of_fans_are_all_of_them_in_order_though_time_goes_on(http: httpx.AsyncClient) -> None:
    whole = await get(http, f"fans?{window()}&sort=silence&limit=1000")
    paged = await every_fan(http, "sort=silence", limit=7)  # each asked with another `now`
    silences = [fan["silent_seconds"] for fan in paged if fan["silent_seconds"] is not None]
    assert silences == sorted(silences, reverse=True)
    assert [fan["fanId"] for fan in paged] == [fan["fanId"] for fan in whole["fans"]]


async def test_every_number_of_a_cohort_has_a_list_of_as_many_fans(http: httpx.AsyncClient) -> None:
    found = await get(http, f"cohorts?{window()}&time_zone=America/New_York")
    assert len(found["cohorts"]) > 2
    assert sum(month["revenue"] for each in found["cohorts"] for month in each["months"]) > 0
    for cohort in found["cohorts"]:
        assert len(await every_fan(http, cohort["drill"])) == cohort["fans"]
        for month in cohort["months"]:
            behind = await get(http, f"fans?{month['drill']}&limit=1")
            assert (behind["total"], behind["revenue"]) == (month["active"], pytest.approx(month["revenue"]))


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("fans?sort=name", "sort"),
        ("fans?segment=rich", "segment"),
        ("fans?cohort=2024-13", "cohort"),
        ("fans?cursor=abc", "cursor"),
        ("fans?horizon_days=0", "horizon_days"),
        ("fans?horizon_days=366", "horizon_days"),
        ("fans?broadcast=true", "broadcast"),
        ("fans?time_zone=Mars/Olympus", "time_zone"),
        ("cohorts?kind=topic", "kind"),
        ("cohorts?start_date=2024-02-01&end_date=2024-01-01", "start_date"),
        ("conversations?insight=fans&group=sales", "fan_id"),
        ("conversations?insight=fans&fan_id=1&group=all", "group"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(
    empty: httpx.AsyncClient, asked: str, field: str
) -> None:
    answer = await empty.get(f"/api/v1/insights/{asked}")
    assert answer.status_code == 422, answer.text
    assert field in [each["field"] for each in answer.json()["error"]["detail"]]


async def test_windows_before_all_have_nobody_and_one_that_is_to_come_everybody_without_a_sale(
    http: httpx.AsyncClient,
) -> None:
    for end in ("0002-01-01", "1969-01-01", "2100-01-01"):
        span = f"start_date={int(end[:4]) - 1:04}-01-01&end_date={end}"
        found = await get(http, f"fans?{span}")
        cohorts = await get(http, f"cohorts?{span}")
        assert (found["total"] > 0) == (end == "2100-01-01")
        assert (found["value"], cohorts["cohorts"]) == (0, [])


async def test_a_time_to_come_is_read_as_now(http: httpx.AsyncClient) -> None:
    for route in ("fans", "cohorts"):
        found = await get(
            http, f"{route}?end_date=9999-12-31T23:59:59Z&start_date=9990-01-01&as_of=9999-12-31T23:59:59Z"
        )
        assert found["as_of"] < "9990"
