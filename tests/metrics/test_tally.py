"""What is measured is given out once, and owners that come and go are told as one."""

import pytest

from metrics.declared import (
    BACKLOG,
    BY_NAME,
    FRAMES_SENT,
    GRAPH_BEHIND_SECONDS,
    INPUTS_DROPPED,
    JOURNAL_APPEND_SECONDS,
    Counter,
    Histogram,
    Metric,
)
from metrics.loop_lag import LoopLag
from metrics.port import UNMEASURED
from metrics.tally import MOST_VALUES, Counted, Gathered, Tally

TENANTS = {"user", "user_id", "creator", "creator_id", "fan", "chat", "chat_id", "account"}


@pytest.mark.parametrize("metric", BY_NAME.values(), ids=BY_NAME)
def test_a_metric_is_named_as_prometheus_wants_it(metric: Metric) -> None:
    assert metric.name.startswith("analytics_")
    assert metric.name.endswith("_total") == isinstance(metric, Counter)
    for unit in ("seconds", "bytes"):
        assert (unit in metric.name.removesuffix("_total").split("_")) == (metric.unit == unit)
    assert metric.description.endswith(".")
    assert metric.label not in TENANTS
    if isinstance(metric, Histogram):
        assert list(metric.boundaries) == sorted(set(metric.boundaries))
        assert metric.boundaries[0] > 0


def test_counts_and_values_are_given_out_once_and_gauges_as_long_as_they_hold() -> None:
    tally = Tally()
    tally.count(FRAMES_SENT)
    tally.count(FRAMES_SENT, 2)
    tally.observe(JOURNAL_APPEND_SECONDS, 0.5)
    tally.set(BACKLOG, 7)
    gauges = {(BACKLOG.name, ""): 7}
    assert tally.take() == Counted(
        {(FRAMES_SENT.name, ""): 3}, {(JOURNAL_APPEND_SECONDS.name, ""): [0.5]}, gauges
    )
    assert tally.take() == Counted(gauges=gauges)


def test_a_label_has_few_values_whatever_is_received() -> None:
    tally = Tally()
    for n in range(3 * MOST_VALUES):
        tally.count(INPUTS_DROPPED, of=f"kind{n}")
    counts = tally.take().counts
    assert len(counts) == MOST_VALUES + 1
    assert counts[INPUTS_DROPPED.name, "other"] == 2 * MOST_VALUES
    tally.count(INPUTS_DROPPED, of="kind0")  # one of the first stays itself
    assert tally.take().counts == {(INPUTS_DROPPED.name, "kind0"): 1}


@pytest.mark.parametrize(("metric", "of"), [(FRAMES_SENT, "x"), (INPUTS_DROPPED, "")])
def test_a_label_without_its_value_is_an_error(metric: Counter, of: str) -> None:
    with pytest.raises(ValueError, match=metric.name):
        Tally().count(metric, of=of)


def test_several_owners_are_told_as_one() -> None:
    tally = Tally()
    gathered = Gathered(tally)
    for user, waiting, behind in (("u1", 3, 10.0), ("u2", 4, 2.0)):
        own = Tally()
        own.count(FRAMES_SENT, 5)
        own.observe(JOURNAL_APPEND_SECONDS, behind)
        own.set(BACKLOG, waiting)
        own.set(GRAPH_BEHIND_SECONDS, behind)
        gathered.add(user, own.take())
    gathered.measure()
    assert tally.take() == Counted(
        {(FRAMES_SENT.name, ""): 10},
        {(JOURNAL_APPEND_SECONDS.name, ""): [10.0, 2.0]},
        {(BACKLOG.name, ""): 7, (GRAPH_BEHIND_SECONDS.name, ""): 10.0},
    )


def test_the_gauges_of_owners_that_are_gone_count_no_more_and_their_counts_stay() -> None:
    tally = Tally()
    gathered = Gathered(tally)
    own = Tally()
    own.count(FRAMES_SENT)
    own.set(BACKLOG, 3)
    own.set(GRAPH_BEHIND_SECONDS, 4.0)
    gathered.add("u1", own.take())
    gathered.measure()
    gathered.forget("u1")
    gathered.measure()
    gathered.measure()
    assert tally.take() == Counted(
        {(FRAMES_SENT.name, ""): 1}, {}, {(BACKLOG.name, ""): 0, (GRAPH_BEHIND_SECONDS.name, ""): 0.0}
    )


def test_a_lag_is_told_once_and_in_steps() -> None:
    lag, tally = LoopLag(), Tally()
    lag.largest = 0.0234
    lag.measure(tally, "api")
    assert list(tally.take().gauges.values()) == [0.02]
    lag.measure(tally, "api")
    assert list(tally.take().gauges.values()) == [0.0]


def test_who_measures_needs_nobody_who_listens() -> None:
    UNMEASURED.count(FRAMES_SENT)
    UNMEASURED.observe(JOURNAL_APPEND_SECONDS, 1.0)
    UNMEASURED.set(BACKLOG, 1)
