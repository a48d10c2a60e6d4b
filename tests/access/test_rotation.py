"""The installation's secret is rotated and retired: what holds on, and what does not."""

import asyncio
import os
import re
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from access.__main__ import main
from access.audit import STREAM, Audit
from access.chain import Chain, Record
from access.gate import TRUSTED, Credentials, Guarded
from access.manage import Manager
from access.rotation import SecretRotation
from access.secret import Secret, make_secret, read_secret
from access.store import Store
from access.versions import HEADER, add_version, drop_version, read_versions
from encryption.master import MasterKeyFile
from errors import InvalidInput, SettingsError, Unauthenticated
from local.commands import DIFFERS, FAILED, WELL
from privacy.seal import read_seal
from tests.encryption.places import key_files, keys_in, master_file
from tests.history.store import Store as RedisStore

NAME = "AUTH_SECRET_FILE"


@pytest.fixture
async def file(redis: Redis, tmp_path: Path) -> Path:
    """The file of an installation's secret, and an empty Redis."""
    await redis.flushall()
    make_secret(tmp_path / "secret")
    return tmp_path / "secret"


@pytest.fixture
def rotation(redis: Redis, file: Path) -> SecretRotation:
    secret = read_secret(file)
    audit = Audit(redis, secret)
    return SecretRotation(file, Manager(Store(redis), secret, audit), audit)


def gate(redis: Redis, file: Path) -> Guarded:
    """That of a process which begins now."""
    secret = read_secret(file)
    return Guarded(Store(redis), secret, Audit(redis, secret))


# The file


