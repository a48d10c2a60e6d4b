from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chats.conversation import cut
from chats.enriched import MessageEnrichment
from chats.message import Message
from history.chat import CachedChat
from history.history import History, Touched
from tests.actors.factories import (
    DAY,
    GAP,
    HOUR,
    MINUTE,
    SILENCE,
    START,
    cached,
    chat,
    empty_cache,
    enrich_pending,
    message,
    node,
    sentiment,
)


def filled(*messages: Message, **facts: Any) -> History:
    """A cache with one chat, all of it enriched."""
    cache = empty_cache()
    cache.merge([chat(**facts)], messages)
    enrich_pending(cache)
    return cache


def merge_one(cache: History, *messages: Message) -> Touched:
    [mark] = cache.merge([], messages)
    return mark


def the_chat(cache: History) -> CachedChat:
    [found] = cache.of(None)
    return found


@st.composite
def arrivals(draw: st.DrawFn) -> list[Message]:
    """Messages of two creators and two chats in any order, some of them repeated, edited or deleted."""
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(("c1", "c2")),
                st.integers(0, 9),
                st.integers(0, 2),
            ),
            max_size=30,
        )
    )
    return [
        message(
            f"m{number}",
            number * 3 * HOUR if number % 3 else number * MINUTE,
            "creator" if number % 4 == 1 else "fan",
            chat=f"f{number % 2}",
            creator=creator,
            text=f"version {version}",
            tip=5.0 if number == 7 else 0.0,
            changed_at=float(version) or None,
            is_deleted=version == 2 and number % 4 == 2,
        )
        for creator, number, version in drawn
    ]


EXPIRED = {
    "expires_at": START + 10 * HOUR,
    "is_expired": True,
    "renewals": ((START + 4 * HOUR, 9.0), (START + 20 * HOUR, None)),
}


def subscribed() -> History:
    """Chats whose subscriptions were renewed and have ended."""
    cache = empty_cache()
    cache.merge([chat(f"f{n}", creator, **EXPIRED) for creator in ("c1", "c2") for n in range(2)], [])
    return cache


@given(arrivals(), st.randoms(use_true_random=False), st.integers(1, 5))
def test_conversations_do_not_depend_on_order_or_repetition(
    messages: list[Message], rng: Random, size: int
) -> None:
    newest: dict[tuple[str, str, str], Message] = {}
    for m in messages:
        key = (m.creator_id, m.chat_id, m.id)
        newest[key] = max(newest.get(key, m), m, key=lambda each: each.changed_at or 0)
    cache = empty_cache()
    shuffled = [*messages, *messages]
    rng.shuffle(shuffled)
    for start in range(0, len(shuffled), size):
        cache.merge([], shuffled[start : start + size])
    found = {(c.chat.creator_id, c.chat.id): c.conversations for c in cache.of(None)}
    assert found == {
        place: cut([m for key, m in newest.items() if key[:2] == place], gap=GAP, silence=SILENCE)
        for place in {key[:2] for key in newest}
    }


@given(arrivals(), st.integers(1, 5))
def test_what_is_enriched_step_by_step_is_what_would_be_enriched_at_once(
    messages: list[Message], size: int
) -> None:
    stepwise, at_once = subscribed(), subscribed()
    for start in range(0, len(messages), size):
        stepwise.merge([], messages[start : start + size])
        enrich_pending(stepwise)
    at_once.merge([], messages)
    enrich_pending(at_once)
    for one, other in zip(stepwise.of(None), at_once.of(None), strict=True):
        assert one.nodes == other.nodes
        assert one.nodes.keys() == {c.id for c in one.conversations}


