from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import InvalidInput
from graph.model import element_id, topic_vertex
from graph.traversals import ACTIONS, CONVERSATIONS, OUTCOMES, TOPIC_LINKS, ConversationRow, TopicLinkRow
from insights import metrics as of_columns
from insights.tables import of_rows
from wire.payloads import ResponseTimeMetrics, SentimentTrend, TopicMetric

START = 1_714_521_600  # 2024-05-01T00:00:00Z


def topic_metrics(links: list[TopicLinkRow], *, start: int, conversations: int) -> list[TopicMetric]:
    return of_columns.topic_metrics(of_rows(TOPIC_LINKS, links), start=start, conversations=conversations)


def sentiment_trend(
    rows: list[ConversationRow], *, bucket: of_columns.Bucket, time_zone: str
) -> SentimentTrend:
    return of_columns.sentiment_trend(of_rows(CONVERSATIONS, rows), bucket=bucket, time_zone=time_zone)


def response_time_metrics(rows: list[ConversationRow]) -> ResponseTimeMetrics:
    return of_columns.response_time_metrics(of_rows(CONVERSATIONS, rows))


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def conversation(**changes: Any) -> ConversationRow:
    row: dict[str, Any] = {
        "startDate": START,
        "endDate": START + 600,
        "messageCount": 2,
        "fanMessages": 1,
        "turns": 1,
        "silenceSeconds": 600.0,
        "responseSeconds": "",
        "unanswered": 0,
        "sentimentSum": 0.0,
        "sentimentCount": 0,
    }
    return ConversationRow(**{**row, **changes})  # type: ignore[typeddict-item]


def link(topic: str, at: int, id: str | None = None, creator: str = "c1") -> TopicLinkRow:
    vertex = element_id(creator, topic_vertex(id or topic.lower()))
    return TopicLinkRow(startDate=at, id=vertex, topic=topic, category="", keywords="")


def felt(*rows: tuple[str, float, int]) -> list[ConversationRow]:
    return [
        conversation(startDate=seconds(at), sentimentSum=total, sentimentCount=n) for at, total, n in rows
    ]


def test_topics_are_counted_shared_and_compared_with_the_preceding_window() -> None:
    links = [link("Travel", START), link("Travel", START + 9), link("Travel", START + 10)]
    links += [link("Travel", START - 1), link("Travel", START - 2), link("Fitness", START)]
    travel, fitness = topic_metrics(links, start=START, conversations=4)
    assert (travel.topic, travel.volume, travel.previous_volume) == ("Travel", 3, 2)
    assert (travel.percentage_of_total, travel.trend) == (75.0, 50.0)
    assert (fitness.volume, fitness.previous_volume, fitness.trend) == (1, 0, None)


def test_a_topic_that_two_creators_share_is_one_topic() -> None:
    links = [link("Travel", START, "7", creator) for creator in ("c1", "c2")]
    (metric,) = topic_metrics(links, start=START, conversations=2)
    assert (metric.id, metric.volume) == ("7", 2)


def test_a_topic_of_the_preceding_window_only_is_not_listed() -> None:
    assert topic_metrics([link("Travel", START - 1)], start=START, conversations=3) == []


def test_topics_that_share_an_id_under_different_labels_stay_apart() -> None:
    found = topic_metrics([link("Cats", START, "7"), link("Cars", START, "7")], start=START, conversations=2)
    assert [(metric.topic, metric.volume) for metric in found] == [("Cars", 1), ("Cats", 1)]


def test_category_and_keywords_are_null_and_empty_when_there_are_none() -> None:
    seeded = TopicLinkRow(**{**link("Travel", START), "category": "life", "keywords": "beach,trip"})
    (metric,) = topic_metrics([seeded], start=START, conversations=1)
    assert (metric.category, metric.keywords) == ("life", ["beach", "trip"])
    (bare,) = topic_metrics([link("Travel", START)], start=START, conversations=1)
    assert (bare.category, bare.keywords) == (None, [])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(START - 5, START + 5))), st.integers(0, 40))
def test_topic_shares_stay_within_0_and_100(found: list[tuple[str, int]], conversations: int) -> None:
    metrics = topic_metrics([link(t, at) for t, at in found], start=START, conversations=conversations)
    for metric in metrics:
        assert 0 < metric.percentage_of_total <= 100
        assert metric.trend is None or metric.trend >= -100
    assert sum(metric.volume for metric in metrics) == sum(at >= START for _, at in found)


