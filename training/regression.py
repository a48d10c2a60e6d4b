"""Logistic regressions on layers and terms: fitted, cross-validated, calibrated, put into context.

A chat is never divided between what a regression learns from and what it is judged on. Probabilities are
calibrated on what regressions say of texts that they have not seen, and judged on others again. So is what
the context of a text adds: a second regression behind the first one, which stays what it says of texts alone.

Layers and terms have a regression each, and a calibration weighs what both say. One on both together would
have to trust them alike.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from enrich.embedding.embed import normalise
from enrich.embedding.encoded import Vectors
from enrich.text.terms import terms

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]
Flags = NDArray[np.bool_]
Sparse = Any  # a matrix of scipy's, which has no types

FOLDS = 5
MARGIN = 0.02  # of accuracy and F1 on the packaged chats, about two of their standard errors
_DIRECTIONS = 320  # of 1,536: the others hold a tenth of the variance, and make a fit five times slower
_BINS = 10
_TEXTS = 5  # that have a term at least, for it to be known
_TOLERANCE = 1e-3
_FREE = 1e3  # inverse penalty of a calibration, which has few weights
_OF_CONTEXT = 1.0  # likewise: talk that wanders off must not be taken for what was said before


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """Features relative to their mean, along the directions in which they vary most."""

    mean: Vectors
    directions: Vectors  # [features, directions]

    def of(self, features: Vectors) -> Vectors:
        found: Vectors = ((features - self.mean) @ self.directions).astype(np.float32)
        return found

    def back(self, coefficients: Floats, bias: float) -> tuple[Floats, float]:
        """Weights of the features themselves, and the bias that goes with them."""
        weights: Floats = self.directions @ coefficients
        return weights, float(bias - self.mean @ weights)


def basis_of(features: Vectors) -> Basis:
    mean = features.mean(axis=0)
    _, directions = np.linalg.eigh((features - mean).T @ (features - mean))
    return Basis(mean, np.ascontiguousarray(directions[:, ::-1][:, :_DIRECTIONS]))


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms that are known, and the column of each."""

    columns: Mapping[str, int]

    def of(self, texts: Sequence[str]) -> Sparse:
        """Which of them each text has [texts, terms], a row as `enrich.embedding.heads` weighs it."""
        own = [terms(normalise(text)) for text in texts]
        known = [[self.columns[term] for term in each if term in self.columns] for each in own]
        sizes = [len(each) for each in known]
        shares = np.repeat([len(each) ** -0.5 if each else 0.0 for each in own], sizes).astype(np.float32)
        ends = np.concatenate([[0], np.cumsum(sizes)])
        columns = np.fromiter(chain.from_iterable(known), int, ends[-1])
        return sparse.csr_matrix((shares, columns, ends), (len(texts), len(self.columns)))


def terms_of(texts: Iterable[str]) -> Terms:
    """Those that enough of the texts have."""
    counts = Counter(chain.from_iterable(terms(normalise(text)) for text in texts))
    frequent = sorted(term for term, count in counts.items() if count >= _TEXTS)
    return Terms({term: column for column, term in enumerate(frequent)})


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What regressions learn from, a row a text: its features in a basis, and its terms."""

    features: Vectors
    terms: Sparse

    def __getitem__(self, rows: Ints | Flags | list[int]) -> "Inputs":
        return Inputs(self.features[rows], self.terms[rows])


@dataclass(frozen=True, slots=True)
class Penalties:
    """Inverse: higher trusts the training data more."""

    of_features: float
    of_terms: float


def fit_both(inputs: Inputs, labels: Ints, weights: Floats, penalties: Penalties) -> tuple[Any, Any]:
    """One regression on features, and one on terms."""
    return (
        fit(inputs.features, labels, weights, penalties.of_features),
        fit(inputs.terms, labels, weights, penalties.of_terms),
    )


def both_out_of_fold(
    inputs: Inputs, labels: Ints, weights: Floats, fold: Ints, penalties: Penalties
) -> Floats:
    """What both say of each row, features first [n, 2 k], as `out_of_fold`."""
    by_features = out_of_fold(inputs.features, labels, weights, fold, penalties.of_features)
    by_terms = out_of_fold(inputs.terms, labels, weights, fold, penalties.of_terms)
    return np.concatenate([by_features, by_terms], axis=1)


def fit(inputs: Vectors | Sparse, labels: Ints, weights: Floats, penalty: float) -> Any:
    """A logistic regression; `penalty` is inverse: higher trusts the training data more."""
    return LogisticRegression(C=penalty, max_iter=500, tol=_TOLERANCE).fit(inputs, labels, weights)


def logits(model: Any, inputs: Vectors | Sparse) -> Floats:
    """Of each label but the one in the middle, against it [n, 2]; of two labels, of the second [n, 1]."""
    found: Floats = model.decision_function(inputs).astype(float)
    return found[:, None] if found.ndim == 1 else found[:, [0, 2]] - found[:, [1]]


def out_of_fold(
    inputs: Vectors | Sparse, labels: Ints, weights: Floats, fold: Ints, penalty: float
) -> Floats:
    """The logits of each row by a regression that has not seen its fold; rows of weight 0 teach nothing."""
    found = []
    for left_out in range(FOLDS):
        seen = (fold != left_out) & (weights > 0)
        model = fit(inputs[seen], labels[seen], weights[seen], penalty)
        found.append(logits(model, inputs[fold == left_out]))
    all_of_them = np.zeros((len(labels), found[0].shape[1]))
    for left_out, its in enumerate(found):
        all_of_them[fold == left_out] = its
    return all_of_them


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Logits made so that probabilities come true: logits @ scales + shifts."""

    scales: Floats  # [m, k]
    shifts: Floats  # [k]

    def of(self, found: Floats) -> Floats:
        calibrated: Floats = found @ self.scales + self.shifts
        return calibrated


