"""Answers searches over one user's messages."""

import asyncio
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from errors import Unavailable
from history.history import History
from metrics.declared import SEARCH_SECONDS
from metrics.port import Metrics
from search.embedded import digest_of
from search.index import MOST, Found, Hit, highlights
from search.question import Place, Question, place_of, readable, score_of
from session.clock import Clock
from session.found import masked_text, one_of, placed
from session.indexes import Embeds, Indexes
from wire.found import By, FoundMessage, SearchAnswer
from wire.masking import Pseudonym

log = logging.getLogger(__name__)

_BRACKETS = re.compile(r"\[\w+\]")
EMBEDDED_WITHIN = 3.0  # seconds that a search waits for the vector of what it asks


class Search:
    """One user's, in the indexes of the user's accounts."""

    def __init__(
        self,
        user_id: str,
        history: History,
        embedder: Embeds,
        indexes: Indexes,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._user_id = user_id
        self._history = history
        self._embedder = embedder
        self._indexes = indexes
        self._clock = clock
        self._metrics = metrics

    async def find(
        self, creator_id: str | None, question: Question, pseudonym: Pseudonym | None = None
    ) -> SearchAnswer:
        """A page of what is found in an account, with a `pseudonym` as `wire.masking` shows it.

        InvalidInput when the cursor is not of this question, or the user has several creators and none is
        named; NotFound when it has not that one; Unavailable when it is asked by meaning alone and the model
        does not answer.
        """
        began = self._clock.monotonic()
        creator = one_of(self._history, creator_id)
        vector = await self._vector_of(question)
        # Under a pseudonym a page is made of what is left of all that was found.
        asked = question if pseudonym is None else replace(question, limit=2 * MOST)
        found = await self._indexes.find(creator, asked, vector)
        shown, following = self._page(creator, question, found, pseudonym)
        by: list[By] = [] if question.mode == "meaning" else ["words"]
        by += ["meaning"] if vector else []
        answer = SearchAnswer(
            messages=shown,
            next=following,
            by=by,
            waiting=self._indexes.waiting(creator),
            without_meaning=found.without_vector,
        )
        self._metrics.observe(SEARCH_SECONDS, self._clock.monotonic() - began, question.mode)
        return answer

    async def _vector_of(self, question: Question) -> bytes | None:
        """The vector of what is asked; None: it is searched by words alone."""
        if question.mode == "words":
            return None
        text = readable(question.text)
        try:
            async with asyncio.timeout(EMBEDDED_WITHIN):
                return (await self._embedder.embed([text])).vectors[digest_of(text)]
        except Exception as error:  # whatever a worker dies of
            name = type(error).__name__
            if question.mode == "meaning":
                raise Unavailable(
                    f"The sentence model does not answer ({name}); try again, or search with mode=words."
                ) from None
            log.warning("User %s: searched by words alone (%s).", self._user_id, name)
            return None

    def _page(
        self, creator_id: str, question: Question, found: Found, pseudonym: Pseudonym | None
    ) -> tuple[list[FoundMessage], str | None]:
        """What a page shows, and its `next`.

        Who reads under pseudonyms could find out a name by searching for it. So what has its words only in
        what is masked leaves no trace: not in how full a page is, in its `next`, nor in a score or place.
        """
        if pseudonym is None:
            return [_shown(creator_id, hit) for hit in found.hits], found.next
        before = place_of(question)
        passed = before.at if before else 0
        left = islice(self._left(creator_id, question, found.hits, pseudonym), question.limit + 1)
        places: list[Place] = []
        shown: list[FoundMessage] = []
        for rank, (place, message) in enumerate(left, start=passed + 1):
            places.append(place._replace(at=rank))
            shown.append(message.model_copy(update={"score": score_of(rank)}))
        is_last = len(shown) <= question.limit
        following = None if is_last else places[question.limit - 1].text(question)
        return shown[: question.limit], following

    def _left(
        self, creator_id: str, question: Question, hits: list[Hit], pseudonym: Pseudonym
    ) -> Iterator[tuple[Place, FoundMessage]]:
        """The hits, masked, that have in their masked text every word that they have in their own."""
        for start in range(0, len(hits), question.limit):  # seldom more than one part is looked at
            part = hits[start : start + question.limit]
            texts = [masked_text(self._history, creator_id, hit.row, pseudonym) for hit in part]
            # What stands for what is masked, `[name]`, is no word of the message.
            words = [_BRACKETS.sub(lambda found: " " * len(found[0]), text or "") for text in texts]
            spans = highlights(words, question.words)
            for hit, text, own in zip(part, texts, spans, strict=True):
                if len(own) == len(hit.highlights):
                    update = {"text": text, "highlights": own}
                    yield hit.place, _shown(creator_id, hit).model_copy(update=update)


def _shown(creator_id: str, hit: Hit) -> FoundMessage:
    return FoundMessage(
        **placed(creator_id, hit.row),
        highlights=hit.highlights,
        score=hit.score,
        has_words=hit.has_words,
        similarity=hit.similarity,
    )
