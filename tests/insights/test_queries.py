import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from chats.conversation import Conversation, cut
from chats.enriched import ActionUse, EnrichedConversation, Outcome, TopicUse
from chats.fan import FanState
from chats.message import Direction, Message
from errors import AmbiguousUser, InvalidInput, Unavailable
from frames.log import connect_redis, newest
from frames.publisher import Announcer
from graph.builder import GraphBuilder
from graph.connect import connect
from graph.model import Scalar, UpsertVertex
from graph.port import Graph
from graph.traversals import ACTIONS, CONVERSATIONS, FANS, MESSAGES, OUTCOMES, TOPIC_LINKS
from insights.queries import (
    broadcast_analytics_update,
    build_analytics_update,
    fetch_response_time_metrics,
    fetch_sentiment_trend,
    fetch_topic_metrics,
)
from tests.gremlin_server import server
from tests.history.store import Store, running_store
from wire.payloads import (
    AnalyticsUpdate,
    MessageCounts,
    PayPerView,
    for_pages,
)

DAY = datetime(2024, 5, 1, tzinfo=UTC)
NEXT_DAY = DAY + timedelta(days=1)
NOW = NEXT_DAY


@pytest.fixture
def store() -> Iterator[Store]:
    with running_store() as store:
        yield store


@pytest.fixture
async def redis(store: Store) -> AsyncIterator[Redis]:
    client = connect_redis(store.url)
    yield client
    await client.connection_pool.disconnect()


@pytest.fixture(params=["embedded", "tinkerpop"])
async def graph(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Graph]:
    embedded = request.param == "embedded"
    opened = connect(f"embedded:{tmp_path / 'graph'}" if embedded else server.address(), max_bindings=16)
    await opened.submit("g.V().drop()", {})  # the server outlives a test
    yield opened
    await opened.close()


def chat(lines: str, *, creator: str = "c1", fan: str = "f1") -> list[Conversation]:
    """Conversations of `F 10:00, C 10:11, ..`, all on DAY."""
    directions: dict[str, Direction] = {"F": "fan", "C": "creator"}
    messages = []
    for n, line in enumerate(lines.split(", ")):
        who, clock = line.split()
        at = datetime.fromisoformat(f"2024-05-01T{clock}+00:00").timestamp()
        messages.append(Message(f"m{n}", creator, fan, fan, directions[who], at))
    return cut(messages, gap=6 * 3600, silence=300)


def node(conversation: Conversation, **understood: Any) -> EnrichedConversation:
    return EnrichedConversation(
        id=conversation.id,
        creator_id=conversation.creator_id,
        chat_id=conversation.chat_id,
        fan_id=conversation.fan_id,
        figures=conversation.figures,
        **understood,
    )


async def write(graph: Graph, nodes: Iterable[EnrichedConversation], user: str = "u1") -> None:
    for each in nodes:
        builder = GraphBuilder(user, each.creator_id, 1)
        await graph.apply([*builder.build_graph(each, each.fan_id), builder.build_account()])


def fan(chat_id: str, *, creator: str = "c1", **changes: Any) -> FanState:
    known: dict[str, Any] = {
        "join_date": None,
        "spend": 0.0,
        "unread": 0,
        "waiting_since": None,
        "recent_sentiment": None,
        "sentiment_profile": None,
        "last_message_at": None,
    }
    return FanState(fan_id=chat_id, creator_id=creator, chat_id=chat_id, **{**known, **changes})


async def write_fans(graph: Graph, fans: Iterable[FanState], user: str = "u1") -> None:
    for each in fans:
        builder = GraphBuilder(user, each.creator_id, 1)
        await graph.apply([*builder.build_fan(each), builder.build_account()])


def topic(id: str, label: str) -> TopicUse:
    return TopicUse(id=id, label=label, messages=1, weight=1.0, keywords=("a", "b"), model="test 1")


WORKED = "F 10:00, F 10:01, C 10:11, F 10:12, F 20:00, C 20:30"


async def test_the_worked_example(graph: Graph) -> None:
    await write(graph, map(node, chat(WORKED)))
    metrics = await fetch_response_time_metrics(DAY, NEXT_DAY, "c1", graph=graph, user_id="u1")
    assert (metrics.average_handling_time_minutes, metrics.average_handling_time_n) == (21, 2)
    assert (metrics.turns, metrics.turns_n) == (1.5, 2)
    assert metrics.silence_percentage == pytest.approx((1000 / 12 + 100) / 2)
    assert metrics.silence_n == 2
    times = metrics.response_time
    assert (times.mean, times.median, times.p90, times.max) == (18870, 18870, 37080, 37080)
    assert (times.n, times.unanswered) == (2, 0)


