"""HAProxy as Serve has it started: TLS, the caller's address, and nothing but HOST:PORT beyond loopback."""

import contextlib
import http.server
import re
import socket
import ssl
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from local.certificate import Certificate
from local.haproxy import PAIR, edited, write_program
from local.listening import listeners
from local.ray import free_port
from tests.conftest import PATIENCE
from tests.security.certificates import write_certificate

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from ray.serve._private.haproxy import get_haproxy_binary
    from ray.serve._private.haproxy_templates import HAPROXY_CONFIG_TEMPLATE

# As Serve's template has them; the first test holds them to it.
ADMIN = "admin.sock"
LINES = """frontend prometheus
    bind :{metrics}
frontend http_frontend
    bind 127.0.0.1:{port}
    default_backend replica
listen stats
  bind *:{stats}
"""


def test_what_is_edited_is_what_ray_serve_writes() -> None:
    """Each line that listens is one of those that are edited, or of gRPC, which is not served."""
    assert "stats socket {{ config.socket_path }} mode 666 level admin" in HAPROXY_CONFIG_TEMPLATE
    binds = re.findall(r"\n\S* *\S*(?:\n)? *bind (.*)", HAPROXY_CONFIG_TEMPLATE)
    assert binds == [
        ":{{ config.metrics_port }}",
        "{{ config.frontend_host }}:{{ config.frontend_port }}",
        "{{ config.grpc_frontend_host }}:{{ config.grpc_frontend_port }} proto h2",
        "*:{{ config.stats_port }}",
    ]
    assert "frontend http_frontend\n    bind {{ config.frontend_host }}" in HAPROXY_CONFIG_TEMPLATE
    assert "forwardfor" not in HAPROXY_CONFIG_TEMPLATE


def test_a_configuration_that_is_another_is_refused() -> None:
    config = LINES.format(metrics=1, port=2, stats=3)
    for other in (config.replace("bind *:3", ""), config.replace("http_frontend", "web"), config * 2, ""):
        with pytest.raises(ValueError, match=r"^$"):
            edited(other, "127.0.0.1", "")


def test_editing_twice_changes_nothing() -> None:
    once = edited(LINES.format(metrics=1, port=2, stats=3), "::", " ssl crt x")
    assert "bind [::]:2 ssl crt x\n" in once
    assert edited(once, "::", " ssl crt x") == once


class Replica(http.server.BaseHTTPRequestHandler):
    """Answers with the forwarded addresses that it was told of."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = ",".join(self.headers.get_all("X-Forwarded-For") or ()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def running(folder: Path, host: str, cert: str = "", key: str = "") -> Iterator[tuple[int, int]]:
    """HAProxy started as Serve does, before a replica; yields its port and its process's id."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Replica) as replica:
        threading.Thread(target=replica.serve_forever, daemon=True).start()
        program = write_program(folder, get_haproxy_binary(), host, cert, key)
        port, config = free_port(), folder / "haproxy.cfg"
        config.write_text(
            f"global\n stats socket {folder / ADMIN} mode 600 level admin expose-fd listeners\n"
            "defaults\n mode http\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n"
            + LINES.format(metrics=free_port(), port=port, stats=free_port())
            + f"backend replica\n server one 127.0.0.1:{replica.server_address[1]}\n"
        )
        process = subprocess.Popen([program, "-db", "-f", config])
        try:
            deadline = time.monotonic() + PATIENCE
            while process.poll() is None and time.monotonic() < deadline:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.02)
            yield port, process.pid
        finally:
            process.kill()
            process.wait()
            replica.shutdown()


