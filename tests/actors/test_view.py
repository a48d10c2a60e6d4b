from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.cache import Touched
from actors.cached_chat import CachedChat
from actors.view import (
    chat_facts,
    chat_node,
    failed_conversations,
    not_enriched,
    priority_of,
    received,
    shown,
)
from chats.message import Message
from enrich.node import not_understood
from graph.builder import GraphBuilder
from graph.model import UpsertVertex
from graph.traversals import ConversationRow
from insights.metrics import response_time_metrics
from tests.actors.factories import DAY, HOUR, MINUTE, START, cached, chat, message, node
from wire.incoming import CacheUpdatePayload
from wire.normalise import normalise_snapshot
from wire.payloads import ActionTopic, ActionUse, ExtendedConversationNode, TopicUse

ROBIN = {"id": 501, "name": "Robin", "username": "robin", "avatarThumbs": {"c144": "https://cdn.test/r.jpg"}}


def totals(found: CachedChat) -> ExtendedConversationNode:
    return chat_node(found, found.ordered(), priority=None)


def in_the_graph(found: CachedChat) -> list[ConversationRow]:
    """The chat's conversations as the graph answers them."""
    builder = GraphBuilder("u1", "c1", 1)
    written = [m for n in found.nodes.values() for m in builder.build_graph(n, n.fanId)]
    return [
        {field: dict(m.properties)[field] for field in ConversationRow.__annotations__}  # type: ignore[misc]
        for m in written
        if isinstance(m, UpsertVertex) and m.label == "ConversationNode"
    ]


@given(
    st.lists(
        st.tuples(st.floats(0, 3 * DAY), st.sampled_from(("fan", "creator")), st.text(max_size=5)),
        max_size=20,
    )
)
def test_a_chats_totals_are_the_insights_metrics_of_its_conversations(drawn: list[Any]) -> None:
    said = [message(f"m{n}", at, by, text=text) for n, (at, by, text) in enumerate(drawn)]
    found = cached(said, chat())
    shown_node, metrics = totals(found), response_time_metrics(in_the_graph(found))
    assert shown_node.messageCount == len(said)
    assert shown_node.averageResponseTime == pytest.approx(metrics.response_time.mean)
    assert shown_node.silencePercentage == pytest.approx(metrics.silence_percentage)
    assert shown_node.turns == metrics.turns
    assert shown_node.unanswered == metrics.response_time.unanswered
    assert len(shown_node.responseSeconds) == metrics.response_time.n
    assert shown_node.sentiment == pytest.approx(found.fan_state("u1").sentiment_profile)


def test_a_chat_of_the_worked_example_shows_its_figures() -> None:
    times = [(0, "fan"), (1, "fan"), (11, "creator"), (12, "fan"), (600, "fan"), (630, "creator")]
    found = totals(cached([message(f"m{n}", at * MINUTE, by) for n, (at, by) in enumerate(times)]))  # type: ignore[arg-type]
    assert found.averageResponseTime == 18_870
    assert found.turns == 1.5
    assert found.silencePercentage == pytest.approx(91.67, abs=0.01)
    assert (found.unanswered, found.messageCount) == (0, 6)
    assert (found.startDate, found.endDate) == (
        datetime.fromtimestamp(START, UTC),
        datetime.fromtimestamp(START + 630 * MINUTE, UTC),
    )


def test_nothing_is_invented_for_a_chat_without_messages() -> None:
    found = totals(cached([], chat()))
    assert (found.startDate, found.endDate, found.averageResponseTime, found.turns) == (None,) * 4
    assert (found.silencePercentage, found.sentiment, found.priorityScore, found.withUser) == (None,) * 4
    assert (found.messages, found.topics, found.outcomes, found.messageCount) == ([], [], [], 0)


def use(id: str, messages: int) -> TopicUse:
    return TopicUse(id=id, topic=f"topic {id}", messages=messages, weight=1.0, model="m 1")


def test_topics_actions_and_outcomes_of_the_conversations_add_up() -> None:
    found = cached(
        [
            message("m1", 0, tip=5.0),
            message("m2", MINUTE),
            message("m3", 10 * HOUR, tip=7.0),
            message("m4", 11 * HOUR),
        ]
    )
    first, second = found.conversations
    for conversation, n in ((first, 1), (second, 2)):
        found.nodes[conversation.id] = node(
            conversation,
            found,
            topics=[use("7", n)] + ([use("9", 1)] if n == 1 else []),
            actions=[ActionUse(type="thanks", count=n, direction="fan", evidence=[f"e{n}"])],
            actionTopics=[ActionTopic(action="thanks", topicId="7", count=n)],
        )
    result = totals(found)
    assert [(t.id, t.messages, t.weight) for t in result.topics] == [("7", 3, 0.75), ("9", 1, 0.25)]
    assert result.actions == [ActionUse(type="thanks", count=3, direction="fan", evidence=["e1", "e2"])]
    assert result.actionTopics == [ActionTopic(action="thanks", topicId="7", count=3)]
    assert [(o.type, o.amount) for o in result.outcomes] == [("tip", 5.0), ("tip", 7.0)]


