"""Has creators' topics fitted anew when that is due, beside the user's work and never in its way."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from actors.cache import Cache
from enrich.refit import Fitted, Watch
from enrich.tasks import Enricher, WholeChat
from errors import StaleOwner
from wire.payloads import ExtendedConversationNode

log = logging.getLogger(__name__)

BUSY_PAUSE = 0.5  # seconds


class Refits:
    """One user's. `busy(creator_id)` tells whether all of a creator is in hand; `redo(creator_id)` has the
    graph and the pages brought up to date with the cache; `at_rest` is held while chats are changed.

    `fits` says by which fit a creator's conversations have their topics (0: the taxonomy alone). When another
    one is stored, fitted by another user of the creator or just before a crash, its topics are assigned.
    """

    def __init__(
        self,
        user_id: str,
        cache: Cache,
        enricher: Enricher,
        at_rest: asyncio.Lock,
        *,
        busy: Callable[[str], bool],
        redo: Callable[[str], None],
    ) -> None:
        self._user_id = user_id
        self._cache = cache
        self._enricher = enricher
        self._at_rest = at_rest
        self._busy = busy
        self._redo = redo
        self.fits: dict[str, int] = {}
        self._watches: dict[str, Watch] = defaultdict(Watch)
        self._known: dict[str, Fitted | None] = {}
        self._waiting: dict[str, None] = {}
        self._asked = asyncio.Event()
        self.working = False

    def enriched(self, creator_id: str, nodes: Iterable[ExtendedConversationNode]) -> None:
        """Take note of what was enriched; a refit that is due then begins soon."""
        watch = self._watches[creator_id]
        for node in nodes:
            watch.record(node)
        if watch.due(self._known.get(creator_id), self._cache.size(creator_id)):
            self._ask(creator_id)

    async def run(self) -> None:
        """Look at every creator once, then whenever a refit seems due. One at a time; never ends."""
        for creator_id in self._cache.creators():
            self._ask(creator_id)
        while True:
            await self._asked.wait()
            self._asked.clear()
            while self._waiting:
                creator_id = next(iter(self._waiting))
                try:
                    await self._look(creator_id)
                except StaleOwner:
                    raise
                except Exception as error:  # the topics stay as they are, and are fitted when due again
                    log.warning(
                        "User %s: the topics of creator %s were not fitted anew (%s).",
                        self._user_id,
                        creator_id,
                        type(error).__name__,
                    )
                del self._waiting[creator_id]

    def _ask(self, creator_id: str) -> None:
        self._waiting[creator_id] = None
        self._asked.set()

    async def _look(self, creator_id: str) -> None:
        while self._busy(creator_id):  # noqa: ASYNC110 (many things end it)
            await asyncio.sleep(BUSY_PAUSE)
        fitted = self._known[creator_id] = await self._enricher.fitted(creator_id)
        reason = self._watches[creator_id].due(fitted, self._cache.size(creator_id))
        stored = fitted.version if fitted else 0
        if reason is None and stored == self.fits.get(creator_id, 0):
            return
        del self._watches[creator_id]
        self.working = True
        try:
            await self._refit(creator_id, reason or f"there is fit {stored}", again=reason is not None)
        finally:
            self.working = False

    async def _refit(self, creator_id: str, reason: str, *, again: bool) -> None:
        who = f"User {self._user_id}: topics of creator {creator_id}"
        log.info("%s are fitted or assigned anew (%s).", who, reason)
        seen: dict[str, int] = {}

        def chats() -> Iterator[WholeChat]:
            for cached in self._cache.of(creator_id):
                seen.update({each.id: hash(each) for each in cached.conversations})
                yield cached.conversations, cached.chat

        version, parts = await self._enricher.refit(creator_id, chats(), again=again)
        changed = 0
        async for nodes in parts:
            async with self._at_rest:
                changed += sum(self._cache.revise(node, seen[node.conversationId]) for node in nodes)
        self._known[creator_id] = await self._enricher.fitted(creator_id)
        self.fits[creator_id] = version
        log.info("%s: fit %d; %d conversations changed.", who, version, changed)
        if changed:
            self._redo(creator_id)
