"""The installation's own heads: versions in a folder, of which one is in use. Light to import.

The folder, which may be a URL that fsspec knows, holds `current.json`, which names the version in use, and
in `versions/` a folder each with the files of heads, the report of their training and `manifest.json`. A
version is called by its number and by the hash of its manifest, and the manifest has the hashes of the
files, so what is read is what was written. A version is never changed; another one comes into use by
replacing `current.json`, which is whole or not at all.

    current.json    {"version": "0002-5c1f0a9b7d3e"}
    versions/0002-5c1f0a9b7d3e/{manifest.json,sentiment.json,actions.json,report.json}
"""

import asyncio
import hashlib
import json
import logging
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from errors import EnrichmentError
from files import folder_at, write_whole

log = logging.getLogger(__name__)

HOLD = 30.0  # seconds, after which the folder is looked at again
_CURRENT = "current.json"
_MANIFEST = "manifest.json"
_VERSIONS = "versions"
_HASH = 12  # characters of a manifest's, in a version's name
_NAME = re.compile(r"\d{4,}-[0-9a-f]{12}")


class Installed:
    """The version that is in use, as one process knows it."""

    def __init__(self, url: str) -> None:
        """`url` is empty where the installation has no heads of its own."""
        self._url = url
        self._asked = -math.inf
        self._version: str | None = None

    async def version(self) -> str:
        """Its URL; empty where the model's own heads are in use. EnrichmentError, when it was never read.

        The folder is looked at again after HOLD seconds; while it cannot be read, what was read holds.
        """
        if not self._url:
            return ""
        if self._version is None or time.monotonic() - self._asked > HOLD:
            try:
                self._version = await asyncio.to_thread(current, self._url)
            except EnrichmentError as error:
                if self._version is None:
                    raise
                log.warning("%s The heads stay as they are.", error)
            self._asked = time.monotonic()
        return self._version


@dataclass(frozen=True, slots=True)
class Version:
    """One that is written. `parent` is the name of the one that was in use before, or empty."""

    name: str
    parent: str
    told: Mapping[str, Any]  # all that the manifest holds


def current(url: str) -> str:
    """The URL of the version in use; empty where none is. Blocking; EnrichmentError."""
    name = current_name(url)
    return f"{url.rstrip('/')}/{_VERSIONS}/{name}" if name else ""


def current_name(url: str) -> str:
    """The name of the version in use, as `current`."""
    try:
        storage, folder = folder_at(url)
        if not storage.exists(f"{folder}/{_CURRENT}"):
            return ""
        named = json.loads(storage.cat_file(f"{folder}/{_CURRENT}"))["version"]
        if not isinstance(named, str):
            raise TypeError("no name")
        return named
    except Exception as error:  # whatever a storage raises
        raise EnrichmentError(
            f"HEADS={url}: {_CURRENT} cannot be read ({type(error).__name__}); name the folder that "
            "python -m training.corrections wrote, where every node reaches it."
        ) from error


@lru_cache(maxsize=16)
def content(version: str, file: str) -> bytes | None:
    """A file of the version at this URL, None where it has none. Blocking; EnrichmentError when damaged."""
    try:
        storage, folder = folder_at(version)
        manifest = _manifest(storage, folder)
        if file not in manifest["files"]:
            return None
        found: bytes = storage.cat_file(f"{folder}/{file}")
        if hashlib.sha256(found).hexdigest() != manifest["files"][file]["sha256"]:
            raise ValueError("other hash")
        return found
    except Exception as error:  # whatever a storage raises
        raise damaged_version(version) from error


def names(url: str) -> list[str]:
    """The names of all versions that are written, the oldest first. Blocking; what a storage raises."""
    storage, folder = folder_at(url)
    if not storage.exists(f"{folder}/{_VERSIONS}"):
        return []
    paths = (str(path).rstrip("/") for path in storage.ls(f"{folder}/{_VERSIONS}", detail=False))
    return sorted(filter(_NAME.fullmatch, (path.rpartition("/")[2] for path in paths)))


def version_of(url: str, name: str) -> Version:
    """Blocking; EnrichmentError when it is damaged or not there."""
    try:
        storage, folder = folder_at(f"{url.rstrip('/')}/{_VERSIONS}/{name}")
        told = _manifest(storage, folder)
        return Version(name, str(told["parent"]), told)
    except Exception as error:  # whatever a storage raises
        raise damaged_version(f"{url}/{_VERSIONS}/{name}") from error


def write(url: str, parent: str, files: Mapping[str, bytes], told: Mapping[str, Any]) -> Version:
    """Write the next version, with what is `told` of it. It is not in use yet.

    Blocking; whatever a storage raises.
    """
    number = 1 + max((int(name.partition("-")[0]) for name in names(url)), default=0)
    manifest = {
        "format": 1,
        "number": number,
        "parent": parent,
        **told,
        "files": {
            name: {"sha256": hashlib.sha256(each).hexdigest(), "bytes": len(each)}
            for name, each in files.items()
        },
    }
    packed = (json.dumps(manifest, indent=1) + "\n").encode()
    name = f"{number:04d}-{hashlib.sha256(packed).hexdigest()[:_HASH]}"
    storage, folder = folder_at(f"{url.rstrip('/')}/{_VERSIONS}/{name}")
    for file, each in {
        **files,
        _MANIFEST: packed,
    }.items():  # the manifest last: without it there is no version
        write_whole(storage, folder, file, [each])
    return Version(name, parent, manifest)


def use(url: str, name: str) -> None:
    """Have this version be the one in use, or with an empty name none. Blocking; what a storage raises."""
    storage, folder = folder_at(url)
    write_whole(storage, folder, _CURRENT, [(json.dumps({"version": name}) + "\n").encode()])


def damaged_version(version: str) -> EnrichmentError:
    """What to raise of a version that is not what its name says."""
    url, _, name = version.rpartition(f"/{_VERSIONS}/")
    return EnrichmentError(
        f"HEADS: version {name} cannot be read or was changed; "
        f"python -m training.corrections rollback --heads {url} takes the one before."
    )


def _manifest(storage: Any, folder: str) -> dict[str, Any]:
    """ValueError when it is not the one that the version is called by; what a storage raises."""
    packed = storage.cat_file(f"{folder}/{_MANIFEST}")
    if not folder.endswith(f"-{hashlib.sha256(packed).hexdigest()[:_HASH]}"):
        raise ValueError("other hash")
    told: dict[str, Any] = json.loads(packed)
    return told
