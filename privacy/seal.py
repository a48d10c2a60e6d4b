"""The seal on receipts: whoever has the installation's secret can tell that a receipt is unchanged.

The secret is 32 random bytes in a file that only the service's own user may read. The first who needs it
makes it. On a cluster every node needs the same file.
"""

import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import orjson

from errors import SettingsError

BYTES = 32
_Purpose = Literal["pseudonym", "receipt", "subject"]


class Seal:
    """Signs and checks. Each purpose has a key of its own, derived from the secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def subject(self, user_id: str, creator_id: str | None, id: str | None) -> str:
        """Whose data it was, for who knows it: the same for the same, and nothing to anybody else."""
        return self._digest("subject", orjson.dumps([user_id, creator_id, id]))

    def pseudonym(self, user_id: str, creator_id: str, fan_id: str) -> str:
        """What a fan is called where names are masked: the same each time, and no fan's name."""
        return f"Fan {self._digest('pseudonym', orjson.dumps([user_id, creator_id, fan_id]))[:8]}"

    def signed(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts with their signature."""
        return {**facts, "signature": self._signature(facts)}

    def is_valid(self, receipt: Mapping[str, Any]) -> bool:
        """Whether the receipt has the signature of just these facts."""
        facts = {name: value for name, value in receipt.items() if name != "signature"}
        return hmac.compare_digest(self._signature(facts), str(receipt.get("signature")))

    def _signature(self, facts: Mapping[str, Any]) -> str:
        return self._digest("receipt", orjson.dumps(dict(facts), option=orjson.OPT_SORT_KEYS))

    def _digest(self, purpose: _Purpose, value: bytes) -> str:
        key = hmac.digest(self._secret, purpose.encode(), "sha256")
        return hmac.digest(key, value, "sha256").hex()


def read_seal(file: Path) -> Seal:
    """The seal of the secret in the file, which is made when it is missing.

    SettingsError when it cannot be read or made, is too short, or is open to others.
    """
    try:
        if not file.exists():
            _make(file)
        value, mode = file.read_bytes().strip(), file.stat().st_mode
    except OSError as error:
        raise SettingsError(
            f"AUTH_SECRET_FILE={file}: cannot be read or made ({error.strerror}); every node needs it there."
        ) from None
    if mode & 0o077:
        raise SettingsError(f"AUTH_SECRET_FILE={file}: others may read it; chmod 600 it.")
    if len(value) < BYTES:
        raise SettingsError(f"AUTH_SECRET_FILE={file}: is shorter than {BYTES} bytes.")
    return Seal(value)


def _make(file: Path) -> None:
    """Whole or not at all; one that somebody else made meanwhile stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(secrets.token_hex(BYTES) + "\n")
    try:
        os.link(part, file)
    except FileExistsError:
        pass
    finally:
        part.unlink()
