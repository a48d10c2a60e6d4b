"""What the labels of a user's own classifier mean: read from SENTIMENT_LABELS. Light to import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from errors import EnrichmentError, SettingsError

Feeling = Literal["negative", "neutral", "positive"]

FEELINGS: tuple[Feeling, ...] = get_args(Feeling)
_FORM = "LABEL=FEELING joined by commas, each feeling negative, neutral or positive"


@dataclass(frozen=True, slots=True)
class Classifier:
    """The folder that SENTIMENT_MODEL names, and what its labels mean: (label in lower case, feeling)."""

    folder: str
    meanings: tuple[tuple[str, Feeling], ...] = ()


def meanings_of(text: str) -> tuple[tuple[str, Feeling], ...]:
    """The meanings that SENTIMENT_LABELS gives; SettingsError where it says something else."""
    found: dict[str, Feeling] = {}
    for each in filter(None, map(str.strip, text.split(","))):
        label, _, meant = (part.strip().casefold() for part in each.rpartition("="))
        feeling = next((known for known in FEELINGS if known == meant), None)
        if not label or feeling is None:
            raise SettingsError(f"SENTIMENT_LABELS: {each} is not of the form {_FORM}.")
        if found.setdefault(label, feeling) != feeling:
            raise SettingsError(f"SENTIMENT_LABELS: {label} is given two feelings.")
    return tuple(found.items())


def feelings(classifier: Classifier, labels: Sequence[str]) -> list[Feeling]:
    """What each of the model's labels means; EnrichmentError unless every one does, and some are no neutral.

    A label that is called as a feeling means it, unless SENTIMENT_LABELS says otherwise.
    """
    meanings: Mapping[str, Feeling] = {**{each: each for each in FEELINGS}, **dict(classifier.meanings)}
    names = [label.strip().casefold() for label in labels]
    if unknown := [label for label, name in zip(labels, names, strict=True) if name not in meanings]:
        raise EnrichmentError(
            f"SENTIMENT_LABELS: nothing says what {', '.join(unknown)} of SENTIMENT_MODEL mean; set {_FORM}."
        )
    if absent := sorted(dict(classifier.meanings).keys() - set(names)):
        raise EnrichmentError(
            f"SENTIMENT_LABELS: SENTIMENT_MODEL has no {', '.join(absent)}, but {', '.join(labels)}."
        )
    found = [meanings[name] for name in names]
    if not {"negative", "positive"} <= set(found):
        raise EnrichmentError(
            "SENTIMENT_LABELS: of SENTIMENT_MODEL's labels at least one must be negative and one positive."
        )
    return found
