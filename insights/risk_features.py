"""What a fan's risk of dropping off is read from, as numbers, and what dropping off is. Pure.

Features of a time use `FanHistory.before` that time alone. Definitions in docs/metrics.md.
"""

from collections import Counter
from collections.abc import Mapping
from math import fsum, log1p
from typing import Final

from graph.warned import WARNINGS
from insights.fan_history import DAY, FanHistory, amount

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


def is_active(fan: FanHistory, at: int, horizon: int) -> bool:
    """Whether the fan acted in the `horizon` seconds before: who did not has dropped off already."""
    return fan.acts_in(at - horizon, at)


def drops_off(fan: FanHistory, at: int, horizon: int) -> bool:
    """Whether the fan does not act in the `horizon` seconds from `at`, or lets the subscription end."""
    return not fan.acts_in(at, at + horizon) or any(at <= end < at + horizon for end in fan.ends)


def features(fan: FanHistory, at: int, horizon: int) -> tuple[float, ...]:
    """The values of `FEATURES` of a fan who is active at that time."""
    known = fan.before(at)
    visits = known.visits()
    last = known.last_acted
    if last is None:
        raise ValueError("a fan who never acted has no features")
    silence = at - last
    recent = known.talks_in(at - horizon, at)
    warned: Counter[str] = Counter()
    for talk in recent:
        warned.update(talk.warned())
    begun = min([visits[0], *([known.joined] if known.joined is not None else [])])
    values: Mapping[str, float] = {
        "silence": log1p(silence / DAY),
        "silence_against_rhythm": log1p(silence / rhythm(visits, horizon)),
        "visits": log1p(sum(visit >= at - horizon for visit in visits)),
        "spend": log1p(amount(p for p in known.payments_in(at - horizon, at) if p.is_sale)),
        "unanswered": float(_is_unanswered(known, at)),
        "mood_change": mood_change(known, at, horizon),
        "subscription": float(_is_subscribed(known, at)),
        **{kind: log1p(warned[kind]) for kind in WARNINGS},
        "tenure": log1p((at - begun) / DAY),
    }
    return tuple(values[name] for name in FEATURES)


def rhythm(visits: list[int], otherwise: int) -> float:
    """Seconds from one visit to the next on average, at least a day; `otherwise` where there is but one."""
    if len(visits) < 2:
        return float(otherwise)
    return max(float(DAY), (visits[-1] - visits[0]) / (len(visits) - 1))


def mood(fan: FanHistory, start: int, end: int) -> tuple[float | None, int]:
    """Mean sentiment of the fan's messages in conversations that begin there, and of how many."""
    talks = fan.talks_in(start, end)
    n = sum(talk.felt_n for talk in talks)
    return (fsum(talk.felt_sum for talk in talks) / n if n >= MIN_FELT else None), n


def mood_change(fan: FanHistory, at: int, horizon: int) -> float:
    """Of the `horizon` seconds before `at` against those before; 0 where it is not known."""
    now, _ = mood(fan, at - horizon, at)
    before, _ = mood(fan, at - 2 * horizon, at - horizon)
    return 0.0 if now is None or before is None else now - before


def _is_unanswered(known: FanHistory, at: int) -> bool:
    """Whether the last direct message is the fan's, in a conversation that is over."""
    spoken = [talk for talk in known.talks if talk.messages]
    last = spoken[-1] if spoken else None
    return last is not None and last.fan_last is not None and last.end < at and last.fan_last == last.end


def _is_subscribed(known: FanHistory, at: int) -> bool:
    """Whether the subscription was begun, or as far as was told then renewed, in the last month."""
    begun = [known.joined] if known.joined is not None else []
    renewed = [payment.at for payment in known.payments if payment.type == "renewal"]
    return any(at - MONTH <= each for each in (*begun, *renewed))
