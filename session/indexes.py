"""Keeps the search index of each account in step with its history.

The history says what changed; the index is written beside it, in a thread, a few messages at a time. A
message is in it as soon as it is in the history. Its vector comes from enrichment, which makes one of every
text; those that did not come, as after a crash, are asked for when the user has no other work.

What a file has of chats that were changed while nobody followed is told by their stamps, digests of the chats
at rest: those that differ are compared message by message when the owner begins.
"""

import asyncio
import logging
import shutil
import sqlite3
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from backoff import Backoff
from chats.conversation import Conversation
from chats.enriched import MessageEnrichment
from errors import AnalyticsError, StaleOwner, Unavailable
from history.chat import CachedChat
from history.history import Change, History, Key
from history.packing import Packed
from search.embedded import Embedded, digest_of
from search.index import BESIDE, Found, Index, Row, Update, is_away, to_json
from search.question import Question, readable
from session.clock import Clock
from steps import Breaks
from wire.view import message_kind

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

TOGETHER = 500  # messages that are written in one transaction
EMBEDDED_TOGETHER = 256  # texts
MOST_VECTORS = 20_000  # that wait for their messages: 8 MB
SETTLED_WITHIN = 0.1  # seconds that a search waits for what came just before it
BUSY_PAUSE = 0.5  # seconds
RETRY_FIRST, RETRY_MOST = 0.5, 60.0
EVERY = 20  # chats that are looked at between two looks at the event loop


class Embeds(Protocol):
    """Makes vectors of texts; see `enrich.tasks.Enricher`."""

    async def embed(self, texts: list[str]) -> Embedded: ...

    def on_embedded(self, tell: Callable[[Embedded], None]) -> None: ...


class _WordsAlone:
    """Makes no vectors."""

    async def embed(self, texts: list[str]) -> Embedded:
        return Embedded("", {})

    def on_embedded(self, tell: Callable[[Embedded], None]) -> None:
        pass


WORDS_ALONE = _WordsAlone()


