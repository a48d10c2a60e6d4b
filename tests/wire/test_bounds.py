"""What one frame has of what grows with history."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tests.actors.factories import analytics
from tests.api.sockets.published import node
from wire.bounds import (
    ACTION_TOPICS,
    EVIDENCE,
    KEYWORDS,
    OUTCOMES,
    TOPICS,
    bounded,
    changes,
    of_chats,
    of_most_urgent,
)
from wire.payloads import (
    ActionTopic,
    ActionUse,
    AnalyticsUpdate,
    Outcome,
    PriorityScore,
    TopicMetric,
    TopicUse,
    for_pages,
)

WORDS = [f"word {n}" for n in range(20)]


def test_a_node_of_a_long_history_is_no_larger_than_of_a_short_one() -> None:
    sizes = []
    for years in (10, 100):
        said = range(years * 100)
        of = node(
            topics=[
                TopicUse(id=f"{n:04}", topic="Travel", messages=1, weight=0.1, keywords=WORDS, model="m")
                for n in said
            ],
            actions=[
                ActionUse(type="thanks", count=1000, direction="fan", evidence=[f"{n:04}" for n in said])
            ],
            outcomes=[
                Outcome(type="tip", date=datetime.fromtimestamp(1.7e9 + n, UTC), score=1, evidence="tip")
                for n in said
            ],
            actionTopics=[ActionTopic(action="thanks", topicId=f"{n:04}", count=1) for n in said],
            responseSeconds=[60.0 for _ in said],
        )
        sizes.append(len(for_pages(bounded(of))))
    assert sizes[0] == sizes[1] < 7_000


def test_what_is_newest_or_most_frequent_is_kept() -> None:
    found = bounded(
        node(
            topics=[TopicUse(id=f"{n}", topic="", messages=99 - n, weight=1, model="m") for n in range(50)],
            actions=[ActionUse(type="a", count=9, direction="fan", evidence=[f"m{n}" for n in range(9)])],
            outcomes=[
                Outcome(type="tip", date=datetime.fromtimestamp(n, UTC), score=1, evidence="")
                for n in range(50)
            ],
            actionTopics=[ActionTopic(action="a", topicId=f"{n:02}", count=n) for n in range(50)],
        )
    )
    assert [topic.id for topic in found.topics] == [f"{n}" for n in range(TOPICS)]
    assert found.actions[0].evidence == [f"m{n}" for n in range(9 - EVIDENCE, 9)]
    assert [each.date.timestamp() for each in found.outcomes] == list(range(50 - OUTCOMES, 50))
    assert [pair.count for pair in found.actionTopics] == list(range(50 - ACTION_TOPICS, 50))


def test_a_short_history_is_sent_whole_but_for_response_times() -> None:
    whole = node(
        topics=[TopicUse(id="7", topic="Travel", messages=1, weight=1, model="m")],
        actions=[ActionUse(type="a", count=1, direction="fan", evidence=["m1"])],
        actionTopics=[ActionTopic(action="a", topicId="7", count=1)],
        responseSeconds=[60.0],
    )
    assert bounded(whole) == whole.model_copy(update={"responseSeconds": []})


SCORES = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.floats(0, 100), max_size=20)


def update(scores: dict[str, float]) -> AnalyticsUpdate:
    parts = {
        chat: PriorityScore(score=score, unread=score, waiting=0, sentiment=0, spend=0)
        for chat, score in scores.items()
    }
    unread = dict.fromkeys(scores, 1)
    return analytics().model_copy(
        update={"priority": parts, "priorityScores": scores, "unreadCounts": unread}
    )


@given(scores=SCORES, chats=st.integers(0, 25))
def test_the_chats_of_an_update_are_those_with_the_highest_scores(
    scores: dict[str, float], chats: int
) -> None:
    found = of_most_urgent(update(scores), chats)
    assert list(found.priorityScores.values()) == sorted(scores.values(), reverse=True)[:chats]
    assert found.priority.keys() == found.priorityScores.keys() == found.unreadCounts.keys()


def test_chats_that_are_not_known_are_left_out() -> None:
    assert list(of_chats(update({"a": 1, "b": 2}), ["b", "x", "b"]).priority) == ["b"]


def test_an_update_for_pages_that_merge_has_the_topics_with_most_volume_and_no_score_twice() -> None:
    topics = [
        TopicMetric(
            topic="Travel",
            id=f"{n}",
            volume=99 - n,
            percentage_of_total=1,
            trend=None,
            previous_volume=0,
            keywords=WORDS,
        )
        for n in range(50)
    ]
    found = changes(update({"a": 1}).model_copy(update={"topics": topics}))
    assert [topic.id for topic in found.topics] == [f"{n}" for n in range(TOPICS)]
    assert {len(topic.keywords) for topic in found.topics} == {KEYWORDS}
    assert (found.priority["a"].score, found.priorityScores) == (1, {})
