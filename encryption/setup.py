"""Puts encryption at rest together as the settings say."""

from pathlib import Path

from encryption.data_keys import DataKeys
from encryption.keyring import Keyring
from encryption.master import MasterKeyFile, NoMasterKeys
from settings import Settings


def data_keys(settings: Settings) -> DataKeys:
    """The data keys of all users."""
    file = settings.encryption_key_file
    return DataKeys(settings.data_keys, MasterKeyFile(Path(file)) if file else NoMasterKeys())


def keyring(settings: Settings, user_id: str) -> Keyring:
    """A user's keys, which are not loaded yet."""
    return Keyring(user_id, data_keys(settings), encrypts=settings.encrypts)
