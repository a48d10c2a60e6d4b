"""Paging, order, filters, segments and months of fans, without a graph."""

from datetime import UTC, datetime, timedelta
from math import exp, fsum
from typing import Any, get_args
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import InvalidInput
from graph.traversals import ACTIVITY, PROFILES, SALES
from insights.cohorts import cohorts_of
from insights.columns import sums
from insights.drill import Scope
from insights.fan_history import AccountFans
from insights.fans import Asked, Cursor, Group, Moment, counted, fans_of
from insights.months import check_month, following, month_of, months_between, window_of
from insights.risk import Learned, Model, learn, logistic
from insights.risk_features import FEATURES
from insights.tables import of_rows
from insights.window import Window
from tests.insights import plain_fans
from tests.insights.lives_of_fans import HORIZON, NOW, accounts, fan, leaving
from tests.insights.plain_fans import DAY, FanHistory, Payment, in_columns
from wire.fans import FanInsight, Fans, FanSort

AS_OF = datetime.fromtimestamp(NOW, UTC)
WINDOW = Window(AS_OF - timedelta(days=30), AS_OF)
SCOPE = Scope(WINDOW, None, "u")
MOMENT = Moment(NOW, HORIZON)
BY_VALUE = Asked()
NONE = Learned(None, "too_few_fans", 0, NOW - HORIZON)


def answer(
    fans: list[FanHistory],
    asked: Asked = BY_VALUE,
    *,
    limit: int = 1000,
    after: Cursor | None = None,
    learned: Learned = NONE,
    moment: Moment = MOMENT,
) -> Fans:
    keys = ("u/c", "u/d")
    return fans_of(
        [in_columns([each for each in fans if each.account == key], key) for key in keys],
        [learned] * len(keys),
        SCOPE,
        asked,
        moment,
        as_of=AS_OF,
        limit=limit,
        after=after,
        zone_notes=[],
    )


def one(**facts: Any) -> Any:
    [found] = answer([fan(1, facts.pop("times", []), **facts)]).fans
    return found


def paid(amount: float, days: float = 1) -> Payment:
    return Payment(NOW - int(days * DAY), "tip", amount)


some = st.lists(
    st.tuples(
        st.sampled_from(("u/c", "u/d")),
        st.integers(0, 9),
        st.lists(st.integers(1, 400), max_size=2),
        st.sampled_from((0.0, 5.0, 7.5)),
    ),
    unique_by=lambda each: each[:2],
    max_size=12,
)


def made(found: list[Any]) -> list[FanHistory]:
    return [
        fan(
            number,
            sorted(NOW - day * DAY for day in days),
            account=account,
            payments=(paid(amount),) if amount else (),
        )
        for account, number, days, amount in found
    ]


@given(some, st.integers(1, 4), st.sampled_from(("value", "silence", "risk")))
def test_the_pages_are_all_fans_in_order_each_once(found: list[Any], limit: int, sort: FanSort) -> None:
    fans = made(found)
    whole = answer(fans, Asked(sort=sort))
    listed, after = [], None
    while True:
        part = answer(fans, Asked(sort=sort), limit=limit, after=after)
        assert (part.total, part.value) == (whole.total, whole.value)
        listed += part.fans
        if part.next is None:
            break
        assert len(part.fans) == limit
        after = Cursor.read(part.next, sort)
    assert listed == whole.fans
    assert whole.total == len(fans)
    values = [each.value for each in listed]
    silences = [each.silent_seconds for each in listed if each.silent_seconds is not None]
    if sort == "value":
        assert values == sorted(values, reverse=True)
    if sort == "silence":
        assert silences == sorted(silences, reverse=True)
        assert all(each.silent_seconds is None for each in listed[len(silences) :])


