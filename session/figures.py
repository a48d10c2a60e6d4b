"""The figures that pages are shown, kept up to date with the history."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nlargest

from chats.account import Account
from chats.enriched import EnrichedConversation
from graph.rows import conversation_rows, fan_row
from history.history import Change, History, Key
from insights.running import SLACK, RunningFigures
from insights.window import WINDOW
from steps import sliced
from wire.bounds import of_chats
from wire.payloads import AnalyticsUpdate, PriorityScore

FIRST = 500  # chats that come first and are known as that
FIRST_HOLDS = 60.0  # seconds for which they are looked for among the same ones
SPARE = 4  # times as many as are asked for are looked at


@dataclass(slots=True)
class _First:
    """The chats that came first at a time, by falling priority, and those that changed since."""

    at: datetime
    chats: list[str]
    changed: dict[str, None] = field(default_factory=dict)


class Figures:
    """One user's. They are those that the graph gives once all that the history holds is written."""

    def __init__(self, user_id: str, history: History, now: datetime) -> None:
        self._user_id = user_id
        self._history = history
        self._since = now
        self._running = RunningFigures(user_id, now)
        self._first: dict[str | None, _First] = {}  # by creator, None: of all

    async def load(self) -> None:
        """Take in all of the history that figures are made of."""
        self._history.take_changes()
        since = (self._since - 2 * WINDOW - SLACK).timestamp()
        async for key in sliced(self._history.keys()):
            for node in self._history.understood(key, since):
                self._put(node)
            self._put_fan(key)

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
                if (node := cached.counted_node(id)) is not None:
                    self._put(node)
            self._put_fan((creator_id, chat_id))
            for scope in (creator_id, None):
                if scope in self._first:
                    self._first[scope].changed[chat_id] = None

    def update(
        self, creator_id: str | None, now: datetime, chats: Collection[str] | None = None
    ) -> AnalyticsUpdate:
        """Everything a dashboard shows at `now`; the inbox order of all chats, or of `chats` alone."""
        return self._running.update(creator_id, now, chats)

    def priority(self, creator_id: str, chat_id: str, now: datetime) -> PriorityScore | None:
        """Where the chat stands in its creator's inbox."""
        return self._running.priority(creator_id, chat_id, now)

    def most_urgent(self, creator_id: str | None, now: datetime, n: int) -> list[str]:
        """The ids of the `n` chats that come first at `now`, by falling priority: all are looked at."""
        return self._running.most_urgent(creator_id, now, n) if n else []

    def update_of_first(
        self, creator_id: str | None, now: datetime, n: int, also: Iterable[str] = ()
    ) -> AnalyticsUpdate:
        """The update with the inbox order of the first `n` (up to FIRST) chats at `now`, and of others.

        They are found among those that came first a while ago and those that changed since. Another one
        rises by no more than a fraction of a point meanwhile.
        """
        creators = self._history.creators()
        scope = creators[0] if creator_id is None and len(creators) == 1 else creator_id
        first = self._first.get(scope)
        if (
            first is None
            or not 0 <= (now - first.at).total_seconds() < FIRST_HOLDS
            or len(first.changed) > FIRST
        ):
            first = self._first[scope] = _First(now, self._running.most_urgent(creator_id, now, FIRST))
        candidates = dict.fromkeys([*first.chats[: SPARE * n], *first.changed])
        update = self._running.update(creator_id, now, [*candidates, *also])
        score = update.priorityScores
        best = nlargest(n, (chat for chat in candidates if chat in score), key=score.__getitem__)
        return of_chats(update, [*best, *also])

    def _put(self, node: EnrichedConversation) -> None:
        rows = conversation_rows(node, Account(self._user_id, node.creator_id).key)
        self._running.put(node.creator_id, node.id, rows)

    def _put_fan(self, key: Key) -> None:
        if (fan := self._history.fan(key)) is not None:
            self._running.put_fan(*key, fan_row(fan))
