"""The language of a message: of its words, and where they leave it open of its chat."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chats.message import Message
from enrich.language.identify import ENGLISH, READ, identified, languages, stop_words
from enrich.text.language import is_other
from training.languages import read_lines, read_parallel

ChatOf = Callable[..., list[Message]]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("llevo tres dias esperando y ni un mensaje", "es"),
        ("q asco de lunes", "es"),
        ("ya lo vi", "es"),
        ("vc é demais, muito obrigado", "pt"),
        ("to com medo de perder o emprego", "pt"),
        ("ich warte seit einer woche auf antwort", "de"),
        ("mein chef macht mich fertig", "de"),
        ("ton sourire me fait rêver", "fr"),
        ("j'ai payé et j'ai rien reçu", "fr"),
        ("di dove sei?", "it"),
        ("hai mangiato?", "it"),
        ("ik hou van jou, je bent zo mooi", "nl"),
        ("kocham cię bardzo, tęsknię", "pl"),
        ("привет, как дела", "ru"),
        ("今日はとても可愛いですね", "ja"),
        ("안녕하세요", "ko"),
        ("hey, how was your day", "en"),
        ("cant wait 🔥🔥", "en"),
    ],
)
def test_a_text_that_says_so_is_in_its_language(text: str, code: str) -> None:
    assert identified(text) == (code, True)


@pytest.mark.parametrize("text", ["", "   ", "😍😍", "20", "$50 :)", "https://example.com/que-linda", "\x00"])
def test_what_has_no_word_has_no_language(text: str) -> None:
    assert identified(text) == (None, False)


@pytest.mark.parametrize("text", ["ok", "haha", "no", "hola", "bella", "video", "las vegas", "El Salvador"])
def test_what_several_languages_have_is_english_and_in_doubt(text: str) -> None:
    assert identified(text) == (ENGLISH, False)


def test_lines_of_the_five_languages_are_told_from_one_another() -> None:
    said = [(line.language, line.text) for line in read_lines()]
    said += [(code, row[code]) for row in read_parallel() for code in READ]
    for code in READ:
        own = [text for language, text in said if language == code]
        assert sum(identified(text).language == code for text in own) > 0.92 * len(own), code


def chat_language(chat: ChatOf, lines: list[str]) -> list[str | None]:
    return languages(chat("f", lines))


def test_a_short_message_is_in_the_language_of_its_chat(chat: ChatOf) -> None:
    said = ["ok", "hola", "llevo tres dias esperando", "ok", "no", "ok haha", "😍", "thank you so much", "ok"]
    assert chat_language(chat, said) == ["en", "en", "es", "es", "es", "es", None, "en", "es"]


def test_a_message_that_two_languages_share_is_in_that_of_its_chat(chat: ChatOf) -> None:
    assert not identified("amigo, te amo").is_sure
    for text, code in (("vc é demais, muito obrigado", "pt"), ("llevo tres dias esperando", "es")):
        assert chat_language(chat, [text, "amigo, te amo"])[1:] == [code]


def test_each_who_writes_has_a_language_of_their_own(chat: ChatOf) -> None:
    said = ["ich warte seit einer woche", "so sorry, i was sick all week", "ok", "ok", "nein danke"]
    assert chat_language(chat, said) == ["de", "en", "de", "en", "de"]


def test_what_goes_to_many_tells_nothing_of_a_chat(chat: ChatOf) -> None:
    first, *rest = chat("f", ["new video is up, unlock it now babe", "ok"])
    said = [replace(first, is_mass=True, text="ich warte seit einer woche auf antwort"), *rest]
    assert languages(said) == ["de", "en"]


def test_a_language_that_is_not_read_decides_nothing(chat: ChatOf) -> None:
    assert chat_language(chat, ["ik hou van jou, je bent zo mooi", "ok", "ok 😍"]) == ["nl", "en", "en"]


@given(st.lists(st.text(max_size=30) | st.sampled_from(["ok", "llevo tres dias", "ich warte"]), max_size=8))
def test_a_language_depends_on_what_was_said_before_alone(texts: list[str]) -> None:
    messages = [
        Message(str(n), "c", "f", "f", "creator" if n % 2 else "fan", float(n), text)
        for n, text in enumerate(texts)
    ]
    found = languages(messages)
    assert found == [languages(messages[: n + 1])[n] for n in range(len(messages))]


@given(st.text(max_size=60))
def test_any_text_is_told_and_always_alike(text: str) -> None:
    found = identified(text)
    assert found == identified.__wrapped__(text)
    assert found.language is None or found.language.islower()
    if is_other(text):
        assert found.language not in (None, ENGLISH)


@pytest.mark.parametrize("code", READ)
def test_the_words_of_a_language_stand_with_accents_and_without(code: str) -> None:
    assert len(stop_words(code)) > 250
    assert all(word == word.lower() for word in stop_words(code))
    assert {"es": "también", "pt": "não", "de": "für", "fr": "très", "it": "perché"}[code] in stop_words(code)
    assert {"es": "tambien", "pt": "nao", "de": "fur", "fr": "tres", "it": "perche"}[code] in stop_words(code)
