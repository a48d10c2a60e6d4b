from collections import Counter
from dataclasses import replace
from typing import Any, cast

from hypothesis import given
from msgspec import structs

from chats.account import Account
from chats.enriched import ActionTopic, ActionUse, EnrichedConversation
from chats.fan import FanState
from graph.builder import GraphBuilder
from graph.dialect import KEYS
from graph.model import SCHEMA, DropStale, Mutation, UpsertEdge, UpsertVertex
from graph.warned import read_warnings
from tests.graph.strategies import START, conversation, conversations, drop_off, tip

BUILDER = GraphBuilder("u1", "creator", 7)


def vertices(mutations: list[Mutation], label: str) -> list[UpsertVertex]:
    return [m for m in mutations if isinstance(m, UpsertVertex) and m.label == label]


def edges(mutations: list[Mutation], label: str) -> list[UpsertEdge]:
    return [m for m in mutations if isinstance(m, UpsertEdge) and m.label == label]


def test_conversation_vertex_has_exactly_the_documented_properties() -> None:
    (node,) = vertices(BUILDER.build_graph(conversation(), "f1"), "ConversationNode")
    assert node.id == "conv:c1:m1"
    assert node.pk == Account("u1", "creator").key
    assert node.properties == {
        "conversation": "c1:m1",
        "chatId": "c1",
        "fanId": "f1",
        "startDate": 1740823200,
        "endDate": 1740826800,
        "messageCount": 4,
        "fanMessages": 2,
        "massMessages": 1,
        "ppvOffers": 1,
        "massPpvOffers": 1,
        "offers": "1740823200,9.99,video,,1740823260,9.99,notice,;1740823205,25.0,,mass,,,,bob@team.example",
        "said": "1740823200f;1740823205mbob@team.example;1740823860canna;1740825000f;1740826800c",
        "answers": "1740823140,660,;1740825000,37080.25,anna",
        "turns": 3,
        "silenceSeconds": 600.5,
        "responseSeconds": "660,37080.25",
        "unanswered": 1,
        "sentimentSum": 1.25,
        "sentimentCount": 2,
        "firstFanDate": 1740823200,
        "lastFanDate": 1740826740,
        "warnings": "",
        "rev": 7,
    }
    assert isinstance(node.properties["turns"], int)


def test_the_account_is_found_by_its_user_and_its_creator() -> None:
    account = BUILDER.build_account()
    assert (account.id, account.label, account.pk) == ("creator:creator", "Creator", BUILDER.pk)
    assert account.properties == {"creatorId": "creator", "userId": "u1", "schema": SCHEMA}


def test_nothing_but_the_account_says_whose_it_is() -> None:
    built = [*BUILDER.build_graph(conversation(outcomes=[tip()]), "f1"), *BUILDER.build_fan(FAN)]
    written = [m for m in built if isinstance(m, UpsertVertex | UpsertEdge)]
    assert {m.pk for m in written} == {BUILDER.pk}
    assert {"userId", "creatorId"}.isdisjoint(key for m in written for key in m.properties)


def test_when_the_fan_wrote_is_in_whole_seconds_or_a_bound_where_it_is_not_known() -> None:
    def dates(**changes: Any) -> list[Any]:
        found = conversation()
        found = structs.replace(found, figures=replace(found.figures, **changes))
        (node,) = vertices(BUILDER.build_graph(found, "f1"), "ConversationNode")
        return [node.properties[name] for name in ("firstFanDate", "lastFanDate")]

    assert dates(fan_first=START + 5.9, fan_last=START + 6.1) == [START + 5, START + 6]
    assert dates(fan_first=None, fan_last=None) == [START, START + 3600]
    assert dates(fan_messages=0, fan_first=None, fan_last=None) == [0, 0]


def test_what_the_fan_alone_says_warns() -> None:
    said = [("complaint", 2, "fan"), ("churn_intent", 1, "fan"), ("question", 1, "fan")]
    actions = [ActionUse(type=t, count=n, direction=cast(Any, side)) for t, n, side in said]
    actions.append(ActionUse(type="price_objection", count=3, direction="creator"))
    conv = structs.replace(conversation(actions=[]), actions=tuple(actions))
    (node,) = vertices(BUILDER.build_graph(conv, "f1"), "ConversationNode")
    assert node.properties["warnings"] == "churn_intent=1,complaint=2"
    assert read_warnings("churn_intent=1,complaint=2") == {"churn_intent": 1, "complaint": 2}
    assert read_warnings("") == {}


def test_no_responses_read_as_empty_text() -> None:
    spoken = conversation()
    quiet = structs.replace(spoken, figures=replace(spoken.figures, response_seconds=(), answers=()))
    (node,) = vertices(BUILDER.build_graph(quiet, "f1"), "ConversationNode")
    assert node.properties["responseSeconds"] == ""


