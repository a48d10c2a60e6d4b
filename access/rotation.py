"""Rotating the secrets that live in files: the installation's secret, and the master key of what is stored.

The service reads these files at need, so nothing is started anew. The audit trail is told before a change.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from access.audit import Audit, Trail
from access.chain import RETIRED
from access.keys import Key
from access.manage import Manager
from access.secret import SETTING as SECRET
from access.versions import Version, add_version, drop_version, older_version, read_versions
from encryption.data_keys import DataKeys
from encryption.master import SETTING as MASTER
from errors import InvalidInput

_NOTHING_CHANGED: Final = "nothing was changed"


class SecretRotation:
    """Of the installation's secret. SettingsError when its file cannot be used."""

    def __init__(self, file: Path, manager: Manager, audit: Audit) -> None:
        self._file = file
        self._manager = manager
        self._audit = audit

    def versions(self) -> tuple[Version, ...]:
        """The newest first."""
        return read_versions(self._file, SECRET)

    async def hanging_on(self, id: str) -> list[Key]:
        """The keys that were not used since the version of that id was the newest: it alone knows them."""
        oldest = self.versions()[-1].id
        return [key for key in await self._manager.store.keys() if (key.version or oldest) == id]

    async def rotate(self, who: str) -> Version:
        """Make a version that is used from now on; what the others signed holds on."""
        await self._audit.record("secret_rotated", who, before=self.versions()[0].id)
        added = add_version(self._file, SECRET)
        await self._manager.store.tell_changed()  # a key that is in use is looked up anew, and kept under it
        return added

    async def retire(self, who: str, id: str, *, revoke_keys: bool = False) -> None:
        """Have what a version signed hold no more: keys not used since, receipts, and its audit records.

        For these a new record vouches. InvalidInput when it is not the oldest of several, when keys hang on
        it (unless they are to be revoked), or when the trail is not whole.
        """
        versions = self.versions()
        if older_version(versions, id) != versions[-1]:
            raise InvalidInput(
                f"{versions[-1].id} is older: retire it first, as the trail is checked from its beginning."
            )
        keys = await self.hanging_on(id)
        if keys and not revoke_keys:
            names = ", ".join(f"{key.principal} ({key.name})" for key in keys)
            raise InvalidInput(
                f"Not used since the rotation, and void without this version: {names}. Have them used once, "
                f"or add --revoke-keys; {_NOTHING_CHANGED}."
            )
        chain = await self._audit.chain()
        if chain.wrong is not None:
            raise InvalidInput(
                f"The audit trail is not whole, and could not be checked later: {chain.wrong}; "
                f"{_NOTHING_CHANGED}."
            )
        for key in keys:
            await self._manager.revoke_key(who, key.id)
        through, digest = chain.until(len(versions) - 1)
        await self._audit.record(RETIRED, who, version=id, through=str(through), digest=digest)
        drop_version(self._file, SECRET, id)
        await self._manager.store.tell_changed()  # whoever is known by a key is asked anew


class MasterRotation:
    """Of the master key in a file. KeyUnavailable when the data keys cannot be reached."""

    def __init__(self, file: Path, keys: DataKeys, trail: Trail) -> None:
        self._file = file
        self._keys = keys
        self._trail = trail

    def versions(self) -> tuple[Version, ...]:
        """The newest first."""
        return read_versions(self._file, MASTER)

    def used(self) -> set[str]:
        """The versions that data keys are wrapped by."""
        return self._keys.masters()

    async def rotate(self, who: str) -> tuple[Version, int]:
        """A new version, and how many data keys were wrapped anew by it."""
        await self._trail.record("storage_key_rotated", who, before=self.versions()[0].id)
        return add_version(self._file, MASTER), self._keys.rewrap()

    def rewrap(self) -> int:
        """Have all data keys wrapped by the newest version; how many were not."""
        return self._keys.rewrap()

    async def retire(self, who: str, id: str) -> None:
        """Take a version out of the file, once no data key is wrapped by it."""
        older_version(self.versions(), id)
        self._keys.rewrap()
        await self._trail.record("storage_key_retired", who, version=id)
        drop_version(self._file, MASTER, id)


def shown(versions: Sequence[Version]) -> list[str]:
    """A line for each version: its id, and the day it was made."""
    return [f"{each.id}  {each.made or 'the first'}" for each in versions]