@given(some, some)
def test_what_comes_or_goes_between_two_pages_neither_repeats_nor_hides_what_stays(
    before: list[Any], then: list[Any]
) -> None:
    first = answer(made(before), limit=2)
    if first.next is None:
        return
    after = Cursor.read(first.next, "value")
    rest = answer(made(then), after=after)
    shown = {(each.creatorId, each.fanId, each.value) for each in first.fans}
    assert not shown & {(each.creatorId, each.fanId, each.value) for each in rest.fans}
    behind = [
        each
        for each in answer(made(then)).fans
        if (-each.value, f"u/{each.creatorId}", each.fanId) > (after.rank, after.account, after.fan_id)
    ]
    assert rest.fans == behind


@pytest.mark.parametrize(
    "text", ["x", "W10=", "bnVsbA==", "WyJhIiwiYiIsMSwidmFsdWUiLGZhbHNlLDAuMCwidS9jIiwiZiJd"]
)
def test_a_cursor_that_no_answer_gave_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        Cursor.read(text, "value")


def test_a_cursor_of_another_order_is_refused() -> None:
    found = answer([fan(1, [NOW - DAY]), fan(2, [NOW - DAY])], limit=1)
    assert found.next is not None
    with pytest.raises(InvalidInput, match="cursor"):
        Cursor.read(found.next, "silence")


MODEL = Model(-0.25, [0.5] * len(FEATURES), [0.75, -0.5, 1.0, -0.125, 2.0, 0.0, -1.5, 0.5, 0.25, 1.0, -0.375])
windows = st.sampled_from(
    [
        Window(AS_OF - timedelta(days=before), AS_OF - timedelta(days=after))
        for before, after in ((30, 0), (7, 0), (365, 0), (60, 14), (20, -5))
    ]
)


def seconds(of: FanInsight) -> dict[str, Any]:
    """A fan of an answer, as `plain_fans.figures` has it."""
    told = of.model_dump(exclude={"userId", "creatorId", "drill", "risk_base", "risk_parts", "risk_reason"})
    return {k: int(v.timestamp()) if isinstance(v, datetime) else v for k, v in told.items()}


@given(accounts(), windows, st.sampled_from((1, 30)), st.booleans())
def test_what_is_said_of_many_fans_at_once_is_what_is_said_of_each_alone(
    fans: list[FanHistory], window: Window, days: int, has_model: bool
) -> None:
    moment = Moment.of(window, AS_OF, days)
    learned = Learned(MODEL, None, 9, 0) if has_model else NONE
    found = fans_of(
        [in_columns(fans)],
        [learned],
        Scope(window, None, "u"),
        BY_VALUE,
        moment,
        as_of=AS_OF,
        limit=1000,
        after=None,
        zone_notes=[],
    )
    known = [each for each in fans if plain_fans.is_known(each, moment.at)]
    big, expected = plain_fans.big_spender(fans, moment.at), []
    for each in known:
        acted = each.before(moment.at).last_acted is not None
        risk = None
        if has_model and acted and plain_fans.is_active(each, *moment):
            values = plain_fans.features(each, *moment)
            each_part = zip(MODEL.weights, values, MODEL.means, strict=True)
            risk = logistic(fsum([MODEL.base, *(w * (v - m) for w, v, m in each_part)]))
        expected.append(plain_fans.figures(each, window, moment, big, risk))
    expected.sort(key=lambda figures: (-figures["value"], figures["fanId"]))
    assert [seconds(each) for each in found.fans] == expected
    assert (found.total, found.next) == (len(known), None)
    assert found.value == fsum(each["value"] for each in expected)
    assert found.revenue == fsum(each["revenue"] for each in expected)
    for counts in found.segments:
        assert counts.fans == sum(counts.segment in each["segments"] for each in expected)
    for of in found.fans:
        assert (of.risk is None) == (of.risk_reason is not None) == (not of.risk_parts)


@given(accounts(3), windows, st.sampled_from(get_args(Group)))
def test_the_conversations_behind_a_number_are_those_of_each_fan_alone(
    fans: list[FanHistory], window: Window, group: str
) -> None:
    moment = Moment.of(window, AS_OF, 30)
    whole = in_columns(fans)
    for each in fans:
        found = counted([whole.named(each.fan_id)], Scope(window, None, "u"), moment, group)
        told = {one.row["conversation"]: (one.counted, one.amount) for one in found}
        assert told == plain_fans.behind(each, window, moment, group)
        assert {one.row["fanId"] for one in found} <= {each.fan_id}
        assert len(told) == len(found)


