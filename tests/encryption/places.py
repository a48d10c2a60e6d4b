"""Master keys and data keys in a folder, for tests."""

import os
from pathlib import Path

from access.versions import make_file
from encryption.data_keys import DataKeys
from encryption.keyring import Keyring
from encryption.master import SETTING, MasterKeyFile


def master_file(folder: Path) -> Path:
    """The folder's file of the master key, which is made when it is missing."""
    file = folder / "master"
    make_file(file, SETTING)
    return file


def other_file(folder: Path) -> Path:
    """A file with another master key."""
    file = folder / "other master"
    file.write_text("another master key, which is long enough")
    os.chmod(file, 0o600)
    return file


def keys_in(folder: Path) -> DataKeys:
    return DataKeys(str(folder / "keys"), MasterKeyFile(master_file(folder)))


async def keyring_in(folder: Path, user_id: str, *, encrypts: bool = True) -> Keyring:
    """A user's keyring, loaded."""
    keys = Keyring(user_id, keys_in(folder), encrypts=encrypts)
    await keys.load()
    return keys


def key_files(folder: Path) -> list[Path]:
    return sorted(file for file in (folder / "keys").rglob("*") if file.is_file())
