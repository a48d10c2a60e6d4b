"""Columns that follow what changes are those of the rows that the graph answers with."""

import asyncio
import dataclasses
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chats.account import Account
from chats.enriched import ActionTopic, EnrichedConversation, Outcome
from graph.embedded import EmbeddedGraph
from graph.rows import fan_facts
from graph.traversals import CONVERSATIONS, FAN_CONVERSATIONS, FANS, PROFILES
from insights import kept
from insights.columns import Table
from insights.kept import AccountColumns, Changes, FanFacts
from insights.tables import SCHEMAS, Ask, of_answers, rows_of
from tests.graph.strategies import OFFERS, SAID, conversation
from tests.insights.test_running import (
    CREATORS,
    NOW,
    Drop,
    Put,
    PutFan,
    ages,
    creators,
    fans,
    ids,
    mutations,
    nodes,
)

EVER = (-(1 << 40), 1 << 40)


@st.composite
def talks(draw: st.DrawFn) -> EnrichedConversation:
    """With all that a conversation can have."""
    node = draw(nodes())
    pairs = [(action.type, topic.id) for action in node.actions for topic in node.topics] or [("tease", "9")]
    chosen = draw(st.lists(st.sampled_from([*pairs, ("tease", "9")]), max_size=4))
    said = tuple(draw(st.lists(st.sampled_from(SAID), max_size=4)))
    return replace(
        node,
        figures=dataclasses.replace(node.figures, said=said),
        ppv_offers=tuple(draw(st.lists(st.sampled_from(OFFERS), max_size=3))),
        action_topics=tuple(ActionTopic(action=action, topic_id=topic, count=1) for action, topic in chosen),
        outcomes=tuple(draw(st.lists(followed, max_size=3))),
    )


followed = st.builds(
    Outcome,
    type=st.sampled_from(["tip", "purchase", "renewal", "drop_off"]),
    at=ages.map(lambda age: (NOW + age).timestamp()),
    amount=st.none() | st.floats(0, 500),
    score=st.just(1.0),
    evidence=st.just(""),
    is_mass=st.booleans(),
    sent_at=st.none() | ages.map(lambda age: (NOW + age).timestamp()),
    sender_id=st.none() | st.sampled_from(["anna", "bob@team.example"]),
)
events = (
    st.builds(Put, talks())
    | st.builds(Put, talks())
    | st.builds(Drop, creators, ids)
    | st.builds(PutFan, fans())
)
bounds = st.tuples(ages, ages).map(lambda both: tuple(int((NOW + age).timestamp()) for age in sorted(both)))


class Kept:
    """The columns of one user's accounts."""

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self.of = {creator: AccountColumns() for creator in CREATORS}

    def follow(self, events: list[Any]) -> None:
        changes: dict[str, Changes] = {creator: OrderedDict() for creator in CREATORS}
        rows: dict[str, dict[str, FanFacts | None]] = {creator: {} for creator in CREATORS}
        for event in events:
            match event:
                case Put(node):
                    pk = Account(self._user_id, node.creator_id).key
                    changes[node.creator_id][node.id] = kept.Put.of(node, pk)
                    changes[node.creator_id].move_to_end(node.id)
                case Drop(creator, id):
                    changes[creator][id] = None
                case PutFan(state):
                    rows[state.creator_id][state.chat_id] = fan_facts(state)
        for creator, columns in self.of.items():
            columns.follow(changes[creator], rows[creator])


def in_same_words(event: Any) -> Any:
    """A topic has the words that it was last written with, if only by what is another conversation now."""
    if not isinstance(event, Put):
        return event
    topics = tuple(replace(each, label=each.id, category=None, keywords=()) for each in event.node.topics)
    return Put(replace(event.node, topics=topics))


def plain(table: Table) -> list[str]:
    return sorted(map(repr, rows_of(table)))


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedGraph]:
    graph = EmbeddedGraph(tmp_path_factory.mktemp("kept") / "graph")
    yield graph
    asyncio.run(graph.close())


async def answered(graph: EmbeddedGraph, pk: str, asks: list[Ask]) -> list[Table]:
    rows = [await graph.submit(each.traversal, {"pk": pk, **each.bindings}) for each in asks]
    return of_answers(asks, rows)


