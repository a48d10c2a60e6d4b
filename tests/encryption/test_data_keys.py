"""Data keys are kept wrapped; rotating a master key wraps them anew, and destroying one is for good."""

import os
from pathlib import Path

import pytest

from access.versions import add_version, drop_version
from encryption.data_keys import DataKeys
from encryption.envelope import DataKey
from encryption.master import SETTING, MasterKeyFile, NoMasterKeys
from errors import InvalidInput, KeyDestroyed, KeyUnavailable, Undecryptable
from tests.encryption.places import key_files, keyring_in, keys_in, master_file, other_file


def test_a_key_is_read_as_it_was_made_and_is_not_in_its_file(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    made = [keys.make("u1", "c1"), keys.make("u1", "c2")]
    assert keys.of("u1").keys == made
    assert keys.of("u2").keys == []
    for file in key_files(tmp_path):
        assert not any(each.secret in file.read_bytes() for each in made)


@pytest.mark.parametrize("user", ["..", ".", "a/b", "user=a", "a:b", "a.key"])
def test_users_have_folders_of_their_own(tmp_path: Path, user: str) -> None:
    keys = keys_in(tmp_path)
    made, other = keys.make(user, "c1"), keys.make("a", "c1")
    assert keys.of(user).keys == [made]
    assert keys.of("a").keys == [other]
    assert all(file.is_relative_to(tmp_path / "keys") for file in tmp_path.rglob("*.key"))
    assert keys.rewrap() == 0


def test_keys_are_kept_where_fsspec_keeps_files(tmp_path: Path, user_id: str) -> None:
    keys = DataKeys(f"memory://{user_id}", MasterKeyFile(master_file(tmp_path)))
    made = keys.make("u1", "c1")
    assert keys.of("u1").keys == [made]
    assert len(keys.masters()) == 1
    keys.destroy("u1", [made.id])
    assert keys.of("u1").keys == []
    assert keys.masters() == set()


def test_after_a_rotation_keys_are_the_same_and_the_old_master_key_is_not_needed(tmp_path: Path) -> None:
    keys, file = keys_in(tmp_path), master_file(tmp_path)
    made = [keys.make("u1", "c1"), keys.make("u2", "c1")]
    [old] = MasterKeyFile(file).versions()
    add_version(file, SETTING)
    late = keys.make("u1", "c2")  # by the newest
    assert keys.of("u1").keys == [made[0], late]  # both versions are there
    assert keys.rewrap() == 2
    assert keys.rewrap() == 0
    drop_version(file, SETTING, old)
    assert [*keys.of("u1").keys, *keys.of("u2").keys] == [made[0], late, made[1]]
    assert old not in keys.masters()


def test_the_newest_master_key_cannot_be_dropped(tmp_path: Path) -> None:
    file = master_file(tmp_path)
    [only] = MasterKeyFile(file).versions()
    with pytest.raises(InvalidInput, match="newest"):
        drop_version(file, SETTING, only)
    with pytest.raises(InvalidInput, match="no version"):
        drop_version(file, SETTING, "00000000")


def test_a_destroyed_key_is_gone_and_known_to_be_destroyed(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    gone, stays = keys.make("u1", "c1"), keys.make("u1", "c2")
    keys.destroy("u1", [gone.id])
    keys.destroy("u1", [gone.id])
    kept = keys.of("u1")
    assert (kept.keys, kept.destroyed) == ([stays], frozenset([gone.id]))
    assert not list((tmp_path / "keys").rglob(f"{gone.id.hex()}*.key"))


def test_a_key_that_is_destroyed_while_it_is_wrapped_anew_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, other = keys_in(tmp_path), keys_in(tmp_path)
    made = keys.make("u1", "c1")
    add_version(master_file(tmp_path), SETTING)
    write = DataKeys._write

    def slowly(self: DataKeys, key: DataKey) -> None:
        other.destroy("u1", [made.id])
        write(self, key)

    monkeypatch.setattr(DataKeys, "_write", slowly)
    keys.rewrap()
    assert not list((tmp_path / "keys").rglob("*.key"))
    assert keys.of("u1").keys == []


def test_what_a_broken_off_destruction_left_is_removed_by_who_reads_next(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    made = keys.make("u1", "c1")
    (tmp_path / "keys" / "user=u1" / f"{made.id.hex()}.destroyed").touch()
    assert keys.of("u1").keys == []
    assert not list((tmp_path / "keys").rglob("*.key"))


def test_a_wrong_or_missing_master_key_is_named_with_the_remedy_and_nothing_is_touched(
    tmp_path: Path,
) -> None:
    keys = keys_in(tmp_path)
    keys.make("u1", "c1")
    before = {file: file.read_bytes() for file in key_files(tmp_path)}
    [needed] = keys.masters()
    url = str(tmp_path / "keys")
    for master in (MasterKeyFile(other_file(tmp_path)), NoMasterKeys()):
        wrong = DataKeys(url, master)
        for use in (wrong.check, lambda wrong=wrong: wrong.of("u1")):
            with pytest.raises(KeyUnavailable, match=f"{needed}.*ENCRYPTION_KEY_FILE.*put that file back"):
                use()
    master_file(tmp_path).unlink()
    with pytest.raises(KeyUnavailable, match=r"ENCRYPTION_KEY_FILE=.*cannot be read"):
        DataKeys(url, MasterKeyFile(tmp_path / "master")).check()
    assert {file: file.read_bytes() for file in key_files(tmp_path)} == before


def test_a_key_file_that_was_changed_or_moved_to_another_user_is_refused(tmp_path: Path) -> None:
    keys = keys_in(tmp_path)
    keys.make("u1", "c1")
    [file] = key_files(tmp_path)
    content = file.read_bytes()
    (tmp_path / "keys" / "user=u2").mkdir()
    (tmp_path / "keys" / "user=u2" / file.name).write_bytes(content)
    with pytest.raises(KeyUnavailable):
        keys.of("u2")
    for changed in (content.replace(b'"c1"', b'"c2"'), content[:-1], b"", content.replace(b'd":"', b'd":"A')):
        file.write_bytes(changed)
        with pytest.raises(KeyUnavailable):
            keys.of("u1")


@pytest.mark.parametrize(
    ("content", "mode", "remedy"),
    [("short", 0o600, "openssl rand"), ("x" * 32, 0o644, "chmod 600"), (None, 0, "cannot be read")],
)
def test_a_file_that_cannot_hold_a_master_key_is_refused(
    tmp_path: Path, content: str | None, mode: int, remedy: str
) -> None:
    file = tmp_path / "master"
    if content is not None:
        file.write_text(content)
        os.chmod(file, mode)
    with pytest.raises(KeyUnavailable, match=f"ENCRYPTION_KEY_FILE.*{remedy}"):
        MasterKeyFile(file).versions()


async def test_a_user_has_one_key_an_account_however_many_ask_at_once(tmp_path: Path, user_id: str) -> None:
    keys = await keyring_in(tmp_path, user_id)
    await keys.prepare(["c1", "c2"])
    await keys.prepare(["c1", "c2"])
    assert len(key_files(tmp_path)) == 2
    again = await keyring_in(tmp_path, user_id)
    await again.prepare(["c1", "c2"])
    assert len(key_files(tmp_path)) == 2
    assert again.decrypt("c1", ("x",), keys.encrypt("c1", ("x",), b"text")) == b"text"


async def test_what_another_process_encrypted_with_a_key_that_it_made_is_read(
    tmp_path: Path, user_id: str
) -> None:
    one, other = await keyring_in(tmp_path, user_id), await keyring_in(tmp_path, user_id)
    envelopes = [each.encrypt("c1", ("x",), b"text") for each in (one, other)]
    assert [each.decrypt("c1", ("x",), envelope) for each in (one, other) for envelope in envelopes] == (
        [b"text"] * 4
    )


async def test_a_lost_key_is_told_from_one_that_was_destroyed(tmp_path: Path, user_id: str) -> None:
    keys = await keyring_in(tmp_path, user_id)
    envelopes = {creator: keys.encrypt(creator, ("x",), b"text") for creator in ("c1", "c2", "c3")}
    with pytest.raises(Undecryptable, match="another account"):
        keys.decrypt("c2", ("x",), envelopes["c1"])
    await keys.destroy(lambda creator_id: creator_id == "c1")
    for each in (keys, await keyring_in(tmp_path, user_id)):
        with pytest.raises(KeyDestroyed):
            each.decrypt("c1", ("x",), envelopes["c1"])
        assert each.decrypt("c2", ("x",), envelopes["c2"]) == b"text"
    for file in key_files(tmp_path):
        file.unlink()
    with pytest.raises(KeyUnavailable, match="restore the folder of the data keys"):
        (await keyring_in(tmp_path, user_id)).decrypt("c3", ("x",), envelopes["c3"])


async def test_where_nothing_is_encrypted_nothing_is_changed_and_what_was_is_read(
    tmp_path: Path, user_id: str
) -> None:
    envelope = (await keyring_in(tmp_path, user_id)).encrypt("c1", ("x",), b"text")
    off = await keyring_in(tmp_path, user_id, encrypts=False)
    assert off.encrypt("c1", ("x",), b"text") == b"text"
    assert off.decrypt("c1", ("x",), b"text") == b"text"
    assert off.decrypt("c1", ("x",), envelope) == b"text"
    await off.prepare(["c2"])
    assert len(key_files(tmp_path)) == 1
