"""How it begins: the first admin's key."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from access.audit import Audit
from access.gate import Credentials, Guarded
from access.manage import FIRST_KEY_LASTS, Manager
from access.policy import Action, allows
from access.secret import Secret
from access.store import Store
from errors import Unauthenticated

SECRET = Secret(b"s" * 32)


async def test_where_nobody_may_do_anything_one_admin_key_is_made(redis: Redis, tmp_path: Path) -> None:
    await redis.flushall()
    store, audit = Store(redis), Audit(redis, SECRET)
    manager = Manager(store, SECRET, audit)
    file = await manager.first_key(tmp_path)
    assert file is not None
    assert file.stat().st_mode & 0o777 == 0o600
    key = Credentials(bearer=file.read_text().strip())
    principal = (await Guarded(store, SECRET, audit).caller(key)).principal
    assert allows(principal, Action.MANAGE_ACCESS)
    assert not allows(principal, Action.READ_CHATS, "u1")
    assert await manager.first_key(tmp_path) is None
    after = datetime.now(UTC) + FIRST_KEY_LASTS + timedelta(minutes=1)
    with pytest.raises(Unauthenticated):
        await Guarded(store, SECRET, audit, clock=after.timestamp).caller(key)


async def test_a_first_key_of_an_earlier_redis_is_replaced(redis: Redis, tmp_path: Path) -> None:
    manager = Manager(Store(redis), SECRET, Audit(redis, SECRET))
    await redis.flushall()
    first = await manager.first_key(tmp_path)
    assert first is not None
    kept = first.read_text()
    await redis.flushall()
    assert await manager.first_key(tmp_path) == first
    assert first.read_text() != kept