def test_only_the_given_messages_are_shown_with_the_totals_of_all() -> None:
    found = cached([message("m1", 0), message("m2", MINUTE)])
    touched = Touched(
        "f1", changed=[message("m1", 0, text="edited")], removed=[message("m0", -MINUTE, is_deleted=True)]
    )
    result = chat_node(found, [message("m2", MINUTE)], priority=81.5, touched=touched)
    assert (result.messageCount, result.priorityScore) == (2, 81.5)
    assert [m["text"] for m in result.messages] == ["text of m2"]
    assert [m["text"] for m in result.changedMessages] == ["edited"]
    assert result.removedMessages == ["m0"]


def normalised(raw: dict[str, Any]) -> Message:
    """As the platform's message is read, in a chat with Robin."""
    payload = CacheUpdatePayload(chats=[{"withUser": ROBIN}], messages=[raw])
    found = normalise_snapshot(payload, creator_id="9", received_at=START, max_text=1000)
    return found.messages[0]


RAW = {
    "id": 1,
    "text": "<p>hi &amp; <b>bye</b><br />😍</p>",
    "createdAt": "2024-05-01T10:00:00+02:00",
    "fromUser": {"id": 501},
}


def test_a_shown_fan_message_has_plain_text_and_a_named_sender() -> None:
    result = shown(normalised(RAW), ROBIN)
    assert result["text"] == "hi & bye\n😍"
    assert result["fromUser"] == ROBIN
    assert (result["direction"], result["chatId"], result["createdAt"]) == ("fan", "501", RAW["createdAt"])


def test_what_the_message_itself_says_of_its_sender_wins() -> None:
    result = shown(normalised({**RAW, "fromUser": {"id": 501, "name": "Robin R."}}), ROBIN)
    assert (result["fromUser"]["name"], result["fromUser"]["username"]) == ("Robin R.", "robin")


def test_a_creators_message_is_not_given_the_fans_name() -> None:
    echo = {"id": 2, "text": "hello", "toUser": {"id": 501}, "createdAt": RAW["createdAt"]}
    result = shown(normalised(echo), ROBIN)
    assert "fromUser" not in result
    assert result["direction"] == "creator"


def test_a_message_without_a_time_is_shown_with_the_one_it_was_given() -> None:
    assert shown(message("m1", 0), None)["createdAt"] == "2024-05-01T08:00:00+00:00"


def test_enrichment_stands_beside_the_message_as_received_and_is_null_before() -> None:
    found = cached([message("m1", 0, raw=orjson.dumps(RAW))])
    [said] = found.ordered()
    result = received(said, found)
    assert {key: result[key] for key in RAW} == RAW
    assert result["enrichment"]["sentiment"] == found.nodes["f1:m1"].enrichment["m1"].sentiment
    found.nodes.clear()
    assert received(said, found) == {**RAW, "enrichment": None}


def test_a_chats_facts_name_the_fan_and_its_last_message() -> None:
    of = chat(unread=2, counted_at=START + HOUR, with_user=orjson.dumps(ROBIN))
    found = cached([message("m1", 0), message("m2", HOUR)], of)
    assert chat_facts(found.chat, found) == {
        "id": "f1",
        "creatorId": "c1",
        "withUser": ROBIN,
        "unreadMessagesCount": 2,
        "messageCount": 2,
        "lastMessageAt": "2024-05-01T09:00:00+00:00",
    }
    bare = cached([], chat())
    assert chat_facts(bare.chat, bare)["withUser"] == {"id": "f1"}
    assert chat_facts(bare.chat, bare)["lastMessageAt"] is None


def test_messages_that_could_not_be_enriched_are_listed_with_the_reason() -> None:
    found = cached([message("m1", 0, raw=b'{"id":"m1"}'), message("m2", 10 * HOUR)])
    assert not_enriched(found) == []
    [first, _] = found.conversations
    found.nodes[first.id] = not_understood(first, found.contexts[first.id], "WorkerCrashedError")
    [listed] = not_enriched(found)
    [key] = failed_conversations(found).values()
    assert listed == {
        "key": key,
        "reason": "not_enriched",
        "id": "m1",
        "creator_id": "c1",
        "failed": {"enrichment": "WorkerCrashedError"},
        "received": {"id": "m1"},
    }
    assert found.nodes[first.id].messageCount == 1


def test_priorities_rank_who_waits_and_spends_first() -> None:
    now = datetime.fromtimestamp(START + 12 * HOUR, UTC)
    waits = cached([message("m1", 0, chat="waits", text="")], chat("waits"))
    answered = cached(
        [message("m1", 0, chat="done", text=""), message("a1", 1, "creator", chat="done")], chat("done")
    )
    spends = cached(
        [message("m1", 0, chat="spends", text="", tip=50.0), message("a1", 1, "creator", chat="spends")],
        chat("spends"),
    )
    fans = [each.fan_state("u1") for each in (waits, answered, spends)]
    scores = {fan.chat_id: priority_of(fans, now)(fan) for fan in fans}
    assert scores["done"] == 0
    assert scores["spends"] == pytest.approx(15 * 2 / 3)
    assert scores["waits"] == pytest.approx(35 * (1 - 2.718281828**-1), abs=0.001)
