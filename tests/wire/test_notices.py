from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.notices import (
    MAX_KIND,
    Purchase,
    Subscription,
    Tip,
    _finds,
    is_notice_text,
    is_notification,
    kind_name,
    own_words,
    read_notification,
    tip_amount,
    tip_notice,
)

TIP = {"isTip": True}
ISO = "2023-11-01T12:00:00+00:00"
ISO_AT = 1_698_840_000.0


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("I sent you a $1.00 tip ♥", 1),
        ("I sent you a $1.00 tip ♥️", 1),
        ("I sent you an $8.00 tip ❤", 8),
        ("I sent you a $1,234.50 tip ♥ ", 1234.5),
        ("I sent you a 20,00 € tip ♥", 20),
        ("I've sent you a $5 tip", 5),
        ("i sent you a $50 tip.", 50),
        ("\n I sent you a\u00a0$5 tip\n", 5),
    ],
)
def test_the_platforms_whole_sentence_is_a_tip(text: str, amount: float) -> None:
    assert tip_notice(text) == amount
    assert tip_amount({}, text, by_fan=True) == amount
    assert is_notice_text({}, text)


@pytest.mark.parametrize(
    "text",
    [
        "I sent you a $50 tip yesterday, did you see it?",
        "I sent you a $50 tip?",
        "so I sent you a $50 tip",
        "I sent you a $50 tip and a $20 tip",
        "I sent you a massive $50 tip",
        "I sent you a $50 tip\ndid you see it",
        "I sent you a 50 tip",
        "I sent you $50",
        "",
    ],
)
def test_talk_of_a_tip_is_none(text: str) -> None:
    assert tip_notice(text) is None
    assert tip_amount({}, text, by_fan=True) == 0
    assert not is_notice_text({}, text)
    assert own_words({}, text) == text


@pytest.mark.parametrize("says_no", [False, 0, "false", "0"])
def test_what_the_platform_says_is_no_tip_is_talk(says_no: Any) -> None:
    text = "I sent you a $5.00 tip ♥"
    assert tip_amount({"isTip": says_no}, text, by_fan=True) == 0
    assert not is_notice_text({"isTip": says_no}, text)


@pytest.mark.parametrize(
    ("raw", "text", "by_fan", "amount"),
    [
        ({"tipAmount": 7.5}, "", True, 7.5),
        ({"tipAmount": "7.5", "isTip": False}, "I sent you a $5 tip", True, 7.5),
        ({"tipAmount": 0, "isTip": True}, "I sent you a $5 tip", True, 5),
        ({"isTip": True}, "Te envié una propina de $20.00 ♥", True, 20),
        ({"isTip": 1}, "Trinkgeld von 10,00 $", True, 10),
        ({"isTip": "true"}, "Я отправил вам чаевые 1 000,00 $", False, 1000),
        ({"isTip": True}, "I sent you a $5.00 tip ♥\n\nnext time $50", True, 5),
        ({"isTip": True}, "Te envié una propina de $20.00 ♥\nte debo $30", True, 20),
        ({"isTip": True}, "for you", True, 0),
        ({"isTip": True}, "$5 or $10", True, 0),
        ({"isTip": None}, "I sent you a $5 tip", True, 5),
        ({}, "Te envié una propina de $20.00 ♥", True, 20),
        ({}, "Te envié una propina de $20.00 ♥ te lo mereces", True, 0),
        ({}, "Я отправил вам чаевые 1 000,00 $", True, 0),
        ({}, "I sent you a $5 tip", False, 0),
    ],
)
def test_a_tip_is_its_amount_else_the_one_sum_of_its_text(
    raw: dict[str, Any], text: str, by_fan: bool, amount: float
) -> None:
    assert tip_amount(raw, text, by_fan=by_fan) == amount


