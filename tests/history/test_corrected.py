"""What counts is what models said and what people corrected, in whatever order it came, however it rests."""

from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from chats.corrections import Correction, StatedOutcome, Subject, problem
from chats.enriched import EnrichedConversation, TopicRef
from history.corrected import Corrections
from history.history import History, mark
from history.packing import Packed
from steps import finished
from tests.actors.factories import HOUR, MINUTE, chat, empty_cache, message
from tests.corrected import (
    ACTIONS,
    TOPICS,
    of_conversation,
    of_message,
    of_topic,
    take,
    understand,
)


def talked() -> History:
    """Two conversations of one chat and one of another, understood."""
    history = empty_cache()
    history.merge(
        [chat("f1"), chat("f2")],
        [
            message("1", 0, text="0.2 topic_0 question"),
            message("2", MINUTE, "creator", text="0.9 fitness thanks"),
            message("3", 2 * MINUTE, text="0.4 topic_0 topic_1 question churn_intent"),
            message("4", 3 * MINUTE, text="nothing is read here"),
            message("5", 20 * HOUR, text="0.6 topic_1"),
            message("6", 0, chat="f2", text="0.8 topic_1 fitness complaint"),
        ],
    )
    understand(history)
    return history


def counted(history: History, id: str = "f1:1") -> EnrichedConversation:
    cached = history.look("c1", id.partition(":")[0])
    assert cached is not None
    found = cached.counted_node(id)
    assert found is not None
    return found


def topics(node: EnrichedConversation) -> dict[str, tuple[str, int]]:
    return {each.id: (each.label, each.messages) for each in node.topics}


def figures(history: History) -> Any:
    """What counts of every chat: its conversations, its totals, and how its fan stands."""
    found = {}
    for key in history.keys("c1"):
        cached = history.look(*key)
        assert cached is not None
        nodes = {id: structs.replace(node, said=None) for id, node in cached.counted.items()}
        found[key] = nodes, cached.totals, cached.fan_state()
    return found


def test_a_message_counts_as_a_person_says() -> None:
    history = talked()
    take(
        history,
        [
            of_message("1", "sentiment", 1.0, by="a"),
            of_message("4", "sentiment", 0.5, by="b"),
            of_message("3", "action", ("thanks",), by="c"),
            of_message("3", "topic", ("fitness", "topic_1"), by="d"),
        ],
    )
    node = counted(history)
    assert (round(node.sentiment_sum, 6), node.sentiment_count) == (1.9, 3)
    assert {(each.type, each.direction, each.count) for each in node.actions} == {
        ("question", "fan", 1),
        ("thanks", "fan", 1),
        ("thanks", "creator", 1),
    }
    assert topics(node) == {"fitness": ("Fitness", 2), "topic_0": ("Hiking", 1), "topic_1": ("Climbing", 1)}
    assert {(each.action, each.topic_id) for each in node.action_topics} == {
        ("question", "topic_0"),
        ("thanks", "fitness"),
        ("thanks", "topic_1"),
    }
    assert node.differs
    assert node.said is not None
    assert (round(node.said.sentiment_sum, 6), node.said.sentiment_count) == (0.6, 2)
    cached = history.look("c1", "f1")
    assert cached is not None
    assert cached.fan_state().recent_sentiment == pytest.approx((1.0 + 0.4 + 0.5 + 0.6) / 4)
    assert cached.fan_state().said is not None
    assert cached.node("f1:1") == structs.replace(node.said)  # what models said stays what is kept


def test_what_models_doubted_and_a_person_says_is_shown_by_the_person() -> None:
    history = empty_cache()
    history.merge([chat("f1")], [message("1", 0, text="0.2 thanks complaint?")])
    understand(history)
    take(history, [of_message("1", "action", ("thanks", "complaint"))])
    cached = history.look("c1", "f1")
    assert cached is not None
    found = cached.understood("1")
    assert found is not None
    assert found.action_evidence == {"thanks": "text 0:1", "complaint": "person"}


