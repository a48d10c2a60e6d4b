"""SENTIMENT_LABELS: what is read of it, and what is refused."""

import pytest

from enrich.sentiment.labels import Classifier, feelings, meanings_of
from errors import SettingsError
from settings import Settings


def test_labels_are_read_whatever_their_case_and_space() -> None:
    assert dict(meanings_of(" Joy = positive , LABEL_0=NEGATIVE,a=b=neutral, ")) == {
        "joy": "positive",
        "label_0": "negative",
        "a=b": "neutral",
    }
    assert meanings_of("") == ()


@pytest.mark.parametrize("text", ["joy", "joy=", "=positive", "joy=happy", "joy=positive,joy=negative"])
def test_what_is_no_meaning_is_refused_when_the_service_starts(text: str) -> None:
    with pytest.raises(SettingsError, match="SENTIMENT_LABELS"):
        Settings.from_env({"SENTIMENT_MODEL": "/models/mood", "SENTIMENT_LABELS": text})


def test_labels_without_a_model_are_refused() -> None:
    with pytest.raises(SettingsError, match="SENTIMENT_MODEL"):
        Settings.from_env({"SENTIMENT_LABELS": "joy=positive"})


def test_each_label_has_its_feeling_in_the_models_order() -> None:
    known = Classifier("", meanings_of("joy=positive,anger=negative,neutral=positive"))
    assert feelings(known, ["anger", "Neutral", "JOY"]) == ["negative", "positive", "positive"]


def test_another_classifier_is_another_basis_of_what_is_understood() -> None:
    plain = Settings.from_env({}).understood_by
    assert plain == "minilm"
    own = Settings.from_env({"SENTIMENT_MODEL": "/models/mood", "SENTIMENT_LABELS": "joy=positive"})
    other = Settings.from_env({"SENTIMENT_MODEL": "/models/mood", "SENTIMENT_LABELS": "joy=negative"})
    assert len({plain, own.understood_by, other.understood_by}) == 3
