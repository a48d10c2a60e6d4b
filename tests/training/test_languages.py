"""Heads, map, lines and chats for the five languages belong together."""

import json
from collections import Counter
from pathlib import Path

import pytest

import training.languages
import training.regression
from chats.message import Direction
from enrich.embedding.embed import MULTILINGUAL, PACKAGED, model_name
from enrich.embedding.heads import Strategy, head_of, path_of
from enrich.embedding.space import SPACE, space
from enrich.language.identify import READ
from training import actions, sentiment
from training.labelled import digest, files
from training.languages import LINES, PARALLEL, read_lines, read_parallel

SCRIPT = Path(training.languages.__file__)
REGRESSION = Path(training.regression.__file__)
LISTS = [LINES, sentiment.LINES, actions.LINES]


@pytest.mark.parametrize("strategy", ["sentiment", "actions"])
def test_the_heads_are_of_the_script_data_and_model_that_are_here(strategy: Strategy) -> None:
    """When this fails: python -m training.languages."""
    told = json.loads(path_of(strategy, MULTILINGUAL).read_text())
    assert told["script_sha256"] == digest([SCRIPT, REGRESSION])
    assert told["lines_sha256"] == digest(LISTS)
    assert told["chats_sha256"] == digest(files())
    assert told["embedding"] == model_name(MULTILINGUAL)
    assert head_of(strategy, MULTILINGUAL) is not None


def test_the_map_is_of_the_script_data_and_models_that_are_here() -> None:
    """When this fails: python -m training.languages."""
    told = json.loads(SPACE.read_text())
    assert told["script_sha256"] == digest([SCRIPT])
    assert told["lines_sha256"] == digest([LINES, PARALLEL, sentiment.LINES, actions.LINES])
    assert told["chats_sha256"] == digest(files())
    assert (told["embedding"], told["into"]) == (model_name(MULTILINGUAL), model_name(PACKAGED))
    assert space().weights.shape == (384, 512)
    assert SPACE.stat().st_size < 600_000


def test_by_cross_validation_the_right_feeling_is_told_in_every_language() -> None:
    told = json.loads(path_of("sentiment", MULTILINGUAL).read_text())["directions"]
    by: tuple[Direction, ...] = ("fan", "creator")
    for direction in by:
        polarity = told[direction]["cross_validated"]["polarity_right"]
        assert set(polarity) == set(READ)
        assert sum(polarity.values()) / len(READ) >= 0.85


def test_rules_and_head_together_are_right_as_often_as_was_asked_for() -> None:
    for output, each in json.loads(path_of("actions", MULTILINGUAL).read_text())["outputs"].items():
        found = each["cross_validated"]
        assert found["rules or head"]["precision"] >= 0.6, output
        assert found["rules or head"]["f1"] >= found["rules"]["f1"], output


def test_the_lines_are_unique_and_of_every_label_and_action_in_every_language() -> None:
    lines = read_lines()
    assert len({(line.language, line.text) for line in lines}) == len(lines)
    for code in READ:
        own = [line for line in lines if line.language == code]
        labels = Counter(line.label for line in own)
        assert min(labels[label] for label in ("negative", "neutral", "positive")) >= 25
        shown = {action for line in own for action in line.actions or ()}
        assert shown >= {*actions.ACTIONS["fan"], "upsell", "greeting", "thanks", "apology"}


def test_the_parallel_lines_have_every_language_and_several_of_each_topic() -> None:
    rows = read_parallel()
    assert all(set(row) == {"topic", "en", *READ} and all(row.values()) for row in rows)
    assert min(Counter(row["topic"] for row in rows).values()) >= 5