def test_a_conversation_counts_as_a_person_says_but_for_messages_of_their_own() -> None:
    history = talked()
    take(
        history,
        [
            of_conversation("2", "sentiment", 0.0, by="a"),
            of_message("3", "sentiment", 1.0, by="b"),
            of_conversation("1", "topic", ("topic_0", "fitness"), by="c"),
            of_conversation("1", "action", ("complaint",), by="d", side="fan"),
        ],
    )
    node = counted(history)
    assert (node.sentiment_sum, node.sentiment_count) == (1.0, 3)  # 1 and 4 are of the whole
    assert topics(node) == {"topic_0": ("Hiking", 2), "fitness": ("Fitness", 1)}
    assert {(each.type, each.direction, each.count) for each in node.actions} == {
        ("complaint", "fan", 1),
        ("thanks", "creator", 1),
    }
    assert not counted(history, "f1:5").differs


def test_outcomes_are_those_that_a_person_states() -> None:
    history = empty_cache()
    history.merge(
        [chat("f1")],
        [
            message("1", 0, text="hi"),
            message("2", MINUTE, text="", tip=5.0),
            message("3", 2 * MINUTE, text="", tip=7.0),
        ],
    )
    understand(history)
    take(
        history,
        [
            of_message("2", "outcome", (), by="a"),
            of_message("3", "outcome", (StatedOutcome("tip", 9.0),), by="b"),
            of_message("1", "outcome", (StatedOutcome("purchase", 20.0),), by="c"),
        ],
    )
    node = counted(history)
    assert [(each.type, each.amount, each.message_id) for each in node.outcomes] == [
        ("purchase", 20.0, "1"),
        ("tip", 9.0, "3"),
    ]
    cached = history.look("c1", "f1")
    assert cached is not None
    fan = cached.fan_state()
    assert fan.spend == 29.0
    assert fan.said is not None
    assert fan.said.spend == 12.0
    take(history, [of_conversation("1", "outcome", (StatedOutcome("tip"),), by="d")])
    assert [(each.type, each.amount) for each in counted(history).outcomes] == [("tip", 9.0)]


def test_topics_are_renamed_merged_and_hidden_in_every_chat() -> None:
    history = talked()
    take(history, [of_topic("topic_0", "name", "Walks", by="a")])
    assert topics(counted(history))["topic_0"] == ("Walks", 2)
    assert not counted(history).differs  # in nothing that is counted
    take(history, [of_topic("topic_1", "merged_into", "topic_0", by="b")])
    assert topics(counted(history)) == {"topic_0": ("Walks", 2), "fitness": ("Fitness", 1)}  # 3 had both
    assert topics(counted(history, "f1:5")) == {"topic_0": ("Walks", 1)}
    assert topics(counted(history, "f2:6")) == {"topic_0": ("Walks", 1), "fitness": ("Fitness", 1)}
    take(history, [of_topic("fitness", "hidden", True, by="c")])
    assert topics(counted(history, "f2:6")) == {"topic_0": ("Walks", 1)}
    assert topics(counted(history, "f2:6").said or counted(history)) == {
        "fitness": ("Fitness", 1),
        "topic_1": ("Climbing", 1),
    }
    cached = history.look("c1", "f2")
    assert cached is not None
    found = cached.understood("6")
    assert found is not None
    assert [(ref.id, ref.label) for ref in found.topics or ()] == [("topic_0", "Walks")]
    take(history, [of_topic("topic_0", "name", "Outdoors", by="x", at=2.0)])
    assert topics(counted(history, "f2:6")) == {"topic_0": ("Outdoors", 1)}  # which was merged into it
    cached = history.look("c1", "f2")
    assert cached is not None
    assert cached.totals.topics["topic_0"].last.label == "Outdoors"
    take(history, [of_topic("topic_0", "merged_into", "topic_1", by="d")])  # as two people at once may say
    assert topics(counted(history, "f1:5")).keys() <= {"topic_0", "topic_1"}


