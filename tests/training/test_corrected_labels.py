"""Corrected labels: what a file may hold, what is refused without its text, and what is held out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import InvalidInput
from training.corrected import (
    HELD_OUT,
    LEARNT,
    Corrected,
    divided,
    is_held_out,
    label_of,
    plain,
    read,
    too_few,
)

SECRET = "meet me behind the old mill"
ROW = {"label": "sentiment", "text": SECRET, "direction": "fan", "said": 0.5, "corrected": 0.1}


def lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def test_sentiments_are_numbers_or_words_and_actions_are_lists() -> None:
    found = read(
        "labels.jsonl",
        lines(
            ROW,
            {**ROW, "text": "fine", "corrected": 0.5, "model": "m 1", "at": "2026-01-01T00:00:00Z"},
            {**ROW, "text": "great", "corrected": 1, "direction": "creator"},
            {**ROW, "text": "lovely", "corrected": "positive"},
            {**ROW, "label": "action", "corrected": ["complaint", "question"]},
            {**ROW, "label": "action", "text": "hm", "corrected": []},
        )
        + b"\n  \n",
    )
    assert [(each.text, each.direction, each.value) for each in found.sentiments] == [
        (SECRET, "fan", "negative"),
        ("fine", "fan", "neutral"),
        ("great", "creator", "positive"),
        ("lovely", "fan", "positive"),
    ]
    assert [each.value for each in found.actions] == [frozenset(("complaint", "question")), frozenset()]
    assert found.left_out == {}


def test_what_no_head_learns_is_counted_and_left_out() -> None:
    found = read(
        "labels.jsonl",
        lines(
            {**ROW, "label": "topic", "corrected": ["fitness"]},
            {**ROW, "label": "outcome", "corrected": [{"type": "tip"}]},
            {**ROW, "text": "123 !!"},
            {**ROW, "text": "привет как дела"},
            {**ROW, "label": "action", "text": "  ", "corrected": []},
            {**ROW, "label": "action", "text": "hey\nhow much is it", "corrected": ["question"]},
            ROW,
            {**ROW, "corrected": 0.9},
        ),
    )
    assert [each.value for each in found.sentiments] == ["positive"], "the last line of a text counts"
    assert found.actions == ()
    assert found.left_out == {
        "topic: no head learns it": 1,
        "outcome: no head learns it": 1,
        "nothing to read": 2,
        "another language": 1,
        "of several lines, as a whole conversation is": 1,
        "corrected again": 1,
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (SECRET.encode(), "no JSON object"),
        (b"\xff\xfe{}", "no JSON object"),
        (json.dumps([SECRET]).encode(), "must be an object"),
        (lines({**ROW, "label": "mood"})[:-1], "label: must be"),
        (lines({**ROW, "label": 3})[:-1], "label: must be"),
        (lines({**ROW, "text": 3})[:-1], "text: must be"),
        (lines({**ROW, "direction": SECRET})[:-1], "direction: must be"),
        (
            lines({key: value for key, value in ROW.items() if key != "corrected"})[:-1],
            "corrected: is missing",
        ),
        (lines({**ROW, "corrected": SECRET})[:-1], "corrected: of a sentiment"),
        (lines({**ROW, "corrected": 1.5})[:-1], "corrected: of a sentiment"),
        (lines({**ROW, "corrected": True})[:-1], "corrected: of a sentiment"),
        (lines({**ROW, "corrected": None})[:-1], "corrected: of a sentiment"),
        (lines({**ROW, "label": "action", "corrected": "complaint"})[:-1], "corrected: of an action"),
        (lines({**ROW, "label": "action", "corrected": [3]})[:-1], "corrected: of an action"),
        (b'{"text": "' + b"x" * (1 << 20) + b'"}', "is longer than"),
    ],
)
def test_a_line_that_is_wrong_is_named_by_its_number_and_never_quoted(line: bytes, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read("labels.jsonl", lines(ROW) + line)
    assert str(caught.value).startswith("labels.jsonl, line 2: ")
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    problem = problem_of(content)
    assert problem is None or problem.startswith("labels.jsonl, line ")


def problem_of(content: bytes) -> str | None:
    try:
        read("labels.jsonl", content)
    except InvalidInput as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("So GOOD!!!", "soooo good"),
        ("see you at 9", "see you at 21"),
        ("ok ❤️", "ok"),
        ("ｆｕｌｌ", "full"),
    ],
)
def test_texts_that_differ_in_marks_repeats_and_numbers_alone_are_one(one: str, other: str) -> None:
    assert plain(one) == plain(other)


def corrected(*texts: str) -> list[Corrected[frozenset[str]]]:
    return [Corrected(text, "fan", frozenset(), plain(text)) for text in texts]


def many(count: int) -> list[str]:
    return [f"{a} {b} {c} {d}" for n in range(count) for a, b, c, d in [[f"w{n}x{k}" for k in "abcd"]]]


@given(st.lists(st.text(), max_size=40), st.lists(st.text(), max_size=5))
def test_no_text_is_learnt_and_judged_and_none_is_judged_that_is_learnt_anyway(
    texts: list[str], seen: list[str]
) -> None:
    parts = divided(corrected(*texts), seen)
    learnt, held_out = ({each.key for each in part} for part in (parts.learnt, parts.held_out))
    assert not learnt & held_out
    assert not held_out & set(map(plain, seen))
    assert len(parts.learnt) + len(parts.held_out) + parts.near <= len(texts)


def test_what_is_held_out_stays_so_when_the_file_grows() -> None:
    texts = ["".join(chr(97 + int(digit)) for digit in str(n**5)) for n in range(3, 400)]
    few, more = divided(corrected(*texts[:200]), ()), divided(corrected(*texts), ())
    assert set(few.held_out) <= set(more.held_out)
    assert 0.15 < len(more.held_out) / len(texts) < 0.35


def test_what_nearly_says_what_is_held_out_is_not_learnt() -> None:
    kept = next(
        text for text in (f"i wanted the blue one {chr(n)}q" for n in range(97, 123)) if is_held_out(text)
    )
    near = next(text for text in (f"{kept} {chr(n)}z" for n in range(97, 123)) if not is_held_out(text))
    far = next(text for text in (f"nothing alike {chr(n)}y" for n in range(97, 123)) if not is_held_out(text))
    parts = divided(corrected(kept, near, far), ())
    assert [each.text for each in parts.held_out] == [kept]
    assert [each.text for each in parts.learnt] == [far]
    assert parts.near == 1


def test_too_few_corrections_are_told_with_how_many_are_needed() -> None:
    few = divided(corrected(*many(10)), ())
    said = too_few("sentiment", few)
    assert said is not None
    assert f"at least {LEARNT} and {HELD_OUT} are needed" in said
    letters = ["".join(chr(97 + int(digit)) for digit in str(n**5)) for n in range(3, 200)]
    assert too_few("sentiment", divided(corrected(*letters), ())) is None


@pytest.mark.parametrize(
    ("sentiment", "label"),
    [(0.0, "negative"), (0.39, "negative"), (0.4, "neutral"), (0.6, "neutral"), (0.61, "positive")],
)
def test_a_sentiment_tells_a_feeling_as_the_service_does(sentiment: float, label: str) -> None:
    assert label_of(sentiment) == label
