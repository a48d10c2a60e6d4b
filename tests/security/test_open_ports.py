"""The running service listens on loopback; tests/service/test_guarded_service.py has it behind TLS."""

from local.listening import listeners
from tests.conftest import Service


def test_nothing_listens_beyond_loopback_but_what_ray_has_no_setting_for(service: Service) -> None:
    found = listeners(service.pid)
    assert {"gcs_server", "haproxy", "raylet"} <= {each.program for each in found}
    beyond = [each for each in found if each.is_open]
    assert [each.program for each in beyond] == ["ray::ServeRepli"]
    said = (service.folder / "log").read_text()
    assert f"  {beyond[0].address}  ray::ServeRepli  {beyond[0].port}\n" in said
