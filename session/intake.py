"""What comes in: read, compared with what is known, and journaled together with whatever else waits.

The caller is answered when its input is in the journal. Then the input goes on as an event, in the journal's
order. One input at a time is read and compared. That is done in steps, so that other work of the process goes
on beside a large one. `session.commit` does what follows.
"""

import asyncio
import gc
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import orjson

from chats.chat import Chat
from chats.corrections import Correction
from chats.message import Message, Version
from errors import AnalyticsError, NotFound, Overloaded
from history.checkpoints import Aside
from metrics.declared import INPUTS_HELD_TOTAL, MESSAGES_ACCEPTED
from metrics.port import UNMEASURED, Metrics
from session.commit import Commit, Input
from session.echoes import Echoes
from session.erasure import Erasure, Tombstones
from session.journal import Journal, Record
from session.known import Known, Notes
from session.machine import (
    Accepted,
    CorrectionAccepted,
    DeltaAccepted,
    ErasureAccepted,
    SnapshotAccepted,
)
from session.quarantine import Quarantine, captured_text, ids_in, key_of
from wire.fields import moment
from wire.incoming import (
    LISTS,
    CacheUpdatePayload,
    LiveMessage,
    Replay,
    parsing_messages,
    parsing_snapshot,
)
from wire.normalise import (
    COUNTED_AT,
    Held,
    Normalised,
    normalise_deltas,
    normalising_deltas,
    normalising_snapshot,
    to_json,
)
from wire.parsing import Json, Rows, parsing
from wire.steps import ROWS, Steps, paced

LARGE = 1024 * 1024  # bytes of a body
REPLAY_BATCH = 5_000  # messages that a replay takes together
# The kinds under which is counted what came of whom all is erased, and what came too late to be kept.
ERASED, EXPIRED = "erased", "expired"

Receipt = dict[str, int]
_Entered = tuple[Input, Receipt]  # its sequence is known once it is in the journal
Read = tuple[Normalised, Sequence[bytes] | None]  # the chats of a snapshot as received; None: live messages


class _StillHeld(Exception):
    """What was to be replayed cannot be placed now either."""