def test_nobody_is_said_of_no_account() -> None:
    found = fans_of([], [], SCOPE, BY_VALUE, MOMENT, as_of=AS_OF, limit=5, after=None, zone_notes=[])
    assert (found.fans, found.total, found.value, found.next) == ([], 0, 0.0, None)


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(-1e9, 1e9))))
def test_sums_of_many_kinds_are_rounded_once(values: list[tuple[int, float]]) -> None:
    found = sums(np.array([each for _, each in values]), np.array([of for of, _ in values], np.int64), 5)
    assert found.tolist() == [fsum(each for of, each in values if of == kind) for kind in range(5)]


def test_segments_are_told_by_their_rules() -> None:
    assert one(times=[NOW - DAY]).segments == ["new"]
    assert one(times=[NOW - 30 * DAY]).segments == ["new"]
    assert one(times=[NOW - 31 * DAY]).segments == ["lapsed"]
    assert one(times=[NOW - 60 * DAY, NOW - DAY]).segments == []
    weekly = [NOW - day * DAY for day in (60, 27, 20, 13, 6)]
    assert one(times=weekly).segments == ["regular"]
    assert one(times=weekly[:-1]).segments == []
    rhythm = [NOW - day * DAY for day in (60, 50, 40, 30)]
    assert one(times=rhythm).segments == []
    assert one(times=[NOW - day * DAY for day in (34, 33, 32, 9)]).segments == []
    assert one(times=[NOW - day * DAY for day in (34, 33, 32, 29)]).segments == ["silent"]
    never = one()
    assert (never.segments, never.risk_reason, never.last_seen) == ([], "never_acted", None)


def test_the_tenth_that_paid_most_are_big_spenders_where_ten_paid() -> None:
    fans = [fan(n, [NOW - 60 * DAY, NOW - DAY], payments=(paid(float(n), 40),)) for n in range(1, 21)]
    found = answer([*fans, fan(99, [NOW - 60 * DAY, NOW - DAY])])
    assert [f.fanId for f in found.fans if "big_spender" in f.segments] == ["f00018", "f00019", "f00020"]
    assert not any("big_spender" in each.segments for each in answer(fans[:9]).fans)


def test_whoever_is_more_likely_to_leave_than_not_is_at_risk_and_parts_make_the_risk() -> None:
    fans, _ = leaving(1_500, 1)
    learned = learn(in_columns(fans), NOW, HORIZON)
    found = answer(fans, Asked(sort="risk"), learned=learned)
    scored = [each for each in found.fans if each.risk is not None]
    risks = [each.risk for each in found.fans if each.risk is not None]
    assert len(scored) > 200
    assert scored == found.fans[: len(scored)]
    assert risks == sorted(risks, reverse=True)
    for each, risk in zip(scored, risks, strict=True):
        odds = (each.risk_base or 0.0) + sum(part.log_odds for part in each.risk_parts)
        assert risk == pytest.approx(1 / (1 + exp(-odds)))
        assert ("at_risk" in each.segments) == (risk >= 0.5)
        assert each.risk_reason is None
    assert {each.risk_reason for each in found.fans[len(scored) :]} == {"lapsed"}
    [model, _] = found.models
    assert model.reason is None
    assert model.brier is not None
    assert model.brier_base is not None
    assert model.brier < model.brier_base


def test_what_comes_after_the_moment_is_in_no_figure() -> None:
    fans = [fan(1, [NOW - 3 * DAY, NOW + 5]), fan(2, [NOW - 2 * DAY])]
    assert [each.silent_seconds for each in answer(fans, Asked(sort="silence")).fans] == [
        3 * DAY - 300,
        2 * DAY - 300,
    ]


