"""Regressions on layers: what is fitted in a basis holds for the features, and probabilities come true."""

import numpy as np
import pytest

from enrich.embedding.encoded import Vectors
from training import regression
from training.features import layers_of
from training.regression import FOLDS, Floats, Inputs, Ints, Penalties, terms_of


def texts(count: int, labels: int) -> tuple[Vectors, Ints, Ints]:
    """Features that tell their labels now and then, and folds."""
    dice = np.random.default_rng(1)
    true = dice.integers(0, labels, count)
    features = dice.standard_normal((count, 24)).astype(np.float32) + 3
    features[:, 0] += true
    return features, true, dice.integers(0, FOLDS, count)


@pytest.mark.parametrize("labels", [2, 3])
def test_weights_of_the_features_say_what_those_in_the_basis_say(labels: int) -> None:
    features, true, _ = texts(300, labels)
    basis = regression.basis_of(features)
    model = regression.fit(basis.of(features), true, np.ones(300), 1.0)
    wanted = regression.logits(model, basis.of(features))
    if labels == 2:
        pairs = [(model.coef_[0], model.intercept_[0])]
    else:
        pairs = [
            (model.coef_[at] - model.coef_[1], model.intercept_[at] - model.intercept_[1]) for at in (0, 2)
        ]
    for column, pair in enumerate(pairs):
        weights, bias = basis.back(*pair)
        assert np.allclose(features @ weights + bias, wanted[:, column], atol=1e-3)


def test_what_is_judged_has_not_been_learnt_from() -> None:
    """Labels by chance: who has seen them knows them, who has not does not."""
    dice = np.random.default_rng(2)
    features = dice.standard_normal((120, 300)).astype(np.float32)
    true, fold = dice.integers(0, 2, 120), dice.integers(0, FOLDS, 120)
    unseen = regression.out_of_fold(features, true, np.ones(120), fold, 10.0)[:, 0]
    seen = regression.logits(regression.fit(features, true, np.ones(120), 10.0), features)[:, 0]
    assert ((seen > 0) == true).mean() == 1
    assert ((unseen > 0) == true).mean() < 0.65


def test_rows_without_weight_teach_nothing() -> None:
    features, true, fold = texts(200, 2)
    weights = np.where(np.arange(200) < 150, 1.0, 0.0)
    wrong = np.where(weights > 0, true, 1 - true)
    one, other = (regression.out_of_fold(features, each, weights, fold, 1.0) for each in (true, wrong))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("labels", [2, 3])
def test_calibrated_probabilities_come_true(labels: int) -> None:
    features, true, fold = texts(3_000, labels)
    much_too_sure = 4 * regression.out_of_fold(features, true, np.ones(3_000), fold, 1.0) + 1
    errors = [error(each, true) for each in (much_too_sure, regression.calibrated(much_too_sure, true, fold))]
    assert errors[1] < 0.04 < errors[0]


@pytest.mark.parametrize("labels", [2, 3])
def test_what_the_context_adds_is_found_again_and_texts_alone_stay_what_they_were(labels: int) -> None:
    dice = np.random.default_rng(3)
    alone = dice.standard_normal((20_000, labels - 1))
    context = dice.random((20_000, 2))
    adds = np.array([[2.0, -1.0], [-3.0, 1.0]])[:, : labels - 1]
    shares = regression.probabilities(alone + context @ adds)
    true = (dice.random((20_000, 1)) > shares.cumsum(axis=1)).sum(axis=1)
    assert np.allclose(regression.context_weights(alone, context, true), adds, atol=0.2)
    fold = dice.integers(0, FOLDS, 20_000)
    read = regression.in_context(alone, context, true, fold)
    assert np.allclose(read, alone + context @ adds, atol=0.5)
    assert np.array_equal(regression.in_context(alone, np.zeros((20_000, 2)), true, fold), alone)


def test_what_a_context_adds_is_judged_where_it_was_not_learnt() -> None:
    """Contexts of one text each: who has seen its label knows it by them."""
    dice = np.random.default_rng(4)
    true, fold = dice.integers(0, 2, 60), np.arange(60) % FOLDS
    alone, own = np.zeros((60, 1)), np.eye(60)
    seen = own @ regression.context_weights(alone, own, true)
    assert ((seen[:, 0] > 0) == true).all()
    assert not regression.in_context(alone, own, true, fold).any()


def error(logits: Floats, true: Ints) -> float:
    shares = regression.probabilities(logits)
    assert np.allclose(shares.sum(axis=1), 1)
    return regression.calibration_error(shares[:, 1], true == 1)


def test_the_calibration_error_is_the_mean_gap() -> None:
    probability = np.array([0.95, 0.95, 0.25, 1.0])
    came_true = np.array([True, False, False, True])
    assert regression.calibration_error(probability, came_true) == pytest.approx((0.9 + 0.25) / 4)
    assert regression.calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0


@pytest.mark.parametrize(
    ("depth", "layers"), [(6, (3, 4, 5, 6)), (12, (6, 8, 10, 12)), (24, (12, 16, 20, 24))]
)
def test_the_upper_half_of_a_models_layers_is_read(depth: int, layers: tuple[int, ...]) -> None:
    assert layers_of(depth) == layers


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_shallow_model_has_the_layers_that_there_are(depth: int) -> None:
    found = layers_of(depth)
    assert len(set(found)) == len(found)
    assert set(found) <= set(range(1, depth + 1))
    assert found[-1] == depth


def test_terms_that_few_texts_have_are_not_known_and_the_others_count_as_the_service_weighs_them() -> None:
    known = terms_of([*["hey you"] * 5, "something rare"])
    assert list(known.columns) == ["hey", "hey you", "you"]
    found = known.of(["hey you", "hey", "hey rare", "rare"]).toarray()
    assert np.allclose(found, np.array([[3**-0.5] * 3, [1, 0, 0], [3**-0.5, 0, 0], [0, 0, 0]]))


@pytest.mark.parametrize("labels", [2, 3])
def test_features_and_terms_together_say_more_than_either(labels: int) -> None:
    dice = np.random.default_rng(5)
    features, true, fold = texts(2_000, labels)
    said = [f"word{dice.integers(20)} " + "told" * (dice.random() < 0.5) + f" label{each}" for each in true]
    blurred = [text if dice.random() < 0.5 else "word1" for text in said]
    inputs = Inputs(features, terms_of(blurred).of(blurred))
    found = regression.both_out_of_fold(inputs, true, np.ones(2_000), fold, Penalties(1.0, 3.0))
    both, *single = (
        regression.probabilities(regression.calibrated(each, true, fold))
        for each in (found, found[:, : labels - 1], found[:, labels - 1 :])
    )
    right = [float((each.argmax(axis=1) == true).mean()) for each in (both, *single)]
    assert right[0] > max(right[1:])
