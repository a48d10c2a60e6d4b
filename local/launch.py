"""Runs the whole service on this machine: Redis, Ray, the Serve application, and sample data if asked.

    python -m local.launch            the service, until Ctrl-C
    python -m local.launch --samples  the same, fed with sample data through its public API

It starts what the settings do not point elsewhere, and stops on exit what it started.
"""

import argparse
import asyncio
import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from access.manage import Manager
from access.principal import EVERY, Grant, Role
from access.secret import make_secret
from access.setup import GuardedAccess
from encryption.setup import data_keys
from errors import AnalyticsError, SettingsError, Unavailable
from frames.log import connect_redis
from local.certificate import LOOK_EVERY, Certificate
from local.haproxy import PAIR
from local.listening import listeners, shown
from local.ray import LOOPBACK, running_ray, running_serve
from local.redis import running_redis
from settings import Settings

PASSIVATE_TIMEOUT = 12.0
STOP_TIMEOUT = 10.0
READY_TIMEOUT = 600.0
TELL_EVERY = 15.0
PR_SET_CHILD_SUBREAPER = 36  # from <linux/prctl.h>

T = TypeVar("T")


def main() -> int:
    """Run until interrupted; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.launch", description=__doc__.splitlines()[0])
    parser.add_argument("--samples", action="store_true", help="feed sample data through the public ingest")
    arguments = parser.parse_args()
    try:
        with _no_process_left_behind(), ExitStack() as stack:
            _run(stack, Settings.from_env(), samples=arguments.samples)
    except AnalyticsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    except SystemExit as stop:  # Ray's answer to SIGTERM while it starts
        if stop.code != signal.SIGTERM:
            raise
    print("Stopped.")
    return 0


def _run(stack: ExitStack, settings: Settings, *, samples: bool) -> None:
    if samples and settings.has_tls:
        raise SettingsError("TLS_CERT: sample data is sent without TLS; leave it out, or the sample data.")
    _stop_on_signals()
    stack.enter_context(_alone(settings))
    if not settings.ray_address:
        _check_port("RAY_DASHBOARD_PORT", LOOPBACK, settings.ray_dashboard_port)
    _check_port("PORT", settings.host, settings.port)
    settings = _with_whole_paths(settings)
    if settings.is_guarded:
        make_secret(settings.secret_file)
    data_keys(settings).check()
    runtime = stack.enter_context(_runtime_folder())
    certificate = _certificate(settings, runtime)
    if not settings.redis_url:
        _say("Starting Redis ...")
        folder = settings.data_dir.resolve() / "redis"
        redis = running_redis(folder, runtime / "redis.sock", _say)
        settings = replace(settings, redis_url=stack.enter_context(redis))
    first = (
        _managing(settings, lambda manager: manager.first_key(settings.data_dir))
        if settings.is_guarded
        else None
    )
    _say("Starting Ray ...")
    stack.enter_context(running_ray(settings, runtime, _say))
    _stop_on_signals()  # Ray has put handlers of its own there
    _say("Starting the service ...")
    stack.enter_context(_actors(settings))
    from deployment import build_app

    stack.enter_context(running_serve(settings, build_app(settings), _say))
    url = settings.url
    with _own_key(settings, feeds=samples) as key:
        _await_ready(url, key, settings.tls_cert)
        stack.enter_context(_announced(settings, url))
        if samples:
            from samples.feed import feed

            try:
                asyncio.run(feed(url, now=datetime.now(UTC), say=_say, key=key))
            except Unavailable as error:
                _say(f"Without all of the sample data: {error}")
    if first is not None:
        _say(f"\n  The first admin's key is in {first}: make others with it, it is valid for a day.")
    print(
        f"\n  Dashboard      {url}/"
        f"\n  API docs       {url}/docs"
        f"\n  Ray dashboard  {_ray_dashboard(settings)}"
        "\n\nCtrl-C stops everything.",
        flush=True,
    )
    _tell_of_open_ports(settings)
    while True:
        time.sleep(LOOK_EVERY)
        if certificate is not None:
            certificate.look()


def _certificate(settings: Settings, runtime: Path) -> Certificate | None:
    """What looks after the certificate, where there is one. Made before HAProxy reads it, it misses none."""
    if not settings.has_tls:
        return None
    from api.door import admin_socket

    cert, key = Path(settings.tls_cert), Path(settings.tls_key)
    return Certificate(cert, key, runtime / PAIR, admin_socket, _say)


def _tell_of_open_ports(settings: Settings) -> None:
    """Say what listens where other machines reach it, apart from what HOST and PORT ask for."""
    wanted = None if settings.is_local else settings.port
    open_ports = [each for each in listeners(os.getpid()) if each.is_open and each.port != wanted]
    if open_ports:
        _say("\nOther machines reach these ports too; a firewall such as deploy/nftables.conf closes them:")
        for line in shown(open_ports):
            _say(f"  {line}")


def _with_whole_paths(settings: Settings) -> Settings:
    """The files of secrets by paths that actors and replicas find, which start in another folder."""
    files = {
        "auth_secret_file": str(settings.secret_file),
        "jwt_key_file": settings.jwt_key_file,
        "oidc_client_secret_file": settings.oidc_client_secret_file,
        "encryption_key_file": settings.encryption_key_file,
        "data_keys_url": settings.data_keys if "://" not in settings.data_keys else "",
    }
    return replace(settings, **{name: str(Path(file).resolve()) for name, file in files.items() if file})  # type: ignore[arg-type]


def _stop_on_signals() -> None:
    """Stop in order on Ctrl-C and on SIGTERM, even where a shell started this with SIGINT ignored."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)