def test_a_fan_who_was_named_later_is_one_fan() -> None:
    own = told([profile(id, "c1", 5) for id in ("c1", "41", "c1")])
    assert own.profiles.coded("fanId").strings() == ["41"]


def profile(fan_id: str, chat_id: str, joined: int) -> dict[str, Any]:
    return {"fanId": fan_id, "chatId": chat_id, "joinDate": joined, "subscriptionEnd": 0}


def told(profiles: list[dict[str, Any]], talks: Any = (), sales: Any = ()) -> AccountFans:
    rows = {PROFILES: profiles, ACTIVITY: talks, SALES: sales}
    return AccountFans.of("u/c", *(of_rows(traversal, own) for traversal, own in rows.items()))


@pytest.mark.parametrize(
    ("second", "zone", "month"),
    [
        ("2024-05-31T23:30:00+00:00", "UTC", "2024-05"),
        ("2024-05-31T23:30:00+00:00", "Europe/Berlin", "2024-06"),
        ("2024-06-01T03:30:00+00:00", "America/New_York", "2024-05"),
        ("2024-12-31T23:30:00+00:00", "Asia/Tokyo", "2025-01"),
    ],
)
def test_a_month_is_that_of_the_zone(second: str, zone: str, month: str) -> None:
    at = datetime.fromisoformat(second)
    assert month_of(int(at.timestamp()), ZoneInfo(zone)) == month
    window = window_of(month, ZoneInfo(zone))
    assert window.start <= at < window.end


@given(st.integers(0, 4_000_000_000), st.sampled_from(("UTC", "America/Sao_Paulo", "Asia/Beirut")))
def test_every_second_is_in_the_window_of_its_month(second: int, zone: str) -> None:
    month = month_of(second, ZoneInfo(zone))
    window = window_of(month, ZoneInfo(zone))
    assert window.start_second <= second < window.end_second
    assert window.end == window_of(following(month), ZoneInfo(zone)).start
    assert list(months_between(month, following(month))) == [month, following(month)]


@pytest.mark.parametrize("text", ["2024", "2024-13", "2024-5", "05-2024", "2024-05-01", ""])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="cohort"):
        check_month(text)


def test_a_cohort_keeps_those_who_left_and_counts_each_month_by_the_clocks_of_the_zone() -> None:
    joined = int(datetime(2024, 5, 31, 22, 30, tzinfo=UTC).timestamp())  # June in Berlin
    july = int(datetime(2024, 6, 30, 22, 30, tzinfo=UTC).timestamp())
    talks = [
        {
            **{
                "conversation": f"{chat}:{at}",
                "chatId": chat,
                "startDate": at,
                "endDate": at,
                "messageCount": 1,
            },
            **{
                "firstFanDate": at,
                "lastFanDate": at,
                "sentimentSum": 0.0,
                "sentimentCount": 0,
                "warnings": "",
            },
        }
        for chat, at in (("1", joined), ("1", july), ("2", joined))
    ]
    renewal = {
        **{"conversation": "1:r", "chatId": "1", "fanId": "1", "startDate": july, "endDate": july},
        **{"messageCount": 0, "type": "renewal", "date": july, "amount": 9.0, "follows": ""},
    }
    fans = told([profile(id, id, joined) for id in "12"], talks, [renewal])
    at = datetime(2024, 8, 15, tzinfo=UTC)
    window = Window(at - timedelta(days=90), at)
    scope = Scope(window, None, "u", "Europe/Berlin")
    [cohort] = cohorts_of([fans], scope, Moment.of(window, at, 0), as_of=at, zone_notes=[]).cohorts
    assert (cohort.month, cohort.fans) == ("2024-06", 2)
    shown = [
        (m.month, m.active, m.retention, m.revenue, m.revenue_per_fan, m.complete) for m in cohort.months
    ]
    assert shown == [
        ("2024-06", 2, 1.0, 0.0, 0.0, True),
        ("2024-07", 1, 0.5, 9.0, 4.5, True),
        ("2024-08", 0, 0.0, 0.0, 0.0, False),
    ]
