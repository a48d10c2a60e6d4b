"""A user's checkpoints: all that the owner holds at one place of the journal, as a file that fsspec writes.

The folder is `{url}/user={user}`, a file `{sequence}-{epoch}-{n}.checkpoint`. It begins with the format's
name and version, then come msgpack values (what `Checkpoint` has beside the chats, then chat by chat), then a
checksum of all before it. It is written beside its place and renamed. The two newest are kept, and the
journal is trimmed up to the older one only: when the newest is damaged, the older one and the journal have
everything.

The values carry the names of what they hold. A field that is added to them needs a default, by which files
without it are read; a release that does not know the field passes it over. Whatever may not be passed over is
another version. Line and checksum are the same in every version: a whole file of a version that is not known
was written by a newer release. It is refused and left as it is, with everything beside it.

Where the user's keys encrypt, a file is of another version, in which what is of an account is encrypted with
that account's key: what the graph lacks of it, and its chats, some at a time. Each part is encrypted for this
file and its place in it. A part whose key was destroyed is passed over; a key that is missing has the file
refused and left as it is.

Where anything was ever corrected the file is of a version of its own: a release that does not know what was
corrected would lose it.
"""

import contextlib
import hashlib
import itertools
import logging
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgpack
import msgspec

from chats.corrections import Correction
from encryption.envelope import Place
from encryption.keyring import Keyring
from errors import CheckpointError, CheckpointUnavailable, KeyDestroyed, KeyUnavailable, Undecryptable
from files import PART, folder_at, write_whole
from history import older
from history.history import Key
from history.packing import Packed
from wire.normalise import Held

log = logging.getLogger(__name__)

VERSION = 4  # 1 to 3: `history.older`
ENCRYPTED = 5
CORRECTED = {VERSION: 6, ENCRYPTED: 7}  # the same with corrections
_FIRST = b"creator analytics checkpoint %d\n"
_LINE = re.compile(rb"creator analytics checkpoint (\d+)\n")
KEPT = 2
_CHECKSUM = 32  # bytes
_SUFFIX = ".checkpoint"
_PART = 256 * 1024  # bytes of chats that are encrypted together
_FILE_ID = 16  # bytes


