"""What the registry does as it starts, so that every account is whole: in its topics and in the graph.

Before there were accounts, topic models and the partitions of the graph were by creator. The models are
divided among the accounts before any owner starts, so that nobody who takes a creator up later comes to them.
What the graph lacks is written by the owners from what they hold, also for users that nobody calls; then the
partitions of creators are dropped, which no question ever reads.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Final, Self

from ray.exceptions import RayError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from actors.graph_writer import graph_reader, graph_writer
from backoff import Backoff
from chats.account import Account
from errors import AnalyticsError
from frames.log import connect_redis
from graph.model import SCHEMA, DropPartition
from graph.port import Graph
from graph.traversals import WRITTEN
from graph.write import Writer
from remote import result
from session.erased import erasing
from session.journal import known_users
from session.topic_models import TopicModels
from settings import Settings

LAYOUT: Final = "layout"  # the key in Redis that says by what the data is kept
BY_ACCOUNT: Final = b"account"
TOGETHER: Final = 4  # users whose graph is written at a time
WRITTEN_WITHIN: Final = 600.0  # seconds for one of them; then it goes on beside the next
RETRY_FIRST, RETRY_MOST = 0.2, 10.0

log = logging.getLogger(__name__)


class Upgrade:
    """Repeats what it does until Redis and the graph have answered."""

    def __init__(self, redis: Redis, writer: Writer, reader: Graph) -> None:
        self._redis = redis
        self._writer = writer
        self._reader = reader

    @classmethod
    def of(cls, settings: Settings) -> Self:
        writer = graph_writer(settings)
        return cls(connect_redis(settings.redis_url), writer, graph_reader(settings, writer))

    async def before_owners(self) -> None:
        """Divide the topic models that are kept by creator."""
        await _insist(self._divide_topics)

    async def beside_owners(self, activate: Callable[[str], Awaitable[Any]]) -> None:
        """Have the owners erase and write what is left to be, then drop what the graph keeps by creator."""
        await _insist(lambda: self._go_on_erasing(activate))
        await _insist(lambda: self._write_missing(activate))
        await _insist(self._drop_creators)

    async def _divide_topics(self) -> None:
        if await self._is_by_account():
            return
        holders: defaultdict[str, list[Account]] = defaultdict(list)
        for account in await self._accounts():
            holders[account.creator_id].append(account)
        for creator_id, accounts in holders.items():
            await TopicModels(self._redis).divide(creator_id, accounts)

    async def _write_missing(self, activate: Callable[[str], Awaitable[Any]]) -> None:
        written = set(await self._reader.submit(WRITTEN, {"schema": SCHEMA}))
        missing = [each.user_id for each in await self._accounts() if each.key not in written]
        users = iter(dict.fromkeys(missing))
        if missing:
            log.warning("The graph lacks %d accounts as they are now; their owners write them.", len(missing))

        async def write() -> None:
            for user_id in users:
                try:
                    owner = await activate(user_id)
                    await result(owner.in_graph.remote(user_id, WRITTEN_WITHIN))
                except (AnalyticsError, RayError) as error:  # written when the user is called
                    log.warning("User %s is not in the graph yet (%s).", user_id, type(error).__name__)

        await asyncio.gather(*(write() for _ in range(TOGETHER)))

    async def _go_on_erasing(self, activate: Callable[[str], Awaitable[Any]]) -> None:
        """Wake the owners who have not carried out an erasure: they go on with it."""
        for user_id in await erasing(self._redis):
            try:
                await activate(user_id)
            except (AnalyticsError, RayError) as error:
                log.warning("User %s: an erasure waits for its owner (%s).", user_id, type(error).__name__)

    async def _drop_creators(self) -> None:
        if await self._is_by_account():
            return
        for creator_id in {account.creator_id: None for account in await self._accounts()}:
            await self._writer.apply([DropPartition(creator_id)])
        await self._redis.set(LAYOUT, BY_ACCOUNT)

    async def _is_by_account(self) -> bool:
        return bool(await self._redis.get(LAYOUT) == BY_ACCOUNT)

    async def _accounts(self) -> list[Account]:
        known = await known_users(self._redis)
        return [
            Account(user_id, creator_id) for user_id, creators in known.items() for creator_id in creators
        ]


async def _insist(step: Callable[[], Awaitable[None]]) -> None:
    backoff = Backoff(RETRY_FIRST, RETRY_MOST)
    while True:
        try:
            return await step()
        except (RedisError, AnalyticsError, RayError) as error:
            log.warning("The data is not looked through yet (%s); tried again.", type(error).__name__)
        await backoff.pause()
