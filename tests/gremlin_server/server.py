"""A real Gremlin Server for tests: fetched once into build/, one a test process, on a free loopback port."""

import atexit
import os
import shutil
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

from local.ray import free_port
from tests.conftest import PATIENCE

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "gremlin-server"
# Ends the server when the pipe to this process closes, however this process ended.
LEASH = ("sh", "-c", '"$@" & read -r line; kill -9 $!', "sh")


class Missing(Exception):
    """What a Gremlin Server needs and is not here."""


@cache
def address() -> str:
    """The `ws://` address of this process's server, started at the first call, stopped at exit.

    Without java or mvn the calling test is skipped, or fails where CI=true.
    """
    server = Server(jars())
    atexit.register(server.stop)
    return server.address


def jars() -> Path:
    """The folder of the server's jars; skips or fails like `address`."""
    try:
        return fetched()
    except Missing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


class Server:
    """One Gremlin Server process with an empty graph, on `port` or a free one; its output is in `log`.

    Its speed is only that of a user's server when it is `measured`.
    """

    def __init__(self, jars: Path, port: int | None = None, *, measured: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="gremlin-server-"))
        self.port = port or free_port()
        self.address = f"ws://127.0.0.1:{self.port}/gremlin"
        self.log = self._folder / "server.log"
        conf = self._folder / "server.yaml"
        conf.write_text((HERE / "server.yaml").read_text().replace("PORT", str(self.port)))
        options = ["-Xmx256m", "-XX:+UseSerialGC", "-Dlogback.configurationFile=logback.xml"]
        if not measured:  # a test ends before the JVM's better code has paid for being compiled
            options.append("-XX:TieredStopAtLevel=1")
        main = "org.apache.tinkerpop.gremlin.server.GremlinServer"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*LEASH, "java", *options, "-cp", f"{jars}/*", main, str(conf)],
                cwd=HERE,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._await()

    def stop(self) -> None:
        self._process.communicate()  # closes the pipe
        shutil.rmtree(self._folder, ignore_errors=True)

    def _await(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while "Channel started" not in self.log.read_text():
            if time.monotonic() > deadline:
                said = self.log.read_text()[-2000:]
                self.stop()
                pytest.fail(f"The Gremlin Server did not start:\n{said}")
            time.sleep(0.1)


def fetched() -> Path:
    """The folder of the server's jars; whichever process comes first fills it. Missing when none can."""
    if absent := [name for name in ("java", "mvn") if not shutil.which(name)]:
        raise Missing(f"a Gremlin Server needs {' and '.join(absent)}")
    BUILD.mkdir(parents=True, exist_ok=True)
    jars, done = BUILD / "lib", BUILD / "fetched-pom.xml"
    pom = (HERE / "pom.xml").read_text()
    with FileLock(BUILD / "lock"):
        if not done.exists() or done.read_text() != pom:
            shutil.rmtree(jars, ignore_errors=True)
            command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
            ran = subprocess.run(
                [*command, f"-DoutputDirectory={jars}"], capture_output=True, text=True, check=False
            )
            if ran.returncode:
                raise Missing(f"the Gremlin Server's jars could not be fetched: {ran.stdout.strip()[:300]}")
            done.write_text(pom)
    return jars