def test_a_merge_into_what_is_not_there_rests_and_a_later_topic_of_that_id_wakes_it() -> None:
    history = empty_cache()
    history.merge([chat("f1")], [message("1", 0, text="topic_0")])
    understand(history)
    take(history, [of_topic("topic_0", "merged_into", "topic_1")])
    assert topics(counted(history)).keys() == {"topic_0"}
    assert history.take_uncounted() == []
    history.merge([], [message("2", 20 * HOUR, text="topic_1")])
    understand(history)
    assert history.take_uncounted() == [("c1", "topic_1")]
    history.recount(("c1", "f1"), history.corrections("c1").behind("topic_1"))
    assert topics(counted(history)).keys() == {"topic_1"}
    cached = history.look("c1", "f1")
    assert cached is not None
    assert cached.totals.topics.keys() == {"topic_1"}
    finished(history.expiring("c1", counted(history).figures.start + 1))  # topic_0 is gone, topic_1 is not
    assert ("c1", "topic_1") in history.take_uncounted()


VALUES = {
    "sentiment": st.sampled_from((0.0, 0.5, 1.0)),
    "action": st.lists(st.sampled_from(ACTIONS), unique=True, max_size=3).map(tuple),
    "topic": st.lists(st.sampled_from(sorted(TOPICS)), unique=True, max_size=3).map(tuple),
    "outcome": st.lists(
        st.builds(StatedOutcome, st.sampled_from(("tip", "purchase")), st.sampled_from((None, 3.0))),
        max_size=2,
    ).map(tuple),
    "name": st.sampled_from(("Outdoors", "Money")),
    "merged_into": st.sampled_from(sorted(TOPICS)),
    "hidden": st.just(True),
}


@st.composite
def corrections(draw: st.DrawFn) -> list[Correction]:
    """Some of every kind, withdrawals among them."""
    found = []
    for n in range(draw(st.integers(1, 6))):
        kind: Any = draw(st.sampled_from(("message", "conversation", "topic")))
        fields = ("name", "merged_into", "hidden")
        field: Any = draw(
            st.sampled_from(fields if kind == "topic" else ("sentiment", "action", "topic", "outcome"))
        )
        side: Any = None
        if (kind, field) == ("conversation", "action"):
            side = draw(st.sampled_from(("fan", "creator")))
        id = draw(st.sampled_from(sorted(TOPICS) if kind == "topic" else ("1", "2", "3", "4", "5", "99")))
        value: Any = draw(st.none() | VALUES[field])
        subject = Subject(kind, id, "" if kind == "topic" else "f1")
        found.append(Correction(f"k{n}", float(n), "person:ann", subject, field, side, value))
    return found


