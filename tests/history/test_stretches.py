"""A chat that is parted into stretches is what it would be in one piece, whatever happens to it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from chats.chat import Chat
from chats.conversation import Conversation, cut
from chats.enriched import (
    ActionTopic,
    ActionUse,
    EnrichedConversation,
    MessageEnrichment,
    TopicUse,
)
from chats.message import ASSUMED, INFERRED, Message
from enrich.outcomes import contexts
from history import chat as chat_module
from history import stretch
from history.chat import CachedChat, content_of
from history.history import PIECE, History
from history.totals import Totals
from steps import finished
from tests.actors.factories import GAP, HOUR, MINUTE, SILENCE, START, chat, empty_cache, message, node
from wire.view import chat_node

TEXTS = ("hello", "thanks", "ok good night", "how much is it?", "", "😘")
KINDS = ("direct", "direct", "mass", "mass", "mass", "notice", "tip", "renewal", "captured")
SECONDS = (0, 1, 119, 121, 599, 602, 5 * HOUR, 6 * HOUR, 6 * HOUR + 1)
# Seconds from one message to the next, about: those of an hour or less make runs long enough to be cut.
PACES = (10 * HOUR, HOUR, 11 * MINUTE, 1.0)


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """Stretches, and conversations, of a few messages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chats.conversation.PAUSES", 2)
        for module in (chat_module, stretch):
            for name, size in (("FEW", 2), ("MANY", 3), ("BLOCK", 4)):
                if hasattr(module, name):
                    patch.setattr(module, name, size)
        yield


@st.composite
def said(draw: st.DrawFn, pace: float) -> Message:
    """A message of any kind, at a time that may be just as near to another's as matters."""
    n = draw(st.integers(0, 30))
    kind = draw(st.sampled_from(KINDS if pace > GAP else ("direct",) * 12 + KINDS))
    by: Any = draw(st.sampled_from(("fan", "creator")))
    more: dict[str, Any] = {"text": draw(st.sampled_from(TEXTS))}
    id = str(100 + n)
    if kind == "mass":
        more["is_mass"] = True
    elif kind == "notice":
        more["is_notice"] = True
    elif kind == "tip":
        by, more["is_notification"], more["tip"] = "fan", True, 5.0
    elif kind == "renewal":
        by, more["is_notification"], more["is_renewal"] = "fan", True, True
        more["paid"] = draw(st.none() | st.just(9.0))
    elif kind == "captured":
        by, id, more["text"] = "creator", f"temp_17145504{n:05}", "hello"
        more["older"] = (("at", ASSUMED),)
    elif by == "creator" and draw(st.booleans()):
        more |= {"price": 7.5, "is_opened": draw(st.booleans())}
    elif by == "fan" and draw(st.integers(0, 3)) == 0:
        more["tip"] = 5.0
    version = draw(st.integers(0, 3))
    after = n * pace + draw(st.sampled_from([each for each in SECONDS if each <= pace]))
    after += 0.1 * n if pace > GAP else 0.0
    if by == "creator":
        told = st.sampled_from(((None, None), ("anna", float(version)), ("bob", INFERRED)))
        more["sender_id"], more["sender_at"] = draw(told)
    return message(
        id,
        after,
        by,
        changed_at=float(version) or None,
        is_deleted=version == 3,
        **more,
    )


facts = st.builds(
    chat,
    unread=st.integers(0, 3),
    counted_at=st.integers(0, 300).map(lambda n: START + n * HOUR),
    is_expired=st.booleans(),
    expires_at=st.none() | st.integers(0, 300).map(lambda n: START + n * HOUR),
    renewals=st.lists(
        st.tuples(st.integers(0, 300).map(lambda n: START + n * HOUR), st.none() | st.just(9.0)), max_size=3
    ).map(tuple),
    can_send=st.none() | st.booleans(),
    fan_id=st.sampled_from(("f1", "f1", "f9")),
)


def steps(pace: float) -> st.SearchStrategy[list[tuple[str, Any]]]:
    each = st.one_of(
        st.tuples(st.just("say"), st.lists(said(pace), min_size=1, max_size=12)),
        st.tuples(st.just("tell"), facts),
        st.tuples(st.just("understand"), st.integers(0, 3)),
        st.tuples(st.just("forget"), st.integers(0, 9)),
        st.tuples(st.just("close"), st.none()),
    )
    return st.lists(each, min_size=1, max_size=12)


