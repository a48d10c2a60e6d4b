"""The figures that pages are shown, kept up to date with the history."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime

from chats.account import Account
from chats.enriched import EnrichedConversation
from graph.rows import conversation_rows, fan_row
from history.history import Cache, Change, Key
from insights.running import SLACK, RunningFigures
from insights.window import WINDOW
from wire.payloads import AnalyticsUpdate, PriorityScore

EVERY = 20  # chats that are read between two looks at the event loop


class Figures:
    """One user's. They are those that the graph gives once all that the history holds is written."""

    def __init__(self, user_id: str, history: Cache, now: datetime) -> None:
        self._user_id = user_id
        self._history = history
        self._since = now
        self._running = RunningFigures(user_id, now)

    async def load(self) -> None:
        """Take in all of the history that figures are made of."""
        self._history.take_changes()
        since = (self._since - 2 * WINDOW - SLACK).timestamp()
        for number, key in enumerate(self._history.keys()):
            for node in self._history.understood(key, since):
                self._put(node)
            self._put_fan(key)
            if number % EVERY == 0:
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
                if (node := cached.node(id)) is not None:
                    self._put(node)
            self._put_fan((creator_id, chat_id))

    def update(
        self, creator_id: str | None, now: datetime, chats: Collection[str] | None = None
    ) -> AnalyticsUpdate:
        """Everything a dashboard shows at `now`; the inbox order of all chats, or of `chats` alone."""
        return self._running.update(creator_id, now, chats)

    def priority(self, creator_id: str, chat_id: str, now: datetime) -> PriorityScore | None:
        """Where the chat stands in its creator's inbox."""
        return self._running.priority(creator_id, chat_id, now)

    def _put(self, node: EnrichedConversation) -> None:
        rows = conversation_rows(node, Account(self._user_id, node.creator_id).key)
        self._running.put(node.creator_id, node.id, rows)

    def _put_fan(self, key: Key) -> None:
        if (fan := self._history.fan(key)) is not None:
            self._running.put_fan(*key, fan_row(fan))
