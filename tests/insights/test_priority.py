from datetime import UTC, datetime
from math import exp
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.traversals import FANS, FanRow
from insights.priority import priority_score, priority_scores, spend_ranks, unread_counts
from insights.tables import of_rows
from wire.payloads import PriorityScore

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
HOUR = 3600.0


def fan(chat: str, **changes: Any) -> FanRow:
    row = {
        "chatId": chat,
        "spend": 0.0,
        "unread": 0,
        "waitingSince": 0,
        "notWaiting": "",
        "recentSentiment": -1.0,
    }
    return FanRow(**{**row, **changes})  # type: ignore[typeddict-item]


def priorities(*fans: FanRow) -> dict[str, PriorityScore]:
    return priority_scores(of_rows(FANS, fans), NOW)


def test_every_part_follows_its_formula() -> None:
    score = priority_score(unread=3, waiting_seconds=6 * HOUR, recent_sentiment=0.2, spend_rank=0.4)
    assert score.unread == pytest.approx(18)
    assert score.waiting == pytest.approx(35 * (1 - exp(-0.5)))
    assert score.sentiment == pytest.approx(12)
    assert score.spend == pytest.approx(6)


def test_unknown_or_good_sentiment_adds_nothing() -> None:
    scores = priorities(fan("a"), fan("b", recentSentiment=0.9), fan("c", recentSentiment=0.0))
    assert [scores[chat].sentiment for chat in "abc"] == [0, 0, 20]


def test_nobody_waiting_adds_nothing() -> None:
    scores = priorities(fan("a"), fan("b", waitingSince=NOW.timestamp() - 12 * HOUR))
    assert scores["a"].waiting == 0
    assert scores["b"].waiting == pytest.approx(35 * (1 - exp(-1)))


def test_a_message_from_a_clock_ahead_of_ours_does_not_wait() -> None:
    assert priorities(fan("a", waitingSince=NOW.timestamp() + 60))["a"].waiting == 0


def ranks(spends: list[float]) -> list[float]:
    found: list[float] = spend_ranks(np.array(spends, np.float64)).tolist()
    return found


def test_spend_rank_is_the_share_of_fans_that_spent_less() -> None:
    assert ranks([10.0, 0.0, 0.0, 99.0]) == [0.5, 0, 0, 0.75]
    assert ranks([7.0]) == [0]
    assert ranks([]) == []


def test_unread_is_counted_by_chat() -> None:
    assert unread_counts(of_rows(FANS, [fan("a", unread=7), fan("b")])) == {"a": 7, "b": 0}


inputs = {
    "unread": st.integers(0, 10**6),
    "waiting_seconds": st.floats(-1e3, 1e9),
    "recent_sentiment": st.none() | st.floats(0, 1),
    "spend_rank": st.floats(0, 1),
}


@given(**inputs)
def test_parts_add_up_to_a_score_within_0_and_100(**values: Any) -> None:
    score = priority_score(**values)
    assert score.score == score.unread + score.waiting + score.sentiment + score.spend
    assert 0 <= score.score <= 100


@given(later=st.floats(0, 1e9), **inputs)
def test_waiting_longer_never_lowers_the_score(later: float, **values: Any) -> None:
    longer = {**values, "waiting_seconds": values["waiting_seconds"] + later}
    assert priority_score(**longer).score >= priority_score(**values).score


@given(st.lists(st.floats(0, 1e6)))
def test_who_spent_more_never_ranks_lower(spends: list[float]) -> None:
    found = ranks(spends)
    assert all(0 <= rank < 1 for rank in found)
    ordered = [rank for _, rank in sorted(zip(spends, found, strict=True))]
    assert ordered == sorted(ordered)
