"""Words and pairs of words, as heads read them: what is one, what a negation reaches, and what they add."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrich.embedding.embed import encode
from enrich.embedding.heads import Heads, heads_of
from enrich.text.terms import terms


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("Hey you", ["hey", "you", "hey you"]),
        ("so so good", ["so", "good", "so so", "so good"]),
        ("don’t", ["don't"]),
        ("ok :)", ["ok", ":)", "ok :)"]),
        ("look https://example.com/a?b=c", ["look"]),
    ],
)
def test_words_signs_and_pairs_come_once_in_their_order(text: str, found: list[str]) -> None:
    assert terms(text) == found


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("that was not good", ["good"]),
        ("i dont really like it", ["really", "like", "it"]),
        ("isn't it nice, love it", ["it", "nice"]),
        ("not now but soon", ["now"]),
        ("never a b c d e f", ["a", "b", "c", "d"]),
        ("not no good", ["good"]),
        ("good, not bad", ["bad"]),
    ],
)
def test_words_after_a_negation_are_marked_up_to_a_sign_a_but_or_four_words(
    text: str, marked: list[str]
) -> None:
    found = [term for term in terms(text) if " " not in term]
    assert [term for term in found if term.startswith("not:")] == [f"not:{word}" for word in marked]


@given(st.text(max_size=200))
def test_any_text_has_its_terms_each_once(text: str) -> None:
    found = terms(text)
    assert len(set(found)) == len(found)
    assert found == terms(text)


def test_terms_add_their_weights_less_each_the_more_there_are() -> None:
    heads = Heads(
        layers=(1,),
        weights=np.zeros((2, 3), np.float32),
        biases=np.zeros(2, np.float32),
        columns={},
        terms={"hey": 0, "you": 1, "hey you": 2, "good": 3},
        of_terms=np.array([[1, 0], [2, 0], [3, 1], [0, 5]], np.float32),
    )
    adds = heads.by_terms(["Hey you", "good", "hey nobody", "unknown"])
    assert np.allclose(adds, np.array([[6 / 3**0.5, 1 / 3**0.5], [0, 5], [3**-0.5, 0], [0, 0]]))


@given(st.lists(st.text("abdehgoty .!❤", max_size=30), min_size=1, max_size=6))
def test_what_terms_add_does_not_depend_on_the_texts_beside_it(texts: list[str]) -> None:
    heads = heads_of()
    together = heads.by_terms(texts)
    assert all(
        np.array_equal(row, heads.by_terms([text])[0]) for row, text in zip(together, texts, strict=True)
    )


def test_the_packaged_heads_know_words_and_the_logits_hold_what_they_say() -> None:
    heads = heads_of()
    assert {"thanks", "how much", "not:good"} <= heads.terms.keys()
    assert not any("\n" in term for term in heads.terms)
    one, other = encode(["that was good", "that was not good"]).logits
    assert not np.array_equal(one, other)