async def test_a_response_belongs_to_the_conversation_of_the_run_it_answers(graph: Graph) -> None:
    await write(graph, map(node, chat(WORKED)))
    metrics = await fetch_response_time_metrics(DAY + timedelta(hours=18), NEXT_DAY, "c1", graph=graph)
    assert metrics.average_handling_time_minutes == 30
    assert (metrics.response_time.mean, metrics.response_time.n) == (None, 0)


async def test_a_window_holds_its_start_and_not_its_end(graph: Graph) -> None:
    await write(graph, map(node, chat("F 10:00, C 10:30")))
    ten, half_past = DAY.replace(hour=10), DAY.replace(hour=10, minute=30)

    async def turns(start: datetime, end: datetime) -> int:
        return (await fetch_response_time_metrics(start, end, "c1", graph=graph)).turns_n

    assert await turns(ten, half_past) == 1
    assert await turns(DAY, ten) == 0
    assert await turns(half_past, NEXT_DAY) == 0  # it ends here, but began before


async def test_topics_with_share_and_trend(graph: Graph) -> None:
    travel, fitness = topic("t1", "Travel"), topic("t2", "Fitness")
    before, now, later = chat("F 01:00, F 10:00, F 20:00")
    await write(
        graph,
        [node(before, topics=(travel,)), node(now, topics=(travel, fitness)), node(later, topics=(travel,))],
    )
    first, second = await fetch_topic_metrics(DAY.replace(hour=8), NEXT_DAY, "c1", graph=graph)
    assert (first.id, first.topic, first.volume, first.previous_volume) == ("t1", "Travel", 2, 1)
    assert (first.percentage_of_total, first.trend, first.keywords) == (100, 100, ["a", "b"])
    assert (second.topic, second.volume, second.percentage_of_total) == ("Fitness", 1, 50)
    assert second.trend is None


async def test_sentiment_by_local_day(graph: Graph) -> None:
    early, late = chat("F 10:00, F 23:30")
    await write(
        graph,
        [
            node(early, sentiment_sum=0.5, sentiment_count=2),
            node(late, sentiment_sum=0.75, sentiment_count=1),
        ],
    )
    trend = await fetch_sentiment_trend(DAY, NEXT_DAY, "c1", graph=graph, time_zone="Europe/Berlin")
    assert [(point.date, point.sentiment_score, point.n) for point in trend.trend] == [
        ("2024-05-01", 0.25, 2),
        ("2024-05-02", 0.75, 1),
    ]


async def test_an_update_in_a_zone_that_is_not_known_is_noted(graph: Graph) -> None:
    asked = {"graph": graph, "now": NOW}
    update = await build_analytics_update("u1", DAY, NEXT_DAY, "c1", **asked, time_zone="Etc/Unknown")  # type: ignore[arg-type]
    assert (len(update.notes), update.sentiment_trend.notes) == (1, update.notes)
    assert (await build_analytics_update("u1", DAY, NEXT_DAY, "c1", **asked)).notes == []  # type: ignore[arg-type]


async def test_two_creators_do_not_mix(graph: Graph) -> None:
    travel = topic("t1", "Travel")
    (one,) = chat("F 10:00, C 10:10", creator="c1")
    (two,) = chat("F 10:00, C 10:30", creator="c2")  # the same fan, the same ids
    await write(graph, [node(one, topics=(travel,)), node(two, topics=(travel,))])
    await write_fans(graph, [fan("f1", creator="c1", unread=1), fan("f1", creator="c2", unread=2)])
    for creator, minutes, unread in (("c1", 10, 1), ("c2", 30, 2)):
        update = await build_analytics_update("u1", DAY, NEXT_DAY, creator, graph=graph, now=NOW)
        assert update.response_time_metrics.average_handling_time_minutes == minutes
        assert update.topics[0].volume == 1
        assert update.unreadCounts == {"f1": unread}
    both = await build_analytics_update("u1", DAY, NEXT_DAY, graph=graph, now=NOW)
    assert both.response_time_metrics.average_handling_time_minutes == 20
    assert (both.conversations, both.topics[0].id, both.topics[0].volume) == (2, "t1", 2)
    assert both.unreadCounts == {"f1": 2}
    assert both.priorityScores == {"f1": pytest.approx(12)}


