from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from chats.bundle import Bundle
from chats.message import Message, Version
from session.known import Known, Notes
from steps import finished
from wire.incoming import CacheUpdatePayload, LiveMessage
from wire.normalise import Normalised, normalise_deltas, normalise_snapshot

CREATOR = "900"


def nothing_aside(chat_id: str, message_id: str) -> Sequence[Message]:
    return ()


def read(rows: list[dict[str, Any]], known: Known) -> Normalised:
    live = [LiveMessage(row) for row in rows]
    return normalise_deltas(
        live, creator_id=CREATOR, received_at=1e9, max_text=99, places=known.places, check_creator=False
    )


def take(known: Known, rows: list[dict[str, Any]], notes: Notes) -> list[tuple[str, str]]:
    fresh, _ = finished(known.take(read(rows, known), 1e9, nothing_aside, lambda message: None, notes))
    return [(message.chat_id, message.id) for message in fresh]


def taken(known: Known, rows: list[dict[str, Any]], many: int) -> tuple[set[Any], set[Any]]:
    """Of which messages and chats a snapshot tells, that is large when it has more than `many` messages."""
    with patch("wire.normalise.MANY", many), patch("chats.bundle.PIECE", 2):
        found = normalise_snapshot(
            CacheUpdatePayload(messages=rows),
            creator_id=CREATOR,
            received_at=1e9,
            max_text=99,
            places=known.places,
            check_creator=False,
        )
        assert isinstance(found.messages, Bundle) == (len(rows) > many)
        fresh, chats = finished(known.take(found, 1e9, nothing_aside, lambda message: None, Notes()))
        return {(each.chat_id, each.id) for each in fresh}, {each.id for each in chats}


def in_order(version: Version) -> Version:
    return structs.replace(version, older=tuple(sorted(version.older)))


def told(known: Known) -> Any:
    """Everything that is known, by chat and by message."""
    chats = {
        chat: {id: in_order(v) for id, v in each.items()} for chat, each in known._versions.items() if each
    }
    by_message: dict[str, set[str]] = {}
    for chat, each in chats.items():
        for id in each:
            by_message.setdefault(id, set()).add(chat)
    assert {id: set(known.chats_with(id)) for id in by_message} == by_message
    assert known._chats_with.keys() == by_message.keys()
    return chats, dict(known._fan_of), dict(known._chat_of)


ROW = st.fixed_dictionaries(
    {"id": st.integers(1, 4), "text": st.just("x"), "createdAt": st.just("2024-05-01T08:00:00Z")},
    optional={
        "chat_id": st.sampled_from(("c1", "c2", "5")),
        "fromUser": st.sampled_from(({"id": 5}, {"id": 6}, {"id": 900})),
        "toUser": st.sampled_from(({"id": 5}, {"id": 6})),
        "changedAt": st.sampled_from(("2024-05-02T08:00:00Z", "2024-05-03T08:00:00Z")),
        "isDeleted": st.booleans(),
    },
)


@given(st.lists(st.lists(ROW, max_size=5), max_size=5), st.integers(0, 5))
def test_what_is_undone_newest_first_leaves_what_was(inputs: list[list[dict[str, Any]]], kept: int) -> None:
    known = Known()
    for rows in inputs[:kept]:
        take(known, rows, Notes())
    before = told(known)
    undone = []
    for rows in inputs[kept:]:
        undone.append(Notes())
        take(known, rows, undone[-1])
        told(known)
    for notes in reversed(undone):
        notes.undo()
    assert told(known) == before


@given(st.lists(st.lists(ROW, max_size=6), max_size=4))
def test_of_a_large_snapshot_is_known_what_is_of_a_small_one(inputs: list[list[dict[str, Any]]]) -> None:
    known, other = Known(), Known()
    for rows in inputs:
        assert taken(known, rows, 0) == taken(other, rows, len(rows))
        assert told(known) == told(other)


def test_a_chat_that_gets_an_id_of_its_own_has_the_messages_of_the_fan() -> None:
    known = Known()
    row = {"id": 1, "text": "x", "fromUser": {"id": 5}, "createdAt": "2024-05-01T08:00:00Z"}
    assert take(known, [row], Notes()) == [("5", "1")]
    notes = Notes()
    take(known, [{**row, "id": 2, "chat_id": "c5"}], notes)
    assert (known.chats_with("1"), known.chats_with("2")) == (("c5",), ("c5",))
    notes.undo()
    assert (known.chats_with("1"), known.chats_with("2")) == (("5",), ())
