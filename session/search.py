"""Answers searches over one user's messages."""

import asyncio
import logging

import orjson

from errors import InvalidInput, NotFound, Unavailable
from history.history import History
from metrics.declared import SEARCH_SECONDS
from metrics.port import Metrics
from search.embedded import digest_of
from search.index import Hit, highlights
from search.question import Question, readable
from session.clock import Clock
from session.indexes import Embeds, Indexes
from wire.enriched import instant
from wire.found import By, FoundMessage, SearchAnswer
from wire.masking import Pseudonym, masked_message
from wire.payloads import TopicRef

log = logging.getLogger(__name__)

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
        creator = self._one_of(creator_id)
        vector = await self._vector_of(question)
        found = await self._indexes.find(creator, question, vector)
        by: list[By] = [] if question.mode == "meaning" else ["words"]
        by += ["meaning"] if vector else []
        answer = SearchAnswer(
            messages=self._shown(creator, question, found.hits, pseudonym),
            next=found.next,
            by=by,
            waiting=self._indexes.waiting(creator),
            without_meaning=found.without_vector,
        )
        self._metrics.observe(SEARCH_SECONDS, self._clock.monotonic() - began, question.mode)
        return answer

    def _one_of(self, creator_id: str | None) -> str:
        creators = self._history.creators()
        if creator_id is None and len(creators) == 1:
            return creators[0]
        if creator_id is None and creators:
            raise InvalidInput(
                "This user has several creators: say with creator_id in whose messages to search.",
                detail=[{"field": "creator_id", "reason": "missing"}],
            )
        if creator_id not in creators:
            raise NotFound("This user has no chats of that creator.")
        return str(creator_id)

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

    def _shown(
        self, creator_id: str, question: Question, hits: list[Hit], pseudonym: Pseudonym | None
    ) -> list[FoundMessage]:
        found = [_shown(creator_id, hit) for hit in hits]
        if pseudonym is None:
            return found
        masked = [
            each.model_copy(update={"text": self._masked(creator_id, each, pseudonym)}) for each in found
        ]
        spans = highlights([each.text or "" for each in masked], question.words)
        # Who reads under pseudonyms could find out a name by searching for it.
        return [
            each.model_copy(update={"highlights": own})
            for each, own in zip(masked, spans, strict=True)
            if len(own) == len(each.highlights)
        ]

    def _masked(self, creator_id: str, found: FoundMessage, pseudonym: Pseudonym) -> str | None:
        cached = self._history.look(creator_id, found.chatId)
        message = cached.message(found.messageId) if cached else None
        if cached is None or message is None:  # it went just now
            return None
        text: str | None = masked_message(message, cached, pseudonym)["text"]
        return text


def _shown(creator_id: str, hit: Hit) -> FoundMessage:
    row = hit.row
    return FoundMessage.model_validate(
        {
            "chatId": row.chat,
            "messageId": row.message,
            "conversationId": row.conversation,
            "fanId": row.fan,
            "creatorId": creator_id,
            "createdAt": instant(row.at),
            "direction": row.direction,
            "kind": row.kind,
            "text": row.text,
            "highlights": hit.highlights,
            "sentiment": row.mood,
            "topics": [TopicRef(id=id, topic=label) for id, label in orjson.loads(row.topics)],
            "actions": orjson.loads(row.actions),
            "score": hit.score,
            "has_words": hit.has_words,
            "similarity": hit.similarity,
        }
    )