async def test_two_users_of_one_creator_see_all_of_their_own_and_nothing_of_each_other(graph: Graph) -> None:
    """The same fan, the same ids: each has the chat with a length, a topic and an unread count of its own."""
    (mine,) = chat("F 10:00, C 10:10", creator="c1")
    (alone,) = chat("F 12:00, C 12:10", creator="c1", fan="f2")
    (theirs,) = chat("F 10:00, C 10:50", creator="c1")
    question, thanks = (ActionUse(type=type, count=1, direction="fan") for type in ("question", "thanks"))
    pets, cars = topic("t", "Pets"), topic("t", "Cars")
    for _ in range(2):  # whoever writes last overwrites nothing
        await write(graph, [node(mine, actions=(question,), topics=(pets,)), node(alone)], user="u1")
        await write(graph, [node(theirs, actions=(thanks,), topics=(cars,))], user="u2")
        await write_fans(graph, [fan("f1", unread=1), fan("f2")], user="u1")
        await write_fans(graph, [fan("f1", unread=2)], user="u2")
    for creator in (None, "c1"):
        update = await build_analytics_update("u1", DAY, NEXT_DAY, creator, graph=graph, now=NOW)
        assert update.response_time_metrics.average_handling_time_minutes == 10
        assert (update.conversations, [each.topic for each in update.topics]) == (2, ["Pets"])
        assert (update.actions, update.unreadCounts) == ({"question": 1}, {"f1": 1, "f2": 0})
        update = await build_analytics_update("u2", DAY, NEXT_DAY, creator, graph=graph, now=NOW)
        assert update.response_time_metrics.average_handling_time_minutes == 50
        assert (update.conversations, [each.topic for each in update.topics]) == (1, ["Cars"])
        assert (update.actions, update.unreadCounts) == ({"thanks": 1}, {"f1": 2})


async def test_a_user_alone_means_all_of_its_accounts_and_neither_all_there_are(graph: Graph) -> None:
    for user, creator, day in (("u1", "c1", "10:10"), ("u1", "c2", "10:30"), ("u2", "c1", "10:50")):
        await write(graph, map(node, chat(f"F 10:00, C {day}", creator=creator)), user=user)
    for asked, minutes in ((("u1", None), [10, 30]), (("u2", None), [50]), ((None, None), [10, 30, 50])):
        update = await build_analytics_update(asked[0], DAY, NEXT_DAY, asked[1], graph=graph, now=NOW)
        metrics = update.response_time_metrics
        assert (metrics.turns_n, metrics.average_handling_time_minutes) == (
            len(minutes),
            sum(minutes) / len(minutes),
        )
    nobody = await build_analytics_update("u2", DAY, NEXT_DAY, "c2", graph=graph, now=NOW)
    assert (nobody.conversations, nobody.priorityScores) == (0, {})


async def test_a_creator_alone_means_the_account_of_the_one_user_that_holds_it(graph: Graph) -> None:
    await write(graph, map(node, chat("F 10:00, C 10:10")), user="u1")
    assert (await fetch_response_time_metrics(DAY, NEXT_DAY, "c1", graph=graph)).turns_n == 1
    assert (await fetch_response_time_metrics(DAY, NEXT_DAY, "c9", graph=graph)).turns_n == 0


async def test_a_creator_alone_that_several_users_hold_is_refused_and_names_none_of_them(
    graph: Graph,
) -> None:
    users = ["first-user", "second-user"]
    for user in users:
        await write(graph, map(node, chat("F 10:00, C 10:10")), user=user)
    questions: list[Any] = [fetch_topic_metrics, fetch_sentiment_trend, fetch_response_time_metrics]
    for ask in questions:
        with pytest.raises(AmbiguousUser) as refused:
            await ask(DAY, NEXT_DAY, "c1", graph=graph)
        assert refused.value.code == "ambiguous_user"
        assert not any(user in f"{refused.value} {refused.value.detail}" for user in users)
        await ask(DAY, NEXT_DAY, "c1", graph=graph, user_id=users[0])
    with pytest.raises(AmbiguousUser):
        await build_analytics_update(None, DAY, NEXT_DAY, "c1", graph=graph, now=NOW)


