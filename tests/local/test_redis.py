"""The embedded Redis beside a terminal; tests/service/test_old_data.py kills it."""

import os
import signal
import tempfile
from pathlib import Path

from redis import Redis

from local.redis import running_redis


def test_ctrl_c_does_not_reach_it_and_goes_on_to_reach_us(tmp_path: Path) -> None:
    said = list[str]()
    with (
        tempfile.TemporaryDirectory(prefix="analytics-") as sockets,
        running_redis(tmp_path, Path(sockets) / "redis.sock", said.append) as url,
        Redis.from_url(url) as redis,
    ):
        pid = int((tmp_path / "pid").read_text())
        os.kill(pid, signal.SIGINT)
        assert signal.SIGINT in _waiting(pid)
        assert redis.ping()
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert said == []


def _waiting(pid: int) -> set[int]:
    """The signals that were sent to a process and that it does not take."""
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    mask = int(status["ShdPnd"], 16)
    return {number for number in range(1, 65) if mask >> (number - 1) & 1}
