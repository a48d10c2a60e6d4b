"""What the tests share: one running service (Redis, Ray, Serve, everything real) for all test processes."""

import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

# Loaded before a request needs it: deep in calls CPython 3.11 can fail to parse what pytest rewrites.
from anyio import open_file as _open_file  # noqa: F401
from filelock import FileLock

from local.ray import OWN, free_port

ROOT = Path(__file__).parent.parent
SHARED = "ANALYTICS_TEST_FOLDER"  # names the folder of this test run, in every process of it
PATIENCE = 600.0  # seconds: all that is waited for comes on the slowest machine, or something is wrong

# Read when Ray is imported, which test modules do.
os.environ.update(OWN)
# Read when the libraries of linear algebra are: their threads wait by spinning, and beside another process
# that computes they take ten times as long.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

# A slow machine is no failure: nothing here is timed.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")

_running: list[subprocess.Popen[bytes]] = []  # a Popen that is forgotten while it runs warns


@dataclass(frozen=True, slots=True)
class Service:
    """A running service and where its parts are."""

    url: str  # http://127.0.0.1:PORT
    redis_url: str
    ray_address: str
    folder: Path
    pid: int

    @property
    def ws(self) -> str:
        return self.url.replace("http", "ws", 1)


def pytest_configure(config: pytest.Config) -> None:
    if SHARED not in os.environ:
        os.environ[SHARED] = tempfile.mkdtemp(prefix="analytics-tests-")


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a service. Those with one of their own come first: one process begins with
    them, the others at the end."""
    for item in items:
        if "service" in getattr(item, "fixturenames", ()) or item.get_closest_marker("own_service"):
            item.add_marker(pytest.mark.service)
    items.sort(key=lambda item: item.get_closest_marker("own_service") is None)


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    folder = Path(os.environ[SHARED])
    if (folder / "service.json").exists():
        stop(load(folder))
    shutil.rmtree(folder, ignore_errors=True)


def start(folder: Path, *, command: str = "local.launch", **settings: str) -> Service:
    """Start a service whose data is in `folder` and wait until it is ready."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", command],
            cwd=ROOT,
            env={
                **os.environ,
                "PORT": str(free_port()),
                "RAY_DASHBOARD_PORT": str(free_port()),
                "DATA_DIR": str(folder),
                **settings,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _running.append(process)
    (folder / "pid").write_text(str(process.pid))
    deadline = time.monotonic() + PATIENCE
    while not (folder / "service.json").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            pytest.fail(f"The service did not start:\n{log.read_text()[-4000:]}")
        time.sleep(0.05)
    return load(folder)


def load(folder: Path) -> Service:
    return Service(
        **json.loads((folder / "service.json").read_text()),
        folder=folder,
        pid=int((folder / "pid").read_text()),
    )


def stop(service: Service) -> None:
    """Stop it as Ctrl-C on a terminal does, which tells every process in the group; wait until it is gone."""
    os.killpg(service.pid, signal.SIGINT)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for process in _running:
            process.poll()
        if not Path(f"/proc/{service.pid}").exists():
            return
        time.sleep(0.1)
    os.kill(service.pid, signal.SIGKILL)
    pytest.fail("The service did not stop.")


@pytest.fixture(autouse=True)
def one_service_at_a_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """A small machine does not carry several at once."""
    if request.node.get_closest_marker("own_service") is None:
        yield
    else:
        with FileLock(Path(os.environ[SHARED]) / "own_service"):
            yield


@pytest.fixture(scope="session")
def service() -> Service:
    """The one service of this test run: whichever process needs it first starts it, none tries again."""
    folder = Path(os.environ[SHARED])
    tried = folder / "tried"
    with FileLock(folder / "starting"):
        if not tried.exists():
            tried.touch()
            # Users of tests that are over have no process: one at rest takes 0.7 % of a processor. Serve's
            # controller, which looks at everything ten times a second by itself, takes 5 %.
            start(folder, USER_IDLE="20", RAY_SERVE_CONTROL_LOOP_INTERVAL_S="0.5")
        if not (folder / "service.json").exists():
            pytest.fail(
                "The service did not start; the first test that needed it has its log.", pytrace=False
            )
        return load(folder)


@pytest.fixture(scope="session")
def redis_url(service: Service) -> str:
    return service.redis_url


@pytest.fixture(scope="session")
def ray_cluster(service: Service) -> Iterator[None]:
    """This process as a driver on the service's Ray."""
    import ray

    ray.init(
        address=service.ray_address, namespace="analytics", log_to_driver=False, logging_level=logging.ERROR
    )
    yield
    ray.shutdown()


@pytest.fixture
def user_id() -> str:
    """A user nobody else has."""
    return f"user-{uuid.uuid4().hex[:12]}"
