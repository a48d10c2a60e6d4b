"""Every insight over HTTP: right at the edges of what there is, and strict in what it is asked.

Insights are those that the API describes, so that a new one is held to the same.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from api.tables import MEDIA
from insights.clock import HOURS_OF_WEEK
from tests import oracle, oracle_fans
from tests.api.edges import EDGES, OTHER, USER, Edge, api, api_on
from tests.insights.test_fans_oracle import told
from tests.insights.test_money_oracle import agrees as conversion_agrees
from tests.insights.test_money_oracle import ppv_agrees, when
from tests.insights.test_team_oracle import BUSINESS, TARGET, heat_agrees, hours
from tests.insights.test_team_oracle import agrees as people_agree
from tests.oracle import CREATOR, Call
from wire.fans import Cohorts, Fans
from wire.payloads import Conversion, PpvFunnel, PpvRow
from wire.team import Heatmap, People, TeamRow

PREFIX: Final = "/api/v1/insights/"
DESCRIBED: Final[dict[str, Any]] = {
    path.removeprefix(PREFIX): methods["get"]
    for path, methods in api().openapi()["paths"].items()
    if path.startswith(PREFIX)
}
# What an insight cannot be asked without, in each of the ways in which it can be.
NEEDED: Final[dict[str, list[dict[str, str]]]] = {
    "conversations": [
        {"insight": "topics", "group": "volume", "topic_id": "1"},
        {"insight": "sentiment-trend", "group": "sentiment"},
        {"insight": "response-time", "group": "responses"},
        {"insight": "full", "group": "conversations"},
        {"insight": "conversion", "group": "with"},
        {"insight": "ppv", "group": "sent"},
        {"insight": "people", "group": "messages"},
        {"insight": "heatmap", "group": "sales"},
        {"insight": "fans", "group": "sales", "fan_id": "1"},
    ]
}
QUESTIONS: Final = [(name, own) for name in DESCRIBED for own in NEEDED.get(name, [{}])]
AS_OF: Final = 1_717_200_000  # when fans are looked at: 2024-06-01T00:00:00Z
Ask = Callable[..., Awaitable[Any]]


def ids(value: Any) -> str:
    return value if isinstance(value, str) else value.get("insight", "")


def test_what_an_insight_cannot_be_asked_without_is_known_here() -> None:
    needed = {
        name: {each["name"] for each in route["parameters"] if each["required"]}
        for name, route in DESCRIBED.items()
    }
    assert {name: parameters for name, parameters in needed.items() if parameters} == {
        name: {"insight", "group"} for name in NEEDED
    }
    kinds = next(each for each in DESCRIBED["conversations"]["parameters"] if each["name"] == "insight")
    assert kinds["schema"]["enum"] == [each["insight"] for each in NEEDED["conversations"]]


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with api_on(tmp_path / "graph", {}) as http:
        yield http


REFUSED: Final[list[tuple[dict[str, str], str]]] = [
    ({"start_dat": "2026-05-04"}, "start_dat"),
    ({"time_zone": "Mars/Olympus"}, "time_zone"),
    ({"time_zone": "../UTC"}, "time_zone"),
    ({"start_date": "2026-05-04T00:00:00"}, "start_date"),
    ({"start_date": "2026-05-04", "end_date": "2026-05-04"}, "start_date"),
    ({"start_date": "2026-05-05", "end_date": "2026-05-04"}, "start_date"),
    ({"start_date": "9999-12-31T23:59:59-10:00"}, "start_date"),
    ({"end_date": "2026-02-30"}, "end_date"),
    ({"end_date": "0001-01-01"}, "end_date"),
    ({"window": "this_decade"}, "window"),
    ({"window": "today", "end_date": "2026-05-04"}, "window"),
    ({"user_id": "a b"}, "user_id"),
    ({"creator_id": ""}, "creator_id"),
    ({"previous": "perhaps"}, "previous"),
]


@pytest.mark.parametrize(("insight", "own"), QUESTIONS, ids=ids)
async def test_every_insight_refuses_what_cannot_be_meant_and_names_the_parameter(
    empty: httpx.AsyncClient, insight: str, own: dict[str, str]
) -> None:
    for asked, field in REFUSED:
        answer = await empty.get(PREFIX + insight, params={**own, **asked})
        assert answer.status_code == 422, (asked, answer.text)
        assert [each["field"] for each in answer.json()["error"]["detail"]] == [field], asked


@pytest.mark.parametrize(("insight", "own"), QUESTIONS, ids=ids)
async def test_every_insight_takes_dates_and_a_zone(
    empty: httpx.AsyncClient, insight: str, own: dict[str, str]
) -> None:
    asked = {"start_date": "2026-05-04", "end_date": "2026-05-05"}
    for zone in ("America/New_York", "Etc/Unknown", ""):
        answer = await empty.get(PREFIX + insight, params={**asked, "time_zone": zone, **own})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(("insight", "own"), QUESTIONS, ids=ids)
async def test_every_insight_is_a_table_too(
    empty: httpx.AsyncClient, insight: str, own: dict[str, str]
) -> None:
    for kind, media in MEDIA.items():
        answer = await empty.get(PREFIX + insight, params={"format": kind, **own})
        assert (answer.status_code, answer.headers["content-type"]) == (200, media)
    answer = await empty.get(PREFIX + insight, params={"format": "xls", **own})
    assert [each["field"] for each in answer.json()["error"]["detail"]] == ["format"]


# What each insight answers about an edge


async def _full(ask: Ask, feed: list[Call], edge: Edge) -> None:
    found, expected = await ask("full"), oracle.numbers(feed, edge.start, edge.end)
    names = ("conversations", "fan_conversations", "broadcast_only")
    assert [found[name] for name in names] == [expected[name] for name in names]
    assert found["revenue"] == pytest.approx(expected["revenue"])
    assert sum(found["outcomes"].values()) == len(expected["outcomes"])
    assert found["unreadCounts"] == {fan: unread for fan, (unread, *_) in expected["chats"].items()}
    times_agree(found["response_time_metrics"], expected)
    assert found["topics"] == await ask("topics")
    assert found["sentiment_trend"] | {"drill": None} == await ask("sentiment-trend") | {"drill": None}


async def _response_time(ask: Ask, feed: list[Call], edge: Edge) -> None:
    times_agree(await ask("response-time"), oracle.numbers(feed, edge.start, edge.end))


def times_agree(found: Any, expected: dict[str, Any]) -> None:
    handling, times = found["average_handling_time_minutes"], found["response_time"]
    assert (None if handling is None else handling * 60) == pytest.approx(expected["handling"])
    assert found["silence_percentage"] == pytest.approx(expected["silence"])
    assert found["turns"] == pytest.approx(expected["turns"])
    shown = [times[name] for name in ("mean", "median", "max", "n")]
    assert shown == pytest.approx(list(expected["responses"]))
    assert times["unanswered"] == expected["unanswered"]


def topic_volumes(feed: list[Call], start: float, end: float, zone: str) -> tuple[dict[str, int], int]:
    """Fan conversations of each topic, and of all."""
    found = oracle.conversion(feed, start, end, hours=0, as_of=9e10, zone=zone)
    own = {factor[1]: told[0] for factor, told in found.items() if factor[0] == "topic"}
    return own, found["all"][0]


async def _topics(ask: Ask, feed: list[Call], edge: Edge) -> None:
    found = {each["id"]: each for each in await ask("topics")}
    volumes, conversations = topic_volumes(feed, edge.start, edge.end, edge.zone)
    before, _ = topic_volumes(feed, 2 * edge.start - edge.end, edge.start, edge.zone)
    assert {id: each["volume"] for id, each in found.items()} == volumes
    for id, each in found.items():
        assert each["percentage_of_total"] == pytest.approx(100 * volumes[id] / conversations)
        earlier = before.get(id, 0)
        assert each["previous_volume"] == earlier
        assert each["trend"] == (pytest.approx(100 * (volumes[id] - earlier) / earlier) if earlier else None)


async def _topics_in_time(ask: Ask, feed: list[Call], edge: Edge) -> None:
    found = await ask("topics-over-time", bucket="day")
    expected = oracle.topics_by_day(feed, edge.start, edge.end, edge.zone)
    volumes = {day: dict(topics) for day, (_, topics) in expected.items() if topics}
    told: dict[str, dict[str, int]] = {}
    for each in found["topics"]:
        told.setdefault(each["date"], {})[each["id"]] = each["volume"]
    assert told == volumes
    assert {each["date"]: each["conversations"] for each in found["buckets"]} == {
        day: count for day, (count, _) in expected.items()
    }


async def _sentiment(ask: Ask, feed: list[Call], edge: Edge) -> None:
    found = await ask("sentiment-trend")
    said = [
        message
        for chat in oracle._chats(feed)
        for each in chat.conversations
        if edge.start <= each[0].at < edge.end
        for message in each
    ]
    felt = [score for m in said if m.by_fan and (score := oracle_fans.felt(m.id)) is not None]
    assert found["n"] == len(felt) == sum(point["n"] for point in found["trend"])
    assert found["sentiment_score"] == (pytest.approx(sum(felt) / len(felt)) if felt else None)


async def _conversion(ask: Ask, feed: list[Call], edge: Edge) -> None:
    kinds = ["topic", "action", "pair", "price_band", "hour_of_week"]
    found = Conversion.model_validate(await ask("conversion", kind=kinds, min_sample=1))
    as_of = found.as_of.timestamp()
    expected = oracle.conversion(feed, edge.start, edge.end, hours=24, as_of=as_of, zone=edge.zone)
    conversion_agrees(found, expected)


async def _ppv(ask: Ask, feed: list[Call], edge: Edge) -> None:
    found, expected = PpvFunnel.model_validate(await ask("ppv")), oracle.ppv(feed, edge.start, edge.end)
    ppv_agrees("all", found.total, expected)
    for by in ("delivery", "price_band", "media"):
        for row in getattr(found, f"by_{by}"):
            ppv_agrees(by, row, expected)
    assert expected == {}
    for rows in (found.by_person, found.by_creator):
        assert sum(row.sent for row in rows) == found.total.sent


async def _people(ask: Ask, feed: list[Call], edge: Edge) -> None:
    found = People.model_validate(await ask("people", **_terms(edge)))
    now = oracle.people(feed, edge.start, edge.end, turns=[], zone=edge.zone)
    before = oracle.people(feed, 2 * edge.start - edge.end, edge.start, turns=[], zone=edge.zone)
    keys = {key for own in (now, before) for kind, key in own if kind == "person"}
    assert {row.key for row in found.by_person} == keys
    parts: list[tuple[tuple[str, str], TeamRow]] = [(("all", "all"), found.total)]
    for part, row in parts + [(("person", row.key), row) for row in found.by_person]:
        people_agree(row.figures, now[part], edge.zone)
        people_agree(row.previous, before[part], edge.zone)


def _terms(edge: Edge) -> dict[str, Any]:
    return {"target": TARGET, "business_hours": hours(BUSINESS), "business_time_zone": edge.zone}


async def _compare(ask: Ask, feed: list[Call], edge: Edge) -> None:
    people = await ask("people", **_terms(edge))
    for by, rows in (("person", people["by_person"]), ("creator", people["by_creator"])):
        columns = (await ask("compare", by=by, **_terms(edge)))["columns"]
        assert [(each["key"], each["figures"]) for each in columns] == [
            (row["key"], row["figures"]) for row in rows
        ]


async def _heatmap(ask: Ask, feed: list[Call], edge: Edge) -> None:
    found = Heatmap.model_validate(await ask("heatmap"))
    now = oracle.heatmap(feed, edge.start, edge.end, edge.zone)
    before = oracle.heatmap(feed, 2 * edge.start - edge.end, edge.start, edge.zone)
    assert [cell.hour for cell in found.cells] == list(HOURS_OF_WEEK)
    for cell in found.cells:
        heat_agrees(cell.figures, now[cell.hour])
        heat_agrees(cell.previous, before[cell.hour])


async def _fans(ask: Ask, feed: list[Call], edge: Edge) -> None:
    found = Fans.model_validate(await ask("fans", as_of=when(AS_OF).isoformat()))
    expected = oracle_fans.fans(feed, edge.start, edge.end, as_of=AS_OF, days=30)
    assert {fan.fanId: told(fan) for fan in found.fans} == {
        id: pytest.approx(figures) for id, figures in expected.items()
    }


async def _cohorts(ask: Ask, feed: list[Call], edge: Edge) -> None:
    found = Cohorts.model_validate(await ask("cohorts", as_of=when(AS_OF).isoformat()))
    expected, unknown = oracle_fans.cohorts(feed, edge.start, edge.end, as_of=AS_OF, zone=edge.zone)
    assert found.unknown == unknown
    assert {
        each.month: (each.fans, [(m.month, m.active, round(m.revenue, 6), m.complete) for m in each.months])
        for each in found.cohorts
    } == expected


async def _conversations(ask: Ask, feed: list[Call], edge: Edge) -> None:
    numbers: list[tuple[str, dict[str, Any], int]] = []
    full, trend, times = await ask("full"), await ask("sentiment-trend"), await ask("response-time")
    numbers += [(trend["drill"], {"group": "sentiment"}, trend["n"])]
    numbers += [(times["drill"], {"group": "responses"}, times["response_time"]["n"])]
    for topic in full["topics"]:
        numbers += [(topic["drill"], {"group": "volume"}, topic["volume"])]
    for name in ("conversations", "fan_conversations", "broadcast_only"):
        numbers += [(full["drill"], {"group": name}, full[name])]
    numbers += [(full["drill"], {"group": "outcomes"}, sum(full["outcomes"].values()))]
    for type, number in full["outcomes"].items():
        numbers += [(full["drill"], {"group": "outcomes", "value": type}, number)]
    conversion, ppv = await ask("conversion", min_sample=1), await ask("ppv")
    people, heat, fans = await ask("people"), await ask("heatmap"), await ask("fans")
    for row in (conversion["total"] | {"drill": conversion["drill"]}, *conversion["rows"]):
        own = row.get("with_it", row)
        numbers += [(row["drill"], {"group": "with"}, own["conversations"])]
        numbers += [(row["drill"], {"group": "with_sold"}, own["sold"])]
    for row in (ppv["total"], *ppv["by_person"], *ppv["by_creator"], *ppv["by_media"]):
        numbers += [(row["drill"], {"group": "sent"}, row["sent"])]
        numbers += [(row["drill"], {"group": "unlocked"}, row["unlocked"])]
    for row in (people["total"], *people["by_person"], *people["by_creator"]):
        for figures in (row["figures"], row["previous"]):
            numbers += [(figures["drill"], {"group": "messages"}, figures["messages"])]
            numbers += [(figures["drill"], {"group": "responses"}, figures["responses"]["n"])]
            numbers += [(figures["drill"], {"group": "sales"}, figures["sales"])]
    shown = [cell for cell in heat["cells"] if cell["figures"]["hours"]]
    quiet = [cell for cell in shown if not cell["figures"]["fan_messages"]]
    for cell in (heat["total"], *[each for each in shown if each not in quiet], *quiet[:1]):
        told = {"group": "fan_messages", "hour": cell["hour"]}
        numbers += [(heat["drill"], told, cell["figures"]["fan_messages"])]
    for fan in fans["fans"]:
        numbers += [(fan["drill"], {"group": "conversations"}, fan["conversations"])]
        numbers += [(fan["drill"], {"group": "lifetime_sales"}, fan["lifetime_sales"])]
    for drill, more, number in numbers:
        found = await ask("conversations", drill=drill, limit=1000, **more)
        assert found["counted"] == number, (drill, more)
        assert found["total"] == len(found["conversations"])
        assert sum(each["counted"] for each in found["conversations"]) == number
    paid = await ask("conversations", drill=full["drill"], group="outcomes")
    assert (paid["amount"] or 0) == pytest.approx(full["revenue"])


CHECKS: Final[dict[str, Callable[[Ask, list[Call], Edge], Awaitable[None]]]] = {
    "topics": _topics,
    "topics-over-time": _topics_in_time,
    "sentiment-trend": _sentiment,
    "response-time": _response_time,
    "full": _full,
    "conversion": _conversion,
    "ppv": _ppv,
    "conversations": _conversations,
    "people": _people,
    "heatmap": _heatmap,
    "compare": _compare,
    "fans": _fans,
    "cohorts": _cohorts,
}


def test_every_insight_is_checked_at_the_edges() -> None:
    assert CHECKS.keys() == DESCRIBED.keys()


def asking(http: httpx.AsyncClient, edge: Edge, **about: str) -> Ask:
    async def ask(insight: str, drill: str = "", **more: Any) -> Any:
        url = httpx.URL(PREFIX + insight, params=None if drill else {**edge.asked, **about})
        url = url.copy_with(query=drill.encode()) if drill else url
        answer = await http.get(url.copy_merge_params(more))
        assert answer.status_code == 200, answer.text
        assert "NaN" not in answer.text
        return answer.json()

    return ask


@pytest.mark.parametrize("name", EDGES)
async def test_every_insight_is_as_defined_at_the_edges(name: str, tmp_path: Path) -> None:
    edge = EDGES[name]
    async with api_on(tmp_path / "graph", edge.feeds) as http:
        for check in CHECKS.values():
            await check(asking(http, edge), edge.all_of_it, edge)
            await check(asking(http, edge, user_id=USER), edge.all_of_it, edge)
            for creator_id, feed in edge.feeds.items():
                await check(asking(http, edge, user_id=USER, creator_id=creator_id), feed, edge)


def drills(value: Any) -> Iterator[str]:
    """Every drill-down in an answer."""
    if isinstance(value, dict):
        yield from ([value["drill"]] if isinstance(value.get("drill"), str) else [])
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from drills(each)


async def test_every_drill_down_leads_to_what_its_number_was_counted_of(tmp_path: Path) -> None:
    """What people corrected counts in both, or in neither."""
    edge = EDGES["two creators"]
    async with api_on(tmp_path / "graph", edge.feeds) as http:
        for insight in DESCRIBED.keys() - NEEDED.keys() - {"topics-over-time"}:  # which has none
            for corrections, told in (("true", False), ("false", True)):
                answer = await asking(http, edge, user_id=USER, corrections=corrections)(insight)
                assert {"corrections=false" in each for each in drills(answer)} == {told}, insight


async def test_of_two_creators_neither_is_in_the_others_numbers(tmp_path: Path) -> None:
    edge = EDGES["two creators"]
    async with api_on(tmp_path / "graph", edge.feeds) as http:
        revenue = {}
        for creator_id in (CREATOR, OTHER):
            found = await asking(http, edge, creator_id=creator_id)("full")
            revenue[creator_id] = found["revenue"]
            assert (found["creatorId"], found["chats"]) == (creator_id, len(edge.feeds[creator_id]))
        assert revenue == {CREATOR: 32, OTHER: 64}


async def test_amounts_in_cents_and_in_floats_add_up_to_the_cent(tmp_path: Path) -> None:
    edge = EDGES["amounts in cents and in floats"]
    async with api_on(tmp_path / "graph", edge.feeds) as http:
        ask = asking(http, edge, user_id=USER)
        full, ppv = await ask("full"), PpvFunnel.model_validate(await ask("ppv"))
        assert full["outcomes"] == {"tip": 10, "purchase": 2}
        assert full["revenue"] == 10.99
        assert (ppv.total.sent, ppv.total.unlocked, ppv.total.revenue) == (3, 2, 9.99)
        bands: dict[str, PpvRow] = {row.key: row for row in ppv.by_price_band}
        assert {key: (row.sent, row.revenue) for key, row in bands.items()} == {
            "0-5": (1, 4.99),
            "5-10": (1, 5.0),
            "10-20": (1, 0.0),
        }


async def test_two_messages_of_a_fan_in_one_second_are_two_and_wait_once(tmp_path: Path) -> None:
    edge = EDGES["two messages of a fan in one second"]
    async with api_on(tmp_path / "graph", edge.feeds) as http:
        found = await asking(http, edge, user_id=USER)("full")
        assert found["messages"] == {"direct": 4, "by_fans": 3, "mass": 0}
        times = found["response_time_metrics"]["response_time"]
        assert (times["n"], times["median"], times["unanswered"]) == (1, 5, 1)
