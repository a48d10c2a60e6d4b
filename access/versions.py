"""A secret in a file, and its versions: the newest is used for what is new, the others for what they made.

A file as anybody makes it holds one secret and nothing else. Once it was rotated it begins with HEADER, and
has a line for each version, the newest first: the day it was made, and the secret in hex. A version is called
by its id, which does not tell the secret.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from errors import InvalidInput, SettingsError

BYTES = 32
HEADER = b"# versions of a secret, the newest first"
_ID = 4  # bytes


@dataclass(frozen=True, slots=True)
class Version:
    """One version. `made` is a day as ISO 8601 has it, empty where nobody knows it."""

    secret: bytes = field(repr=False)
    made: str = ""

    @property
    def id(self) -> str:
        return hmac.digest(self.secret, b"id", hashlib.sha256)[:_ID].hex()


def read_versions(file: Path, name: str) -> tuple[Version, ...]:
    """The versions of the secret in the file that the setting `name` names.

    SettingsError when it cannot be read, when a secret is too short, or when others may read it.
    """
    try:
        content = file.read_bytes().strip()
        mode = file.stat().st_mode
    except OSError as error:
        raise SettingsError(
            f"{name}={file}: cannot be read ({error.strerror}); every node needs it at the same path."
        ) from None
    if mode & 0o077:
        raise SettingsError(f"{name}={file}: others may read it; chmod 600 it.")
    versions = _parsed(content, f"{name}={file}")
    if any(len(each.secret) < BYTES for each in versions):
        raise SettingsError(f"{name}={file}: shorter than {BYTES} bytes; openssl rand -hex 32 makes one.")
    return versions


def make_file(file: Path, name: str) -> None:
    """Have a secret in the file, whole and readable for its owner alone; one that is there stays.

    SettingsError when it cannot be made.
    """
    if file.exists():
        return
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        _write(part, secrets.token_hex(BYTES).encode() + b"\n")
        with suppress(FileExistsError):  # somebody else was first
            os.link(part, file)
        part.unlink()
    except OSError as error:
        raise SettingsError(f"{name}={file}: cannot be made ({error.strerror}).") from None


def add_version(file: Path, name: str) -> Version:
    """Make a version, which is the newest from now on, and return it. SettingsError as of `read_versions`."""
    added = Version(secrets.token_hex(BYTES).encode(), datetime.now(UTC).date().isoformat())
    _replace(file, name, (added, *read_versions(file, name)))
    return added


def older_version(versions: Sequence[Version], id: str) -> Version:
    """The version of that id, which is not the newest; InvalidInput when it is, or when there is none."""
    if versions[0].id == id:
        raise InvalidInput(f"{id} is the newest version; rotate first, and retire it when nothing needs it.")
    for each in versions[1:]:
        if each.id == id:
            return each
    raise InvalidInput(f"There is no version {id}; `list` shows those that there are.")


def drop_version(file: Path, name: str, id: str) -> None:
    """Take an older version out of the file, for good. InvalidInput as of `older_version`."""
    versions = read_versions(file, name)
    dropped = older_version(versions, id)
    _replace(file, name, [each for each in versions if each != dropped])


def _parsed(content: bytes, named: str) -> tuple[Version, ...]:
    header, *lines = content.split(b"\n")
    if header != HEADER:
        return (Version(content),)
    try:
        found = [(made, bytes.fromhex(secret)) for made, secret in (str(x, "ascii").split() for x in lines)]
    except ValueError:
        found = []
    if not found:
        raise SettingsError(f"{named}: is damaged; restore it from a backup.")
    return tuple(Version(secret, "" if made == "-" else made) for made, secret in found)


def _replace(file: Path, name: str, versions: Sequence[Version]) -> None:
    lines = [f"{each.made or '-'} {each.secret.hex()}".encode() for each in versions]
    part = file.with_name(f"{file.name}.part")
    try:
        before = file.stat()
        _write(part, b"\n".join((HEADER, *lines, b"")))
        if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(part, before.st_uid, before.st_gid)  # the service's user has to read it
        part.replace(file)
    except FileExistsError:
        raise SettingsError(
            f"{name}={file}: {part.name} is beside it: another command changes it, or was broken off; then "
            "remove that file."
        ) from None
    except OSError as error:
        raise SettingsError(f"{name}={file}: cannot be changed ({error.strerror}).") from None


def _write(part: Path, content: bytes) -> None:
    """A new file, for its owner alone, on disk when this returns."""
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
