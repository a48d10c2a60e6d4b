import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.quality.sentiment import HARD_LINES, OTHER_LANGUAGES, hard_lines, held_out_tweets, other_languages
from enrich.text import language
from enrich.text.language import is_other, judged
from training.sentiment import HELD_OUT, read_lines

ENGLISH = """
    ok | haha | lol | brb | hiii | u up? | omg yesss | miss u babe | ur sick at this | wyd | gm
    gn bb | hbu | ngl kinda mid | no cap fr fr | im so sorry | im in | dont go | cant wait | damn
    whatever | wait what | how come | i am a fan | im not into feet | no me too | die | so bad in was
    goodNIGHT | mwah | thx hun | 10 | 20 or 30? | $50 | 🔥🔥 | 😍 ok | :) | xD | <3
    T_T | https://example.com/que-linda-eres | www.example.com/die-fotos | Giovanni | Lars Jensen
    María | Maria Garcia | Beyoncé | los angeles | las vegas | hola | hola baby, how are you
    thanks amigo | i love paris | gracias for the pic, you look so good | bella | naughty
"""
OTHER = """
    die fotos sind die besten die ich je gesehen habe | sin ti no puedo dormir, eres lo mejor
    hola guapa | no me digas, que linda eres | te quiero mucho | gracias | ich liebe dich
    du bist so süß | danke dir | você é maravilhosa | bom dia meu amor | je t'aime | merci beaucoup
    c'est trop cher pour moi | ti amo | sei bellissima | buona notte tesoro | je bent zo mooi
    ik hou van jou | dank je wel | kocham cię | dziękuję bardzo | seni seviyorum | çok güzelsin
    привет, как дела | я скучаю 😍 | jag älskar dig | te iubesc mult | 你真漂亮 ❤️ | 今日も可愛いね
    안녕하세요 | مرحبا | γεια σου όμορφη | नमस्ते | HOLA GUAPA!! | que liiiinda eres
"""


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.replace("\n", "|").split("|") if line.strip()]


@pytest.mark.parametrize("text", lines(ENGLISH))
def test_english_chat_names_numbers_links_and_faces_are_read(text: str) -> None:
    assert not is_other(text)


@pytest.mark.parametrize("text", lines(OTHER))
def test_other_languages_are_told(text: str) -> None:
    assert is_other(text)


def test_of_english_lines_fewer_than_one_in_two_hundred_are_lost() -> None:
    measured = [case.text for case in (*held_out_tweets(HELD_OUT), *hard_lines(HARD_LINES))]
    texts = [*measured, *(line.text for line in read_lines())]
    assert sum(map(is_other, texts)) < len(texts) / 200


@pytest.mark.parametrize("code", ["es", "de", "pt", "fr", "it", "nl"])
def test_of_lines_in_a_frequent_language_more_than_four_in_five_are_told(code: str) -> None:
    texts = [text for told, text in other_languages(OTHER_LANGUAGES) if told == code]
    assert len(texts) >= 15
    assert sum(map(is_other, texts)) > 0.8 * len(texts)


@given(st.text(max_size=60))
def test_any_text_is_judged_and_always_alike(text: str) -> None:
    assert judged(text) == judged.__wrapped__(text)


@given(st.lists(st.sampled_from(sorted(language._ENGLISH)), min_size=1, max_size=6))
def test_words_of_english_are_english(words: list[str]) -> None:
    assert not is_other(" ".join(words))


@pytest.mark.parametrize(
    "text", ["\ud83d", "\ud800 ok", "hola guapa \udc00", "a" * 100_000, "é" * 5_000, "\x00"]
)
def test_broken_and_endless_texts_are_judged(text: str) -> None:
    assert is_other(text) is text.startswith("hola")


def test_the_word_lists_do_not_overlap() -> None:
    assert language._OTHER.isdisjoint(language._ENGLISH | language._SHARED - {"bella", "linda"})


def test_the_identifier_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    language._identifier.cache_clear()
    assert judged.__wrapped__("ich liebe dich so sehr").is_other
