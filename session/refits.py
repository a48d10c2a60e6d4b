"""Has creators' topics fitted anew when that is due, beside the user's work.

What is said meanwhile is taken, enriched and shown as ever. Conversations whose topics have changed are
written to the graph, and pages get a full sync, as after a snapshot.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import accumulate, groupby

from chats.enriched import EnrichedConversation
from enrich.progress import Progress
from enrich.tasks import Wanted
from enrich.topics.refit import Fitted, Watch
from errors import StaleOwner
from history.history import History, mark
from session.understanding import Enriches
from steps import Breaks

log = logging.getLogger(__name__)

BUSY_PAUSE = 0.5  # seconds
TOGETHER = 200  # messages, or more, of conversations that are given other topics in one step
RETRY_GROWTH = 1.1  # of a creator's messages, before a fit that failed is tried again


class Refits:
    """One user's. `busy(creator_id)` tells whether all of a creator is in hand or waits to be;
    `redo(creator_id)` has the pages brought up to date with the history; `at_rest` is held while
    a chat is changed; `keep(nodes)` keeps what changed, and `fits`, where the next owner finds them;
    `replaced(creator_id)` is called when no conversation has topics any more that were lost.

    `fits` says by which fit a creator's conversations have their topics (0: the taxonomy alone). When another
    one is stored, as just before a crash, its topics are assigned.
    `unfinished` are creators of whom a part has its new topics, and pages do not know it yet.
    """

    def __init__(
        self,
        user_id: str,
        history: History,
        enricher: Enriches,
        at_rest: asyncio.Lock,
        *,
        busy: Callable[[str], bool],
        redo: Callable[[str], None],
        keep: Callable[[Sequence[EnrichedConversation]], Awaitable[None]],
        replaced: Callable[[str], None],
    ) -> None:
        self._user_id = user_id
        self._history = history
        self._enricher = enricher
        self._at_rest = at_rest
        self._busy = busy
        self._redo = redo
        self._keep = keep
        self._replaced = replaced
        self.fits: dict[str, int] = {}
        self.unfinished: set[str] = set()
        self._snapshots: dict[str, int] = defaultdict(int)  # how many were assigned topics meanwhile
        self._tried: dict[str, int] = {}  # messages there were when a fit was begun that was not stored
        self._watches: dict[str, Watch] = defaultdict(Watch)
        self._known: dict[str, Fitted | None] = {}
        self._waiting: dict[str, None] = {}
        self._asked = asyncio.Event()
        self._lost: set[str] = set()  # creators whose topics are to be found anew
        self.working = False

    def enriched(self, creator_id: str, nodes: Iterable[EnrichedConversation]) -> None:
        """Take note of what was enriched; a refit that is due then begins soon."""
        watch = self._watches[creator_id]
        for node in nodes:
            watch.record(node)
        if watch.due(self._known.get(creator_id), self._history.size(creator_id)):
            self._ask(creator_id)

    def anew(self, creator_id: str) -> None:
        """Have topics found anew in what is there now: those that were found before are gone."""
        self._lost.add(creator_id)
        self._ask(creator_id)

    def assigned(self, creator_id: str, fit: int) -> None:
        """All of a creator's conversations were enriched with the topics of this fit."""
        self.fits[creator_id] = fit
        self._snapshots[creator_id] += 1

    async def run(self) -> None:
        """Look at every creator once, then whenever a refit seems due. One at a time; never ends."""
        for creator_id in self._history.creators():
            self._ask(creator_id)
        while True:
            await self._asked.wait()
            self._asked.clear()
            while self._waiting:
                creator_id = next(iter(self._waiting))
                del self._waiting[creator_id]
                self.working = True
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
                finally:
                    self.working = False

    def _ask(self, creator_id: str) -> None:
        self._waiting[creator_id] = None
        self._asked.set()

    async def _look(self, creator_id: str) -> None:
        while self._busy(creator_id):  # noqa: ASYNC110 (many things end it)
            await asyncio.sleep(BUSY_PAUSE)
        fitted = self._known[creator_id] = await self._enricher.fitted(creator_id)
        size = self._history.size(creator_id)
        reason: str | None = self._watches[creator_id].due(fitted, size)
        if size < RETRY_GROWTH * self._tried.get(creator_id, 0):
            reason = None
        is_lost = creator_id in self._lost
        if is_lost:
            self._lost.discard(creator_id)
            reason = "those that were found are gone with what was erased"
        stored = fitted.version if fitted else 0
        if reason is None and stored == self.fits.get(creator_id, 0):
            return
        del self._watches[creator_id]
        if reason is not None:
            self._tried[creator_id] = size
        try:
            await self._refit(creator_id, reason or f"there is fit {stored}", again=reason is not None)
        finally:
            if creator_id in self.unfinished:
                self._redo(creator_id)
                self.unfinished.discard(creator_id)
        if is_lost:
            self._replaced(creator_id)
        if self.fits.get(creator_id, 0) != stored:
            self._tried.pop(creator_id, None)

    async def _refit(self, creator_id: str, reason: str, *, again: bool) -> None:
        who = f"User {self._user_id}: topics of creator {creator_id}"
        log.info("%s are fitted or assigned anew (%s).", who, reason)
        snapshots = self._snapshots[creator_id]
        seen: dict[str, int] = {}

        def conversations() -> Iterator[Wanted]:
            for cached in self._history.of(creator_id):
                for conversation, context, read in cached.all_surrounded():
                    seen[conversation.id] = mark(conversation, context)
                    yield conversation, context, read

        size = self._history.size(creator_id)
        version, parts = await self._enricher.whole(
            creator_id, conversations(), size, _untold, refit=again, aside=True
        )
        changed = 0
        breaks = Breaks()
        async for nodes in parts:
            counted = zip(accumulate(map(_size, nodes)), nodes, strict=True)
            for (chat_id, _), own in groupby(counted, key=_together):
                async with self._at_rest:
                    found = (node for _, node in own)
                    if revised := self._history.revise(creator_id, chat_id, found, seen):
                        changed += len(revised)
                        self.unfinished.add(creator_id)
                        await self._keep(revised)
                await breaks.take()
        self._known[creator_id] = await self._enricher.fitted(creator_id)
        if self._snapshots[creator_id] == snapshots:
            self.fits[creator_id] = version
            await self._keep(())
        else:  # it may have been enriched with the fit before
            self._ask(creator_id)
        log.info("%s: fit %d; %d conversations changed.", who, version, changed)


def _together(counted: tuple[int, EnrichedConversation]) -> tuple[str, int]:
    """What is the same of conversations that are looked at in one step."""
    messages, node = counted
    return node.chat_id, messages // TOGETHER


def _size(node: EnrichedConversation) -> int:
    return len(node.messages)


async def _untold(_: Progress) -> None:
    """Nobody waits for a refit."""
