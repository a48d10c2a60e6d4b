"""Master keys, which encrypt data keys and nothing else: a port for a key management service, and a file."""

import os
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from access.versions import Version, read_versions
from errors import KeyUnavailable, SettingsError

SETTING: Final = "ENCRYPTION_KEY_FILE"
_NONCE = 12  # bytes


class MasterKeys(Protocol):
    """The versions of the master key. Blocking. KeyUnavailable when it is out of reach.

    `context` says of which data key it is: what was wrapped with another context is refused.
    """

    def versions(self) -> list[str]:
        """The names of those that can unwrap, the one that wraps first."""

    def wrap(self, key: bytes, context: bytes) -> tuple[str, bytes]:
        """A data key encrypted with the newest version, whose name comes first."""

    def unwrap(self, version: str, wrapped: bytes, context: bytes) -> bytes:
        """The data key; KeyUnavailable when there is no such version or it did not wrap this."""


class MasterKeyFile:
    """Master keys in a file (`access.versions`), as it is at the time: a command may rotate it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def versions(self) -> list[str]:
        return [each.id for each in self._read()]

    def wrap(self, key: bytes, context: bytes) -> tuple[str, bytes]:
        newest = self._read()[0]
        nonce = os.urandom(_NONCE)
        return newest.id, nonce + _cipher(newest).encrypt(nonce, key, context)

    def unwrap(self, version: str, wrapped: bytes, context: bytes) -> bytes:
        for each in self._read():
            if each.id == version:
                try:
                    return _cipher(each).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], context)
                except (InvalidTag, ValueError):
                    raise KeyUnavailable(
                        f"A data key that master key {version} wrapped was changed; restore the folder of "
                        "the data keys (DATA_KEYS_URL) from a backup."
                    ) from None
        raise KeyUnavailable(
            f"{SETTING}={self._file}: has no master key {version}, which wrapped a data key that is needed; "
            "put the file back as it was when that was written."
        )

    def _read(self) -> tuple[Version, ...]:
        try:
            return read_versions(self._file, SETTING)
        except SettingsError as error:
            raise KeyUnavailable(str(error)) from None


class NoMasterKeys:
    """Where none are set."""

    def versions(self) -> list[str]:
        return []

    def wrap(self, key: bytes, context: bytes) -> tuple[str, bytes]:
        raise KeyUnavailable(f"{SETTING} is not set; name the file of the master keys.")

    def unwrap(self, version: str, wrapped: bytes, context: bytes) -> bytes:
        raise KeyUnavailable(f"{SETTING} is not set, and master key {version} is needed; name its file.")


def _cipher(version: Version) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"creator analytics master key 1")
    return AESGCM(derived.derive(version.secret))
