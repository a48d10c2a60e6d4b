"""Writes what changed in the history to the graph, beside the session's other work.

Each account is written in order. Only the ids of what changed wait here, however long the graph is away: what
is written is what the history holds at that time. A conversation that the graph refuses is set apart; all
others are written.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from backoff import Backoff
from chats.account import Account
from chats.enriched import EnrichedConversation
from chats.fan import FanState
from errors import AnalyticsError, GraphError, StaleOwner
from graph.builder import GraphBuilder
from graph.model import (
    SCHEMA,
    DropOlder,
    DropPartition,
    DropUnusedTopics,
    Mutation,
    Scalar,
    UpsertEdge,
    UpsertVertex,
)
from graph.port import Graph
from graph.traversals import CONVERSATION_COUNT, PROFILES, WRITTEN_OF_USER
from graph.write import (
    Writer,
    append_graph_from_delta,
    drop_fans_from_graph,
    rebuild_graph_from_snapshot,
)
from history.history import Change, History, Key
from metrics.declared import GRAPH_REFUSED, GRAPH_RETRIES
from metrics.port import UNMEASURED, Metrics
from session.clock import Clock
from session.lacking import Lacking

log = logging.getLogger(__name__)

RETRY_FIRST, RETRY_MOST = 0.5, 30.0
UNDERSTOOD_WITHIN = 60.0  # seconds that looking waits for what is not understood: it blurs the count
LOOK_AGAIN = 1.0
ANSWER_WITHIN = 10.0  # seconds for the question whether it has what we have
GATHER = 0.2  # seconds that a change waits for others: a message that is understood by then is written once
BEHIND = 5.0  # seconds after which what waits is told


class _InGraph(NamedTuple):
    """What a look at the graph finds of an account."""

    conversations: int  # -1: it was never written whole, or in an older schema, or not by an owner
    fans: frozenset[str]  # those whose state was written


class GraphWrites:
    """One user's. `reader` answers questions; `looked` is set once `look` is done.

    `refused` are the conversations that the graph refused, by (creator, chat, conversation), with the reason.
    """

    def __init__(
        self,
        user_id: str,
        history: History,
        reader: Graph,
        clock: Clock,
        metrics: Metrics = UNMEASURED,
    ) -> None:
        self._user_id = user_id
        self._history = history
        self._reader = reader
        self._clock = clock
        self._metrics = metrics
        self._writer: Writer | None = None
        self._revision = 0
        self._lacking: dict[str, Lacking] = {}
        self._writing: dict[str, Lacking] = {}
        self._found: set[str] = set()  # creators whose account was written whole by this owner
        self._doubted: set[str] = set()  # creators that were there before this owner, not looked at yet
        self._asked = asyncio.Event()
        self._caught_up = asyncio.Condition()
        self._hurried = asyncio.Event()  # somebody waits until it has everything
        self._turned = asyncio.Event()
        self.looked = asyncio.Event()
        self.refused: dict[tuple[str, str, str], str] = {}
        self.is_behind = False

    def begin(self, epoch: int, writer: Writer, unwritten: Mapping[str, Mapping[str, Any]]) -> None:
        """Go on as this owner, from what a checkpoint says is not written."""
        self._writer = writer
        self._doubted = set(self._history.creators())
        self._revision = epoch << 32  # stays below 2**53, so that every store keeps it exactly
        for creator_id, facts in unwritten.items():
            self._lacking[creator_id] = Lacking.of_json(facts, self._clock.monotonic())
        self._asked.set()

    def follow(self, changes: Mapping[Key, Change]) -> None:
        """Have what changed written."""
        for (creator_id, chat_id), change in changes.items():
            self._of(creator_id).add(chat_id, change)
            if change.erased is not None:  # its receipt waits for the graph
                self._hurried.set()
            for id in change.gone:
                self.refused.pop((creator_id, chat_id, id), None)
        if changes:
            self._asked.set()

    def rewrite(self, creator_id: str) -> None:
        """Have all of a creator written, and what is older dropped."""
        self._of(creator_id).everything = True
        self._doubted.discard(creator_id)
        self._asked.set()

    def drop_unused_topics(self, creator_id: str) -> None:
        """Have the topics dropped that no conversation of a creator discusses any more."""
        self._of(creator_id).unused = True
        self._asked.set()

    def expected(
        self, creator_id: str, offset: int, chats: int
    ) -> tuple[list[UpsertVertex | UpsertEdge], int | None]:
        """What the graph has of so many chats of a creator once it has caught up, without its revision.

        With it goes the next offset; None: there are no more.
        """
        builder = GraphBuilder(self._user_id, creator_id, 0)
        mutations: list[Mutation] = []
        keys = self._history.keys(creator_id)
        for _, chat_id in keys[offset : offset + chats]:
            if (cached := self._history.look(creator_id, chat_id)) is not None:
                for id, node in cached.counted.items():
                    if (creator_id, chat_id, id) not in self.refused:
                        mutations += builder.build_graph(node, node.fan_id)
                mutations += builder.build_fan(cached.fan_state())
        if not offset and creator_id in self._history.creators() and self._history.is_complete(creator_id):
            mutations.append(builder.build_account())
        written = [each for each in mutations if isinstance(each, UpsertVertex | UpsertEdge)]
        return written, offset + chats if offset + chats < len(keys) else None

    def write_again(self, refused: Iterable[tuple[str, str, str]]) -> None:
        """Have conversations that were refused tried again."""
        for creator_id, chat_id, id in refused:
            self.refused.pop((creator_id, chat_id, id), None)
            self._of(creator_id).written[chat_id, id] = None
            self._asked.set()

    def unwritten(self) -> dict[str, dict[str, Any]]:
        """What a checkpoint is to keep, by creator."""
        found: dict[str, dict[str, Any]] = {}
        for creator_id in {**self._writing, **self._lacking}:
            both = Lacking()
            for each in (self._lacking.get(creator_id), self._writing.get(creator_id)):
                if each is not None:
                    both.put_back(each)
            found[creator_id] = both.to_json()
        for creator_id, chat_id, id in self.refused:
            facts = found.setdefault(creator_id, Lacking().to_json())
            facts.setdefault("written", []).append((chat_id, id))
        return found

    @property
    def lacks_erased(self) -> bool:
        """Whether somebody who is erased is still to be dropped."""
        return any(each.erased for each in (*self._lacking.values(), *self._writing.values()))

    def behind_since(self) -> float | None:
        """Seconds of the clock at which the oldest change came that is not written; None: all is."""
        return min((each.since for each in (*self._lacking.values(), *self._writing.values())), default=None)

    def behind(self) -> dict[str, float]:
        """By creator: the epoch seconds at which the oldest change came that is not written."""
        monotonic, now = self._clock.monotonic(), self._clock.now().timestamp()
        since: dict[str, float] = {}
        for creator_id, each in (*self._lacking.items(), *self._writing.items()):
            since[creator_id] = min(now - (monotonic - each.since), since.get(creator_id, now))
        return since

    async def caught_up(self, within: float | None = None) -> bool:
        """Return once the graph has everything, or after so many seconds; whether it has.

        Whoever waits so many seconds has it written at once.
        """
        if within is not None and (self._lacking or self._writing):
            self._hurried.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(within), self._caught_up:
                return await self._caught_up.wait_for(lambda: not self._lacking and not self._writing)
        return False

    async def turned(self) -> None:
        """Return once the graph has fallen behind or has caught up since this was asked last."""
        await self._turned.wait()
        self._turned.clear()

    async def run(self) -> None:
        """Write what is lacking, again and again. Raises StaleOwner when the user has a new owner."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            while True:
                await self._asked.wait()
                self._asked.clear()
                for creator_id in list(self._lacking):
                    if creator_id not in self._writing:
                        self._writing[creator_id] = self._lacking.pop(creator_id)
                        tasks.create_task(self._write_account(creator_id))

    async def look(self, creator_ids: Iterable[str]) -> None:
        """Have creators written anew of whom the graph lacks something, as when it was lost, or has too much.

        That is what an owner wrote which was killed before it could write that it is no more.
        """
        for creator_id in creator_ids:
            await self._understood(creator_id)
            await self.caught_up()
            bounds, fans = self._bounds(creator_id), self._fans(creator_id)
            backoff = Backoff(RETRY_FIRST, RETRY_MOST, sleep=self._clock.sleep)
            while (found := await self._in_graph(creator_id)) is None:
                await backoff.pause()
            # What came meanwhile need not be there yet, and what went may be gone.
            now = self._bounds(creator_id)
            if not min(bounds[0], now[0]) <= found.conversations <= max(bounds[1], now[1]):
                log.warning("User %s: the graph of creator %s is written anew.", self._user_id, creator_id)
                self.rewrite(creator_id)
            if unknown := found.fans - fans - self._fans(creator_id):
                self._of(creator_id).erased.update(dict.fromkeys(sorted(unknown)))
                self._asked.set()
            self._doubted.discard(creator_id)
        await self.caught_up()
        self.looked.set()

    async def _understood(self, creator_id: str) -> None:
        """Return once nothing waits to be understood, or after UNDERSTOOD_WITHIN."""
        until = self._clock.monotonic() + UNDERSTOOD_WITHIN
        while self._history.waiting(creator_id) and self._clock.monotonic() < until:
            await self._clock.sleep(LOOK_AGAIN)

    def _bounds(self, creator_id: str) -> tuple[int, int]:
        """How many conversations the graph has, once it has caught up: at least, and at most.

        What waits or was refused may be there as it was before.
        """
        refused = sum(of == creator_id for of, _, _ in self.refused)
        every = self._history.conversations(creator_id)
        return every - self._history.waiting(creator_id) - refused, every

    def _fans(self, creator_id: str) -> set[str]:
        return {fan.fan_id for fan in self._history.fans(creator_id)}

    async def _in_graph(self, creator_id: str) -> "_InGraph | None":
        """What the graph has of a creator; None: it does not answer."""
        account = Account(self._user_id, creator_id).key
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                asked: dict[str, Scalar] = {"user_id": self._user_id, "schema": SCHEMA}
                if account not in await self._reader.submit(WRITTEN_OF_USER, asked):
                    return _InGraph(-1, frozenset())
                [count] = await self._reader.submit(CONVERSATION_COUNT, {"pk": account})
                fans = await self._reader.submit(PROFILES, {"pk": account})
        except (TimeoutError, AnalyticsError):
            return None
        return _InGraph(int(count), frozenset(fan["fanId"] for fan in fans))

    async def _write_account(self, creator_id: str) -> None:
        backoff = Backoff(RETRY_FIRST, RETRY_MOST, sleep=self._clock.sleep)
        while True:
            await self._gather()
            if (newer := self._lacking.pop(creator_id, None)) is not None:
                newer.put_back(self._writing[creator_id])
                self._writing[creator_id] = newer
            lacking = self._writing[creator_id]
            try:
                await self._write(creator_id, lacking)
            except StaleOwner:
                raise
            except Exception as error:  # its text may quote what is written
                log.warning("User %s: the graph is written later (%s).", self._user_id, type(error).__name__)
                self._metrics.count(GRAPH_RETRIES)
                await backoff.pause()
                continue
            backoff.reset()
            if creator_id in self._lacking:
                self._writing[creator_id] = self._lacking.pop(creator_id)
            elif not self._is_to_be_found(creator_id):
                del self._writing[creator_id]
                break
            else:  # nothing but that it is all there
                self._found.add(creator_id)
                self._writing[creator_id] = Lacking(since=lacking.since)
        async with self._caught_up:
            if not self._lacking and not self._writing:
                self._hurried.clear()
            self._caught_up.notify_all()

    async def _gather(self) -> None:
        """Let more come that is written with it, unless somebody waits for the graph."""
        waits = asyncio.ensure_future(self._clock.sleep(GATHER)), asyncio.ensure_future(self._hurried.wait())
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    def _is_to_be_found(self, creator_id: str) -> bool:
        """Whether the graph has all of the creator, and nothing says so there."""
        is_held = creator_id in self._history.creators()
        return is_held and creator_id not in self._found and self._history.is_complete(creator_id)

    async def _write(self, creator_id: str, lacking: Lacking) -> None:
        assert self._writer is not None, "begin comes first"
        self._revision = rev = self._revision + 1  # another creator's write may take the next one meanwhile
        account = Account(self._user_id, creator_id).key
        if creator_id not in self._history.creators():  # all of it is erased
            self._found.discard(creator_id)
            await self._writer.apply([DropPartition(account)])
            return
        if lacking.erased:
            erased = lacking.erased.keys() - self._fans(creator_id)  # another chat may be that fan's
            await drop_fans_from_graph(
                account,
                sorted(erased),
                lacking.gone,
                corrected=self._history.has_corrections(creator_id),
                writer=self._writer,
            )
        await self._write_kept(creator_id, account, lacking, rev)
        if lacking.unused:
            await self._writer.apply([DropUnusedTopics(account)])

    async def _write_kept(self, creator_id: str, account: str, lacking: Lacking, rev: int) -> None:
        assert self._writer is not None, "begin comes first"
        if lacking.everything:
            try:
                await rebuild_graph_from_snapshot(
                    self._user_id,
                    (node for each in self._history.of(creator_id) for node in each.counted.values()),
                    creator_id,
                    fans=self._history.fans(creator_id),
                    rev=rev,
                    writer=self._writer,
                )
                return
            except GraphError:  # it refuses a conversation, or several: which, shows when each goes alone
                pass
            every = {(each.chat.id, id): None for each in self._history.of(creator_id) for id in each.nodes}
            fans = dict.fromkeys(chat_id for _, chat_id in self._history.keys(creator_id))
            await self._write_parts(creator_id, Lacking(written=every, fans=fans), rev)
            await self._writer.apply([DropOlder(account, rev)])
            return
        await self._write_parts(creator_id, lacking, rev)

    async def _write_parts(self, creator_id: str, lacking: Lacking, rev: int) -> None:
        gone = list(lacking.gone)
        parts = list(lacking.parts()) or [({}, {})]
        for written, fans in parts:
            await self._append(creator_id, written, fans, gone, rev)
            gone = []

    async def _append(
        self,
        creator_id: str,
        written: Mapping[tuple[str, str], None],
        fans: Mapping[str, None],
        gone: list[str],
        rev: int,
    ) -> None:
        assert self._writer is not None, "begin comes first"
        found: list[tuple[str, str]] = []
        try:
            await append_graph_from_delta(
                self._user_id,
                self._nodes(creator_id, written, found),
                creator_id,
                fans=self._fans_of(creator_id, fans),
                gone=gone,
                corrected=self._history.has_corrections(creator_id),
                rev=rev,
                writer=self._writer,
                is_all=creator_id in self._found,
                is_current=creator_id not in self._doubted,
            )
        except GraphError as error:
            if len(written) + len(fans) <= 1:
                for chat_id, id in written:
                    log.error(
                        "User %s: the graph refuses conversation %s of creator %s.",
                        self._user_id,
                        id,
                        creator_id,
                    )
                    self.refused[creator_id, chat_id, id] = error.code
                    self._metrics.count(GRAPH_REFUSED)
                return
            if gone:
                await self._append(creator_id, {}, {}, gone, rev)
            for each in written:
                await self._append(creator_id, {each: None}, {}, [], rev)
            for fan in fans:
                await self._append(creator_id, {}, {fan: None}, [], rev)
        else:
            for chat_id, id in found:
                self.refused.pop((creator_id, chat_id, id), None)

    def _nodes(
        self, creator_id: str, ids: Iterable[tuple[str, str]], found: list[tuple[str, str]]
    ) -> Iterator[EnrichedConversation]:
        """What counts of conversations, by (chat, conversation), as they are then; `found` has theirs."""
        chats: dict[str, list[str]] = {}
        for chat_id, id in ids:
            chats.setdefault(chat_id, []).append(id)
        for chat_id, of_chat in chats.items():
            if (cached := self._history.look(creator_id, chat_id)) is not None:
                for id in of_chat:
                    if (node := cached.counted_node(id)) is not None:
                        found.append((chat_id, id))
                        yield node

    def _fans_of(self, creator_id: str, chats: Iterable[str]) -> Iterator[FanState]:
        for chat_id in chats:
            if (fan := self._history.fan((creator_id, chat_id))) is not None:
                yield fan

    async def _watch(self) -> None:
        """Have it told when the graph falls behind and when it has caught up."""
        while True:
            await self._clock.sleep(BEHIND / 5)
            since = self.behind_since()
            behind = since is not None and self._clock.monotonic() - since > BEHIND
            if behind != self.is_behind:
                self.is_behind = behind
                self._turned.set()

    def _of(self, creator_id: str) -> Lacking:
        return self._lacking.setdefault(creator_id, Lacking(since=self._clock.monotonic()))
