import asyncio
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chats.account import Account
from chats.conversation import Answer, Figures
from chats.enriched import ActionUse, EnrichedConversation, Outcome, TopicUse
from chats.fan import FanState
from graph import traversals
from graph.builder import GraphBuilder
from graph.embedded import EmbeddedGraph
from graph.model import DropConversation, Mutation, Scalar
from graph.port import Graph
from graph.rows import ConversationRows, conversation_rows, fan_row
from graph.traversals import FanRow, TopicLinkRow
from insights import inbox
from insights.priority import fan_priority
from insights.queries import build_analytics_update
from insights.running import SLACK, RunningFigures
from insights.window import WINDOW
from tests.graph.strategies import conversation
from wire.payloads import AnalyticsUpdate, PriorityScore

NOW = datetime(2024, 5, 31, 12, 0, 0, 250_000, tzinfo=UTC)
CREATORS = ("c", "c-1", "c/2")  # their keys are in another order
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@dataclass(frozen=True)
class Put:
    node: EnrichedConversation


@dataclass(frozen=True)
class Drop:
    creator: str
    id: str


@dataclass(frozen=True)
class PutFan:
    state: FanState


@dataclass(frozen=True)
class DropFan:
    creator: str
    chat: str


@dataclass(frozen=True)
class Ask:
    """Time goes on, or back a little."""

    later: timedelta


Event = Put | Drop | PutFan | DropFan | Ask


# The bounds of both windows and of what is kept, and the seconds beside them.
_bounds = st.builds(
    lambda windows, slack, seconds: windows * WINDOW + slack * SLACK + seconds * SECOND,
    st.integers(-2, 0),
    st.integers(-1, 1),
    st.integers(-2, 2),
)
ages = _bounds | st.timedeltas(-3 * WINDOW, 4 * DAY) | st.timedeltas(-2 * DAY, DAY)
amounts = st.floats(0, 500)
ids = st.sampled_from(["1:a", "1:b", "2:a", "3:a"])
chats = st.sampled_from(["1", "2", "3"])
creators = st.sampled_from(CREATORS)

topics = st.builds(
    lambda id, label, category, keywords: TopicUse(
        id=id, label=label, messages=1, weight=1.0, category=category, keywords=keywords, model="m"
    ),
    st.sampled_from(["1", "2", "own:7"]),
    st.sampled_from(["Pets", "Cars"]),
    st.none() | st.just("life"),
    st.lists(st.sampled_from(["sun", "sea"]), unique=True).map(tuple),
)
actions = st.builds(
    ActionUse,
    type=st.sampled_from(["question", "thanks", "tease"]),
    count=st.integers(1, 5),
    direction=st.sampled_from(["fan", "creator"]),
)
outcomes = st.builds(
    Outcome,
    type=st.sampled_from(["tip", "purchase", "renewal", "drop_off"]),
    at=ages.map(lambda age: (NOW + age).timestamp()),
    amount=st.none() | amounts,
    score=st.just(1.0),
    evidence=st.just(""),
    is_mass=st.booleans(),
)


responses = st.floats(0, 2e5) | st.sampled_from([0.0, 300.0, 3600.0])


@st.composite
def nodes(draw: st.DrawFn, creators: st.SearchStrategy[str] = creators) -> EnrichedConversation:
    id, start = draw(ids), NOW + draw(ages)
    direct = draw(st.integers(0, 6))
    answered = tuple(draw(st.lists(responses, max_size=3)))
    figures = Figures(
        start=start.timestamp(),
        end=start.timestamp() + draw(st.floats(0, 9e4)),
        direct_messages=direct,
        fan_messages=draw(st.integers(0, direct)),
        mass_messages=draw(st.integers(0, 3)),
        offers=draw(st.integers(0, 3)),
        mass_offers=draw(st.integers(0, 3)),
        turns=draw(st.integers(0, 5)),
        silence_seconds=draw(st.floats(0, 9e4)),
        response_seconds=answered,
        answers=(Answer(start.timestamp()),) * len(answered),
        unanswered=draw(st.integers(0, 2)),
    )
    return EnrichedConversation(
        id=id,
        creator_id=draw(creators),
        chat_id=id[0],
        fan_id=id[0],
        figures=figures,
        sentiment_sum=draw(st.floats(0, 5)),
        sentiment_count=draw(st.integers(0, 5)),
        topics=tuple(draw(st.lists(topics, max_size=3))),
        actions=tuple(draw(st.lists(actions, max_size=3))),
        outcomes=tuple(draw(st.lists(outcomes, max_size=3))),
    )


