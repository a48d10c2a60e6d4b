import json
from pathlib import Path

import pytest

from bench.quality.sentiment import HARD_LINES, Case, hard_lines, held_out_tweets, labelled_messages, scores
from training.sentiment import HELD_OUT, read_lines, read_messages


def test_a_message_without_a_label_or_seen_in_training_is_not_measured_on(tmp_path: Path) -> None:
    line, message = read_lines()[0].text, read_messages()[0].text
    rows = [
        {"id": "a", "direction": "fan", "text": "a line that nobody trained on", "sentiment": "neutral"},
        {"id": "b", "direction": "fan", "text": "no label", "sentiment": None},
        {"id": "c", "direction": "creator", "text": f" {line.upper()} ", "sentiment": "neutral"},
        {"id": "d", "direction": "fan", "text": message, "sentiment": "neutral"},
    ]
    file = tmp_path / "messages.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert labelled_messages(file) == [Case("a line that nobody trained on", "neutral", 0, id="a")]


def test_no_hard_line_was_trained_on() -> None:
    assert not {case.text for case in hard_lines(HARD_LINES)} & {
        each.text for each in (*read_lines(), *read_messages())
    }


def test_each_tweet_has_the_label_of_its_rating() -> None:
    for case in held_out_tweets(HELD_OUT):
        assert case.label == (
            "neutral" if abs(case.rating) <= 0.5 else "positive" if case.rating > 0 else "negative"
        )


def test_each_measure_is_given_with_its_cases_and_vaders_beside_it() -> None:
    cases = [
        Case("i love it", "positive", 1),
        Case("i hate it", "negative", -1),
        Case("the table", "neutral", 0),
        Case("привет", "positive", 1),
    ]
    accuracy, f1, polarity, r = scores("lines", cases)
    assert (accuracy.value, accuracy.n) == (0.75, 4)  # what has no sentiment is not right
    assert polarity.value == pytest.approx(2 / 3)
    assert (polarity.n, r.n, f1.n) == (3, 3, 4)
    assert r.value > 0.9
    assert all(
        each.beside.startswith("VADER 0.") or each.beside == "VADER 1.00" for each in (accuracy, f1, r)
    )


def test_a_labelled_message_is_measured_as_it_is_read_in_its_chat() -> None:
    read = {"1": 0.9, "2": 0.5}
    cases = [Case("the table", "positive", 1, id="1"), Case("i love it", "neutral", 0, id="2")]
    assert [each.value for each in scores("messages", cases, read)[:1]] == [1.0]
    assert [each.value for each in scores("messages", cases)[:1]] == [0.0]


def test_what_is_not_defined_is_left_out() -> None:
    assert scores("none", []) == []
    assert [each.measure for each in scores("one", [Case("the table", "neutral", 0)])] == [
        "accuracy",
        "macro F1",
    ]