def understood(conversation: Conversation, found: CachedChat) -> EnrichedConversation:
    """Made of the conversation and what surrounds it alone."""
    n = len(conversation.messages)
    read = {
        m.id: MessageEnrichment(
            sentiment=(len(m.text) * 0.1 if m.direction == "fan" else None),
            actions=("question",) if "?" in m.text else (),
            failed={"topics": "lost"} if m.id.endswith("7") else {},
        )
        for m in conversation.messages
    }
    return node(
        conversation,
        found,
        topics=(TopicUse(id=str(n % 2), label=conversation.id, messages=n, weight=1.0, model="m 1"),),
        actions=(ActionUse(type="question", count=n, direction="fan", evidence=tuple(read)),),
        action_topics=(ActionTopic(action="question", topic_id=str(n % 2), count=n),),
        messages=read,
    )


def understand(cache: History, every: int = 1) -> None:
    for number, conversation in enumerate(cache.pending("c1")):
        found = cache.get("c1", conversation.chat_id)
        assert found is not None
        if number % every == 0:
            cache.store(understood(conversation, found))


def the_chat(cache: History) -> CachedChat:
    [found] = cache.of(None)
    return found


def content(conversation: Conversation) -> Conversation:
    return replace(conversation, messages=tuple(map(content_of, conversation.messages)))


