import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench.quality.truth import (
    ACTIONS,
    FOLDER,
    TOPICS,
    LabelledChat,
    LabelledMessage,
    LabelledOutcome,
    chats,
    messages,
)
from chats.conversation import cut

DAY = 86_400.0
MESSAGE: dict[str, Any] = {
    "chat": "f1",
    "id": "1",
    "direction": "creator",
    "at": "2025-01-06T20:12:00Z",
    "text": "see you friday",
    "media": ["photo"],
    "price": 9,
    "isOpened": True,
    "tip": 0,
    "isMass": False,
    "changedAt": "2025-01-06T20:20:00Z",
    "sentiment": "neutral",
    "actions": ["photo", "ppv_offer"],
    "entities": [[8, 14, "date"]],
}
CHAT: dict[str, Any] = {
    "chat": "f1",
    "expiresAt": "2025-02-06T20:12:00Z",
    "isExpired": False,
    "renewals": [["2025-01-07T00:00:00Z", None]],
    "topics": ["travel"],
    "outcomes": [
        {
            "type": "purchase",
            "at": "2025-01-06T20:20:00Z",
            "amount": 9,
            "messageId": "1",
            "followsMessageId": "1",
            "provisional": False,
        }
    ],
}


@pytest.fixture(scope="module")
def labelled() -> list[LabelledChat]:
    return chats()


