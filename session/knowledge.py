"""All that an owner knows of what came in: messages, what is held, what was sent just now, what is erased.

Pure.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import orjson

from chats.bundle import Bundle, Messages, placed
from chats.chat import Chat
from chats.message import Message, Version
from history.checkpoints import Aside
from session.echoes import Echoes
from session.erasure import Erasure, Tombstones
from session.known import Known, Notes
from session.machine import ErasureAccepted
from session.quarantine import Quarantine, captured_text, ids_in
from steps import ROWS, Steps
from wire.incoming import LiveMessage, framed
from wire.normalise import Held, Normalised, normalise_deltas

# The kinds under which is counted what came of whom all is erased, and what came too late to be kept.
ERASED, EXPIRED = "erased", "expired"


class Knowledge:
    """One user's. `max_held` is what is held of one creator at most. `oldest` tells the time (epoch seconds)
    from which on a creator's messages are taken (None: all are). `dropped` counts what is not kept, by kind.
    """

    def __init__(
        self, max_held: int, oldest: Callable[[str], float | None] = lambda creator_id: None
    ) -> None:
        self.oldest = oldest
        self.dropped: Counter[str] = Counter()
        self.tombstones = Tombstones(b"")
        self._quarantine = Quarantine(max_held, self.dropped)
        self._known: dict[str, Known] = {}  # by creator
        self._echoes = Echoes()
        self.held = self._quarantine.held

    def of(self, creator_id: str) -> Known:
        """What is known of a creator's messages and chats."""
        if (known := self._known.get(creator_id)) is None:
            known = self._known[creator_id] = Known()
        return known

    # What is told of what came before

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
        self.of(creator_id).add(chat_id, fan_id, versions)
        for message in latest:
            self._echoes.add(message, message.at, Notes())

    def know_erased(self, tombstones: Tombstones) -> None:
        """What must not come back, and is not to be known of what was told until now."""
        self.tombstones = tombstones
        self._forget(tombstones)

    def know_held(self, held: dict[str, Aside]) -> None:
        """What was set aside until now."""
        for aside in held.values():
            self._quarantine.hold(aside)

    # What is new

    def admitted(self, creator_id: str, normalised: Normalised) -> Steps[Normalised]:
        """What was read without what is of somebody erased or too old, which is counted; in steps."""
        oldest = self.oldest(creator_id)
        if not self.tombstones and oldest is None:
            return normalised
        covers = self.tombstones.covering(creator_id)
        messages, accounts = normalised.messages, normalised.accounts
        old: set[int] = set()  # places
        gone: set[int] = set()
        for position, (place, message) in enumerate(placed(messages), 1):
            if position % ROWS == 0:
                yield
            if oldest is not None and message.at < oldest:
                old.add(place)
            elif covers(message.chat_id, message.fan_id):
                gone.add(place)
        held = tuple(each for each in normalised.held if not covers(*ids_in(creator_id, each)))
        counts = {EXPIRED: len(old), ERASED: len(gone) + len(normalised.held) - len(held)}
        if isinstance(messages, Bundle):
            messages = yield from messages.without(old | gone)
        else:
            kept = [place for place in range(len(messages)) if place not in old and place not in gone]
            messages = tuple(messages[place] for place in kept)
            accounts = {n: accounts[place] for n, place in enumerate(kept) if place in accounts}
        return Normalised(
            listed=tuple(chat for chat in normalised.listed if not covers(chat.id, chat.fan_id)),
            implied=tuple(chat for chat in normalised.implied if not covers(chat.id, chat.fan_id)),
            messages=messages,
            held=held,
            dropped={**normalised.dropped, **{kind: count for kind, count in counts.items() if count}},
            accounts=accounts,
        )

    def fresh(
        self, creator_id: str, received_at: float, normalised: Normalised, notes: Notes
    ) -> Steps[tuple[Messages, tuple[Chat, ...]]]:
        """What is new in it, and is known from now on; see `Known.take`."""

        def set_aside(chat_id: str, message_id: str) -> Sequence[Message]:
            return self._set_aside(creator_id, chat_id, message_id)

        def met(message: Message) -> None:
            self._echoes.add(message, received_at, notes)

        fresh, told = yield from self.of(creator_id).take(normalised, received_at, set_aside, met, notes)
        self.dropped.update(normalised.dropped)
        return fresh, told

    # What is held

    def hold(self, creator_id: str, received_at: float, held: Iterable[Held]) -> None:
        """Set aside what was received at a time."""
        for each in held:
            self._quarantine.hold(Aside(creator_id, received_at, each))

    def release(self, keys: Iterable[str]) -> None:
        """Hold it no longer."""
        self._quarantine.release(keys)

    def held_of(self) -> set[str]:
        """The creators of whom something is held."""
        return {aside.creator_id for aside in self.held.values()}

    def held_with(self, message: Message) -> list[str]:
        """The keys of what is held that has a place once this message has: it is a copy, or its echo."""
        captured = self._quarantine.captured_of(message)
        return [*self._held_under(message.creator_id, message.id), *([captured] if captured else [])]

    def has_echo(self, creator_id: str, held: Held, received_at: float) -> bool:
        """Whether a captured send that nothing says the chat of came after its echo."""
        text = captured_text(held)
        return bool(text) and self._echoes.has(creator_id, text or "", received_at)

    def _set_aside(self, creator_id: str, chat_id: str, message_id: str) -> Sequence[Message]:
        """What is held under the id of a message that has a place now, read as copies of it."""
        copies: list[Message] = []
        for key in self._held_under(creator_id, message_id) if self.held else ():
            aside = self.held[key]
            if aside.held.reason != "no_chat":
                continue
            read = normalise_deltas(
                [LiveMessage(framed(orjson.loads(aside.held.raw)), chat_id)],
                creator_id=creator_id,
                received_at=aside.received_at,
                max_text=sys.maxsize,
                places=self.of(creator_id).places,
                check_creator=False,
            )
            copies += (each for each in read.messages if each.chat_id == chat_id)
        return copies

    def _held_under(self, creator_id: str, message_id: str) -> Sequence[str]:
        return self._quarantine.under(creator_id, message_id, self.of(creator_id).chats_with(message_id))

    # What must go, and not come back

    def is_erased(self, creator_id: str) -> bool:
        """Whether all of the account is erased, and nothing of it is taken."""
        return self.tombstones.has_account(creator_id)

    def names(self, creator_id: str | None, id: str | None) -> tuple[str, ...]:
        """The tombstones of all of a user, an account or one fan, by the fan's id or the chat's."""
        if creator_id is None:
            return (self.tombstones.name(),)
        if id is None:
            return (self.tombstones.name(creator_id),)
        ids = self.of(creator_id).ids_with(id)
        return tuple(self.tombstones.name(creator_id, each) for each in ids)

    def counts_of(self, names: Iterable[str]) -> dict[str, int]:
        """How much is known of what these tombstones are of."""
        marks = self.tombstones.of(names)
        chats = [
            messages
            for creator_id, known in self._known.items()
            for messages in known.held_of(marks.covering(creator_id)).values()
        ]
        held = len(self._quarantine.of_erased(marks))
        return {"chats": len(chats), "messages": sum(chats), "held": held}

    def erase(self, erasure: Erasure) -> ErasureAccepted:
        """Know nothing more of what an erasure names, whose tombstones are set."""
        marks = self.tombstones.of(erasure.names)
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
