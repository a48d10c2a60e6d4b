"""Group commit: what waits for the journal is appended together, in the order in which it was compared.

When it is not known whether an append went through, everything that waits fails. What the journal has of it
is then read from there, so that what is live is always what a replay would give.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import orjson

from backoff import Backoff
from chats.bundle import Messages, raws
from chats.chat import Chat
from chats.corrections import Correction
from chats.message import Message
from errors import AnalyticsError, JournalUnavailable, StaleOwner
from metrics.declared import JOURNAL_APPEND_RECORDS, JOURNAL_APPEND_SECONDS
from metrics.port import Metrics
from session.erasure import Erasure
from session.journal import Entry, Journal
from session.known import Notes
from session.machine import Accepted
from wire.normalise import Held

log = logging.getLogger(__name__)

RETRY_FIRST, RETRY_MOST = 0.2, 5.0


@dataclass(slots=True)
class Input:
    """One call's input on its way into the journal."""

    creator_id: str
    received_at: float
    fresh: Messages = ()
    told: tuple[Chat, ...] = ()  # the chats that it tells of
    held: list[Held] = field(default_factory=list)  # to be journaled by themselves
    held_keys: list[str] = field(default_factory=list)  # of what was not held so far
    snapshot: Sequence[bytes] | None = None  # the chats as received; None: live messages
    released: Sequence[str] = ()  # keys of what was held and is placed by this
    correction: Correction | None = None  # then it is nothing else
    erasure: Erasure | None = None  # then it is nothing else
    secret: bytes = b""  # of the erasure's tombstones
    lifted: Sequence[str] = ()  # tombstones that are taken away; then it is nothing else
    notes: Notes = field(default_factory=Notes)  # what it changed in the owner's memory
    sequence: int = 0  # of its last record, once it is in the journal
    done: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def check(self) -> None:
        """Raises why it was undone while it was compared."""
        if self.done.done():
            self.done.result()

    def set_aside(self) -> list[Entry]:
        return [Entry("held", self.received_at, held.to_json()) for held in self.held]

    def releases(self) -> list[Entry]:
        return [Entry("release", self.received_at, orjson.dumps(key)) for key in self.released]

    def entries(self) -> list[Entry]:
        if (said := self.correction) is not None:
            return [Entry("correction", self.received_at, said.to_json())]
        messages = [Entry("message", self.received_at, m.raw, _unique(m)) for m in self.fresh]
        return [*messages, *self.set_aside(), *self.releases()]


