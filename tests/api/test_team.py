"""Who answers and when, over HTTP: every number of the samples has its list, shifts tell who sent what."""

import re
import warnings
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import httpx
import orjson
import pytest

from frames.log import connect_redis
from graph.port import Graph
from insights.people import Terms
from samples.personas import CREATORS
from session.shifts import rosters_in
from settings import Settings
from tests.api.test_money_drill import amount, get, listed, sampled
from tests.history.store import Store, running_store

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from serve_app import build_api

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
DAYS = 20
TEAM = sorted(worker.id for creator in CREATORS for worker in creator.team)
NIGHTS = {
    "time_zone": "Europe/Berlin",
    "shifts": [
        {"name": "night", "personId": "nils", "hours": "Mon-Sun 22:00-06:00"},
        {"name": "day", "hours": "Mon-Sun 06:00-22:00"},
    ],
}


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_store() as running:
        yield running


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    """With the samples of two creators, whose teams say of some messages who sent them."""
    with sampled(tmp_path_factory.mktemp("samples"), NOW, DAYS) as written:
        yield written


@pytest.fixture
async def http(graph: Graph, store: Store) -> AsyncIterator[httpx.AsyncClient]:
    """The API on that graph, where no shifts are told of."""
    redis = connect_redis(store.url)
    await redis.flushall()
    api = build_api(Settings())
    api.state.services = SimpleNamespace(
        graph=graph, redis=redis, attribution_hours=24.0, terms=Terms(300.0), rosters=rosters_in(redis)
    )
    transport = httpx.ASGITransport(app=api)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client
    await redis.connection_pool.disconnect()


def window() -> str:
    return f"start_date={(NOW - timedelta(days=DAYS / 2)).date()}&end_date={(NOW + timedelta(days=1)).date()}"


async def test_every_number_of_people_has_a_list_that_counts_as_much(http: httpx.AsyncClient) -> None:
    hours = "business_hours=Mon-Fri 09:00-18:00&business_time_zone=Europe/Berlin&target=900"
    found = await get(http, f"people?{window()}&{hours}")
    assert [row["key"] for row in found["by_person"]] == [*TEAM, "unknown"]
    assert [row["key"] for row in found["by_shift"]] == ["unknown"]
    for row in (found["total"], *found["by_person"], *found["by_shift"], *found["by_creator"]):
        for figures in (row["figures"], row["previous"]):
            assert figures["messages"] > 0
            times, in_hours = figures["responses"], figures["responses_in_hours"]
            for group, number in (
                ("messages", figures["messages"]),
                ("mass_messages", figures["mass_messages"]),
                ("responses", times["n"]),
                ("within_target", round(times["n"] * (times["within_target"] or 0) / 100)),
                ("within_target_in_hours", round(in_hours["n"] * (in_hours["within_target"] or 0) / 100)),
                ("ppv_sent", figures["ppv_sent"]),
                ("ppv_unlocked", figures["ppv_unlocked"]),
                ("sales", figures["sales"]),
            ):
                behind = await listed(http, figures["drill"], group)
                assert sum(each["counted"] for each in behind) == number, (row["key"], group)
                if group in ("ppv_unlocked", "sales"):
                    name = "ppv_revenue" if group == "ppv_unlocked" else "revenue"
                    assert amount(behind) == pytest.approx(figures[name])
    ppv = await get(http, f"ppv?{window()}")
    assert found["total"]["figures"]["ppv_sent"] == ppv["total"]["sent"]
    assert {row["key"]: row["sent"] for row in ppv["by_person"]} == {
        row["key"]: row["figures"]["ppv_sent"] for row in found["by_person"]
    }
    for row in ppv["by_person"]:
        assert (await get(http, f"conversations?{row['drill']}&group=messages"))["counted"] == row[
            "messages_sent"
        ]
    times = (await get(http, f"response-time?{window()}"))["response_time"]
    total = found["total"]["figures"]["responses"]
    assert (total["n"], total["median"], total["p90"]) == (times["n"], times["median"], times["p90"])
    full = await get(http, f"full?{window()}")
    assert found["total"]["figures"]["messages"] == full["messages"]["direct"] - full["messages"]["by_fans"]
    assert found["total"]["figures"]["sales"] == full["outcomes"]["tip"] + full["outcomes"]["purchase"]