def questions(*windows: tuple[int, ...]) -> list[Ask]:
    return [
        *(
            Ask(traversal, start, end)
            for start, end in windows
            for traversal in SCHEMAS
            if traversal not in (FANS, PROFILES)
        ),
        Ask(FANS),
        Ask(PROFILES),
    ]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(events, max_size=5), max_size=4), bounds, st.sampled_from((1, 3, kept.CHUNK)))
def test_columns_are_those_of_the_rows_of_the_graph_whatever_changes(
    embedded: EmbeddedGraph, drawn: list[list[Any]], window: tuple[int, ...], chunk: int
) -> None:
    user = uuid4().hex  # has partitions of its own

    async def check() -> None:
        columns = Kept(user)
        for number, together in enumerate(drawn):
            columns.follow(together)
            for rev, event in enumerate(together):
                await embedded.apply(mutations(event, user, number * 10 + rev))
            for creator in CREATORS:
                asks = questions(window, EVER)
                found = columns.of[creator].read(asks)
                expected = await answered(embedded, Account(user, creator).key, asks)
                for ask, own, theirs in zip(asks, found, expected, strict=True):
                    assert own.columns.keys() == theirs.columns.keys()
                    assert plain(own) == plain(theirs), ask

    with mock.patch.object(kept, "CHUNK", chunk):
        asyncio.run(check())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(events, max_size=5), min_size=1, max_size=4), st.sampled_from((1, 3)))
def test_columns_that_followed_are_those_that_are_made_anew(drawn: list[list[Any]], chunk: int) -> None:
    drawn = [[in_same_words(event) for event in together] for together in drawn]
    with mock.patch.object(kept, "CHUNK", chunk):
        followed, anew = Kept("u"), Kept("u")
        for together in drawn:
            followed.follow(together)
        anew.follow([event for together in drawn for event in together])
        for creator in CREATORS:
            one, other = (each.of[creator].read(questions(EVER)) for each in (followed, anew))
            assert [plain(each) for each in one] == [plain(each) for each in other]
            assert len(followed.of[creator]) == len(anew.of[creator])


@settings(max_examples=20, deadline=None)
@given(st.lists(events, max_size=5))
def test_a_column_that_is_asked_for_alone_is_that_of_the_whole_answer(drawn: list[Any]) -> None:
    columns = Kept("u")
    columns.follow(drawn)
    for creator in CREATORS:
        for ask in questions(EVER):
            [whole] = columns.of[creator].read([ask])
            for name in whole.columns:
                [alone] = columns.of[creator].read([ask._replace(only=(name,))])
                assert plain(alone) == plain(whole.only([name])), (ask, name)


def test_what_was_answered_does_not_change_with_what_comes_after() -> None:
    columns = Kept("u")
    columns.follow([Put(replace(conversation(), creator_id="c"))])
    found = columns.of["c"].read(questions(EVER))
    before = [plain(each) for each in found]
    columns.follow(
        [
            Put(replace(conversation(turns=9), creator_id="c")),
            Put(replace(conversation("c1:m2"), creator_id="c")),
        ]
    )
    assert [plain(each) for each in found] == before
    columns.follow([Drop("c", "c1:m1"), Drop("c", "c1:m2")])
    assert [plain(each) for each in found] == before
    assert len(columns.of["c"]) == 0


def test_names_that_no_row_has_do_not_travel_with_an_answer() -> None:
    columns = Kept("u")
    talks = [
        replace(conversation(f"{n}:m"), creator_id="c", chat_id=str(n), fan_id=str(n)) for n in range(300)
    ]
    columns.follow([Put(each) for each in talks])
    start = int(talks[0].figures.start)
    later = replace(
        talks[7], figures=dataclasses.replace(talks[7].figures, start=start + 99.0, end=start + 100.0)
    )
    columns.follow([Put(later)])
    [found] = columns.of["c"].read([Ask(FAN_CONVERSATIONS, start + 99, start + 100)])
    assert len(found.coded("chatId").values) == 300
    assert list(found.compact().coded("chatId").values) == ["7"]
    assert plain(found.compact()) == plain(found)


def test_a_window_is_half_open() -> None:
    columns, second = Kept("u"), int(conversation().figures.start)
    columns.follow([Put(replace(conversation(), creator_id="c"))])
    for start, end, n in ((second, second + 1, 1), (second - 9, second, 0), (second + 1, second + 9, 0)):
        [found] = columns.of["c"].read([Ask(CONVERSATIONS, start, end)])
        assert len(found) == n