def write(folder: Path, messages: list[dict[str, Any]], chats: list[dict[str, Any]]) -> Path:
    for name, rows in (("messages.jsonl", messages), ("chats.jsonl", chats)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def from_fields(message: LabelledMessage, before: LabelledMessage | None) -> set[str]:
    """The actions that the fields of a message and of the one before it decide."""
    by_creator = message.direction == "creator"
    priced = message.price > 0
    holds = {
        "photo": "photo" in message.media,
        "video": "video" in message.media,
        "voice": "audio" in message.media,
        "gif": "gif" in message.media,
        "ppv_offer": by_creator and priced,
        "free_media": by_creator and not priced and bool({"photo", "video", "audio"} & set(message.media)),
        "tip": message.tip > 0,
        "mass_message": message.is_mass,
        "re_engagement": by_creator and before is not None and message.at - before.at >= 3 * DAY,
    }
    return {action for action, held in holds.items() if held}


def led_to(chat: LabelledChat) -> list[LabelledOutcome]:
    """The outcomes by the rules of the README."""

    def follows(at: float) -> str | None:
        older = [m.id for m in chat.messages if m.direction == "creator" and m.at < at]
        return older[-1] if older else None

    bought = {m.id: (m.changed_at or m.at) for m in chat.messages if m.is_opened}
    found = [LabelledOutcome("renewal", at, sum_, None, follows(at), False) for at, sum_ in chat.renewals]
    for m in chat.messages:
        if m.tip:
            found.append(LabelledOutcome("tip", m.at, m.tip, m.id, follows(m.at), False))
        if m.id in bought:
            found.append(LabelledOutcome("purchase", bought[m.id], m.price, m.id, m.id, False))
    signs = [m.at for m in chat.messages if m.direction == "fan"]
    signs += [*bought.values(), *(at for at, _ in chat.renewals)]
    end = chat.expires_at
    if chat.is_expired and end is not None and not any(at > end for at in signs):
        found.append(LabelledOutcome("drop_off", end, None, None, follows(end), True))
    return sorted(found, key=lambda outcome: outcome.at)


def test_the_readme_counts_what_is_there(labelled: list[LabelledChat]) -> None:
    rows = re.findall(r"^\| (\w+) \| ([\w ]+) \| (\d+) \|$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    all_messages = [m for chat in labelled for m in chat.messages]
    counted: Counter[tuple[str, str]] = Counter()
    counted["size", "chats"] = len(labelled)
    counted["size", "messages"] = len(all_messages)
    counted["size", "messages with text"] = sum(bool(m.text) for m in all_messages)
    counted["size", "messages by fans"] = sum(m.direction == "fan" for m in all_messages)
    counted.update(("sentiment", m.sentiment or "null") for m in all_messages)
    counted.update(("actions", action) for m in all_messages for action in m.actions)
    counted.update(("entities", entity.type) for m in all_messages for entity in m.entities)
    counted.update(("outcomes", outcome.type) for chat in labelled for outcome in chat.outcomes)
    counted.update(("topics", topic) for chat in labelled for topic in chat.topics)
    assert {(part, label): int(count) for part, label, count in rows} == counted


def test_there_is_enough_of_every_label(labelled: list[LabelledChat]) -> None:
    all_messages = [m for chat in labelled for m in chat.messages]
    actions = Counter(action for m in all_messages for action in m.actions)
    entities = Counter(entity.type for m in all_messages for entity in m.entities)
    sentiments = Counter(m.sentiment for m in all_messages)
    outcomes = Counter(outcome.type for chat in labelled for outcome in chat.outcomes)
    assert min(actions[action] for action in ACTIONS) >= 12
    assert len(entities) == 7
    assert min(entities.values()) >= 25
    assert sentiments["neutral"] >= 130
    assert min(sentiments["negative"], sentiments["positive"]) >= 100
    assert len(outcomes) == 4
    assert sum(outcomes.values()) >= 45
    assert {topic for chat in labelled for topic in chat.topics} == set(TOPICS)


def test_actions_that_follow_from_fields_agree_with_the_fields(labelled: list[LabelledChat]) -> None:
    decided = {"photo", "video", "voice", "gif", "ppv_offer", "free_media", "tip"}
    decided |= {"mass_message", "re_engagement"}
    for chat in labelled:
        for before, message in zip((None, *chat.messages), chat.messages, strict=False):
            assert set(message.actions) & decided == from_fields(message, before), message.id


def test_actions_are_those_of_who_wrote_the_message(labelled: list[LabelledChat]) -> None:
    only = {
        "fan": {"custom_request", "price_inquiry", "price_objection", "complaint", "churn_intent", "tip"},
        "creator": {"upsell", "ppv_offer", "free_media", "re_engagement"},
    }
    for chat in labelled:
        for message in chat.messages:
            other = "creator" if message.direction == "fan" else "fan"
            assert not set(message.actions) & only[other], message.id


def test_outcomes_follow_from_the_chat_by_the_rules(labelled: list[LabelledChat]) -> None:
    for chat in labelled:
        assert list(chat.outcomes) == led_to(chat), chat.chat


def test_some_fans_come_back_after_their_subscription_ended(labelled: list[LabelledChat]) -> None:
    ended = [chat for chat in labelled if chat.is_expired and chat.expires_at is not None]
    stayed = [chat.chat for chat in ended if all(o.type != "drop_off" for o in chat.outcomes)]
    assert 0 < len(stayed) < len(ended)


def test_the_product_reads_a_chat_whole(labelled: list[LabelledChat]) -> None:
    for chat in labelled:
        known, sent = chat.as_chat(), chat.as_messages()
        assert known.fan_id == known.id == chat.chat
        assert {(m.creator_id, m.chat_id, m.fan_id) for m in sent} == {("creator", chat.chat, chat.chat)}
        assert [m.text for m in sorted(sent, key=lambda m: m.order)] == [m.text for m in chat.messages]
        assert sum(len(c.messages) for c in cut(sent, gap=6 * 3600, silence=300)) == len(chat.messages)


def test_a_message_is_read_with_its_labels(tmp_path: Path) -> None:
    [chat] = chats(write(tmp_path, [MESSAGE], [CHAT]))
    [message] = chat.messages
    [sent] = chat.as_messages()
    assert (sent.at, sent.price, sent.is_opened, sent.media) == (1_736_194_320.0, 9.0, True, ("photo",))
    assert [message.text[e.start : e.end] for e in message.entities] == ["friday"]
    assert chat.as_chat().renewals == ((1_736_208_000.0, None),)
    assert chat.outcomes[0].message_id == "1"


def test_separators_inside_a_text_do_not_end_its_line(tmp_path: Path) -> None:
    odd = {**MESSAGE, "text": "a\u2028b\u0085c", "entities": []}
    folder = write(tmp_path, [], [CHAT])
    (folder / "messages.jsonl").write_text(json.dumps(odd, ensure_ascii=False) + "\n", encoding="utf-8")
    assert [m.text for m in messages(folder)] == ["a\u2028b\u0085c"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"direction": "bot"}, "not one of fan, creator"),
        ({"sentiment": "angry"}, "not one of negative"),
        ({"actions": ["ppv_offer", "photo"]}, "sorted"),
        ({"actions": ["dancing"]}, "not one of greeting"),
        ({"media": ["hologram"]}, "not one of photo"),
        ({"entities": [[8, 15, "date"]]}, "outside the text"),
        ({"entities": [[7, 14, "date"]]}, "space"),
        ({"entities": [[8, 14, "date"], [8, 14, "time"]]}, "overlap"),
        ({"entities": [[8, 14, "verb"]]}, "not one of money"),
        ({"price": 0}, "only a priced message"),
        ({"price": "9"}, "no amount"),
        ({"isMass": 1}, "isMass is not bool"),
        ({"at": "2025-01-06T20:12:00"}, "without offset"),
        ({"text": "", "entities": []}, "no sentiment"),
        ({"id": "0"}, "not unique"),
    ],
)
def test_a_wrong_message_is_named_by_file_and_line(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    folder = write(tmp_path, [{**MESSAGE, "id": "0"}, {**MESSAGE, **change}], [CHAT])
    with pytest.raises(ValueError, match=rf"^messages\.jsonl:2: .*{reason}") as raised:
        messages(folder)
    assert "see you" not in str(raised.value)


def test_a_missing_field_and_broken_json_are_named_by_line(tmp_path: Path) -> None:
    folder = write(tmp_path, [{k: v for k, v in MESSAGE.items() if k != "tip"}], [CHAT])
    with pytest.raises(ValueError, match=r"^messages\.jsonl:1: no field 'tip'$"):
        messages(folder)
    (folder / "messages.jsonl").write_text('{"text": "see you')
    with pytest.raises(ValueError, match=r"^messages\.jsonl:1: not JSON"):
        messages(folder)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"topics": ["weather"]}, "not one of small_talk"),
        ({"outcomes": [{**CHAT["outcomes"][0], "messageId": "7"}]}, "names no message"),
        ({"outcomes": [{**CHAT["outcomes"][0], "type": "refund"}]}, "not one of tip"),
        ({"renewals": [["2025-01-07T00:00:00Z", -1]]}, "no amount"),
        ({"chat": "f2"}, "has messages"),
    ],
)
def test_a_wrong_chat_is_named_by_file_and_line(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=rf"^chats\.jsonl:1: .*{reason}"):
        chats(write(tmp_path, [MESSAGE], [{**CHAT, **change}]))


def test_messages_of_a_chat_without_a_line_are_refused(tmp_path: Path) -> None:
    stray = {**MESSAGE, "chat": "f2", "id": "2"}
    with pytest.raises(ValueError, match="no line for f2"):
        chats(write(tmp_path, [MESSAGE, stray], [CHAT]))


def test_a_chat_out_of_order_is_refused(tmp_path: Path) -> None:
    later = {**MESSAGE, "id": "2"}
    with pytest.raises(ValueError, match="not oldest first"):
        chats(write(tmp_path, [later, MESSAGE], [CHAT]))
