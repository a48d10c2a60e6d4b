import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from chats.conversation import Figures
from chats.enriched import EnrichedConversation, MessageEnrichment, TopicRef
from enrich.topics.refit import Fitted, Watch

FIT = Fitted(version=1, messages=1_000, unplaced=0.1)
ENOUGH = 60  # conversations
PLACED = (TopicRef(id="food", label="Food"),)
FIGURES = Figures(0.0, 0.0, 0, 0, 0, 0, 0, 0, 0.0, (), 0)

counts = st.integers(0, 10**6)
shares = st.none() | st.floats(0, 1)


def node(number: int, *, placed: int = 0, without: int = 0, by_fan: bool = True) -> EnrichedConversation:
    """A conversation of which so many messages have a topic, and so many none."""
    messages: list[tuple[TopicRef, ...]] = [PLACED] * placed + [()] * without
    return EnrichedConversation(
        id=f"conversation-{number}",
        creator_id="creator",
        chat_id="chat",
        fan_id="fan",
        figures=FIGURES,
        sentiment_count=len(messages) if by_fan else 0,
        messages={
            f"{number}-{place}": MessageEnrichment(sentiment=0.5, topics=found)
            for place, found in enumerate(messages)
        },
    )


def watched(conversations: int, *, placed: int = 0, without: int = 0, first: int = 0) -> Watch:
    watch = Watch()
    for number in range(first, first + conversations):
        watch.record(node(number, placed=placed, without=without))
    return watch


def test_half_as_many_messages_again_are_new() -> None:
    watch = watched(ENOUGH, placed=5)
    assert watch.due(FIT, 1_499) is None
    assert watch.due(FIT, 1_500) == "new"
    assert watch.due(None, 1_000) == "new"


@given(messages=counts, fitted=st.none() | st.builds(replace, st.just(FIT), messages=counts))
def test_a_small_creator_is_never_due(messages: int, fitted: Fitted | None) -> None:
    assert watched(ENOUGH, without=5).due(fitted, min(messages, 199)) is None
    assert watched(19, without=5).due(fitted, messages) is None


def test_more_without_a_topic_than_at_the_fit_is_drift() -> None:
    assert watched(ENOUGH, placed=3, without=1).due(FIT, 1_100) == "drift"
    assert watched(ENOUGH, placed=5, without=1).due(FIT, 1_100) is None
    assert watched(ENOUGH - 1, placed=3, without=1).due(FIT, 1_100) is None
    assert watched(ENOUGH, placed=3, without=1).due(FIT, 1_099) is None


def test_only_what_was_said_lately_is_drift() -> None:
    watch = watched(10 * ENOUGH, without=5)
    assert watch.due(FIT, 1_100) == "drift"
    for number in range(ENOUGH):
        watch.record(node(10 * ENOUGH + number, placed=5))
    assert watch.due(FIT, 1_100) is None


def test_what_a_fit_could_not_place_is_not_drift_after_it() -> None:
    after = replace(FIT, version=2, unplaced=0.25)
    assert watched(ENOUGH, placed=3, without=1).due(after, 1_100) is None
    # And what no fit can ever place waits until there is more.
    assert watched(ENOUGH, without=1).due(replace(FIT, version=2, messages=1_100), 1_100) is None


@given(repeats=st.integers(2, 5), placed=st.integers(0, 5), without=st.integers(1, 5), messages=counts)
def test_a_conversation_counts_once_however_often_it_is_enriched(
    repeats: int, placed: int, without: int, messages: int
) -> None:
    once = watched(ENOUGH, placed=placed, without=without)
    often = Watch()
    for number in range(ENOUGH):
        for _ in range(repeats):
            often.record(node(number, placed=placed, without=without))
    assert once.due(FIT, messages) == often.due(FIT, messages)
    few = Watch()
    for _ in range(repeats * ENOUGH):
        few.record(node(0, placed=placed, without=without))
    assert few.due(FIT, messages) is None


def test_a_conversation_counts_as_it_was_enriched_last() -> None:
    watch = watched(ENOUGH, without=5)
    for number in range(ENOUGH):
        watch.record(node(number, placed=5))
    assert watch.due(FIT, 1_100) is None


def test_broadcasts_and_messages_without_text_say_nothing_of_drift() -> None:
    watch = watched(ENOUGH, placed=5)
    photo = {"photo": MessageEnrichment(sentiment=None)}
    for number in range(ENOUGH):
        watch.record(node(1_000 + number, without=5, by_fan=False))
        watch.record(structs.replace(node(2_000 + number), sentiment_count=1, messages=photo))
    assert watch.due(FIT, 1_100) is None


@given(
    seen=st.integers(0, 80),
    placed=st.integers(0, 5),
    without=st.integers(0, 5),
    messages=counts,
    at_fit=counts,
    unplaced=shares,
)
def test_nothing_is_due_twice_over_one_watch(
    seen: int, placed: int, without: int, messages: int, at_fit: int, unplaced: float | None
) -> None:
    fitted = replace(FIT, messages=at_fit, unplaced=unplaced)
    watch = watched(seen, placed=placed, without=without)
    assert watch.due(fitted, messages) == watch.due(fitted, messages)
    # After the refit the watch begins anew, whatever the fit came to.
    assert Watch().due(replace(fitted, version=2, messages=messages), messages) is None
    assert Watch().due(fitted, messages) is None


@pytest.mark.parametrize("module", ["enrich.topics.refit", "enrich.topics.store"])
def test_a_user_actor_does_not_load_the_models_to_watch(module: str) -> None:
    code = (
        f"import sys, {module}; sys.exit(bool({{'numpy', 'torch', 'ray', 'bertopic'}} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