def test_it_tells_who_calls_after_what_the_caller_claims(tmp_path: Path) -> None:
    with running(tmp_path, "127.0.0.1") as (port, _):
        answer = httpx.get(f"http://127.0.0.1:{port}/", headers={"X-Forwarded-For": "6.6.6.6"})
    assert answer.text == "6.6.6.6,127.0.0.1"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_only_the_service_itself_is_open_beyond_loopback_and_only_where_host_says(
    host: str, tmp_path: Path
) -> None:
    with running(tmp_path, host) as (port, pid):
        found = listeners(pid)
    assert len(found) == 3
    assert {each.port for each in found if each.is_open} == ({port} if host == "0.0.0.0" else set())
    assert {each.program for each in found} == {"haproxy"}


def test_with_a_certificate_it_speaks_tls_and_nothing_else(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path, "analytics.example.test")
    with running(tmp_path, "127.0.0.1", str(cert), str(key)) as (port, _):
        trust = ssl.create_default_context(cafile=str(cert))
        answer = httpx.get(f"https://127.0.0.1:{port}/", verify=trust)
        assert (answer.status_code, answer.http_version) == (200, "HTTP/1.1")
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{port}/")
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():  # that it is old
            warnings.simplefilter("ignore")
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection(("127.0.0.1", port)) as plain, pytest.raises(ssl.SSLError):
            old.wrap_socket(plain)


class Connection:
    """A connection by TLS that stays open."""

    def __init__(self, port: int) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE))
        self.certificate = self._socket.getpeercert(binary_form=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self) -> str:
        self._socket.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while not answer.endswith(b"127.0.0.1"):  # what the replica is told
            part = self._socket.recv(4096)
            assert part, answer
            answer += part
        return answer.decode()


def test_a_renewed_certificate_is_taken_over_and_open_connections_go_on(tmp_path: Path) -> None:
    """As programs that renew do it: the names stay, and are links to other files then."""
    pairs = []
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        pairs.append(write_certificate(tmp_path / name, f"{name}.example.test"))
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    told: list[str] = []

    def point(link: Path, file: Path) -> None:
        link.unlink(missing_ok=True)
        link.symlink_to(file)

    point(cert, pairs[0][0])
    point(key, pairs[0][1])
    with running(tmp_path, "127.0.0.1", str(cert), str(key)) as (port, _):
        looking = Certificate(cert, key, tmp_path / PAIR, lambda: tmp_path / ADMIN, told.append)
        with Connection(port) as stays:
            assert "200 OK" in stays.ask()
            looking.look()
            assert told == []
            point(cert, pairs[1][0])  # the key is not there yet
            looking.look()
            looking.look()
            with Connection(port) as meanwhile:
                assert meanwhile.certificate == stays.certificate
            [refused] = told
            assert "inconsistencies between private key and certificate" in refused
            point(key, pairs[1][1])
            looking.look()
            assert told[1:] == ["TLS_CERT: the renewed certificate is taken over."]
            with Connection(port) as renewed:
                assert renewed.certificate == ssl.PEM_cert_to_DER_cert(pairs[1][0].read_text())
                assert "200 OK" in renewed.ask()
            assert "200 OK" in stays.ask()
        assert (tmp_path / PAIR).read_bytes() == pairs[1][0].read_bytes()  # as the next HAProxy reads it


def test_a_renewed_certificate_waits_for_haproxy_and_for_files_that_are_away(tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path, "old.example.test")
    (tmp_path / "new").mkdir()
    new_cert, new_key = write_certificate(tmp_path / "new", "new.example.test")
    told: list[str] = []
    admin: list[Path | None] = [None]
    looking = Certificate(cert, key, tmp_path / PAIR, lambda: admin[0], told.append)
    with running(tmp_path, "127.0.0.1", str(cert), str(key)) as (port, _):
        new_cert.replace(cert)
        key.unlink()
        looking.look()
        assert told == []
        new_key.replace(key)
        looking.look()
        admin[0] = tmp_path / "no-such-socket"
        looking.look()
        [away] = told
        assert "HAProxy is not there" in away
        admin[0] = tmp_path / ADMIN
        looking.look()
        assert len(told) == 2
        with Connection(port) as renewed:
            assert renewed.certificate == ssl.PEM_cert_to_DER_cert(cert.read_text())
