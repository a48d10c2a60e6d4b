"""The chain of an audit trail: whether each record is as it was written. Pure.

Each record has a keyed hash of itself and of the record before. Records are written with the newest version
of the installation's secret, so a record of an older version never follows one of a newer. For those at the
beginning whose version was retired a record of RETIRED vouches: it has their number and a digest of them
all, made when they could still be checked.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final, cast

from access.secret import Secret

FIRST: Final = "0" * 64  # in place of the hash before the first record
RETIRED: Final = "secret_retired"  # its event; `through` is a number, `digest` that of the records up to it
_UNKNOWN: Final = 2**31  # the age of what no version has written that is left


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it is kept."""

    number: int  # from 1
    hash: str
    json: bytes

    @property
    def facts(self) -> dict[str, Any]:
        """`{at, event, who}` and what the event is about."""
        return cast(dict[str, Any], json.loads(self.json))


class Chain:
    """A trail, as far as its records were taken. `wrong` says what is wrong with the first that is.

    `noted` is the hash of a record that has to be there.
    """

    def __init__(self, secret: Secret, noted: str | None = None) -> None:
        self._secret = secret
        self._noted = noted
        self._digest = hashlib.sha256()
        self._age = _UNKNOWN  # of the version that the last record was written with
        self._ends: dict[int, tuple[int, str]] = {}  # by that age: the last record's number, and the digest
        self._vouched: set[tuple[int, str]] = set()
        self._wrong: str | None = None
        self.number = 0
        self.last = FIRST

    def take(self, record: Record) -> bool:
        """Take the next record; whether it may be one of this trail."""
        if record.number != self.number + 1:
            follows = f"record {record.number} follows {self.number}"
            self._wrong = f"record {self.number + 1} is missing: {follows}"
            return False
        hashed = signed(self.last, record.number, record.json)
        age = self._secret.age("audit", hashed, record.hash)
        if (age := _UNKNOWN if age is None else age) > self._age:
            self._wrong = _forged(record.number)
            return False
        self.number, self.last, self._age = record.number, record.hash, age
        if record.hash == self._noted:
            self._noted = None
        self._digest.update(b"%b %b\n" % (record.hash.encode(), record.json))
        self._ends[age] = self.number, self._digest.hexdigest()
        if age != _UNKNOWN and (facts := record.facts)["event"] == RETIRED:
            self._vouched.add((int(facts["through"]), facts["digest"]))
        return True

    @property
    def wrong(self) -> str | None:
        unknown = self._ends.get(_UNKNOWN)
        if self._wrong is None and unknown is not None and unknown not in self._vouched:
            return _forged(1)
        if self._wrong is None and self._noted is not None:
            return "the record with the hash that was noted is missing"
        return self._wrong

    def until(self, age: int) -> tuple[int, str]:
        """The last record that a version of this age or an older one has written, and the digest up to it."""
        return max((end for each, end in self._ends.items() if each >= age), default=(0, ""))


def signed(last: str, number: int, record: bytes) -> bytes:
    """What the hash of a record is of."""
    return b"%b %d %b" % (last.encode(), number, record)


def _forged(number: int) -> str:
    return f"record {number} is not as it was written, or was not written here"
