"""The launcher: what it refuses, and what it does about a start before."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
from redis import Redis

from local.ray import free_port
from local.redis import running_redis
from tests.conftest import PATIENCE, ROOT, Service
from tests.service.processes import redis_of


def launch(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local.launch"],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(folder), **settings},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = launch(tmp_path, PORT=str(port), RAY_DASHBOARD_PORT=str(free_port()))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: PORT={port}: ")
    assert refused.stderr.count("\n") == 1


def test_a_second_service_on_the_same_data_is_refused(service: Service) -> None:
    refused = launch(service.folder)
    assert refused.returncode == 1
    assert "is used by a running service" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert httpx.get(f"{service.url}/health", timeout=PATIENCE).status_code == 200


def test_an_address_that_others_reach_is_refused(tmp_path: Path) -> None:
    refused = launch(tmp_path, HOST="0.0.0.0")
    assert refused.returncode == 1
    assert "HOST=0.0.0.0" in refused.stderr


def test_a_redis_that_outlived_its_service_is_stopped_by_the_next_start(tmp_path: Path) -> None:
    """Two servers on one append-only file would ruin it."""
    folder = tmp_path / "redis"
    with (
        tempfile.TemporaryDirectory(prefix="analytics-") as first,
        tempfile.TemporaryDirectory(prefix="analytics-") as second,
    ):
        orphan = subprocess.Popen(
            [sys.executable, "-c", _A_SERVICE, str(folder), f"{first}/redis.sock"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert orphan.stdout is not None
        assert orphan.stdout.readline()
        orphan.kill()
        orphan.communicate()
        left = redis_of(tmp_path)
        assert Path(f"/proc/{left}").exists()
        with running_redis(folder, Path(second) / "redis.sock", print) as url:
            assert not Path(f"/proc/{left}").exists()
            with Redis.from_url(url) as redis:
                assert redis.get("kept") == b"yes"


_A_SERVICE = """
import sys, time
from pathlib import Path
from redis import Redis
from local.redis import running_redis
with running_redis(Path(sys.argv[1]), Path(sys.argv[2]), print) as url:
    Redis.from_url(url).set("kept", "yes")
    print("up", flush=True)
    time.sleep(600)
"""
