"""What the user actor writes: a whole history after a snapshot, or one conversation after a delta.

`rev` is the revision of the write: a whole number that only grows for a user. Every write is idempotent.
A rebuild makes the account one that is found at its end: one that was interrupted is not taken for all.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, Protocol

from chats.enriched import EnrichedConversation
from chats.fan import FanState
from graph.builder import GraphBuilder
from graph.model import DropConversation, DropFan, DropOlder, DropUnusedTopics, Mutation, UpsertVertex
from steps import sliced

PART: Final = 1_000  # mutations that are built and written together
SHARED: Final = frozenset({"Creator", "Fan", "Topic", "EngagementAction"})  # labels that conversations share


class Writer(Protocol):
    """Takes mutations and returns once they are in the graph, in order, all of them."""

    async def apply(self, mutations: Sequence[Mutation]) -> None: ...


async def rebuild_graph_from_snapshot(
    user_id: str,
    enriched_conversations: Iterable[EnrichedConversation],
    creator_id: str,
    *,
    fans: Iterable[FanState],
    rev: int,
    writer: Writer,
) -> None:
    """Write every conversation at `rev`, then drop what is older: a reader never sees an empty graph."""
    builder = GraphBuilder(user_id, creator_id, rev)
    pieces: Iterable[Sequence[Mutation]] = chain(
        (builder.build_graph(each, each.fan_id) for each in enriched_conversations),
        map(builder.build_fan, fans),
        [[builder.build_account(), DropOlder(builder.pk, rev)]],
    )
    await _apply(pieces, writer)


async def append_graph_from_delta(
    user_id: str,
    enriched_conversation: EnrichedConversation | Iterable[EnrichedConversation],
    creator_id: str,
    *,
    fans: Iterable[FanState] = (),
    gone: Iterable[str] = (),
    corrected: bool = False,
    rev: int,
    writer: Writer,
    is_all: bool = True,
    is_current: bool = True,
) -> None:
    """Write the conversations a delta changed, and drop those (by id) that it made part of others.

    `corrected` says that what models said may stand beside one that is dropped.
    `is_all` says that the graph lacks nothing of the account then: else it is not one that is found yet.
    `is_current` says that none of it is of an older schema, or a copy that its owner has not looked at.
    """
    found = enriched_conversation
    builder = GraphBuilder(user_id, creator_id, rev)
    pieces: Iterable[Sequence[Mutation]] = chain(
        [list(_dropped(builder.pk, gone, corrected))],
        (
            builder.build_graph(each, each.fan_id)
            for each in ([found] if isinstance(found, EnrichedConversation) else found)
        ),
        map(builder.build_fan, fans),
        [[builder.build_account(is_current=is_current)] if is_all else []],
    )
    await _apply(pieces, writer)


async def drop_fans_from_graph(
    pk: str, fans: Iterable[str], conversations: Iterable[str], *, corrected: bool = False, writer: Writer
) -> None:
    """Drop fans of a partition with these conversations of theirs, all by id, and topics only they had.

    `corrected` as in `append_graph_from_delta`.
    """
    gone = _dropped(pk, conversations, corrected)
    await writer.apply([*gone, *(DropFan(pk, id) for id in fans), DropUnusedTopics(pk)])


async def _apply(pieces: Iterable[Sequence[Mutation]], writer: Writer) -> None:
    """Write what is built, part by part."""
    async for part in _parts(pieces):
        await writer.apply(part)


async def _parts(pieces: Iterable[Sequence[Mutation]]) -> AsyncIterator[list[Mutation]]:
    """The mutations of whole pieces, about PART together; what several say alike of a vertex comes once."""
    part: list[Mutation] = []
    said: dict[str, UpsertVertex] = {}
    async for piece in sliced(pieces):
        for each in piece:
            if isinstance(each, UpsertVertex) and each.label in SHARED:
                if said.get(each.id) == each:
                    continue
                said[each.id] = each
            part.append(each)
        if len(part) >= PART:
            yield part
            part, said = [], {}
    if part:
        yield part


def _dropped(pk: str, conversations: Iterable[str], corrected: bool) -> Iterator[DropConversation]:
    for id in conversations:
        yield DropConversation(pk, id)
        if corrected:
            yield DropConversation(pk, id, uncorrected=True)
