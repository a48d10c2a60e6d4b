"""Answers what topics an account has, which belong together, and which messages are typical of one."""

import asyncio

from enrich.topics.outline import OutlinedTopic
from errors import NotFound, Unavailable
from history.history import History
from session.found import masked_text, one_of, placed
from session.indexes import Indexes
from session.understanding import Enriches
from wire.found import TypicalMessage, TypicalMessages
from wire.masking import Pseudonym
from wire.topics import KnownTopic, KnownTopics, TopicGroup

FEW = 20  # topics, which are shown without groups
NAMING = 2  # topics of a group that it is called by
TOLD_WITHIN = 10.0  # seconds that a worker has to read the topics


class Topics:
    """One user's, as people have corrected them."""

    def __init__(self, history: History, enricher: Enriches, indexes: Indexes) -> None:
        self._history = history
        self._enricher = enricher
        self._indexes = indexes

    async def known(self, creator_id: str | None) -> KnownTopics:
        """All that an account can have. InvalidInput, NotFound: see `one_of`; Unavailable."""
        creator = one_of(self._history, creator_id)
        outline = await self._outline(creator)
        corrections = self._history.corrections(creator)
        topics = [each for each in outline if corrections.topic(each.id) == each.id]
        names = {each.id: corrections.name_of(each.id, each.label) for each in topics}
        groups: dict[str, list[str]] = {}
        for each in topics if len(topics) > FEW else ():
            groups.setdefault(each.group, []).append(names[each.id])
        labels = {id: ", ".join(own[:NAMING]) for id, own in groups.items() if len(own) > 1}
        return KnownTopics(
            topics=[
                KnownTopic(
                    id=each.id,
                    topic=names[each.id],
                    category=each.category,
                    keywords=list(each.keywords),
                    group=each.group if each.group in labels else None,
                )
                for each in topics
            ],
            groups=[TopicGroup(id=id, label=label) for id, label in labels.items()],
        )

    async def typical(
        self,
        creator_id: str | None,
        topic_id: str,
        span: tuple[float, float],
        limit: int,
        pseudonym: Pseudonym | None,
    ) -> TypicalMessages:
        """Messages of a time that are typical of a topic, or of what it was merged into.

        With a `pseudonym` as `wire.masking` shows them. InvalidInput, NotFound, Unavailable.
        """
        creator = one_of(self._history, creator_id)
        id = self._history.corrections(creator).topic(topic_id)
        topic = next((each for each in await self._outline(creator) if each.id == id), None)
        if topic is None:
            raise NotFound("The account has no topic of that id, or it is hidden.")
        found = await self._indexes.typical(creator, topic.id, topic.centroid, *span, limit)
        shown = [TypicalMessage(**placed(creator, row), similarity=near) for row, near in found]
        if pseudonym is not None:
            texts = [masked_text(self._history, creator, row, pseudonym) for row, _ in found]
            shown = [e.model_copy(update={"text": text}) for e, text in zip(shown, texts, strict=True)]
        return TypicalMessages(messages=shown, waiting=self._indexes.waiting(creator))

    async def _outline(self, creator_id: str) -> tuple[OutlinedTopic, ...]:
        try:
            async with asyncio.timeout(TOLD_WITHIN):
                return await self._enricher.topics(creator_id)
        except Exception as error:  # whatever a worker dies of
            name = type(error).__name__
            raise Unavailable(f"The account's topics cannot be read ({name}); try again.") from None
