"""When a creator's topics are to be fitted again. Pure, and light: a user actor keeps one `Watch` a creator.

A refit is due when there is much more to fit on ("new"), or when what is said lately fits no topic more often
than what the model was fitted on ("drift"). Nothing is due before a fresh watch has seen some conversations,
so a refit that failed or found nothing is not tried again at once.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from chats.enriched import EnrichedConversation

Reason = Literal["new", "drift"]

_RECENT = 60  # conversations in which the fan speaks; drift is looked for in so many
_FEWEST = 20  # such conversations a watch has seen before anything is due
_SMALLEST = 200  # messages below which there is nothing to discover
_GROWTH = 1.5  # of the messages since the fit: all refits together cost three times the last one
# On the samples (seeds 3, 5) 60 conversations in a row never had more messages without a topic than the
# fit of all said (-.11 to .00). With real chats about anything in place of half of them it was .07 to .29
# more, .15 in the middle; in place of all, .55.
_DRIFT = 0.1
_DRIFT_GROWTH = 1.1  # what no fit can place would drift for ever: it must wait until there is more


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is known of a fit without its topics. `messages` are all of its conversations'.

    `unplaced` is the share of those with text whose window has no topic, 0..1; None when there are none.
    """

    version: int
    messages: int
    unplaced: float | None


class Watch:
    """What was enriched since the last fit; begin a new one with each refit, whether it succeeds or not."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[int, int]] = OrderedDict()  # id -> messages, those without a topic

    def record(self, enriched: EnrichedConversation) -> None:
        """Take note of an enriched conversation; one that was seen before counts as it is now."""
        if not enriched.sentiment_count:  # the fan says nothing: no topic is looked for in it
            return
        # A message without a sentiment has no text, or none that the model reads.
        read = [each for each in enriched.messages.values() if each.sentiment is not None]
        self._seen[enriched.id] = len(read), sum(not each.topics for each in read)
        self._seen.move_to_end(enriched.id)
        if len(self._seen) > _RECENT:
            self._seen.popitem(last=False)

    def due(self, fitted: Fitted | None, messages: int) -> Reason | None:
        """Why a refit is due, if it is. `messages` is how many the creator has now.

        `fitted` is None where no model is stored.
        """
        if messages < _SMALLEST or len(self._seen) < _FEWEST:
            return None
        if fitted is None or messages >= _GROWTH * fitted.messages:
            return "new"
        if messages < _DRIFT_GROWTH * fitted.messages or len(self._seen) < _RECENT:
            return None
        return "drift" if self._unplaced() > (fitted.unplaced or 0.0) + _DRIFT else None

    def _unplaced(self) -> float:
        """The share of the conversations' messages that have no topic, 0..1."""
        read = sum(count for count, _ in self._seen.values())
        return sum(without for _, without in self._seen.values()) / read if read else 0.0
