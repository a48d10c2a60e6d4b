"""The risk that a fan drops off: a calibrated model, or the reason why there is none. Pure.

A logistic regression is fitted on what was so at past cut-offs, calibrated on a later one (Platt 1999), and
tried on one later still. Whatever it learns from lies before the cut-off that it is tried on. docs/metrics.md
has the method; the same histories give the same model.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from math import exp, fsum, sqrt
from statistics import fmean
from typing import Any, Final, NamedTuple

import numpy as np

from insights.columns import Numbers
from insights.fan_history import DAY, AccountFans
from insights.rates import Z
from insights.risk_features import are_active, drop_off, features
from wire.fans import NoModel

MOST_FANS: Final = 2_000  # of a cut-off: beyond that a sample that depends on ids alone
MOST_CUT_OFFS: Final = 12  # that are fitted on
MIN_FANS: Final = 100  # at the cut-offs to calibrate and to try on, and to fit on
MIN_EVENTS: Final = 20  # that dropped off, and that stayed, of each of these
BIN: Final = 20  # fans at least
MOST_BINS: Final = 10
MISCALIBRATED: Final = 0.05  # how far predicted shares may be from observed ones where chance does not tell
SURE: Final = 2.5758293035489004  # 99.5 % of a normal distribution lie below
KEPT: Final = 500  # fits: a kilobyte each


class Bin(NamedTuple):
    """Fans of neighbouring risks."""

    predicted: float  # their mean risk
    observed: float  # the share that dropped off
    n: int


@dataclass(frozen=True, slots=True)
class Trial:
    """How well a model did on the cut-off that it had not seen."""

    fans: int
    dropped: int
    auc: float
    brier: float
    brier_base: float  # of the one risk for all that would have done best
    bins: Sequence[Bin]
    calibration_error: float  # the mean distance of predicted from observed, over the bins
    z: float  # of Spiegelhalter's test that predicted risks are the true ones

    @property
    def base_rate(self) -> float:
        return self.dropped / self.fans


@dataclass(frozen=True, slots=True)
class Model:
    """Log-odds are `base`, and of each feature its weight times its distance from the mean."""

    base: float
    means: Sequence[float]
    weights: Sequence[float]

    def parts(self, values: Numbers) -> Numbers:
        """What each feature adds to the log-odds; a row a fan, as in `values`."""
        found: Numbers = np.array(self.weights) * (values - np.array(self.means))
        return found

    def log_odds(self, values: Numbers) -> list[float]:
        return [fsum((self.base, *parts)) for parts in self.parts(values).tolist()]

    def risks(self, values: Numbers) -> list[float]:
        return [logistic(odds) for odds in self.log_odds(values)]


@dataclass(frozen=True, slots=True)
class Learned:
    """A model, or why there is none; what it was tried on where it came so far. Times are epoch seconds."""

    model: Model | None
    reason: NoModel | None
    fitted: int  # fans at cut-offs that it was fitted on; one fan at several counts as often
    held_out: int  # the cut-off that it was tried on
    trial: Trial | None = None


class _Examples(NamedTuple):
    values: Numbers  # a row a fan
    dropped: list[bool]

    @property
    def reason(self) -> NoModel | None:
        """Why they are too few."""
        if len(self.dropped) < MIN_FANS:
            return "too_few_fans"
        events = sum(self.dropped)
        return "too_few_events" if min(events, len(self.dropped) - events) < MIN_EVENTS else None


class Fits:
    """What was learned, kept by what it was learned from: the last `KEPT`."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Learned] = OrderedDict()

    def learned(self, fans: AccountFans, at: int, horizon: int) -> Learned:
        """What the fans of one account teach that was so before the day (in UTC) of `at`.

        `horizon` is in seconds. Takes a while when it is asked for the first time that day.
        """
        anchor = at // DAY * DAY
        past = _past(_sampled(fans), anchor)
        key = _digest(past, anchor, horizon)
        known = self._kept.get(key)
        if known is None:
            known = self._kept[key] = learn(past, anchor, horizon)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return known


def learn(fans: AccountFans, anchor: int, horizon: int) -> Learned:
    """Fit, calibrate and try a model on what was so before `anchor`, an epoch second."""
    some = _sampled(fans)
    held_out, later = anchor - horizon, anchor - 2 * horizon
    cut_offs = [anchor - n * horizon for n in range(3, 3 + MOST_CUT_OFFS)]
    each = [_examples(some, at, horizon) for at in cut_offs]
    fitting = _Examples(
        np.concatenate([found.values for found in each]),
        [dropped for found in each for dropped in found.dropped],
    )
    if not len(fitting.values):
        return Learned(None, "too_little_history", 0, held_out)
    calibrating, trying = _examples(some, later, horizon), _examples(some, held_out, horizon)
    for examples in (fitting, calibrating, trying):
        if examples.reason:
            return Learned(None, examples.reason, len(fitting.values), held_out)
    model = _fitted(fitting, calibrating)
    if model is None:
        return Learned(None, "no_better_than_base_rate", len(fitting.values), held_out)
    trial, reason = _tried(model, trying)
    return Learned(None if reason else model, reason, len(fitting.values), held_out, trial)


def logistic(log_odds: float) -> float:
    return 1 / (1 + exp(-log_odds)) if log_odds >= 0 else exp(log_odds) / (1 + exp(log_odds))


def _sampled(fans: AccountFans) -> AccountFans:
    """Those that are learned from."""
    ids = tuple(fans.profiles.coded("fanId").strings())
    return fans.take(np.array(_sample(fans.account, ids), np.int64)) if len(ids) > MOST_FANS else fans


