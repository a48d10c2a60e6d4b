"""Engagement actions that phrases of the five languages show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats.message import Direction, Message
from enrich.actions.seen import seen
from enrich.language.actions import of_text
from enrich.language.identify import READ

FAN: Direction = "fan"


def shown(text: str, language: str, by: Direction = FAN) -> dict[str, str]:
    return {action: text[start:end] for action, (start, end) in of_text(text, by, language)}


@pytest.mark.parametrize(
    ("language", "text", "action", "span"),
    [
        ("es", "Holaa guapa", "greeting", "Holaa"),
        ("es", "muchas gracias cielo", "thanks", "muchas gracias"),
        ("es", "¿cuánto cuesta el pack?", "price_inquiry", "cuánto cuesta"),
        ("es", "uf, es muy caro para mí", "price_objection", "muy caro"),
        ("es", "no voy a renovar", "churn_intent", "no voy a renovar"),
        ("pt", "Oii linda", "greeting", "Oii"),
        ("pt", "foi mal, não vi", "apology", "foi mal"),
        ("pt", "qual é o preço", "price_inquiry", "qual é o preço"),
        ("de", "Guten Morgen Süße", "greeting", "Guten Morgen"),
        ("de", "tut mir so leid wegen gestern", "apology", "tut mir so leid"),
        ("de", "wie viel kostet das", "price_inquiry", "wie viel kostet"),
        ("de", "das ist zu teuer", "price_objection", "zu teuer"),
        ("fr", "merciii ma belle", "thanks", "merciii"),
        ("fr", "je suis désolée", "apology", "désolée"),
        ("fr", "c'est combien ?", "price_inquiry", "c'est combien"),
        ("it", "Buongiorno!", "greeting", "Buongiorno"),
        ("it", "troppo caro dai", "price_objection", "troppo caro"),
        ("it", "mangiato?", "question", "?"),
        ("it", "di dove sei", "question", "di dove"),
    ],
)
def test_a_phrase_shows_its_action_with_its_span(language: str, text: str, action: str, span: str) -> None:
    assert shown(text, language)[action] == span


@pytest.mark.parametrize(
    ("language", "text", "action"),
    [
        ("es", "no gracias", "thanks"),
        ("es", "gracias a dios es viernes", "thanks"),
        ("es", "te digo hola de su parte", "greeting"),
        ("es", "siento lo de tu madre", "apology"),
        ("pt", "não, obrigado", "thanks"),
        ("pt", "sinto muito pela sua perda", "apology"),
        ("de", "nein danke", "thanks"),
        ("fr", "non merci", "thanks"),
        ("fr", "quelle tristesse", "question"),
        ("it", "mi dispiace tanto per tuo padre", "apology"),
        ("it", "che bello", "question"),
    ],
)
def test_what_only_looks_like_a_phrase_shows_nothing(language: str, text: str, action: str) -> None:
    assert action not in shown(text, language)


def test_what_a_price_costs_is_asked_by_fans_and_is_a_question() -> None:
    assert {"price_inquiry", "question"} <= shown("quanto costa", "it").keys()
    assert "price_inquiry" not in shown("quanto costa", "it", "creator")


def test_a_text_in_a_language_without_phrases_shows_nothing_but_what_its_fields_do() -> None:
    message = Message("1", "c", "f", "f", "fan", 0.0, "hoeveel kost dat, how much?", tip=5.0)
    assert [each.type for each in seen(message, language="nl")] == ["tip", "question"]
    assert not dict(of_text("hoeveel kost dat", "fan", "nl"))


@given(
    st.text(max_size=80) | st.sampled_from(["¿" * 80, "ho" * 90_000, "İİ gracias", "a?" * 400]),
    st.sampled_from(READ),
    st.sampled_from(["fan", "creator"]),
)
def test_any_text_has_spans_within_it(text: str, language: str, by: Direction) -> None:
    for _, (start, end) in of_text(text, by, language):
        assert 0 <= start < end <= len(text)
