"""Words of no language that say nothing name a topic, and English keeps its own."""

import pytest

from enrich.language.stop import empty_words, without_elisions
from enrich.topics.discover import _words


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("ayer llevé el coche al taller porque no tenía frenos", {"coche", "taller", "frenos"}),
        ("ich habe heute die tomaten im garten gepflanzt und es war schön", {"tomaten", "garten"}),
        ("hier j'ai lu l'histoire d'un roman dans le jardin", {"histoire", "roman", "jardin"}),
        ("oggi ho letto dell'uomo nel romanzo che mi hai dato", {"uomo", "romanzo"}),
        ("hoje eu plantei as rosas no jardim porque você pediu", {"rosas", "jardim"}),
    ],
)
def test_of_a_text_in_another_language_its_content_is_left(text: str, kept: set[str]) -> None:
    found = set(_words(text))
    assert kept <= found
    assert len(found - kept) <= 2


def test_an_english_word_that_is_empty_elsewhere_keeps_its_meaning_in_english() -> None:
    text = "my son wore a hat in the war museum and the mine was closed"
    assert {"son", "hat", "war", "museum"} <= set(_words(text))
    assert not empty_words(text) & {"son", "hat", "war"}
    german = "das war toll, hat er gesagt, und ich bin dann nach hause"
    assert {"war", "hat", "und", "ich"} <= empty_words(german)


@pytest.mark.parametrize("text", ["don't stop", "o'clock is 5", "c'mon y'all", "l'oreal is a brand i like"])
def test_english_contractions_stay(text: str) -> None:
    assert without_elisions(text) == text
