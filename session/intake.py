"""What comes in: read, compared with what is known, and journaled together with whatever else waits.

The caller is answered when its input is in the journal. Then the input goes on as an event, in the journal's
order. One input at a time is read and compared. That is done in steps, so that other work of the process goes
on beside a large one. `session.commit` does what follows.
"""

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from chats.bundle import placed
from chats.corrections import Correction
from errors import AnalyticsError, NotFound, Overloaded
from history.checkpoints import Aside
from metrics.declared import INPUTS_HELD_TOTAL, MESSAGES_ACCEPTED
from metrics.port import UNMEASURED, Metrics
from session.commit import Commit, Input
from session.erasure import Erasure
from session.journal import Journal
from session.knowledge import Knowledge
from session.machine import (
    Accepted,
    CorrectionAccepted,
    DeltaAccepted,
    SnapshotAccepted,
)
from session.quarantine import key_of
from session.replay import replayed
from steps import ROWS, Steps, paced
from wire.fields import moment
from wire.incoming import (
    CacheUpdatePayload,
    LiveMessage,
    Replay,
    framed,
    parsing_messages,
    parsing_snapshot,
)
from wire.normalise import (
    COUNTED_AT,
    Normalised,
    normalising_deltas,
    normalising_snapshot,
    to_json,
)
from wire.parsing import Json

LARGE = 1024 * 1024  # bytes of a body

Receipt = dict[str, int]
_Entered = tuple[Input, Receipt]  # its sequence is known once it is in the journal
# The chats of a snapshot as received; None: live messages.
Reading = Steps[tuple[Normalised, Sequence[bytes] | None]]
Reader = Callable[[str, float], Reading]  # of a creator's input, received at a time


class _StillHeld(Exception):
    """What was to be replayed cannot be placed now either."""


