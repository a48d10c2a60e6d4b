"""Whatever came and was corrected in whatever order: what counts, and what models said, is as defined.

From what came over the owner's memory and the graph to the answers, against `tests/oracle.py`.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chats.corrections import Correction, Subject
from chats.enriched import MessageEnrichment, TopicRef, TopicUse
from enrich.node import counted_of
from graph.builder import GraphBuilder
from graph.embedded import EmbeddedGraph
from graph.model import DropOlder
from graph.port import Graph
from insights.behind import fetch_behind
from insights.money import fetch_conversion
from insights.queries import fetch_sentiment_trend, fetch_topic_metrics
from tests import oracle
from tests.corrected import take
from tests.feeds import feeds
from tests.insights.test_money_oracle import WINDOWS, agrees, when
from tests.oracle import CREATOR, NOW, Call, Corrected, found_in, mood_of
from tests.test_oracle import Owner, Records

KINDS: Any = ("topic", "action", "pair")
TOPICS = {name: TopicUse(name, f"Topic {name}", 0, 0.0, "m") for name in ("a", "b")}
HOURS = 24


def understand(owner: Owner) -> None:
    """Every conversation as the tests' enrichment understands its messages."""
    for conversation in list(owner.cache.pending(CREATOR)):
        cached = owner.cache.get(CREATOR, conversation.chat_id)
        assert cached is not None
        context = cached.context(conversation.id)
        assert context is not None
        messages = {m.id: MessageEnrichment(sentiment=None) for m in conversation.messages}
        for message in conversation.messages:
            if message.is_direct:
                topics, actions = found_in(message.id)
                refs = tuple(TopicRef(each, TOPICS[each].label) for each in topics)
                felt = mood_of(message.id)
                messages[message.id] = MessageEnrichment(sentiment=felt, actions=actions, topics=refs)
        topics_of = {id: [TOPICS[ref.id] for ref in e.topics] for id, e in messages.items() if e.topics}
        owner.cache.store(counted_of(conversation, context, messages, topics_of, {}))


async def write(graph: Graph, owner: Owner, revision: int) -> None:
    builder = GraphBuilder("u1", CREATOR, revision)
    for cached in owner.cache.of(CREATOR):
        for node in cached.counted.values():
            await graph.apply(builder.build_graph(node, node.fan_id))
    await graph.apply([builder.build_account(), DropOlder(builder.pk, revision)])


@st.composite
def said(draw: st.DrawFn) -> list[tuple[Any, int, Any]]:
    """Fields, the place of the message among all there are, and values."""
    values: Any = {
        "sentiment": st.sampled_from((0.0, 1.0)),
        "topic": st.sampled_from(((), ("a",), ("b",), ("a", "b"))),
        "action": st.sampled_from(((), ("x",), ("z",), ("x", "y"))),
        "merged_into": st.sampled_from(("a", "b")),
        "hidden": st.just(True),
    }
    fields = draw(st.lists(st.sampled_from(sorted(values)), max_size=6))
    return [(field, draw(st.integers(0, 50)), draw(values[field])) for field in fields]


def corrections(owner: Owner, feed: list[Call], told: list[tuple[Any, int, Any]]) -> tuple[Any, Corrected]:
    """What is corrected of what there is, and the same as the oracle reads it."""
    there = sorted(
        (c.chat.fan_id, c.chat.id, m.id) for c in owner.cache.of(CREATOR) for m in c.ordered() if m.is_direct
    )
    known = oracle.topics_found(feed)
    found: dict[Any, Correction] = {}
    expected = Corrected()
    for n, (field, place, value) in enumerate(told):
        if field in ("merged_into", "hidden"):
            topic = "ab"[place % 2]
            if topic not in known or topic in expected.into or topic in expected.into.values():
                continue  # one of each, and none in a circle
            if field == "merged_into" and (value == topic or value not in known or value in expected.into):
                continue
            expected.into[topic] = None if field == "hidden" else value
            found[topic, field] = Correction(
                f"k{n}", float(n), "p", Subject("topic", topic), field, None, value
            )
        elif there:
            fan, chat, id = there[place % len(there)]
            if field == "topic":
                value = tuple(each for each in value if each in known)
            of: Any = {"sentiment": expected.moods, "topic": expected.topics, "action": expected.actions}
            of[field][fan, id] = value
            subject = Subject("message", id, chat)
            found[chat, id, field] = Correction(f"k{n}", float(n), "p", subject, field, None, value)
    return found.values(), expected


