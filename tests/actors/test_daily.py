"""Owners of users with a term are woken, and nobody else."""

import uuid

from redis.asyncio import Redis

from actors.daily import Daily
from errors import Unavailable
from session.erased import ErasedInRedis
from session.journal import Entry, Journal


async def test_whose_messages_have_a_term_is_woken_and_one_that_does_not_come_keeps_nobody_asleep(
    redis: Redis,
) -> None:
    users = sorted(f"user-{uuid.uuid4().hex[:8]}" for _ in range(3))
    for user_id in users:
        journal = Journal(redis, user_id)
        await journal.claim()
        await journal.append("901", [Entry("message", 1.0, b"{}", "m1")])
    woken: list[str] = []

    async def activate(user_id: str) -> None:
        if user_id == users[0]:
            raise Unavailable("It does not come.")
        woken.append(user_id)

    await Daily(0, activate).once(redis)
    assert woken == []
    await ErasedInRedis(redis, users[1]).keep_for("901", 30)
    await Daily(0, activate).once(redis)
    assert woken == [users[1]]
    await Daily(90, activate).once(redis)
    assert set(users[1:]) <= set(woken[1:])