@given(corrections(), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_corrections_matters(made: list[Correction], random: Any) -> None:
    one, other = talked(), talked()
    take(one, made)
    again = [*made, *made[:2]]
    random.shuffle(again)
    take(other, again)
    assert figures(one) == figures(other)


@given(corrections())
def test_what_is_withdrawn_counts_as_the_models_said(made: list[Correction]) -> None:
    history, untouched = talked(), talked()
    take(history, made)
    take(
        history,
        [structs.replace(each, id=f"{each.id} withdrawn", at=each.at + 100, value=None) for each in made],
    )
    assert history.corrections("c1").standing() == []
    for key in history.keys("c1"):
        now, before = history.look(*key), untouched.look(*key)
        assert now is not None
        assert before is not None
        assert now.nodes == before.nodes
        for id, node in now.counted.items():
            assert not node.differs
            raw = before.nodes[id]
            assert topics(node) == topics(raw)
            assert (node.sentiment_sum, node.outcomes, node.messages) == (
                raw.sentiment_sum,
                raw.outcomes,
                raw.messages,
            )


@given(corrections())
def test_what_counts_is_the_same_packed_unpacked_and_taken_over(made: list[Correction]) -> None:
    live, anew = talked(), empty_cache()
    take(live, made[:3])
    for key in live.keys("c1"):
        live.close(key)
    take(live, made[3:])
    anew.load_corrections(
        msgspec.msgpack.decode(
            msgspec.msgpack.encode(live.all_corrections()), type=dict[str, list[Correction]]
        )
    )
    for key, packed in live.packed():
        anew.load(key, msgspec.msgpack.decode(msgspec.msgpack.encode(packed), type=Packed), enriched=True)
    assert figures(anew) == figures(live)
    whole = talked()
    take(whole, made)
    assert figures(whole) == figures(live)


@given(corrections())
def test_what_counts_without_what_each_message_said_has_the_same_topics(made: list[Correction]) -> None:
    """As figures are read when an owner begins."""
    history = talked()
    take(history, [each for each in made if each.subject.kind == "topic"])
    for key in history.keys("c1"):
        cached = history.look(*key)
        assert cached is not None
        whole = {node.id: topics(node).keys() for node in cached.counted.values()}
        history.close(key)
        read = {node.id: topics(node).keys() for node in history.understood(key, 0.0)}
        assert read == whole


def test_every_order_of_two_people_who_say_it_at_once_has_the_same_winner() -> None:
    said = [of_message("1", "sentiment", value, by=str(value), at=5.0) for value in (0.0, 0.5, 1.0)]
    winners = set()
    for order in permutations(said):
        history = talked()
        take(history, order)
        winners.add(counted(history).messages["1"].sentiment)
    assert winners == {1.0}


def test_a_correction_follows_its_conversation_when_older_history_begins_it_anew() -> None:
    history = talked()
    take(history, [of_conversation("1", "sentiment", 1.0)])
    history.merge([], [message("0", -HOUR, text="0.5 before all others")])
    understand(history)
    node = counted(history, "f1:0")
    assert (node.sentiment_sum, node.sentiment_count) == (4.0, 4)


def test_a_correction_goes_with_its_chat_that_comes_to_be_known_by_another_id() -> None:
    history = talked()
    take(history, [of_message("1", "sentiment", 1.0)])
    history.merge([chat("c9", fan_id="f1")], [])
    understand(history)
    assert counted(history, "c9:1").messages["1"].sentiment == 1.0
    take(history, [of_message("3", "sentiment", 0.0, by="later")])  # named by the id of before
    assert counted(history, "c9:1").messages["3"].sentiment == 0.0


def test_of_a_message_that_is_deleted_nothing_counts_and_its_conversation_says_so() -> None:
    history = talked()
    take(history, [of_message("3", "sentiment", 1.0)])
    gone = message("3", 2 * MINUTE, text="", is_deleted=True, changed_at=9e9)
    history.merge([], [gone])
    understand(history)
    node = counted(history)
    assert node.sentiment_sum == pytest.approx(0.2)
    assert node.said is not None  # the graph is to have nothing beside it any more
    assert not node.differs


def test_a_later_fit_and_another_model_keep_what_was_corrected() -> None:
    history = talked()
    take(history, [of_message("1", "sentiment", 1.0, by="a"), of_topic("topic_0", "name", "Walks", by="b")])
    for key, packed in history.packed():
        history.load(key, packed, enriched=False)
    understand(history)
    assert counted(history).messages["1"].sentiment == 1.0
    assert topics(counted(history))["topic_0"] == ("Walks", 2)


def test_a_refit_finds_what_models_said_and_leaves_what_people_did() -> None:
    history = talked()
    take(
        history,
        [
            of_message("1", "topic", ("fitness",), by="a"),
            of_topic("topic_1", "merged_into", "topic_0", by="b"),
        ],
    )
    cached = history.look("c1", "f1")
    assert cached is not None
    seen = {each.id: mark(each, cached.context(each.id)) for each in cached.conversations}
    before = cached.nodes["f1:1"]
    refs = (TopicRef("topic_1", "Climbing"),)
    messages = {
        id: structs.replace(each, topics=refs if id in ("1", "3") else ())
        for id, each in before.messages.items()
    }
    use = structs.replace(TOPICS["topic_1"], messages=2, weight=0.5)
    found = structs.replace(before, messages=messages, topics=(use,), action_topics=())
    assert history.revise("c1", "f1", [found], seen) == [found]
    now = history.look("c1", "f1")
    assert now is not None
    assert now.nodes["f1:1"].topics == (use,)
    assert topics(counted(history)) == {"fitness": ("Fitness", 1), "topic_0": ("Hiking", 1)}


def test_corrections_go_with_what_is_erased_and_what_expires() -> None:
    class Marks:
        def covering(self, creator_id: str) -> Any:
            return lambda *ids: "f1" in ids

    history = talked()
    take(history, [of_message("1", "sentiment", 1.0, by="a"), of_topic("topic_0", "name", "Walks", by="b")])
    history.erase(Marks())
    assert [each.id for each in history.corrections("c1").all()] == ["b"]
    assert history.has_corrections("c1")
    history = talked()
    take(history, [of_message("1", "sentiment", 1.0, by="a"), of_message("5", "sentiment", 1.0, by="b")])
    finished(history.expiring("c1", counted(history, "f1:5").figures.start - 1))
    assert [each.id for each in history.corrections("c1").standing()] == ["b"]
    understand(history)
    take(history, [of_message("5", "sentiment", None, by="c", at=9.0)])
    finished(history.expiring("c1", counted(history, "f1:5").figures.start))
    cached = history.look("c1", "f1")
    assert cached is not None
    assert cached.fan_state().said is not None  # the graph still has something beside the fan
    assert history.corrections("c1").standing() == []


def test_an_account_that_nobody_corrected_is_counted_as_it_is_kept() -> None:
    history = talked()
    cached = history.look("c1", "f1")
    assert cached is not None
    assert all(cached.counted[id] is node for id, node in cached.nodes.items())
    assert cached.fan_state().said is None
    assert not history.all_corrections()


@pytest.mark.parametrize(
    ("correction", "field"),
    [
        (of_message("1", "name", "x"), "field"),
        (of_topic("t", "sentiment", 0.5), "field"),
        (of_message("1", "sentiment", 1.5), "value"),
        (of_message("1", "sentiment", True), "value"),
        (of_message("1", "action", ("thanks", "thanks")), "value"),
        (of_message("1", "outcome", ("tip",)), "value"),
        (of_message("1", "topic", tuple(map(str, range(21)))), "value"),
        (of_topic("t", "name", "  "), "value"),
        (of_topic("t", "name", "x" * 101), "value"),
        (of_topic("t", "hidden", False), "value"),
        (of_conversation("1", "action", ()), "side"),
        (of_conversation("1", "topic", (), side="fan"), "side"),
        (Correction("k", 0.0, "w", Subject("message", "1"), "topic", None, ()), "chat_id"),
        (Correction("k", 0.0, "w", Subject("topic", "1", "f1"), "name", None, "x"), "chat_id"),
    ],
)
def test_what_makes_no_sense_is_named(correction: Correction, field: str) -> None:
    found = problem(correction)
    assert found is not None
    assert found[0] == field


def test_a_set_of_corrections_knows_every_id_it_ever_had() -> None:
    made = Corrections(
        [of_message("1", "sentiment", 0.1, by="a"), of_message("1", "sentiment", 0.2, by="b", at=2.0)]
    )
    assert "a" in made
    assert [each.id for each in made.standing()] == ["b"]
    assert not made.take(of_message("1", "sentiment", 0.9, by="a", at=9.0))