async def test_every_number_of_the_heatmap_has_a_list_that_counts_as_much(http: httpx.AsyncClient) -> None:
    found = await get(http, f"heatmap?{window()}&time_zone=Asia/Kathmandu")
    assert len(found["cells"]) == 168
    assert found["total"]["figures"]["hours"] == sum(cell["figures"]["hours"] for cell in found["cells"])
    for cell in (found["total"], *found["cells"][::13]):
        for drill, figures in (
            (found["drill"], cell["figures"]),
            (found["previous_drill"], cell["previous"]),
        ):
            for group in ("fan_messages", "responses", "sales", "revenue"):
                behind = await listed(http, f"{drill}&hour={cell['hour']}", group)
                if group == "revenue":
                    assert amount(behind) == pytest.approx(figures["revenue"])
                else:
                    assert sum(each["counted"] for each in behind) == figures[group]
    full = await get(http, f"full?{window()}&time_zone=Asia/Kathmandu")
    assert found["total"]["figures"]["fan_messages"] == full["messages"]["by_fans"]
    assert found["total"]["figures"]["revenue"] == pytest.approx(full["revenue"])


async def test_shifts_tell_who_sent_what_does_not_say_it_and_nobody_else(http: httpx.AsyncClient) -> None:
    [first, second] = [row["key"] for row in (await get(http, f"people?{window()}"))["by_creator"]]
    before = await get(http, f"people?{window()}&user_id={first}&creator_id={first}")
    answer = await http.put(f"/api/v1/shifts/{first}", json=NIGHTS)
    assert answer.status_code == 200
    kept = (await http.get(f"/api/v1/shifts/{first}")).json()
    assert (kept["time_zone"], [each["name"] for each in kept["shifts"]]) == (
        "Europe/Berlin",
        ["night", "day"],
    )
    assert (await http.get(f"/api/v1/shifts/{second}")).json() == {"time_zone": "UTC", "shifts": []}
    found = await get(http, f"people?{window()}&user_id={first}&creator_id={first}")
    now, then = (
        {row["key"]: row["figures"]["messages"] for row in each["by_person"]} for each in (found, before)
    )
    assert (now["mia"], now["noah"]) == (then["mia"], then["noah"])
    assert now["nils"] > 0
    assert now["nils"] + now["unknown"] == then["unknown"]
    assert {row["key"] for row in found["by_shift"]} <= {"night", "day", "unknown"}
    assert (
        sum(row["figures"]["messages"] for row in found["by_shift"]) == found["total"]["figures"]["messages"]
    )
    nils = next(row["figures"] for row in found["by_person"] if row["key"] == "nils")
    assert sum(each["counted"] for each in await listed(http, nils["drill"], "messages")) == nils["messages"]
    # Of another account they tell nothing.
    other = await get(http, f"people?{window()}&user_id={second}&creator_id={second}")
    assert "nils" not in [row["key"] for row in other["by_person"]]
    assert (await http.put(f"/api/v1/shifts/{first}", json={"shifts": []})).status_code == 200
    again = await get(http, f"people?{window()}&user_id={first}&creator_id={first}")
    assert again["by_person"] == before["by_person"]


async def test_creators_people_and_windows_are_compared_side_by_side(http: httpx.AsyncClient) -> None:
    people = await get(http, f"people?{window()}")
    by_creator = await get(http, f"compare?{window()}")
    assert [each["figures"] for each in by_creator["columns"]] == [r["figures"] for r in people["by_creator"]]
    by_person = await get(http, f"compare?{window()}&by=person&person=noah")
    [noah] = by_person["columns"]
    own = {row["key"]: row["figures"] for row in people["by_person"]}
    assert (noah["key"], noah["figures"]) == ("noah", own["noah"])
    named = "compared_window=last_7_days&compared_window=this_month&compared_window=yesterday"
    by_window = await get(http, f"compare?by=window&time_zone=America/St_Johns&{named}")
    assert [each["key"] for each in by_window["columns"]] == ["last_7_days", "this_month", "yesterday"]
    for column in by_window["columns"]:
        asked = parse_qs(column["figures"]["drill"])
        assert asked["start_date"] == [column["startDate"].replace("Z", "+00:00")]
        bounds = f"start_date={column['startDate']}&end_date={column['endDate']}"
        one = await get(http, f"people?{bounds}&time_zone=America/St_Johns")
        assert one["total"]["figures"] == column["figures"]
    yesterday = by_window["columns"][2]
    one = await get(http, "people?window=yesterday&time_zone=America/St_Johns")
    assert (one["startDate"], one["previousStartDate"]) == (
        yesterday["startDate"],
        yesterday["previousStartDate"],
    )
    assert one["total"]["previous"] == yesterday["previous"]


INSIGHTS = (
    *(
        "topics",
        "topics-over-time",
        "sentiment-trend",
        "response-time",
        "full",
        "conversion",
        "ppv",
        "people",
        "heatmap",
    ),
    "compare",
)