def fans(creators: st.SearchStrategy[str] = creators) -> st.SearchStrategy[FanState]:
    def state(creator: str, chat: str, **known: Any) -> FanState:
        return FanState(fan_id=chat, creator_id=creator, chat_id=chat, **known)

    return st.builds(
        state,
        creators,
        chats,
        join_date=st.none(),
        spend=st.sampled_from([0.0, 5.0]) | amounts,
        unread=st.integers(0, 6),
        waiting_since=st.none() | st.timedeltas(-9 * DAY, DAY).map(lambda age: (NOW + age).timestamp()),
        recent_sentiment=st.none() | st.floats(0, 1),
        sentiment_profile=st.none(),
        last_message_at=st.none(),
        not_waiting=st.none() | st.just("thanks"),
    )


times = st.builds(Ask, _bounds.map(abs) | st.timedeltas(-SLACK, 2 * DAY) | st.timedeltas(DAY, 3 * WINDOW))
written = st.builds(Put, nodes()) | st.builds(Drop, creators, ids) | st.builds(PutFan, fans())
events = written | st.builds(Put, nodes()) | st.builds(DropFan, creators, chats) | times
of_one = st.just("c")
events_of_one = st.builds(Put, nodes(of_one)) | st.builds(Drop, of_one, ids) | times


class Rows:
    """A graph that holds nodes and answers the traversals as docs/graph.md describes them."""

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._conversations: dict[str, dict[str, ConversationRows]] = {}
        self._topics: dict[str, TopicLinkRow] = {}  # by vertex, as it was written last
        self._fans: dict[str, dict[str, FanRow]] = {}

    def take(self, event: Event) -> None:
        match event:
            case Put(node):
                pk = Account(self._user_id, node.creator_id).key
                rows = conversation_rows(node, pk)
                self._conversations.setdefault(pk, {})[node.id] = rows
                self._topics |= {link["id"]: link for link in rows.topics}
            case Drop(creator, id):
                self._conversations.get(Account(self._user_id, creator).key, {}).pop(id, None)
            case PutFan(state):
                pk = Account(self._user_id, state.creator_id).key
                self._fans.setdefault(pk, {})[state.chat_id] = fan_row(state)
            case DropFan(creator, chat):
                self._fans.get(Account(self._user_id, creator).key, {}).pop(chat, None)

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        if script == traversals.ACCOUNTS_OF_USER:
            return list(self._conversations.keys() | self._fans.keys())
        pk = str(bindings["pk"])
        if script == traversals.FANS:
            return list(self._fans.get(pk, {}).values())
        start, end = bindings["start"], bindings["end"]
        assert isinstance(start, int)
        assert isinstance(end, int)
        held = self._conversations.get(pk, {}).values()
        if script == traversals.OUTCOMES:
            return [row for rows in held for date, row in rows.outcomes if start <= date < end]
        found = [rows for rows in held if start <= rows.conversation["startDate"] < end]
        answers: dict[str, Callable[[ConversationRows], list[Any]]] = {
            traversals.CONVERSATIONS: lambda rows: [rows.conversation],
            traversals.MESSAGES: lambda rows: [rows.messages],
            traversals.TOPIC_LINKS: self._links,
            traversals.ACTIONS: lambda rows: list(rows.actions),
        }
        return [row for rows in found for row in answers[script](rows)]

    def _links(self, rows: ConversationRows) -> list[Any]:
        if not rows.conversation["fanMessages"]:
            return []
        at = rows.conversation["startDate"]
        return [{**self._topics[link["id"]], "startDate": at} for link in rows.topics]

    apply: Any = None
    ping: Any = None
    close: Any = None


