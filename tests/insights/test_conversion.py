"""Which conversation a sale follows, and what is said of those that have something."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from errors import InvalidInput
from graph.model import element_id, topic_vertex
from graph.traversals import DISCUSSED, FAN_CONVERSATIONS, SALES, DiscussedRow, FanConversationRow, SaleRow
from insights.bands import PRICE_BANDS, price_bands
from insights.clock import HOURS_OF_WEEK
from insights.conversion import AccountTables, Factor, Observed, conversion, counted, observe
from insights.drill import Scope
from insights.instants import hours_of_week
from insights.tables import of_rows
from insights.window import Window
from wire.payloads import Conversion, FactorKind

START = int(datetime(2024, 5, 1, 10, tzinfo=UTC).timestamp())
HOUR = 3600
WINDOW = Window(datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC))
SCOPE = Scope(WINDOW, "c1", "u1")
LONG_AFTER = START + 400 * 24 * HOUR
ACCOUNT = "u1/c1"


def talk(name: str, start: float = 0, end: float | None = None, chat: str = "f") -> FanConversationRow:
    """A conversation from one hour to another after START."""
    return FanConversationRow(
        conversation=name,
        chatId=chat,
        fanId=chat,
        startDate=START + int(start * HOUR),
        endDate=START + int((start if end is None else end) * HOUR),
        messageCount=1,
        offers="",
    )


def sale(at: float, amount: float = 5.0, kind: str = "tip", chat: str = "f") -> SaleRow:
    return SaleRow(
        conversation=f"{chat}:m",
        chatId=chat,
        fanId=chat,
        startDate=START,
        endDate=START,
        messageCount=1,
        type=kind,
        date=START + int(at * HOUR),
        amount=amount,
        follows="",
    )


def answered(
    account: str,
    talks: list[FanConversationRow],
    sales: list[SaleRow],
    later: list[FanConversationRow] | None = None,
    discussed: list[DiscussedRow] | None = None,
) -> AccountTables:
    return AccountTables(
        account,
        of_rows(FAN_CONVERSATIONS, talks),
        of_rows(FAN_CONVERSATIONS, later or []),
        of_rows(SALES, sales),
        {"topic": of_rows(DISCUSSED, discussed or [])},
    )


def seen(
    talks: list[FanConversationRow],
    sales: list[SaleRow],
    *,
    later: list[FanConversationRow] | None = None,
    discussed: list[DiscussedRow] | None = None,
    hours: float = 24,
    as_of: int = LONG_AFTER,
) -> Observed:
    rows = answered(ACCOUNT, talks, sales, later, discussed)
    kinds: tuple[FactorKind, ...] = ("topic",)
    return observe([rows], kinds=kinds, zone=UTC, attribution=int(hours * HOUR), as_of=as_of)


def sold(found: Observed) -> dict[str, list[float]]:
    names = [name for _, talks in found.accounts for name in talks.coded("conversation").strings()]
    return {
        names[place]: found.amounts(np.array([place])).tolist()
        for place in np.flatnonzero(found.sold & found.over).tolist()
    }


def counts(found: Observed) -> tuple[int, int]:
    """Of conversations whose hours are over, and of those whose are not."""
    return int(found.over.sum()), int((~found.over).sum())


@pytest.mark.parametrize(
    ("at", "followed"),
    [
        (-1 / HOUR, {}),  # before anybody spoke
        (0, {"a": [5.0]}),
        (1, {"a": [5.0]}),
        (25, {"a": [5.0]}),  # the last second that counts
        (25 + 1 / HOUR, {}),
        (29, {}),
        (30, {"b": [5.0]}),
        (31, {"b": [5.0]}),
        (40, {"c": [5.0]}),  # although the hours of `b` are not over
    ],
)
def test_a_sale_follows_the_last_conversation_that_began_no_later_within_its_hours(
    at: float, followed: dict[str, list[float]]
) -> None:
    talks = [talk("c", 39), talk("a", 0, 1), talk("b", 30, 31)]
    assert sold(seen(talks, [sale(at)])) == followed


def test_a_sale_after_a_conversation_that_began_after_the_window_follows_that_one() -> None:
    assert sold(seen([talk("a", 0, 1)], [sale(3)], later=[talk("b", 2)])) == {}
    assert sold(seen([talk("a", 0, 1)], [sale(1.5)], later=[talk("b", 2)])) == {"a": [5.0]}


def test_a_sale_follows_a_conversation_of_its_own_chat_and_account_only() -> None:
    other = answered("u2/c1", [talk("a", 0, 1)], [])
    mine = answered(ACCOUNT, [talk("a", 0, 1, chat="g")], [sale(1, chat="f")])
    found = observe([mine, other], kinds=(), zone=UTC, attribution=24 * HOUR, as_of=LONG_AFTER)
    assert (counts(found), sold(found)) == ((2, 0), {})


def test_tips_and_purchases_are_sales_and_renewals_and_drop_offs_are_none() -> None:
    kinds = ("tip", "purchase", "renewal", "drop_off")
    found = seen([talk("a")], [sale(1, amount=n, kind=kind) for n, kind in enumerate(kinds, 1)])
    assert sold(found) == {"a": [1, 2]}


def test_hours_of_0_count_what_came_within_the_conversation() -> None:
    sales = [sale(1, 1.0), sale(1 + 1 / HOUR, 2.0)]
    assert sold(seen([talk("a", 0, 1)], sales, hours=0)) == {"a": [1.0]}


def test_a_conversation_whose_hours_are_not_over_is_pending_and_in_no_other_number() -> None:
    for as_of, talks, pending in ((25, 1, 0), (25 - 1 / HOUR, 0, 1)):
        found = seen([talk("a", 0, 1)], [sale(1)], as_of=START + int(as_of * HOUR))
        assert counts(found) == (talks, pending)
        answer = asked(found)
        assert (answer.total.conversations, answer.sales, answer.pending) == (talks, talks, pending)
        assert len(counted(found, None, "pending")) == pending


def asked(found: Observed, min_sample: int = 2) -> Conversion:
    return conversion(
        found,
        SCOPE,
        attribution=24.0,
        min_sample=min_sample,
        as_of=datetime.fromtimestamp(LONG_AFTER, UTC),
        notes=[],
    )


def test_a_sale_of_unknown_amount_is_a_sale_and_no_amount() -> None:
    answer = asked(seen([talk("a")], [sale(1, amount=0), sale(2, 0.1), sale(2, 0.2), sale(3, 19)]))
    assert (answer.sales, answer.amounts_known, answer.amount_total) == (4, 3, 19.3)
    assert (answer.amount_median, answer.total.rate) == (0.2, 1)


def test_nothing_is_null_and_empty() -> None:
    answer = asked(seen([], []))
    assert (answer.total.conversations, answer.total.rate, answer.total.low) == (0, None, None)
    assert (answer.rows, answer.tests, answer.amount_total, answer.amount_median) == ([], 0, 0, None)


def about(*names: str, id: str = "t", label: str = "Topic") -> list[DiscussedRow]:
    vertex = element_id(ACCOUNT, topic_vertex(id))
    return [DiscussedRow(conversation=name, id=vertex, topic=label) for name in names]


@pytest.mark.parametrize(
    ("having", "selling", "reason", "tests"),
    [
        ("a", "b", "too_few_with", 0),
        ("abc", "a", "too_few_without", 0),
        ("ab", "a", "none_sold_without", 1),
        ("ab", "ac", None, 1),
        ("ab", "", "none_sold_without", 1),
    ],
)
def test_without_enough_to_compare_there_is_no_lift_and_the_reason(
    having: str, selling: str, reason: str | None, tests: int
) -> None:
    talks = [talk(name, chat=name) for name in "abcd"]
    sales = [sale(1, chat=name) for name in selling]
    answer = asked(seen(talks, sales, discussed=about(*having)))
    [row] = answer.rows
    assert (row.reason, answer.tests) == (reason, tests)
    assert (row.lift is None) is (row.lift_low is None) is (reason is not None)
    assert (row.p is None) is (row.adjusted_p is None) is (row.significant is None) is (tests == 0)
    assert (row.with_it.conversations, row.without_it.conversations) == (len(having), 4 - len(having))


def test_links_of_conversations_that_are_not_counted_are_passed_over() -> None:
    found = seen([talk("a"), talk("")], [], discussed=about("a", "gone", ""))
    [row] = asked(found).rows
    assert (row.with_it.conversations, row.without_it.conversations) == (1, 0)


def test_topics_that_share_an_id_under_different_labels_stay_apart() -> None:
    talks = [talk(name, chat=name) for name in "ab"]
    links = [*about("a", label="Cats"), *about("b", label="Cars")]
    rows = asked(seen(talks, [], discussed=links)).rows
    assert sorted((row.topic, row.topicId, row.with_it.conversations) for row in rows) == [
        ("Cars", "t", 1),
        ("Cats", "t", 1),
    ]


def test_what_a_fan_said_in_several_conversations_is_of_one_fan() -> None:
    talks = [talk("a", 0), talk("b", 48), talk("c", 96, chat="g")]
    [row] = asked(seen(talks, [], discussed=about("a", "b", "c"))).rows
    assert (row.with_it.conversations, row.fans) == (3, 2)


def test_the_highest_lift_comes_first_and_what_has_none_last() -> None:
    talks = [talk(name, chat=name) for name in "abcdefgh"]
    sales = [sale(1, chat=name) for name in "abg"]
    low, high, rare = about(*"cdga", id="low"), about(*"abc", id="high"), about("h", id="rare")
    rows = asked(seen(talks, sales, discussed=[*rare, *low, *high])).rows
    assert [row.topicId for row in rows] == ["high", "low", "rare"]


def test_an_unknown_group_is_refused_and_an_unknown_factor_is_in_no_conversation() -> None:
    found = seen([talk("a")], [sale(1)], discussed=about("a"))
    with pytest.raises(InvalidInput, match="group must be one of with, with_sold"):
        counted(found, None, "all")
    gone = Factor("topic", topic_id="gone")
    assert counted(found, gone, "with") == []
    assert len(counted(found, gone, "without")) == 1


@pytest.mark.parametrize(
    ("factor", "field"),
    [
        (Factor("topic"), "topic_id"),
        (Factor("action", topic_id="t"), "action"),
        (Factor("pair", action="x"), "topic_id"),
        (Factor("price_band"), "value"),
        (Factor("hour_of_week"), "value"),
    ],
)
def test_a_factor_that_does_not_say_which_is_refused(factor: Factor, field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        factor.check()


@pytest.mark.parametrize(
    ("price", "band"),
    [(0.01, "0-5"), (4.99, "0-5"), (5, "5-10"), (9.99, "5-10"), (50, "50-100"), (100, "100-"), (1e9, "100-")],
)
def test_a_price_band_holds_its_lower_bound_and_not_its_upper_one(price: float, band: str) -> None:
    assert PRICE_BANDS[price_bands(np.array([price]))[0]] == band


def test_an_hour_of_the_week_is_that_of_the_clocks_on_both_sides_of_a_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    change = datetime(2024, 10, 27, tzinfo=UTC)  # clocks go back from 3:00 to 2:00 at 1:00 UTC
    seconds = [int((change + timedelta(hours=hour)).timestamp()) for hour in range(-1, 3)]
    hours = [HOURS_OF_WEEK[place] for place in hours_of_week(np.array(seconds), berlin).tolist()]
    assert hours == ["Sun 01", "Sun 02", "Sun 02", "Sun 03"]
