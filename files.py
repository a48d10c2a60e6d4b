"""Files in any storage that fsspec knows, each there whole or not at all. Blocking."""

import contextlib
import os
from collections.abc import Iterable
from typing import IO, Any

from fsspec.core import url_to_fs

PART = ".part"  # what ends the name of a file that is being written


def folder_at(url: str) -> tuple[Any, str]:
    """The storage of a folder or URL, and the path there. ImportError, ValueError when there is none."""
    storage, path = url_to_fs(url, auto_mkdir=True) if "://" not in url else url_to_fs(url)
    return storage, path.rstrip("/")


def write_whole(storage: Any, folder: str, name: str, pieces: Iterable[bytes]) -> int:
    """Write a file beside its place and rename it, on disk when this returns; its size in bytes."""
    part = f"{folder}/{name}{PART}"
    storage.makedirs(folder, exist_ok=True)
    with storage.open(part, "wb") as file:
        for piece in pieces:
            file.write(piece)
        size: int = file.tell()
        _sync(file)
    storage.mv(part, f"{folder}/{name}")
    _sync_folder(folder)
    return size


def _sync(file: IO[bytes]) -> None:
    """Have a local file on disk before it is renamed; object stores write whole objects."""
    file.flush()
    try:
        descriptor = file.fileno()
    except (OSError, AttributeError):  # not a local file
        return
    os.fsync(descriptor)


def _sync_folder(folder: str) -> None:
    """Have a local rename on disk."""
    with contextlib.suppress(OSError):  # no local folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
