"""The data keys of one user in memory: what is stored is encrypted and decrypted through them."""

import asyncio
import threading
from collections.abc import Callable, Iterable

from encryption.data_keys import DataKeys
from encryption.envelope import DataKey, Place, is_encrypted, key_id
from errors import KeyDestroyed, KeyUnavailable, Undecryptable


class Keyring:
    """One user's, for all threads of a process. Each account has a key, which is made at need.

    What is stored unencrypted is read as it is. Unless it `encrypts` all is stored so. Without `keys` nothing
    can be decrypted. KeyUnavailable when a key is needed that is not to be had.
    """

    def __init__(self, user_id: str, keys: DataKeys | None = None, *, encrypts: bool = False) -> None:
        self.encrypts = encrypts
        self._user_id = user_id
        self._keys = keys
        self._lock = threading.Lock()
        self._newest: dict[str, DataKey] = {}  # by creator
        self._known: dict[bytes, DataKey] = {}  # by id
        self._destroyed: frozenset[bytes] = frozenset()

    async def load(self) -> None:
        """Know the keys that there are."""
        if self._keys is not None:
            await asyncio.to_thread(self._load, self._keys)

    async def prepare(self, creators: Iterable[str]) -> None:
        """Have a key for each of these creators, so that encrypting waits for nothing."""
        if self.encrypts and not self._newest.keys() >= (wanted := set(creators)):
            for creator_id in wanted:
                await asyncio.to_thread(self._key, creator_id)

    def encrypt(self, creator_id: str, place: Place, plain: bytes) -> bytes:
        """What is stored in this place; a key that is not prepared is made first, which blocks."""
        return self._key(creator_id).encrypt(place, plain) if self.encrypts else plain

    def decrypt(self, creator_id: str, place: Place, stored: bytes) -> bytes:
        """What was stored of the creator in this place.

        KeyDestroyed: its account was erased. Undecryptable: it was changed, or stored elsewhere.
        """
        if not is_encrypted(stored):
            return stored
        key = self._key_of(stored)
        if key.creator_id != creator_id:
            raise Undecryptable(f"A stored {place[0]} is of another account than the one it stands under.")
        return key.decrypt(place, stored)

    def creator_of(self, stored: bytes) -> str:
        """Whose it is that was encrypted; KeyDestroyed."""
        return self._key_of(stored).creator_id

    def digest(self, creator_id: str, value: str) -> str:
        """A name that tells nothing of the value; the value itself where nothing is encrypted."""
        return self._key(creator_id).digest(value) if self.encrypts else value

    async def destroy(self, is_gone: Callable[[str], bool]) -> None:
        """Destroy every key of the creators of whom this is true, for good."""
        if self._keys is not None:
            await asyncio.to_thread(self._load, self._keys)  # all that there are, whoever made them
            gone = {id for id, key in self._known.items() if is_gone(key.creator_id)}
            await asyncio.to_thread(self._keys.destroy, self._user_id, gone)
            await asyncio.to_thread(self._load, self._keys)

    def _load(self, keys: DataKeys) -> None:
        found = keys.of(self._user_id)
        with self._lock:
            self._known = {key.id: key for key in found.keys}
            self._newest = {key.creator_id: key for key in found.keys}
            self._destroyed = found.destroyed

    def _key(self, creator_id: str) -> DataKey:
        if (key := self._newest.get(creator_id)) is None:
            with self._lock:
                if (key := self._newest.get(creator_id)) is None:
                    assert self._keys is not None, "who encrypts has keys"
                    key = self._keys.make(self._user_id, creator_id)
                    self._known[key.id] = self._newest[creator_id] = key
        return key

    def _key_of(self, stored: bytes) -> DataKey:
        id = key_id(stored)
        if id not in self._known and id not in self._destroyed and self._keys is not None:
            self._load(self._keys)  # another process may have made it
        if id in self._destroyed:
            raise KeyDestroyed("It is of an account that was erased, and its data key was destroyed.")
        if (key := self._known.get(id)) is None:
            raise KeyUnavailable(
                f"DATA_KEYS_URL has no data key {id.hex()}, which encrypts what is stored of a user; restore "
                "the folder of the data keys from its backup."
            )
        return key
