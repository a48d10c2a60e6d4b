"""What a fan's risk of dropping off is read from, as numbers, and what dropping off is. Pure.

Features of a time use `AccountFans.before` that time alone. Definitions in docs/metrics.md.
"""

from collections.abc import Mapping
from math import log1p
from typing import Final, NamedTuple

import numpy as np

from graph.warned import WARNINGS, read_warnings
from insights.columns import NOT_KNOWN, Numbers, Table, sums
from insights.fan_history import DAY, AccountFans, sales

MIN_FELT: Final = 5  # fan messages with a sentiment on each side of a change of mood
MONTH: Final = 31 * DAY  # in which a subscription that runs was begun or renewed
FEATURES: Final = (
    "silence",
    "silence_against_rhythm",
    "visits",
    "spend",
    "unanswered",
    "mood_change",
    "subscription",
    *WARNINGS,
    "tenure",
)


class Mood(NamedTuple):
    """Of each fan the mean sentiment of the messages, NaN where they are too few, and of how many."""

    mean: Numbers
    n: Numbers


def are_active(fans: AccountFans, at: int, horizon: int) -> Numbers:
    """Who acted in the `horizon` seconds before: who did not has dropped off already."""
    return fans.act_in(at - horizon, at)


def drop_off(fans: AccountFans, at: int, horizon: int) -> Numbers:
    """Who does not act in the `horizon` seconds from `at`, or lets the subscription end."""
    found: Numbers = ~fans.act_in(at, at + horizon) | fans.end_in(at, at + horizon)
    return found


def features(fans: AccountFans, at: int, horizon: int) -> Numbers:
    """A row of the values of `FEATURES` for each fan; all of them are active at that time."""
    known = fans.before(at)
    visits, last, joined = known.visits(), known.last_acted, known.profiles.numbers("joinDate")
    if (last == NOT_KNOWN).any():
        raise ValueError("a fan who never acted has no features")
    silence = at - last
    recent, paid = known.talks_in(at - horizon, at), known.payments_in(at - horizon, at)
    begun = recent_visits(known, at - horizon)
    first = np.where(joined == NOT_KNOWN, visits.first, np.minimum(visits.first, joined))
    values: Mapping[str, Numbers] = {
        "silence": _log1p(silence / DAY),
        "silence_against_rhythm": _log1p(silence / visits.rhythm(horizon)),
        "visits": _log1p(begun),
        "spend": _log1p(known.amounts(sales(paid))),
        "unanswered": _are_unanswered(known, at),
        "mood_change": mood_change(known, at, horizon),
        "subscription": _are_subscribed(known, at),
        **{kind: _log1p(warned) for kind, warned in _warned(known, recent).items()},
        "tenure": _log1p((at - first) / DAY),
    }
    return np.column_stack([values[name].astype(np.float64) for name in FEATURES])


def recent_visits(fans: AccountFans, since: int) -> Numbers:
    """How often each fan began to write, or paid, since then."""
    begun = fans.talks.where(fans.talks.numbers("firstFanDate") >= since)
    paid = fans.payments.where(fans.payments.numbers("date") >= since)
    return fans.counted(begun) + fans.counted(paid)


def mood(fans: AccountFans, start: int, end: int) -> Mood:
    """Of the fans' messages in conversations that begin in `[start, end)`."""
    talks = fans.talks_in(start, end)
    own = talks.numbers("fan")
    n = np.bincount(own, talks.numbers("sentimentCount"), minlength=len(fans)).astype(np.int64)
    mean = np.full(len(fans), np.nan)
    enough = n >= MIN_FELT
    mean[enough] = sums(talks.numbers("sentimentSum"), own, len(fans))[enough] / n[enough]
    return Mood(mean, n)


def mood_change(fans: AccountFans, at: int, horizon: int) -> Numbers:
    """Of the `horizon` seconds before `at` against those before; 0 where it is not known."""
    now, before = mood(fans, at - horizon, at), mood(fans, at - 2 * horizon, at - horizon)
    found: Numbers = np.nan_to_num(now.mean - before.mean)
    return found


def _are_unanswered(known: AccountFans, at: int) -> Numbers:
    """Of whom the last direct message is, in a conversation that is over."""
    spoken = known.talks.where(known.talks.numbers("messageCount") > 0)
    end = spoken.numbers("endDate")
    waits = (end < at) & (spoken.numbers("lastFanDate") == end)
    found = np.zeros(len(known), np.bool_)
    found[spoken.numbers("fan")] = waits  # of what is assigned several times the last one stays
    return found


def _are_subscribed(known: AccountFans, at: int) -> Numbers:
    """Whose subscription was begun, or as far as was told then renewed, in the last month."""
    found: Numbers = known.profiles.numbers("joinDate") >= at - MONTH
    renewed = ~known.payments.numbers("isSale") & (known.payments.numbers("date") >= at - MONTH)
    found[known.payments.numbers("fan")[renewed]] = True
    return found


def _warned(fans: AccountFans, talks: Table) -> dict[str, Numbers]:
    """How often each fan said in these talks what may come before leaving, by its kind."""
    talks = talks.where(talks.coded("warnings").are_named)
    warnings = talks.coded("warnings")
    read = {code: read_warnings(warnings.values[code]) for code in warnings.used()}
    found = {}
    for kind in WARNINGS:
        counts = np.zeros(len(warnings.values))
        for code, each in read.items():
            counts[code] = each.get(kind, 0)
        found[kind] = np.bincount(talks.numbers("fan"), counts[warnings.codes], minlength=len(fans))
    return found


def _log1p(values: Numbers) -> Numbers:
    """As the C library has it, and not as numpy does, whose last digit follows the processor."""
    found = np.zeros(len(values))
    some = values != 0
    found[some] = [log1p(value) for value in values[some].tolist()]
    return found