def test_creator_and_fan_both_have_the_conversation() -> None:
    built = BUILDER.build_graph(conversation(), "f1")
    assert [(e.source, e.target) for e in edges(built, "HAS_CONVERSATION")] == [
        ("creator:creator", "conv:c1:m1"),
        ("fan:f1", "conv:c1:m1"),
    ]
    (fan,) = vertices(built, "Fan")
    assert fan.properties == {"fanId": "f1", "chatId": "c1"}


def test_topic_without_category_has_an_empty_one() -> None:
    built = BUILDER.build_graph(conversation(topics=["1"]), "f1")
    (topic,) = vertices(built, "Topic")
    assert topic.properties == {
        "description": "topic 1",
        "category": "",
        "keywords": "sun,sea",
        "model": "m 1",
    }
    (edge,) = edges(built, "DISCUSS_TOPIC")
    assert edge.properties == {"messages": 2, "weight": 0.5, "rev": 7}


def test_one_action_of_both_sides_is_two_edges() -> None:
    both = (
        ActionUse(type="question", count=1, direction="fan"),
        ActionUse(type="question", count=2, direction="creator"),
    )
    conv = structs.replace(conversation(actions=[]), actions=both)
    built = edges(BUILDER.build_graph(conv, "f1"), "USES_ENGAGEMENT")
    assert [(e.key, e.properties["count"]) for e in built] == [("fan", 1), ("creator", 2)]


def test_targets_carry_their_conversation() -> None:
    built = edges(BUILDER.build_graph(conversation(actions=["thanks"], topics=["2"]), "f1"), "TARGETS_TOPIC")
    assert [(e.source, e.target, e.key) for e in built] == [("action:thanks", "topic:2", "c1:m1")]
    assert built[0].properties == {
        "conversation": "c1:m1",
        "startDate": 1740823200,
        "count": 1,
        "rev": 7,
    }


def test_target_without_its_topic_is_not_written() -> None:
    conv = conversation(topics=["1"], actions=["thanks"])
    lost = ActionTopic(action="thanks", topic_id="gone", count=1)
    conv = structs.replace(conv, action_topics=(*conv.action_topics, lost))
    assert len(edges(BUILDER.build_graph(conv, "f1"), "TARGETS_TOPIC")) == 1


def test_outcomes_are_numbered_by_type_and_amount_stays_unknown() -> None:
    built = BUILDER.build_graph(conversation(outcomes=[tip(), drop_off(), tip(None)]), "f1")
    outcomes = vertices(built, "InteractionOutcome")
    ids = ["outcome:c1:m1:tip:0", "outcome:c1:m1:drop_off:0", "outcome:c1:m1:tip:1"]
    assert [o.id for o in outcomes] == ids
    assert [o.properties.get("amount") for o in outcomes] == [5.0, None, None]
    assert [o.properties["provisional"] for o in outcomes] == [False, True, False]
    assert [e.target for e in edges(built, "RESULTS_IN_OUTCOME")] == ids


def test_build_ends_with_dropping_what_is_stale() -> None:
    assert BUILDER.build_graph(conversation(), "f1")[-1] == DropStale(BUILDER.pk, "c1:m1", 7)


FAN = FanState("f1", "creator", "c1", 1700000000.9, 12.5, 3, 1740823200.0, 0.25, 0.5, 1740823260.0)


def test_fan_vertex_has_exactly_the_documented_properties() -> None:
    (fan,) = vertices(BUILDER.build_fan(FAN), "Fan")
    assert fan.id == "fan:f1"
    assert fan.properties == {
        "fanId": "f1",
        "chatId": "c1",
        "joinDate": 1700000000,
        "spend": 12.5,
        "unread": 3,
        "waitingSince": 1740823200,
        "notWaiting": "",
        "recentSentiment": 0.25,
        "sentimentProfile": 0.5,
        "lastMessageDate": 1740823260,
        "subscriptionEnd": 0,
    }


def test_what_is_not_known_of_a_fan_has_its_documented_sign() -> None:
    unknown = replace(
        FAN,
        join_date=None,
        waiting_since=None,
        recent_sentiment=None,
        sentiment_profile=None,
        last_message_at=None,
    )
    (fan,) = vertices(BUILDER.build_fan(unknown), "Fan")
    assert [fan.properties[k] for k in ("joinDate", "waitingSince", "lastMessageDate")] == [0, 0, 0]
    assert [fan.properties[k] for k in ("recentSentiment", "sentimentProfile")] == [-1.0, -1.0]


@given(conversations())
def test_built_edges_join_built_vertices_and_keys_are_known(conv: EnrichedConversation) -> None:
    built = BUILDER.build_graph(conv, "f1")
    upserts = [m for m in built if isinstance(m, UpsertVertex | UpsertEdge)]
    ids = {m.id for m in upserts if isinstance(m, UpsertVertex)}
    links = [m for m in upserts if isinstance(m, UpsertEdge)]
    assert {end for e in links for end in (e.source, e.target)} <= ids
    assert all(e.properties["rev"] == 7 for e in links)
    assert max(Counter((e.label, e.source, e.target, e.key) for e in links).values()) == 1
    assert {key for m in upserts for key in m.properties} <= KEYS
