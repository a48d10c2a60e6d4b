"""The figures that pages are shown, kept up to date with the history."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime

from chats.account import Account
from graph.rows import conversation_rows, fan_row
from history.chat import CachedChat
from history.history import Cache, Change, Key
from insights.running import RunningFigures
from wire.payloads import AnalyticsUpdate, PriorityScore


class Figures:
    """One user's. They are those that the graph gives once all that the history holds is written."""

    def __init__(self, user_id: str, history: Cache, now: datetime) -> None:
        self._user_id = user_id
        self._history = history
        self._running = RunningFigures(user_id, now)

    async def load(self) -> None:
        """Take in the whole history."""
        self._history.take_changes()
        for cached in self._history.of(None):
            for id in cached.nodes:
                self._put(cached, id)
            self._put_fan((cached.chat.creator_id, cached.chat.id))
            await asyncio.sleep(0)

    def follow(self, changes: Mapping[Key, Change]) -> None:
        """Take in what changed."""
        for (creator_id, chat_id), change in changes.items():
            for id in change.gone:
                self._running.drop(creator_id, id)
            cached = self._history.look(creator_id, chat_id)
            if cached is None:
                self._running.drop_fan(creator_id, chat_id)
                continue
            for id in change.written:
                self._put(cached, id)
            self._put_fan((creator_id, chat_id))

    def update(
        self, creator_id: str | None, now: datetime, chats: Collection[str] | None = None
    ) -> AnalyticsUpdate:
        """Everything a dashboard shows at `now`; the inbox order of all chats, or of `chats` alone."""
        return self._running.update(creator_id, now, chats)

    def priority(self, creator_id: str, chat_id: str, now: datetime) -> PriorityScore | None:
        """Where the chat stands in its creator's inbox."""
        return self._running.priority(creator_id, chat_id, now)

    def most_urgent(self, creator_id: str | None, now: datetime, n: int) -> list[str]:
        """The ids of the `n` chats that come first at `now`, by falling priority."""
        return self._running.most_urgent(creator_id, now, n) if n else []

    def _put(self, cached: CachedChat, id: str) -> None:
        creator_id, node = cached.chat.creator_id, cached.nodes.get(id)
        if node is not None:
            rows = conversation_rows(node, Account(self._user_id, creator_id).key)
            self._running.put(creator_id, id, rows)

    def _put_fan(self, key: Key) -> None:
        if (fan := self._history.fan(key)) is not None:
            self._running.put_fan(*key, fan_row(fan))