def whole(known: Chat, messages: dict[str, Message]) -> CachedChat:
    """The chat in one piece."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chat_module, "MANY", 10**9)
        found = CachedChat(known, gap=GAP, silence=SILENCE)
        found.take(messages.values())
        found.recut()
    assert len(found.stretches) == 1
    return found


@settings(max_examples=200)
@given(st.sampled_from(PACES).flatmap(steps), st.sampled_from((1, 2, PIECE)))
def test_a_chat_in_stretches_is_the_chat_in_one_piece(taken: list[tuple[str, Any]], piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("history.history.PIECE", piece)
        is_the_chat_in_one_piece(taken)


def is_the_chat_in_one_piece(taken: list[tuple[str, Any]]) -> None:
    cache = empty_cache()
    cache.merge([chat()], [])
    for step, given_ in taken:
        before = {m.id: m for m in the_chat(cache).ordered()}
        marks = []
        match step:
            case "say":
                marks = cache.merge([], given_)
            case "tell":
                marks = cache.merge([given_], [])
            case "understand":
                understand(cache, given_ + 1)
            case "forget":
                ids = [each.id for each in the_chat(cache).conversations][given_ : given_ + 2]
                cache.forget("c1", "f1", ids)
            case "close":
                cache.close(("c1", "f1"))
        found = the_chat(cache)
        shown = {m.id: m for m in found.ordered()}
        for mark in marks:
            assert {m.id for m in mark.new} == shown.keys() - before.keys()
            assert {m.id for m in mark.removed} == before.keys() - shown.keys()
        expected = cut(found.messages.values(), gap=GAP, silence=SILENCE)
        assert list(map(content, found.conversations)) == list(map(content, expected))
        assert {c.id for c in found.pending()} == {c.id for c in expected} - found.nodes.keys()
        assert found.totals == Totals.of(found.conversations, found.nodes)
        assert found.failed() == [each for each in found.nodes.values() if each.has_failed]
        assert cache.fan(("c1", "f1")) == found.fan_state()
        ordered = found.ordered()
        assert [found.newest(3, n) for n in (0, 2)] == [ordered[-3:], ordered[:-2][-3:]]
        assert found.newest(None) == ordered
        assert [found.shown_from(m.id) for m in ordered] == [*range(len(ordered), 0, -1)]
        assert cache.size("c1") == sum(len(each.messages) for each in expected)
    cache.merge([chat(counted_at=START + 400 * HOUR, unread=2)], [])
    understand(cache)
    found = the_chat(cache)
    at_once = whole(found.chat, found.messages)
    for conversation in at_once.conversations:
        at_once.store(understood(conversation, at_once))
    assert found.nodes == at_once.nodes
    assert found.fan_state() == at_once.fan_state()
    assert found.readings().items() >= at_once.readings().items()
    assert chat_node(found, found.ordered(), priority=None) == chat_node(
        at_once, at_once.ordered(), priority=None
    )


@settings(max_examples=200)
@given(
    st.sampled_from(PACES).flatmap(lambda pace: st.lists(said(pace), max_size=40, unique_by=lambda m: m.id)),
    facts,
)
def test_what_surrounds_conversations_is_found_in_stretches_as_in_the_whole(
    messages: list[Message], known: Chat
) -> None:
    found = CachedChat(known, gap=GAP, silence=SILENCE)
    for start in range(0, len(messages), 5):
        found.take(messages[start : start + 5])
        found.recut()
    assert found.contexts == contexts(found.conversations, {known.id: known})
    for one, other in zip(found.stretches, found.stretches[1:], strict=False):
        assert stretch.is_boundary(one.facts, other.facts, GAP)


def test_broadcasts_to_a_fan_who_says_nothing_are_parted() -> None:
    cache = empty_cache()
    sent = [message(f"b{n}", n * 24 * HOUR, "creator", is_mass=True) for n in range(40)]
    for start in range(0, len(sent), 3):
        cache.merge([], sent[start : start + 3])
    understand(cache)
    cache.close(("c1", "f1"))
    cache.merge([], [message("b40", 40 * 24 * HOUR, "creator", is_mass=True)])
    live = cache.get("c1", "f1")
    assert live is not None
    assert len(live.stretches) > 5
    assert sum(each.is_open for each in live.stretches) == 1
    [mark] = cache.merge([], [message("m1", 20 * 24 * HOUR + HOUR)])
    assert mark.gone == ["f1:b20"]
    assert not live.stretches[0].is_open


def test_a_live_message_opens_the_end_of_a_chat_alone() -> None:
    cache = empty_cache()
    cache.merge([chat()], [message(str(n), n * 7 * HOUR, "creator" if n % 2 else "fan") for n in range(100)])
    understand(cache)
    cache.close(("c1", "f1"))
    [mark] = cache.merge([], [message("new", 99 * 7 * HOUR + MINUTE)])
    assert [m.id for m in mark.new] == ["new"]
    understand(cache)
    found = cache.get("c1", "f1")
    assert found is not None
    chat_node(found, mark.new, priority=None, touched=mark)
    assert found.fan_state().waiting_since == START + 99 * 7 * HOUR + MINUTE
    assert len(found.stretches) > 20
    assert [each.is_open for each in found.stretches] == [False] * (len(found.stretches) - 1) + [True]


@pytest.mark.parametrize("captures", [False, True])
def test_a_live_message_of_a_long_run_opens_its_end_alone(captures: bool) -> None:
    cache = empty_cache()
    said = [message(str(n), n * 5 * MINUTE, "creator" if n % 2 else "fan") for n in range(200)]
    if captures:  # the extension's copy of what the creator sends
        own: Any = {"older": (("at", ASSUMED),)}
        said += [message(f"temp_17145504{n:05}", n * 5 * MINUTE, "creator", **own) for n in range(1, 200, 2)]
    cache.merge([chat()], said)
    understand(cache)
    cache.close(("c1", "f1"))
    [mark] = cache.merge([], [message("new", 200 * 5 * MINUTE)])
    assert not mark.gone
    understand(cache)
    found = cache.get("c1", "f1")
    assert found is not None
    assert len(found.stretches) > 20
    assert not any(each.is_open for each in found.stretches[:-2])
    assert len(found.conversations) > 20


def test_what_expires_and_another_subscription_open_only_what_they_are_of() -> None:
    cache = empty_cache()
    cache.merge([chat()], [message(str(n), n * 7 * HOUR, "creator" if n % 2 else "fan") for n in range(100)])
    understand(cache)
    cache.close(("c1", "f1"))
    assert finished(cache.expiring("c1", START + 10 * 7 * HOUR))
    found = cache.get("c1", "f1")
    assert found is not None
    assert not any(each.is_open for each in found.stretches[5:])
    assert found.newest(None)[0].id == "10"
    assert [each.id for each in found.pending()] == ["f1:10"]  # nothing is before it any more
    understand(cache)
    cache.close(("c1", "f1"))
    cache.merge([chat(renewals=((START + 50 * 7 * HOUR, 9.0),))], [])
    found = cache.get("c1", "f1")
    assert found is not None
    assert sum(each.is_open for each in found.stretches) == 1
    assert [each.id for each in found.pending()] == ["f1:50"]


def test_what_was_deleted_in_the_midst_of_a_chat_expires_with_the_rest() -> None:
    cache = empty_cache()
    said = [message(str(n), n * 7 * HOUR) for n in range(40)]
    cache.merge([chat()], said)
    found = cache.get("c1", "f1")
    assert found is not None
    [first, *_] = found.stretches[2].ordered()
    cache.merge([], [structs.replace(first, is_deleted=True, changed_at=START + 1000 * HOUR)])
    cache.merge([], [message("late", first.at - START + 10 * MINUTE)])
    assert finished(cache.expiring("c1", first.at + 5 * MINUTE))
    assert min(m.at for m in found.messages.values()) == first.at + 10 * MINUTE
    assert not finished(cache.expiring("c1", first.at + 5 * MINUTE))


def test_a_chat_that_was_copied_stays_what_it_is() -> None:
    cache = empty_cache()
    cache.merge([chat()], [message(str(n), n * 7 * HOUR) for n in range(9)])
    understand(cache)
    live = cache.get("c1", "f1")
    assert live is not None
    before = live.copy()
    cache.merge([chat(total_spend=9.0)], [message("8", 8 * 7 * HOUR, text="edited", changed_at=1.0)])
    cache.merge([], [message("0", 0, is_deleted=True, changed_at=1.0), message("9", 9 * 7 * HOUR)])
    assert [each.id for each in before.ordered()] == [str(n) for n in range(9)]
    assert before.ordered()[-1].text == "text of 8"
    assert list(before.pending()) == []
    assert before.nodes.keys() == {f"f1:{n}" for n in range(9)}


def test_conversations_are_told_as_they_were_when_they_were_asked_for_whatever_comes_meanwhile() -> None:
    cache = empty_cache()
    cache.merge([chat()], [message(str(n), n * 7 * HOUR) for n in range(20)])
    live = the_chat(cache)
    expected = list(live.all_surrounded())
    asked = live.all_surrounded()
    found = [next(asked)]
    cache.merge([], [message(f"new {n}", (100 + n) * 7 * HOUR) for n in range(20)])
    cache.merge([], [message("between", 18.5 * 7 * HOUR)])
    found += asked
    assert found == expected
    assert len(list(live.all_surrounded())) == 39


def test_a_snapshot_without_news_opens_no_chat(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = empty_cache()
    known = [chat(f"f{n}", unread=n, with_user=b'{"name":"Robin"}') for n in range(5)]
    cache.merge(known, [message(f"m{n}", -HOUR, chat=f"f{n}") for n in range(5)])
    understand(cache)
    for each in known:
        cache.close(("c1", each.id))
    cache.take_changes()
    before = {key: packed.blocks for key, packed in cache.packed()}

    def opened(*_: Any, **__: Any) -> CachedChat:
        raise AssertionError("a chat was opened")

    with monkeypatch.context() as patch:
        patch.setattr("history.history.unpack", opened)
        seen = [replace(each, seen_at=START + HOUR, counted_at=START + HOUR) for each in known]
        assert cache.merge(seen, []) == []
        assert cache.take_changes() == {}
        [mark] = cache.merge([replace(seen[1], unread=7, seen_at=START + 2 * HOUR)], [])
        assert (mark.chat_id, mark.told, mark.stale) == ("f1", True, [])
        assert [fan.unread for fan in cache.fans("c1")] == [0, 7, 2, 3, 4]
    assert {key: packed.blocks for key, packed in cache.packed()} == before
    assert [each.chat.seen_at - START for each in cache.of("c1")] == [HOUR, 2 * HOUR, HOUR, HOUR, HOUR]
    assert [each.fan_state().unread for each in cache.of("c1")] == [0, 7, 2, 3, 4]


def test_a_stretch_that_nothing_changed_in_keeps_its_bytes() -> None:
    cache = empty_cache()
    cache.merge([chat()], [message(str(n), n * 7 * HOUR) for n in range(50)])
    before = cache.pack(("c1", "f1")).blocks
    cache.merge([], [message("new", 50 * 7 * HOUR)])
    understand(cache)
    cache.merge([], [message("last", 51 * 7 * HOUR)])
    after = cache.pack(("c1", "f1")).blocks
    assert len(after) > 5
    assert next(cache.pending("c1")).id == "f1:last"
    assert before[0] is not after[0], "it was understood"
    cache.merge([], [message("more", 52 * 7 * HOUR)])
    assert all(one is other for one, other in zip(after[:-2], cache.pack(("c1", "f1")).blocks, strict=False))
