"""The owners of a running service, as those who look after its graph ask them."""

from redis.asyncio import Redis

from actors.directory import Directory
from chats.account import Account
from graph.contents import Contents
from session.journal import known_users

CHATS = 100  # of one answer
WRITTEN_WITHIN = 250.0  # seconds; the directory waits a little longer for an answer


class ServiceOwners:
    """Each call starts the owner that it concerns, and the owner ends again when nobody needs it."""

    def __init__(self, redis: Redis, directory: Directory) -> None:
        self._redis = redis
        self._directory = directory

    async def accounts(self) -> list[Account]:
        known = await known_users(self._redis)
        return [
            Account(user_id, creator_id) for user_id, creators in known.items() for creator_id in creators
        ]

    async def contents(self, account: Account) -> Contents:
        await self._directory.in_graph(account.user_id, WRITTEN_WITHIN)
        contents = Contents()
        offset: int | None = 0
        while offset is not None:
            mutations, offset = await self._directory.graph_contents(
                account.user_id, account.creator_id, offset, CHATS
            )
            contents.add(mutations)
        return contents

    async def rewrite(self, account: Account) -> None:
        await self._directory.rewrite_graph(account.user_id, account.creator_id, WRITTEN_WITHIN)
