"""`python -m access`: keys, people and grants on the command line."""

import asyncio
import io
import re
from pathlib import Path

import pytest
from redis.asyncio import Redis

from access.__main__ import main
from access.audit import STREAM, Audit
from access.gate import TRUSTED, Credentials, Guarded
from access.principal import Grant
from access.secret import make_secret, read_secret
from access.store import Store as AccessStore
from errors import Unauthenticated
from local.commands import DIFFERS, FAILED, WELL
from tests.history.store import Store


@pytest.fixture
async def place(store: Store, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the command's settings name, on an empty Redis."""
    await redis.flushall()
    make_secret(tmp_path / "secret")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("REDIS_URL", store.url)
    return tmp_path


async def run(*command: str) -> int:
    """The command, in a thread: it has an event loop of its own."""
    return await asyncio.to_thread(main, command)


@pytest.fixture
def gate(redis: Redis, place: Path) -> Guarded:
    secret = read_secret(place / "secret")
    return Guarded(AccessStore(redis), secret, Audit(redis, secret))


async def test_a_key_is_printed_once_and_lets_in_until_it_is_revoked(
    gate: Guarded, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run("keys", "create", "extension", "--grant", "agent agency1 4711", "--days", "90") == WELL
    text = capsys.readouterr().out.strip()
    caller = await gate.caller(Credentials(bearer=text))
    assert caller.principal.grants == (Grant(role="agent", user_id="agency1", creator_id="4711"),)
    await run("keys", "list")
    listed = capsys.readouterr().out
    assert text not in listed
    [id] = re.findall(r"^(key:\w+)  extension  until .*  agent agency1 4711$", listed, re.MULTILINE)
    assert await run("keys", "revoke", id) == WELL
    await asyncio.sleep(TRUSTED)
    with pytest.raises(Unauthenticated):
        await gate.caller(Credentials(bearer=text))
    assert await run("keys", "revoke", id) == FAILED


async def test_people_are_added_and_removed(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in (["add", "ann", "--grant", "owner agency1", "--grant", "admin *"], ["password", "ann"]):
        monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
        assert await run("people", *command) == WELL
    capsys.readouterr()
    await run("people", "list")
    assert capsys.readouterr().out == "person:ann  admin *; owner agency1\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert await run("people", "add", "bob") == FAILED
    assert await run("people", "remove", "ann") == WELL
    await run("grants", "list")
    assert capsys.readouterr().out == ""


async def test_grants_are_added_and_taken_back(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    principal = "token:https://id.example|ann"
    assert await run("grants", "add", principal, "analyst agency1 4711 with-text") == WELL
    await run("grants", "list")
    assert capsys.readouterr().out == f"{principal}  analyst agency1 4711 with-text\n"
    assert await run("grants", "remove", principal, "analyst agency1 4711 with-text") == WELL
    assert await run("grants", "remove", principal, "analyst agency1 4711 with-text") == FAILED
    for unknown in ("key:00000000", "person:nobody", "token:x", "nonsense"):
        assert await run("grants", "add", unknown, "owner agency1") == FAILED


@pytest.mark.parametrize(
    "wrong", ["", "root u1", "owner", "owner * 4711", "admin u1", "owner u1 c1 c2", "owner u/1"]
)
async def test_what_is_no_grant_is_said(place: Path, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        await run("keys", "create", "k", "--grant", wrong)
    assert "ROLE USER" in capsys.readouterr().err


async def test_the_audit_trail_is_shown_and_checked(
    place: Path, redis: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    await run("keys", "create", "extension", "--grant", "agent agency1 4711")
    capsys.readouterr()
    assert await run("audit", "show") == WELL
    assert re.fullmatch(
        r"1  \S+  command line  key_created  grants=agent agency1 4711  principal=key:\w{8}\n",
        capsys.readouterr().out,
    )
    assert await run("audit", "verify") == WELL
    noted = re.findall("[0-9a-f]{64}", capsys.readouterr().out)[0]
    assert await run("audit", "verify", "--through", noted) == WELL
    await redis.delete(STREAM)
    assert await run("audit", "verify", "--through", noted) == DIFFERS


async def test_without_a_service_or_its_secret_the_remedy_is_said(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "secret").unlink()
    assert await run("keys", "list") == FAILED
    assert "AUTH_SECRET_FILE" in capsys.readouterr().err
    monkeypatch.delenv("REDIS_URL")
    assert await run("keys", "list") == FAILED
    assert "start it, or set REDIS_URL" in capsys.readouterr().err
