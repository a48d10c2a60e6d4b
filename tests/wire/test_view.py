from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import enriched as domain
from chats.enriched import MessageEnrichment, TopicRef
from enrich.node import not_understood
from graph.builder import GraphBuilder
from graph.model import UpsertVertex
from graph.traversals import CONVERSATIONS, ConversationRow
from history.chat import CachedChat
from history.history import Touched
from insights.metrics import response_time_metrics
from insights.tables import of_rows
from tests.actors.factories import DAY, HOUR, MINUTE, START, cached, chat, message, node
from wire.incoming import CacheUpdatePayload
from wire.normalise import normalise_snapshot
from wire.payloads import (
    ActionTopic,
    ActionUse,
    ExtendedConversationNode,
    PriorityScore,
    ShownMessage,
    TopicMetric,
    for_pages,
)
from wire.view import (
    chat_facts,
    chat_node,
    failed_conversations,
    not_enriched,
    received,
)

ROBIN = {"id": 501, "name": "Robin", "username": "robin", "avatarThumbs": {"c144": "https://cdn.test/r.jpg"}}


def totals(found: CachedChat) -> ExtendedConversationNode:
    return chat_node(found, found.ordered(), priority=None)


def in_the_graph(found: CachedChat) -> list[ConversationRow]:
    """The chat's conversations as the graph answers them."""
    builder = GraphBuilder("u1", "c1", 1)
    written = [m for n in found.nodes.values() for m in builder.build_graph(n, n.fan_id)]
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
    shown_node, metrics = totals(found), response_time_metrics(of_rows(CONVERSATIONS, in_the_graph(found)))
    assert shown_node.messageCount == len(said)
    mean = metrics.response_time.mean
    assert shown_node.averageResponseTime == (None if mean is None else pytest.approx(mean / 60))
    assert shown_node.silencePercentage == pytest.approx(metrics.silence_percentage)
    assert shown_node.turns == metrics.turns
    assert shown_node.unanswered == metrics.response_time.unanswered
    assert len(shown_node.responseSeconds) == metrics.response_time.n
    assert shown_node.sentiment == pytest.approx(found.fan_state().sentiment_profile)


def test_a_chat_of_the_worked_example_shows_its_figures() -> None:
    times = [(0, "fan"), (1, "fan"), (11, "creator"), (12, "fan"), (600, "fan"), (630, "creator")]
    found = totals(cached([message(f"m{n}", at * MINUTE, by) for n, (at, by) in enumerate(times)]))  # type: ignore[arg-type]
    assert found.averageResponseTime == 18_870 / 60
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


def use(id: str, messages: int) -> domain.TopicUse:
    return domain.TopicUse(id=id, label=f"topic {id}", messages=messages, weight=1.0, model="m 1")


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
        found.store(
            node(
                conversation,
                found,
                topics=(use("7", n), use("9", 1))[: 3 - n],
                actions=(domain.ActionUse(type="thanks", count=n, direction="fan", evidence=(f"e{n}",)),),
                action_topics=(domain.ActionTopic(action="thanks", topic_id="7", count=n),),
            )
        )
    result = totals(found)
    assert [(t.id, t.messages, t.weight) for t in result.topics] == [("7", 3, 0.75), ("9", 1, 0.25)]
    assert [(t.topicId, t.description) for t in result.topics] == [("7", "topic 7"), ("9", "topic 9")]
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
    assert [m.text for m in result.messages] == ["text of m2"]
    assert [m.text for m in result.changedMessages] == ["edited"]
    assert result.removedMessages == ["m0"]


RAW = {
    "id": 1,
    "text": "<p>hi &amp; <b>bye</b><br />😍</p>",
    "createdAt": "2024-05-01T10:00:00+02:00",
    "fromUser": {"id": 501},
}
ECHO = {"id": 2, "text": "hello", "toUser": {"id": 501}, "createdAt": "2024-05-01T10:01:00+02:00"}


def shown(*raws: dict[str, Any], chats: Any = ({"withUser": ROBIN},)) -> list[ShownMessage]:
    """The platform's messages as a page is shown them, in a chat of creator 9 with Robin."""
    payload = CacheUpdatePayload(chats=list(chats), messages=list(raws))
    read = normalise_snapshot(payload, creator_id="9", received_at=START, max_text=1000)
    return totals(cached(list(read.messages), read.chats[0])).messages


