"""What comes in: normalised, compared with what is held, journaled together with whatever else waits.

The caller is answered when its input is in the journal. Then the input goes on as an event, in the journal's
order. When it is not known whether an append went through, everything that waits fails, and what the journal
does have of it is read from there: what is live is always what a replay would give.
"""

import asyncio
import hashlib
import logging
import random
import sys
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import orjson

from chats.chat import Chat
from chats.conversation import ECHO_SECONDS
from chats.message import Message, Version
from errors import AnalyticsError, JournalUnavailable, NotFound, StaleOwner
from history.checkpoints import Aside
from session.journal import Entry, Journal, Record
from session.machine import DeltaAccepted, SnapshotAccepted
from wire.fields import moment
from wire.incoming import (
    CacheUpdatePayload,
    LiveMessage,
    Replay,
    parse_messages,
    parse_snapshot,
)
from wire.normalise import (
    COUNTED_AT,
    Held,
    Normalised,
    chat_of,
    normalise_deltas,
    normalise_snapshot,
    to_json,
)
from wire.place import Places, Raw
from wire.text import plain_text

log = logging.getLogger(__name__)

SENT = 200  # messages of creators that a captured send may be the echo of
REPLAY_BATCH = 5_000  # messages that a replay takes together
RETRY_FIRST, RETRY_MOST = 0.2, 5.0

Accepted = SnapshotAccepted | DeltaAccepted
Receipt = dict[str, int]
Before = list[tuple[dict[str, Any], str, Any]]  # (mapping, key, the value it had or None), oldest first


@dataclass(slots=True)
class _Input:
    """One call's input on its way into the journal."""

    creator_id: str
    received_at: float
    fresh: list[Message]
    told: tuple[Chat, ...]  # the chats that it tells of
    held: list[Held]  # to be journaled by themselves
    held_keys: list[str]  # of what was not held so far
    snapshot: Sequence[bytes] | None = None  # the chats as received; None: live messages
    released: Sequence[str] = ()  # keys of what was held and is placed by this
    before: Before = field(default_factory=list)  # what it changed in the owner's memory
    sequence: int = 0  # of its last record, once it is in the journal
    done: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def entries(self) -> list[Entry]:
        return [
            *(Entry("message", self.received_at, m.raw, _unique(m)) for m in self.fresh),
            *(Entry("held", self.received_at, h.to_json()) for h in self.held),
            *(Entry("release", self.received_at, orjson.dumps(key)) for key in self.released),
        ]


