"""What the graph would answer of one account, kept as columns that follow its conversations. Pure.

`AccountColumns.read` answers a traversal with the columns of the rows that the graph answers with where it
was written with the same conversations and chats (`insights.tables.of_rows`). Conversations lie in chunks by
their start: a window costs what is in it, a change what its chunk does, and only when something is asked.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from sys import getsizeof
from typing import Any, Final, NamedTuple

import numpy as np

from chats.enriched import EnrichedConversation
from graph.model import element_id, topic_vertex
from graph.rows import conversation_row, fan_dates
from graph.said import Answered
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
from graph.warned import warnings_text
from insights.columns import Coded, Column, Nested, Numbers, Table
from insights.row import read_times
from insights.tables import (
    ANSWERS,
    COUNT,
    FLAG,
    FLOAT,
    FOLLOWS,
    OFFERS,
    SAID,
    SCHEMAS,
    SECONDS,
    TIME,
    Ask,
    Dictionaries,
    Lists,
    Schema,
    Strings,
    answer_row,
    offer_row,
    said_row,
    table_of,
)

CHUNK: Final = 8_192  # conversations; twice as many are cut
_NAME: Final = "conversation"
_PARENT: Final = "parent"  # where an outcome's conversation is


def _listed(schema: Schema) -> Lists:
    return Lists(schema, iter)


# A row a conversation, or what stands alone. What the graph has as edges and outcomes is in lists.
_KEPT: Final[Schema] = {
    "chatId": Strings("chat"),
    "fanId": Strings("fan"),
    "startDate": TIME,
    "endDate": TIME,
    "messageCount": COUNT,
    "fanMessages": COUNT,
    "massMessages": COUNT,
    "ppvOffers": COUNT,
    "massPpvOffers": COUNT,
    "turns": COUNT,
    "silenceSeconds": FLOAT,
    "responseSeconds": SECONDS,
    "unanswered": COUNT,
    "sentimentSum": FLOAT,
    "sentimentCount": COUNT,
    "firstFanDate": TIME,
    "lastFanDate": TIME,
    "warnings": Strings("warnings"),
    "offers": OFFERS,
    "said": SAID,
    "answers": ANSWERS,
    "topics": _listed({"id": Strings("topic")}),
    "actions": _listed({"type": Strings("action"), "count": COUNT}),
    "targets": _listed({"type": Strings("action"), "id": Strings("topic")}),
    "outcomes": _listed(
        {"type": Strings("outcome"), "date": TIME, "amount": FLOAT, "isMass": FLAG, "follows": FOLLOWS}
    ),
    "key": np.uint64,
}
_NAMED: Final = ("chatId", "fanId", "startDate", "endDate", "messageCount")


class TopicWords(NamedTuple):
    """What a topic's vertex has."""

    label: str
    category: str
    keywords: str


@dataclass(frozen=True, slots=True)
class Put:
    """A conversation's row, and the topics as it was written with them."""

    row: Mapping[str, Any]
    topics: Mapping[str, TopicWords]

    @classmethod
    def of(cls, conv: EnrichedConversation, pk: str) -> "Put":
        """What the graph has of a conversation once the builder wrote it in the partition `pk`."""
        figures, row = conv.figures, conversation_row(conv)
        first, last = fan_dates(figures)
        # What is written twice is one vertex or edge with the values that came last.
        topics = {element_id(pk, topic_vertex(topic.id)): topic for topic in conv.topics}
        actions = {(action.type, action.direction): action.count for action in conv.actions}
        types = {type for type, _ in actions}
        targets = {
            (pair.action, id): None
            for pair in conv.action_topics
            if (id := element_id(pk, topic_vertex(pair.topic_id))) in topics and pair.action in types
        }
        times = read_times(row["responseSeconds"])
        answers = [
            Answered(int(answer.asked_at), seconds, answer.sender_id)
            for answer, seconds in zip(figures.answers, times, strict=False)
        ]
        return cls(
            {
                **row,
                _NAME: conv.id,
                "key": _key(conv.id),
                "chatId": conv.chat_id,
                "fanId": conv.fan_id,
                "massMessages": figures.mass_messages,
                "ppvOffers": figures.offers,
                "massPpvOffers": figures.mass_offers,
                "responseSeconds": [(each,) for each in times],
                "firstFanDate": first,
                "lastFanDate": last,
                "warnings": warnings_text(conv.actions),
                "offers": [offer_row(each) for each in conv.ppv_offers],
                "said": [said_row(each) for each in figures.said],
                "answers": [answer_row(each) for each in answers],
                "topics": [(id,) for id in topics],
                "actions": [(type, count) for (type, _), count in actions.items()],
                "targets": list(targets),
                "outcomes": [
                    (
                        each.type,
                        int(each.at),
                        each.amount or 0,
                        each.is_mass,
                        [] if each.sent_at is None else [(int(each.sent_at), each.sender_id or "")],
                    )
                    for each in conv.outcomes
                ],
            },
            {
                id: TopicWords(topic.label, topic.category or "", ",".join(topic.keywords))
                for id, topic in topics.items()
            },
        )