@contextmanager
def _no_process_left_behind() -> Iterator[None]:
    """Wait at the end for every process that came of this one, and kill what does not go by itself."""
    # Processes whose parent is gone become children of this one instead of init's.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        deadline = time.monotonic() + STOP_TIMEOUT
        with contextlib.suppress(ChildProcessError):  # nobody is left
            while True:
                if os.waitpid(-1, os.WNOHANG) != (0, 0):
                    continue
                if time.monotonic() > deadline:
                    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                        os.kill(int(pid), signal.SIGKILL)
                time.sleep(0.05)


def _say(line: str) -> None:
    print(line, flush=True)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Hold the data folder: two services on one folder would ruin it."""
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise SettingsError(f"DATA_DIR={folder}: cannot be used ({error.strerror}).") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(
                f"DATA_DIR={folder.resolve()} is used by a running service; stop it or set another DATA_DIR."
            ) from None
        yield


@contextmanager
def _announced(settings: Settings, url: str) -> Iterator[None]:
    """Say in `DATA_DIR/service.json` where the service and its parts are reached while it runs."""
    import ray

    file = settings.data_dir / "service.json"
    address = ray.get_runtime_context().gcs_address
    places = {"url": url, "redis_url": settings.redis_url, "ray_address": address}
    part = file.with_suffix(".part")  # who looks for the file finds all of it
    part.touch(mode=0o600)  # the URL of a Redis may hold its password
    part.write_text(json.dumps(places))
    part.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


@contextmanager
def _own_key(settings: Settings, *, feeds: bool) -> Iterator[str | None]:
    """A key of the launcher's own, to ask `/ready` in full and, if it `feeds`, to send samples."""
    if not settings.is_guarded:
        yield None
        return
    roles: list[Role] = ["admin", "owner"] if feeds else ["admin"]
    grants = [Grant(role=role, user_id=EVERY) for role in roles]
    name, lasts = "launcher", timedelta(hours=1)
    text, key = _managing(settings, lambda manager: manager.create_key(name, name, grants, lasts))
    try:
        yield text
    finally:
        with contextlib.suppress(AnalyticsError):  # it expires by itself
            _managing(settings, lambda manager: manager.revoke_key(name, key.id))


def _managing(settings: Settings, work: Callable[[Manager], Awaitable[T]]) -> T:
    async def run() -> T:
        redis = connect_redis(settings.redis_url)
        try:
            return await work(GuardedAccess(settings, redis).manager)
        finally:
            await redis.connection_pool.disconnect()

    return asyncio.run(run())


