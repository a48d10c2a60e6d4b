"""Where the service is reached that runs on a data folder."""

import fcntl
import json
from pathlib import Path


def running(folder: Path) -> dict[str, str] | None:
    """`url`, `redis_url` and `ray_address` of the service that holds the folder; None: none does."""
    try:
        places: dict[str, str] = json.loads((folder / "service.json").read_text())
        with (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:  # it holds the folder
        return places
    except OSError:
        return None
    return None  # it was killed, and its file was left behind
