"""Who needs an answer next: the priority score of a chat and what each part adds. Pure; docs/metrics.md."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from math import exp

from graph.traversals import FanRow
from wire.payloads import PriorityScore


def priority_score(
    *,
    unread: int,
    waiting_seconds: float,
    recent_sentiment: float | None,
    spend_rank: float,
    not_waiting: str | None = None,
) -> PriorityScore:
    """A chat's score, 0..100, and its parts, which add up to it.

    `recent_sentiment` is 0..1, None when it is not known (it then adds nothing); `spend_rank` is 0..1;
    `not_waiting` is why nobody waits although the fan has the last word.
    """
    parts = {
        "unread": 30 * min(1.0, unread / 5),
        "waiting": 35 * (1 - exp(-max(0.0, waiting_seconds) / 3600 / 12)),
        "sentiment": sentiment_part(recent_sentiment),
        "spend": spend_part(spend_rank),
    }
    return PriorityScore(score=sum(parts.values()), not_waiting=not_waiting, **parts)


def sentiment_part(recent_sentiment: float | None) -> float:
    """What the fan's recent sentiment adds to the score."""
    return 0.0 if recent_sentiment is None else 20 * max(0.0, (0.5 - recent_sentiment) / 0.5)


def spend_part(rank: float) -> float:
    """What the fan's rank by spend adds to the score."""
    return 15 * rank


def spend_rank(spends: Iterable[float]) -> Callable[[float], float]:
    """What gives, for a fan's spend, the share of the creator's fans (`spends`) that spent less (0..1)."""
    ordered = sorted(spends)
    return lambda spend: bisect_left(ordered, spend) / len(ordered)


def priority_scores(fans: Sequence[FanRow], now: datetime) -> dict[str, PriorityScore]:
    """The priority of every chat of one creator at `now`, by chat id."""
    rank = spend_rank(fan["spend"] for fan in fans)
    return {fan["chatId"]: fan_priority(fan, rank(fan["spend"]), now.timestamp()) for fan in fans}


def fan_priority(fan: FanRow, rank: float, now: float) -> PriorityScore:
    """The priority of one chat whose fan has that rank by spend, at `now` (epoch seconds)."""
    return priority_score(
        unread=fan["unread"],
        waiting_seconds=now - fan["waitingSince"] if fan["waitingSince"] > 0 else 0.0,
        recent_sentiment=known_sentiment(fan),
        spend_rank=rank,
        not_waiting=fan["notWaiting"] or None,
    )


def known_sentiment(fan: FanRow) -> float | None:
    """The fan's recent sentiment, 0..1; None when it is not known."""
    return fan["recentSentiment"] if fan["recentSentiment"] >= 0 else None


def unread_counts(fans: Sequence[FanRow]) -> dict[str, int]:
    """Unread messages of every chat of one creator, by chat id."""
    return {fan["chatId"]: fan["unread"] for fan in fans}
