"""The graph, with what owners keep of their accounts as columns beside it.

Whatever an owner does not answer at once is asked of the graph.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final, Protocol

from chats.account import Account
from errors import AnalyticsError
from graph.model import Mutation, Scalar
from graph.port import Graph
from insights.answers import Answers
from insights.columns import Table
from insights.tables import Ask, Version

WITHIN: Final = 5.0  # seconds for an owner to answer
# The accounts (their keys) that the graph was asked of for the answer that is being made.
_FROM_GRAPH: ContextVar[list[str]] = ContextVar("from_graph")


class Owners(Protocol):
    """Where the owners of users are asked; `actors.directory.Directory` is one."""

    async def columns(
        self, user_id: str, creator_id: str, asks: Sequence[Ask]
    ) -> tuple[Version, list[Table]] | None:
        """What an account answers, and the version that this is of; None: ask the graph."""
        ...

    async def column_versions(self, user_id: str, creators: Sequence[str]) -> list[Version | None]:
        """Of each account another one each time that its answers may be others; None: ask the graph."""
        ...


class KeptGraph:
    """Reads and writes `graph`; questions about many conversations are answered by owners, where they can."""

    def __init__(self, graph: Graph, owners: Owners) -> None:
        self.graph = graph
        self._owners = owners
        self._answers = Answers()

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        return await self.graph.submit(script, bindings)

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        await self.graph.apply(mutations)

    async def ping(self) -> None:
        await self.graph.ping()

    async def close(self) -> None:
        await self.graph.close()

    async def tables(self, pk: str, asks: Sequence[Ask]) -> list[Table] | None:
        account = Account.of_key(pk)
        try:
            async with asyncio.timeout(WITHIN):
                found = await self._owners.columns(account.user_id, account.creator_id, asks)
        except (AnalyticsError, TimeoutError):
            found = None
        if found is None:
            _FROM_GRAPH.get([]).append(pk)
            return None
        return found[1]

    async def repeated(
        self, accounts: Sequence[str], question: Hashable, answer: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        """The answer to a question about accounts (their keys): the last one while nothing changed."""
        version = await self._versions(accounts)
        if version is None:
            return await answer()
        known = self._answers.get(question, version)
        if known is None:
            from_graph: list[str] = []
            token = _FROM_GRAPH.set(from_graph)
            try:
                known = await answer()
            finally:
                _FROM_GRAPH.reset(token)
            if not from_graph:  # which may lack what this version has
                self._answers.put(question, version, known)
        return known

    async def _versions(self, accounts: Sequence[str]) -> Hashable | None:
        """None: of one of the accounts the graph is asked."""
        named = [Account.of_key(each) for each in accounts]
        users = {each.user_id for each in named}
        if len(users) != 1:
            return None
        (user_id,) = users
        try:
            async with asyncio.timeout(WITHIN):
                creators = [each.creator_id for each in named]
                found = await self._owners.column_versions(user_id, creators)
        except (AnalyticsError, TimeoutError):
            return None
        return None if None in found else (user_id, tuple(creators), tuple(found))