def test_sentiment_is_weighted_by_fan_messages() -> None:
    rows = felt(("2024-05-01T01:00Z", 0.9, 1), ("2024-05-01T23:00Z", 0.9, 3), ("2024-05-02T00:00Z", 0.2, 1))
    trend = sentiment_trend(rows, bucket="day", time_zone="UTC")
    assert [(point.date, point.n) for point in trend.trend] == [("2024-05-01", 4), ("2024-05-02", 1)]
    assert [point.sentiment_score for point in trend.trend] == pytest.approx([0.45, 0.2])
    assert trend.sentiment_score == pytest.approx(0.4)
    assert trend.n == 5


def test_a_conversation_without_sentiment_makes_no_bucket() -> None:
    trend = sentiment_trend([conversation()], bucket="day", time_zone="UTC")
    assert (trend.trend, trend.sentiment_score, trend.n) == ([], None, 0)


def test_days_begin_at_local_midnight_on_both_sides_of_a_clock_change() -> None:
    # Europe/Berlin: 2024-03-31 has 23 hours (22:59:59Z is still Saturday), 2024-10-27 has 25.
    rows = felt(
        ("2024-03-30T22:59:59Z", 1, 1),
        ("2024-03-30T23:00:00Z", 1, 1),
        ("2024-03-31T21:59:59Z", 1, 1),
        ("2024-03-31T22:00:00Z", 1, 1),
        ("2024-10-26T22:00:00Z", 1, 1),
        ("2024-10-27T22:59:59Z", 1, 1),
        ("2024-10-27T23:00:00Z", 1, 1),
    )
    trend = sentiment_trend(rows, bucket="day", time_zone="Europe/Berlin")
    assert [(point.date, point.n) for point in trend.trend] == [
        ("2024-03-30", 1),
        ("2024-03-31", 2),
        ("2024-04-01", 1),
        ("2024-10-27", 2),
        ("2024-10-28", 1),
    ]


def test_the_hour_that_is_there_twice_makes_two_buckets() -> None:
    rows = felt(("2024-10-27T00:30Z", 1, 1), ("2024-10-27T01:30Z", 0, 1))
    trend = sentiment_trend(rows, bucket="hour", time_zone="Europe/Berlin")
    assert [point.date for point in trend.trend] == ["2024-10-27T02:00:00+02:00", "2024-10-27T02:00:00+01:00"]


def test_weeks_begin_on_monday_and_months_on_their_first() -> None:
    rows = felt(("2024-05-05T23:59:59Z", 1, 1), ("2024-05-06T00:00:00Z", 1, 1))  # a Sunday, a Monday
    weeks = sentiment_trend(rows, bucket="week", time_zone="UTC")
    months = sentiment_trend(rows, bucket="month", time_zone="UTC")
    assert [point.date for point in weeks.trend] == ["2024-04-29", "2024-05-06"]
    assert [(point.date, point.n) for point in months.trend] == [("2024-05-01", 2)]


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(InvalidInput, match="time_zone"):
        sentiment_trend([], bucket="day", time_zone="Mars/Olympus")


def test_a_zone_that_a_browser_does_not_know_is_answered_in_utc_and_noted() -> None:
    rows = felt(("2024-05-01T23:30Z", 1, 1))
    unknown = sentiment_trend(rows, bucket="day", time_zone="Etc/Unknown")
    known = sentiment_trend(rows, bucket="day", time_zone="UTC")
    assert (unknown.trend, unknown.time_zone) == (known.trend, "UTC")
    assert (len(unknown.notes), known.notes) == (1, [])


def test_an_unknown_bucket_is_refused() -> None:
    with pytest.raises(InvalidInput, match="hour, day, week, month"):
        sentiment_trend([], bucket="year", time_zone="UTC")  # type: ignore[arg-type]


scored = st.lists(st.floats(0, 1), min_size=1).map(
    lambda each: conversation(sentimentSum=sum(each), sentimentCount=len(each))
)


@given(st.lists(scored), st.sampled_from(["hour", "day", "week", "month"]), st.randoms(use_true_random=False))
def test_sentiment_is_a_share_and_no_message_is_lost(
    rows: list[ConversationRow], bucket: Any, rng: Any
) -> None:
    spread = [{**row, "startDate": START + rng.randrange(10**7)} for row in rows]
    trend = sentiment_trend(spread, bucket=bucket, time_zone="America/New_York")  # type: ignore[arg-type]
    assert sum(point.n for point in trend.trend) == trend.n == sum(row["sentimentCount"] for row in rows)
    assert all(0 <= point.sentiment_score <= 1 for point in trend.trend)
    dates = [point.date for point in trend.trend]
    assert len(set(dates)) == len(dates)


