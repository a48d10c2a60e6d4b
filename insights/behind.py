"""The conversations behind the figures of topics, sentiment, response times and the whole update.

As in `insights.queries`, `user_id` and `creator_id` say whose conversations are meant, InvalidInput names the
parameter that is wrong, and errors of the graph pass through.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import numpy as np

from graph.port import Graph
from graph.traversals import ACTIVITY, DISCUSSED, FAN_CONVERSATIONS, OFFERED, SALES
from insights.columns import Table, joined
from insights.drill import Counted, Scope, counted_rows, page, same_conversation
from insights.queries import Reader
from insights.row import topic_id
from insights.tables import Ask
from insights.window import invalid
from wire.payloads import CountedConversations

Insight = Literal["topics", "sentiment-trend", "response-time", "full"]
_OF_FULL: Final = (
    "conversations",
    "fan_conversations",
    "broadcast_only",
    "outcomes",
    "sentiment",
    "responses",
)
_GROUPS: Final[dict[Insight, tuple[str, ...]]] = {
    "topics": ("volume",),
    "sentiment-trend": ("sentiment",),
    "response-time": ("responses",),
    "full": _OF_FULL,
}
# What is asked of the graph: rows of conversations, and what of these is counted.
_ASKED: Final = {
    "volume": (FAN_CONVERSATIONS, DISCUSSED),
    "sentiment": (OFFERED, ACTIVITY),
    "responses": (OFFERED,),
    "conversations": (OFFERED,),
    "fan_conversations": (FAN_CONVERSATIONS,),
    "broadcast_only": (OFFERED,),
    "outcomes": (SALES,),
}


async def fetch_behind(
    start_date: datetime,
    end_date: datetime,
    creator_id: str | None = None,
    *,
    graph: Graph,
    insight: Insight,
    group: str,
    topic: tuple[str, str] = ("", ""),
    outcome: str = "",
    user_id: str | None = None,
    corrections: bool = True,
    limit: int = 100,
    cursor: str | None = None,
) -> CountedConversations:
    """The conversations that a number of an insight counts: of a `topic` (id and label), or an `outcome`.

    Without an outcome's type all of them are meant.
    """
    if group not in _GROUPS[insight]:
        raise invalid("group", f"must be one of {', '.join(_GROUPS[insight])}")
    if group == "volume" and not topic[0]:
        raise invalid("topic_id", "is missing: it says which topic is meant")
    scope = Scope.of(start_date, end_date, creator_id, user_id)
    reader = await Reader.open(graph, creator_id, user_id, corrections=corrections)
    found = await reader.tables_by_account(*(Ask(each, *scope.window.seconds) for each in _ASKED[group]))

    def listed() -> CountedConversations:
        counted = [
            each
            for account, own in zip(reader.accounts, found, strict=True)
            for each in _counted(account, group, topic, outcome, own)
        ]
        return page(counted, limit=limit, cursor=cursor)

    return await asyncio.to_thread(listed)


def _counted(
    account: str, group: str, topic: tuple[str, str], outcome: str, tables: Sequence[Table]
) -> list[Counted]:
    """What an account (its key) has of a group; the first table has the conversations."""
    rows = tables[0].where(tables[0].coded("conversation").are_named)  # an older schema wrote the others
    amounts = None
    match group:
        case "volume":
            places = np.flatnonzero(rows.coded("conversation").is_any(_discussing(tables[1], *topic)))
        case "sentiment":
            felt = tables[1]
            place = joined(rows.coded("conversation"), felt.coded("conversation"))
            places = np.repeat(place, felt.numbers("sentimentCount") * (place >= 0))
        case "responses":
            places = rows.nested("answers").parents
        case "outcomes":
            rows = rows if not outcome else rows.where(rows.coded("type").is_any([outcome]))
            places, amounts = same_conversation(rows), rows.numbers("amount")
        case "broadcast_only":
            places = np.flatnonzero(rows.numbers("messageCount") == 0)
        case _:
            places = np.flatnonzero(rows.numbers("messageCount") > 0)
    return counted_rows([(account, rows)], places, amounts)


def _discussing(links: Table, id: str, label: str) -> list[str]:
    """The conversations with a topic, by what shows it: its id and its label."""
    ids = links.coded("id")
    is_it = ids.of_values([topic_id(each) == id for each in ids.values], np.bool_)
    return links.where(is_it & links.coded("topic").is_any([label])).coded("conversation").strings()
