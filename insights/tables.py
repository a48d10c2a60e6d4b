"""The columns of the rows that each read traversal answers with, and how rows become columns. Pure.

Columns have the names of the rows' values. What a vertex holds as one text (messages, answers, offers, times)
is a table of its own a row, and a time or amount in it that is not known is `NOT_KNOWN` or NaN. Whoever
answers, the graph or what its owner keeps beside it, the columns are the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

import numpy as np

from chats.conversation import Said
from chats.enriched import Offer
from graph.offers import read_offers
from graph.said import Answered, read_answers, read_followed, read_said
from graph.traversals import (
    ACTIONS,
    ACTIVITY,
    CONVERSATIONS,
    DISCUSSED,
    FAN_CONVERSATIONS,
    FANS,
    MESSAGES,
    OFFERED,
    OUTCOMES,
    PROFILES,
    SALES,
    TARGETS,
    TOPIC_LINKS,
    USED,
)
from insights.columns import NOT_KNOWN, Coded, Column, Dictionary, Nested, Table, Text
from insights.row import read_times

TIME: Final = np.int64
COUNT: Final = np.int32
FLOAT: Final = np.float64
FLAG: Final = np.bool_


class Ask(NamedTuple):
    """A traversal with its window, of one account."""

    traversal: str
    start: int = 0
    end: int = 0
    only: tuple[str, ...] = ()  # the columns that are wanted; empty: all of them

    @property
    def schema(self) -> "Schema":
        whole = SCHEMAS[self.traversal]
        return {name: whole[name] for name in self.only} if self.only else whole

    @property
    def bindings(self) -> dict[str, int]:
        """None for a traversal that has no window."""
        return {"start": self.start, "end": self.end} if "gte(start)" in self.traversal else {}


Version = tuple[int, ...]  # of an account's data, as whoever keeps its columns counts it


@runtime_checkable
class Columnar(Protocol):
    """A home of the graph with columns kept beside it."""

    async def tables(self, pk: str, asks: Sequence[Ask]) -> list[Table] | None:
        """What the graph answers of one account, all of it of one moment; None: ask the graph.

        Strings of one domain have one dictionary in all of them.
        """
        ...


@dataclass(frozen=True, slots=True)
class Strings:
    """A column of strings; those of one `domain` have one dictionary where they are read together."""

    domain: str


@dataclass(frozen=True, slots=True)
class Lists:
    """A column of tables: `read` makes rows of what the graph has, each a tuple in the order of `of`."""

    of: "Schema"
    read: Callable[[Any], Iterable[Sequence[Any]]]


Kind = type[np.generic] | Strings | Lists
Schema = Mapping[str, Kind]


def said_row(said: Said) -> tuple[Any, ...]:
    return int(said.at), said.kind, said.sender_id or ""


def answer_row(answer: Answered) -> tuple[Any, ...]:
    return answer.asked_at, answer.seconds, answer.answered_at, answer.sender_id or ""


def offer_row(offer: Offer) -> tuple[Any, ...]:
    return (
        int(offer.at),
        offer.price,
        offer.media or "",
        offer.is_mass,
        NOT_KNOWN if offer.unlocked_at is None else int(offer.unlocked_at),
        np.nan if offer.paid is None else offer.paid,
        offer.dated_by or "",
        offer.sender_id or "",
    )


def _followed_rows(text: str) -> list[tuple[Any, ...]]:
    followed = read_followed(text)
    return [] if followed is None else [(followed[0], followed[1] or "")]


SENDER: Final = Strings("sender")
SECONDS: Final = Lists({"seconds": FLOAT}, lambda text: ((each,) for each in read_times(text)))
SAID: Final = Lists(
    {"at": TIME, "kind": Strings("kind"), "sender": SENDER}, lambda text: map(said_row, read_said(text))
)
ANSWERS: Final = Lists(
    {"askedAt": TIME, "seconds": FLOAT, "answeredAt": TIME, "sender": SENDER},
    lambda text: map(answer_row, read_answers(text)),
)
OFFERS: Final = Lists(
    {
        "at": TIME,
        "price": FLOAT,
        "media": Strings("media"),
        "isMass": FLAG,
        "unlockedAt": TIME,
        "paid": FLOAT,
        "datedBy": Strings("datedBy"),
        "sender": SENDER,
    },
    lambda text: map(offer_row, read_offers(text)),
)
FOLLOWS: Final = Lists({"at": TIME, "sender": SENDER}, _followed_rows)  # one row, or none

_NAMED: Final[Schema] = {
    "conversation": Strings("conversation"),
    "chatId": Strings("chat"),
    "fanId": Strings("fan"),
    "startDate": TIME,
    "endDate": TIME,
    "messageCount": COUNT,
}
_TOPIC: Final[Schema] = {"id": Strings("topic"), "topic": Strings("label")}
_ACTION: Final = Strings("action")
_OUTCOME: Final = Strings("outcome")

SCHEMAS: Final[Mapping[str, Schema]] = {
    CONVERSATIONS: {
        "startDate": TIME,
        "endDate": TIME,
        "messageCount": COUNT,
        "fanMessages": COUNT,
        "turns": COUNT,
        "silenceSeconds": FLOAT,
        "responseSeconds": SECONDS,
        "unanswered": COUNT,
        "sentimentSum": FLOAT,
        "sentimentCount": COUNT,
    },
    MESSAGES: {
        "messageCount": COUNT,
        "fanMessages": COUNT,
        "massMessages": COUNT,
        "ppvOffers": COUNT,
        "massPpvOffers": COUNT,
    },
    TOPIC_LINKS: {
        "startDate": TIME,
        **_TOPIC,
        "category": Strings("category"),
        "keywords": Strings("keywords"),
    },
    ACTIONS: {"type": _ACTION, "count": COUNT},
    OUTCOMES: {"type": _OUTCOME, "amount": FLOAT, "isMass": FLAG},
    FANS: {
        "chatId": Strings("chat"),
        "spend": FLOAT,
        "unread": COUNT,
        "waitingSince": FLOAT,
        "notWaiting": Strings("notWaiting"),
        "recentSentiment": FLOAT,
    },
    PROFILES: {
        "fanId": Strings("fan"),
        "chatId": Strings("chat"),
        "joinDate": TIME,
        "subscriptionEnd": TIME,
    },
    ACTIVITY: {
        "conversation": Strings("conversation"),
        "chatId": Strings("chat"),
        "startDate": TIME,
        "endDate": TIME,
        "messageCount": COUNT,
        "firstFanDate": TIME,
        "lastFanDate": TIME,
        "sentimentSum": FLOAT,
        "sentimentCount": COUNT,
        "warnings": Strings("warnings"),
    },
    FAN_CONVERSATIONS: {**_NAMED, "offers": OFFERS},
    DISCUSSED: {"conversation": Strings("conversation"), **_TOPIC},
    USED: {"conversation": Strings("conversation"), "type": _ACTION},
    TARGETS: {"conversation": Strings("conversation"), "type": _ACTION, **_TOPIC},
    SALES: {**_NAMED, "type": _OUTCOME, "date": TIME, "amount": FLOAT, "follows": FOLLOWS},
    OFFERED: {**_NAMED, "offers": OFFERS, "said": SAID, "answers": ANSWERS},
}


class Dictionaries(dict[str, Dictionary]):
    """A dictionary for each domain of strings."""

    def __missing__(self, domain: str) -> Dictionary:
        found = self[domain] = Dictionary()
        return found


def of_rows(traversal: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """The columns of what the graph answered to a traversal."""
    (found,) = of_answers([Ask(traversal)], [rows])
    return found


def of_answers(asks: Sequence[Ask], answers: Sequence[Sequence[Mapping[str, Any]]]) -> list[Table]:
    """The columns of what the graph answered to each question about one account."""
    dictionaries = Dictionaries()

    def of(schema: Schema, rows: Sequence[Mapping[str, Any]]) -> Table:
        columns = (_column(kind, [row[name] for row in rows], dictionaries) for name, kind in schema.items())
        return Table(len(rows), dict(zip(schema, columns, strict=True)))

    return [of(each.schema, rows) for each, rows in zip(asks, answers, strict=True)]


def nothing(*asks: Ask) -> list[Table]:
    """What nobody answers to each question."""
    return of_answers(asks, [()] * len(asks))


def table_of(
    schema: Schema,
    rows: Sequence[Mapping[str, Any]],
    dictionaries: Dictionaries,
    *,
    texts: Iterable[str] = (),
) -> Table:
    """Columns of rows that have lists where the graph has texts; `texts` are columns of their own strings."""
    columns = {
        name: _column(kind, [row[name] for row in rows], dictionaries, reads=False)
        for name, kind in schema.items()
    }
    named = {name: Text.of([row[name] for row in rows]) for name in texts}
    return Table(len(rows), {**columns, **named})


def _column(kind: Kind, values: Sequence[Any], dictionaries: Dictionaries, *, reads: bool = True) -> Column:
    if isinstance(kind, Strings):
        return dictionaries[kind.domain].coded(values)
    if isinstance(kind, Lists):
        lists = [list(kind.read(value)) for value in values] if reads else values
        bounds = np.zeros(len(lists) + 1, np.int64)
        np.cumsum([len(each) for each in lists], out=bounds[1:])
        flat = [row for each in lists for row in each]
        columns = list(zip(*flat, strict=True)) or [()] * len(kind.of)
        table = Table(
            len(flat),
            {
                name: _column(inner, column, dictionaries, reads=reads)
                for (name, inner), column in zip(kind.of.items(), columns, strict=True)
            },
        )
        return Nested(bounds, table)
    return np.array(values, kind)


def rows_of(table: Table) -> list[dict[str, Any]]:
    """The rows of a table; a list as a list of rows."""
    columns = {name: _values(column) for name, column in table.columns.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _values(column: Column) -> list[Any]:
    if isinstance(column, Nested):
        inner = rows_of(column.table)
        bounds = column.bounds.tolist()
        return [inner[start:stop] for start, stop in pairwise(bounds)]
    if isinstance(column, Coded):
        return column.strings()
    return list(column) if isinstance(column, Text) else column.tolist()
