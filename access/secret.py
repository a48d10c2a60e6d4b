"""The installation's secret, in a file of its own: keys, the audit trail and receipts hang on it."""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Literal

from errors import SettingsError

BYTES = 32
_Purpose = Literal["key", "audit", "receipt", "subject", "pseudonym"]


class Secret:
    """A secret that is used through keyed hashes alone. Each purpose has a key of its own."""

    def __init__(self, value: bytes) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret(..)"

    def digest(self, purpose: _Purpose, value: bytes) -> str:
        """HMAC-SHA256 of a value, in hex."""
        key = hmac.digest(self._value, purpose.encode(), hashlib.sha256)
        return hmac.new(key, value, hashlib.sha256).hexdigest()


def read_secret(file: Path) -> Secret:
    """The secret in the file; SettingsError when it cannot be read, is too short, or is open to others."""
    try:
        value = file.read_bytes().strip()
        mode = file.stat().st_mode
    except OSError as error:
        raise SettingsError(
            f"AUTH_SECRET_FILE={file}: cannot be read ({error.strerror}); the service makes it at need, and "
            "every node needs it at the same path."
        ) from None
    if mode & 0o077:
        raise SettingsError(f"AUTH_SECRET_FILE={file}: others may read it; chmod 600 it.")
    if len(value) < BYTES:
        raise SettingsError(
            f"AUTH_SECRET_FILE={file}: shorter than {BYTES} bytes; openssl rand -hex 32 makes one."
        )
    return Secret(value)


def make_secret(file: Path) -> None:
    """Have a secret in the file, whole and readable for its owner alone; one that is there stays."""
    if file.exists():
        return
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
            opened.write(secrets.token_hex(BYTES) + "\n")
        with suppress(FileExistsError):  # somebody else was first
            os.link(part, file)
        part.unlink()
    except OSError as error:
        raise SettingsError(f"AUTH_SECRET_FILE={file}: cannot be made ({error.strerror}).") from None