def follow(figures: RunningFigures, user_id: str, event: Event) -> None:
    match event:
        case Put(node):
            pk = Account(user_id, node.creator_id).key
            figures.put(node.creator_id, node.id, conversation_rows(node, pk))
        case Drop(creator, id):
            figures.drop(creator, id)
        case PutFan(state):
            figures.put_fan(state.creator_id, state.chat_id, fan_row(state))
        case DropFan(creator, chat):
            figures.drop_fan(creator, chat)


async def asked(graph: Graph, user_id: str, creator: str | None, now: datetime) -> AnalyticsUpdate:
    return await build_analytics_update(user_id, now - WINDOW, now, creator, graph=graph, now=now)


@settings(max_examples=200, deadline=None)
@given(st.lists(events, max_size=25) | st.lists(events_of_one, max_size=25))
def test_the_figures_are_those_of_the_rows(drawn: list[Event]) -> None:
    async def check() -> None:
        rows, figures = Rows("u1"), RunningFigures("u1", NOW)
        now = latest = NOW
        for event in [*drawn, Ask(SECOND)]:
            rows.take(event)
            follow(figures, "u1", event)
            if isinstance(event, Ask):
                now = max(now + event.later, latest - SLACK)
                latest = max(now, latest)
                for creator in (None, *CREATORS):
                    assert figures.update(creator, now) == await asked(rows, "u1", creator, now)

    asyncio.run(check())


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedGraph]:
    graph = EmbeddedGraph(tmp_path_factory.mktemp("figures") / "graph")
    yield graph
    asyncio.run(graph.close())


@settings(max_examples=15, deadline=None)
@given(st.lists(written, max_size=12), st.lists(times, min_size=1, max_size=3))
def test_the_figures_are_those_of_the_graph(
    embedded: EmbeddedGraph, drawn: list[Event], moves: list[Ask]
) -> None:
    user = uuid4().hex  # has partitions of its own

    async def check() -> None:
        figures, now = RunningFigures(user, NOW), NOW
        for rev, event in enumerate(drawn):
            await embedded.apply(mutations(event, user, rev))
            follow(figures, user, event)
        for move in moves:
            now = max(now + move.later, NOW)
            for creator in (None, *CREATORS):
                assert figures.update(creator, now) == await asked(embedded, user, creator, now)

    asyncio.run(check())


def mutations(event: Event, user: str, rev: int) -> list[Mutation]:
    match event:
        case Put(node):
            builder = GraphBuilder(user, node.creator_id, rev)
            return [*builder.build_graph(node, node.fan_id), builder.build_account()]
        case Drop(creator, id):
            return [DropConversation(Account(user, creator).key, id)]
        case PutFan(state):
            builder = GraphBuilder(user, state.creator_id, rev)
            return [*builder.build_fan(state), builder.build_account()]
        case _:
            raise AssertionError(event)


def begun(at: datetime) -> EnrichedConversation:
    """A conversation that began then."""
    talk = conversation()
    return replace(talk, figures=dataclasses.replace(talk.figures, start=at.timestamp()))


async def test_of_a_topic_that_two_accounts_share_the_first_ones_category_is_shown() -> None:
    rows, figures = Rows("u1"), RunningFigures("u1", NOW)
    for creator in ("c-1", "c/2"):  # by their keys the other way round
        topic = TopicUse(id="1", label="Pets", messages=1, weight=1.0, category=creator, model="m")
        talk = replace(begun(NOW - DAY), creator_id=creator, topics=(topic,))
        rows.take(Put(talk))
        follow(figures, "u1", Put(talk))
    expected = await asked(rows, "u1", None, NOW)
    assert [each.category for each in expected.topics] == ["c/2"]
    assert figures.update(None, NOW) == expected


def fan(chat: str, creator: str = "c", **changes: Any) -> tuple[str, str, FanRow]:
    row = {
        "chatId": chat,
        "spend": 0.0,
        "unread": 0,
        "waitingSince": 0,
        "notWaiting": "",
        "recentSentiment": -1.0,
    }
    return creator, chat, FanRow(**{**row, **changes})  # type: ignore[typeddict-item]