@dataclass(frozen=True, slots=True)
class Aside:
    """Something held, with whose it is and when it was received (epoch seconds)."""

    creator_id: str
    received_at: float
    held: Held


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the owner holds when all records up to `sequence` are applied.

    `basis` is what the enrichment was made with, `fits` the fits of the creators' topics in it, `unfinished`
    the creators whose pages may lack something of it, `unwritten` what the graph lacks, by creator
    (`session.graph`); `revision` is the last of what was understood (`session.understood`) that is in it.
    `corrections` are all that were made, by creator of whom anything was ever corrected.
    `held`, by key, was part of it once and is read only.
    """

    sequence: int
    basis: dict[str, Any]
    fits: dict[str, int]
    unfinished: list[str]
    chats: list[tuple[Key, Packed]]
    revision: int = 0
    unwritten: dict[str, dict[str, Any]] = field(default_factory=dict)
    corrections: dict[str, list[Correction]] = field(default_factory=dict)
    held: dict[str, Aside] = field(default_factory=dict)


class _Head(msgspec.Struct):
    """The first value of a file: what a checkpoint has beside the chats, and how many of these follow."""

    sequence: int
    basis: dict[str, Any]
    unfinished: list[str]
    chats: int
    fits: dict[str, int] = {}
    revision: int = 0
    unwritten: dict[str, dict[str, Any]] = {}
    corrections: dict[str, list[Correction]] = {}


class _EncryptedHead(_Head):
    """Of an encrypted file: parts with so many chats follow.

    `lacking` has `unwritten` by creator, `corrected` the `corrections`.
    """

    file: str = ""  # an id that no other file has
    lacking: dict[str, bytes] = {}
    corrected: dict[str, bytes] = {}


class _Part(msgspec.Struct):
    """So many chats of a creator, encrypted: one `_Chat` after another."""

    creator_id: str
    count: int
    chats: bytes


class _Chat(msgspec.Struct):
    """One chat of a file."""

    creator_id: str
    chat_id: str
    packed: Packed


class Checkpoints:
    """One user's checkpoints. Blocking: call it in a thread. `owner` is the owner's epoch.

    The `keys` are loaded.
    """

    def __init__(self, url: str, user_id: str, owner: int, keys: Keyring | None = None) -> None:
        try:
            self._fs, folder = folder_at(url)
        except (ImportError, ValueError) as error:
            raise CheckpointUnavailable(f"CHECKPOINT_URL cannot be used: {error}") from error
        # "user=" keeps the names . and .. from being the folders that they are.
        self._folder = f"{folder}/user={quote(user_id, safe='')}"
        self._owner = owner
        self._keys = keys or Keyring(user_id)
        self._written = 0
        self.size = 0  # bytes of the last one that was written
        self.is_outdated = False  # what was read is encrypted, and would not be now, or the other way round

    def write(self, checkpoint: Checkpoint) -> int:
        """Write it and drop what is older than the one before.

        Returns the sequence up to which the journal may be trimmed. Raises CheckpointUnavailable.
        """
        self._written += 1
        name = f"{checkpoint.sequence:016d}-{self._owner:08d}-{self._written:06d}{_SUFFIX}"
        try:
            pieces = _encrypted(checkpoint, self._keys) if self._keys.encrypts else _pieces(checkpoint)
            self.size = write_whole(self._fs, self._folder, name, _with_checksum(pieces))
            names, parts = self._names(), self._names(f"{_SUFFIX}{PART}")
            for old in (*names[KEPT:], *parts):  # parts: of owners that were killed
                self._fs.rm_file(f"{self._folder}/{old}")
        except Exception as error:  # every kind of storage has errors of its own
            raise CheckpointUnavailable(_away(error)) from error
        return _sequence(names[:KEPT][-1]) if len(names) >= KEPT else 0

    def read(self) -> Checkpoint | None:
        """The newest that can be read, None when there is none.

        One that is damaged is logged as an error and set aside: it is not one of the two that are kept.
        Raises CheckpointUnavailable, also when one was written by a newer release.
        """
        try:
            for name in self._names():
                path = f"{self._folder}/{name}"
                try:
                    data = self._fs.cat_file(path)
                    checkpoint = _parsed(data, self._keys)
                    self.is_outdated = _is_encrypted(data) != self._keys.encrypts
                    return checkpoint
                except CheckpointError as error:
                    log.error("The checkpoint %s is set aside: %s", path, error)
                    self._fs.mv(path, f"{path}.damaged")
                except CheckpointUnavailable as error:
                    raise CheckpointUnavailable(f"The checkpoint {path} {error}") from error
        except CheckpointUnavailable:
            raise
        except Exception as error:
            raise CheckpointUnavailable(_away(error)) from error
        return None

    def drop_damaged(self) -> None:
        """Drop what was set aside as damaged. Raises CheckpointUnavailable."""
        try:
            for name in self._names(f"{_SUFFIX}.damaged"):
                self._fs.rm_file(f"{self._folder}/{name}")
        except Exception as error:
            raise CheckpointUnavailable(_away(error)) from error

    def _names(self, suffix: str = _SUFFIX) -> list[str]:
        """Newest first. What was not renamed is not among them."""
        try:
            found = self._fs.ls(self._folder, detail=False, refresh=True)
        except FileNotFoundError:
            return []
        names = (path.rsplit("/", 1)[-1] for path in found)
        return sorted((name for name in names if name.endswith(suffix)), reverse=True)


def _sequence(name: str) -> int:
    return int(name.partition("-")[0])


def _with_checksum(pieces: Iterable[bytes]) -> Iterator[bytes]:
    checksum = hashlib.blake2b(digest_size=_CHECKSUM)
    for piece in pieces:
        checksum.update(piece)
        yield piece
    yield checksum.digest()


def _pieces(checkpoint: Checkpoint) -> Iterator[bytes]:
    yield _first_of(checkpoint, VERSION)
    head = _Head(
        **_head_of(checkpoint),
        chats=len(checkpoint.chats),
        unwritten=checkpoint.unwritten,
        corrections=checkpoint.corrections,
    )
    yield msgspec.msgpack.encode(head)
    for (creator_id, chat_id), packed in checkpoint.chats:
        yield msgspec.msgpack.encode(_Chat(creator_id, chat_id, packed))


def _encrypted(checkpoint: Checkpoint, keys: Keyring) -> Iterator[bytes]:
    file = os.urandom(_FILE_ID).hex()
    lacking = {
        creator_id: keys.encrypt(creator_id, _place(file, "lacking"), msgspec.msgpack.encode(lacks))
        for creator_id, lacks in checkpoint.unwritten.items()
    }
    corrected = {
        creator_id: keys.encrypt(creator_id, _place(file, "corrected"), msgspec.msgpack.encode(made))
        for creator_id, made in checkpoint.corrections.items()
    }
    yield _first_of(checkpoint, ENCRYPTED)
    count = len(checkpoint.chats)
    head = _EncryptedHead(
        **_head_of(checkpoint), chats=count, file=file, lacking=lacking, corrected=corrected
    )
    yield msgspec.msgpack.encode(head)
    for n, (creator_id, part) in enumerate(_parts(checkpoint.chats)):
        chats = keys.encrypt(creator_id, _place(file, n, len(part), count), b"".join(part))
        yield msgspec.msgpack.encode(_Part(creator_id, len(part), chats))


def _first_of(checkpoint: Checkpoint, version: int) -> bytes:
    return _FIRST % (CORRECTED[version] if checkpoint.corrections else version)


def _is_encrypted(data: bytes) -> bool:
    return data.startswith((_FIRST % ENCRYPTED, _FIRST % CORRECTED[ENCRYPTED]))


def _parts(chats: Iterable[tuple[Key, Packed]]) -> Iterator[tuple[str, list[bytes]]]:
    """Neighbouring chats of one creator together, about _PART bytes."""
    for creator_id, own in itertools.groupby(chats, key=lambda each: each[0][0]):
        part: list[bytes] = []
        size = 0
        for (_, chat_id), packed in own:
            part.append(msgspec.msgpack.encode(_Chat(creator_id, chat_id, packed)))
            size += len(part[-1])
            if size >= _PART:
                yield creator_id, part
                part, size = [], 0
        if part:
            yield creator_id, part


def _head_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """What a file says in the clear, whether it is encrypted or not."""
    return {
        name: getattr(checkpoint, name) for name in ("sequence", "basis", "unfinished", "fits", "revision")
    }


def _place(file: str, *where: str | int) -> Place:
    return "part of a checkpoint", file, *where


def _parsed(data: bytes, keys: Keyring) -> Checkpoint:
    """Raises CheckpointError: it is not whole; CheckpointUnavailable: it is, and cannot be read."""
    body, checksum = memoryview(data)[:-_CHECKSUM], data[-_CHECKSUM:]
    if hashlib.blake2b(body, digest_size=_CHECKSUM).digest() != checksum:
        raise CheckpointError("its checksum is wrong.")
    line = _LINE.match(body)
    if line is None:
        raise CheckpointError("it does not begin as a checkpoint does.")
    version = int(line[1])
    if version > (newest := CORRECTED[ENCRYPTED]):
        raise CheckpointUnavailable(
            f"has format {version}, this release reads up to {newest}: start a newer one."
        )
    values = msgpack.Unpacker(max_buffer_size=len(data))
    values.feed(body[line.end() :])
    try:
        if version in (ENCRYPTED, CORRECTED[ENCRYPTED]):
            return _decrypted(values, keys)
        return _read(values) if version >= VERSION else _read_older(values)
    except (KeyUnavailable, Undecryptable) as error:
        raise CheckpointUnavailable(f"cannot be decrypted: {error}") from error
    except Exception as error:  # it is as it was written, so it is not for this release to put it aside
        raise CheckpointUnavailable(f"is whole and cannot be read ({type(error).__name__}).") from error


def _read(values: msgpack.Unpacker) -> Checkpoint:
    head = msgspec.convert(values.unpack(), _Head)
    chats: list[tuple[Key, Packed]] = []
    for _ in range(head.chats):
        chat = msgspec.convert(values.unpack(), _Chat)
        chats.append(((chat.creator_id, chat.chat_id), chat.packed))
    return Checkpoint(
        head.sequence,
        head.basis,
        head.fits,
        head.unfinished,
        chats,
        head.revision,
        head.unwritten,
        head.corrections,
    )


def _decrypted(values: msgpack.Unpacker, keys: Keyring) -> Checkpoint:
    head = msgspec.convert(values.unpack(), _EncryptedHead)
    unwritten: dict[str, dict[str, Any]] = {}
    for creator_id, lacking in head.lacking.items():
        with contextlib.suppress(KeyDestroyed):
            plain = keys.decrypt(creator_id, _place(head.file, "lacking"), lacking)
            unwritten[creator_id] = msgspec.msgpack.decode(plain)
    corrections: dict[str, list[Correction]] = {}
    for creator_id, made in head.corrected.items():
        with contextlib.suppress(KeyDestroyed):
            plain = keys.decrypt(creator_id, _place(head.file, "corrected"), made)
            corrections[creator_id] = msgspec.msgpack.decode(plain, type=list[Correction])
    chats: list[tuple[Key, Packed]] = []
    left = head.chats
    for n in itertools.count():
        if not left:
            break
        part = msgspec.convert(values.unpack(), _Part)
        left -= part.count
        try:
            place = _place(head.file, n, part.count, head.chats)
            plain = keys.decrypt(part.creator_id, place, part.chats)
        except KeyDestroyed:
            log.warning("A part of a checkpoint is passed over: its account was erased.")
            continue
        own = msgpack.Unpacker(max_buffer_size=len(plain))
        own.feed(plain)
        for value in own:
            chat = msgspec.convert(value, _Chat)
            chats.append(((chat.creator_id, chat.chat_id), chat.packed))
    return Checkpoint(
        head.sequence,
        head.basis,
        head.fits,
        head.unfinished,
        chats,
        head.revision,
        unwritten,
        corrections,
    )


def _read_older(values: msgpack.Unpacker) -> Checkpoint:
    """Of format 1, 2 or 3."""
    head: dict[str, Any] = values.unpack()
    gap, silence = head["basis"]["gap"], head["basis"]["silence"]
    chats: list[tuple[Key, Packed]] = []
    for _ in range(head["chats"]):
        (creator_id, chat_id), packed = values.unpack()
        chats.append(((creator_id, chat_id), older.packed_chat(packed, gap=gap, silence=silence)))
    return Checkpoint(
        sequence=head["sequence"],
        basis=head["basis"],
        fits=head.get("fits", {}),  # the first checkpoints had none
        unfinished=head["unfinished"],
        chats=chats,
        revision=head.get("revision", 0),
        held={
            key: Aside(each["creator_id"], each["received_at"], Held(**each["held"]))
            for key, each in head.get("held", {}).items()
        },
    )


def _away(error: Exception) -> str:
    return f"The checkpoint storage does not take or give files ({type(error).__name__}: {error})."
