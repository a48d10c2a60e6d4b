"""A user's own classifier: real transformers folders, made here small and of no sense, with known labels."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from chats.conversation import cut
from chats.message import Message
from enrich.analyse import analyse, assign
from enrich.embedding import encoder
from enrich.embedding.encoder import Encoder
from enrich.outcomes import contexts
from enrich.sentiment import classifier as own
from enrich.sentiment.classifier import load, name, sentiment
from enrich.sentiment.labels import Classifier, meanings_of
from errors import EnrichmentError

LABELS = ["joy", "anger", "surprise"]
MEANINGS = "joy=positive, anger=negative,surprise=neutral"
TEXTS = [
    "hey",
    "how much for a custom video?",
    "ok ❤️",
    "i love it",
    "x " * 400,
    "no",
    "hey",
    "so angry 😡",
] + [f"word{'s and more' * n} number {n}" for n in range(30)]

Made = Callable[..., Classifier]


def save_tokenizer(folder: Path) -> None:
    """Of letters: every character of a text is a token, and the vocabulary has 1,200."""
    known = {each: n for n, each in enumerate(("<s>", "<pad>", "</s>", "<unk>"))}
    known |= {chr(n): n for n in range(32, 127)}
    known |= {f"<{n}>": n for n in range(1_200) if n not in known.values()}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    made: Any = PreTrainedTokenizerFast
    special = {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    made(tokenizer_object=tokenizer, **special).save_pretrained(folder)


def save_model(folder: Path, kind: str = "roberta", labels: Sequence[str] = LABELS, **more: Any) -> None:
    torch.manual_seed(0)
    named = {
        "id2label": dict(enumerate(labels)),
        "label2id": {each: n for n, each in enumerate(labels)},
        **more,
    }
    common: dict[str, Any] = {"vocab_size": 1_200, "pad_token_id": 1, "max_position_embeddings": 130, **named}
    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "initializer_range": 0.6,
    }
    model: Any
    if kind == "roberta":
        model = RobertaForSequenceClassification(RobertaConfig(**common, **sizes))
    elif kind == "bert":
        model = BertForSequenceClassification(BertConfig(**common, **sizes))
    else:
        small: dict[str, Any] = {
            "dim": 32,
            "n_layers": 2,
            "n_heads": 2,
            "hidden_dim": 64,
            "initializer_range": 0.6,
        }
        model = DistilBertForSequenceClassification(DistilBertConfig(**common, **small))
    model.save_pretrained(folder)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(kind: str = "roberta", meanings: str = MEANINGS, **more: Any) -> Classifier:
        save_tokenizer(tmp_path)
        save_model(tmp_path, kind, **more)
        return Classifier(str(tmp_path), meanings_of(meanings))

    return make


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    folder = tmp_path_factory.mktemp("emotions")
    save_tokenizer(folder)
    save_model(folder)
    return Classifier(str(folder), meanings_of(MEANINGS))


@pytest.fixture(autouse=True)
def forget() -> None:
    own._cache.clear()


def by_transformers(classifier: Classifier, text: str) -> list[float]:
    """The shares of the labels, as transformers' own pass has them."""
    loaded = load(classifier)
    served: Any = loaded.encoder._model
    (ids,) = served.tokens([text])
    model: Any = RobertaForSequenceClassification.from_pretrained(classifier.folder)
    with torch.inference_mode():
        found: list[float] = model.eval()(torch.tensor([list(ids)])).logits.softmax(-1)[0].tolist()
    return found


def test_a_sentiment_is_what_the_labels_mean_by_the_probabilities_of_transformers(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "_PAYS", math.inf)  # as exact as theirs: bf16 is for processors that have it
    classifier = made()
    found = sentiment(TEXTS, classifier)
    assert len(set(found)) > 10
    for text, score in zip(TEXTS, found, strict=True):
        joy, anger, _ = by_transformers(classifier, " ".join(text.split()))
        assert score == pytest.approx(0.5 + 0.5 * (joy - anger), abs=1e-4)


def test_a_sentiment_does_not_depend_to_the_bit_on_its_company(classifier: Classifier) -> None:
    encoder = load(classifier).encoder
    together = encoder.encode(TEXTS).vectors
    alone = np.vstack([encoder.encode([text]).vectors for text in TEXTS])
    assert np.array_equal(together, alone)
    assert np.allclose(together.sum(axis=1), 1, atol=1e-5)
    assert together.std(axis=0).min() > 0.01


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_other_kinds_of_model_serve_as_well_and_alike_in_any_company(made: Made, kind: str) -> None:
    found = load(made(kind)).encoder
    together = found.encode(TEXTS).vectors
    assert np.array_equal(together, np.vstack([found.encode([text]).vectors for text in TEXTS]))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=12))
def test_any_texts_have_sentiments_inside_the_bounds_that_are_those_of_each_alone(
    classifier: Classifier, texts: list[str]
) -> None:
    own._cache.clear()
    together = sentiment(texts, classifier)
    own._cache.clear()
    alone = [score for text in texts for score in sentiment([text], classifier)]
    assert together == alone
    assert all(score is None or 0 <= score <= 1 for score in together)


