"""Whether a topic is new or fading, by its conversations in two windows. Pure; defined in docs/metrics.md."""

from typing import Final

from insights.rates import SIGNIFICANT, Share, p_value
from wire.payloads import TopicMark

LEAST_DISCUSSED: Final = 30  # discussions of topics in each window: of fewer nothing is said
_FADED = 0.5  # of its share in the preceding window, at most


def topic_mark(now: Share, before: Share, topics: int) -> TopicMark | None:
    """The mark of a topic that has `hits` of the `n` discussions of all topics in each of two windows.

    `topics` is how many were looked at: by chance one in twenty such questions gives a mark, not one topic.
    """
    if min(now.n, before.n) < LEAST_DISCUSSED or not now.hits:
        return None
    has_faded = now.hits * before.n <= _FADED * before.hits * now.n
    if (before.hits and not has_faded) or p_value(now, before) * topics > SIGNIFICANT:
        return None
    return "fading" if before.hits else "new"
