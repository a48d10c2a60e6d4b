"""What does not come up in time is cleaned up and tried again; what cannot come up ends at once, in one line.

Ray and Serve are stood in for here. tests/service/test_launch.py starts them.
"""

import ctypes
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from errors import SettingsError, Unavailable
from local import ray as local_ray
from local.launch import PR_SET_CHILD_SUBREAPER
from local.ray import running_ray, running_serve
from settings import Settings

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from ray import serve
    from ray.exceptions import RayActorError

SLOW = Exception("The current node timed out during startup. This could happen because ..\nmore of it")


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """As it was: what the launcher sets would reach the services of other tests."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


class Starts:
    """Stands in for a step of the start: leaves a process behind each time, then fails as planned, or not."""

    def __init__(self, *failures: BaseException | None) -> None:
        self.failures = failures
        self.left: list[subprocess.Popen[bytes]] = []

    def __call__(self, *_: object, **__: object) -> None:
        code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
        self.left.append(subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE))
        started = self.left[-1].pid
        while not Path(f"/proc/{started}/task/{started}/children").read_text():
            time.sleep(0.01)
        failure = self.failures[min(len(self.left), len(self.failures)) - 1]
        if failure is not None:
            raise failure

    def running(self) -> list[bool]:
        return [each.poll() is None for each in self.left]

    def end(self) -> None:
        for each in self.left:
            each.kill()
            each.communicate()


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Starts]]:
    made: list[Starts] = []

    def make(*failures: BaseException | None) -> Starts:
        made.append(Starts(*failures))
        monkeypatch.setattr(local_ray, "_init", made[-1])
        return made[-1]

    yield make
    for each in made:
        each.end()


def test_a_ray_that_is_not_up_in_time_is_cleaned_up_and_started_again(
    starts: Callable[..., Starts], tmp_path: Path
) -> None:
    ray, said = starts(SLOW, SLOW, None), list[str]()
    with running_ray(Settings(), tmp_path, said.append):
        assert ray.running() == [False, False, True]
    assert len(said) == 2
    assert said[0].startswith("Ray is not up in time (The current node timed out")
    assert "\n" not in said[0]


@pytest.mark.parametrize(
    ("slow", "said"),
    [(SLOW, "timed out"), (Exception("\n"), "Exception"), (TimeoutError(), "TimeoutError")],
)
def test_a_ray_that_never_comes_up_ends_in_one_line(
    slow: Exception,
    said: str,
    starts: Callable[..., Starts],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = count(step=local_ray.START_WITHIN / 2)
    monkeypatch.setattr(local_ray, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    ray, told = starts(slow), list[str]()
    with pytest.raises(Unavailable, match=said) as raised:
        running_ray(Settings(), tmp_path, told.append).__enter__()
    assert "\n" not in str(raised.value)
    assert (len(told), len(ray.left)) == (2, 3)
    assert not any(ray.running())


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), ValueError("wrong")])
def test_a_fault_that_time_does_not_mend_ends_the_start_at_once(
    fault: Exception, starts: Callable[..., Starts], tmp_path: Path
) -> None:
    ray, said = starts(fault, None), list[str]()
    with pytest.raises(Unavailable):
        running_ray(Settings(), tmp_path, said.append).__enter__()
    assert ray.running() == [False]
    assert said == []


def test_a_cluster_that_cannot_be_joined_is_not_tried_again(
    starts: Callable[..., Starts], tmp_path: Path
) -> None:
    ray = starts(Exception("The cluster wants its token"))
    with pytest.raises(Unavailable, match="wants its token"):
        running_ray(Settings(ray_address="127.0.0.1:6379"), tmp_path, print).__enter__()
    assert len(ray.left) == 1


def test_ctrl_c_during_the_start_leaves_no_process(starts: Callable[..., Starts], tmp_path: Path) -> None:
    """Nor one that was started by one that was: it comes to the launcher, which adopts orphans."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        before = local_ray._children()
        ray = starts(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            running_ray(Settings(), tmp_path, print).__enter__()
        assert ray.running() == [False]
        assert local_ray._children() <= before
    finally:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def test_a_full_disk_is_said_before_ray_is_started(
    starts: Callable[..., Starts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10**8))
    ray = starts(None)
    with pytest.raises(SettingsError, match="95 MB are free"):
        running_ray(Settings(), tmp_path, print).__enter__()
    assert ray.left == []


class Serve:
    """Stands in for Ray Serve: its calls, each failing as planned."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **failures: list[Exception | None]) -> None:
        self.calls: list[str] = []
        for name in ("start", "run", "delete", "shutdown"):
            planned = iter(failures.get(name, []))
            monkeypatch.setattr(serve, name, self._call(name, planned))

    def _call(self, name: str, planned: Iterator[Exception | None]) -> Callable[..., None]:
        def call(*_: object, **__: object) -> None:
            self.calls.append(name)
            if (failure := next(planned, None)) is not None:
                raise failure

        return call


def test_proxies_that_take_longer_than_serve_waits_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = TimeoutError("HTTP proxies not available after 60s.")
    faked, said = Serve(monkeypatch, start=[slow], run=[slow]), list[str]()
    with running_serve(Settings(), None, said.append):
        assert faked.calls == ["start", "run"]
    assert faked.calls[-1] == "shutdown"
    assert said == ["Waiting for Ray Serve's proxies, which are slow to start ..."] * 2


@pytest.mark.parametrize("failure", [None, RayActorError(), TimeoutError()])
def test_the_application_closes_its_sockets_before_serve_ends_the_proxy(
    failure: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    faked = Serve(monkeypatch, delete=[failure])
    with running_serve(Settings(), None, print):
        pass
    assert faked.calls == ["start", "run", "delete", "shutdown"]


def test_a_serve_whose_actors_died_is_shut_down_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    faked, said = Serve(monkeypatch, start=[RayActorError(), RayActorError()]), list[str]()
    with running_serve(Settings(), None, said.append):
        assert faked.calls == [*["start", "shutdown"] * 2, "start", "run"]
    assert len(said) == 2
    assert said[0].startswith("Ray Serve broke off (")


def test_an_application_that_fails_ends_the_start_at_once_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = RuntimeError("Deploying application analytics failed:\nno such module")
    faked = Serve(monkeypatch, run=[wrong])
    with pytest.raises(Unavailable, match="no such module") as raised:
        running_serve(Settings(), None, print).__enter__()
    assert "\n" not in str(raised.value)
    assert faked.calls == ["start", "run", "shutdown"]