def test_a_text_comes_from_the_cache_as_it_came_from_the_model(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = sentiment(TEXTS, classifier)

    def fail(*_: Any) -> Any:
        raise AssertionError("the model was asked again")

    monkeypatch.setattr(Encoder, "encode", fail)
    assert sentiment(TEXTS, classifier) == once


def test_other_meanings_are_another_version_and_are_not_answered_from_the_cache(
    classifier: Classifier,
) -> None:
    turned = Classifier(classifier.folder, meanings_of("joy=negative,anger=positive,surprise=neutral"))
    assert name(turned) != name(classifier)
    for one, other in zip(sentiment(TEXTS, classifier), sentiment(TEXTS, turned), strict=True):
        assert one is not None
        assert other == pytest.approx(1 - one, abs=2e-4)


def test_the_name_is_of_the_weights(made: Made) -> None:
    first = name(made())
    own.name.cache_clear()
    assert first == name(made())
    own.name.cache_clear()
    assert first != name(made("bert"))


def test_labels_that_do_not_exclude_each_other_are_taken_as_shares(made: Made) -> None:
    several = load(made(problem_type="multi_label_classification")).encoder
    shares = several.encode(TEXTS).vectors
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert shares.max() < 0.9  # of a softmax of the same logits the largest is nearly all


def test_labels_that_are_called_as_feelings_need_no_setting(made: Made) -> None:
    found = made(meanings="", labels=["Negative", "Neutral", "Positive"])
    assert all(score is not None for score in sentiment(["hey", "no"], found))


@pytest.mark.parametrize(
    ("meanings", "said"),
    [
        ("", "joy, anger, surprise"),
        ("joy=positive,surprise=neutral", "what anger of SENTIMENT_MODEL"),
        ("joy=positive,anger=negative,surprise=neutral,love=positive", "has no love"),
        ("joy=positive,anger=neutral,surprise=neutral", "one must be negative"),
    ],
)
def test_labels_without_a_meaning_are_an_error_that_names_them(
    classifier: Classifier, meanings: str, said: str
) -> None:
    with pytest.raises(EnrichmentError, match="SENTIMENT_LABELS") as caught:
        sentiment(["hey"], Classifier(classifier.folder, meanings_of(meanings)))
    assert said in str(caught.value)


def test_pickled_weights_are_refused(made: Made) -> None:
    found = made()
    torch.save({"weights": 1}, Path(found.folder) / "pytorch_model.bin")
    (Path(found.folder) / "model.safetensors").unlink()
    with pytest.raises(EnrichmentError, match="no safetensors"):
        sentiment(["hey"], found)


def test_code_of_a_folder_does_not_run(made: Made, tmp_path: Path) -> None:
    found = made()
    ran = tmp_path / "ran"
    code = f"from pathlib import Path\nPath({str(ran)!r}).touch()\n"
    (tmp_path / "modeling_own.py").write_text(code)
    (tmp_path / "configuration_own.py").write_text(code)
    config = json.loads((tmp_path / "config.json").read_text())
    config["model_type"] = "own"
    config["auto_map"] = {
        "AutoConfig": "configuration_own.OwnConfig",
        "AutoModelForSequenceClassification": "modeling_own.OwnModel",
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(EnrichmentError, match="SENTIMENT_MODEL="):
        sentiment(["hey"], found)
    assert not ran.exists()


def test_a_model_without_a_trained_classifier_is_refused(made: Made, tmp_path: Path) -> None:
    """The layers that are missing would be filled by chance."""
    found = made()
    RobertaForSequenceClassification.from_pretrained(tmp_path).roberta.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["id2label"]["0"] == "joy"
    with pytest.raises(EnrichmentError, match="trained for sequence classification"):
        sentiment(["hey"], found)


@pytest.mark.parametrize("broken", ["no folder", "no tokenizer", "cut weights"])
def test_a_folder_that_cannot_be_used_is_an_error_that_names_the_setting(made: Made, broken: str) -> None:
    found = made()
    folder = Path(found.folder)
    if broken == "no folder":
        found = Classifier("/no/such/folder", found.meanings)
    elif broken == "no tokenizer":
        for path in folder.glob("tokenizer*"):
            path.unlink()
    else:
        weights = folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:1_000])
    with pytest.raises(EnrichmentError, match="SENTIMENT_MODEL="):
        sentiment(["hey"], found)


def test_a_conversation_is_felt_by_the_classifier_and_says_so(classifier: Classifier) -> None:
    said = ["i hate this", "привет как дела", "ok", ""]
    messages = [
        Message(id=f"m{n}", creator_id="c", chat_id="f", fan_id="f", direction="fan", at=1.7e9 + n, text=text)
        for n, text in enumerate(said)
    ]
    conversations = cut(messages, gap=21_600, silence=300)
    around = contexts(conversations, {})
    [node] = assign(analyse(conversations, around, classifier=classifier), None)
    scores = [node.messages[f"m{n}"].sentiment for n in range(4)]
    assert scores == sentiment(said, classifier)
    assert [node.messages[f"m{n}"].no_sentiment for n in range(4)] == [None, "language", None, "no_text"]
    assert node.models["sentiment"] == name(classifier)
    [plain] = assign(analyse(conversations, around), None)
    assert [each.actions for each in node.messages.values()] == [
        each.actions for each in plain.messages.values()
    ]
    assert {**node.models, "sentiment": ""} == {**plain.models, "sentiment": ""}


def test_without_the_classifier_the_sentiment_says_why_and_the_rest_stands(tmp_path: Path) -> None:
    messages = [
        Message(id="m", creator_id="c", chat_id="f", fan_id="f", direction="fan", at=1.7e9, text="how much?")
    ]
    conversations = cut(messages, gap=21_600, silence=300)
    broken = Classifier(str(tmp_path), ())
    [node] = assign(analyse(conversations, contexts(conversations, {}), classifier=broken), None)
    assert node.messages["m"].sentiment is None
    assert "SENTIMENT_MODEL" in node.messages["m"].failed["sentiment"]
    assert node.models["sentiment"].startswith("failed: SENTIMENT_MODEL")
    assert "price_inquiry" in (node.messages["m"].actions or ())