@pytest.mark.parametrize(
    ("raw", "text", "own"),
    [
        (TIP, "I sent you a $5.00 tip ♥", ""),
        (TIP, "I sent you a $5.00 tip ♥\n\nyou deserve it babe", "you deserve it babe"),
        (TIP, "I sent you a $5.00 tip ♥ you deserve it\nbabe", "you deserve it\nbabe"),
        (TIP, "I sent you a $5.00 tip ♥: :) enjoy", ":) enjoy"),
        ({"tipAmount": 5}, "I sent you a $5.00 tip ♥\nenjoy", "enjoy"),
        (TIP, "Te envié una propina de $20.00 ♥", ""),
        (TIP, "Te envié una propina de $20.00 ♥ te lo mereces", "te lo mereces"),
        (TIP, "Te envié una propina de $20.00 ♥️\nte lo mereces", "te lo mereces"),
        (TIP, "Trinkgeld von 10,00 $. du bist toll", "du bist toll"),
        (TIP, "Trinkgeld von 10,00 $\ndu bist toll", "du bist toll"),
        (TIP, "for you babe", "for you babe"),
        ({"isTip": True, "tipAmount": 20}, "you still owe me $50", "you still owe me $50"),
        ({}, "I sent you a $5.00 tip ♥\nenjoy", "I sent you a $5.00 tip ♥\nenjoy"),
        ({}, " how are you? ", "how are you?"),
    ],
)
def test_own_words_are_what_remains_of_a_tips_text(raw: dict[str, Any], text: str, own: str) -> None:
    assert own_words(raw, text) == own
    assert is_notice_text(raw, text) == (own == "")


@pytest.mark.parametrize(
    "text",
    [
        "Your message was purchased for $25.00",
        "This message was unlocked by Max for 5,00 €",
        "purchased for $25.00",
        "Max purchased your post for $10",
        "unlocked your message for $8.00",
        "Max M has just unlocked your message for $1,000!",
        "subscribed to your profile",
        "Max just subscribed to your profile for $9.99",
        "Max renewed their subscription",
        "renewed for $9.99",
        "Your subscription has been renewed for $9.99",
        "Your subscription to Mia was renewed",
        "Your subscription will expire on May 3, 2024",
        "You received a tip of $20.00 from Max",
        "You received a $20 tip ♥",
    ],
)
def test_a_sentence_of_the_platform_is_a_notice(text: str) -> None:
    assert is_notice_text({}, text)
    assert own_words({}, f"{text}\nthank you") == f"{text}\nthank you"


@pytest.mark.parametrize(
    "text",
    [
        "I purchased your post for $10",
        "i just unlocked your message for $8",
        "omg just unlocked your message for $8",
        "already bought your video for $20",
        "did you see? Max bought your video for $20",
        "your message was purchased for $25 but i hated it",
        "just subscribed to your page!",
        "my friend subscribed to your page",
        "i renewed my subscription",
        "your subscription is so worth it",
        "your subscription expired, come back",
        "you got a $20 tip from me",
        "Max bought your video",
        "  ",
        "",
    ],
)
def test_what_somebody_says_of_a_sale_is_no_notice(text: str) -> None:
    assert not is_notice_text({}, text)
    assert own_words({}, text) == text.strip()


HREF = '<a href="https://example.com/my/chats/chat/902?firstId=31">Your message</a> was purchased for $25.00'
SALE: dict[str, Any] = {
    "id": "7700012",
    "type": "paided_message",
    "text": HREF,
    "user_id": "100",
    "user": {"id": 902},
}
TIPPED = {"id": 77, "type": "tip", "text": "sent you a $5.00 tip", "user_id": 100, "user": {"id": 902}}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"id": "0"},
        {"id": None},
        {"user": None},
        {"user": {"id": 100}},
        {"type": "purchase"},
        {"type": "message", "subType": "subscriber_pay_for_chat_message"},
        {"text": HREF.replace("?firstId", "?a=1&amp;firstId").replace("https://example.com", "")},
        {"text": HREF.replace('"', "'").replace("902?", "902/?").replace("=31", "=31&amp;b=2")},
        {"text": "purchased for 25,00 $", "messageId": 31},
        {"text": "Your message was purchased", "message_id": "31", "price": "25.00"},
        {"text": None, "entityId": 31, "amount": 25},
        {"text": "", "type": "purchased", "entity": {"id": 31, "type": "message"}, "price": 25},
        {"text": "", "type": "unlocked", "entityId": 31, "entityType": "chat_message", "amount": "$25.00"},
        {
            "text": "{NAME} purchased your {MESSAGE_LINK} for {AMOUNT}",
            "replacePairs": {"{NAME}": "Max", "{AMOUNT}": "$25.00", "{MESSAGE_LINK}": HREF[:64]},
        },
    ],
)
def test_a_purchase_names_its_message_its_fan_and_its_amount(changes: dict[str, Any]) -> None:
    assert read_notification(SALE | changes) == Purchase("902", "31", 25.0, None)


