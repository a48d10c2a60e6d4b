"""The running service listens on loopback, and with a certificate it speaks TLS from end to end."""

import ssl
from pathlib import Path

import httpx
import orjson
import pytest

from local.listening import listeners
from tests.conftest import PATIENCE, Service, start, stop
from tests.security.certificates import write_certificate
from tests.service.talk import dial

NAME = "analytics.example.test"


def test_nothing_listens_beyond_loopback_but_what_ray_has_no_setting_for(service: Service) -> None:
    found = listeners(service.pid)
    assert {"gcs_server", "haproxy", "raylet"} <= {each.program for each in found}
    beyond = [each for each in found if each.is_open]
    assert [each.program for each in beyond] == ["ray::ServeRepli"]
    said = (service.folder / "log").read_text()
    assert f"  {beyond[0].address}  ray::ServeRepli  {beyond[0].port}\n" in said


@pytest.mark.own_service
async def test_with_a_certificate_pages_sockets_and_answers_are_behind_tls(
    tmp_path: Path, user_id: str
) -> None:
    cert, key = write_certificate(tmp_path, NAME)
    settings = {"TLS_CERT": str(cert), "TLS_KEY": str(key), "ALLOWED_HOSTS": NAME}
    running = start(tmp_path / "data", **settings)
    try:
        trust = ssl.create_default_context(cafile=str(cert))
        async with httpx.AsyncClient(base_url=running.url, verify=trust, timeout=PATIENCE) as http:
            answer = await http.get("/", headers={"Host": NAME, "X-Forwarded-Proto": "http"})
            assert (answer.status_code, answer.url.scheme) == (200, "https")
            assert "max-age" in answer.headers["strict-transport-security"]
            assert (await http.get("/", headers={"Host": "evil.test"})).status_code == 403
        async with dial(f"{running.ws}/ws/frontend/{user_id}", ssl=trust) as socket:
            assert orjson.loads(await socket.recv())["type"] == "connection_ack"
    finally:
        stop(running)
