"""What the user actor writes: a whole history after a snapshot, or one conversation after a delta.

`rev` is the revision of the write: a whole number that only grows for a user. Every write is idempotent.
A rebuild makes the account one that is found at its end: one that was interrupted is not taken for all.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from chats.enriched import EnrichedConversation
from chats.fan import FanState
from graph.builder import GraphBuilder
from graph.model import DropConversation, DropFan, DropOlder, DropUnusedTopics, Mutation

PART = 5_000  # mutations of a rebuild that are in memory together


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
    mutations: list[Mutation] = []
    for each in enriched_conversations:
        mutations += builder.build_graph(each, each.fan_id)
        if len(mutations) >= PART:
            await writer.apply(mutations)
            mutations = []
    for fan in fans:
        mutations += builder.build_fan(fan)
        if len(mutations) >= PART:
            await writer.apply(mutations)
            mutations = []
    await writer.apply([*mutations, builder.build_account(), DropOlder(builder.pk, rev)])


async def append_graph_from_delta(
    user_id: str,
    enriched_conversation: EnrichedConversation | Sequence[EnrichedConversation],
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
    mutations: list[Mutation] = list(_dropped(builder.pk, gone, corrected))
    for each in [found] if isinstance(found, EnrichedConversation) else found:
        mutations += builder.build_graph(each, each.fan_id)
    for fan in fans:
        mutations += builder.build_fan(fan)
    if is_all:
        mutations.append(builder.build_account(is_current=is_current))
    await writer.apply(mutations)


async def drop_fans_from_graph(
    pk: str, fans: Iterable[str], conversations: Iterable[str], *, corrected: bool = False, writer: Writer
) -> None:
    """Drop fans of a partition with these conversations of theirs, all by id, and topics only they had.

    `corrected` as in `append_graph_from_delta`.
    """
    gone = _dropped(pk, conversations, corrected)
    await writer.apply([*gone, *(DropFan(pk, id) for id in fans), DropUnusedTopics(pk)])


def _dropped(pk: str, conversations: Iterable[str], corrected: bool) -> Iterator[DropConversation]:
    for id in conversations:
        yield DropConversation(pk, id)
        if corrected:
            yield DropConversation(pk, id, uncorrected=True)