@lru_cache(maxsize=16)  # ids change less often than questions come
def _sample(account: str, ids: tuple[str, ...]) -> list[int]:
    """The places of some of the ids, in rising order, whatever else is among them."""

    def digest(place: int) -> bytes:
        return blake2b(f"{account}|{ids[place]}".encode(), digest_size=8).digest()

    return sorted(sorted(range(len(ids)), key=digest)[:MOST_FANS])


def _examples(fans: AccountFans, at: int, horizon: int) -> _Examples:
    """Those active at a cut-off, and whether they dropped off after it."""
    active = fans.where(are_active(fans, at, horizon))
    return _Examples(features(active, at, horizon), drop_off(active, at, horizon).tolist())


def _fitted(fitting: _Examples, calibrating: _Examples) -> Model | None:
    """None: what was fitted says the contrary, or nothing, at the later cut-off."""
    columns = fitting.values.T.tolist()
    means = [fmean(column) for column in columns]
    spreads = [
        sqrt(fmean((v - mean) ** 2 for v in column)) for column, mean in zip(columns, means, strict=True)
    ]
    scales = [spread if spread > 1e-9 else 0.0 for spread in spreads]  # what is alike for all tells nothing
    told = np.array(scales) > 0
    scaled = np.where(told, (fitting.values - means) / np.where(told, scales, 1.0), 0.0)
    intercept, slopes = _regression(scaled, fitting.dropped, strength=1.0)
    fitted = Model(
        intercept, means, [slope / s if s else 0.0 for slope, s in zip(slopes, scales, strict=True)]
    )
    odds = np.array(fitted.log_odds(calibrating.values))[:, None]
    shift, [stretch] = _regression(odds, calibrating.dropped, strength=1e6)
    if stretch <= 0:
        return None
    return Model(shift + stretch * fitted.base, means, [stretch * weight for weight in fitted.weights])


def _regression(values: Numbers, hits: Sequence[bool], *, strength: float) -> tuple[float, list[float]]:
    """Intercept and slopes; `strength` is the inverse of the penalty."""
    from sklearn.linear_model import LogisticRegression  # heavy: not before it is needed

    found: Any = LogisticRegression(C=strength, max_iter=1_000, tol=1e-8).fit(values, hits)
    return float(found.intercept_[0]), [float(slope) for slope in found.coef_[0]]


def _tried(model: Model, trying: _Examples) -> tuple[Trial, NoModel | None]:
    """How the model did, and why it is not to be offered."""
    told = sorted(zip(model.risks(trying.values), trying.dropped, strict=True))
    n, rate = len(told), fmean(dropped for _, dropped in told)
    gains = [(rate - dropped) ** 2 - (risk - dropped) ** 2 for risk, dropped in told]
    gain = fmean(gains)
    error = sqrt(fmean((each - gain) ** 2 for each in gains) / n)
    spread = fsum((1 - 2 * risk) ** 2 * risk * (1 - risk) for risk, _ in told)
    away = fsum((dropped - risk) * (1 - 2 * risk) for risk, dropped in told)
    bins = _bins(told)
    trial = Trial(
        fans=n,
        dropped=sum(trying.dropped),
        auc=_auc(told),
        brier=fmean((risk - dropped) ** 2 for risk, dropped in told),
        brier_base=rate * (1 - rate),
        bins=bins,
        calibration_error=fsum(abs(b.predicted - b.observed) * b.n for b in bins) / n,
        z=away / sqrt(spread) if spread > 0 else 0.0,
    )
    if gain <= Z * error:
        return trial, "no_better_than_base_rate"
    if abs(trial.z) > SURE and trial.calibration_error > MISCALIBRATED:
        return trial, "not_calibrated"
    return trial, None


def _bins(told: Sequence[tuple[float, bool]]) -> list[Bin]:
    """About as many fans in each, by rising risk."""
    count = min(MOST_BINS, len(told) // BIN)
    bounds = [len(told) * n // count for n in range(count + 1)]
    parts = [told[start:end] for start, end in pairwise(bounds)]
    return [
        Bin(fmean(risk for risk, _ in part), fmean(dropped for _, dropped in part), len(part))
        for part in parts
    ]


def _auc(told: Sequence[tuple[float, bool]]) -> float:
    """How often one who dropped off had the higher risk of two; an equal one counts half."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score([dropped for _, dropped in told], [risk for risk, _ in told]))


def _past(fans: AccountFans, anchor: int) -> AccountFans:
    """All that is learned from: what comes later changes nothing."""
    ends = fans.ends.where(fans.ends.numbers("date") < anchor)
    return replace(fans.before(anchor), ends=ends)


def _digest(fans: AccountFans, anchor: int, horizon: int) -> bytes:
    """Of all that is learned from, whatever dictionaries its strings are in."""
    warned = np.flatnonzero(fans.talks.coded("warnings").are_named)
    warnings = fans.talks.coded("warnings").take(warned).strings()
    ids = fans.profiles.coded("fanId").strings()
    found = blake2b(repr((fans.account, anchor, horizon, ids, warnings)).encode(), digest_size=16)
    numbers = [fans.profiles.numbers("joinDate"), warned]
    numbers += [fans.talks.numbers(name) for name in _TALK]
    numbers += [fans.payments.numbers(name) for name in ("fan", "date", "amount", "isSale")]
    numbers += [fans.ends.numbers(name) for name in ("fan", "date")]
    for each in numbers:
        found.update(len(each).to_bytes(8))
        found.update(each.tobytes())
    return found.digest()


_TALK: Final = (
    *("fan", "startDate", "endDate", "messageCount", "firstFanDate", "lastFanDate", "sentimentSum"),
    "sentimentCount",
)
