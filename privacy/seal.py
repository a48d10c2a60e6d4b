"""The seal on receipts: whoever has the installation's secret can tell that a receipt is unchanged."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from access.secret import Secret, make_secret, read_secret


class Seal:
    """Signs and checks."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def subject(self, user_id: str, creator_id: str | None, id: str | None) -> str:
        """Whose data it was, for who knows it: the same for the same, and nothing to anybody else."""
        return self._secret.digest("subject", orjson.dumps([user_id, creator_id, id]))

    def is_of(self, receipt: Mapping[str, Any], user_id: str, creator_id: str | None, id: str | None) -> bool:
        """Whether the receipt's subject is this one, also under an older version of the secret."""
        subject = orjson.dumps([user_id, creator_id, id])
        return self._secret.age("subject", subject, str(receipt.get("subject"))) is not None

    def pseudonym(self, user_id: str, creator_id: str, fan_id: str) -> str:
        """What a fan is called where names are masked: the same each time, and no fan's name."""
        return f"Fan {self._secret.digest('pseudonym', orjson.dumps([user_id, creator_id, fan_id]))[:8]}"

    def signed(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts with their signature."""
        return {**facts, "signature": self._secret.digest("receipt", _signed(facts))}

    def is_valid(self, receipt: Mapping[str, Any]) -> bool:
        """Whether the receipt has the signature of just these facts."""
        facts = {name: value for name, value in receipt.items() if name != "signature"}
        try:
            signed = _signed(facts)
        except TypeError:  # a number or text that no receipt has
            return False
        return self._secret.age("receipt", signed, str(receipt.get("signature"))) is not None


def read_seal(file: Path) -> Seal:
    """The seal of the secret in the file, which is made when it is missing.

    SettingsError as of `read_secret`.
    """
    make_secret(file)
    return Seal(read_secret(file))


def _signed(facts: Mapping[str, Any]) -> bytes:
    return orjson.dumps(dict(facts), option=orjson.OPT_SORT_KEYS)
