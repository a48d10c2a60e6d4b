"""A bundle of messages is the messages, with those of one chat together."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats.bundle import Bundle, emptied, placed, raws
from chats.message import Message
from steps import finished

CHATS = [f"chat {n}" for n in range(5)]
times = st.floats(0, 2e9)
messages = st.builds(
    Message,
    id=st.text(max_size=3),
    creator_id=st.just("c"),
    chat_id=st.sampled_from(CHATS),
    fan_id=st.text(max_size=3),
    direction=st.sampled_from(("fan", "creator")),
    at=times,
    text=st.text(max_size=9),
    price=st.sampled_from((0.0, 9.5)),
    media=st.lists(st.sampled_from(("photo", "gif")), max_size=2).map(tuple),
    changed_at=st.none() | times,
    older=st.lists(st.tuples(st.sampled_from(("text", "tip")), times), max_size=2).map(tuple),
    is_opened=st.booleans(),
    opened_at=st.none() | times,
    sender_id=st.none() | st.text(max_size=3),
    raw=st.binary(max_size=9),
)
some = st.lists(messages, max_size=20)


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    with patch("chats.bundle.PIECE", 3), patch("chats.bundle.PARTS", 2):
        yield


def bundled(messages: list[Message]) -> Bundle:
    found = Bundle()
    for message in messages:
        found.append(message)
    return found


def by_chat(messages: list[Message]) -> dict[str, list[Message]]:
    return {id: own for id in CHATS if (own := [each for each in messages if each.chat_id == id])}


@given(some)
def test_a_bundle_has_every_message_as_it_was_in_the_order_of_its_chat(said: list[Message]) -> None:
    bundle = bundled(said)
    for _ in range(2):
        assert by_chat(list(bundle)) == by_chat(said)
        assert list(raws(bundle)) == [message.raw for message in bundle]
    assert len(bundle) == len(said)


@given(some)
def test_the_place_of_a_message_is_where_it_came(said: list[Message]) -> None:
    found = dict(placed(bundled(said)))
    assert sorted(found) == list(range(len(said)))
    for place, message in found.items():
        known = said[place]
        assert (message.chat_id, message.id, message.version) == (known.chat_id, known.id, known.version)
    assert list(placed(said)) == list(enumerate(said))


@given(some, st.sets(st.integers(0, 19)), st.dictionaries(st.integers(0, 19), st.sampled_from(CHATS)))
def test_what_is_left_out_is_gone_and_what_is_moved_is_in_another_chat(
    said: list[Message], out: set[int], moved: dict[int, str]
) -> None:
    left = finished(bundled(said).without(out, moved))
    kept = [place for place in range(len(said)) if place not in out]
    found = dict(placed(left))
    assert len(left) == len(list(left)) == len(kept)
    assert sorted(found) == kept
    for place in kept:
        known = said[place]
        chat_id = moved.get(place, known.chat_id)
        assert (found[place].chat_id, found[place].id, found[place].at) == (chat_id, known.id, known.at)
    assert sorted(raws(left)) == sorted(said[place].raw for place in kept)


@given(some, st.sets(st.integers(0, 19)))
def test_places_stay_when_others_are_left_out_again(said: list[Message], out: set[int]) -> None:
    once = finished(bundled(said).without({place for place in out if place % 2}))
    twice = finished(once.without(out))
    assert by_chat(list(twice)) == by_chat([m for place, m in enumerate(said) if place not in out])


@given(some)
def test_a_bundle_is_emptied_in_parts_that_share_no_chat(said: list[Message]) -> None:
    bundle = bundled(said)
    parts = [list(part) for part in emptied(bundle)]
    chats = [{message.chat_id for message in part} for part in parts]
    assert sum(map(len, chats)) == len(set().union(*chats))
    assert by_chat([message for part in parts for message in part]) == by_chat(said)
    assert list(bundle) == []
    assert len(bundle) == len(said)