def test_a_shown_message_has_plain_text_a_direction_a_time_and_its_chat() -> None:
    [by_fan, by_creator] = shown(RAW, ECHO)
    assert (by_fan.text, by_creator.text) == ("hi & bye\n😍", "hello")
    assert (by_fan.direction, by_fan.is_creator) == ("fan", False)
    assert (by_creator.direction, by_creator.is_creator) == ("creator", True)
    assert by_fan.chatId == by_creator.chatId == "501"
    assert by_fan.createdAt == datetime.fromtimestamp(START, UTC)


@pytest.mark.parametrize("time", ["2024-05-01T10:00:00+02:00", START, 1000 * START, str(int(START))])
def test_a_time_is_shown_as_text_with_an_offset_however_it_was_received(time: object) -> None:
    [message_] = shown({**RAW, "createdAt": time})
    text = orjson.loads(for_pages(message_))["createdAt"]
    assert datetime.fromisoformat(text) == datetime.fromtimestamp(START, UTC)


@pytest.mark.parametrize("first", [RAW, ECHO])
@pytest.mark.parametrize(
    "user", [ROBIN, {"id": 501, "displayName": "Robin", "name": "R", "username": "robin", "avatar": None}]
)
def test_the_sender_that_titles_a_chat_shows_the_fan_whoever_wrote(first: Any, user: Any) -> None:
    own = {"id": 9, "name": "The creator", "username": "me", "avatar": "https://cdn.test/me.jpg"}
    echo = {**ECHO, "fromUser": own}
    for message_ in shown(echo if first is ECHO else RAW, chats=[{"withUser": user}]):
        sender = message_.fromUser.model_dump()
        assert (sender["displayName"], sender["username"]) == ("Robin", "robin")
        assert sender.get("avatarThumbs") == user.get("avatarThumbs")
        assert "avatar" not in sender
        assert sender["id"] == (9 if message_.is_creator else 501)


def test_a_captured_send_is_the_creators() -> None:
    [echo] = shown(ECHO)
    assert (echo.fromUser.id, echo.fromUser.displayName) == ("9", "Robin")


def test_a_fan_whom_only_a_message_names_has_that_name_in_every_message() -> None:
    named = {
        **RAW,
        "id": 3,
        "createdAt": "2024-05-01T10:02:00+02:00",
        "fromUser": {"id": 501, "name": "Robin"},
    }
    for with_user in ({"id": 501}, {"id": 501, "name": None, "username": " "}):
        found = shown(RAW, ECHO, named, chats=[{"withUser": with_user}])
        assert {each.fromUser.displayName for each in found} == {"Robin"}


def test_a_fan_without_a_known_name_is_called_by_its_id() -> None:
    for each in shown(RAW, ECHO, chats=[{"withUser": {"id": 501, "name": 5}}]):
        assert (each.fromUser.displayName, each.fromUser.username) == ("501", "501")
    [alone] = totals(cached([message("m1", 0)])).messages
    assert (alone.fromUser.id, alone.fromUser.displayName) == ("f1", "f1")


@pytest.mark.parametrize("odd", [5, "x", [], {"id": None}, {"id": {}}, {"id": True}])
def test_users_and_quotes_that_cannot_be_read_do_no_harm(odd: object) -> None:
    raw = {**ECHO, "fromUser": odd, "replyToMessage": odd, "topics": odd, "sentimentScore": odd}
    [found] = shown(raw)
    assert (found.fromUser.id, found.fromUser.displayName) == ("9", "Robin")


def test_the_message_that_is_answered_is_quoted_as_plain_text() -> None:
    quoted = {"id": 7, "text": "<p>how &amp; when?</p>", "media": None}
    [found] = shown({**RAW, "replyToMessage": quoted})
    assert orjson.loads(for_pages(found))["replyToMessage"] == {"id": 7, "text": "how & when?"}
    [bare] = shown({**RAW, "replyToMessage": {"id": 7, "text": None}})
    assert orjson.loads(for_pages(bare))["replyToMessage"] == {"id": 7}


