"""Many messages as compressed bytes, on their way into their chats. Pure.

As objects they take ten times the memory. What a process has held once it gives back only in part, because
something small that stays lies everywhere among what goes.
"""

import zlib
from array import array
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence, Set, Sized
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import structs

from chats.message import Message

PARTS = 32  # which one a chat is in, its id tells
PIECE = 64  # messages that are compressed together

_FAST = 1  # zlib's level
_NOTHING = b"{}"  # received
_MESSAGES = msgspec.msgpack.Decoder(list[Message])
_RAWS = msgspec.msgpack.Decoder(list[bytes])


@dataclass(frozen=True, slots=True)
class _Piece:
    places: Sequence[int]  # in the order in which they were added to the bundle
    said: bytes  # the messages without what was received: a fifth of all, and read more often
    received: bytes

    @classmethod
    def of(cls, places: Sequence[int], messages: Sequence[Message]) -> "_Piece":
        said = [structs.replace(message, raw=_NOTHING) for message in messages]
        return cls(places, _compressed(said), _compressed([message.raw for message in messages]))

    def messages(self) -> list[Message]:
        """Without what was received."""
        return _MESSAGES.decode(zlib.decompress(self.said))

    def raws(self) -> list[bytes]:
        return _RAWS.decode(zlib.decompress(self.received))

    def whole(self) -> Iterator[Message]:
        pairs = zip(self.messages(), self.raws(), strict=True)
        return (structs.replace(message, raw=raw) for message, raw in pairs)


class _Part:
    """The messages of some chats."""

    def __init__(self) -> None:
        self._places = array("Q")
        self._messages: list[Message] = []  # that are not in a piece yet
        self._pieces: list[_Piece] = []

    def add(self, place: int, message: Message) -> None:
        self._places.append(place)
        self._messages.append(message)
        if len(self._messages) >= PIECE:
            self._close()

    def put(self, piece: _Piece) -> None:
        self._close()
        self._pieces.append(piece)

    def pieces(self) -> Iterator[_Piece]:
        self._close()
        return iter(self._pieces)

    def _close(self) -> None:
        if self._messages:
            self._pieces.append(_Piece.of(self._places, self._messages))
            self._places, self._messages = array("Q"), []


class Bundle(Sized, Iterable[Message]):
    """Messages that are made anew each time that they are gone through.

    Those of one chat are together, in the order in which they were added.
    """

    def __init__(self) -> None:
        self._parts = [_Part() for _ in range(PARTS)]
        self._count = 0
        self._places = 0  # that were given

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Message]:
        return (message for piece in self._pieces() for message in piece.whole())

    def append(self, message: Message) -> None:
        self._add(self._places, message)
        self._places += 1

    def placed(self) -> Iterator[tuple[int, Message]]:
        """Each with its place among all that were added; what was received of it is left out."""
        for piece in self._pieces():
            yield from zip(piece.places, piece.messages(), strict=True)

    def raws(self) -> Iterator[bytes]:
        """What was received of each."""
        return (raw for piece in self._pieces() for raw in piece.raws())

    def emptied(self) -> Iterator[Iterator[Message]]:
        """All of them for the last time, in parts that share no chat; the length stays what it was."""
        while self._parts:
            yield (message for piece in self._parts.pop(0).pieces() for message in piece.whole())

    def without(
        self, places: Set[int], moved: Mapping[int, str] = MappingProxyType({})
    ) -> Generator[None, None, "Bundle"]:
        """Those at other places, of which some are `moved` into another chat; in steps.

        All keep their places.
        """
        found = Bundle()
        found._places = self._places
        for part, own in zip(self._parts, found._parts, strict=True):
            for piece in part.pieces():
                there = [place for place in piece.places if place not in places]
                if len(there) == len(piece.places) and moved.keys().isdisjoint(there):
                    own.put(piece)
                    found._count += len(there)
                    continue
                yield
                for place, message in zip(piece.places, piece.whole() if there else (), strict=False):
                    if place not in places:
                        chat_id = moved.get(place, message.chat_id)
                        found._add(place, structs.replace(message, chat_id=chat_id))
        return found

    def _add(self, place: int, message: Message) -> None:
        number = zlib.crc32(message.chat_id.encode("utf-8", "replace")) % PARTS
        self._parts[number].add(place, message)
        self._count += 1

    def _pieces(self) -> Iterator[_Piece]:
        return (piece for part in self._parts for piece in part.pieces())


Messages = Sequence[Message] | Bundle


def placed(messages: Messages) -> Iterator[tuple[int, Message]]:
    """Each with its place."""
    return messages.placed() if isinstance(messages, Bundle) else enumerate(messages)


def emptied(messages: Messages) -> Iterable[Iterable[Message]]:
    """All of them, in parts that share no chat; a bundle is given for the last time."""
    return messages.emptied() if isinstance(messages, Bundle) else (messages,)


def raws(messages: Messages) -> Iterator[bytes]:
    """What was received of each."""
    return messages.raws() if isinstance(messages, Bundle) else (message.raw for message in messages)


def _compressed(value: Any) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(value), _FAST)