def test_a_purchase_keeps_what_it_does_not_know_open() -> None:
    bare = {"type": "paided_message", "messageId": 31}
    assert read_notification(bare) == Purchase(None, "31", None, None)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"type": "paided_post"}, "post"),
        ({"type": "purchase", "text": "purchased your post for $10"}, "post"),
        ({"type": "paided_message", "text": "purchased for $25", "subType": "your_post_purchased"}, "post"),
        ({"text": "purchased for $25"}, "paided_message"),
        ({"text": '<a href="/my/chats/chat/902">x</a> for $25', "message": "31"}, "paided_message"),
        ({"type": "paided_stream", "text": "for $25", "entityId": 31}, "paided_stream"),
        ({"text": "for $25", "entityId": 31, "entityType": "stream"}, "paided_message"),
        ({"type": "message_refunded"}, "message_refunded"),
        ({"type": "unpaid"}, "unpaid"),
    ],
)
def test_a_purchase_without_a_chat_message_is_made_up_from_nothing(
    changes: dict[str, Any], kind: str
) -> None:
    assert read_notification(SALE | changes) == kind


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Tip("902", 5.0, None, "77")),
        ({"id": "0"}, Tip("902", 5.0, None, None)),
        ({"type": "new_tip", "createdAt": ISO}, Tip("902", 5.0, ISO_AT, "77")),
        (
            {"type": "tips", "text": '<a href="/max">Max</a> tipped $5.00', "date": ISO},
            Tip("902", 5.0, ISO_AT, "77"),
        ),
        ({"text": "te envió una propina de 5,00 $", "created_at": ISO}, Tip("902", 5.0, ISO_AT, "77")),
        ({"user": None, "fromUser": {"id": 7}, "text": "", "amount": 5}, Tip("7", 5.0, None, "77")),
        ({"createdAt": "2023-11-01T12:00:00"}, Tip("902", 5.0, None, "77")),
        ({"text": "tipped", "user": {"id": 902}}, "tip"),
        ({"user": {"id": 100}}, "tip"),
        ({"type": "tip_refunded"}, "tip_refunded"),
        ({"type": "tips_goal"}, "tips_goal"),
        ({"type": "tipsy"}, "tipsy"),
    ],
)
def test_a_tip_needs_its_fan_and_its_amount(changes: dict[str, Any], expected: Any) -> None:
    assert read_notification(TIPPED | changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"type": "subscribed"}, Subscription("902", None, None, False)),
        ({"type": "subscribed", "text": "subscribed for $9.99"}, Subscription("902", 9.99, None, False)),
        ({"type": "subscribed", "subType": "returning_subscriber"}, Subscription("902", None, None, True)),
        (
            {"type": "subscriber", "replacePairs": {"{PRICE}": "$9.99"}},
            Subscription("902", 9.99, None, False),
        ),
        ({"type": "resubscribed", "price": 9.99}, Subscription("902", 9.99, None, True)),
        ({"type": "renewed", "price": 0}, Subscription("902", None, None, True)),
        ({"type": "auto_prolong", "createdAt": ISO}, Subscription("902", None, ISO_AT, True)),
        (
            {"type": "subscription", "text": "renewed their subscription"},
            Subscription("902", None, None, True),
        ),
        ({"type": "subscribed", "user": None}, "subscribed"),
        ({"type": "unsubscribed"}, "unsubscribed"),
        ({"type": "subscription", "subType": "subscription_expired"}, "subscription"),
        ({"type": "subscription_price"}, "subscription_price"),
        ({"type": "auto_renew_off"}, "auto_renew_off"),
    ],
)
def test_a_subscription_is_new_or_a_renewal(changes: dict[str, Any], expected: Any) -> None:
    base = {"id": "8", "user_id": "100", "user": {"id": 902}, "text": "is your subscriber"}
    assert read_notification(base | changes) == expected


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("favorited", "favorited"),
        ("message", "message"),
        ("commentLike", "comment_like"),
        (" New-Like ", "new_like"),
        ("x" * (MAX_KIND + 1), "other"),
        ("api2", "other"),
        ("<b>", "other"),
        ("", "other"),
        (None, "other"),
        (["tip"], "other"),
    ],
)
def test_every_other_kind_is_counted_by_its_name(kind: Any, name: str) -> None:
    assert kind_name(kind) == name
    assert read_notification({"type": kind, "subType": "promoreg_for_expired", "user": {"id": 902}}) == name


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (SALE, True),
        (TIPPED, True),
        ({"id": 0, "text": "hi"}, True),
        ({"id": "0"}, True),
        ({"id": 9, "type": "favorited", "user_id": 100, "user": {"id": 902}}, True),
        ({"id": 9, "type": "tip", "fromUser": {"id": 902}, "user_id": 100}, True),
        ({"id": "0e123", "text": "hi", "fromUser": {"id": 5}}, False),
        ({"id": 9, "text": "hi", "fromUser": {"id": 5}}, False),
        ({"id": 9, "type": "text", "text": "hi", "fromUser": {"id": 5}, "user_id": 100}, False),
        ({"id": 9, "type": "text", "text": "hi", "user": {"id": 5}, "createdAt": ISO}, False),
        ({"id": 9, "type": "tip", "tipAmount": 5, "fromUser": {"id": 5}, "user_id": 100}, False),
        ({"id": 9, "type": "text", "text": "hi"}, False),
        ({}, False),
    ],
)
def test_a_notification_is_told_from_a_chat_message(raw: dict[str, Any], expected: bool) -> None:
    assert is_notification(raw) is expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KINDS = ["paided_message", "purchase", "tip", "subscribed", "renewed", "unlocked_post", "message"]