class Intake:
    """One user's way into the journal. `accepted` is called with every event, in the journal's order.

    What comes is compared with `knowledge`, and is a part of it from then on. `max_text` is characters of a
    message, `max_waiting` messages that wait to be understood; `waiting` tells how many events have brought
    that do. `now` is epoch seconds.
    """

    def __init__(
        self,
        journal: Journal,
        knowledge: Knowledge,
        *,
        max_text: int,
        max_waiting: int,
        waiting: Callable[[], int],
        accepted: Callable[[Accepted], None],
        now: Callable[[], float] = time.time,
        metrics: Metrics = UNMEASURED,
    ) -> None:
        self._journal = journal
        self._knowledge = knowledge
        self._metrics = metrics
        self._max_text = max_text
        self._max_waiting = max_waiting
        self._waiting = waiting
        self._accepted = accepted
        self._now = now
        self._turn = asyncio.Lock()  # of the input that is compared
        self._commit = Commit(
            journal,
            taken=self._taken,
            undo=self._undo,
            replayed=partial(replayed, journal, knowledge),
            accepted=accepted,
            metrics=metrics,
        )
        self.run = self._commit.run

    @property
    def idle(self) -> bool:
        """Whether nothing waits for the journal."""
        return self._commit.idle and not self._turn.locked()

    # What callers bring

    async def snapshot(
        self, payload: Json, creator_id: str, chat_id: str | None = None, sender_id: str | None = None
    ) -> Receipt:
        """Take everything an extension holds; see `Session.handle_snapshot`."""

        def read(creator_id: str, received_at: float) -> Reading:
            snapshot = yield from parsing_snapshot(payload, chat_id)
            self._admit(len(snapshot.messages))
            return (yield from self._reading_snapshot(snapshot, sender_id)(creator_id, received_at))

        self._admit(1)
        with _uncollected(len(payload)):
            return await self._take(creator_id, self._now(), read)

    async def messages(
        self, payload: Json, creator_id: str, chat_id: str | None = None, sender_id: str | None = None
    ) -> Receipt:
        """Take live messages; see `Session.handle_delta`."""
        [found] = await self.bodies([(payload, chat_id, sender_id)], creator_id)
        if isinstance(found, AnalyticsError):
            raise found
        return found

    async def bodies(
        self, bodies: Sequence[tuple[Json, str | None, str | None]], creator_id: str
    ) -> list[Receipt | AnalyticsError]:
        """Take several bodies of live messages in one turn, one by one; see `Session.handle_deltas`."""
        entered: list[_Entered | AnalyticsError] = []
        with _uncollected(sum(len(payload) for payload, _, _ in bodies)):
            async with self._turn:
                for body in bodies:
                    try:
                        entered.append(await self._enter(creator_id, self._now(), self._reading_body(*body)))
                    except AnalyticsError as error:
                        entered.append(error)
            return [each if isinstance(each, AnalyticsError) else await _answer(each) for each in entered]

    def _reading_body(self, payload: Json, chat_id: str | None, sender_id: str | None) -> Reader:
        self._admit(1)

        def read(creator_id: str, received_at: float) -> Reading:
            rows = yield from parsing_messages(payload, chat_id)
            self._admit(len(rows))
            found = yield from self._reading_messages(rows, sender_id)(creator_id, received_at)
            yield from _letting_go(rows)
            return found

        return read

    async def replay(self, asked: Sequence[Replay]) -> Receipt:
        """Take what is held once more, with what the caller adds to it; see `Session.replay_held`."""
        total: Counter[str] = Counter()
        for each in asked:
            if each.key not in self._knowledge.held:
                raise NotFound("Nothing is held under that key; GET .../held lists what is.")
        for each in asked:
            if (aside := self._knowledge.held.get(each.key)) is None:  # another call has placed it meanwhile
                continue
            receipt = await self._replay_one(each, aside)
            total.update({name: receipt[name] for name in ("accepted", "duplicates", "held")})
        return {"sequence": self._journal.sequence, "accepted": 0, "duplicates": 0, "held": 0, **total}

    async def _replay_one(self, asked: Replay, aside: Aside) -> Receipt:
        received = orjson.loads(aside.held.raw)
        raw = {**received, **asked.add} if isinstance(received, dict) else asked.add or received
        reading = (
            self._reading_snapshot(CacheUpdatePayload(chats=[raw]))
            if aside.held.is_chat
            else self._reading_messages([LiveMessage(framed(raw))])
        )
        # A message of a snapshot was not sent when it was received: without a time it stays where it is.
        timeless = aside.held.reason == "no_time" and moment(raw.get("createdAt")) is None

        def placed(creator_id: str, received_at: float) -> Reading:
            normalised, chats = yield from reading(creator_id, received_at)
            if normalised.held or timeless:
                raise _StillHeld
            return normalised, chats

        try:
            return await self._take(aside.creator_id, aside.received_at, placed, released=[asked.key])
        except _StillHeld:
            return {"accepted": 0, "duplicates": 0, "held": 1}

    async def discard(self, keys: Iterable[str]) -> int:
        """Delete what is held under these keys; how many there were."""
        of: dict[str, list[str]] = {}
        for key in keys:
            if (aside := self._knowledge.held.get(key)) is not None:
                of.setdefault(aside.creator_id, []).append(key)
        for creator_id, released in of.items():
            await self._take(creator_id, self._now(), _nothing, released=released)
        return sum(map(len, of.values()))

    async def correct(self, creator_id: str, correction: Correction) -> None:
        """Have a correction journaled."""
        async with self._turn:
            entered = self._commit.begin(creator_id, correction.at)
            entered.correction = correction
            self._commit.enter(entered)
        await entered.done

    # What must go, and not come back

    async def erase(self, asked: Erasure, id: str | None) -> None:
        """Have it journaled that all of a user, an account or one fan is erased, as `asked` says.

        `id` is the fan's or the chat's. What is journaled has the tombstones, and counts of what was known of
        it. From now on nothing of it is taken.
        """
        async with self._turn:
            entered = self._commit.begin(asked.creator_id or "", asked.requested_at)
            try:
                names = self._knowledge.names(asked.creator_id, id)
                entered.erasure = replace(asked, names=names, removed=self._knowledge.counts_of(names))
                entered.secret = self._knowledge.tombstones.secret
                for name in names:
                    entered.notes.set(self._knowledge.tombstones.names, name, True)
                self._commit.enter(entered)
            except BaseException:
                self._commit.abandon(entered)
                raise
        await entered.done

    async def lift(self, creator_id: str | None, id: str | None) -> int:
        """Have what comes of a user, an account or one fan taken again; how many tombstones there were."""
        async with self._turn:
            entered = self._commit.begin(creator_id or "", self._now())
            try:
                names, tombstones = self._knowledge.names(creator_id, id), self._knowledge.tombstones
                entered.lifted = [name for name in names if name in tombstones.names]
                if not entered.lifted:
                    self._commit.abandon(entered)
                    return 0
                for name in entered.lifted:
                    entered.notes.set(tombstones.names, name, None)
                self._commit.enter(entered)
            except BaseException:
                self._commit.abandon(entered)
                raise
        await entered.done
        return len(entered.lifted)

    def _admit(self, messages: int) -> None:
        """Raises Overloaded when there is no room for so many; one input has room when nothing waits."""
        waits = self._waiting() + self._commit.waiting
        if waits and waits + messages > self._max_waiting:
            raise Overloaded(
                f"{waits} messages wait to be understood and MAX_WAITING is {self._max_waiting}; nothing of "
                "this was taken, send it again later."
            )

    # Reading

    def _reading_snapshot(self, snapshot: CacheUpdatePayload, sender_id: str | None = None) -> Reader:
        """The snapshot, and its chats as received, with what their counts cover: messages may tell that."""

        def reading(creator_id: str, received_at: float) -> Reading:
            normalised = yield from normalising_snapshot(
                snapshot,
                creator_id,
                received_at,
                self._max_text,
                self._knowledge.of(creator_id).places,
                True,
                sender_id,
            )
            held = {each.position for each in normalised.held if each.is_chat}
            taken = (n for n in range(len(snapshot.chats)) if n not in held)
            listed = dict(zip(taken, normalised.listed, strict=True))
            covered = {n: chat.counted_at for n, chat in listed.items()}
            covers = self._knowledge.tombstones.covering(creator_id)
            oldest = self._knowledge.oldest(creator_id)
            chats: list[bytes] = []
            for n, row in enumerate(snapshot.chats):
                if n % ROWS == 0:
                    yield
                if n in listed and covers(listed[n].id, listed[n].fan_id):
                    continue
                told = {**row, COUNTED_AT: covered[n]} if covered.get(n) else row
                if oldest is not None and _is_before(told, oldest):
                    told = {name: value for name, value in told.items() if name != "lastMessage"}
                if (json := to_json(told)) is not None:
                    chats.append(json)
            return normalised, chats

        return reading

    def _reading_messages(self, rows: Sequence[LiveMessage], sender_id: str | None = None) -> Reader:
        def reading(creator_id: str, received_at: float) -> Reading:
            places = self._knowledge.of(creator_id).places
            normalised = yield from normalising_deltas(
                rows, creator_id, received_at, self._max_text, places, True, sender_id
            )
            return normalised, None

        return reading

    # Comparing with what is known

    async def _take(
        self,
        creator_id: str,
        received_at: float,
        read: Reader,
        *,
        released: Sequence[str] = (),
    ) -> Receipt:
        """Read and compare an input, and have it journaled."""
        async with self._turn:
            entered = await self._enter(creator_id, received_at, read, released)
        return await _journaled(entered)

    async def _enter(
        self,
        creator_id: str,
        received_at: float,
        read: Reader,
        released: Sequence[str] = (),
    ) -> _Entered:
        """Read and compare an input, whose turn it is, and have it wait for the journal."""
        entered = self._commit.begin(creator_id, received_at)
        try:
            receipt = await paced(self._comparing(entered, read, released), entered.check)
            self._commit.enter(entered)
        except BaseException:
            self._commit.abandon(entered)
            raise
        return entered, receipt

    def _comparing(self, entered: Input, read: Reader, released: Sequence[str]) -> Steps[Receipt]:
        knowledge, creator_id, received_at = self._knowledge, entered.creator_id, entered.received_at
        normalised, entered.snapshot = yield from read(creator_id, received_at)
        normalised = yield from knowledge.admitted(creator_id, normalised)
        if knowledge.is_erased(creator_id):
            entered.snapshot = None  # an empty one would be news of the account
        new = {key: h for h in normalised.held if (key := key_of(creator_id, h)) not in knowledge.held}
        # At once: a message beside it, or one that comes before it is in the journal, may tell its place.
        entered.held_keys = list(new)
        knowledge.hold(creator_id, received_at, normalised.held)
        fresh, entered.told = yield from knowledge.fresh(creator_id, received_at, normalised, entered.notes)
        entered.fresh = fresh
        echoed = {key for key, held in new.items() if knowledge.has_echo(creator_id, held, received_at)}
        knowledge.release(echoed)
        # What could not be placed is when the same message comes in a fuller shape, or its echo does.
        told: list[str] = []
        if knowledge.held:
            for position, (_, message) in enumerate(placed(fresh), 1):
                if position % ROWS == 0:
                    yield
                told += knowledge.held_with(message)
        entered.released = list(dict.fromkeys([*released, *told]))
        entered.held_keys = [key for key in new if key not in echoed]
        chats = set(entered.snapshot or ())  # a chat that is held is journaled among the chats
        entered.held = [new[key] for key in entered.held_keys if new[key].raw not in chats]
        return {
            "accepted": len(fresh),
            "duplicates": max(0, len(normalised.messages) - len(fresh)) + len(echoed),
            "held": len(normalised.held) - len(echoed),
        }

    # What becomes of it

    def _taken(self, run: Sequence[Input]) -> None:
        first, sequence = run[0], run[-1].sequence
        if first.erasure is not None:
            self._accepted(self._knowledge.erase(replace(first.erasure, sequence=sequence)))
            return
        if first.correction is not None:
            self._accepted(CorrectionAccepted(sequence, first.creator_id, first.correction))
            return
        told = tuple(chat for each in run for chat in each.told)
        self._metrics.count(MESSAGES_ACCEPTED, sum(len(each.fresh) for each in run))
        for each in run:
            self._knowledge.release(each.released)
            for held in each.held:
                self._metrics.count(INPUTS_HELD_TOTAL, of=held.reason)
        if first.snapshot is not None:
            self._accepted(SnapshotAccepted(sequence, first.creator_id, told, first.fresh))
        elif fresh := tuple(message for each in run for message in each.fresh):
            self._accepted(DeltaAccepted(sequence, first.creator_id, fresh, told))

    def _undo(self, entered: Input) -> None:
        self._knowledge.release(entered.held_keys)
        entered.notes.undo()