async def test_what_was_kept_by_creator_is_never_counted(graph: Graph) -> None:
    """As the release before accounts wrote it: the partition is the creator, the user a property."""
    at = int(DAY.timestamp()) + 3600
    old: dict[str, Scalar] = {
        "userId": "u1",
        "chatId": "f1",
        "fanId": "f1",
        "startDate": at,
        "endDate": at,
        "unread": 1,
    }
    await graph.apply(
        [
            UpsertVertex("c1", "creator:c1", "Creator"),
            UpsertVertex("c1", "fan:f1", "Fan", old),
            UpsertVertex("c1", "conv:f1:m1", "ConversationNode", old),
        ]
    )
    for user, creator in (("u1", "c1"), ("u1", None), (None, "c1"), (None, None)):
        update = await build_analytics_update(user, DAY, NEXT_DAY, creator, graph=graph, now=NOW)
        assert (update.conversations, update.unreadCounts) == (0, {})


async def test_the_update_holds_everything(graph: Graph) -> None:
    tip = Outcome(
        type="tip", at=DAY.replace(hour=11).timestamp(), amount=12.5, score=1.0, evidence="tip field"
    )
    drop = Outcome(
        type="drop_off",
        at=DAY.replace(hour=23).timestamp(),
        score=0.6,
        evidence="silence rule",
        is_provisional=True,
    )
    actions = (
        ActionUse(type="question", count=2, direction="creator"),
        ActionUse(type="question", count=1, direction="fan"),
    )
    first, second = chat(WORKED)
    await write(graph, [node(first, outcomes=(tip, tip), actions=actions), node(second, outcomes=(drop,))])
    waiting = NOW.timestamp() - 12 * 3600
    await write_fans(
        graph,
        [
            fan("f1", spend=25.0, unread=5, waiting_since=waiting, recent_sentiment=0.25),
            fan("f2", spend=5.0, recent_sentiment=0.9),
        ],
    )
    update = await build_analytics_update("u1", DAY, NEXT_DAY, "c1", graph=graph, now=NOW)
    assert (update.creatorId, update.startDate, update.endDate) == ("c1", DAY, NEXT_DAY)
    assert (update.messageCount, update.averageResponseTime, update.turns) == (6, 18_870 / 60, 1.5)
    assert update.sentiment == update.sentiment_trend.sentiment_score
    assert (update.conversations, update.actions) == (2, {"question": 3})
    assert (update.outcomes, update.revenue) == ({"tip": 2, "drop_off": 1}, 25)
    parts = update.priority["f1"]
    assert (parts.unread, parts.sentiment, parts.spend) == (30, 10, 7.5)
    assert parts.waiting == pytest.approx(22.124, abs=1e-3)
    assert update.priorityScores == {"f1": parts.score, "f2": 0}
    assert update.unreadCounts == {"f1": 5, "f2": 0}