class Intake:
    """One user's way into the journal. `accepted` is called with every event, in the journal's order."""

    def __init__(
        self, journal: Journal, *, max_text: int, max_held: int, accepted: Callable[[Accepted], None]
    ) -> None:
        self._journal = journal
        self._max_text = max_text
        self._max_held = max_held  # of one creator; the oldest go
        self._accepted = accepted
        # Creator -> chat id -> message id -> what is known of it.
        self._versions: dict[str, dict[str, dict[str, Version]]] = {}
        self._shared: dict[Version, Version] = {}  # most messages are known in one of a few ways
        self._fan_of: dict[str, dict[str, str]] = {}  # creator -> chat id -> fan id
        self._chat_of: dict[str, dict[str, str]] = {}  # creator -> fan id -> chat id
        self._inputs: list[_Input] = []
        self._entered = asyncio.Event()
        self._doubt: AnalyticsError | None = None  # why it is not known what the journal has
        self._passed_on = 0  # sequence of the last input that became an event
        self._held_of: dict[tuple[str, str], dict[str, None]] = {}  # (creator, message id) -> keys
        self._captured_of: dict[tuple[str, str], dict[str, None]] = {}  # (creator, text) -> keys
        self._sent: deque[Message] = deque(maxlen=SENT)  # by creators, the latest ones
        self._held_by: dict[str, dict[str, None]] = {}  # creator -> keys, oldest first
        self.held: dict[str, Aside] = {}
        self.dropped: Counter[str] = Counter()  # by kind, since this process began

    # What callers bring

    async def snapshot(self, payload: bytes, creator_id: str, chat_id: str | None = None) -> Receipt:
        """Take everything an extension holds; see `UserActor.handle_snapshot`."""
        received_at = time.time()
        # In a function of its own: the parsed JSON of a large snapshot is not to outlive it.
        normalised, chats = self._read_snapshot(parse_snapshot(payload, chat_id), creator_id, received_at)
        return await self._enter(creator_id, received_at, normalised, snapshot=chats)

    async def messages(self, payload: bytes, creator_id: str, chat_id: str | None = None) -> Receipt:
        """Take live messages; see `UserActor.handle_delta`."""
        received_at = time.time()
        frames = parse_messages(payload, chat_id)
        normalised = self._read_messages(frames, creator_id, received_at, self._max_text)
        return await self._enter(creator_id, received_at, normalised)

    async def replay(self, asked: Sequence[Replay]) -> Receipt:
        """Take what is held once more, with what the caller adds to it; see `UserActor.replay_held`."""
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
        creator_id, received_at = aside.creator_id, aside.received_at
        chats: list[bytes] | None = None
        if aside.held.is_chat:
            normalised, chats = self._read_snapshot(CacheUpdatePayload(chats=[raw]), creator_id, received_at)
        else:
            wrapped = [LiveMessage(message=_wrapped(raw))]
            normalised = self._read_messages(wrapped, creator_id, received_at, self._max_text)
        # A message of a snapshot was not sent when it was received: without a time it stays where it is.
        timeless = aside.held.reason == "no_time" and moment(raw.get("createdAt")) is None
        if normalised.held or timeless:
            return {"accepted": 0, "duplicates": 0, "held": 1}
        return await self._enter(creator_id, received_at, normalised, snapshot=chats, released=[asked.key])

    async def discard(self, keys: Iterable[str]) -> int:
        """Delete what is held under these keys; how many there were."""
        of: dict[str, list[str]] = {}
        for key in keys:
            if (aside := self.held.get(key)) is not None:
                of.setdefault(aside.creator_id, []).append(key)
        for creator_id, released in of.items():
            await self._enter(creator_id, time.time(), Normalised(), released=released)
        return sum(map(len, of.values()))

    # What a checkpoint and the journal bring

    def know_chat(self, creator_id: str, chat_id: str, fan_id: str, versions: dict[str, Version]) -> None:
        """A chat that the owner holds, with what is known of each of its messages."""
        if fan_id != chat_id:  # else it may be that nothing named the fan yet
            self._fan_of.setdefault(creator_id, {})[chat_id] = fan_id
            self._chat_of.setdefault(creator_id, {}).setdefault(fan_id, chat_id)
        known = self._versions.setdefault(creator_id, {}).setdefault(chat_id, {})
        known.update((id, self._once(version)) for id, version in versions.items())

    def know_held(self, held: dict[str, Aside]) -> None:
        """What was set aside until now."""
        for aside in held.values():
            self._hold(aside.creator_id, aside.received_at, [aside.held])

    async def replayed(self, after: int) -> AsyncIterator[Accepted]:
        """Events of what the journal has after that sequence; neighbouring messages of a creator are one."""
        run: list[Record] = []
        async for record in self._journal.read(after):
            ends = record.kind != "message" or len(run) >= REPLAY_BATCH
            if run and (ends or record.creator_id != run[0].creator_id):
                if (event := self._messages_again(run)).messages:
                    yield event
                run = []
            match record.kind:
                case "message":
                    run.append(record)
                case "snapshot":
                    yield self._snapshot_again(record)
                case "release":
                    self._release([orjson.loads(record.body)])
                case "held":
                    self._hold(record.creator_id, record.received_at, [Held.of_json(record.body)])
        if run and (event := self._messages_again(run)).messages:
            yield event

    def _snapshot_again(self, record: Record) -> SnapshotAccepted:
        body = orjson.loads(record.body)
        normalised = normalise_snapshot(
            CacheUpdatePayload(chats=body["chats"], messages=[_wrapped(each) for each in body["messages"]]),
            creator_id=record.creator_id,
            received_at=record.received_at,
            max_text=sys.maxsize,  # it was checked when it was accepted, by what was the limit then
            places=self._places(record.creator_id),
            check_creator=False,  # so was whose it is
        )
        fresh, chats = self._fresh(record.creator_id, record.received_at, normalised, [])
        self._hold(record.creator_id, record.received_at, normalised.held)
        return SnapshotAccepted(record.sequence, record.creator_id, chats, tuple(fresh))

    def _messages_again(self, records: Sequence[Record]) -> DeltaAccepted:
        creator_id = records[0].creator_id
        chats: list[Chat] = []
        fresh: list[Message] = []
        for record in records:
            frame = [LiveMessage(message=_wrapped(orjson.loads(record.body)))]
            normalised = self._read_messages(
                frame, creator_id, record.received_at, sys.maxsize, check_creator=False
            )
            new, told = self._fresh(creator_id, record.received_at, normalised, [])
            fresh += new
            chats += told
            self._hold(creator_id, record.received_at, normalised.held)
        return DeltaAccepted(records[-1].sequence, creator_id, tuple(fresh), tuple(chats))

    # Comparing with what is held

    def _read_snapshot(
        self, snapshot: CacheUpdatePayload, creator_id: str, received_at: float
    ) -> tuple[Normalised, list[bytes]]:
        """The snapshot, and its chats as received, with what their counts cover: messages may tell that."""
        normalised = normalise_snapshot(
            snapshot,
            creator_id=creator_id,
            received_at=received_at,
            max_text=self._max_text,
            places=self._places(creator_id),
        )
        rows = snapshot.chats
        held = {each.position for each in normalised.held if each.is_chat}
        taken = (n for n in range(len(rows)) if n not in held)
        covered = {n: chat.counted_at for n, chat in zip(taken, normalised.listed, strict=True)}
        told = ({**row, COUNTED_AT: covered[n]} if covered.get(n) else row for n, row in enumerate(rows))
        return normalised, [json for row in told if (json := to_json(row)) is not None]

    def _read_messages(
        self,
        frames: Iterable[LiveMessage],
        creator_id: str,
        received_at: float,
        max_text: int,
        *,
        check_creator: bool = True,
    ) -> Normalised:
        return normalise_deltas(
            frames,
            creator_id=creator_id,
            received_at=received_at,
            max_text=max_text,
            places=self._places(creator_id),
            check_creator=check_creator,
        )

    def _places(self, creator_id: str) -> Places:
        chats = self._versions.setdefault(creator_id, {})
        return Places(
            self._fan_of.setdefault(creator_id, {}),
            self._chat_of.setdefault(creator_id, {}),
            lambda message_id: [chat_id for chat_id, known in chats.items() if message_id in known],
        )

    def _fresh(
        self, creator_id: str, received_at: float, normalised: Normalised, before: Before
    ) -> tuple[list[Message], tuple[Chat, ...]]:
        """The messages that say something which is not known yet, and the chats that they or a list tell of.

        From now on all of it is known. A message that says nothing new is not journaled, so its account of
        the fan does not count.
        """
        chats = self._versions.setdefault(creator_id, {})
        own_chat = self._chat_of.setdefault(creator_id, {})
        waiting: deque[tuple[Message, Raw | None]] = deque()
        fan_of = self._fan_of.setdefault(creator_id, {})
        implied = (chat for chat in normalised.implied if chat.fan_id != chat.id)
        named = {chat.id: chat.fan_id for chat in implied if fan_of.get(chat.id) != chat.fan_id}
        for chat in normalised.chats:
            renamed = self._learn(chat, chats, before)
            for id in renamed:  # what two chats had is one message now
                waiting.extend((each, None) for each in self._set_aside(creator_id, chat.id, id))
        waiting.extend((m, normalised.accounts.get(n)) for n, m in enumerate(normalised.messages))
        fresh: list[Message] = []
        told: dict[str, list[tuple[Message, Raw | None]]] = {}
        while waiting:
            message, account = waiting.popleft()
            names_fan = named.get(message.chat_id) == message.fan_id  # the first to say whose chat it is
            if message.chat_id == message.fan_id != own_chat.get(message.fan_id, message.fan_id):
                message = replace(message, chat_id=own_chat[message.fan_id])  # learnt from what came with it
            known = chats.setdefault(message.chat_id, {})
            version, before_it = message.version, known.get(message.id)
            if before_it is not None and not version.brings(before_it) and not names_fan:
                continue
            if names_fan:
                named.pop(message.chat_id)
            _note(before, known, message.id, self._once(before_it.joined(version) if before_it else version))
            fresh.append(message)
            accounts = told.setdefault(message.chat_id, [])
            if not accounts or account not in (None, accounts[-1][1]):
                accounts.append((message, account))
            if message.direction == "creator" and message.is_direct:
                self._sent.append(message)
            # What was set aside of it, such as that it was deleted, is of a message that has a place now.
            waiting.extend((each, None) for each in self._set_aside(creator_id, message.chat_id, message.id))
        self.dropped.update(normalised.dropped)
        by_messages = (chat_of(*each, received_at) for own in told.values() for each in own)
        return fresh, (*normalised.listed, *by_messages)

    def _learn(self, chat: Chat, chats: dict[str, dict[str, Version]], before: Before) -> Iterable[str]:
        """Where a fan's chat is: under an id of its own, as soon as one is known.

        Returns the ids of the messages that are under it now.
        """
        renamed: Iterable[str] = ()
        if not chat.is_named:
            return renamed
        fan_of = self._fan_of.setdefault(chat.creator_id, {})
        own_chat = self._chat_of.setdefault(chat.creator_id, {})
        known = own_chat.get(chat.fan_id)
        if known is None or (known == chat.fan_id != chat.id):
            _note(before, own_chat, chat.fan_id, chat.id)
        if chat.id != chat.fan_id and (moved := chats.get(chat.fan_id)) is not None:
            there = dict(chats.get(chat.id, {}))
            for id, version in moved.items():
                there[id] = self._once(there[id].joined(version) if id in there else version)
            renamed = moved
            _note(before, chats, chat.id, there)
            _note(before, chats, chat.fan_id, None)
            _note(before, fan_of, chat.fan_id, None)
        is_renamed = chat.id == chat.fan_id != own_chat[chat.fan_id]
        if fan_of.get(chat.id) != chat.fan_id and not is_renamed:
            _note(before, fan_of, chat.id, chat.fan_id)
        return renamed

    def _set_aside(self, creator_id: str, chat_id: str, message_id: str) -> Iterator[Message]:
        """What is held under the id of a message that has a place now, read as copies of it."""
        for key in self._held_under(creator_id, message_id):
            aside = self.held[key]
            if aside.held.reason != "no_chat":
                continue
            frame = LiveMessage(message=_wrapped(orjson.loads(aside.held.raw)), chat_id=chat_id)
            read = self._read_messages(
                [frame], creator_id, aside.received_at, sys.maxsize, check_creator=False
            )
            yield from (each for each in read.messages if each.chat_id == chat_id)

    def _held_under(self, creator_id: str, message_id: str) -> list[str]:
        """The keys of what is held under a message's id and speaks of it: one chat alone has that id."""
        keys = self._held_of.get((creator_id, message_id), ())
        if not keys or len(self._places(creator_id).chats_with(message_id)) == 1:
            return list(keys)
        return [key for key in keys if self.held[key].held.reason != "no_chat"]

    def _once(self, version: Version) -> Version:
        return version if version.changed_at else self._shared.setdefault(version, version)

    def _hold(self, creator_id: str, received_at: float, held: Iterable[Held]) -> None:
        for each in held:
            key = _key(creator_id, each)
            self.held.setdefault(key, Aside(creator_id, received_at, each))
            own = self._held_by.setdefault(creator_id, {})
            own[key] = None
            if len(own) > self._max_held:
                self._release([next(iter(own))])
                self.dropped["held_too_many"] += 1
            if each.id is not None:
                self._held_of.setdefault((creator_id, each.id), {})[key] = None
            if text := _captured_text(each):
                self._captured_of.setdefault((creator_id, text), {})[key] = None

    def _release(self, keys: Iterable[str]) -> None:
        for key in keys:
            if (aside := self.held.pop(key, None)) is None:
                continue
            self._held_by[aside.creator_id].pop(key, None)
            if aside.held.id is not None:
                _drop(self._held_of, (aside.creator_id, aside.held.id), key)
            if text := _captured_text(aside.held):
                _drop(self._captured_of, (aside.creator_id, text), key)

    def _captured(self, message: Message) -> str | None:
        """The key of a captured send that is held and of which this message is the echo."""
        if message.direction != "creator" or not message.is_direct:
            return None
        keys = self._captured_of.get((message.creator_id, message.text), {})
        near = (k for k in keys if abs(message.at - self.held[k].received_at) <= ECHO_SECONDS)
        return next(near, None)

    def _has_echo(self, creator_id: str, held: Held, received_at: float) -> bool:
        """Whether a captured send that nothing says the chat of came after its echo."""
        text = _captured_text(held)
        return bool(text) and any(
            sent.creator_id == creator_id and sent.text == text and abs(sent.at - received_at) <= ECHO_SECONDS
            for sent in self._sent
        )

    # Group commit

    async def _enter(
        self,
        creator_id: str,
        received_at: float,
        normalised: Normalised,
        *,
        snapshot: Sequence[bytes] | None = None,
        released: Sequence[str] = (),
    ) -> Receipt:
        if self._doubt is not None:
            raise type(self._doubt)(str(self._doubt))
        before: Before = []
        chats = set(snapshot or ())  # a chat that is held is journaled among the chats
        new = {key: h for h in normalised.held if (key := _key(creator_id, h)) not in self.held}
        # At once: a message beside it, or one that comes before it is in the journal, may tell its place.
        self._hold(creator_id, received_at, normalised.held)
        fresh, told = self._fresh(creator_id, received_at, normalised, before)
        echoed = [key for key, held in new.items() if self._has_echo(creator_id, held, received_at)]
        self._release(echoed)
        # What could not be placed is when the same message comes in a fuller shape, or its echo does.
        placed = [key for m in fresh for key in self._held_under(creator_id, m.id)]
        placed += filter(None, (self._captured(message) for message in fresh))
        released = list(dict.fromkeys([*released, *placed]))
        held = {key: h for key, h in new.items() if key not in echoed}
        entries = [h for h in held.values() if h.raw not in chats]
        entered = _Input(
            creator_id, received_at, fresh, told, entries, list(held), snapshot, released, before
        )
        self._inputs.append(entered)
        self._entered.set()
        return {
            "sequence": await entered.done,
            "accepted": len(entered.fresh),
            "duplicates": max(0, len(normalised.messages) - len(entered.fresh)) + len(echoed),
            "held": len(normalised.held) - len(echoed),
        }

    @property
    def idle(self) -> bool:
        """Whether nothing waits for the journal."""
        return not self._inputs and self._doubt is None

    async def run(self) -> None:
        """Journal what waits, together, again and again. Raises StaleOwner when the user has a new owner."""
        self._passed_on = self._journal.sequence
        while True:
            await self._entered.wait()
            inputs, self._inputs = self._inputs, []
            self._entered.clear()
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
                await self._settle_doubt()

    async def _append(self, run: Sequence[_Input]) -> None:
        creator_id, sequence = run[0].creator_id, self._journal.sequence
        of_each = [each.entries() for each in run]
        entries = list(chain.from_iterable(of_each))
        if (chats := run[0].snapshot) is not None:
            [entered] = run
            if aside := [each for each in entries if each.kind == "held"]:
                await self._journal.append(creator_id, aside)
            bodies = [each.body for each in entries if each.kind == "message"]
            sequence = await self._journal.append_snapshot(creator_id, entered.received_at, chats, bodies)
            self._taken(entered, sequence)
            if releases := [each for each in entries if each.kind == "release"]:
                await self._journal.append(creator_id, releases)
                self._passed_on = self._journal.sequence
            _answer(entered)
            return
        sequences = await self._journal.append(creator_id, entries) if entries else []
        for each, entered_as in zip(run, of_each, strict=True):
            own, sequences = sequences[: len(entered_as)], sequences[len(entered_as) :]
            each.fresh = [m for m, at in zip(each.fresh, own, strict=False) if at]
            # An input speaks of its own last record: a page that has this one may still lack the next.
            sequence = max([sequence, *own])
            self._taken(each, sequence)
            _answer(each)

    def _taken(self, entered: _Input, sequence: int) -> None:
        creator_id, told, fresh = entered.creator_id, entered.told, tuple(entered.fresh)
        entered.sequence = sequence
        self._passed_on = max(self._passed_on, sequence)
        self._release(entered.released)
        if entered.snapshot is not None:
            self._accepted(SnapshotAccepted(sequence, creator_id, told, fresh))
        elif fresh:
            self._accepted(DeltaAccepted(sequence, creator_id, fresh, told))

    def _fail(self, inputs: Sequence[_Input], error: AnalyticsError) -> None:
        """Answer those that were not taken, and forget what they would have brought."""
        for each in reversed(inputs):
            if each.sequence:
                _answer(each)
                continue
            self._release(each.held_keys)
            for mapping, key, value in reversed(each.before):
                if value is None:
                    mapping.pop(key, None)
                else:
                    mapping[key] = value
            if not each.done.done():  # the caller still waits
                each.done.set_exception(error)

    async def _settle_doubt(self) -> None:
        """Read what the journal has of what may have been appended, as soon as Redis answers."""
        log.warning("Nothing is taken until it is known what the journal has: %s", self._doubt)
        wait = RETRY_FIRST
        while self._doubt is not None:
            await asyncio.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311 (jitter, not a secret)
            wait = min(RETRY_MOST, wait * 2)
            try:
                # Where it ends comes first: what Redis appends while it is read has the next append refused.
                await self._journal.refresh()
                async for event in self.replayed(self._passed_on):
                    self._passed_on = event.sequence
                    self._accepted(event)
            except JournalUnavailable as error:
                self._doubt = error
            else:
                self._passed_on = max(self._passed_on, self._journal.sequence)
                self._doubt = None
        log.info("The journal was read; input is taken again.")