def test_a_single_message_has_no_handling_time_and_no_silence_but_counts_for_turns() -> None:
    single = conversation(endDate=START, messageCount=1, turns=0, silenceSeconds=0.0)
    metrics = response_time_metrics([single, conversation()])
    assert (metrics.average_handling_time_minutes, metrics.average_handling_time_n) == (10.0, 1)
    assert (metrics.silence_percentage, metrics.silence_n) == (100.0, 1)
    assert (metrics.turns, metrics.turns_n) == (0.5, 2)


def test_p90_is_the_nearest_rank() -> None:
    rows = [
        conversation(responseSeconds="10,9,8,7,6", unanswered=1),
        conversation(responseSeconds="5,4,3,2,1.5"),
    ]
    times = response_time_metrics(rows).response_time
    assert (times.p90, times.max, times.median, times.n, times.unanswered) == (9, 10, 5.5, 10, 1)
    assert times.mean == pytest.approx(5.55)


def shares(*times: float) -> list[float | None]:
    row = conversation(responseSeconds=",".join(f"{each:.15g}" for each in times))
    found = response_time_metrics([row]).response_time
    return [
        found.within_5_min,
        found.within_1_h,
        found.within_4_h,
        found.within_8_h,
        found.within_24_h,
    ]


def test_shares_count_the_answered_that_took_no_longer() -> None:
    assert shares(300, 3600, 4 * 3600, 8 * 3600, 24 * 3600) == [20, 40, 60, 80, 100]
    assert shares(300.001, 86400.001) == [0, 50, 50, 50, 50]
    waiting = conversation(responseSeconds="10", unanswered=3)
    assert response_time_metrics([waiting]).response_time.within_5_min == 100


@given(st.integers(0, 10**6), st.sampled_from([300, 3600, 4 * 3600, 8 * 3600, 24 * 3600]))
def test_a_time_of_exactly_the_bound_is_within_it_at_any_fraction_of_a_second(ms: int, bound: int) -> None:
    asked = START + ms / 1000
    answered = START + bound + ms / 1000  # their difference is not always the bound
    within = shares(answered - asked)
    assert within[[300, 3600, 4 * 3600, 8 * 3600, 24 * 3600].index(bound)] == 100


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_shares_rise_with_the_bound(times: list[float]) -> None:
    found = [share for share in shares(*times) if share is not None]
    assert len(found) == 5
    assert found == sorted(found)
    assert 0 <= found[0] <= found[-1] <= 100


def test_no_data_is_null_and_empty() -> None:
    metrics = response_time_metrics([])
    assert metrics.average_handling_time_minutes is None
    assert metrics.silence_percentage is None
    assert metrics.turns is None
    times = metrics.response_time
    assert (times.mean, times.median, times.p90, times.max) == (None, None, None, None)
    assert shares() == [None] * 5
    assert (times.n, times.unanswered) == (0, 0)
    assert topic_metrics([], start=START, conversations=0) == []


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1), st.lists(st.floats(0, 1e7)))))
def test_figures_stay_in_their_ranges(drawn: list[tuple[int, float, list[float]]]) -> None:
    rows = [
        conversation(
            endDate=START + duration,
            silenceSeconds=share * (duration + 1),  # up to a second of the message times is cut off
            responseSeconds=",".join(map(str, times)),
        )
        for duration, share, times in drawn
    ]
    metrics = response_time_metrics(rows)
    assert metrics.silence_percentage is None or 0 <= metrics.silence_percentage <= 100
    times = metrics.response_time
    assert times.n == sum(len(each) for _, _, each in drawn)
    if times.p90 is not None and times.median is not None and times.max is not None:
        assert times.median <= times.p90 <= times.max
        assert times.p90 in [value for _, _, each in drawn for value in each]


def test_actions_and_outcomes_are_summed_by_type() -> None:
    actions = [
        {"type": "question", "count": 2},
        {"type": "tease", "count": 3},
        {"type": "question", "count": 4},
    ]
    assert of_columns.action_counts(of_rows(ACTIONS, actions)) == {"question": 6, "tease": 3}
    outcomes = [
        {"type": "tip", "amount": 5.5, "isMass": False},
        {"type": "tip", "amount": 0, "isMass": False},
        {"type": "drop_off", "amount": 0, "isMass": False},
    ]
    assert of_columns.outcome_counts(of_rows(OUTCOMES, outcomes)) == {"tip": 2, "drop_off": 1}
    assert of_columns.revenue(of_rows(OUTCOMES, outcomes)) == 5.5
    assert of_columns.revenue(of_rows(OUTCOMES, [])) == 0
