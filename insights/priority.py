"""Who needs an answer next: the priority score of a chat and what each part adds. Pure; docs/metrics.md."""

from datetime import datetime
from math import exp

import numpy as np

from graph.traversals import FanRow
from insights.columns import Numbers, Table
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
        "waiting": waiting_part(waiting_seconds),
        "sentiment": sentiment_part(recent_sentiment),
        "spend": spend_part(spend_rank),
    }
    return PriorityScore(score=sum(parts.values()), not_waiting=not_waiting, **parts)


def waiting_part(seconds: float) -> float:
    """What it adds to the score that the fan has waited so long."""
    return 35 * (1 - exp(-max(0.0, seconds) / 3600 / 12))


def sentiment_part(recent_sentiment: float | None) -> float:
    """What the fan's recent sentiment adds to the score."""
    return 0.0 if recent_sentiment is None else 20 * max(0.0, (0.5 - recent_sentiment) / 0.5)


def spend_part(rank: float) -> float:
    """What the fan's rank by spend adds to the score."""
    return 15 * rank


def spend_ranks(spends: Numbers) -> Numbers:
    """For each fan's spend the share of the creator's fans that spent less (0..1)."""
    ranks: Numbers = np.searchsorted(np.sort(spends), spends) / max(1, len(spends))
    return ranks


def priority_scores(fans: Table, now: datetime) -> dict[str, PriorityScore]:
    """The priority of every chat of one creator at `now`, by chat id: the `fan_priority` of each.

    `fans` are rows of FANS. They are computed together: there are many.
    """
    since = fans.numbers("waitingSince")
    waiting = np.zeros(len(fans))
    waits = since > 0
    waiting[waits] = [waiting_part(seconds) for seconds in (now.timestamp() - since[waits]).tolist()]
    felt = fans.numbers("recentSentiment")
    parts = {
        "unread": 30 * np.minimum(1.0, fans.numbers("unread") / 5),
        "waiting": waiting,
        "sentiment": np.where(felt >= 0, 20 * np.maximum(0.0, (0.5 - felt) / 0.5), 0.0),
        "spend": 15 * spend_ranks(fans.numbers("spend")),
    }
    score = sum(parts.values(), np.zeros(len(fans)))
    reasons = [reason or None for reason in fans.coded("notWaiting").strings()]
    scores = map(PriorityScore, score.tolist(), *(part.tolist() for part in parts.values()), reasons)
    return dict(zip(fans.coded("chatId").strings(), scores, strict=True))


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


def unread_counts(fans: Table) -> dict[str, int]:
    """Unread messages of every chat of one creator, by chat id; `fans` are rows of FANS."""
    return dict(zip(fans.coded("chatId").strings(), fans.numbers("unread").tolist(), strict=True))