class Commit:
    """The queue of inputs and its way into the journal.

    `taken` is called with what is in the journal, in the journal's order: with live messages that were
    appended together, or with one input of another kind. `undo` is called with each input that is not in it,
    the newest first; `replayed` reads the events of what the journal has after a sequence, and `accepted`
    takes them.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        taken: Callable[[Sequence[Input]], None],
        undo: Callable[[Input], None],
        replayed: Callable[[int], AsyncIterator[Accepted]],
        accepted: Callable[[Accepted], None],
        metrics: Metrics,
    ) -> None:
        self._journal = journal
        self._metrics = metrics
        self._taken = taken
        self._undo = undo
        self._replayed = replayed
        self._accepted = accepted
        self._compared: Input | None = None  # what is being compared with what is known
        self._inputs: list[Input] = []
        self._is_appending = False
        self.waiting = 0  # messages that wait for the journal
        self._entered = asyncio.Event()
        self._doubt: AnalyticsError | None = None  # why it is not known what the journal has
        self._passed_on = 0  # sequence of the last input that became an event

    @property
    def idle(self) -> bool:
        """Whether nothing waits for the journal."""
        waits = self._inputs or self._is_appending or self._compared is not None
        return not waits and self._doubt is None

    def begin(self, creator_id: str, received_at: float) -> Input:
        """An input that is compared from now on, one at a time. Raises why the journal is in doubt."""
        if self._doubt is not None:
            raise type(self._doubt)(str(self._doubt))
        assert self._compared is None, "one is compared at a time"
        self._compared = Input(creator_id, received_at)
        return self._compared

    def abandon(self, entered: Input) -> None:
        """What was compared is not to be entered."""
        if self._compared is entered:
            self._compared = None
            self._undo(entered)

    def enter(self, entered: Input) -> None:
        """Have what was compared appended; `entered.done` tells the sequence."""
        assert self._compared is entered, "it was not undone"
        self._compared = None
        self._inputs.append(entered)
        self.waiting += len(entered.fresh)
        self._entered.set()

    async def run(self) -> None:
        """Journal what waits, together, again and again. Raises StaleOwner when the user has a new owner."""
        self._passed_on = self._journal.sequence
        while True:
            await self._entered.wait()
            await self._journal_waiting()

    async def _journal_waiting(self) -> None:
        inputs, self._inputs = self._inputs, []
        self._entered.clear()
        self._is_appending = True
        try:
            for run in _runs(inputs):
                await self._append(run)
        except AnalyticsError as error:
            # What waits was compared with what is not in the journal now: it fails as well.
            self._doubt = error
            self._fail([*inputs, *self._inputs], error)
            self._inputs = []
            if isinstance(error, StaleOwner):
                raise
            await self._settle()
        finally:
            self._is_appending = False
            self.waiting = sum(len(each.fresh) for each in self._inputs)

    async def _append(self, run: Sequence[Input]) -> None:
        first = run[0]
        if first.snapshot is not None:
            await self._append_snapshot(first, first.snapshot)
            return
        if first.erasure is not None or first.lifted:
            await self._append_marks(first)
            return
        sequence = self._journal.sequence
        of_each = [each.entries() for each in run]
        entries = list(chain.from_iterable(of_each))
        began = time.perf_counter()
        sequences = iter(await self._journal.append(first.creator_id, entries) if entries else ())
        if entries:
            self._metrics.observe(JOURNAL_APPEND_SECONDS, time.perf_counter() - began)
            self._metrics.observe(JOURNAL_APPEND_RECORDS, len(entries))
        for each, entered_as in zip(run, of_each, strict=True):
            own = [next(sequences) for _ in entered_as]
            if 0 in own:
                each.fresh = [m for m, at in zip(each.fresh, own, strict=False) if at]
            # An input speaks of its own last record: a page that has this one may still lack the next.
            each.sequence = sequence = max([sequence, *own])
        self._pass_on(run)

    async def _append_snapshot(self, entered: Input, chats: Sequence[bytes]) -> None:
        creator_id = entered.creator_id
        if aside := entered.set_aside():
            await self._journal.append(creator_id, aside)
        began = time.perf_counter()
        sequence = await self._journal.append_snapshot(
            creator_id, entered.received_at, chats, raws(entered.fresh)
        )
        self._metrics.observe(JOURNAL_APPEND_SECONDS, time.perf_counter() - began)
        if releases := entered.releases():
            await self._journal.append(creator_id, releases)
        entered.sequence = sequence
        self._pass_on([entered])

    async def _append_marks(self, entered: Input) -> None:
        if (erasure := entered.erasure) is not None:
            entered.sequence = await self._journal.erase(erasure, entered.secret)
        else:
            entered.sequence = await self._journal.lift(entered.received_at, entered.lifted)
        self._pass_on([entered])

    def _pass_on(self, run: Sequence[Input]) -> None:
        """Callers are answered before anything else is done with what they brought."""
        for each in run:
            _answer(each)
        self._passed_on = self._journal.sequence
        self._taken(run)

    def _fail(self, inputs: Sequence[Input], error: AnalyticsError) -> None:
        """Answer those that were not taken, and forget what they would have brought, the newest first."""
        if (compared := self._compared) is not None:
            self.abandon(compared)
            compared.done.set_exception(error)
        for each in reversed(inputs):
            if each.sequence:
                _answer(each)
                continue
            self._undo(each)
            if not each.done.done():  # the caller still waits
                each.done.set_exception(error)

    async def _settle(self) -> None:
        """Read what the journal has of what may have been appended, as soon as Redis answers."""
        log.warning("Nothing is taken until it is known what the journal has: %s", self._doubt)
        backoff = Backoff(RETRY_FIRST, RETRY_MOST)
        while self._doubt is not None:
            await backoff.pause()
            try:
                # Where it ends comes first: what Redis appends while it is read has the next append refused.
                await self._journal.refresh()
                async for event in self._replayed(self._passed_on):
                    self._passed_on = event.sequence
                    self._accepted(event)
            except JournalUnavailable as error:
                self._doubt = error
            else:
                self._passed_on = max(self._passed_on, self._journal.sequence)
                self._doubt = None
        log.info("The journal was read; input is taken again.")


def _answer(entered: Input) -> None:
    if not entered.done.done():  # the caller still waits
        entered.done.set_result(entered.sequence)


def _goes_alone(each: Input) -> bool:
    others = each.snapshot, each.erasure, each.correction
    return any(other is not None for other in others) or bool(each.lifted)


def _runs(inputs: Sequence[Input]) -> list[list[Input]]:
    """Neighbouring live inputs of one creator together, all others alone."""
    runs: list[list[Input]] = []
    for each in inputs:
        before = runs[-1][-1] if runs else None
        if (
            before is not None
            and not _goes_alone(before)
            and not _goes_alone(each)
            and before.creator_id == each.creator_id
        ):
            runs[-1].append(each)
        else:
            runs.append([each])
    return runs


def _unique(message: Message) -> str:
    """What tells this copy of a message from all others of its creator: ids may be unique in a chat only."""
    digest = hashlib.blake2b(message.raw, digest_size=8).hexdigest()
    return f"{digest}{len(message.chat_id)}:{message.chat_id}{message.id}"