@given(arrivals(), arrivals())
def test_a_large_chat_that_is_taken_in_in_pieces_is_as_if_at_once(
    known: list[Message], arrived: list[Message]
) -> None:
    caches, marks = (subscribed(), subscribed()), []
    for cache, piece in zip(caches, (1, 100), strict=True):
        cache.merge([], known)
        enrich_pending(cache)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("history.history.PIECE", piece)
            marks.append([as_told(mark) for mark in cache.merge([], arrived)])
        enrich_pending(cache)
    assert marks[0] == marks[1]
    for one, other in zip(*(cache.of(None) for cache in caches), strict=True):
        assert one.nodes == other.nodes
        assert one.conversations == other.conversations


def as_told(mark: Touched) -> object:
    by_id = [sorted(kind, key=lambda each: each.id) for kind in (mark.new, mark.changed, mark.removed)]
    return mark.chat_id, mark.count, by_id, sorted(mark.gone), sorted(mark.stale)


def test_a_repeated_message_touches_nothing() -> None:
    first = message("m1", 0, raw=b'{"id": "m1"}')
    cache = filled(first)
    assert cache.merge([], [first]) == []
    assert cache.merge([], [replace(first, raw=b"{}", changed_at=START)]) == []
    assert list(cache.pending("c1")) == []


def test_of_too_many_new_messages_only_the_count_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("history.history.MANY_MESSAGES", 3)
    said = [message(f"m{n}", n * MINUTE, chat=f"f{n % 2}") for n in range(4)]
    few = filled(said[0]).merge([], said)
    assert [(mark.count, len(mark.new)) for mark in few] == [(1, 1), (2, 2)]
    many = empty_cache().merge([], said)
    assert [(mark.count, mark.new) for mark in many] == [(2, []), (2, [])]
    assert all(mark.tells for mark in many)


def test_new_changed_and_removed_messages_are_told_apart() -> None:
    cache = filled(message("m1", 0), message("m2", MINUTE))
    mark = merge_one(
        cache,
        message("m1", 0, text="edited", changed_at=1.0),
        message("m2", MINUTE, is_deleted=True, changed_at=1.0),
        message("m3", 2 * MINUTE),
    )
    assert [[m.id for m in kind] for kind in (mark.new, mark.changed, mark.removed)] == [
        ["m3"],
        ["m1"],
        ["m2"],
    ]
    assert [(m.id, m.text) for m in the_chat(cache).ordered()] == [("m1", "edited"), ("m3", "text of m3")]


def test_an_older_version_does_not_undo_an_edit() -> None:
    cache = filled(message("m1", 0, text="edited", changed_at=5.0))
    assert cache.merge([], [message("m1", 0, text="as it was")]) == []
    assert [m.text for m in the_chat(cache).ordered()] == ["edited"]


def test_a_message_that_was_deleted_does_not_come_back() -> None:
    cache = filled(message("m1", 0, is_deleted=True, changed_at=1.0))
    assert the_chat(cache).ordered() == []
    assert cache.merge([], [message("m1", 0, changed_at=2.0)]) == []
    assert the_chat(cache).ordered() == []


def test_late_history_that_changes_the_first_message_replaces_the_conversation() -> None:
    cache = filled(message("m5", 5 * HOUR), message("far", 3 * DAY))
    mark = merge_one(cache, message("m1", 0))
    assert mark.gone == ["f1:m5"]
    assert "f1:m1" in mark.stale
    assert the_chat(cache).nodes.keys() <= {"f1:far"}


def test_a_message_between_two_conversations_makes_them_one() -> None:
    cache = filled(message("m1", 0), message("m2", 10 * HOUR))
    mark = merge_one(cache, message("bridge", 5 * HOUR))
    assert (mark.gone, mark.stale) == (["f1:m2"], ["f1:m1"])


def test_a_conversation_whose_only_message_is_deleted_is_gone() -> None:
    cache = filled(message("m1", 0), message("m2", 10 * HOUR))
    mark = merge_one(cache, message("m2", 10 * HOUR, is_deleted=True, changed_at=1.0))
    assert mark.gone == ["f1:m2"]
    assert the_chat(cache).nodes.keys() == {"f1:m1"}


