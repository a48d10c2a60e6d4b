"""What was erased and must not come back, and what is to be erased. Pure.

Whose it was is kept as a keyed hash only: who lacks the user's secret cannot tell, even by trying ids.
"""

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import orjson

Scope = Literal["fan", "account", "user"]

_DIGEST = 16  # bytes


class Tombstones:
    """Keyed hashes of users, accounts, and an account's fans and chats: what is of them is erased.

    `names` maps each hash to True. A fan and the fan's chat are marked each by its own id.
    """

    def __init__(self, secret: bytes, names: Iterable[str] = ()) -> None:
        self.secret = secret
        self.names: dict[str, bool] = dict.fromkeys(names, True)

    def __bool__(self) -> bool:
        return bool(self.names)

    def name(self, *subject: str) -> str:
        """The hash of nothing (the user), of a creator's id, or of that and the id of a fan or chat."""
        digest = hmac.digest(self.secret, orjson.dumps(subject), "sha256")
        return digest[:_DIGEST].hex()

    def of(self, names: Iterable[str]) -> "Tombstones":
        """Others of the same secret."""
        return Tombstones(self.secret, names)

    def set(self, names: Iterable[str]) -> None:
        self.names.update(dict.fromkeys(names, True))

    def lift(self, names: Iterable[str]) -> None:
        for name in names:
            self.names.pop(name, None)

    def has_account(self, creator_id: str) -> bool:
        """Whether all of the account is erased."""
        return bool(self.names) and (self.name() in self.names or self.name(creator_id) in self.names)

    def covering(self, creator_id: str) -> "Callable[..., bool]":
        """Tells of ids, of a fan and of a chat of the creator, whether any is erased; each is hashed once."""
        if not self.names:
            return lambda *ids: False
        if self.has_account(creator_id):
            return lambda *ids: True
        known: dict[str, bool] = {}

        def covers(*ids: str) -> bool:
            for id in ids:
                if id not in known:
                    known[id] = self.name(creator_id, id) in self.names
            return any(known[id] for id in ids)

        return covers


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure as the journal has it, and as it is kept until it is carried out.

    `creator_id` is None when all of the user is erased; `accounts` are the creators of whom something goes.
    `names` are the tombstones. `removed` counts what the owner held of it when it was asked. `subject` names
    whose it was to whoever can compute it again.
    """

    receipt: str
    scope: Scope
    creator_id: str | None
    accounts: tuple[str, ...]
    names: tuple[str, ...]
    requested_at: float  # epoch seconds
    subject: str
    removed: dict[str, int] = field(default_factory=dict)
    sequence: int = 0  # of its record

    def to_json(self) -> bytes:
        facts = {name: getattr(self, name) for name in self.__slots__ if name != "sequence"}
        return orjson.dumps(facts)

    @classmethod
    def of_json(cls, json: bytes, sequence: int) -> Self:
        facts: dict[str, Any] = orjson.loads(json)
        lists = {name: tuple(facts[name]) for name in ("accounts", "names")}
        return cls(**{**facts, **lists}, sequence=sequence)
