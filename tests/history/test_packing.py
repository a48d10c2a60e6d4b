from random import Random
from typing import Any

import msgspec
import orjson
from hypothesis import given
from hypothesis import strategies as st

from chats.chat import Chat
from chats.message import Message
from history.packing import Packed, pack, unpack
from tests.actors.factories import GAP, HOUR, SILENCE, START, cached, empty_cache, enrich_pending, message
from tests.history.test_history import arrivals

messages = st.builds(
    Message,
    id=st.text(max_size=8),
    creator_id=st.just("c1"),
    chat_id=st.just("f1"),
    fan_id=st.just("f1"),
    direction=st.sampled_from(("fan", "creator")),
    at=st.floats(0, 2e9),
    text=st.text(max_size=40),
    price=st.sampled_from((0.0, 12.5)),
    is_opened=st.booleans(),
    tip=st.sampled_from((0.0, 5.0)),
    media=st.lists(st.sampled_from(("photo", "gif")), max_size=2).map(tuple),
    is_mass=st.booleans(),
    changed_at=st.none() | st.floats(1, 2e9),
    is_deleted=st.booleans(),
    raw=st.text(max_size=20).map(lambda text: orjson.dumps({"text": text})),
)
chats = st.builds(
    Chat,
    id=st.just("f1"),
    creator_id=st.just("c1"),
    fan_id=st.just("f1"),
    unread=st.integers(0, 9),
    seen_at=st.floats(0, 2e9),
    subscribed_at=st.none() | st.floats(0, 2e9),
    expires_at=st.none() | st.floats(0, 2e9),
    is_expired=st.booleans(),
    renewals=st.lists(st.tuples(st.floats(0, 2e9), st.none() | st.floats(0, 99)), max_size=2).map(tuple),
    with_user=st.none() | st.binary(max_size=9),
)


@given(chats, st.lists(messages, max_size=8, unique_by=lambda m: m.id))
def test_what_is_unpacked_is_what_was_packed(chat: Chat, said: list[Message]) -> None:
    found = cached(said, chat)
    found.outdate(found.conversations[1:])
    packed = msgspec.msgpack.decode(msgspec.msgpack.encode(pack(found)), type=Packed)
    again = unpack(packed, gap=GAP, silence=SILENCE)
    assert (again.chat, again.messages, again.nodes) == (found.chat, found.messages, found.nodes)
    assert again.kept == found.kept
    assert (again.conversations, again.contexts) == (found.conversations, found.contexts)
    assert packed.fan == again.fan_state() == found.fan_state()
    assert packed.messages == len(found.ordered())
    assert packed.versions() == {m.id: m.version for m in said}


@given(arrivals(), st.randoms(use_true_random=False), st.integers(1, 5))
def test_chats_that_are_closed_at_any_time_say_what_chats_that_stay_open_say(
    said: list[Message], rng: Random, size: int
) -> None:
    closing, open_ = empty_cache(), empty_cache()
    for start in range(0, len(said), size):
        marks: list[Any] = []
        for cache in (closing, open_):
            marks.append(cache.merge([], said[start : start + size]))
            if rng.random() < 0.5 or cache is open_:
                enrich_pending(cache)
        one, other = (
            [found for m in mark if any((found := (m.chat_id, m.new, m.changed, m.removed, m.gone))[1:])]
            for mark in marks
        )
        assert one == other
        for key in closing.beyond(rng.randint(0, 10)):
            closing.close(key)
    enrich_pending(closing)
    enrich_pending(open_)
    assert closing.fans(None) == open_.fans(None)
    for creator in open_.creators():
        assert closing.size(creator) == open_.size(creator)
        assert list(closing.pending(creator)) == []
    for closed, opened in zip(closing.of(None), open_.of(None), strict=True):
        assert closed.messages == opened.messages
        assert (closed.conversations, closed.nodes) == (opened.conversations, opened.nodes)


def test_a_chat_at_rest_takes_less_than_a_third_of_its_messages() -> None:
    raw = b'{"id":%d,"text":"<p>hello you, how was your day?</p>","fromUser":{"id":41,"name":"Fan"}}'
    said = [message(str(n), n * HOUR, text="hello you, how was your day?", raw=raw % n) for n in range(200)]
    packed = pack(cached(said))
    assert sum(len(each.body) for each in packed.blocks) < sum(len(m.raw) + len(m.text) for m in said) / 3


def test_a_chat_is_complete_when_every_conversation_is_enriched() -> None:
    cache = empty_cache()
    cache.merge([], [message("m1", 0), message("m2", 10 * HOUR)])
    key = ("c1", "f1")
    assert not cache.pack(key).complete
    assert cache.waiting("c1") == 2
    enrich_pending(cache)
    assert cache.pack(key).complete
    assert cache.unpacked() == []


def test_what_was_enriched_otherwise_is_to_be_enriched_again() -> None:
    cache = empty_cache()
    cache.merge([], [message("m1", 0)])
    enrich_pending(cache)
    again = empty_cache()
    for key, packed in cache.packed():
        again.load(key, packed, enriched=False)
    assert [c.id for c in again.pending("c1")] == ["f1:m1"]
    assert [c.figures.start for c in again.pending("c1")] == [START]