FanFacts = Mapping[str, Any]  # what the rows of FANS and PROFILES have of a fan


Changes = OrderedDict[str, Put | None]  # by conversation, the last change last; None: it is no more


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Conversations by start, and between which seconds their outcomes lie."""

    table: Table
    outcomes: tuple[int, int]

    @classmethod
    def of(cls, table: Table) -> "_Chunk":
        dates = table.nested("outcomes").table.numbers("date")
        return cls(table, (int(dates.min()), int(dates.max())) if len(dates) else (0, -1))

    @property
    def first(self) -> int:
        return int(self.table.numbers("startDate")[0])


class AccountColumns:
    """Those of one account. One call at a time; arrays that it gave away never change."""

    def __init__(self) -> None:
        self._chunks: list[_Chunk] = []
        self._dictionaries = Dictionaries()
        self._topics: dict[str, TopicWords] = {}
        self._fans: dict[str, FanFacts] = {}
        self._fan_tables: dict[str, Table] = {}  # by traversal

    def __len__(self) -> int:
        return sum(len(chunk.table) for chunk in self._chunks)

    @property
    def nbytes(self) -> int:
        """What the arrays take, with the strings of the dictionaries and the rows of fans."""
        strings = (getsizeof(each) + sum(map(getsizeof, each)) for each in self._dictionaries.values())
        fans = sum(getsizeof(row) + sum(map(getsizeof, row.values())) for row in self._fans.values())
        return sum(_nbytes(chunk.table) for chunk in self._chunks) + sum(strings) + fans

    def follow(self, changes: Changes, fans: Mapping[str, FanFacts | None]) -> None:
        """Take in what became of conversations by id, in this order, and of fans by chat; None: no more."""
        if fans:
            for chat, fan in fans.items():
                if fan is None:
                    self._fans.pop(chat, None)
                else:
                    self._fans[chat] = fan
            self._fan_tables = {}
        if not changes:
            return
        puts = [each for each in changes.values() if each is not None]
        for each in puts:
            self._topics.update(each.topics)
        keys = np.array([_key(id) for id in changes], np.uint64)
        staying = [_without(chunk, keys, changes) for chunk in self._chunks]
        coming = table_of(_KEPT, [each.row for each in puts], self._dictionaries, texts=(_NAME,))
        coming = coming.take(np.argsort(coming.numbers("startDate"), kind="stable"))
        starts = coming.numbers("startDate")
        bounds = [*np.searchsorted(starts, [c.first for c in self._chunks[1:]]).tolist(), len(coming)]
        chunks: list[_Chunk] = []
        start = 0
        for old, table, stop in zip(self._chunks, staying, bounds, strict=False):
            if table is old.table and start == stop:
                chunks.append(old)
            else:
                chunks += _cut([table, coming.part(start, stop)])
            start = stop
        self._chunks = chunks if self._chunks else _cut([coming])

    def read(self, asks: Sequence[Ask]) -> list[Table]:
        """What the graph answers to each; strings of one domain have one dictionary in all of them."""
        windows: dict[tuple[int, int], Table] = {}

        def window(ask: Ask) -> Table:
            bounds = ask.start, ask.end
            if bounds not in windows:
                names = _read_by(each for each in asks if (each.start, each.end) == bounds)
                windows[bounds] = self._window(*bounds, names)
            return windows[bounds]

        return [self._answer(ask, window) for ask in asks]

    def _answer(self, ask: Ask, window: Callable[[Ask], Table]) -> Table:
        names = ask.schema
        if ask.traversal in (FANS, PROFILES):
            if ask.traversal not in self._fan_tables:
                rows, whole = list(self._fans.values()), SCHEMAS[ask.traversal]
                self._fan_tables[ask.traversal] = table_of(whole, rows, self._dictionaries)
            return self._fan_tables[ask.traversal].only(names)
        if ask.traversal in (OUTCOMES, SALES):
            return self._outcomes(ask.start, ask.end, names)
        found = window(ask)
        columns: dict[str, Column] = dict(found.columns)
        if _NAME in columns:
            columns[_NAME] = Coded(np.arange(len(found), dtype=np.int32), found.text(_NAME))
        found = Table(len(found), columns)
        if ask.traversal in (CONVERSATIONS, MESSAGES, OFFERED, ACTIVITY):
            return found.only(names)
        by_fans = found.numbers("fanMessages") > 0
        if ask.traversal == FAN_CONVERSATIONS:
            return found.only(names).where(by_fans)
        nested = found.nested(_LISTS[ask.traversal])
        if ask.traversal in (TOPIC_LINKS, DISCUSSED, USED):
            nested = _emptied(nested, by_fans)
        return self._links(found, nested).only(names)

    def _links(self, found: Table, nested: Nested) -> Table:
        """A row for each of the lists' rows, with what its conversation and its topic have."""
        columns: dict[str, Column] = dict(nested.table.columns)
        parents = nested.parents
        for name in (_NAME, "startDate"):
            if name in found.columns:
                columns[name] = found.only([name]).take(parents).columns[name]
        if "id" in columns:
            ids = nested.table.coded("id")
            words = [self._topics[id] for id in ids.values]
            columns["topic"] = Coded(ids.codes, [each.label for each in words])
            columns["category"] = Coded(ids.codes, [each.category for each in words])
            columns["keywords"] = Coded(ids.codes, [each.keywords for each in words])
        return Table(len(parents), columns)

    def _outcomes(self, start: int, end: int, names: Iterable[str]) -> Table:
        """A row for each outcome of the window by its own time."""
        parts = [_sold(self._empty(), np.zeros(0, np.int64), names, 0)]
        for number, chunk in enumerate(self._chunks):
            first, last = chunk.outcomes
            if start <= last and first < end:
                dates = chunk.table.nested("outcomes").table.numbers("date")
                parts.append(
                    _sold(chunk.table, np.flatnonzero((dates >= start) & (dates < end)), names, number)
                )
        found = Table.concat(parts)
        if _NAME not in found.columns:
            return found.only(names)
        named = found.text(_NAME)
        # Outcomes of one conversation come one after another.
        begins = np.append(True, np.diff(found.numbers(_PARENT)) != 0)[: len(found)]
        texts = Coded((np.cumsum(begins) - 1).astype(np.int32), named.take(np.flatnonzero(begins)))
        return Table(len(found), {**found.columns, _NAME: texts}).only(names)

    def _window(self, start: int, end: int, names: Iterable[str]) -> Table:
        parts = []
        for chunk in self._chunks:
            starts = chunk.table.numbers("startDate")
            first, last = np.searchsorted(starts, [start, end]).tolist()
            if first < last:
                parts.append(chunk.table.only(names).part(first, last))
        return Table.concat(parts) if parts else self._empty().only(names)

    def _empty(self) -> Table:
        return table_of(_KEPT, [], self._dictionaries, texts=(_NAME,))


