from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.frames import Dropped, unwrap
from wire.notices import Purchase, Subscription, Tip, kind_name

MADE: dict[str, Any] = {"id": "msg_1795693578348_0", "previews": []}
ISO = "2023-11-01T12:00:00+00:00"
CHAT = {"id": 5, "text": "hi", "fromUser": {"id": 902}, "createdAt": ISO}
BOUGHT = {
    "id": "7700012",
    "type": "paided_message",
    "text": '<a href="/my/chats/chat/902?firstId=31">Your message</a> was purchased for $25.00',
    "user_id": "100",
    "user": {"id": 902},
}


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"stories": [{"id": 3}]}, "stories"),
        ({"connected": True}, "connected"),
        ({"online": [5, 6]}, "online"),
        ({"syncInProcess": True}, "sync_in_process"),
        ({"subscribed": {"id": 5}}, "subscribed"),
        ({"has_new_hints": True}, "has_new_hints"),
        ({"chat_queue_finish": {"id": 1}}, "chat_queue_finish"),
        ({"post_published": {"id": "4", "user_id": "100"}}, "post_published"),
        ({"purchase_notified": {"id": 4}}, "purchase_notified"),
        ({"v": 5}, "v"),
        ({"typing": {"id": 5}}, "typing"),
        ({"chat_messages": 2, "count_priority_chat": 0, "unread_tips": 1}, "counters"),
        ({"messages": 1, "hasSystemNotifications": False}, "counters"),
        ({"toasts": [{"text": "saved"}]}, "toast"),
        ({"notifications": []}, "notification"),
        ({"text": {"de": "hi"}}, "text"),
        ({"<script>": 1}, "other"),
        ({"x" * 1000: 1}, "other"),
        ({}, "other"),
    ],
)
@pytest.mark.parametrize("made", [MADE, {}])
def test_a_frame_that_is_not_chat_is_counted_by_its_kind_whatever_the_extension_adds(
    frame: dict[str, Any], kind: str, made: dict[str, Any]
) -> None:
    assert unwrap(made | frame) == Dropped(kind)
    assert unwrap(frame | made) == Dropped(kind)


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "hi"},
        {"text": None},
        {"fromUser": {"id": 902}},
        {"toUser": {"id": 902}},
        {"media": []},
        {"createdAt": ISO},
        {"isSentByMe": True},
        {"price": 5},
    ],
)
def test_one_field_of_a_message_makes_a_frame_a_message(fields: dict[str, Any]) -> None:
    for frame in (MADE | fields, {"id": 5} | fields, fields):
        assert unwrap(frame) is frame


@pytest.mark.parametrize("change", ["isDeleted", "deletedAt", "isCanceled", "isOpened"])
def test_a_change_is_a_messages_where_the_id_is_its_own(change: str) -> None:
    frame = {"id": 51, change: True}
    assert unwrap(frame) is frame
    assert unwrap(MADE | {change: True}) == Dropped(kind_name(change))
    assert unwrap({change: True}) == Dropped(kind_name(change))


def test_a_message_with_people_stays_one_beside_the_key_of_a_frame() -> None:
    frame = CHAT | {"notifications": []}
    assert unwrap(frame) is frame


@pytest.mark.parametrize("made", [MADE, {}])
def test_the_chat_message_of_a_frame_is_unwrapped(made: dict[str, Any]) -> None:
    assert unwrap(made | {"api2_chat_message": CHAT}) is CHAT
    deleted = {"chatId": 5}
    assert unwrap({"api2_chat_message": deleted}) is deleted


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ({"new_message": BOUGHT}, Purchase("902", "31", 25.0, None)),
        (
            {"new_message": BOUGHT | {"id": "0"}, "hasSystemNotifications": False},
            Purchase("902", "31", 25.0, None),
        ),
        (MADE | {"new_message": BOUGHT}, Purchase("902", "31", 25.0, None)),
        (BOUGHT, Purchase("902", "31", 25.0, None)),
        (
            {"new_message": {"id": 8, "type": "tip", "text": "tipped $5", "user": {"id": 902}}},
            Tip("902", 5.0, None, "8"),
        ),
        ({"new_message": {"type": "subscribed", "user": {"id": 9}}}, Subscription("9", None, None, False)),
        ({"new_message": {"type": "favorited", "id": 8}}, Dropped("favorited")),
        ({"new_message": CHAT}, Dropped("notification")),
        ({"new_message": {"id": 0}}, Dropped("notification")),
        ({"new_message": None}, Dropped("notification")),
        ({"api2_chat_message": {"id": 0, "text": "hi"}}, Dropped("notification")),
        ({"id": "0", "text": "notice"}, Dropped("notification")),
    ],
)
def test_a_notification_is_its_fact_or_is_counted_whatever_its_id(
    frame: dict[str, Any], expected: Any
) -> None:
    assert unwrap(frame) == expected


def test_an_id_that_only_reads_as_nought_is_a_messages() -> None:
    frame = CHAT | {"id": "0e123"}
    assert unwrap(frame) is frame


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = ["id", "text", "type", "user_id", "api2_chat_message", "new_message", "typing", "isDeleted", "online"]


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=50), json_values, max_size=5))
def test_any_frame_is_a_message_a_fact_or_a_kind(frame: dict[str, Any]) -> None:
    found = unwrap(frame)
    if isinstance(found, Dropped):
        assert kind_name(found.kind) == found.kind
    elif isinstance(found, dict):
        assert found is frame or found is frame["api2_chat_message"]