@pytest.mark.parametrize("insight", INSIGHTS)
async def test_every_insight_answers_the_period_before_when_asked(
    http: httpx.AsyncClient, insight: str
) -> None:
    start, middle, end = ((NOW - timedelta(days=days)).date().isoformat() for days in (9, 5, 1))
    asked = (
        {"start_date": middle, "end_date": end, "previous": "true"},
        {"start_date": start, "end_date": middle},
    )
    texts = [(await http.get(f"/api/v1/insights/{insight}", params=each)).text for each in asked]
    # But for the moment at which they were asked.
    found, expected = (orjson.loads(re.sub(r"""(as_of=|"as_of":")[^&"]+""", r"\1", each)) for each in texts)
    for each in (found, expected):
        if insight == "full":  # priorities are of now
            each["priority"] = each["priorityScores"] = None
    assert found == expected


@pytest.mark.parametrize("insight", INSIGHTS)
async def test_every_insight_takes_windows_by_name(http: httpx.AsyncClient, insight: str) -> None:
    for name in ("today", "last_month", "this_year", "last_7_days"):
        answer = await http.get(
            f"/api/v1/insights/{insight}", params={"window": name, "time_zone": "Asia/Tokyo"}
        )
        assert answer.status_code == 200, answer.text
    for asked in ({"window": "this_decade"}, {"window": "today", "start_date": "2026-05-01"}):
        answer = await http.get(f"/api/v1/insights/{insight}", params=asked)
        assert answer.status_code == 422
        assert [each["field"] for each in answer.json()["error"]["detail"]] == ["window"]


@pytest.mark.parametrize(
    ("insight", "asked", "field"),
    [
        ("people", {"target": "-1"}, "target"),
        ("people", {"business_hours": "9 to 5"}, "business_hours"),
        ("people", {"business_hours": "Mon 09:00-10:00", "business_time_zone": "Mars"}, "business_time_zone"),
        ("people", {"persn": "anna"}, "persn"),
        ("heatmap", {"bucket": "day"}, "bucket"),
        ("compare", {"by": "mood"}, "by"),
        ("compare", {"by": "window"}, "compared_window"),
        ("compare", {"compared_window": "today"}, "compared_window"),
        ("compare", {"by": "window", "compared_window": "soon"}, "compared_window.0"),
        ("compare", {"person": "anna"}, "person"),
        ("conversations", {"insight": "people", "group": "sent"}, "group"),
        ("conversations", {"insight": "people", "group": "messages", "by": "creator"}, "by"),
        ("conversations", {"insight": "heatmap", "group": "sales", "hour": "Mon 24"}, "hour"),
        ("conversations", {"insight": "heatmap", "group": "tips"}, "group"),
    ],
)
async def test_what_a_question_about_a_team_does_not_know_is_named(
    http: httpx.AsyncClient, insight: str, asked: dict[str, str], field: str
) -> None:
    answer = await http.get(f"/api/v1/insights/{insight}", params=asked)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["error"]["detail"]] == [field]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"shifts": [{"name": "day", "hours": "always"}]}, "shifts.0.hours"),
        ({"shifts": [{"name": "Unknown", "hours": "Mon 09:00-17:00"}]}, "shifts.0.name"),
        ({"shifts": [{"name": "day", "personId": "a b", "hours": "Mon 09:00-17:00"}]}, "shifts.0.personId"),
        ({"shifts": [{"name": "day", "hours": "Mon 09:00-17:00", "days": []}]}, "shifts.0.days"),
        (
            {
                "shifts": [
                    {"name": "d", "hours": "Mon 09:00-17:00", "since": "2026-05-02", "until": "2026-05-01"}
                ]
            },
            "shifts.0",
        ),
    ],
)
async def test_shifts_that_cannot_be_meant_are_refused_by_their_field(
    http: httpx.AsyncClient, given: dict[str, Any], field: str
) -> None:
    answer = await http.put("/api/v1/shifts/u1", json=given)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["error"]["detail"]] == [field]
    assert (await http.get("/api/v1/shifts/u1")).json() == {"time_zone": "UTC", "shifts": []}


async def test_without_data_nobody_did_anything_and_nothing_is_made_up(http: httpx.AsyncClient) -> None:
    asked = "user_id=nobody&creator_id=nobody&start_date=2190-01-01&end_date=2190-01-03"
    found = await get(http, f"people?{asked}")
    assert (found["by_person"], found["by_shift"]) == ([], [])
    figures = found["total"]["figures"]
    nothing = {"n": 0, "median": None, "p90": None, "within_target": None}
    assert (figures["responses"], figures["responses_in_hours"]) == (nothing, None)
    assert (figures["messages"], figures["sales"], figures["unlock_ratio"]) == (0, 0, None)
    heat = await get(http, f"heatmap?{asked}")
    assert heat["total"]["figures"]["fan_messages"] == heat["total"]["previous"]["fan_messages"] == 0
    shown = [cell["hour"] for cell in heat["cells"] if cell["figures"]["hours"]]
    assert len(shown) == 48
    dark = next(cell["figures"] for cell in heat["cells"] if cell["hour"] not in shown)
    assert (dark["fan_messages_per_hour"], dark["response_median"]) == (None, None)
