"""A service of its own for the measurements, as the launcher starts it, with an echo beside it."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from errors import Unavailable
from local.ray import OWN, free_port
from settings import Settings

ROOT = Path(__file__).parent.parent
START_TIMEOUT = 240.0  # seconds
STOP_TIMEOUT = 60.0
# As the launcher sets them for its Serve; read when Ray is imported.
HAPROXY = {"RAY_SERVE_ENABLE_HA_PROXY": "1", "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1"}


@contextmanager
def running(**settings: str) -> Iterator[dict[str, str]]:
    """Start a service on free ports and an empty data folder, otherwise with default settings but for these.

    Yields where it and its parts are (`url`, `ray_address`, `folder`, ..).

    Raises Unavailable when it does not start. It is stopped, and its data gone, at the end.
    """
    with tempfile.TemporaryDirectory(prefix="analytics-bench-") as name:
        folder = Path(name)
        env = {
            **{key: value for key, value in os.environ.items() if key not in Settings().env()},
            "PORT": str(free_port()),
            "RAY_DASHBOARD_PORT": str(free_port()),
            "DATA_DIR": name,
            **OWN,
            **settings,
        }
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "local.launch"],
                cwd=ROOT,
                env=env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            places = _await_places(process, folder)
            subprocess.run(
                [sys.executable, "-m", "bench.echo", places["ray_address"]],
                cwd=ROOT,
                env={**env, **HAPROXY},
                check=True,
            )
            yield {**places, "folder": name}
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def beside(*command: str) -> object:
    """What a module that joins the service's Ray prints last, as JSON; Unavailable when it fails."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command),
        cwd=ROOT,
        env={**os.environ, **OWN},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise Unavailable(f"{' '.join(command)} has failed.")
    *_, last = output.splitlines()  # Ray may have had something to say before
    printed: object = json.loads(last)
    return printed


def _await_places(process: subprocess.Popen[bytes], folder: Path) -> dict[str, str]:
    """Where the service and its parts are, once it says so."""
    file = folder / "service.json"
    deadline = time.monotonic() + START_TIMEOUT
    while not file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Unavailable(f"The service did not start:\n{(folder / 'log').read_text()[-4000:]}")
        time.sleep(0.2)
    places: dict[str, str] = json.loads(file.read_text())
    return places
