"""No setting that is secret is shown, whatever is done with it; and each may be in a file."""

import pickle
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any

import pytest

from access.versions import HEADER, add_version, read_versions
from errors import SettingsError
from settings import Settings

CANARY = "canary-3f9a"
# What each may be, with a secret in it.
VALUES = {
    "REDIS_URL": f"redis://:{CANARY}@redis.test:6379/0",
    "GRAPH_URL": f"wss://user:{CANARY}@graph.test:8182/gremlin",
    "COSMOS_KEY": f"{CANARY}==",
}
SECRETS = [each for each in fields(Settings) if each.metadata.get("secret")]
NAMES = [each.metadata["env"] for each in SECRETS]


def test_every_setting_that_sounds_secret_is_marked_so() -> None:
    sounding = [
        each.metadata["env"]
        for each in fields(Settings)
        if any(word in each.name for word in ("key", "secret", "password", "token"))
        and not each.name.endswith("_file")
    ]
    # A file's path, a name, and a folder.
    assert set(sounding) - set(NAMES) == {"TLS_KEY", "COSMOS_PARTITION_KEY", "DATA_KEYS_URL"}
    assert set(NAMES) == set(VALUES)


@pytest.mark.parametrize("field", SECRETS, ids=NAMES)
def test_a_secret_is_in_no_text_of_the_settings(field: Field[Any]) -> None:
    name = field.metadata["env"]
    settings = Settings.from_env({name: VALUES[name]})
    assert CANARY in settings.env()[name]
    for text in (repr(settings), str(settings), f"{settings!r}", repr([settings]), repr({"s": settings})):
        assert CANARY not in text


@pytest.mark.parametrize("field", fields(Settings), ids=lambda each: each.metadata["env"])
def test_what_is_refused_beside_a_secret_does_not_tell_it(field: Field[Any]) -> None:
    secrets = {"REDIS_URL": VALUES["REDIS_URL"], "COSMOS_KEY": VALUES["COSMOS_KEY"]}
    name = field.metadata["env"]
    for value in (f"https://{CANARY}@x",) if name in NAMES else ("no such value", "-1", "nan", "0"):
        try:
            text = repr(Settings.from_env({**secrets, name: value}))
        except SettingsError as error:
            text = f"{error} {error.detail} {pickle.loads(pickle.dumps(error))}"
        assert CANARY not in text


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_may_be_in_a_file_instead(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{VALUES[name]}\n")
    settings = Settings.from_env({f"{name}_FILE": str(file)})
    read = settings.read_cosmos_key() if name == "COSMOS_KEY" else settings.env()[name]
    assert read == VALUES[name]
    assert CANARY not in repr(settings)
    assert Settings.from_env(settings.env()) == settings


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_cannot_be_used_is_named_and_what_it_holds_is_not(name: str, tmp_path: Path) -> None:
    def read(env: dict[str, str]) -> None:
        Settings.from_env(env).read_cosmos_key()

    with pytest.raises(SettingsError, match=f"^{name}_FILE=.*cannot be read"):
        read({f"{name}_FILE": str(tmp_path / "no such file")})
    (tmp_path / "binary").write_bytes(CANARY.encode() + b"\xff")
    with pytest.raises(SettingsError, match=f"^{name}_FILE=.*cannot be read") as refused:
        read({f"{name}_FILE": str(tmp_path / "binary")})
    assert CANARY not in str(refused.value)
    (tmp_path / "empty").write_text(" \n")
    with pytest.raises(SettingsError, match=f"^{name}_FILE=.*is empty"):
        read({f"{name}_FILE": str(tmp_path / "empty")})
    (tmp_path / "file").write_text(VALUES[name])
    with pytest.raises(SettingsError, match=f"^{name}: {name}_FILE") as refused:
        read({f"{name}_FILE": str(tmp_path / "file"), name: VALUES[name]})
    assert CANARY not in str(refused.value)


def test_a_changed_setting_hides_it_as_well() -> None:
    assert CANARY not in repr(replace(Settings(), redis_url=VALUES["REDIS_URL"]))


@pytest.mark.parametrize("name", ["AUTH_SECRET_FILE", "ENCRYPTION_KEY_FILE"])
def test_what_is_in_a_file_of_secrets_is_in_no_setting_and_no_error(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    long = CANARY * 4

    def write(content: bytes, mode: int) -> None:
        file.write_bytes(content)
        file.chmod(mode)

    write(long.encode(), 0o600)
    add_version(file, name)
    settings = Settings.from_env({name: str(file)})
    for text in (repr(settings), str(settings.env()), repr(read_versions(file, name))):
        assert CANARY not in text
        assert CANARY.encode().hex() not in text
    damaged = HEADER + b"\n" + CANARY.encode()
    for content, mode in ((CANARY.encode(), 0o600), (long.encode(), 0o644), (damaged, 0o600)):
        write(content, mode)
        with pytest.raises(SettingsError, match=f"^{name}=") as refused:
            read_versions(file, name)
        assert CANARY not in str(refused.value)
