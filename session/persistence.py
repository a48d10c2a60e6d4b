"""Keeps what the next owner starts from: checkpoints, and what was understood behind them."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from redis.exceptions import RedisError

import memory
from backoff import Backoff
from chats.conversation import ECHO_SECONDS
from chats.enriched import EnrichedConversation
from enrich import RULES
from enrich.topics.taxonomy import VERSION
from errors import CheckpointUnavailable, JournalUnavailable, KeyUnavailable
from history.checkpoints import KEPT, Aside, Checkpoint, Checkpoints
from metrics.declared import CHECKPOINT_BYTES, CHECKPOINT_SECONDS
from session.erasure import Erasure
from session.graph import GraphWrites
from session.knowledge import Knowledge
from session.machine import UserState
from session.ports import Ports
from session.refits import Refits
from session.retelling import Retelling
from settings import Settings
from steps import paced

log = logging.getLogger(__name__)

LARGE = 10_000  # messages, whose reading leaves much memory behind
CHECKPOINT_PAUSE = 30.0  # seconds before storage that was away is tried again
RETRY_FIRST, RETRY_MOST = 0.2, 5.0
EVERY = 100  # chats of a checkpoint that are read between two looks at the event loop

# Sequence, unfinished creators, fits, revision and what the graph lacks.
Saved = tuple[int, list[str], dict[str, int], int, dict[str, dict[str, Any]]]


class Persistence:
    """One user's. The chats are at rest while a checkpoint is taken; it is written beside what goes on.

    `unsaved` counts the messages taken in since the last checkpoint.
    """

    def __init__(
        self,
        user_id: str,
        settings: Settings,
        ports: Ports,
        state: UserState,
        knowledge: Knowledge,
        refits: Refits,
        writes: GraphWrites,
        retelling: Retelling,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._user_id = user_id
        self._settings = settings
        self._ports = ports
        self._clock = ports.clock
        self._state = state
        self._history = state.history
        self._knowledge = knowledge
        self._refits = refits
        self._writes = writes
        self._retelling = retelling
        self._tasks = tasks
        self._checkpoints: Checkpoints | None = None
        self._saved: Saved = (0, [], {}, 0, {})
        self._save_again = 0.0  # not before, when storage was away
        self._writing: asyncio.Task[bool] | None = None
        self._outdated = False  # what is written is to be written anew, as the keys say
        self.unsaved = 0

    @property
    def saved(self) -> int:
        """The sequence up to which the newest checkpoint has everything."""
        return self._saved[0]

    async def read(self, epoch: int) -> tuple[dict[str, dict[str, Any]], list[Erasure]]:
        """Take in the newest checkpoint, without what is erased.

        Returns what it says that the graph lacks, and the erasures that are not carried out.

        CheckpointUnavailable, RedisError.
        """
        self._checkpoints = await asyncio.to_thread(self._ports.checkpoints, epoch)
        checkpoint = await asyncio.to_thread(self._checkpoints.read)
        self._outdated = self._checkpoints.is_outdated
        self._ports.understood.begin(epoch, checkpoint.revision if checkpoint else 0)
        tombstones, due = await self._ports.erased.read()
        if checkpoint is not None:
            await self._load(checkpoint)
        self._knowledge.know_held(await self._ports.held.read())
        # What an erasure in the journal names is taken in until the erasure comes: so it is known what the
        # graph has of it. All else that is erased goes at once, also from a checkpoint of before.
        for each in due:
            if each.sequence > self._state.sequence:
                tombstones.lift(each.names)
        self._history.erase(tombstones)
        self._knowledge.know_erased(tombstones)
        return dict(checkpoint.unwritten) if checkpoint else {}, due

    async def recall(self) -> list[str]:
        """Take in what was understood behind the checkpoint: it is not computed again.

        Returns the creators of whom something changed by it.
        """
        kept = await self._ports.understood.read(self._basis())
        changed: dict[str, None] = {}
        for key, found in kept.chats.items():
            if self._history.recall(key, found):
                changed[key[0]] = None
            await asyncio.sleep(0)
        self._refits.fits.update(kept.fits or {})
        return list(changed)

    async def keep(self, nodes: Sequence[EnrichedConversation], fits: Mapping[str, int]) -> None:
        """Keep what was understood, before anybody is shown it; while Redis is away nobody is."""
        backoff = Backoff(RETRY_FIRST, RETRY_MOST, sleep=self._clock.sleep)
        revision = self._ports.understood.next()
        while True:
            try:
                found = self._history.understandings(nodes)
                return await self._ports.understood.keep(revision, self._basis(), fits, found)
            except RedisError as error:
                log.warning(
                    "User %s: what was understood is kept later (%s).", self._user_id, type(error).__name__
                )
            await backoff.pause()

    async def after(self, is_done: bool) -> None:
        """Take a checkpoint if one is due: after enough messages; and when a large snapshot is all done."""
        if self._writing is not None or self._clock.monotonic() < self._save_again:
            return
        finished = is_done and bool(self._saved[1]) and not self._unfinished()
        if finished or self.unsaved >= self._settings.checkpoint_messages:
            await self._checkpoint()

    def holds(self, creator_id: str) -> bool:
        """Whether anything is held of a creator."""
        return creator_id in self._history.creators() or creator_id in self._knowledge.held_of()

    def names_erased(self, accounts: Collection[str]) -> bool:
        """Whether a checkpoint that is taken now names somebody erased, or one of these creators.

        It does as long as the graph has their vertices, and pages may show them.
        """
        is_named = any(each in accounts for each in (*self._unfinished(), *self._writes.unwritten()))
        return is_named or self._writes.lacks_erased

    async def purge(self) -> "asyncio.Task[bool]":
        """Begin to have all that is kept say no more than what is held now: two checkpoints, and no older.

        The journal ends behind them. The task tells whether it was done.
        """
        await self._checkpoint(copies=KEPT)
        assert self._writing is not None, "it has begun"
        return self._writing

    async def finish(self) -> None:
        """Have everything in a checkpoint."""
        if self._outdated:
            await self.purge()
        elif self._saved != self._to_save():
            await self._checkpoint()
        if self._writing is not None:
            await self._writing

    async def _load(self, checkpoint: Checkpoint) -> None:
        enriched = checkpoint.basis == self._basis()
        now = self._clock.now().timestamp()
        self._history.load_corrections(checkpoint.corrections)
        for number, ((creator_id, chat_id), packed) in enumerate(checkpoint.chats):
            self._history.load((creator_id, chat_id), packed, enriched=enriched)
            if not enriched:
                packed = self._history.pack((creator_id, chat_id))  # it may have been read by other rules
            is_live = (packed.fan.last_message_at or 0.0) >= now - ECHO_SECONDS
            opened = self._history.look(creator_id, chat_id) if is_live else None
            latest = opened.since(now - ECHO_SECONDS) if opened else ()
            self._knowledge.know_chat(creator_id, chat_id, packed.fan.fan_id, packed.versions(), latest)
            if not enriched or number % EVERY == 0:
                await asyncio.sleep(0)
        self._knowledge.know_held(checkpoint.held)
        if enriched:
            self._refits.fits.update(checkpoint.fits)
        unfinished = checkpoint.unfinished if enriched else self._history.creators()
        self._state.restore(checkpoint.sequence, unfinished)
        self._saved = (
            checkpoint.sequence,
            unfinished,
            dict(self._refits.fits),
            checkpoint.revision,
            dict(checkpoint.unwritten),
        )

    def _basis(self) -> dict[str, Any]:
        """What enrichment depends on beside the messages: with another basis everything is enriched anew."""
        settings = self._settings
        return {
            "rules": RULES,
            "taxonomy": VERSION,
            "model": settings.understood_by,
            "gap": settings.conversation_gap,
            "silence": settings.silence_threshold,
        }

    async def _checkpoint(self, copies: int = 1) -> None:
        """Take what is held, as it is now, and have it written beside what goes on."""
        if self._writing is not None:
            await self._writing
        await paced(self._history.packing(self._history.unpacked()))
        sequence, unfinished, fits, revision, unwritten = self._to_save()
        checkpoint = Checkpoint(
            sequence,
            self._basis(),
            fits,
            unfinished,
            self._history.packed(),
            revision=revision,
            unwritten=unwritten,
            corrections=self._history.all_corrections(),
        )
        held = dict(self._knowledge.held)
        taken, self.unsaved = self.unsaved, 0
        self._writing = self._tasks.create_task(self._write(checkpoint, held, taken, copies))

    def _to_save(self) -> Saved:
        state, refits = self._state, self._refits
        revision = self._ports.understood.revision
        return state.sequence, self._unfinished(), dict(refits.fits), revision, self._writes.unwritten()

    def _unfinished(self) -> list[str]:
        """The creators of whom pages may lack something."""
        found = [*self._state.unfinished(), *sorted(self._refits.unfinished), *self._retelling.unshown()]
        return list(dict.fromkeys(found))

    async def _write(
        self, checkpoint: Checkpoint, held: Mapping[str, Aside], messages: int, copies: int
    ) -> bool:
        """Write the checkpoint, then drop what the one before makes superfluous; whether all of it was done.

        Of two copies the second makes all that was before the first superfluous.
        """
        assert self._checkpoints is not None, "it was read"
        try:
            await self._ports.held.flush(held)
            for _ in range(copies):
                await self._write_one(self._checkpoints, checkpoint)
            if copies == KEPT:
                await asyncio.to_thread(self._checkpoints.drop_damaged)
            if messages >= LARGE:
                await asyncio.to_thread(memory.give_back)
        except (CheckpointUnavailable, KeyUnavailable) as error:
            self.unsaved += messages
            self._save_again = self._clock.monotonic() + CHECKPOINT_PAUSE
            log.error("User %s has no new checkpoint, the journal keeps everything: %s", self._user_id, error)
        except (JournalUnavailable, RedisError) as error:
            log.warning(
                "User %s: Redis is trimmed behind the next checkpoint (%s).",
                self._user_id,
                type(error).__name__,
            )
        else:
            self._outdated = self._outdated and copies < KEPT
            return True
        finally:
            self._writing = None
        return False

    async def _write_one(self, checkpoints: Checkpoints, checkpoint: Checkpoint) -> None:
        began = self._clock.monotonic()
        through = await asyncio.to_thread(checkpoints.write, checkpoint)
        self._ports.metrics.observe(CHECKPOINT_SECONDS, self._clock.monotonic() - began)
        self._ports.metrics.observe(CHECKPOINT_BYTES, checkpoints.size)
        before = self._saved[3]
        self._saved = (
            checkpoint.sequence,
            checkpoint.unfinished,
            checkpoint.fits,
            checkpoint.revision,
            checkpoint.unwritten,
        )
        await self._ports.journal.trim(through)
        await self._ports.understood.forget(before)