@pytest.mark.parametrize(
    ("after", "by", "expected"),
    [
        (20 * HOUR + MINUTE, "fan", ["f1:m3"]),  # the last conversation goes on
        (90 * HOUR, "fan", ["f1:new"]),  # a new one begins
        (10 * HOUR + MINUTE, "fan", ["f1:m2", "f1:m3"]),  # what follows begins after another pause
        (90 * HOUR, "creator", ["f1:m3", "f1:new"]),  # the fan run that waited is answered now
    ],
)
def test_only_what_a_message_changes_is_enriched_again(after: float, by: Any, expected: list[str]) -> None:
    cache = filled(
        message("m1", 0),
        message("a1", 1, "creator"),
        message("m2", 10 * HOUR),
        message("a2", 10 * HOUR + 1, "creator"),
        message("m3", 20 * HOUR),
    )
    assert merge_one(cache, message("new", after, by)).stale == expected


def test_another_chat_stays_enriched() -> None:
    cache = filled(message("m1", 0))
    cache.merge([], [message("o1", 0, chat="f2")])
    assert [c.id for c in cache.pending("c1")] == ["f2:o1"]


def test_a_changed_subscription_makes_what_it_says_something_of_stale() -> None:
    cache = filled(message("m1", 0), message("m2", 10 * HOUR), message("m3", 20 * HOUR))
    [mark] = cache.merge([chat(expires_at=START + DAY)], [])
    assert mark.told
    assert mark.stale == []
    [mark] = cache.merge([chat(expires_at=START + DAY, renewals=((START + 11 * HOUR, 9.0),))], [])
    assert mark.stale == ["f1:m2"]
    [mark] = cache.merge([chat(expires_at=START + DAY, is_expired=True, seen_at=START + 2 * DAY)], [])
    assert mark.stale == ["f1:m2", "f1:m3"]
    assert [c.id for c in cache.pending("c1")] == ["f1:m2", "f1:m3"]


def test_a_snapshot_that_repeats_the_subscription_makes_nothing_stale() -> None:
    cache = filled(message("m1", 0), expires_at=START + DAY)
    [mark] = cache.merge([chat(expires_at=START + DAY, unread=3, seen_at=START + HOUR)], [])
    assert mark == Touched("f1", told=True)
    assert cache.merge([chat(expires_at=START + DAY, unread=3, seen_at=START + DAY)], []) == []
    assert list(cache.pending("c1")) == []


def test_a_drop_off_is_withdrawn_when_the_fan_returns_though_the_creator_wrote_in_between() -> None:
    cache = filled(
        message("m1", 0),
        message("win-back", 30 * HOUR, "creator"),
        expires_at=START + DAY,
        is_expired=True,
    )
    before = the_chat(cache).nodes["f1:m1"]
    assert [o.type for o in before.outcomes] == ["drop_off"]
    cache.merge([], [message("m2", 50 * HOUR)])
    enrich_pending(cache)
    assert [o.type for n in the_chat(cache).nodes.values() for o in n.outcomes] == []


def test_late_history_moves_a_renewal_and_does_not_double_it() -> None:
    cache = filled(
        message("m1", 0),
        message("m9", 9 * DAY),
        renewals=((START + 5 * DAY, 20.0),),
        expires_at=START + 99 * DAY,
    )
    cache.merge([], [message("m4", 4 * DAY)])
    enrich_pending(cache)
    found = the_chat(cache)
    assert {id: [o.type for o in n.outcomes] for id, n in found.nodes.items()} == {
        "f1:m1": [],
        "f1:m4": ["renewal"],
        "f1:m9": [],
    }
    assert found.fan_state().spend == 20.0


