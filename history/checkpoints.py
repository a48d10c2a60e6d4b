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
"""

import contextlib
import hashlib
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import quote

import msgpack
import msgspec
from fsspec.core import url_to_fs

from errors import CheckpointError, CheckpointUnavailable
from history import older
from history.history import Key
from history.packing import Packed
from wire.normalise import Held

log = logging.getLogger(__name__)

VERSION = 4  # 1 to 3: `history.older`
_LINE = re.compile(rb"creator analytics checkpoint (\d+)\n")
KEPT = 2
_CHECKSUM = 32  # bytes
_SUFFIX = ".checkpoint"


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
    `held`, by key, was part of it once and is read only.
    """

    sequence: int
    basis: dict[str, Any]
    fits: dict[str, int]
    unfinished: list[str]
    chats: list[tuple[Key, Packed]]
    revision: int = 0
    unwritten: dict[str, dict[str, Any]] = field(default_factory=dict)
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


class _Chat(msgspec.Struct):
    """One chat of a file."""

    creator_id: str
    chat_id: str
    packed: Packed


class Checkpoints:
    """One user's checkpoints. Blocking: call it in a thread. `owner` is the owner's epoch."""

    def __init__(self, url: str, user_id: str, owner: int) -> None:
        try:
            self._fs, folder = url_to_fs(url, auto_mkdir=True) if "://" not in url else url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise CheckpointUnavailable(f"CHECKPOINT_URL cannot be used: {error}") from error
        # "user=" keeps the names . and .. from being the folders that they are.
        self._folder = f"{folder.rstrip('/')}/user={quote(user_id, safe='')}"
        self._owner = owner
        self._written = 0
        self.size = 0  # bytes of the last one that was written

    def write(self, checkpoint: Checkpoint) -> int:
        """Write it and drop what is older than the one before.

        Returns the sequence up to which the journal may be trimmed. Raises CheckpointUnavailable.
        """
        self._written += 1
        name = f"{checkpoint.sequence:016d}-{self._owner:08d}-{self._written:06d}{_SUFFIX}"
        part = f"{self._folder}/{name}.part"
        try:
            self._fs.makedirs(self._folder, exist_ok=True)
            with self._fs.open(part, "wb") as file:
                checksum = hashlib.blake2b(digest_size=_CHECKSUM)
                for piece in _pieces(checkpoint):
                    checksum.update(piece)
                    file.write(piece)
                file.write(checksum.digest())
                self.size = file.tell()
                _sync(file)
            self._fs.mv(part, f"{self._folder}/{name}")
            _sync_folder(self._folder)
            names, parts = self._names(), self._names(f"{_SUFFIX}.part")
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
                    return _parsed(self._fs.cat_file(path))
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


def _pieces(checkpoint: Checkpoint) -> Iterator[bytes]:
    yield b"creator analytics checkpoint %d\n" % VERSION
    head = _Head(
        sequence=checkpoint.sequence,
        basis=checkpoint.basis,
        unfinished=checkpoint.unfinished,
        chats=len(checkpoint.chats),
        fits=checkpoint.fits,
        revision=checkpoint.revision,
        unwritten=checkpoint.unwritten,
    )
    yield msgspec.msgpack.encode(head)
    for (creator_id, chat_id), packed in checkpoint.chats:
        yield msgspec.msgpack.encode(_Chat(creator_id, chat_id, packed))


def _sync_folder(folder: str) -> None:
    """Have a local rename on disk."""
    with contextlib.suppress(OSError):  # no local folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _parsed(data: bytes) -> Checkpoint:
    """Raises CheckpointError: it is not whole; CheckpointUnavailable: it is, and cannot be read."""
    body, checksum = memoryview(data)[:-_CHECKSUM], data[-_CHECKSUM:]
    if hashlib.blake2b(body, digest_size=_CHECKSUM).digest() != checksum:
        raise CheckpointError("its checksum is wrong.")
    line = _LINE.match(body)
    if line is None:
        raise CheckpointError("it does not begin as a checkpoint does.")
    version = int(line[1])
    if version > VERSION:
        raise CheckpointUnavailable(
            f"has format {version}, this release reads up to {VERSION}: start a newer one."
        )
    values = msgpack.Unpacker(max_buffer_size=len(data))
    values.feed(body[line.end() :])
    read = _read if version == VERSION else _read_older
    try:
        return read(values)
    except Exception as error:  # it is as it was written, so it is not for this release to put it aside
        raise CheckpointUnavailable(f"is whole and cannot be read ({type(error).__name__}).") from error


def _read(values: msgpack.Unpacker) -> Checkpoint:
    head = msgspec.convert(values.unpack(), _Head)
    chats: list[tuple[Key, Packed]] = []
    for _ in range(head.chats):
        chat = msgspec.convert(values.unpack(), _Chat)
        chats.append(((chat.creator_id, chat.chat_id), chat.packed))
    return Checkpoint(
        head.sequence, head.basis, head.fits, head.unfinished, chats, head.revision, head.unwritten
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


def _sync(file: IO[bytes]) -> None:
    """Have a local file on disk before it is renamed; object stores write whole objects."""
    file.flush()
    try:
        descriptor = file.fileno()
    except (OSError, AttributeError):  # not a local file
        return
    os.fsync(descriptor)


def _away(error: Exception) -> str:
    return f"The checkpoint storage does not take or give files ({type(error).__name__}: {error})."