def _answer(entered: _Input) -> None:
    if not entered.done.done():  # the caller still waits
        entered.done.set_result(entered.sequence)


def _key(creator_id: str, held: Held) -> str:
    """What something held is called: the same thing received again has the same key."""
    return hashlib.blake2b(creator_id.encode() + b"\0" + held.raw, digest_size=12).hexdigest()


def _runs(inputs: Sequence[_Input]) -> list[list[_Input]]:
    """Neighbouring live inputs of one creator together, every snapshot alone."""
    runs: list[list[_Input]] = []
    for each in inputs:
        before = runs[-1][-1] if runs else None
        if (
            before is not None
            and before.snapshot is None
            and each.snapshot is None
            and before.creator_id == each.creator_id
        ):
            runs[-1].append(each)
        else:
            runs.append([each])
    return runs


def _wrapped(message: Any) -> Any:
    """A message that was taken out of its frame, so that it reads as it did then."""
    is_notification = not isinstance(message, dict) or "new_message" in message
    return message if is_notification else {"api2_chat_message": message}


def _unique(message: Message) -> str:
    """What tells this copy of a message from all others of its creator: ids may be unique in a chat only."""
    digest = hashlib.blake2b(message.raw, digest_size=8).hexdigest()
    return f"{digest}{len(message.chat_id)}:{message.chat_id}{message.id}"


def _note(before: Before, mapping: dict[str, Any], key: str, value: Any) -> None:
    """Set a value (None: remove it), and note what it was."""
    before.append((mapping, key, mapping.get(key)))
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value


def _drop(mapping: dict[tuple[str, str], dict[str, None]], name: tuple[str, str], key: str) -> None:
    """Take a key out, and its name with the last."""
    keys = mapping.get(name, {})
    keys.pop(key, None)
    if not keys:
        mapping.pop(name, None)


def _captured_text(held: Held) -> str | None:
    """The text of a captured send that nothing says the chat of; None when it is something else."""
    if held.reason != "no_chat" or held.is_chat or held.id is None:
        return None
    raw = orjson.loads(held.raw)
    captured = isinstance(raw.get("text"), str) and not raw.get("createdAt")
    return plain_text(raw["text"]) if captured else None
