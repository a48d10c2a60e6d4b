"""When a real HAProxy has settled, and what becomes of sockets that come through the proxy behind it."""

import itertools
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from api.door import Door, is_detour, settled
from errors import Unavailable
from local.ray import LIMITS, free_port
from settings import Settings
from tests.conftest import PATIENCE

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from ray.serve._private import constants
    from ray.serve._private.haproxy import get_haproxy_binary

    from serve_app import build_api

REPLICA = "server SERVE_REPLICA 127.0.0.1:1"
FALLBACK = "server SERVE_PROXY 127.0.0.1:1 backup"


@contextmanager
def haproxy(*backends: str) -> Iterator[Path]:
    """A HAProxy with these backends; yields its admin socket."""
    with tempfile.TemporaryDirectory(prefix="analytics-") as folder:
        socket, config = Path(folder) / "admin.sock", Path(folder) / "haproxy.cfg"
        names = (f"backend http-{number}\n" for number in itertools.count())
        config.write_text(
            f"global\n stats socket {socket} level admin\n"
            f" hard-stop-after {LIMITS['RAY_SERVE_HAPROXY_HARD_STOP_AFTER_S']}s\n"
            "defaults\n mode http\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n"
            f"frontend all\n bind 127.0.0.1:{free_port()}\n"
            + "".join(name + backend + "\n" for name, backend in zip(names, backends, strict=False))
        )
        process = subprocess.Popen([get_haproxy_binary(), "-db", "-f", str(config)])
        try:
            deadline = time.monotonic() + PATIENCE
            while not socket.exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            yield socket
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    "backends",
    [
        (),
        (FALLBACK,),
        (REPLICA,),
        (f"{REPLICA} disabled\n{FALLBACK}",),
        (REPLICA, FALLBACK),
    ],
)
async def test_it_is_not_settled_before_it_has_a_replica_and_what_it_falls_back_on(
    backends: tuple[str, ...],
) -> None:
    with haproxy(*backends) as socket, pytest.raises(Unavailable, match="does not know all"):
        await settled(socket)


@pytest.mark.parametrize("fallback", [FALLBACK, f"{FALLBACK} disabled"])
async def test_it_is_settled_with_a_replica_and_what_it_falls_back_on(fallback: str) -> None:
    with haproxy(f"{REPLICA}\n{fallback}") as socket:
        await settled(socket)


async def test_one_that_does_not_answer_is_not_settled(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        await settled(tmp_path / "admin.sock")


@pytest.mark.parametrize("path", ["/ws/frontend/u1", "/api/ws/extension/u1"])
def test_a_socket_by_the_proxy_that_is_fallen_back_on_is_told_to_come_again(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "RAY_SERVE_ENABLE_HA_PROXY", True)
    fallback = f"ws://127.0.0.1:{constants.RAY_SERVE_FALLBACK_PROXY_HTTP_PORT}"
    api = build_api(Settings())
    api.state.services = None  # nobody is asked
    with TestClient(api).websocket_connect(fallback + path) as socket:
        assert socket.receive_json()["type"] == "system_error"
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == 1013


@pytest.mark.parametrize("with_haproxy", [True, False])
def test_only_the_proxy_that_haproxy_falls_back_on_is_a_detour(
    with_haproxy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "RAY_SERVE_ENABLE_HA_PROXY", with_haproxy)
    port = constants.RAY_SERVE_FALLBACK_PROXY_HTTP_PORT
    assert is_detour({"server": ("127.0.0.1", port)}) == with_haproxy
    assert not is_detour({"server": ("127.0.0.1", port + 1)})
    assert not is_detour({"server": None})


async def test_once_settled_is_settled_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door(Settings())
    with haproxy(f"{REPLICA}\n{FALLBACK}") as socket:
        monkeypatch.setattr("api.door.admin_socket", lambda: socket)
        await door.check({"server": ("127.0.0.1", 30000)})
    await door.check({"server": ("127.0.0.1", 30000)})
    with pytest.raises(Unavailable):
        await Door(Settings()).check({"server": ("127.0.0.1", 30000)})


async def test_a_ray_that_is_not_ours_is_asked_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "RAY_SERVE_ENABLE_HA_PROXY", True)
    fallback = ("10.0.0.4", constants.RAY_SERVE_FALLBACK_PROXY_HTTP_PORT)
    await Door(Settings(ray_address="auto")).check({"server": fallback})
    with pytest.raises(Unavailable):
        await Door(Settings()).check({"server": fallback})