class Indexes:
    """One user's. `folder` is where the files are; None: they are gone with the process.

    `in_memory` they are in no file, and those that are there from before are removed.
    `busy` tells whether the user has other work that vectors are needed for.
    """

    def __init__(
        self,
        user_id: str,
        history: History,
        embedder: Embeds,
        folder: Path | None,
        clock: Clock,
        busy: Callable[[], bool],
        *,
        in_memory: bool = False,
    ) -> None:
        self._user_id = user_id
        self._history = history
        self._embedder = embedder
        self._folder = None if in_memory else folder
        self._left = folder if in_memory else None
        self._in_memory = in_memory
        self._clock = clock
        self._busy = busy
        self._epoch = 0
        self._indexes: dict[str, Index] = {}  # by creator
        self._dirty: dict[Key, dict[str, None]] = {}  # by chat: ids of conversations that may be others
        self._taken: dict[Key, dict[str, None]] = {}  # of these, what is being written
        self._vectors: OrderedDict[bytes, bytes] = OrderedDict()  # that wait for their messages
        self._model = ""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="search")  # uses an index, one call at a time
        self._asked, self._lacks = asyncio.Event(), asyncio.Event()
        self._settled = asyncio.Condition()
        self._is_compared = self._is_damaged = False
        self._passes = 0  # how often all that was known to be other was written
        self._tasks: list[asyncio.Task[None]] = []
        embedder.on_embedded(self._take)

    def begin(self, epoch: int) -> None:
        """Go on as this owner: its history is read, and `follow` tells what changes from now on."""
        self._epoch = epoch
        if self._left is not None and self._left.exists():
            shutil.rmtree(self._left)

    def follow(self, changes: Mapping[Key, Change]) -> None:
        """Take note of what changed."""
        for key, change in changes.items():
            self._mark(key, (*change.stale, *change.written, *change.gone))

    @property
    def idle(self) -> bool:
        """Whether the indexes have the words of everything."""
        return self._is_compared and not self._dirty and not self._taken

    async def run(self) -> None:
        """Keep the indexes in step until `close`. Raises StaleOwner when another owner has a file."""
        async with asyncio.TaskGroup() as group:
            following = self._follow_words(), self._follow_vectors()
            self._tasks = [group.create_task(each) for each in following]

    async def find(self, creator_id: str, question: Question, vector: bytes | None) -> Found:
        """A page of what is found in an account; see `search.index.Index.find`.

        What came just before is waited for, a moment. InvalidInput; Unavailable when the file is damaged.
        """
        return await self._asked_of(creator_id, Index.find, question, vector)

    async def typical(
        self, creator_id: str, topic: str, vector: bytes, start: float, end: float, limit: int
    ) -> list[tuple[Row, float]]:
        """An account's typical messages about a topic; see `search.index.Index.typical`. As `find` else."""
        return await self._asked_of(creator_id, Index.typical, topic, vector, start, end, limit)

    def waiting(self, creator_id: str) -> int:
        """How many chats of an account may have changes that are not in its index."""
        chats = {key for key in (*self._dirty, *self._taken) if key[0] == creator_id}
        return len(chats) + (not self._is_compared)

    async def purge(self) -> None:
        """Return when the files have nothing that the history has not."""
        passes = self._passes
        async with self._settled:
            await self._settled.wait_for(lambda: self.idle or self._passes > passes)
        self._vectors.clear()
        try:
            for creator_id, index in list(self._indexes.items()):
                if creator_id in self._history.creators():
                    await self._do(index.forget)
                else:
                    del self._indexes[creator_id]
                    await self._do(index.drop)
            await self._do(self._remove_others)
        except (sqlite3.Error, OSError) as error:
            self._doubt(error)
            raise Unavailable("The search index could not be written anew.") from error

    async def close(self) -> None:
        """Have the files say how the chats are that are in them, for the next owner. Nothing follows."""
        is_settled = self.idle
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if is_settled:
            try:
                await self._stamp()
            except (sqlite3.Error, OSError, StaleOwner) as error:
                log.warning("User %s: chats are compared anew (%s).", self._user_id, type(error).__name__)
        for index in self._indexes.values():
            await self._do(index.close)

    # Inside

    async def _asked_of(
        self, creator_id: str, ask: Callable[Concatenate[Index, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What an account's index answers, when what came just before is in it, or a moment has passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLED_WITHIN), self._settled:
                await self._settled.wait_for(lambda: self.idle)
        try:
            index = await self._index(creator_id)
            return await self._do(ask, index, *args, **kwargs)
        except (sqlite3.Error, OSError) as error:
            self._doubt(error)
            raise Unavailable(
                f"The search index cannot be read ({type(error).__name__}); it is looked after, try again."
            ) from error

    async def _follow_words(self) -> None:
        await self._again(self._compare)
        self._is_compared = True
        while True:
            if self._is_damaged:
                await self._start_anew()
            await self._again(self._catch_up)
            self._passes += 1
            async with self._settled:
                self._settled.notify_all()
            self._lacks.set()
            if not self._busy():  # what was understood has come
                self._vectors.clear()
            await self._asked.wait()
            self._asked.clear()

    async def _follow_vectors(self) -> None:
        while True:
            await self._lacks.wait()
            self._lacks.clear()
            await self._again(self._embed_rest)

    def _doubt(self, error: Exception) -> None:
        """Have a file looked after that could not be used."""
        self._is_damaged = self._is_damaged or _says_damage(error)
        self._asked.set()

    def _mark(self, key: Key, ids: Iterable[str]) -> None:
        self._dirty.setdefault(key, {}).update(dict.fromkeys(ids))
        self._asked.set()

    def _take(self, embedded: Embedded) -> None:
        """Keep vectors of texts until the messages come that have them."""
        if not embedded.vectors:
            return
        self._model = embedded.model
        self._vectors.update(embedded.vectors)
        while len(self._vectors) > MOST_VECTORS:
            self._vectors.popitem(last=False)

    async def _again(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it until it succeeds: what is damaged is made anew, what is away is tried later."""
        backoff = Backoff(RETRY_FIRST, RETRY_MOST, sleep=self._clock.sleep)
        while True:
            try:
                return await work()
            except StaleOwner:
                raise
            except (AnalyticsError, OSError, sqlite3.Error) as error:
                name, is_damaged = type(error).__name__, _says_damage(error)
                how = "is made anew" if is_damaged else "follows later"
                log.warning("User %s: a search index %s (%s).", self._user_id, how, name)
                if is_damaged:
                    await self._start_anew()
            await backoff.pause()

    async def _start_anew(self) -> None:
        self._is_damaged = False
        while self._indexes:
            _, index = self._indexes.popitem()
            await self._do(index.drop)
        for key in self._history.keys(None):
            self._mark_all(key, ())
            await asyncio.sleep(0)

    def _mark_all(self, key: Key, known: Iterable[str]) -> None:
        """Have all of a chat compared, and what the index knows of it."""
        cached = self._history.look(*key)
        now = [each.id for each in cached.conversations] if cached else []
        self._mark(key, [*now, *known])

    async def _compare(self) -> None:
        """Mark the chats that are not as the files have them, and drop files of others."""
        for creator_id in self._history.creators():
            index = await self._index(creator_id)
            stamps = await self._do(index.stamps)
            for number, key in enumerate(self._history.keys(creator_id)):
                packed = self._history.at_rest(key)
                is_known, stamp = key[1] in stamps, stamps.pop(key[1], None)
                if packed is None or stamp != self._stamp_of(key, packed):
                    self._mark_all(key, await self._do(index.conversations, key[1]) if is_known else ())
                    await asyncio.sleep(0)
                if number % EVERY == 0:
                    await asyncio.sleep(0)
            for chat_id in stamps:  # of chats that are no more
                self._mark((creator_id, chat_id), await self._do(index.conversations, chat_id))
        await self._do(self._remove_others)

    async def _catch_up(self) -> None:
        wrote = 0
        breaks = Breaks()
        while self._dirty:
            creator_id = next(iter(self._dirty))[0]
            taken = self._taken
            updates: list[Update] = []
            rows = 0
            for key in [key for key in self._dirty if key[0] == creator_id][:TOGETHER]:
                taken[key] = self._dirty.pop(key)
                update = await self._update(key, taken[key], TOGETHER - rows, breaks)
                updates.append(update)
                rows += len(update.rows)
                told = update.conversations
                if told is not None and len(told) < len(taken[key]):
                    self._mark(key, list(taken[key])[len(told) :])
                if rows >= TOGETHER:
                    break
            try:
                index = await self._index(creator_id)
                if self._model:
                    await self._do(index.embedded_by, self._model)
                await self._do(index.put, updates, self._vectors)
            except BaseException:
                for key, ids in taken.items():
                    self._mark(key, ids)
                raise
            finally:
                self._taken = {}
            wrote += rows
        if wrote >= TOGETHER:  # it would take long to find out again
            await self._stamp()

    async def _update(self, key: Key, ids: Iterable[str], most: int, breaks: Breaks) -> Update:
        """What these conversations have now: the first of them that make about `most` messages."""
        cached = self._history.look(*key)
        if cached is None:
            return Update(key[1], None)
        rows: dict[str, Row] = {}  # by message: conversations may become one meanwhile
        told: list[str] = []
        for id in ids:
            if told and len(rows) >= most:
                break
            told.append(id)
            if (conversation := cached.conversation(id)) is not None:
                rows.update((row.message, row) for row in rows_of(cached, conversation))
            await breaks.take()
        return Update(key[1], told, list(rows.values()))

    async def _embed_rest(self) -> None:
        """Ask for the vectors that did not come, when nothing else is to be done."""
        for creator_id in self._history.creators():
            while not self._dirty:
                index = await self._index(creator_id)
                lacking = await self._do(index.lacking, EMBEDDED_TOGETHER)
                if not lacking:
                    break
                if self._busy():
                    await self._clock.sleep(BUSY_PAUSE)
                    continue
                embedded = await self._embedder.embed([text for _, text in lacking])
                if not any(digest_of(text) in embedded.vectors for _, text in lacking):
                    return
                await self._do(index.embedded_by, embedded.model)
                await self._do(index.give, lacking, embedded.vectors)

    async def _stamp(self) -> None:
        """Have the files say how the chats at rest are."""
        for creator_id, index in list(self._indexes.items()):
            stamps: dict[str, bytes] = {}
            for number, key in enumerate(self._history.keys(creator_id)):
                packed = self._history.at_rest(key)
                if packed is not None and key not in self._dirty:
                    stamps[key[1]] = self._stamp_of(key, packed)
                if number % EVERY == 0:
                    await asyncio.sleep(0)
            await self._do(index.stamp, stamps)

    def _stamp_of(self, key: Key, packed: Packed) -> bytes:
        """A digest of a chat at rest, with what is laid over it."""
        digest = blake2b(self._history.corrections(key[0]).stamp(key[1]), digest_size=16)
        for block in packed.blocks:
            for part in (block.versions, block.nodes, block.body):
                digest.update(part)
        return digest.digest()

    async def _index(self, creator_id: str) -> Index:
        if (index := self._indexes.get(creator_id)) is None:
            path = None if self._folder is None else self._folder / _file_of(creator_id)
            index = await self._do(Index, path, self._epoch, in_memory=self._in_memory)
            index = self._indexes.setdefault(creator_id, index)
        return index

    async def _do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do it in the thread, behind what it does."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(work, *args, **kwargs))

    def _remove_others(self) -> None:
        """Remove files of accounts that are no more."""
        if self._folder is None or not self._folder.exists():
            return
        kept = {_file_of(creator_id) for creator_id in self._history.creators()}
        for file in self._folder.iterdir():
            if not file.name.endswith(BESIDE) and file.name not in kept:
                for suffix in ("", *BESIDE):
                    file.with_name(f"{file.name}{suffix}").unlink(missing_ok=True)
        if not kept:
            self._folder.rmdir()


def rows_of(cached: CachedChat, conversation: Conversation) -> list[Row]:
    """The messages of a conversation that can be found: those with text, as far as they are understood."""
    node = cached.counted_node(conversation.id)
    rows: list[Row] = []
    for message in conversation.messages:
        text = readable(message.text)
        if message.is_notification or not text.strip():
            continue
        found = node.messages.get(message.id) if node else None
        raw = node.said.messages.get(message.id) if node and node.said else None
        is_other = raw is not None and _filtered(raw) != _filtered(found)
        rows.append(
            Row(
                message=readable(message.id),
                chat=readable(message.chat_id),
                conversation=readable(conversation.id),
                fan=readable(message.fan_id),
                at=message.at,
                direction=message.direction,
                kind=message_kind(message),
                text=text,
                mood=found.sentiment if found else None,
                topics=_topics(found),
                actions=_actions(found),
                said_mood=raw.sentiment if is_other and raw else None,
                said_topics=_topics(raw) if is_other else None,
                said_actions=_actions(raw) if is_other else None,
            )
        )
    return rows


def _topics(found: MessageEnrichment | None) -> str:
    topics = found.topics if found else None
    return readable(to_json([(each.id, each.label) for each in topics or ()]))


def _actions(found: MessageEnrichment | None) -> str:
    actions = found.actions if found else None
    return readable(to_json(list(actions or ())))


def _filtered(found: MessageEnrichment | None) -> tuple[object, ...]:
    """What messages are filtered by."""
    return (found.sentiment if found else None), _topics(found), _actions(found)


def _says_damage(error: Exception) -> bool:
    """Whether it is the file's own fault: waiting would not help."""
    is_of_file = hasattr(error, "sqlite_errorcode")  # none: it was closed meanwhile
    return is_of_file and not is_away(error)


def _file_of(creator_id: str) -> str:
    return f"{blake2b(creator_id.encode('utf-8', 'replace'), digest_size=16).hexdigest()}.sqlite"
