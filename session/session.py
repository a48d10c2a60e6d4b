"""What callers use of the owner of a user: each call is let in once the history is read, and asks a part."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from chats.corrections import Correction
from errors import AnalyticsError, NotFound, StaleOwner, Unavailable
from graph.model import UpsertEdge, UpsertVertex
from insights.columns import Table
from insights.tables import Ask, Version
from search.question import Question
from session import bulk, reading
from session.corrections import row_of
from session.export import page
from session.intake import Receipt
from session.machine import Status
from session.owner import Owner
from session.pages import EVERYTHING, Extent, Order, Said
from session.ports import Ports
from settings import Settings
from wire.incoming import parse_replays
from wire.masking import Pseudonym
from wire.parsing import Json
from wire.payloads import for_pages

WRITTEN_WITHIN = 2.0  # seconds that a correction waits for the graph


class Session:
    """One user's. `run` works until the user has another owner; all else is called while it runs."""

    def __init__(self, user_id: str, settings: Settings, ports: Ports) -> None:
        self._user_id = user_id
        self._seal = ports.seal
        self.owner = owner = Owner(user_id, settings, ports)
        self.run, self.idle, self.leave = owner.run, owner.idle, owner.leave
        self._call = owner.call

    def measure(self) -> None:
        """Set the gauges to what holds now, and count what was dropped since this was called last."""
        self.owner.parts.measure()

    async def handle_snapshot(
        self, payload: Json, creator_id: str, chat_id: str | None = None, sender_id: str | None = None
    ) -> Receipt:
        """Take everything an extension holds (JSON of a `cache_update` payload or envelope).

        `chat_id` is the chat of messages that name none, `sender_id` who of the creator's team sent those
        that do not say it. Returns `{sequence, accepted, duplicates, held}` once it is in the journal.
        """
        async with self._call() as parts:
            return await parts.intake.snapshot(payload, creator_id, chat_id, sender_id)

    async def handle_delta(
        self, payload: Json, creator_id: str, chat_id: str | None = None, sender_id: str | None = None
    ) -> Receipt:
        """Take live messages (JSON of one `new_raw_message` payload or envelope, or a list of them)."""
        async with self._call() as parts:
            return await parts.intake.messages(payload, creator_id, chat_id, sender_id)

    async def handle_deltas(
        self, bodies: Sequence[tuple[bytes, str | None, str | None]], creator_id: str
    ) -> list[Receipt | AnalyticsError]:
        """Take several bodies of live messages, each (JSON, chat, sender): of the messages that name none.

        Each has a receipt or an error of its own, in their order.
        """
        async with self._call() as parts:
            answers = await parts.intake.bodies(bodies, creator_id)
        for each in answers:
            if isinstance(each, StaleOwner):
                raise each  # the next owner is to take them all
        return answers

    async def replay_held(self, payload: Json) -> Receipt:
        """Take what is held once more (JSON list of `{key, add}`; empty: all of it).

        What can be placed now is journaled as if it had just come; `held` counts what still cannot. What
        could not be enriched is enriched again, what the graph refused is written again.
        """
        async with self._call() as parts:
            return await parts.set_aside.again(parse_replays(payload))

    async def discard_held(self, keys: Sequence[str] | None) -> int:
        """Delete what is held under these keys, or all of it (None); how many there were."""
        async with self._call() as parts:
            return await parts.intake.discard(parts.knowledge.held if keys is None else keys)

    async def erase(
        self, receipt: str, creator_id: str | None, id: str | None, within: float
    ) -> dict[str, Any]:
        """Erase a fan (by the fan's id or the chat's), an account (no id), or all of the user (no creator).

        Once this returns nothing of it is shown and nothing of it is taken. Its receipt, with `completed_at`
        when within so many seconds nothing of it was left anywhere. To ask with the same `receipt` again is
        not to erase again.
        """
        async with self._call() as parts:
            return await parts.erasures.erase(receipt, creator_id, id, within)

    async def get_receipt(self, receipt: str) -> dict[str, Any]:
        """What became of an erasure. NotFound."""
        async with self._call() as parts:
            if (found := await parts.erasures.answer(receipt, 0.0)) is None:
                raise NotFound("This user has no receipt of that id.")
            return found

    async def lift(self, creator_id: str | None, id: str | None) -> int:
        """Have what comes of an erased user, account or fan taken again; how many tombstones there were."""
        async with self._call() as parts:
            return await parts.intake.lift(creator_id, id)

    async def keep_for(self, creator_id: str, days: int | None) -> None:
        """Keep an account's messages for so many days (0: for ever; None: as long as all others')."""
        async with self._call() as parts:
            await parts.retention.keep_for(creator_id, days)

    async def export(
        self, creator_id: str | None, id: str | None, cursor: str | None, limit: int, mask: bool = False
    ) -> tuple[bytes, str | None]:
        """A page of what is kept of a user, an account or a fan (`session.export`), and the next cursor."""
        async with self._call() as parts:
            async with parts.at_rest:
                lines, following = page(
                    parts.history, parts.knowledge.held, creator_id, id, cursor, limit, self._pseudonym(mask)
                )
            return b"".join(line + b"\n" for line in lines), following

    async def bulk(
        self, table: bulk.Table, creator_id: str | None, cursor: str | None, limit: int
    ) -> tuple[list[bulk.Row], str | None]:
        """Rows of a table (`session.bulk`) behind a cursor, and the next cursor."""
        async with self._call() as parts, parts.at_rest:
            return bulk.page(parts.history, table, creator_id, cursor, limit)

    async def correct(self, creator_id: str, correction: Correction) -> dict[str, Any]:
        """Have a correction count everywhere, and journaled; see `session.corrections`.

        The graph is waited for, a moment.
        """
        async with self._call() as parts:
            made = await parts.correcting.correct(creator_id, correction)
            await parts.writes.caught_up(WRITTEN_WITHIN)
            return row_of(made)

    async def withdraw(self, creator_id: str, id: str, by: str, who: str) -> dict[str, Any]:
        """Have a correction count no more, by another one with the id `by`. NotFound: none stands."""
        async with self._call() as parts:
            made = await parts.correcting.withdraw(creator_id, id, by, who)
            await parts.writes.caught_up(WRITTEN_WITHIN)
            return row_of(made)

    async def get_corrections(self, creator_id: str, limit: int, offset: int) -> dict[str, Any]:
        """A page of the corrections that stand, the newest first, and how many there are."""
        async with self._call() as parts, parts.at_rest:
            return await parts.correcting.listed(creator_id, limit, offset)

    async def get_labels(
        self, creator_id: str, after: str | None, limit: int, mask: bool = False
    ) -> tuple[bytes, str | None]:
        """A page of them as labels (`session.corrections`), and what to go on after."""
        async with self._call() as parts, parts.at_rest:
            return parts.correcting.labels(creator_id, after, limit, self._pseudonym(mask))

    async def columns(self, creator_id: str, asks: Sequence[Ask]) -> tuple[Version, list[Table]] | None:
        """What an account answers to questions that the graph is asked; None: ask the graph."""
        async with self._call() as parts:
            return await parts.columns.read(creator_id, asks)

    async def column_versions(self, creators: Sequence[str]) -> list[Version | None]:
        """Of each account another one each time that its answers may be others; None: ask the graph."""
        async with self._call() as parts:
            return [parts.columns.version(each) for each in creators]

    async def get_held(self, limit: int, offset: int) -> dict[str, Any]:
        """What could not be placed, enriched or written, with the reason: one page, and how many there are.

        Beside it how much was not chat, by kind.
        """
        async with self._call() as parts:
            return await parts.set_aside.listed(limit, offset)

    async def get_cached_chats(
        self,
        limit: int | None = None,
        offset: int = 0,
        chat_id: str | None = None,
        creator_id: str | None = None,
        mask: bool = False,
    ) -> list[dict[str, Any]]:
        """Chats of one creator, or of all, latest message first; with `chat_id` those of that id.

        With `mask` under pseudonyms: see `wire.masking`.
        """
        async with self._call() as parts:
            return reading.chats(parts.history, limit, offset, chat_id, creator_id, self._pseudonym(mask))

    async def get_cached_messages(
        self,
        chat_id: str | None = None,
        creator_id: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        mask: bool = False,
    ) -> list[dict[str, Any]]:
        """Messages as received with their enrichment, oldest first; of one chat or of all.

        With `mask` under pseudonyms. `limit` and `offset` count from the latest. InvalidInput when two
        creators have a chat of that id and `creator_id` does not say which is meant.
        """
        async with self._call() as parts:
            name = self._pseudonym(mask)
            return reading.messages(parts.history, chat_id, creator_id, limit, offset, name)

    async def search(self, creator_id: str | None, question: Question, mask: bool) -> bytes:
        """JSON of a SearchAnswer: see `session.search.Search.find`. With `mask` under pseudonyms."""
        async with self._call() as parts:
            answer = await parts.search.find(creator_id, question, self._pseudonym(mask))
            return answer.model_dump_json().encode()

    async def topics(self, creator_id: str | None) -> bytes:
        """JSON of KnownTopics: see `session.topics.Topics.known`."""
        async with self._call() as parts:
            return (await parts.topics.known(creator_id)).model_dump_json().encode()

    async def typical(
        self, creator_id: str | None, topic_id: str, span: tuple[float, float], limit: int, mask: bool
    ) -> bytes:
        """JSON of TypicalMessages: see `session.topics.Topics.typical`. With `mask` under pseudonyms."""
        async with self._call() as parts:
            found = await parts.topics.typical(creator_id, topic_id, span, limit, self._pseudonym(mask))
            return found.model_dump_json().encode()

    async def full_sync(
        self, creator_id: str | None, extent: Extent = EVERYTHING
    ) -> tuple[int, str, Status, bytes]:
        """What a page starts from: (sequence, position of the last event, status, JSON of the payload)."""
        async with self._call() as parts:
            async with parts.at_rest:
                shown = parts.pages.capture(creator_id, extent)
                facts = parts.state.sequence, parts.frames.position, parts.state.status
            return *facts, await parts.pages.written(shown, self._pseudonym(extent.mask))

    async def get_shown_chats(
        self,
        creator_id: str | None,
        order: Order,
        limit: int,
        offset: int,
        messages: int,
        mask: bool = False,
    ) -> bytes:
        """JSON of ShownChats: chats in that order, each with its last messages; with `mask` masked."""
        async with self._call() as parts:
            async with parts.at_rest:
                shown = parts.pages.capture_some(creator_id, order, limit, offset, messages)
            nodes = await parts.pages.nodes(shown, self._pseudonym(mask))
            return b'{"conversations":%b,"total":%d}' % (nodes, shown.analytics.chats)

    async def get_shown_messages(
        self, chat_id: str, creator_id: str | None, before: str | None, limit: int, mask: bool = False
    ) -> bytes:
        """JSON of ShownMessages: the chat's last messages, or the last ones before the message `before`.

        With `mask` masked. NotFound when there is no such chat or message; InvalidInput as of
        `get_cached_messages`.
        """
        async with self._call() as parts:
            name = self._pseudonym(mask)
            return for_pages(reading.shown(parts.history, chat_id, creator_id, before, limit, name))

    async def get_masked_append(self, creator_id: str, chat_id: str, said: Said) -> bytes | None:
        """JSON of the node of an `append_message` that was sent, masked; None: there is no such chat."""
        async with self._call() as parts:
            async with parts.at_rest:
                name = partial(self._seal().pseudonym, self._user_id)
                node = parts.pages.masked_append(creator_id, chat_id, said, name)
            return None if node is None else for_pages(node)

    async def in_graph(self, within: float) -> None:
        """Return once the graph has what this owner holds, or after so many seconds."""
        async with self._call() as parts:
            with suppress(TimeoutError):
                await asyncio.wait_for(parts.writes.looked.wait(), within)

    async def graph_contents(
        self, creator_id: str, offset: int, chats: int
    ) -> tuple[list[UpsertVertex | UpsertEdge], int | None]:
        """What the graph has to have of so many chats of a creator, and the offset of the next ones."""
        async with self._call() as parts:
            return parts.writes.expected(creator_id, offset, chats)

    async def rewrite_graph(self, creator_id: str, within: float) -> None:
        """Have a creator written anew; Unavailable when that takes longer than so many seconds."""
        async with self._call() as parts:
            parts.writes.rewrite(creator_id)
            if not await parts.writes.caught_up(within):
                raise Unavailable("The graph is still being written; ask again later.")

    def _pseudonym(self, mask: bool) -> Pseudonym | None:
        return partial(self._seal().pseudonym, self._user_id) if mask else None