def calibration(found: Floats, labels: Ints) -> Calibration:
    """From `found` [n, m], the logits of rows that were not learnt from, by one regression or by several."""
    model = LogisticRegression(C=_FREE, max_iter=500).fit(found, labels)
    if len(model.coef_) == 1:
        return Calibration(model.coef_.T, model.intercept_)
    return Calibration(
        (model.coef_[[0, 2]] - model.coef_[1]).T, model.intercept_[[0, 2]] - model.intercept_[1]
    )


def calibrated(found: Floats, labels: Ints, fold: Ints) -> Floats:
    """Logits, each calibrated by the other folds."""
    own = np.zeros((len(labels), len(np.unique(labels)) - 1))
    for left_out in range(FOLDS):
        rest = fold != left_out
        own[~rest] = calibration(found[rest], labels[rest]).of(found[~rest])
    return own


def context_weights(found: Floats, context: Floats, labels: Ints) -> Floats:
    """What each number of the context [n, m] adds to logits of texts alone [n, k]: [m, k]."""
    of_logits = np.array([1] if found.shape[1] == 1 else [0, 2])  # their labels
    came_true = labels[:, None] == of_logits

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(context.shape[1], -1)
        shares = probabilities(found + context @ weights)
        surprise = -np.log(shares[np.arange(len(labels)), labels]).sum()
        slopes = context.T @ (shares[:, of_logits] - came_true) + weights / _OF_CONTEXT
        return float(surprise + flat @ flat / (2 * _OF_CONTEXT)), slopes.ravel()

    start = np.zeros(context.shape[1] * found.shape[1])
    fitted: Floats = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return fitted.reshape(context.shape[1], -1)


def in_context(found: Floats, context: Floats, labels: Ints, fold: Ints) -> Floats:
    """Logits with what the context adds, each by the other folds."""
    own = np.zeros_like(found)
    for left_out in range(FOLDS):
        rest = fold != left_out
        weights = context_weights(found[rest], context[rest], labels[rest])
        own[~rest] = found[~rest] + context[~rest] @ weights
    return own


def probabilities(found: Floats) -> Floats:
    """Of each label, in order, from `logits`."""
    raised = np.exp(found)
    if found.shape[1] == 1:
        both = np.concatenate([np.ones_like(raised), raised], axis=1)
    else:
        both = np.stack([raised[:, 0], np.ones(len(raised)), raised[:, 1]], axis=1)
    shares: Floats = both / both.sum(axis=1, keepdims=True)
    return shares


def calibration_error(probability: Floats, came_true: NDArray[np.bool_]) -> float:
    """The expected difference between a probability and how often it comes true, in ten bins."""
    at = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    gaps = [abs(probability[at == each].sum() - came_true[at == each].sum()) for each in range(_BINS)]
    return round(float(sum(gaps) / len(probability)), 4)


def output(weights: Floats, bias: float, of_terms: Floats | None = None) -> dict[str, Any]:
    """As a head's file has it."""
    told = {"bias": round(bias, 4), "weights": np.round(weights, 4).tolist()}
    return told if of_terms is None else {**told, "of_terms": np.round(of_terms, 4).tolist()}


def rows_of(columns: Sequence[Floats], features: Vectors) -> Vectors:
    """`features` with more columns beside them."""
    return np.concatenate([features, *(each[:, None].astype(np.float32) for each in columns)], axis=1)
