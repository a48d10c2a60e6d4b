import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrich.embedding.embed import encode
from enrich.sentiment.flirt import WORD, softened
from enrich.sentiment.lexicon import _words
from enrich.sentiment.score import sentiment


def score(text: str) -> float:
    (found,) = sentiment([text], ["fan"], encode([text]).logits)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "text",
    [
        "punish me, i was bad 😈",
        "spank me harder",
        "can you choke me next time",
        "i'd let you ruin my life",
        "destroy me",
        "you're killing me with that pic 🥵",
        "you're killing me with that pic 😩",
        "ur killing me lol",
        "those legs are killing me",
        "that ass is criminal",
        "i'm dying for you",
        "i'd die for those lips",
        "i need you so bad",
        "how bad i want you",
        "mad about you",
        "you're gonna be the death of me",
        "you're so bad 😈",
        "you are evil 😏",
        "you're trouble ;)",
        "don't be so mean 😏",
        "i'm suffering 🥵",
        "naughty girl 😏",
        "you're such a bad girl",
        "i've been bad",
        "i wanna punish you",
    ],
)
def test_a_flirt_with_hard_words_is_no_anger(text: str) -> None:
    assert score(text) >= 0.45


@pytest.mark.parametrize(
    "text",
    [
        "you are a bad person, i hate this",
        "this is awful, i want my money back",
        "punish whoever runs this scam",
        "stop punishing me",
        "you hurt me",
        "hurt me so much when you left",
        "he lied, hurt me and left",
        "you ruined my day",
        "you're killing me with these prices",
        "my head is killing me",
        "your silence is killing me",
        "i'm dying inside",
        "i want to die",
        "bad service 😏",
        "that was a bad video 😈",
        "you're so bad at replying 😏",
        "you ruined everything 😡",
        "you are a cruel liar",
        "want my money back so bad, this is a scam",
    ],
)
def test_anger_and_pain_in_the_same_words_stay_negative(text: str) -> None:
    assert score(text) < 0.4


@pytest.mark.parametrize(
    "text", ["the naughty version please", "punish them", "a bad day", "so bad", "ok 😈"]
)
def test_what_is_no_flirt_comes_back_as_it_is(text: str) -> None:
    assert softened(text, _words(text)) == text


def test_the_hard_words_beside_a_flirt_go() -> None:
    text = "punish me, i was bad"
    assert "bad" not in softened(text, _words(text))
    assert WORD in softened(text, _words(text))


@given(st.text(alphabet="punish me, so bad😈?!\n", max_size=80))
def test_a_flirt_is_found_once(text: str) -> None:
    said = softened(text, _words(text))
    assert softened(said, _words(said)) == said