class Intake:
    """One user's way into the journal. `accepted` is called with every event, in the journal's order.

    `max_text` is characters of a message, `max_held` what is held of one creator at most, `max_waiting`
    messages that wait to be understood; `waiting` tells how many events have brought that do. `now` is epoch
    seconds, and so is `oldest`, from which on a creator's messages are taken (None: all are).
    """

    def __init__(
        self,
        journal: Journal,
        *,
        max_text: int,
        max_held: int,
        max_waiting: int,
        waiting: Callable[[], int],
        accepted: Callable[[Accepted], None],
        now: Callable[[], float] = time.time,
        oldest: Callable[[str], float | None] = lambda creator_id: None,
        metrics: Metrics = UNMEASURED,
    ) -> None:
        self._journal = journal
        self._metrics = metrics
        self._max_text = max_text
        self._max_waiting = max_waiting
        self._waiting = waiting
        self._accepted = accepted
        self._now = now
        self._oldest = oldest
        self.dropped: Counter[str] = Counter()  # by kind, since this process began
        self._quarantine = Quarantine(max_held, self.dropped)
        self._known: dict[str, Known] = {}  # by creator
        self._echoes = Echoes()
        self._tombstones = Tombstones(b"")
        self._turn = asyncio.Lock()  # of the input that is compared
        self._commit = Commit(
            journal,
            taken=self._taken,
            undo=self._undo,
            replayed=self.replayed,
            accepted=accepted,
            metrics=metrics,
        )
        self.held = self._quarantine.held
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

        def read(creator_id: str, received_at: float) -> Steps[Read]:
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

    def _reading_body(
        self, payload: Json, chat_id: str | None, sender_id: str | None
    ) -> Callable[[str, float], Steps[Read]]:
        self._admit(1)

        def read(creator_id: str, received_at: float) -> Steps[Read]:
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
            if each.key not in self.held:
                raise NotFound("Nothing is held under that key; GET .../held lists what is.")
        for each in asked:
            if (aside := self.held.get(each.key)) is None:  # another call has placed it meanwhile
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
            else self._reading_messages([LiveMessage(_wrapped(raw))])
        )
        # A message of a snapshot was not sent when it was received: without a time it stays where it is.
        timeless = aside.held.reason == "no_time" and moment(raw.get("createdAt")) is None

        def placed(creator_id: str, received_at: float) -> Steps[Read]:
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
            if (aside := self.held.get(key)) is not None:
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
                names = self._names(asked.creator_id, id)
                counts = self._known_of(self._tombstones.of(names))
                entered.erasure = replace(asked, names=names, removed=counts)
                entered.secret = self._tombstones.secret
                for name in names:
                    entered.notes.set(self._tombstones.names, name, True)
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
                names = self._names(creator_id, id)
                entered.lifted = [name for name in names if name in self._tombstones.names]
                if not entered.lifted:
                    self._commit.abandon(entered)
                    return 0
                for name in entered.lifted:
                    entered.notes.set(self._tombstones.names, name, None)
                self._commit.enter(entered)
            except BaseException:
                self._commit.abandon(entered)
                raise
        await entered.done
        return len(entered.lifted)

    def held_of(self) -> set[str]:
        """The creators of whom something is held."""
        return {aside.creator_id for aside in self.held.values()}

    def is_erased(self, creator_id: str) -> bool:
        """Whether all of the account is erased, and nothing of it is taken."""
        return self._tombstones.has_account(creator_id)

    def _names(self, creator_id: str | None, id: str | None) -> tuple[str, ...]:
        if creator_id is None:
            return (self._tombstones.name(),)
        if id is None:
            return (self._tombstones.name(creator_id),)
        ids = self._of(creator_id).ids_with(id)
        return tuple(self._tombstones.name(creator_id, each) for each in ids)

    def _known_of(self, marks: Tombstones) -> dict[str, int]:
        """Counts of what is known of it."""
        chats = [
            messages
            for creator_id, known in self._known.items()
            for messages in known.held_of(marks.covering(creator_id)).values()
        ]
        held = len(self._quarantine.of_erased(marks))
        return {"chats": len(chats), "messages": sum(chats), "held": held}

    def _erase(self, erasure: Erasure) -> ErasureAccepted:
        marks = self._tombstones.of(erasure.names)
        self._forget(marks)
        self._echoes.forget(erasure.creator_id)
        return ErasureAccepted(erasure, marks)

    def _forget(self, marks: Tombstones) -> None:
        """Know nothing more of what is erased."""
        if marks:
            for creator_id, known in self._known.items():
                known.erase(marks.covering(creator_id))
            self._quarantine.release(self._quarantine.of_erased(marks))

    def expire(self, creator_id: str, before: float) -> bool:
        """Hold nothing that was set aside before a time; whether there was anything."""
        old = self._quarantine.older(creator_id, before)
        self._quarantine.release(old)
        return bool(old)

    def _admitted(self, creator_id: str, normalised: Normalised) -> Normalised:
        """What was read without what is of somebody erased or too old, which is counted."""
        oldest = self._oldest(creator_id)
        if not self._tombstones and oldest is None:
            return normalised
        covers = self._tombstones.covering(creator_id)
        fresh = [n for n, m in enumerate(normalised.messages) if oldest is None or m.at >= oldest]
        kept = [n for n in fresh if not covers(normalised.messages[n].chat_id, normalised.messages[n].fan_id)]
        held = tuple(each for each in normalised.held if not covers(*ids_in(creator_id, each)))
        expired = len(normalised.messages) - len(fresh)
        erased = len(fresh) - len(kept) + len(normalised.held) - len(held)
        counts = {EXPIRED: expired, ERASED: erased}
        accounts = normalised.accounts
        return Normalised(
            listed=tuple(chat for chat in normalised.listed if not covers(chat.id, chat.fan_id)),
            implied=tuple(chat for chat in normalised.implied if not covers(chat.id, chat.fan_id)),
            messages=tuple(normalised.messages[n] for n in kept),
            held=held,
            dropped={**normalised.dropped, **{kind: count for kind, count in counts.items() if count}},
            accounts={place: accounts[n] for place, n in enumerate(kept) if n in accounts},
        )

    def _admit(self, messages: int) -> None:
        """Raises Overloaded when there is no room for so many; one input has room when nothing waits."""
        waits = self._waiting() + self._commit.waiting
        if waits and waits + messages > self._max_waiting:
            raise Overloaded(
                f"{waits} messages wait to be understood and MAX_WAITING is {self._max_waiting}; nothing of "
                "this was taken, send it again later."
            )

    # What a checkpoint and the journal bring

    def know_chat(
        self,
        creator_id: str,
        chat_id: str,
        fan_id: str,
        versions: dict[str, Version],
        latest: Iterable[Message] = (),
    ) -> None:
        """A chat that the owner holds, with what is known of each of its messages.

        `latest` are those of which a send that is captured from now on may be the original.
        """
        self._of(creator_id).add(chat_id, fan_id, versions)
        at = self._now()
        for message in latest:
            self._echoes.add(message, at, Notes())

    def know_erased(self, tombstones: Tombstones) -> None:
        """What must not come back, and is not to be known of what was told until now."""
        self._tombstones = tombstones
        self._forget(tombstones)

    def know_held(self, held: dict[str, Aside]) -> None:
        """What was set aside until now."""
        for aside in held.values():
            self._quarantine.hold(aside)

    async def replayed(self, after: int) -> AsyncIterator[Accepted]:
        """Events of what the journal has after that sequence; neighbouring messages of a creator are one."""
        run: list[Record] = []
        async for record in self._journal.read(after):
            ends = record.kind != "message" or len(run) >= REPLAY_BATCH
            if run and (ends or record.creator_id != run[0].creator_id):
                if (event := await paced(self._messages_again(run))).messages:
                    yield event
                run = []
            match record.kind:
                case "message":
                    run.append(record)
                case "snapshot":
                    yield await paced(self._snapshot_again(record))
                case "release":
                    self._quarantine.release([orjson.loads(record.body)])
                case "held":
                    held = Normalised(held=(Held.of_json(record.body),))
                    held = self._admitted(record.creator_id, held)
                    self._hold(record.creator_id, record.received_at, held.held)
                case "correction":
                    said = Correction.of_json(record.body)
                    if not self._tombstones.covering(record.creator_id)(said.subject.chat_id):
                        yield CorrectionAccepted(record.sequence, record.creator_id, said)
                case "erase":
                    erasure = Erasure.of_json(record.body, record.sequence)
                    self._tombstones.set(erasure.names)
                    yield self._erase(erasure)
                case "lift":
                    self._tombstones.lift(orjson.loads(record.body))
        if run and (event := await paced(self._messages_again(run))).messages:
            yield event

    def _snapshot_again(self, record: Record) -> Steps[SnapshotAccepted]:
        creator_id, received_at = record.creator_id, record.received_at
        body = yield from parsing(record.body, lazily=LISTS)
        messages = body["messages"]
        snapshot = CacheUpdatePayload(
            chats=body["chats"], messages=Rows(len(messages), lambda: map(_wrapped, messages))
        )
        normalised = yield from normalising_snapshot(
            snapshot,
            creator_id,
            received_at,
            sys.maxsize,  # it was checked when it was accepted, by what was the limit then
            self._of(creator_id).places,
            False,  # so was whose it is
        )
        normalised = self._admitted(creator_id, normalised)
        fresh, chats = yield from self._fresh(creator_id, received_at, normalised, Notes())
        self._hold(creator_id, received_at, normalised.held)
        return SnapshotAccepted(record.sequence, creator_id, chats, tuple(fresh))

    def _messages_again(self, records: Sequence[Record]) -> Steps[DeltaAccepted]:
        creator_id = records[0].creator_id
        places = self._of(creator_id).places
        chats: list[Chat] = []
        fresh: list[Message] = []
        for record in records:
            rows = [LiveMessage(_wrapped(orjson.loads(record.body)))]
            normalised = yield from normalising_deltas(
                rows, creator_id, record.received_at, sys.maxsize, places, False
            )
            normalised = self._admitted(creator_id, normalised)
            new, told = yield from self._fresh(creator_id, record.received_at, normalised, Notes())
            fresh += new
            chats += told
            self._hold(creator_id, record.received_at, normalised.held)
            yield
        return DeltaAccepted(records[-1].sequence, creator_id, tuple(fresh), tuple(chats))

    # Reading

    def _reading_snapshot(
        self, snapshot: CacheUpdatePayload, sender_id: str | None = None
    ) -> Callable[[str, float], Steps[Read]]:
        """The snapshot, and its chats as received, with what their counts cover: messages may tell that."""

        def reading(creator_id: str, received_at: float) -> Steps[Read]:
            normalised = yield from normalising_snapshot(
                snapshot,
                creator_id,
                received_at,
                self._max_text,
                self._of(creator_id).places,
                True,
                sender_id,
            )
            held = {each.position for each in normalised.held if each.is_chat}
            taken = (n for n in range(len(snapshot.chats)) if n not in held)
            listed = dict(zip(taken, normalised.listed, strict=True))
            covered = {n: chat.counted_at for n, chat in listed.items()}
            covers, oldest = self._tombstones.covering(creator_id), self._oldest(creator_id)
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

    def _reading_messages(
        self, rows: Sequence[LiveMessage], sender_id: str | None = None
    ) -> Callable[[str, float], Steps[Read]]:
        def reading(creator_id: str, received_at: float) -> Steps[Read]:
            places = self._of(creator_id).places
            normalised = yield from normalising_deltas(
                rows, creator_id, received_at, self._max_text, places, True, sender_id
            )
            return normalised, None

        return reading

    # Comparing with what is known

    def _of(self, creator_id: str) -> Known:
        if (known := self._known.get(creator_id)) is None:
            known = self._known[creator_id] = Known()
        return known

    async def _take(
        self,
        creator_id: str,
        received_at: float,
        read: Callable[[str, float], Steps[Read]],
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
        read: Callable[[str, float], Steps[Read]],
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

    def _comparing(
        self, entered: Input, read: Callable[[str, float], Steps[Read]], released: Sequence[str]
    ) -> Steps[Receipt]:
        creator_id, received_at = entered.creator_id, entered.received_at
        normalised, entered.snapshot = yield from read(creator_id, received_at)
        normalised = self._admitted(creator_id, normalised)
        if self._tombstones.has_account(creator_id):
            entered.snapshot = None  # an empty one would be news of the account
        new = {key: h for h in normalised.held if (key := key_of(creator_id, h)) not in self.held}
        # At once: a message beside it, or one that comes before it is in the journal, may tell its place.
        entered.held_keys = list(new)
        self._hold(creator_id, received_at, normalised.held)
        fresh, entered.told = yield from self._fresh(creator_id, received_at, normalised, entered.notes)
        entered.fresh = fresh
        echoed = {key for key, held in new.items() if self._has_echo(creator_id, held, received_at)}
        self._quarantine.release(echoed)
        # What could not be placed is when the same message comes in a fuller shape, or its echo does.
        placed: list[str] = []
        if self.held:
            for position, message in enumerate(fresh, 1):
                if position % ROWS == 0:
                    yield
                placed += self._held_under(creator_id, message.id)
                if (captured := self._quarantine.captured_of(message)) is not None:
                    placed.append(captured)
        entered.released = list(dict.fromkeys([*released, *placed]))
        entered.held_keys = [key for key in new if key not in echoed]
        chats = set(entered.snapshot or ())  # a chat that is held is journaled among the chats
        entered.held = [new[key] for key in entered.held_keys if new[key].raw not in chats]
        return {
            "accepted": len(fresh),
            "duplicates": max(0, len(normalised.messages) - len(fresh)) + len(echoed),
            "held": len(normalised.held) - len(echoed),
        }

    def _fresh(
        self, creator_id: str, received_at: float, normalised: Normalised, notes: Notes
    ) -> Steps[tuple[list[Message], tuple[Chat, ...]]]:
        """What is new in it, and is known from now on; see `Known.take`."""

        def set_aside(chat_id: str, message_id: str) -> Sequence[Message]:
            return self._set_aside(creator_id, chat_id, message_id)

        fresh, told = yield from self._of(creator_id).take(normalised, received_at, set_aside, notes)
        for message in fresh:
            self._echoes.add(message, received_at, notes)
        self.dropped.update(normalised.dropped)
        return fresh, told

    def _set_aside(self, creator_id: str, chat_id: str, message_id: str) -> Sequence[Message]:
        """What is held under the id of a message that has a place now, read as copies of it."""
        copies: list[Message] = []
        for key in self._held_under(creator_id, message_id) if self.held else ():
            aside = self.held[key]
            if aside.held.reason != "no_chat":
                continue
            read = normalise_deltas(
                [LiveMessage(_wrapped(orjson.loads(aside.held.raw)), chat_id)],
                creator_id=creator_id,
                received_at=aside.received_at,
                max_text=sys.maxsize,
                places=self._of(creator_id).places,
                check_creator=False,
            )
            copies += (each for each in read.messages if each.chat_id == chat_id)
        return copies

    def _held_under(self, creator_id: str, message_id: str) -> Sequence[str]:
        return self._quarantine.under(creator_id, message_id, self._of(creator_id).chats_with(message_id))

    def _has_echo(self, creator_id: str, held: Held, received_at: float) -> bool:
        """Whether a captured send that nothing says the chat of came after its echo."""
        text = captured_text(held)
        return bool(text) and self._echoes.has(creator_id, text or "", received_at)

    def _hold(self, creator_id: str, received_at: float, held: Iterable[Held]) -> None:
        for each in held:
            self._quarantine.hold(Aside(creator_id, received_at, each))

    # What becomes of it

    def _taken(self, run: Sequence[Input]) -> None:
        first, sequence = run[0], run[-1].sequence
        if first.erasure is not None:
            self._accepted(self._erase(replace(first.erasure, sequence=sequence)))
            return
        if first.correction is not None:
            self._accepted(CorrectionAccepted(sequence, first.creator_id, first.correction))
            return
        fresh = tuple(message for each in run for message in each.fresh)
        told = tuple(chat for each in run for chat in each.told)
        self._metrics.count(MESSAGES_ACCEPTED, len(fresh))
        for each in run:
            self._quarantine.release(each.released)
            for held in each.held:
                self._metrics.count(INPUTS_HELD_TOTAL, of=held.reason)
        if first.snapshot is not None:
            self._accepted(SnapshotAccepted(sequence, first.creator_id, told, fresh))
        elif fresh:
            self._accepted(DeltaAccepted(sequence, first.creator_id, fresh, told))

    def _undo(self, entered: Input) -> None:
        self._quarantine.release(entered.held_keys)
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


def _nothing(creator_id: str, received_at: float) -> Steps[Read]:
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


def _wrapped(message: Any) -> Any:
    """A message that was taken out of its frame, so that it reads as it did then."""
    is_notification = not isinstance(message, dict) or "new_message" in message
    return message if is_notification else {"api2_chat_message": message}