async def check(graph: Graph, feed: list[Call], corrected: Corrected, *, corrections: bool) -> None:
    for start, end in WINDOWS:
        asked: Any = {"graph": graph, "corrections": corrections}
        found = await fetch_conversion(
            when(start),
            when(end),
            CREATOR,
            as_of=when(NOW),
            attribution=HOURS,
            kinds=KINDS,
            min_sample=1,
            **asked,
        )
        expected = oracle.conversion(
            feed, start, end, hours=HOURS, as_of=NOW, zone="UTC", corrected=corrected
        )
        kept = {"all", "pending"}
        agrees(found, {key: own for key, own in expected.items() if key in kept or key[0] in KINDS})
        trend = await fetch_sentiment_trend(when(start), when(end), CREATOR, **asked)
        moods = oracle.moods(feed, start, end, corrected)
        assert trend.n == len(moods)
        if moods:
            assert trend.sentiment_score == pytest.approx(sum(moods) / len(moods))
        behind: Any = {"limit": 1_000, **asked}
        felt = await fetch_behind(
            when(start), when(end), CREATOR, insight="sentiment-trend", group="sentiment", **behind
        )
        assert felt.counted == trend.n
        for each in await fetch_topic_metrics(when(start), when(end), CREATOR, **asked):
            listed = await fetch_behind(
                *(when(start), when(end), CREATOR),
                insight="topics",
                group="volume",
                topic=(each.id, each.topic),
                **behind,
            )
            assert listed.total == each.volume


async def _counts(feed: list[Call], cut: int, told: list[tuple[Any, int, Any]]) -> None:
    live = Owner(Records())
    with tempfile.TemporaryDirectory() as folder:
        graph = EmbeddedGraph(Path(folder))
        await live.feed(feed[:cut], together=False)
        understand(live)
        await write(graph, live, 1)
        made, corrected = corrections(live, feed[:cut], told)
        take(live.cache, made, CREATOR)
        await write(graph, live, 2)
        await check(graph, feed[:cut], corrected, corrections=True)
        await check(graph, feed[:cut], oracle.NOTHING, corrections=False)
        await live.feed(feed[cut:], together=False)  # what comes later leaves what was said
        understand(live)
        await write(graph, live, 3)
        await check(graph, feed, oracle.NOTHING, corrections=False)
        if oracle.topics_found(feed) >= oracle.topics_found(feed[:cut]):  # else some of it rests
            await check(graph, feed, corrected, corrections=True)
        await graph.close()


@settings(max_examples=25, deadline=None)
@given(feeds(), st.integers(1, 6), said())
def test_what_counts_with_and_without_corrections_is_as_defined(
    feed: list[Call], cut: int, told: list[tuple[Any, int, Any]]
) -> None:
    asyncio.run(_counts(feed, cut, told))


def said_by_fan(id: int, hour: int, **more: Any) -> dict[str, Any]:
    at = f"2024-05-01T{hour:02}:00:00+00:00"
    return {"id": id, "fromUser": {"id": 41}, "createdAt": at, "text": f"<p>hello {id}</p>", **more}


@pytest.mark.parametrize(
    ("then", "deleted", "told"),
    [
        ([said_by_fan(101, 8), said_by_fan(100, 9)], said_by_fan(100, 9), ("hidden", 0, True)),
        (
            [said_by_fan(101, 8), said_by_fan(104, 12), said_by_fan(100, 16)],
            said_by_fan(104, 12),
            ("action", 0, ()),
        ),
    ],
    ids=["its topic", "its message, which is of another conversation now"],
)
async def test_what_a_conversation_lost_that_was_corrected_counts_there_no_more(
    then: list[dict[str, Any]], deleted: dict[str, Any], told: tuple[Any, int, Any]
) -> None:
    await _counts([Call(then), Call([{**deleted, "isDeleted": True}])], 1, [told])