def test_a_rotated_file_has_all_versions_the_newest_first_and_each_can_be_dropped(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(os.urandom(40) + b"\nand a second line\n")  # as somebody made it
    os.chmod(file, 0o600)
    [first] = read_versions(file, NAME)
    second, third = add_version(file, NAME), add_version(file, NAME)
    assert read_versions(file, NAME) == (third, second, first)
    assert file.stat().st_mode & 0o777 == 0o600
    assert len({each.id for each in (first, second, third)}) == 3
    drop_version(file, NAME, second.id)
    assert read_versions(file, NAME) == (third, first)
    assert [each.name for each in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize("lines", [b"", b"nonsense", b"2024-05-01 xyz", b"2024-05-01 0011\xff", b"- aabb"])
def test_a_damaged_file_is_refused(tmp_path: Path, lines: bytes) -> None:
    file = tmp_path / "secret"
    file.write_bytes(HEADER + b"\n" + lines)
    os.chmod(file, 0o600)
    with pytest.raises(SettingsError, match=r"damaged|shorter"):
        read_versions(file, NAME)


def test_two_rotations_at_once_do_not_lose_a_version(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    make_secret(file)
    (tmp_path / "secret.part").touch()  # the other one writes it now
    before = file.read_bytes()
    with pytest.raises(SettingsError, match=r"secret\.part is beside it"):
        add_version(file, NAME)
    assert file.read_bytes() == before


def test_no_version_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    make_secret(file)
    text = add_version(file, NAME).secret
    for shown in (repr(read_versions(file, NAME)), repr(read_secret(file)), str(Secret(text))):
        assert text.decode() not in shown
        assert text.hex() not in shown
        assert repr(text) not in shown


def test_a_secret_that_is_in_use_follows_its_file_and_outlives_it(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    make_secret(file)
    secret = read_secret(file)
    before = secret.digest("receipt", b"x")
    add_version(file, NAME)
    after = secret.digest("receipt", b"x")
    assert after != before
    assert (secret.age("receipt", b"x", after), secret.age("receipt", b"x", before)) == (0, 1)
    assert secret.age("receipt", b"y", before) is None
    assert secret.age("key", b"x", before) is None
    content = file.read_bytes()
    add_version(file, NAME)
    file.chmod(0o644)  # not taken, until that is mended
    assert secret.digest("receipt", b"x") == after
    file.chmod(0o600)
    assert secret.age("receipt", b"x", after) == 1
    file.write_bytes(content)
    assert secret.digest("receipt", b"x") == after
    file.unlink()
    assert secret.digest("receipt", b"x") == after


# What is signed


async def test_keys_hold_on_after_a_rotation_and_are_kept_under_the_newest_once_used(
    redis: Redis, file: Path, rotation: SecretRotation
) -> None:
    running = gate(redis, file)
    manager = rotation._manager
    used, _ = await manager.create_key("test", "used", [])
    unused, kept = await manager.create_key("test", "unused", [])
    await running.caller(Credentials(bearer=used))
    [old] = rotation.versions()
    await rotation.rotate("test")
    for each in (running, gate(redis, file)):
        assert (await each.caller(Credentials(bearer=used))).principal.name == "used"
    fresh, _ = await manager.create_key("test", "fresh", [])
    assert [key.name for key in await rotation.hanging_on(old.id)] == ["unused"]
    with pytest.raises(InvalidInput, match=rf"{kept.principal} \(unused\).*nothing was changed"):
        await rotation.retire("test", old.id)
    assert len(rotation.versions()) == 2
    await rotation.retire("test", old.id, revoke_keys=True)
    await asyncio.sleep(TRUSTED)
    for each in (running, gate(redis, file)):
        for text in (used, fresh):
            await each.caller(Credentials(bearer=text))
        with pytest.raises(Unauthenticated):
            await each.caller(Credentials(bearer=unused))


async def test_a_key_that_is_revoked_while_it_is_renewed_stays_revoked(
    redis: Redis, file: Path, rotation: SecretRotation
) -> None:
    store = Store(redis)
    _, key = await rotation._manager.create_key("test", "k", [])
    await store.remove_key(key)
    await store.renew_key(key, key.model_copy(update={"version": "other"}))
    assert await store.keys() == []


async def test_a_key_of_an_earlier_release_is_renewed(
    redis: Redis, file: Path, rotation: SecretRotation
) -> None:
    text, key = await rotation._manager.create_key("test", "k", [])
    await redis.hset("access:keys", key.id, key.model_dump_json(exclude={"version"}))
    [old] = rotation.versions()
    await rotation.rotate("test")
    assert [each.id for each in await rotation.hanging_on(old.id)] == [key.id]
    await gate(redis, file).caller(Credentials(bearer=text))
    assert await rotation.hanging_on(old.id) == []


async def test_receipts_hold_until_the_version_that_signed_them_is_retired(
    file: Path, rotation: SecretRotation
) -> None:
    seal = read_seal(file)
    receipt = seal.signed({"receipt": "r1", "subject": seal.subject("u1", "c1", "41")})
    [old] = rotation.versions()
    await rotation.rotate("test")
    assert read_seal(file).is_valid(receipt)
    assert read_seal(file).is_of(receipt, "u1", "c1", "41")
    assert not read_seal(file).is_of(receipt, "u1", "c1", "42")
    assert read_seal(file).is_valid(read_seal(file).signed({"receipt": "r2"}))
    await rotation.retire("test", old.id)
    assert not read_seal(file).is_valid(receipt)
    assert not read_seal(file).is_of(receipt, "u1", "c1", "41")


# The audit trail


async def test_the_trail_is_whole_through_rotations_and_after_each_is_retired(
    redis: Redis, file: Path, rotation: SecretRotation
) -> None:
    running = Audit(redis, read_secret(file))  # of a service that is not started anew
    retired: list[str] = []
    for n in range(4):
        await running.record("signed_in", f"person:p{n}")
        retired.append((await rotation.rotate("test")).id)
        await running.record("signed_in", f"person:q{n}")
    for version in rotation.versions()[:0:-1]:  # the oldest first
        assert (await running.verify())[2] is None
        await rotation.retire("test", version.id)
        await running.record("signed_out", "person:ann")
    number, _, wrong = await running.verify()
    assert (number, wrong) == (20, None)
    assert [each.id for each in rotation.versions()] == [retired[-1]]


async def test_the_oldest_version_is_retired_first(rotation: SecretRotation) -> None:
    for _ in range(2):
        await rotation.rotate("test")
    newest, middle, oldest = rotation.versions()
    with pytest.raises(InvalidInput, match="newest"):
        await rotation.retire("test", newest.id)
    with pytest.raises(InvalidInput, match=f"{oldest.id} is older"):
        await rotation.retire("test", middle.id)
    await rotation.retire("test", oldest.id)
    await rotation.retire("test", middle.id)
    assert rotation.versions() == (newest,)


@pytest.mark.parametrize("tampering", ["changed", "cut", "vouched for less", "signed with an old version"])
async def test_what_is_changed_after_a_version_was_retired_is_found(
    redis: Any, file: Path, rotation: SecretRotation, tampering: str
) -> None:
    audit = Audit(redis, read_secret(file))
    for n in range(3):
        await audit.record("signed_in", f"person:p{n}")
    stolen = read_secret(file).versions[0].secret
    await rotation.rotate("test")
    await rotation.retire("test", rotation.versions()[1].id)
    await audit.record("signed_out", "person:p0")
    assert (await audit.verify())[2] is None
    entries = await redis.xrange(STREAM)
    fields = [each for _, each in entries]
    match tampering:
        case "changed":
            fields[1][b"record"] = fields[1][b"record"].replace(b"p1", b"p9")
        case "cut":
            del fields[0]
            for n, each in enumerate(fields, 1):
                each[b"number"] = b"%d" % n
        case "vouched for less":
            fields[4][b"record"] = fields[4][b"record"].replace(b'"through": "4"', b'"through": "2"')
        case "signed with an old version":
            await Audit(redis, Secret(stolen)).record("signed_out", "person:mallory")
    if tampering != "signed with an old version":
        await redis.delete(STREAM)
        for each in fields:
            await redis.xadd(STREAM, each)
    assert (await audit.verify())[2] is not None


async def test_a_trail_that_is_not_whole_keeps_the_version_that_could_show_it(
    redis: Any, file: Path, rotation: SecretRotation
) -> None:
    await rotation.rotate("test")
    [(id, _), *_] = await redis.xrange(STREAM)
    await rotation.rotate("test")
    await redis.xdel(STREAM, id)
    with pytest.raises(InvalidInput, match="not whole"):
        await rotation.retire("test", rotation.versions()[-1].id)
    assert len(rotation.versions()) == 3


def test_an_older_version_signs_nothing_behind_a_newer_one() -> None:
    old, new = Secret(b"o" * 32), Secret(b"n" * 32, b"o" * 32)
    chain = Chain(new)
    for number, secret in ((1, old), (2, new), (3, old)):
        json = b'{"event": "signed_in"}'
        hash = secret.digest("audit", b"%b %d %b" % (chain.last.encode(), number, json))
        assert chain.take(Record(number, hash, json)) == (number < 3)
    assert chain.wrong is not None
    assert "record 3" in chain.wrong


# On the command line


@pytest.fixture
def settings(store: RedisStore, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("REDIS_URL", store.url)
    return tmp_path


async def run(*command: str) -> int:
    return await asyncio.to_thread(main, command)


async def test_the_secret_is_rotated_and_retired_by_commands(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await run("keys", "create", "tool")
    assert await run("secret", "list") == WELL
    assert await run("secret", "rotate") == WELL
    capsys.readouterr()
    await run("secret", "list")
    lines = capsys.readouterr().out.splitlines()
    found = [re.fullmatch(r"(\w{8})  (\S+|the first)  (\d) keys were used last with it", x) for x in lines]
    (newest, _, none), (oldest, first, one) = [each.groups() for each in found if each]
    assert (none, one, first) == ("0", "1", "the first")
    assert await run("secret", "retire", newest) == FAILED
    assert await run("secret", "retire", oldest) == FAILED
    assert "tool" in capsys.readouterr().err
    assert await run("secret", "retire", oldest, "--revoke-keys") == WELL
    assert await run("secret", "retire", oldest) == FAILED
    assert await run("audit", "verify") == WELL
    assert await run("audit", "verify", "--through", "0" * 63 + "1") == DIFFERS


async def test_the_master_key_is_rotated_and_retired_by_commands(
    settings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await run("storage", "rotate") == FAILED
    assert "ENCRYPTION_KEY_FILE" in capsys.readouterr().err
    keys = keys_in(settings)
    made = keys.make("u1", "c1")
    [old] = keys.masters()
    monkeypatch.setenv("ENCRYPTION_KEY_FILE", str(master_file(settings)))
    assert await run("storage", "rotate") == WELL
    assert "1 data keys were wrapped anew" in capsys.readouterr().err
    await run("storage", "list")
    used, unused = capsys.readouterr().out.splitlines()
    assert "data keys are wrapped by it" in used
    assert unused == f"{old}  the first  not used"
    assert await run("storage", "rewrap") == WELL
    assert await run("storage", "retire", old) == WELL
    assert await run("storage", "retire", old) == FAILED
    assert keys.of("u1").keys == [made]
    assert old not in MasterKeyFile(master_file(settings)).versions()
    assert len(key_files(settings)) == 1
    capsys.readouterr()
    await run("audit", "show")
    assert "storage_key_retired" in capsys.readouterr().out
