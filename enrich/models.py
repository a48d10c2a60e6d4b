"""Which models understand messages, as tasks are told it. Light to import."""

from dataclasses import dataclass

from enrich.sentiment.labels import Classifier, meanings_of
from settings import Settings


@dataclass(frozen=True, slots=True)
class Models:
    """The embedding model, and what else reads in place of what goes with it."""

    embedding: str = "minilm"  # or a sentence-transformers folder
    installed: str = ""  # heads: a version of the installation's own (`enrich.embedding.installed`), or none
    classifier: Classifier | None = None  # of sentiment; None: lexicon and head


def classifier_of(settings: Settings) -> Classifier | None:
    """What SENTIMENT_MODEL and SENTIMENT_LABELS name."""
    if not settings.sentiment_model:
        return None
    return Classifier(settings.sentiment_model, meanings_of(settings.sentiment_labels))
