import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from enrich.sentiment import lexicon

VADER = SentimentIntensityAnalyzer()


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        ("that was good", "that was not good"),
        ("this isn't bad", "this is bad"),
        ("i like it", "i don't like it"),
        ("i’d say it’s lovely", "it isn’t lovely"),
        ("ur sick at this", "i'm sick again"),
        ("cant wait for it", "sick of waiting"),
        ("worth every cent", "not worth it"),
        ("ok ❤️", "ok 😡"),
        ("it goes so hard 🔥", "it is so mid"),
        ("i looooove it", "i haaaate it"),
    ],
)
def test_words_negation_idioms_and_emoji_turn_the_polarity(positive: str, negative: str) -> None:
    assert lexicon.read(positive).polarity > 0 > lexicon.read(negative).polarity


@pytest.mark.parametrize(
    "text", ["please send the free one", "yes ok", "so free", "do you want to play", "no way", "ngl"]
)
def test_words_that_chat_uses_without_feeling_have_no_polarity(text: str) -> None:
    assert lexicon.read(text).polarity == 0


@pytest.mark.parametrize(
    ("text", "is_turned"), [("destroy me", True), ("cant wait", True), ("good", False), ("not good", False)]
)
def test_a_text_turned_by_an_idiom_or_a_flirt_says_so(text: str, is_turned: bool) -> None:
    assert lexicon.read(text).is_turned is is_turned


@pytest.mark.parametrize(
    "text",
    ["at 10:30", "http://a.example/c", "c:/users", "see below (page 3)", "3:1", "1) a 2) b", "a: pens"],
)
def test_times_links_and_lists_hold_no_emoticon(text: str) -> None:
    assert lexicon.read(text).polarity == 0


def test_nobody_negates_an_emoticon() -> None:
    assert lexicon.read("don't go :(").polarity < 0
    assert lexicon.read("i can't even <3").polarity > 0


def test_nobody_negates_an_emoji() -> None:
    assert lexicon.read("don't go 😢").polarity < 0
    assert lexicon.read("i can't even 😍").polarity > 0


PHRASES = {
    "illness": "i'm so sick",
    "sickof": "tired of it",
    "sickslang": "you're really sick, at this",
    "cantwait": "cannot wait!",
    "cantstop": "can't stop looking",
    "cantgetenough": "cant get enough",
    "noregrets": "no regrets",
    "notbad": "isn't that bad",
    "cantcomplain": "no complaints",
    "cantbelieve": "couldn't believe it",
    "noworries": "no stress",
    "missyou": "missing our chats",
    "fedup": "fed up.",
    "ripoff": "what a rip-off",
    "wasteofmoney": "waste of my time",
    "notworth": "never worth it",
    "worthit": "worth every cent",
    "killedit": "nailed it",
    "hellyeah": "hell yeah",
    "fuckoff": "fuck off",
    "tooexpensive": "too pricey",
    "neverbetter": "never been better",
    "neveragain": "never again",
    "letdown": "you let me down",
    "hitsdifferent": "hits different",
    "badbitch": "bad bitch",
    "dontlike": "didn't really like it",
    "ilike": "i rly liked it",
    "deservesit": "you deserve more",
    "todiefor": "to die for",
    "noway": "no way",
    "ngl": "not gonna lie",
    "endearment": "good night, hun",
    "deadinside": "i'm dying inside",
}


@pytest.mark.parametrize(("words", "pattern", "stands_for", "valence"), lexicon._PHRASES)
def test_every_phrase_is_found_and_means_what_it_says(
    words: str, pattern: str, stands_for: str, valence: float
) -> None:
    """The words are a filter in front of the pattern: they must let its texts through."""
    text = PHRASES[stands_for]
    assert re.search(pattern, text)
    assert not set(words.split()).isdisjoint(lexicon._words(text))
    found = lexicon.read(text)
    assert found.is_turned is (abs(valence) >= 1)
    assert (found.polarity > 0, found.polarity < 0) == (valence > 0, valence < 0)


@given(st.lists(st.sampled_from(["so", "not", "blue", "the", "monday", "never", "very", "but", "!"])))
def test_a_text_without_a_word_of_feeling_has_what_vader_says_of_it(words: list[str]) -> None:
    text = " ".join(words)
    assert lexicon.read(text).polarity == VADER.polarity_scores(text)["compound"]


@given(st.text())
def test_any_text_has_a_polarity_inside_the_bounds(text: str) -> None:
    assert -1 <= lexicon.read(text).polarity <= 1


@pytest.mark.parametrize("text", ["ok", "é e", "❤️", "👍🏽", "1 ok", ":)", "<3"])
def test_letters_emoji_and_emoticons_are_readable(text: str) -> None:
    assert lexicon.is_readable(text)


@pytest.mark.parametrize(
    "text", ["", "123 !!", "привет", "你好", "\u200d\ufe0f", "→ —", "你" * 1_000 + " ok :)"]
)
def test_what_has_neither_letters_nor_emoji_is_not(text: str) -> None:
    assert not lexicon.is_readable(text)