def test_a_node_of_a_conversation_that_is_no_more_is_not_kept() -> None:
    cache = filled(message("m1", 0))
    [old] = the_chat(cache).conversations
    cache.merge([], [message("m0", -MINUTE)])
    cache.store(node(old))
    assert the_chat(cache).nodes == {}


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([], 4),
        ([message("n1", HOUR)], 5),
        ([message("n1", HOUR), message("n2", 2 * HOUR)], 6),
        ([message("n1", HOUR), message("a1", 2 * HOUR, "creator")], 0),
        ([message("a1", HOUR, "creator"), message("n1", 2 * HOUR)], 1),
        ([message("old", -HOUR)], 4),  # late history: the client had counted it
    ],
)
def test_unread_is_the_clients_count_and_what_the_fan_wrote_since(
    later: list[Message], expected: int
) -> None:
    cache = filled(message("m1", 0), unread=4)
    cache.merge([], later)
    assert the_chat(cache).unread() == expected


def test_a_new_snapshots_count_covers_every_message_known_with_it() -> None:
    cache = filled(message("m1", 0), unread=1)
    cache.merge([], [message("m2", HOUR), message("m3", 2 * HOUR)])
    cache.merge([chat(unread=2, seen_at=START + 3 * HOUR)], [message("m4", 3 * HOUR)])
    assert the_chat(cache).unread() == 2
    assert the_chat(cache).fan_state().unread == 2


def test_a_chat_list_that_is_older_than_what_is_held_does_not_reset_unread() -> None:
    cache = filled(message("m1", 0), message("m2", 2 * HOUR), unread=1)
    cache.merge([chat(unread=0, seen_at=START + 9 * HOUR, counted_at=START + HOUR)], [])
    assert the_chat(cache).unread() == 1
    cache.merge([chat(unread=0, seen_at=START + 8 * HOUR, counted_at=START)], [])
    assert the_chat(cache).unread() == 1


def test_facts_that_a_message_only_implies_do_not_replace_known_ones() -> None:
    cache = filled(message("m1", 0), unread=4, with_user=b'{"id": 1, "name": "Robin"}')
    cache.merge([chat(seen_at=0.0, with_user=b'{"id": 1}')], [message("m2", HOUR)])
    assert the_chat(cache).chat.with_user == b'{"id":1,"name":"Robin"}'
    assert the_chat(cache).unread() == 5


def test_the_fans_state_sums_up_the_chat() -> None:
    lines = [message(f"m{n}", n * MINUTE, text="q" * n) for n in range(1, 13)]
    found = cached([*lines, message("tip", HOUR, "fan", text="", tip=12.5)])
    scores = [sentiment(m) for m in lines]
    state = found.fan_state()
    assert (state.fan_id, state.creator_id, state.chat_id) == ("f1", "c1", "f1")
    assert state.join_date == START + MINUTE
    assert state.spend == 12.5
    assert state.waiting_since == START + MINUTE
    assert state.last_message_at == START + HOUR
    assert state.recent_sentiment == pytest.approx(sum(s or 0 for s in scores[-10:]) / 10)
    assert state.sentiment_profile == pytest.approx(sum(s or 0 for s in scores) / 12)


def test_the_fans_state_follows_the_chat() -> None:
    cache = filled(message("m1", 0))
    assert the_chat(cache).fan_state().waiting_since == START
    cache.merge([], [message("a1", MINUTE, "creator")])
    assert the_chat(cache).fan_state().waiting_since is None
    cache.merge([chat(subscribed_at=START - DAY)], [])
    assert the_chat(cache).fan_state().join_date == START - DAY
    cache.merge([chat(expires_at=START + DAY, seen_at=START + 1)], [])
    assert the_chat(cache).fan_state().subscription_end == START + DAY


def test_nothing_is_invented_for_a_chat_without_messages() -> None:
    state = the_chat(filled()).fan_state()
    assert (state.join_date, state.waiting_since, state.last_message_at) == (None, None, None)
    assert (state.recent_sentiment, state.sentiment_profile) == (None, None)
    assert (state.spend, state.unread) == (0, 0)


