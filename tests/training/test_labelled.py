"""The labelled chats that heads are trained on: their files keep the format that their README tells."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from training.labelled import BY, CHATS, LABELS, before, conversations, files, fold_of, read_chats

MESSAGE = {
    "chat": "c",
    "id": "c-1",
    "direction": "fan",
    "at": "2026-03-02T20:15:24Z",
    "text": "hey",
    "media": [],
    "price": 0,
    "isOpened": False,
    "tip": 0,
    "isMass": False,
    "sentiment": "neutral",
    "actions": ["greeting"],
}


def test_every_message_has_the_fields_and_labels_that_are_known() -> None:
    messages = read_chats()
    assert len(messages) >= 3_000
    assert len({message.chat for message in messages}) >= 190
    assert {message.label for message in messages} == {*LABELS, None}
    shown = Counter((message.direction, action) for message in messages for action in message.actions)
    assert shown.keys() == {(by, action) for by, known in BY.items() for action in known}


def test_every_message_has_an_id_of_its_own_and_a_chat_is_in_one_file() -> None:
    ids = [message.id for message in read_chats()]
    assert len(set(ids)) == len(ids)
    where = [
        (json.loads(line)["chat"], path.name) for path in files() for line in path.read_text().splitlines()
    ]
    assert len({chat for chat, _ in where}) == len(set(where))


def test_nothing_to_read_has_no_feeling_and_text_has_one() -> None:
    for message in read_chats():
        assert (message.label is None) <= (not any(map(str.isalpha, message.text))), message.id
        assert message.text.strip() or message.label is None, message.id


def test_a_third_was_labelled_again_for_messages_that_are_there() -> None:
    first = {message.id: message for message in read_chats()}
    second = [json.loads(line) for path in files(CHATS / "second") for line in path.read_text().splitlines()]
    assert len({row["id"] for row in second}) == len(second) >= len(first) / 4
    for row in second:
        assert row.keys() == {"id", "sentiment", "actions"}
        assert row["sentiment"] is None or row["sentiment"] in LABELS
        assert set(row["actions"]) <= BY[first[row["id"]].direction], row["id"]


@pytest.mark.parametrize(
    "changed",
    [
        {"sentiment": "glad"},
        {"actions": ["upsell"]},
        {"actions": ["photo"]},
        {"direction": "bot"},
        {"direction": "creator", "actions": ["complaint"]},
        {"more": 1},
    ],
)
def test_a_message_that_breaks_the_format_is_refused_by_its_id(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    (tmp_path / "one.jsonl").write_text(json.dumps(MESSAGE) + "\n")
    assert [message.id for message in read_chats(tmp_path)] == ["c-1"]
    (tmp_path / "one.jsonl").write_text(json.dumps({**MESSAGE, **changed}) + "\n")
    with pytest.raises(ValueError, match=r"one\.jsonl, c-1"):
        read_chats(tmp_path)


def test_what_precedes_a_message_is_of_its_conversation_and_among_those_that_are_asked_of() -> None:
    said = next(each for each in conversations(read_chats()) if len(each.messages) > 4).messages
    ids = ["no message", said[2].id, said[0].id, said[3].id, ""]
    found = before(ids)
    assert [[row for row in rows if row >= 0] for rows in found.rows.tolist()] == [[], [2], [], [1, 2], []]
    own = [said[n].direction == said[3].direction for n in (2, 1, 0)]
    assert found.by_own[3].tolist()[:4] == [*own, False]
    assert found.by_other[3].tolist()[:4] == [*(not each for each in own), False]
    assert not found.by_own[2].any()
    assert not found.by_other[[0, 2, 4]].any()


def test_a_chat_is_cut_where_it_paused() -> None:
    messages = read_chats()
    found = conversations(messages)
    assert len({message.chat for message in messages}) < len(found) < len(messages) / 5
    assert sum(len(each.messages) for each in found) == len(messages)


def test_folds_are_of_about_one_size_and_decided_by_the_name() -> None:
    chats = sorted({message.chat for message in read_chats()})
    counts = Counter(fold_of(chat, 5) for chat in chats)
    assert set(counts) == set(range(5))
    assert min(counts.values()) > len(chats) / 10
    assert [fold_of(chat, 5) for chat in chats] == [fold_of(chat, 5) for chat in chats]
