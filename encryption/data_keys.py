"""Where data keys are kept, each wrapped by a master key: a folder or any storage that fsspec knows.

It is apart from what they encrypt, so that a backup of the one is not a backup of the other: a data key that
is destroyed here makes every copy of what it encrypted unreadable.

A user's keys are in `{url}/user={user}`: `{id}.{master}.key` is a data key, wrapped by the version `master`
of the master key, `{id}.destroyed` says that the data key was destroyed on purpose, whatever else there is of
it. Several processes may make keys, wrap them anew and destroy them at once.
"""

import base64
import os
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote

import orjson

from encryption.envelope import ID_BYTES, KEY_BYTES, DataKey
from encryption.master import SETTING as MASTER
from encryption.master import MasterKeys
from errors import KeyUnavailable
from files import folder_at, write_whole

SETTING: Final = "DATA_KEYS_URL"
_USER, _KEY, _DESTROYED = "user=", ".key", ".destroyed"


@dataclass(frozen=True, slots=True)
class Kept:
    """The keys of a user, and the ids of those that were destroyed."""

    keys: list[DataKey] = field(default_factory=list)
    destroyed: frozenset[bytes] = frozenset()


class DataKeys:
    """The data keys of all users. Blocking. KeyUnavailable when the storage or a master key is not there."""

    def __init__(self, url: str, master: MasterKeys) -> None:
        self._master = master
        try:
            self._storage, self._folder = folder_at(url)
        except (ImportError, ValueError) as error:
            raise KeyUnavailable(f"{SETTING} cannot be used: {error}") from error

    def of(self, user_id: str) -> Kept:
        """The user's keys, the oldest first. Of those that were destroyed nothing is left then."""
        names = self._names(user_id)
        self._remove_all(user_id, _destroyed(names), names)  # where that was broken off
        destroyed, versions = _destroyed(names), self._master.versions()
        wanted = {id: master for id, master in _wrapped(names) if id not in destroyed}
        wanted |= {id: master for id, master in _wrapped(names) if id in wanted and master in versions}
        if lacking := set(wanted.values()) - set(versions):
            raise self._lacking(lacking)
        try:
            found = [self._read(user_id, id, master) for id, master in wanted.items()]
        except FileNotFoundError:  # it was wrapped anew, or destroyed, meanwhile
            return self.of(user_id)
        return Kept(sorted(found, key=lambda key: (key.created_at, key.id)), destroyed)

    def make(self, user_id: str, creator_id: str) -> DataKey:
        """A new key of the account, on disk when this returns."""
        key = DataKey(os.urandom(ID_BYTES), user_id, creator_id, time.time(), os.urandom(KEY_BYTES))
        self._write(key)
        return key

    def destroy(self, user_id: str, ids: Iterable[bytes]) -> None:
        """Destroy these keys of the user, for good; it may be repeated."""
        gone = set(ids)
        for id in gone:
            self._put(user_id, f"{id.hex()}{_DESTROYED}", {"destroyed_at": time.time()})
        self._remove_all(user_id, gone, self._names(user_id))

    def masters(self) -> set[str]:
        """The versions of the master key that have wrapped keys which are there."""
        try:
            found: list[str] = self._storage.find(self._folder)  # one listing, however many users there are
        except Exception as error:
            raise self._away(error) from error
        names: dict[str, list[str]] = {}  # by folder
        for path in found:
            folder, _, name = path.rpartition("/")
            names.setdefault(folder, []).append(name)
        return {master for own in names.values() for _, master in _alive(own)}

    def check(self) -> None:
        """KeyUnavailable when keys are there that no master key of now has wrapped."""
        if lacking := self.masters() - set(self._master.versions()):
            raise self._lacking(lacking)

    def rewrap(self) -> int:
        """Have every key wrapped by the newest version of the master key; how many were not."""
        newest, count = self._master.versions()[0], 0
        for user_id in self._users():
            for id, master in _alive(self._names(user_id)):
                if master != newest:
                    self._rewrap(user_id, id, master)
                    count += 1
        return count

    def _rewrap(self, user_id: str, id: bytes, master: str) -> None:
        try:
            key = self._read(user_id, id, master)
        except FileNotFoundError:  # it was destroyed, or another command was faster
            return
        self._write(key)
        self._remove(user_id, _name(id, master))
        names = self._names(user_id)
        if id in _destroyed(names):  # meanwhile: what was written now must go, too
            self._remove_all(user_id, {id}, names)

    def _read(self, user_id: str, id: bytes, master: str) -> DataKey:
        """FileNotFoundError when it is not there any more."""
        name = _name(id, master)
        try:
            content: bytes = self._storage.cat_file(f"{self._of(user_id)}/{name}")
        except FileNotFoundError:
            raise
        except Exception as error:
            raise self._away(error) from error
        try:
            facts: dict[str, Any] = orjson.loads(content)
            creator_id, created_at = str(facts["creator_id"]), float(facts["created_at"])
            wrapped = base64.b64decode(facts["wrapped"])
        except (ValueError, KeyError, TypeError):
            raise KeyUnavailable(
                f"{SETTING}: the data key {name} is damaged; restore it from a backup."
            ) from None
        secret = self._master.unwrap(master, wrapped, _context(user_id, creator_id, id))
        return DataKey(id, user_id, creator_id, created_at, secret)

    def _write(self, key: DataKey) -> None:
        master, wrapped = self._master.wrap(key.secret, _context(key.user_id, key.creator_id, key.id))
        facts = {
            "creator_id": key.creator_id,
            "created_at": key.created_at,
            "wrapped": base64.b64encode(wrapped).decode(),
        }
        self._put(key.user_id, _name(key.id, master), facts)

    def _put(self, user_id: str, name: str, facts: Mapping[str, Any]) -> None:
        try:
            write_whole(self._storage, self._of(user_id), name, [orjson.dumps(facts)])
        except Exception as error:  # every kind of storage has errors of its own
            raise self._away(error) from error

    def _remove_all(self, user_id: str, ids: Collection[bytes], names: Iterable[str]) -> None:
        for id, master in _wrapped(names):
            if id in ids:
                self._remove(user_id, _name(id, master))

    def _remove(self, user_id: str, name: str) -> None:
        try:
            self._storage.rm_file(f"{self._of(user_id)}/{name}")
        except FileNotFoundError:  # somebody else was faster
            pass
        except Exception as error:
            raise self._away(error) from error

    def _users(self) -> list[str]:
        return [
            unquote(name.removeprefix(_USER)) for name in self._list(self._folder) if name.startswith(_USER)
        ]

    def _names(self, user_id: str) -> list[str]:
        return self._list(self._of(user_id))

    def _list(self, folder: str) -> list[str]:
        try:
            found = self._storage.ls(folder, detail=False, refresh=True)
        except FileNotFoundError:
            return []
        except Exception as error:
            raise self._away(error) from error
        return sorted(path.rstrip("/").rsplit("/", 1)[-1] for path in found)

    def _of(self, user_id: str) -> str:
        return f"{self._folder}/{_USER}{quote(user_id, safe='')}"

    def _away(self, error: Exception) -> KeyUnavailable:
        return KeyUnavailable(
            f"{SETTING}: the storage of the data keys does not take or give files "
            f"({type(error).__name__}: {error})."
        )

    def _lacking(self, masters: Iterable[str]) -> KeyUnavailable:
        return KeyUnavailable(
            f"{SETTING}: data keys there were wrapped by master key "
            f"{', '.join(sorted(masters))}, which {MASTER} does not have; put that file back as it was when "
            "they were written."
        )


def _context(user_id: str, creator_id: str, id: bytes) -> bytes:
    return orjson.dumps((user_id, creator_id, id.hex()))


def _name(id: bytes, master: str) -> str:
    return f"{id.hex()}.{master}{_KEY}"


def _wrapped(names: Iterable[str]) -> list[tuple[bytes, str]]:
    """The keys that these files hold, each with the version that wrapped it."""
    found = (name.removesuffix(_KEY).split(".") for name in names if name.endswith(_KEY))
    return [(bytes.fromhex(id), master) for id, master in found]


def _alive(names: Collection[str]) -> list[tuple[bytes, str]]:
    """The same, without those that were destroyed."""
    destroyed = _destroyed(names)
    return [(id, master) for id, master in _wrapped(names) if id not in destroyed]


def _destroyed(names: Iterable[str]) -> frozenset[bytes]:
    return frozenset(
        bytes.fromhex(name.removesuffix(_DESTROYED)) for name in names if name.endswith(_DESTROYED)
    )
