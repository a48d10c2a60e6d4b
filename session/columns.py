"""Columns of a user's accounts, kept beside the graph for questions over many conversations.

They are made when something is asked of an account, of all that the history holds, and follow it from then
on. Until they are there the graph answers, and after a while without a question they are forgotten. What is
asked is put together in a thread.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from chats.account import Account
from chats.enriched import EnrichedConversation
from graph.rows import fan_facts
from history.history import Change, History, Key
from insights.columns import Table
from insights.kept import AccountColumns, Changes, FanFacts, Put
from insights.tables import Ask, Version
from session.clock import Clock
from steps import Breaks

log = logging.getLogger(__name__)

TOGETHER: Final = 4_000  # conversations that wait to be taken in
FORGOTTEN: Final = 600.0  # seconds after the last question
MOST: Final = 1_000_000  # conversations of an account; where there are more the graph answers


class _Account:
    """The columns of one account, and what they are still to take in."""

    def __init__(self, pk: str, now: float) -> None:
        self.pk = pk
        self.columns = AccountColumns()
        self.changes: Changes = OrderedDict()
        self.fans: dict[str, FanFacts | None] = {}
        self.touched: set[str] | None = set()  # ids that changed while the history is read; None: it is
        self.version = 0
        self.used = now
        self.alone = asyncio.Lock()  # of the columns: one call at a time, changes in order

    def put(self, node: EnrichedConversation) -> None:
        self._change(node.id, Put.of(node, self.pk))

    def drop(self, id: str) -> None:
        self._change(id, None)

    def put_fan(self, chat_id: str, row: FanFacts | None) -> None:
        self.fans[chat_id] = row
        self.version += 1

    async def answer(self, asks: Sequence[Ask]) -> tuple[int, list[Table]]:
        """Take in what waits, and answer; with the version that this is of."""
        async with self.alone:
            changes, self.changes = self.changes, OrderedDict()
            fans, self.fans = self.fans, {}
            version, columns = self.version, self.columns

            def answer() -> list[Table]:
                columns.follow(changes, fans)
                return [table.compact() for table in columns.read(asks)]

            return version, await asyncio.to_thread(answer)

    def _change(self, id: str, put: Put | None) -> None:
        if self.touched is not None:
            self.touched.add(id)
        self.changes[id] = put
        self.changes.move_to_end(id)
        self.version += 1


class KeptColumns:
    """One user's: those of the rows that the graph gives once all that the history holds is written."""

    def __init__(self, user_id: str, history: History, clock: Clock) -> None:
        self._user_id = user_id
        self._history = history
        self._clock = clock
        self._epoch = 0
        self._made = 0  # how many accounts' columns were made; a part of versions
        self._accounts: dict[str, tuple[int, _Account]] = {}  # by creator
        self._wanted: dict[str, None] = {}
        self._failed: set[str] = set()  # creators whose columns cannot be made
        self._asked = asyncio.Event()

    def begin(self, epoch: int) -> None:
        """Go on as this owner: its history is read, and `follow` tells what changes from now on."""
        self._epoch = epoch

    def follow(self, changes: Mapping[Key, Change]) -> None:
        """Take note of what changed."""
        now = self._clock.monotonic()
        for creator_id, (_, account) in list(self._accounts.items()):
            if now - account.used > FORGOTTEN:
                del self._accounts[creator_id]
        for (creator_id, chat_id), change in changes.items():
            if creator_id not in self._accounts:
                continue
            if change.erased is not None:  # dictionaries would still have the fan's id
                del self._accounts[creator_id]
                continue
            try:
                self._follow(self._accounts[creator_id][1], creator_id, chat_id, change)
            except Exception as error:
                self._give_up(creator_id, error)

    def _follow(self, account: _Account, creator_id: str, chat_id: str, change: Change) -> None:
        for id in change.gone:
            account.drop(id)
        cached = self._history.look(creator_id, chat_id)
        if cached is None:
            account.put_fan(chat_id, None)
            return
        for id in change.written:
            if (node := cached.counted_node(id)) is not None:
                account.put(node)
        if (fan := self._history.fan((creator_id, chat_id))) is not None:
            account.put_fan(chat_id, fan_facts(fan))
        if len(account.changes) >= TOGETHER:
            self._asked.set()

    def version(self, creator_id: str) -> Version | None:
        """Another one each time that an account's answers may be others; None: it has no columns yet."""
        made, account = self._accounts.get(creator_id, (0, None))
        if account is None or account.touched is not None:
            self._want(creator_id)
            return None
        account.used = self._clock.monotonic()
        return self._epoch, made, account.version

    async def read(self, creator_id: str, asks: Sequence[Ask]) -> tuple[Version, list[Table]] | None:
        """What an account answers, and the version that this is of; None: it has no columns yet."""
        if self.version(creator_id) is None:
            return None
        made, account = self._accounts[creator_id]
        try:
            version, tables = await account.answer(asks)
        except Exception as error:
            self._give_up(creator_id, error)
            return None
        return (self._epoch, made, version), tables

    async def run(self) -> None:
        """Make the columns that are asked for, and have them take in much that waits."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            for creator_id, (_, account) in list(self._accounts.items()):
                if len(account.changes) >= TOGETHER:
                    await self.read(creator_id, ())
            while self._wanted:
                creator_id = next(iter(self._wanted))
                try:
                    await self._make(creator_id)
                except Exception as error:
                    self._give_up(creator_id, error)
                del self._wanted[creator_id]

    def _want(self, creator_id: str) -> None:
        if creator_id in self._failed or creator_id not in self._history.creators():
            return
        if self._history.conversations(creator_id) <= MOST:
            self._wanted[creator_id] = None
            self._asked.set()

    def _give_up(self, creator_id: str, error: Exception) -> None:
        """Leave an account to the graph: what only makes answers faster must not end the owner."""
        name = type(error).__name__  # its text may quote the chats
        log.error(
            "User %s: an account is left to the graph; its columns cannot be made (%s).", self._user_id, name
        )
        self._failed.add(creator_id)
        self._accounts.pop(creator_id, None)

    async def _make(self, creator_id: str) -> None:
        """Read the history into columns, beside what changes in it meanwhile."""
        self._made += 1
        account = _Account(Account(self._user_id, creator_id).key, self._clock.monotonic())
        made = self._accounts[creator_id] = self._made, account
        breaks = Breaks()
        for key in self._history.keys(creator_id):
            if (fan := self._history.fan(key)) is None:  # it went meanwhile
                continue
            for node in self._history.understood(key, float("-inf")):
                assert account.touched is not None, "it is being made"
                if node.id not in account.touched:  # what changed since is newer
                    account.changes[node.id] = Put.of(node, account.pk)
                await breaks.take()
            account.fans.setdefault(key[1], fan_facts(fan))
            if len(account.changes) >= TOGETHER:
                await account.answer(())
            if self._accounts.get(creator_id) is not made:  # somebody was erased: it is made when asked for
                return
        await account.answer(())
        account.touched = None