def test_a_message_shows_what_was_understood_of_it_and_only_a_fan_has_a_sentiment() -> None:
    found = cached(
        [message("m1", 0), message("m2", 1, "creator"), message("m3", 2), message("m4", 10 * HOUR)]
    )
    [first, later] = found.conversations
    topics = (TopicRef(id="t1", label="Travel"), TopicRef(id="t2", label="Food"))
    understood = {
        "m1": MessageEnrichment(sentiment=0.756, topics=topics),
        "m2": MessageEnrichment(sentiment=0.9),
        "m3": MessageEnrichment(sentiment=None, topics=None, failed={"topics": "lost"}),
    }
    found.store(node(first, found, messages=understood))
    found.outdate([later])
    result = orjson.loads(for_pages(totals(found)))["messages"]
    assert [each.get("sentimentScore") for each in result] == [0.76, None, None, None]
    assert [each.get("topics") for each in result] == [["Travel", "Food"], [], None, None]
    changed = chat_node(found, [], priority=None, touched=Touched("f1", changed=[message("m1", 0)]))
    assert changed.changedMessages[0].topics == ["Travel", "Food"]


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
FIELDS = ("fromUser", "toUser", "media", "topics", "is_creator", "chatId", "replyToMessage", "sentimentScore")


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), json), json)
def test_whatever_was_received_a_node_for_pages_has_no_field_that_is_null(raw: Any, user: Any) -> None:
    said = message("m1", 0, raw=orjson.dumps({**raw, "id": 5}))
    known = chat(with_user=orjson.dumps(user if isinstance(user, dict) else {"name": user}))
    shown_node = orjson.loads(for_pages(totals(cached([said], known))))
    assert nulls(shown_node) == []
    [found] = shown_node["messages"]
    assert found["fromUser"]["displayName"]
    given = {k: v for k, v in raw.items() if k not in ShownMessage.model_fields}
    assert {key: found[key] for key in given if key in found} == {
        key: without_nulls(value) for key, value in given.items() if value is not None
    }


def nulls(value: Any) -> list[str]:
    """The names of fields that are null, however deep."""
    match value:
        case dict():
            return [k for k, v in value.items() if v is None or nulls(v)]
        case list():
            return [name for each in value for name in nulls(each)]
    return []


def without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {k: without_nulls(v) for k, v in value.items() if v is not None}
        case list():
            return [without_nulls(each) for each in value]
    return value


def test_figures_on_pages_are_what_a_person_reads_and_elsewhere_are_exact() -> None:
    exact = chat_node(cached([], chat()), [], priority=33.40274552806912).model_copy(
        update={
            "averageResponseTime": 1.0,
            "silencePercentage": 91.66666,
            "sentiment": 0.123456,
            "turns": 4 / 3,
        }
    )
    on_page = orjson.loads(for_pages(exact))
    assert (on_page["priorityScore"], on_page["silencePercentage"]) == (33.4, 91.7)
    assert (on_page["averageResponseTime"], on_page["turns"], on_page["sentiment"]) == (1, 1.3, 0.12)
    assert exact.model_dump()["priorityScore"] == 33.40274552806912
    topic = TopicMetric(
        topic="Travel", id="t", volume=2, percentage_of_total=200 / 3, trend=-100 / 3, previous_volume=3
    )
    assert orjson.loads(for_pages(topic))["percentage_of_total"] == 66.7
    assert orjson.loads(for_pages(topic))["trend"] == -33.3
    assert topic.model_dump(mode="json")["trend"] == -100 / 3
    parts = PriorityScore(score=100 / 3, unread=100 / 3, waiting=0, sentiment=0, spend=0)
    found = exact.model_copy(update={"priority": parts})
    assert orjson.loads(for_pages(found))["priority"]["score"] == 33.3
    assert found.model_dump(mode="json")["priority"]["score"] == 100 / 3


def test_a_minute_is_a_minute() -> None:
    found = totals(cached([message("m1", 0), message("m2", MINUTE, "creator")]))
    assert orjson.loads(for_pages(found))["averageResponseTime"] == 1


def test_enrichment_stands_beside_the_message_as_received_and_is_null_before() -> None:
    found = cached([message("m1", 0, raw=orjson.dumps(RAW))])
    [said] = found.ordered()
    result = received(said, found)
    assert {key: result[key] for key in RAW} == RAW
    assert result["enrichment"]["sentiment"] == found.nodes["f1:m1"].messages["m1"].sentiment
    found.outdate(found.conversations)
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
    found.store(not_understood(first, found.contexts[first.id], "WorkerCrashedError"))
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
    assert found.nodes[first.id].figures.direct_messages == 1
