"""API keys: `ca_ID_SECRET`. What is kept of one does not tell it, and without the installation's secret not
even whether a guess is right."""

import re
import secrets
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from access.secret import Secret

_KEY = re.compile(r"ca_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
SECRET_BYTES = 32


class Key(BaseModel):
    """What is kept of a key. It is valid before `expires_at`; null: until it is revoked.

    `version` is that of the installation's secret in `digest`; null: the oldest, of before there were others.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: Annotated[str, Field(min_length=1, max_length=100)]
    digest: str
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    version: str | None = None

    @property
    def principal(self) -> str:
        return f"key:{self.id}"


def make_key(
    name: str, secret: Secret, *, created_at: AwareDatetime, expires_at: AwareDatetime | None = None
) -> tuple[str, Key]:
    """A new key, which is shown once, and what is kept of it."""
    id = secrets.token_hex(4)
    text = f"ca_{id}_{secrets.token_urlsafe(SECRET_BYTES)}"
    key = Key(id=id, name=name, digest="", created_at=created_at, expires_at=expires_at)
    return text, renewed(text, key, secret)


def key_id(text: str) -> str | None:
    """The id in a text that has the form of a key; None: it has another."""
    found = _KEY.fullmatch(text)
    return found[1] if found else None


def is_key(text: str, key: Key, secret: Secret) -> bool:
    """Whether the text is the key, in a time that does not tell how much of it is right."""
    return secret.age("key", text.encode(), key.digest) is not None


def renewed(text: str, key: Key, secret: Secret) -> Key:
    """What is kept of the key with the newest version of the secret."""
    found = {"digest": secret.digest("key", text.encode()), "version": secret.versions[0].id}
    return key.model_copy(update=found)