async def _journaled(entered: _Entered) -> Receipt:
    """The receipt of what was entered, once it is in the journal."""
    each, receipt = entered
    sequence = await each.done
    # The journal may have had some of it, when an answer of it was lost.
    lost = receipt["accepted"] - len(each.fresh)
    receipt["accepted"] -= lost
    receipt["duplicates"] += lost
    return {"sequence": sequence, **receipt}


async def _answer(entered: _Entered) -> Receipt | AnalyticsError:
    try:
        return await _journaled(entered)
    except AnalyticsError as error:
        return error


def _nothing(creator_id: str, received_at: float) -> Reading:
    return Normalised(), None
    yield


@contextmanager
def _uncollected(size: int) -> Iterator[None]:
    """Keep the garbage collector from looking through what a large input is parsed into.

    It is a million objects without a cycle, most of them kept for long, and each look takes it some hundred
    milliseconds. Counting references frees them as ever.
    """
    if size < LARGE:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _is_before(chat: Any, at: float) -> bool:
    """Whether the chat's last message, as received, is from before a time."""
    last = chat.get("lastMessage") if isinstance(chat, dict) else None
    told = moment(last.get("createdAt")) if isinstance(last, dict) else None
    return told is not None and told < at


def _letting_go(rows: list[Any]) -> Steps[None]:
    """Empties a list: to free all that a large snapshot was parsed into takes long."""
    while rows:
        del rows[-ROWS:]
        yield
