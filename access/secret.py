"""The installation's secret, in a file of its own: keys, the audit trail and receipts hang on it."""

import hashlib
import hmac
import logging
from pathlib import Path
from typing import Final, Literal

from access.versions import Version, make_file, read_versions
from errors import SettingsError

log = logging.getLogger(__name__)

SETTING: Final = "AUTH_SECRET_FILE"
_Purpose = Literal["key", "audit", "receipt", "subject", "pseudonym"]


class Secret:
    """A secret that is used through keyed hashes alone. Each purpose has a key of its own.

    What is hashed is hashed with the newest version; the older ones tell what was hashed with them.
    """

    def __init__(self, value: bytes, *older: bytes) -> None:
        self._versions = tuple(map(Version, (value, *older)))

    def __repr__(self) -> str:
        return "Secret(..)"

    @property
    def versions(self) -> tuple[Version, ...]:
        """The newest first."""
        return self._versions

    def digest(self, purpose: _Purpose, value: bytes) -> str:
        """HMAC-SHA256 of a value, in hex."""
        return _digest(self.versions[0], purpose, value)

    def age(self, purpose: _Purpose, value: bytes, digest: str) -> int | None:
        """Which version's digest this is: 0 is the newest, 1 the one before. None: that of none.

        It takes a time that does not tell how much of the digest is right.
        """
        shown = digest.encode("utf-8", "replace")
        for age, version in enumerate(self.versions):
            if hmac.compare_digest(_digest(version, purpose, value).encode(), shown):
                return age
        return None


class _InFile(Secret):
    """The secret in a file, as the file has it at the time: a command may rotate it.

    A file that cannot be read any more changes nothing.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = _stamp(file)
        self._versions = read_versions(file, SETTING)

    @property
    def versions(self) -> tuple[Version, ...]:
        if (stamp := _stamp(self._file)) != self._read:
            self._read = stamp
            try:
                self._versions = read_versions(self._file, SETTING)
            except SettingsError as error:
                log.error("The installation's secret stays what it was: %s", error)
        return self._versions


def read_secret(file: Path) -> Secret:
    """The secret in the file, which may be rotated while this is used.

    SettingsError when it cannot be read, is too short, or is open to others.
    """
    return _InFile(file)


def make_secret(file: Path) -> None:
    """Have a secret in the file, whole and readable for its owner alone; one that is there stays."""
    make_file(file, SETTING)


def _stamp(file: Path) -> tuple[int, int, int] | None:
    """What is another when the file is; None when it is not there."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns  # the last one changes with who may read it


def _digest(version: Version, purpose: _Purpose, value: bytes) -> str:
    key = hmac.digest(version.secret, purpose.encode(), hashlib.sha256)
    return hmac.new(key, value, hashlib.sha256).hexdigest()
