"""How a job is understood: what is enriched together, where topics are found anew, and how far it is."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

from chats.chat import Chat
from chats.conversation import Conversation
from enrich.progress import Progress
from enrich.reading import Reading
from enrich.topics.refit import Fitted
from wire.payloads import ExtendedConversationNode

log = logging.getLogger(__name__)

ALONE_AFTER = 2  # failures in a row: then conversations are enriched one by one

Known = Mapping[str, Reading]  # by message id
WholeChat = tuple[Sequence[Conversation], Chat, Known]  # all its conversations
Nodes = list[ExtendedConversationNode]
Tell = Callable[[Progress], Awaitable[None]]


class Enriches(Protocol):
    """Enriches one user's conversations; see `enrich.tasks.Enricher`."""

    def snapshot(
        self, creator_id: str, chats: Iterable[WholeChat], messages: int, on_progress: Tell
    ) -> AsyncIterator[tuple[Nodes, int]]: ...

    def delta(
        self,
        creator_id: str,
        chats: Iterable[WholeChat],
        changed: frozenset[str],
        messages: int,
        on_progress: Tell,
        *,
        alone: bool,
    ) -> AsyncIterator[Nodes]: ...

    async def refit(
        self, creator_id: str, chats: Iterable[WholeChat], *, again: bool
    ) -> tuple[int, AsyncIterator[Nodes]]: ...

    async def fitted(self, creator_id: str) -> Fitted | None: ...
