"""API keys and the installation's secret: what is kept does not tell them."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from access.keys import is_key, key_id, make_key
from access.secret import Secret, make_secret, read_secret
from errors import SettingsError

NOW = datetime(2024, 5, 1, tzinfo=UTC)
SECRET = Secret(b"s" * 32)


def test_a_key_is_known_again_and_no_other_is() -> None:
    text, key = make_key("extension", SECRET, created_at=NOW)
    assert key_id(text) == key.id
    assert is_key(text, key, SECRET)
    for wrong in (text[:-1] + ("A" if text[-1] != "A" else "B"), text.lower(), text + "A", ""):
        assert not is_key(wrong, key, SECRET)


def test_what_is_kept_tells_nothing_without_the_installations_secret() -> None:
    text, key = make_key("extension", SECRET, created_at=NOW)
    kept = key.model_dump_json()
    assert text not in kept
    assert text.split("_", 2)[2] not in kept
    assert not is_key(text, key, Secret(b"t" * 32))


def test_no_two_keys_are_alike() -> None:
    made = {make_key("k", SECRET, created_at=NOW)[0] for _ in range(100)}
    assert len(made) == 100
    assert all(len(text) == len("ca_") + 8 + 1 + 43 for text in made)


@pytest.mark.parametrize(
    "text", ["", "ca_", "ca_0123_x", "eyJhbGciOiJIUzI1NiJ9.e30.x", "ca_0123456g_" + "x" * 43]
)
def test_what_has_another_form_is_no_key(text: str) -> None:
    assert key_id(text) is None


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "secret"
    make_secret(file)
    kept = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    make_secret(file)
    assert file.read_bytes() == kept
    assert read_secret(file).digest("key", b"x") == Secret(kept.strip()).digest("key", b"x")
    assert kept.strip().decode() not in repr(read_secret(file))


def test_a_secret_that_others_may_read_or_that_is_short_or_missing_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    with pytest.raises(SettingsError, match="AUTH_SECRET_FILE"):
        read_secret(file)
    file.write_text("short")
    os.chmod(file, 0o600)
    with pytest.raises(SettingsError, match="shorter"):
        read_secret(file)
    file.write_text("x" * 32)
    os.chmod(file, 0o640)
    with pytest.raises(SettingsError, match="chmod"):
        read_secret(file)


def test_each_purpose_has_a_hash_of_its_own() -> None:
    assert SECRET.digest("key", b"x") != SECRET.digest("audit", b"x")