def _sold(table: Table, places: Numbers, names: Iterable[str], number: int) -> Table:
    """A row for each of the outcomes at these places of a chunk with that number."""
    outcomes = table.nested("outcomes")
    parents = np.searchsorted(outcomes.bounds, places, side="right") - 1
    own = outcomes.table.only(name for name in names if name in outcomes.table.columns).take(places)
    of = table.only(name for name in names if name not in outcomes.table.columns).take(parents)
    return Table(len(places), {**of.columns, **own.columns, _PARENT: parents + (number << 32)})


_LISTS: Final = {
    TOPIC_LINKS: "topics",
    DISCUSSED: "topics",
    USED: "actions",
    ACTIONS: "actions",
    TARGETS: "targets",
}


def _read_by(asks: Iterable[Ask]) -> list[str]:
    """The kept columns that answers to these are made of."""
    wanted: dict[str, None] = {"startDate": None, "fanMessages": None}
    for ask in asks:
        if ask.traversal in _LISTS:
            wanted[_LISTS[ask.traversal]] = None
        wanted.update(dict.fromkeys(name for name in ask.schema if name in (*_KEPT, _NAME)))
    return list(wanted)


def _emptied(nested: Nested, mask: Numbers) -> Nested:
    """The same with no rows where it does not hold."""
    if mask.all():
        return nested
    lengths = np.where(mask, nested.lengths, 0)
    bounds = np.zeros(len(nested) + 1, np.int64)
    np.cumsum(lengths, out=bounds[1:])
    return Nested(bounds, nested.table.take(np.flatnonzero(np.repeat(mask, nested.lengths))))


def _without(chunk: _Chunk, keys: Numbers, changes: Changes) -> Table:
    """The conversations of a chunk that did not change."""
    candidates = np.flatnonzero(np.isin(chunk.table.numbers("key"), keys))
    names = chunk.table.text(_NAME)
    gone = [place for place in candidates.tolist() if names[place] in changes]
    if not gone:
        return chunk.table
    stays = np.ones(len(chunk.table), np.bool_)
    stays[gone] = False
    return chunk.table.where(stays)


def _cut(tables: Sequence[Table]) -> list[_Chunk]:
    """Chunks of these rows."""
    whole = Table.concat([each for each in tables if len(each)] or tables[:1])
    if not len(whole):
        return []
    starts = whole.numbers("startDate")
    if (np.diff(starts) < 0).any():
        whole = whole.take(np.argsort(starts, kind="stable"))
    if len(whole) < 2 * CHUNK:
        return [_Chunk.of(whole)]
    # Taken, not parted: a part would hold on to all of it.
    places = [np.arange(start, min(start + CHUNK, len(whole))) for start in range(0, len(whole), CHUNK)]
    return [_Chunk.of(whole.take(each)) for each in places]


def _key(id: str) -> int:
    """What a conversation is looked for by; what is found is compared by its id."""
    return int.from_bytes(blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _nbytes(column: Column | Table) -> int:
    if isinstance(column, np.ndarray):
        return column.nbytes
    if isinstance(column, Table):
        return sum(_nbytes(each) for each in column.columns.values())
    if isinstance(column, Nested):
        return column.bounds.nbytes + _nbytes(column.table)
    return column.codes.nbytes if isinstance(column, Coded) else column.joined.nbytes + column.bounds.nbytes
