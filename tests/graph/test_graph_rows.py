"""The rows that are made of what is written are those that the graph answers with."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from chats.conversation import Answer
from chats.enriched import ActionUse, EnrichedConversation, Outcome, TopicUse
from chats.fan import FanState
from graph.builder import GraphBuilder
from graph.port import Graph
from graph.rows import conversation_rows, fan_row
from graph.traversals import ACTIONS, CONVERSATIONS, FANS, MESSAGES, OUTCOMES, TOPIC_LINKS
from tests.graph.strategies import START, conversation, drop_off, tip

PLAIN = conversation()
TALKS = {
    "plain": PLAIN,
    "with outcomes": conversation(outcomes=[tip(None), tip(0.1), tip(0.2), drop_off()]),
    "with a mass purchase": conversation(
        outcomes=[
            Outcome(
                type="purchase",
                at=START + 3 * 86_400 + 0.75,
                amount=9.99,
                score=1,
                evidence="",
                is_mass=True,
            )
        ]
    ),
    "of an action by both sides": replace(
        PLAIN,
        actions=(
            ActionUse(type="question", count=2, direction="creator"),
            ActionUse(type="question", count=2, direction="fan"),
            ActionUse(type="thanks", count=1, direction="fan"),
            ActionUse(type="thanks", count=3, direction="fan"),
        ),
    ),
    "of a topic said twice": replace(
        PLAIN,
        topics=tuple(
            TopicUse(id="1", label=label, messages=1, weight=0.5, category=category, model="m")
            for label, category in (("Pets", "life"), ("Cats", None))
        ),
    ),
    "with times of many digits": replace(
        PLAIN,
        figures=dataclasses.replace(
            PLAIN.figures,
            start=START + 0.999,
            response_seconds=(0.1 + 0.2, 1e-7, 1 / 3, 86_400.000001),
            answers=(Answer(START),) * 4,
            silence_seconds=1 / 3,
        ),
        sentiment_sum=0.1 + 0.2,
    ),
    "without anything": conversation(topics=(), actions=(), turns=0),
}


def sorted_rows(rows: Sequence[Any]) -> list[Any]:
    return sorted(rows, key=repr)


@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS.keys())
async def test_a_conversation_has_the_rows_that_the_graph_answers_with(
    graph: Graph, creator: str, pk: str, talk: EnrichedConversation
) -> None:
    await graph.apply(GraphBuilder("u1", creator, 1).build_graph(talk, talk.fan_id))
    rows, all_time = conversation_rows(talk, pk), {"start": 0, "end": 1 << 40}

    async def answered(traversal: str, **window: int) -> list[Any]:
        return sorted_rows(await graph.submit(traversal, {"pk": pk, **all_time, **window}))

    assert await answered(CONVERSATIONS) == [rows.conversation]
    assert await answered(MESSAGES) == [rows.messages]
    assert await answered(TOPIC_LINKS) == sorted_rows(rows.topics)
    assert await answered(ACTIONS) == sorted_rows(rows.actions)
    for date, _ in rows.outcomes:
        same = [row for time, row in rows.outcomes if time == date]
        assert sorted_rows(await answered(OUTCOMES, start=date, end=date + 1)) == sorted_rows(same)
    assert len(await answered(OUTCOMES)) == len(rows.outcomes)


@pytest.mark.parametrize("known", [True, False])
async def test_a_chat_has_the_row_that_the_graph_answers_with(
    graph: Graph, creator: str, pk: str, known: bool
) -> None:
    state = FanState(
        fan_id="f1",
        creator_id=creator,
        chat_id="c1",
        join_date=None,
        spend=0.1 + 0.2,
        unread=3,
        waiting_since=START + 0.75 if known else None,
        recent_sentiment=1 / 3 if known else None,
        sentiment_profile=None,
        last_message_at=None,
        not_waiting="thanks" if known else None,
    )
    await graph.apply(GraphBuilder("u1", creator, 1).build_fan(state))
    assert await graph.submit(FANS, {"pk": pk}) == [fan_row(state)]