@given(st.lists(fans(), max_size=30), st.sets(chats))
def test_an_update_of_some_chats_says_of_them_what_one_of_all_says(
    states: list[FanState], some: set[str]
) -> None:
    figures = RunningFigures("u1", NOW)
    for state in states:
        figures.put_fan(state.creator_id, state.chat_id, fan_row(state))
    for creator in (None, *CREATORS):
        whole, part = figures.update(creator, NOW), figures.update(creator, NOW, some)
        known = some & whole.priority.keys()
        assert part.priority == {chat: whole.priority[chat] for chat in known}
        assert part.priorityScores == {chat: whole.priorityScores[chat] for chat in known}
        assert part.unreadCounts == {chat: whole.unreadCounts[chat] for chat in known}


many_fans = st.lists(
    st.builds(
        lambda creator, chat, **changes: fan(str(chat), creator, **changes),
        creators,
        st.integers(0, 40),
        spend=st.integers(0, 9).map(float) | amounts,
        unread=st.sampled_from([0, 0, 0, 2]),
        waitingSince=st.sampled_from([0, 0, 0, int((NOW - DAY).timestamp())]),
        recentSentiment=st.sampled_from([-1.0, 0.25]) | st.floats(0, 1),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(many_fans, st.integers(1, 12))
def test_the_most_urgent_chats_are_those_with_the_highest_scores(
    rows: list[tuple[str, str, FanRow]], n: int
) -> None:
    figures = RunningFigures("u1", NOW)
    for row in rows:
        figures.put_fan(*row)
    for creator in (None, *CREATORS):
        scores = figures.update(creator, NOW).priorityScores
        found = figures.most_urgent(creator, NOW, n)
        assert len(found) == len(set(found))
        assert [scores[chat] for chat in found] == sorted(scores.values(), reverse=True)[:n]


def test_chats_that_wait_for_nothing_are_not_all_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    figures, random = RunningFigures("u1", NOW), Random(7)
    for n in range(2_000):
        mood, spend = random.random(), random.choice([0.0, random.random()])
        figures.put_fan(*fan(str(n), spend=spend, unread=n % 500 == 0, recentSentiment=mood))
    scores, scored = figures.update("c", NOW).priorityScores, []

    def listen(row: FanRow, *rest: Any) -> PriorityScore:
        scored.append(row["chatId"])
        return fan_priority(row, *rest)

    monkeypatch.setattr(inbox, "fan_priority", listen)
    for n in (1, 2, 10):
        found = figures.most_urgent("c", NOW, n)
        assert found == sorted(scores, key=scores.__getitem__, reverse=True)[:n]
    assert len(scored) < 1_500


def test_what_is_in_no_window_any_more_is_forgotten() -> None:
    start = NOW - 2 * WINDOW + SECOND
    sold = Outcome(type="tip", at=(NOW - DAY).timestamp(), amount=5, score=1, evidence="")
    talk = begun(start)

    def held(latest: datetime, outcomes: list[Outcome]) -> tuple[int, int]:
        """Conversations and revenue of the windows that have them, after one that ends with `latest`."""
        figures = RunningFigures("u1", NOW)
        rows = conversation_rows(replace(talk, outcomes=tuple(outcomes)), "u1/c")
        for _ in range(2):  # what is put later is forgotten as early
            figures.put("c", "c1:m1", rows)
            figures.update("c", latest)
        return figures.update("c", start + DAY).conversations, int(figures.update("c", NOW).revenue)

    # A clock may go back by the slack.
    assert held(NOW, []) == held(NOW + SLACK, []) == (1, 0)
    assert held(NOW + SLACK + SECOND, []) == (0, 0)
    last = NOW - DAY + WINDOW - SECOND  # its window starts with the second of the sale
    assert held(last, [sold]) == held(last + SLACK, [sold]) == (1, 5)
    assert held(last + SLACK + SECOND, [sold]) == (0, 0)