@contextmanager
def _runtime_folder() -> Iterator[Path]:
    """A folder for sockets: short, because a Unix socket's path holds 107 bytes, and only ours."""
    folder = Path(tempfile.mkdtemp(prefix="analytics-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_port(name: str, host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"{name}={port}: cannot listen there ({error.strerror}); set {name}."
            ) from None


@contextmanager
def _actors(settings: Settings) -> Iterator[None]:
    """The actors that the service calls, which come and load the model while Serve starts.

    At the end user actors write their checkpoints, and the actors that came with this service end.
    """
    import ray
    from ray.exceptions import RayError

    from actors import graph_writer, registry
    from remote import named_actor

    names = (registry.NAME, *graph_writer.names(settings))
    found = {name for name in names if _actor(name) is not None}
    try:
        graph_writer.graph_writer(settings)
        users = named_actor(registry.Registry, registry.NAME, settings, detached=True)
        users.model_ready.remote().future()  # what keeps it, `/ready` tells
        yield
    finally:
        # Ray may be gone already; the journal has what the checkpoints do not.
        with contextlib.suppress(RayError, OSError):
            if (parent := _actor(registry.NAME)) is not None and registry.NAME not in found:
                ray.get(parent.passivate_all.remote(PASSIVATE_TIMEOUT), timeout=PASSIVATE_TIMEOUT + 2)
        with contextlib.suppress(RayError, OSError):
            for name in names:
                if name not in found and (actor := _actor(name)) is not None:
                    ray.kill(actor)


def _actor(name: str) -> Any:
    """The cluster's actor of that name, or None."""
    import ray

    try:
        return ray.get_actor(name)
    except ValueError:
        return None


def _await_ready(url: str, key: str | None, tls_cert: str) -> None:
    """Wait until Redis, the graph and the model answer; on busy cores the model takes minutes to load.

    SettingsError when there is no such model or the graph cannot be used, Unavailable when a part does not
    come in READY_TIMEOUT.
    """
    import httpx

    headers = {"Host": "localhost"} | ({} if key is None else {"Authorization": f"Bearer {key}"})
    verify = _only(tls_cert) if tls_cert else True
    deadline, told = time.monotonic() + READY_TIMEOUT, time.monotonic()
    while True:
        try:
            answer = httpx.get(f"{url}/ready", headers=headers, timeout=60, trust_env=False, verify=verify)
            if answer.status_code == 200:
                return
            # A fault in the check itself is answered as every error is.
            checks = answer.json().get("checks", {"the service": f"HTTP {answer.status_code}, see the log"})
            waits = {part: why for part, why in checks.items() if why != "ok"}
        except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError) as error:  # HAProxy's
            waits = {"the service": type(error).__name__}
        for why in waits.values():
            if why.startswith(
                ("MODEL=", "SENTIMENT_", "HEADS", "GRAPH_URL: The graph", "GRAPH_URL: must", "COSMOS_KEY")
            ):  # time does not mend it
                raise SettingsError(why)
        waiting = ", ".join(f"{part} ({why})" for part, why in waits.items())
        if time.monotonic() > deadline:
            raise Unavailable(f"The service does not become ready: {waiting}.")
        if time.monotonic() > told + TELL_EVERY:
            told = time.monotonic()
            _say(f"Waiting for {waiting} ...")
        time.sleep(0.1)


def _only(tls_cert: str) -> ssl.SSLContext:
    """Trust in the certificate of that file alone: by which name it is asked for here does not matter."""
    context = ssl.create_default_context(cafile=tls_cert)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _ray_dashboard(settings: Settings) -> str:
    if settings.ray_address:
        return "as your cluster serves it"
    hint = "" if os.environ.get("RAY_AUTH_MODE") == "disabled" else "  (token: .venv/bin/ray get-auth-token)"
    return f"http://{LOOPBACK}:{settings.ray_dashboard_port}/{hint}"


if __name__ == "__main__":
    sys.exit(main())
