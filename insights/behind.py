"""The conversations behind the figures of topics, sentiment, response times and the whole update.

As in `insights.queries`, `user_id` and `creator_id` say whose conversations are meant, InvalidInput names the
parameter that is wrong, and errors of the graph pass through.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from math import fsum
from typing import Any, Final, Literal

from graph.port import Graph
from graph.said import read_answers
from graph.traversals import ACTIVITY, DISCUSSED, FAN_CONVERSATIONS, OFFERED, SALES, NamedRow
from insights.drill import Counted, Scope, page
from insights.queries import Reader
from insights.row import topic_id
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
    window = {"start": scope.window.start_second, "end": scope.window.end_second}
    asked = await asyncio.gather(*(reader.rows_by_account(each, **window) for each in _ASKED[group]))
    found = [
        counted
        for account, *rows in zip(reader.accounts, *asked, strict=True)
        for counted in _counted(account, group, topic, outcome, *rows)
    ]
    return page(found, limit=limit, cursor=cursor)


def _counted(
    account: str, group: str, topic: tuple[str, str], outcome: str, rows: Any, more: Any = ()
) -> Iterator[Counted]:
    """What an account (its key) has of a group; `rows` are the conversations, `more` what is beside them."""
    told = [row for row in rows if row["conversation"]]  # an older schema wrote the others
    match group:
        case "volume":
            having = {link["conversation"] for link in more if (topic_id(link["id"]), link["topic"]) == topic}
            yield from (Counted(account, row) for row in told if row["conversation"] in having)
        case "sentiment":
            felt = {each["conversation"]: each["sentimentCount"] for each in more}
            numbers = ((row, felt.get(row["conversation"], 0)) for row in told)
            yield from (Counted(account, row, number) for row, number in numbers if number)
        case "responses":
            answers = ((row, len(read_answers(row["answers"]))) for row in told)
            yield from (Counted(account, row, number) for row, number in answers if number)
        case "outcomes":
            yield from _outcomes(account, (row for row in told if outcome in ("", row["type"])))
        case "broadcast_only":
            yield from (Counted(account, row) for row in told if not row["messageCount"])
        case _:
            yield from (Counted(account, row) for row in told if row["messageCount"])


def _outcomes(account: str, rows: Iterable[Any]) -> Iterator[Counted]:
    named: dict[str, NamedRow] = {}
    amounts: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        named[row["conversation"]] = row
        amounts[row["conversation"]].append(row["amount"])
    for id, own in amounts.items():
        yield Counted(account, named[id], len(own), fsum(own))
