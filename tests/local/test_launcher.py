"""How the launcher waits for the service; tests/service/test_launch.py starts the real one."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from errors import SettingsError, Unavailable
from local import launch
from settings import Settings

LOADING = "no answer in 20 s"


@contextmanager
def service(*answers: dict[str, str] | None) -> Iterator[str]:
    """Answers /ready with these checks in turn, and with the last one again.

    None: as HAProxy does; none at all: with an error.
    """
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            checks = left.pop(0) if len(left) > 1 else left[0]
            is_ready = checks is not None and set(checks.values()) == {"ok"}
            self.send_response(200 if is_ready else 503)
            self.end_headers()
            answer = {"checks": checks} if checks else {"error": {"code": "internal"}}
            self.wfile.write(b"<html>" if checks is None else json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_it_waits_until_all_parts_answer_and_says_what_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launch, "TELL_EVERY", 0.0)
    waits = {"redis": "ok", "graph": "ok", "model": LOADING}
    with service(None, {}, waits, {"redis": "ok", "graph": "ok", "model": "ok"}) as url:
        launch._await_ready(url, None, "")
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "Waiting for the service (JSONDecodeError) ...",
        "Waiting for the service (HTTP 503, see the log) ...",
        f"Waiting for model ({LOADING}) ...",
    ]


def test_a_model_that_cannot_be_loaded_ends_the_start_at_once() -> None:
    fault = "MODEL=/nowhere: cannot be used (OSError); give a sentence-transformers folder."
    with service({"redis": "ok", "model": fault}) as url, pytest.raises(SettingsError, match="/nowhere"):
        launch._await_ready(url, None, "")


def test_what_does_not_come_is_named_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "READY_TIMEOUT", 0.0)
    with (
        service({"redis": "ok", "graph": "The graph is away."}) as url,
        pytest.raises(Unavailable, match=r"graph \(The graph is away\.\)"),
    ):
        launch._await_ready(url, None, "")


def test_files_of_authentication_are_found_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = launch._with_whole_paths(Settings(data_dir=Path("data"), jwt_key_file="key.pem"))
    assert found.secret_file == tmp_path / "data" / "secret"
    assert found.jwt_key_file == str(tmp_path / "key.pem")
    assert found.data_keys_url == str(tmp_path / "data" / "keys")
    assert found.oidc_client_secret_file == found.encryption_key_file == ""