FIELDS = [
    *("id", "user_id", "user", "fromUser", "entity", "entityId", "entityType", "messageId", "message"),
    *(
        "replacePairs",
        "amount",
        "price",
        "createdAt",
        "date",
        "text",
        "link",
        "isTip",
        "tipAmount",
        "subType",
    ),
]
notifications = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(FIELDS, json_values)
    | {"type": st.sampled_from(KINDS) | json_values, "text": st.sampled_from([HREF, "$5"]) | json_values}
    | {"user": st.fixed_dictionaries({"id": json_values}) | json_values},
)


@given(notifications)
def test_any_notification_is_a_fact_or_a_kind(raw: dict[str, Any]) -> None:
    told = read_notification(raw)
    assert is_notification(raw) in (True, False)
    if isinstance(told, str):
        assert kind_name(told) == told
        return
    assert told.at is None or told.at > 0
    assert told.amount is None or 0 < told.amount <= 1e9
    if isinstance(told, Purchase):
        assert told.message_id not in ("", "0")
    else:
        assert told.fan_id not in ("", "0")


@given(
    notifications,
    st.text(alphabet=st.characters(), max_size=80) | st.sampled_from(["I sent you a $5 tip ♥ x"]),
)
def test_own_words_are_the_end_of_the_text_and_have_no_sentence_left(raw: dict[str, Any], text: str) -> None:
    own = own_words(raw, text)
    assert text.strip().endswith(own)
    assert is_notice_text(raw, text) == (bool(text.strip()) and own == "")
    assert 0 <= tip_amount(raw, text, by_fan=True) <= 1e9


words = st.text("ab ", min_size=1, max_size=3)


@given(st.lists(words, min_size=1, max_size=6), st.text("abc ", max_size=12))
def test_words_are_found_wherever_they_are_in_a_text(words: list[str], text: str) -> None:
    assert bool(_finds(words).search(text)) == any(word in text for word in words)