def test_creators_with_a_fan_in_common_stay_apart() -> None:
    cache = empty_cache()
    cache.merge([], [message("m1", 0), message("m1", 0, creator="c2", text="other")])
    assert cache.creators() == ["c1", "c2"]
    assert [m.text for c in cache.of("c2") for m in c.ordered()] == ["other"]
    assert [c.creator_id for c in cache.pending("c1")] == ["c1"]


def test_what_was_read_in_messages_stays_while_their_conversation_is_understood_again() -> None:
    cache = filled(message("m0", 0), message("m1", MINUTE))
    merge_one(cache, message("m2", 2 * MINUTE))
    assert the_chat(cache).kept.keys() == {"m0", "m1"}
    enrich_pending(cache)
    assert the_chat(cache).kept == {}
    assert the_chat(cache).readings().keys() == {"m0", "m1", "m2"}


def test_what_was_read_stays_when_the_subscription_changes_or_conversations_become_one() -> None:
    cache = filled(message("m0", 0), message("m1", 7 * HOUR))
    cache.merge([chat(expires_at=START + DAY)], [message("between", 4 * HOUR)])
    assert the_chat(cache).kept.keys() == {"m0", "m1"}


def test_of_a_message_on_which_something_failed_nothing_stays() -> None:
    cache = empty_cache()
    cache.merge([], [message("m0", 0)])
    [conversation] = cache.pending("c1")
    failed = MessageEnrichment(sentiment=None, failed={"sentiment": "no embedding"})
    cache.store(node(conversation, messages={"m0": failed}))
    cache.forget("c1", "f1", [conversation.id])
    assert the_chat(cache).kept == {}


def test_what_fails_now_does_not_undo_what_was_read() -> None:
    cache = filled(message("m0", 0))
    [conversation] = the_chat(cache).conversations
    before = the_chat(cache).readings()
    failed = MessageEnrichment(sentiment=None, failed={"embedding": "OSError"})
    cache.store(node(conversation, messages={"m0": failed}))
    assert the_chat(cache).readings() == before != {}


def test_what_other_rules_read_does_not_stay() -> None:
    cache = filled(message("m0", 0))
    merge_one(cache, message("m1", MINUTE))
    [(key, packed)] = cache.packed()
    again = empty_cache()
    again.load(key, packed, enriched=False)
    assert the_chat(again).kept == {}


def test_messages_under_the_fans_id_are_in_the_chat_of_its_own_id_that_came_with_them() -> None:
    cache = empty_cache()
    under_fan = message("m1", 0, chat="f1")
    cache.merge([chat("f1"), chat("own", fan_id="f1"), chat("f1")], [under_fan])
    cache.merge([], [message("m2", 1, chat="f1")])
    assert [(c.chat.id, [*c.messages]) for c in cache.of(None)] == [("own", ["m1", "m2"])]


def test_a_chat_whose_fan_is_named_later_has_that_fan_in_all_its_conversations() -> None:
    cache = empty_cache()
    cache.merge([chat("c1x", is_named=False)], [message("m1", 0, chat="c1x")])
    cache.merge([chat("c1x", fan_id="f1", seen_at=0.0)], [message("m2", 9 * HOUR, chat="c1x", fan_id="f1")])
    found = the_chat(cache)
    assert {found.chat.fan_id, *(each.fan_id for each in found.conversations)} == {"f1"}


def test_chats_that_are_opened_for_their_facts_alone_are_closed_too() -> None:
    cache = empty_cache()
    fans = [f"f{n}" for n in range(5)]
    cache.merge([chat(fan) for fan in fans], [message("m", 0, chat=fan) for fan in fans])
    enrich_pending(cache)
    for fan in fans:
        cache.close(("c1", fan))
    cache.merge([chat(fan, can_send=False, seen_at=START + DAY) for fan in fans], [])
    assert len(cache.beyond(2)) == 3