async def test_an_update_asks_every_question_once(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    submit = graph.submit

    async def listen(script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        asked.append(script)
        return await submit(script, bindings)

    monkeypatch.setattr(graph, "submit", listen)
    await build_analytics_update("u1", DAY, NEXT_DAY, "c1", graph=graph, now=NOW)
    questions = (CONVERSATIONS, MESSAGES, TOPIC_LINKS, ACTIONS, OUTCOMES, FANS)
    assert sorted(asked) == sorted(questions)


async def test_an_outcome_counts_in_the_window_of_its_own_time(graph: Graph) -> None:
    (talk,) = chat("F 10:00, C 10:10")
    later = Outcome(
        type="purchase",
        at=(NEXT_DAY + timedelta(days=1)).timestamp(),
        amount=9.0,
        score=1.0,
        evidence="opened",
    )
    await write(graph, [node(talk, outcomes=(later,))])
    today = await build_analytics_update("u1", DAY, NEXT_DAY, "c1", graph=graph, now=NOW)
    after = await build_analytics_update(
        "u1", NEXT_DAY, NEXT_DAY + timedelta(days=9), "c1", graph=graph, now=NOW
    )
    assert (today.outcomes, today.revenue, today.conversations) == ({}, 0, 1)
    assert (after.outcomes, after.revenue, after.conversations) == ({"purchase": 1}, 9, 0)


async def test_direct_and_mass_are_counted_apart_and_broadcasts_are_no_conversations(graph: Graph) -> None:
    said = chat("F 10:00, C 10:10")[0].messages
    [question, answer] = said
    offer = replace(answer, id="9", price=5.0, is_mass=True, at=question.at + 60)
    alone = [replace(offer, id=f"b{n}", chat_id=f"x{n}", fan_id=f"x{n}") for n in range(3)]
    bought = Outcome(type="purchase", at=DAY.timestamp(), amount=5.0, score=1.0, evidence="", is_mass=True)
    [talk] = cut([*said, offer, replace(answer, id="10", price=7.0)], gap=6 * 3600, silence=300)
    topic = TopicUse(id="fitness", label="Fitness", messages=1, weight=1.0, model="m")
    await write(graph, [node(talk, topics=(topic,))])
    for each in alone:
        [broadcast] = cut([each], gap=6 * 3600, silence=300)
        await write(graph, [node(broadcast, topics=(topic,), outcomes=(bought,))])
    update = await build_analytics_update("u1", DAY, NEXT_DAY, "c1", graph=graph, now=NOW)
    assert (update.conversations, update.fan_conversations, update.broadcast_only) == (1, 1, 3)
    assert [(each.volume, each.percentage_of_total) for each in update.topics] == [(1, 100)]
    assert update.messages == MessageCounts(direct=3, by_fans=1, mass=4)
    assert update.ppv.direct == PayPerView(offers=1, unlocks=0, revenue=0)
    assert update.ppv.mass == PayPerView(offers=4, unlocks=3, revenue=15)
    assert update.response_time_metrics.response_time.mean == 600


async def test_a_fan_whose_state_is_not_known_yet_has_no_priority(graph: Graph) -> None:
    await write(graph, map(node, chat("F 10:00")))
    update = await build_analytics_update("u1", DAY, NEXT_DAY, "c1", graph=graph, now=NOW)
    assert (update.conversations, update.priority, update.unreadCounts) == (1, {}, {})


@pytest.mark.parametrize("creator", [None, "c1"])
async def test_an_empty_graph_answers_null_and_empty(graph: Graph, creator: str | None) -> None:
    update = await build_analytics_update("u1", DAY, NEXT_DAY, creator, graph=graph, now=NOW)
    assert (update.topics, update.sentiment_trend.trend, update.actions, update.outcomes) == ([], [], {}, {})
    assert update.sentiment_trend.sentiment_score is None
    assert update.response_time_metrics.turns is None
    assert update.response_time_metrics.response_time.mean is None
    assert (update.messageCount, update.sentiment, update.averageResponseTime, update.turns) == (
        0,
        *[None] * 3,
    )
    assert update.priorityScores == update.unreadCounts == {}


async def test_values_are_never_part_of_the_script(graph: Graph) -> None:
    (talk,) = chat("F 10:00, C 10:10", creator='c"1')
    await write(graph, [node(talk)])
    odd = 'c1")).drop().or(__.has("pk", P.eq("c'
    assert await fetch_topic_metrics(DAY, NEXT_DAY, odd, graph=graph, user_id=odd) == []
    metrics = await fetch_response_time_metrics(DAY, NEXT_DAY, 'c"1', graph=graph)
    assert metrics.average_handling_time_minutes == 10


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("start_date", {"start_date": DAY.replace(tzinfo=None)}),
        ("end_date", {"end_date": NEXT_DAY.replace(tzinfo=None)}),
        ("start_date", {"start_date": NEXT_DAY}),
        ("bucket", {"bucket": "decade"}),
        ("time_zone", {"time_zone": "Mars/Olympus"}),
    ],
)
async def test_a_bad_parameter_is_refused_by_name(graph: Graph, field: str, changes: dict[str, Any]) -> None:
    asked = {"start_date": DAY, "end_date": NEXT_DAY, "creator_id": "c1", "graph": graph, **changes}
    with pytest.raises(InvalidInput, match=field):
        await fetch_sentiment_trend(**asked)
    with pytest.raises(InvalidInput, match=field):
        await build_analytics_update("u1", **asked, now=NOW)


async def broadcast(graph: Graph, redis: Redis) -> AnalyticsUpdate:
    frames = Announcer(redis, "u1")
    return await broadcast_analytics_update("u1", DAY, NEXT_DAY, "c1", graph=graph, frames=frames, now=NOW)


async def test_a_broadcast_pushes_what_it_returns(graph: Graph, redis: Redis) -> None:
    await write(graph, map(node, chat(WORKED)))
    update = await broadcast(graph, redis)
    [pushed] = await newest(redis, "u1", "c1")
    frame = json.loads(pushed)
    assert (frame["type"], frame["sequence"], frame["creatorId"]) == ("analytics_update", 0, "c1")
    assert frame["payload"] == json.loads(for_pages(update))
    assert frame["merge"]  # as pages that merge are sent it
    assert frame["payload"]["response_time_metrics"]["average_handling_time_minutes"] == 21


async def test_a_broadcast_without_redis_is_unavailable(graph: Graph, redis: Redis, store: Store) -> None:
    store.kill()
    with pytest.raises(Unavailable, match="Redis"):
        await broadcast(graph, redis)
