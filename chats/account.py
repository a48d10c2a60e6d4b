"""The account: one creator as one user holds it. What belongs to one never meets another's. Pure."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote

_SEPARATOR = "/"  # escaped inside the parts, so that no two accounts have one key
_PLAIN = ":@"  # occur in ids and stay readable


@dataclass(frozen=True, slots=True)
class Account:
    user_id: str
    creator_id: str

    @classmethod
    def of_key(cls, key: str) -> Self:
        """The account of a `key`."""
        user_id, _, creator_id = key.partition(_SEPARATOR)
        return cls(unquote(user_id), unquote(creator_id))

    @property
    def key(self) -> str:
        """The account as one text: the graph's partition key, and the end of the account's keys in Redis."""
        return _SEPARATOR.join(quote(part, safe=_PLAIN) for part in (self.user_id, self.creator_id))
