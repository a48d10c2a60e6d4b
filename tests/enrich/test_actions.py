from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats.message import Direction, Message
from enrich.actions import RE_ENGAGEMENT_SILENCE, actions


def said(text: str, direction: Direction = "fan") -> Message:
    return Message(
        id="1", creator_id="c", chat_id="f", fan_id="f", direction=direction, at=1_700_000_000.0, text=text
    )


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("heyyy you", "greeting"),
        ("good morning sunshine", "greeting"),
        ("what time is it there", "question"),
        ("u around?", "question"),
        ("do you do customs", "custom_request"),
        ("could you film one just for me", "custom_request"),
        ("how much is the long one", "price_inquiry"),
        ("whats your rate", "price_inquiry"),
        ("thats way too expensive", "price_objection"),
        ("i can't afford it", "price_objection"),
        ("i can’t afford it", "price_objection"),
        ("tysm!!", "thanks"),
        ("i want a refund", "complaint"),
        ("you never reply", "complaint"),
        ("gonna unsub", "churn_intent"),
        ("i wont renew next month", "churn_intent"),
    ],
)
def test_fan_text_shows_its_action(text: str, action: str) -> None:
    assert action in actions(said(text))


@pytest.mark.parametrize("text", ["", "ok", "my dog ate a shoe", "❤️", "123", "see you on monday"])
def test_plain_text_shows_no_action(text: str) -> None:
    assert actions(said(text)) == []


@pytest.mark.parametrize("text", ["how much is it", "do you do customs", "this is a scam", "gonna unsub"])
def test_what_a_fan_asks_is_no_action_of_the_creator(text: str) -> None:
    wanted = {"price_inquiry", "custom_request", "complaint", "churn_intent"}
    assert wanted.isdisjoint(actions(said(text, "creator")))


def test_links_with_a_query_are_no_question() -> None:
    assert "question" not in actions(said("https://example.com/?a=1"))


def test_a_priced_message_is_an_offer_and_never_free_media() -> None:
    offer = replace(said("new video", "creator"), price=12.0, media=("video",))
    assert {"ppv_offer", "video"} <= set(actions(offer))
    assert "free_media" not in actions(offer)
    assert "free_media" in actions(replace(offer, price=0.0))


def test_fields_show_tip_mass_message_and_media() -> None:
    message = replace(said(""), tip=5.0, is_mass=True, media=("photo", "gif", "photo", "other"))
    assert actions(message) == ["photo", "gif", "tip", "mass_message"]


def test_re_engagement_needs_the_creator_and_three_days_of_silence() -> None:
    message = said("long time no see", "creator")
    silence = message.at - RE_ENGAGEMENT_SILENCE
    assert "re_engagement" in actions(message, silence)
    assert "re_engagement" not in actions(message, silence + 1)
    assert "re_engagement" not in actions(message, None)
    assert "re_engagement" not in actions(said("long time no see"), silence)


def test_the_creator_upsells_and_apologises() -> None:
    assert "upsell" in actions(said("get the full version for only $10 more", "creator"))
    assert "apology" in actions(said("so sorry about that, let me look", "creator"))
    assert "apology" not in actions(said("so sorry about that"))


@given(st.text(max_size=300))
def test_any_text_is_taken_and_each_action_is_named_once(text: str) -> None:
    found = actions(said(text))
    assert len(found) == len(set(found))
    assert found == actions(said(text))


@pytest.mark.parametrize("text", ["a" * 100_000, "$" * 100_000, "how " * 25_000, "i want " * 15_000])
def test_huge_text_is_taken(text: str) -> None:
    assert isinstance(actions(said(text)), list)
