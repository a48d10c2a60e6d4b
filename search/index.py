"""The index of one account's messages: one SQLite file with words, vectors, and what they are filtered by.

All of it is made from the history, so a file that is lost or damaged is made anew. Words are FTS5's, without
case and diacritics. Vectors lie side by side in blocks and are compared one and all, which is exact. What is
deleted is overwritten (`secure_delete`), but for FTS5's own pages, in which a deletion is a mark, and for
copies of rows that SQLite moved: `forget` writes the file anew.

Blocking: call it in a thread, one call at a time.
"""

import json
import logging
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from chats.message import Direction
from errors import StaleOwner
from search.embedded import digest_of
from search.question import MOODS, Filters, Place, Question, fused, place_of, readable

# Read when numpy is first imported: a product of one block is over before another thread has begun.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

log = logging.getLogger(__name__)

T = TypeVar("T")

FORMAT: Final = 1  # a file of another one is made anew
BLOCK: Final = 1_024  # vectors that lie together
MOST: Final = 1_000  # messages that one ranking has, or that are looked at of a topic
LEAST_COSINE: Final = 0.3  # below it two texts have nothing to do with each other
TOGETHER: Final = 500  # values of one statement
LOCKED_WITHIN: Final = 10.0  # seconds that another owner of the file may write
BESIDE: Final = ("-journal", ".new")  # ends of the names of files beside an index
_TOKENIZER: Final = 'tokenize = "unicode61 remove_diacritics 2"'
_OPEN, _CLOSE = "\x01", "\x02"  # around what is highlighted; `readable` leaves none of them in a text

_SCHEMA: Final = (
    "CREATE TABLE facts(name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "CREATE TABLE chats(chat TEXT PRIMARY KEY, stamp BLOB) WITHOUT ROWID",
    """CREATE TABLE messages(
  slot INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT NOT NULL, chat TEXT NOT NULL,
  conversation TEXT NOT NULL, fan TEXT NOT NULL, at REAL NOT NULL, direction TEXT NOT NULL,
  kind TEXT NOT NULL, text TEXT NOT NULL, mood REAL, topics TEXT NOT NULL, actions TEXT NOT NULL,
  has_vector INTEGER NOT NULL DEFAULT 0, said_mood REAL, said_topics TEXT, said_actions TEXT,
  UNIQUE(chat, message))""",
    "CREATE INDEX of_conversations ON messages(chat, conversation)",
    "CREATE INDEX without_vector ON messages(slot) WHERE has_vector = 0",
    "CREATE TABLE vectors(block INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE VIRTUAL TABLE words USING "
    f"fts5(text, content = 'messages', content_rowid = 'slot', {_TOKENIZER})",
    f"PRAGMA user_version = {FORMAT}",
)
_AWAY: Final = (  # a file that others use, or a disk that is full
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
)
_COLUMNS: Final = (
    "message, chat, conversation, fan, at, direction, kind, text, mood, topics, actions, said_mood, "
    "said_topics, said_actions"
)
_LATER: Final = ("said_mood REAL", "said_topics TEXT", "said_actions TEXT")  # columns of FORMAT 1
# Which topics messages are about, by their time; what goes to many is nobody's talk. FORMAT 1 may lack it.
_OWN: Final = "SELECT json_extract(value, '$[0]') FROM json_each(old.topics)"
_GONE: Final = f"DELETE FROM about WHERE topic IN ({_OWN}) AND at = old.at AND slot = old.slot;"  # noqa: S608
_COME: Final = (
    "INSERT OR IGNORE INTO about SELECT json_extract(value, '$[0]'), new.at, new.slot "
    "FROM json_each(new.topics) WHERE new.kind = 'direct';"
)
_ABOUT: Final = (
    "CREATE TABLE about(topic TEXT, at REAL, slot INTEGER, PRIMARY KEY(topic, at, slot)) WITHOUT ROWID",
    f"CREATE TRIGGER about_come AFTER INSERT ON messages BEGIN {_COME} END",
    f"CREATE TRIGGER about_ended AFTER DELETE ON messages BEGIN {_GONE} END",
    f"CREATE TRIGGER about_other AFTER UPDATE OF topics, at, kind ON messages BEGIN {_GONE} {_COME} END",
    "INSERT OR IGNORE INTO about SELECT json_extract(value, '$[0]'), at, slot "
    "FROM messages, json_each(topics) WHERE kind = 'direct'",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A message with text, as it is found. `topics` is JSON of [id, label] pairs, `actions` of names.

    What begins with `said` is what models said of one that a person has corrected: else there is none of it.
    """

    message: str
    chat: str
    conversation: str
    fan: str
    at: float
    direction: Direction
    kind: str
    text: str
    mood: float | None
    topics: str
    actions: str
    said_mood: float | None = None
    said_topics: str | None = None
    said_actions: str | None = None

    def without_corrections(self) -> "Row":
        """As models said it."""
        if self.said_topics is None or self.said_actions is None:
            return self
        return replace(self, mood=self.said_mood, topics=self.said_topics, actions=self.said_actions)


@dataclass(frozen=True, slots=True)
class Update:
    """What the conversations of a chat that are named have now; None: the chat is no more."""

    chat: str
    conversations: Collection[str] | None
    rows: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found. `similarity` is its cosine to what was asked; None: only its words are."""

    place: Place  # behind it
    row: Row
    score: float
    has_words: bool
    similarity: float | None
    highlights: list[tuple[int, int]]


class Found(NamedTuple):
    """A page of what was found, best first, and the cursor of the next one."""

    hits: list[Hit]
    next: str | None
    without_vector: int  # messages that cannot be found by meaning yet


def is_away(error: Exception) -> bool:
    """Whether a file may be used later: waiting helps."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    # Moved it was removed, as by an owner before who had nothing of it.
    return code != sqlite3.SQLITE_READONLY_DBMOVED and code & 0xFF in _AWAY


def to_json(value: Any) -> str:
    """As it stands in `Row.topics` and `Row.actions`, where its parts are looked for as text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Index:
    """One account's, of the owner with this epoch. Without a path it is gone with the process.

    What has no path is in a nameless file, or all of it `in_memory`.

    StaleOwner when an owner with a higher epoch has the file.
    """

    def __init__(self, path: Path | None, epoch: int, *, in_memory: bool = False) -> None:
        self._path = path
        self._place = ":memory:" if in_memory else path or ""
        self._epoch = epoch
        try:
            self._db = self._opened()
        except sqlite3.DatabaseError as error:
            if is_away(error):
                raise
            log.warning("A search index cannot be read and is made anew (%s).", type(error).__name__)
            self._remove()
            self._db = self._opened()

    def _opened(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        db = sqlite3.connect(
            self._place, timeout=LOCKED_WITHIN, isolation_level=None, check_same_thread=False
        )
        try:
            db.execute("PRAGMA secure_delete = ON")
            db.execute("PRAGMA temp_store = MEMORY")
            db.execute("BEGIN IMMEDIATE")  # another owner may be making it
            [version] = db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in _SCHEMA:
                    db.execute(statement)
            elif version != FORMAT:
                raise sqlite3.DatabaseError("It is of another release.")
            known = {name for _, name, *_ in db.execute("PRAGMA table_info(messages)")}
            for column in _LATER:
                if column.partition(" ")[0] not in known:
                    db.execute(f"ALTER TABLE messages ADD COLUMN {column}")
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone():
                for statement in _ABOUT:
                    db.execute(statement)
            if self._fact(db, "epoch", 0) > self._epoch:
                raise StaleOwner("Another process owns this user now, and its search index.")
            self._tell(db, "epoch", self._epoch)
            db.execute("COMMIT")
        except BaseException:
            db.close()
            raise
        return db

    def close(self) -> None:
        self._db.close()

    def drop(self) -> None:
        """Have it no more, nor its file."""
        self.close()
        self._remove()

    def _remove(self) -> None:
        if self._path is not None:
            for path in (self._path, *map(self._beside, BESIDE)):
                path.unlink(missing_ok=True)

    def _beside(self, suffix: str) -> Path:
        assert self._path is not None, "it has a file"
        return self._path.with_name(f"{self._path.name}{suffix}")

    # What is kept up to date

    def stamps(self) -> dict[str, bytes | None]:
        """What tells each chat from how it was at another time; None: it has changed since that was told."""
        return dict(self._db.execute("SELECT chat, stamp FROM chats"))

    def stamp(self, stamps: Mapping[str, bytes]) -> None:
        with self._writing() as db:
            db.executemany("UPDATE chats SET stamp = ? WHERE chat = ?", [(s, c) for c, s in stamps.items()])

    def conversations(self, chat: str) -> list[str]:
        """The conversations of a chat of which there is anything."""
        asked = "SELECT DISTINCT conversation FROM messages WHERE chat = ?"
        return [id for (id,) in self._db.execute(asked, (chat,))]

    def put(self, updates: Iterable[Update], vectors: Mapping[bytes, bytes]) -> None:
        """Have these conversations be as they are told, all in one transaction.

        `vectors` are by the digest of a text; those that are not there are asked for later.
        """
        with self._writing() as db:
            for update in updates:
                self._put(db, update, vectors)

    def _put(self, db: sqlite3.Connection, update: Update, vectors: Mapping[bytes, bytes]) -> None:
        known = self._known(db, update)
        self._take_away(db, [known[id] for id in known.keys() - {row.message for row in update.rows}])
        lacking: list[tuple[int, str]] = []
        for row in update.rows:
            before = known.get(row.message)
            slot = before.slot if before is not None and before.row == row else self._write(db, row, before)
            if before is None or not before.has_vector or before.row.text != row.text:
                lacking.append((slot, row.text))
        self._give(db, lacking, vectors)
        if update.conversations is None:
            db.execute("DELETE FROM chats WHERE chat = ?", (update.chat,))
        else:
            db.execute("INSERT OR REPLACE INTO chats(chat, stamp) VALUES (?, NULL)", (update.chat,))

    def lacking(self, count: int) -> list[tuple[int, str]]:
        """So many messages without a vector: their slots and texts, the newest first."""
        asked = "SELECT slot, text FROM messages WHERE has_vector = 0 ORDER BY slot DESC LIMIT ?"
        return self._db.execute(asked, (count,)).fetchall()

    def give(self, slots: Sequence[tuple[int, str]], vectors: Mapping[bytes, bytes]) -> None:
        """Keep the vectors of these slots, as far as each still has its text."""
        with self._writing() as db:
            same = "SELECT 1 FROM messages WHERE slot = ? AND text = ?"
            self._give(db, [each for each in slots if db.execute(same, each).fetchone()], vectors)

    def embedded_by(self, model: str) -> None:
        """Have vectors of this model alone: those of another are asked for again."""
        if self._fact(self._db, "model", None) == model:
            return
        with self._writing() as db:
            db.execute("DELETE FROM vectors")
            db.execute("UPDATE messages SET has_vector = 0 WHERE has_vector = 1")
            self._tell(db, "model", model)
            self._tell(db, "width", 0)

    def forget(self) -> None:
        """Have nothing in the file of what was deleted: it is written anew.

        SQLite overwrites what is deleted, but not what it left behind when it moved rows from page to page.
        """
        with self._writing() as db:
            db.execute("INSERT INTO words(words) VALUES ('rebuild')")
        if self._path is None:
            return
        anew = self._beside(".new")
        anew.unlink(missing_ok=True)
        self._db.execute("VACUUM INTO ?", (str(anew),))
        self._db.close()
        anew.replace(self._path)
        self._db = self._opened()

    # What is found

    def find(self, question: Question, vector: bytes | None) -> Found:
        """A page of what is found, by words alone where there is no `vector` of what is asked.

        InvalidInput when the cursor is not of this question.
        """
        place = place_of(question)
        last = self._last() if place is None else place.last
        by_words = self._by_words(question, last) if question.mode != "meaning" else []
        similar = {} if vector is None or question.mode == "words" else self._nearest(question, vector, last)
        scores = fused(*(ranking for ranking in (by_words, list(similar)) if ranking))
        order = sorted(scores, key=lambda slot: (-scores[slot], -slot))
        start = 0
        if place is not None:
            start = order.index(place.slot) + 1 if place.slot in scores else place.at
        shown = order[start : start + question.limit]
        rows = self._rows(shown)
        if not question.filters.corrections:
            rows = {slot: row.without_corrections() for slot, row in rows.items()}
        spans = highlights([rows[slot].text for slot in shown], question.words)
        with_words = set(by_words)
        hits = [
            Hit(Place(slot, at, last), rows[slot], scores[slot], slot in with_words, similar.get(slot), own)
            for at, (slot, own) in enumerate(zip(shown, spans, strict=True), start=start + 1)
        ]
        is_last = start + len(shown) >= len(order)
        following = None if is_last or not hits else hits[-1].place.text(question)
        return Found(hits, following, self._count_lacking())

    def _by_words(self, question: Question, last: int) -> list[int]:
        """The slots of messages that have all the words, best first by BM25."""
        if not question.words:
            return []
        where, values = _conditions(question.filters)
        asked = (
            "SELECT slot FROM words JOIN messages ON slot = words.rowid "  # noqa: S608 (no part is a value)
            f"WHERE words MATCH ? AND slot <= ?{where} ORDER BY bm25(words), slot DESC LIMIT ?"
        )
        values = [_expression(question.words, " "), last, *values, MOST]
        return [slot for (slot,) in self._db.execute(asked, values)]

    def _nearest(self, question: Question, vector: bytes, last: int) -> dict[int, float]:
        """The slots whose texts mean what is asked, nearest first, with their cosines."""
        from search.vectors import nearest  # numpy takes 20 MiB: only who searches by meaning pays for it

        if len(vector) != self._fact(self._db, "width", 0):
            return {}
        stored = self._db.execute("SELECT block, data FROM vectors ORDER BY block")
        blocks = ((block * BLOCK, data) for block, data in stored)
        near = nearest(vector, blocks, last=last, least=LEAST_COSINE)
        where, values = _conditions(question.filters)
        found: dict[int, float] = {}
        for some in _parts(near):
            if where:
                asked = f"SELECT slot FROM messages WHERE slot IN ({_marks(some)}){where}"  # noqa: S608
                meant = {slot for (slot,) in self._db.execute(asked, [*(slot for slot, _ in some), *values])}
                some = [each for each in some if each[0] in meant]
            found |= some[: MOST - len(found)]
            if len(found) == MOST:
                break
        return found

    def typical(
        self, topic: str, vector: bytes, start: float, end: float, limit: int
    ) -> list[tuple[Row, float]]:
        """The messages about a topic that are nearest to its vector, and how near: one a chat, no text twice.

        The last MOST of a time, [start, end), are looked at, as far as they have vectors.
        """
        from search.vectors import cosines

        if len(vector) != self._fact(self._db, "width", 0):
            return []
        asked = (
            "SELECT slot FROM (SELECT slot FROM about WHERE topic = ? AND at >= ? AND at < ? "
            "ORDER BY at DESC, slot DESC LIMIT ?) JOIN messages USING (slot) WHERE has_vector ORDER BY slot"
        )
        about = [slot for (slot,) in self._db.execute(asked, (readable(topic), start, end, MOST))]
        near = cosines(vector, self._vectors_of(about)).tolist()
        order = sorted(zip(about, near, strict=True), key=lambda each: (-each[1], -each[0]))
        found: dict[str, tuple[Row, float]] = {}  # by chat
        texts: set[str] = set()
        for some in _parts(order):
            rows = self._rows([slot for slot, _ in some])
            for slot, similarity in some:
                row = rows[slot]
                text = " ".join(row.text.casefold().split())
                if len(found) < limit and row.chat not in found and text not in texts:
                    found[row.chat] = row, similarity
                    texts.add(text)
        return list(found.values())

    def _vectors_of(self, slots: Sequence[int]) -> bytes:
        """The vectors of these slots, which are in order, side by side."""
        width = self._fact(self._db, "width", 0)
        parts: list[bytes] = []
        for block, own in groupby(slots, key=lambda slot: slot // BLOCK):
            with self._db.blobopen("vectors", "data", block, readonly=True) as blob:
                for slot in own:
                    blob.seek(slot % BLOCK * width)
                    parts.append(blob.read(width))
        return b"".join(parts)

    def _rows(self, slots: Sequence[int]) -> dict[int, Row]:
        found: dict[int, Row] = {}
        for some in _parts(slots):
            asked = f"SELECT slot, {_COLUMNS} FROM messages WHERE slot IN ({_marks(some)})"  # noqa: S608
            found |= {slot: Row(*values) for slot, *values in self._db.execute(asked, some)}
        return found

    def _last(self) -> int:
        [last] = self._db.execute("SELECT max(slot) FROM messages").fetchone()
        return last or 0

    def _count_lacking(self) -> int:
        [count] = self._db.execute("SELECT count(*) FROM messages WHERE has_vector = 0").fetchone()
        return int(count)

    # Inside

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction of this owner."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            if self._fact(db, "epoch", 0) != self._epoch:
                raise StaleOwner("Another process owns this user now, and its search index.")
            # What FTS5 is refused does not say that the file was removed: a plain table is written first.
            self._tell(db, "epoch", self._epoch)
            yield db
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a connection that failed has rolled back by itself
                db.execute("ROLLBACK")
            raise

    def _known(self, db: sqlite3.Connection, update: Update) -> "dict[str, _Known]":
        """What there is of these conversations and of these messages, by message."""
        asked = f"SELECT slot, has_vector, {_COLUMNS} FROM messages WHERE chat = ?"  # noqa: S608
        found: list[tuple[Any, ...]] = []
        if update.conversations is None:
            found = db.execute(asked, (update.chat,)).fetchall()
        else:
            messages = [row.message for row in update.rows]
            for name, values in (("conversation", update.conversations), ("message", messages)):
                for some in _parts(values):
                    found += db.execute(f"{asked} AND {name} IN ({_marks(some)})", (update.chat, *some))
        known = (_Known(slot, bool(has_vector), Row(*values)) for slot, has_vector, *values in found)
        return {each.row.message: each for each in known}

    def _write(self, db: sqlite3.Connection, row: Row, before: "_Known | None") -> int:
        values = astuple(row)
        if before is None:
            added = f"INSERT INTO messages({_COLUMNS}) VALUES ({_marks(values)})"  # noqa: S608
            slot = db.execute(added, values).lastrowid
            assert slot is not None, "a row has one"
        else:
            slot = before.slot
            sets = ", ".join(f"{name} = ?" for name in _COLUMNS.split(", "))
            changed = f"UPDATE messages SET {sets} WHERE slot = ?"  # noqa: S608
            db.execute(changed, (*values, slot))
            if before.row.text == row.text:
                return slot
            self._take_words(db, before)
            self._take_vectors(db, [before])
        db.execute("INSERT INTO words(rowid, text) VALUES (?, ?)", (slot, row.text))
        return slot

    def _take_away(self, db: sqlite3.Connection, gone: "Sequence[_Known]") -> None:
        for each in gone:
            self._take_words(db, each)
        self._take_vectors(db, gone)
        db.executemany("DELETE FROM messages WHERE slot = ?", [(each.slot,) for each in gone])
        for block in {each.slot // BLOCK for each in gone if each.has_vector}:
            left = "SELECT 1 FROM messages WHERE slot >= ? AND slot < ? AND has_vector = 1 LIMIT 1"
            if db.execute(left, (block * BLOCK, (block + 1) * BLOCK)).fetchone() is None:
                db.execute("DELETE FROM vectors WHERE block = ?", (block,))

    def _take_words(self, db: sqlite3.Connection, known: "_Known") -> None:
        taken = "INSERT INTO words(words, rowid, text) VALUES ('delete', ?, ?)"
        db.execute(taken, (known.slot, known.row.text))

    def _take_vectors(self, db: sqlite3.Connection, known: "Sequence[_Known]") -> None:
        nothing = bytes(self._fact(db, "width", 0))
        slots = [each.slot for each in known if each.has_vector]
        self._keep_vectors(db, dict.fromkeys(slots, nothing))
        db.executemany("UPDATE messages SET has_vector = 0 WHERE slot = ?", [(slot,) for slot in slots])

    def _give(
        self, db: sqlite3.Connection, lacking: Sequence[tuple[int, str]], vectors: Mapping[bytes, bytes]
    ) -> None:
        """Keep those of the vectors that these slots lack."""
        if not lacking or not vectors:
            return
        found = {slot: vector for slot, text in lacking if (vector := vectors.get(digest_of(text)))}
        if not found:
            return
        width = len(next(iter(found.values())))
        if not self._fact(db, "width", 0):
            self._tell(db, "width", width)
        self._keep_vectors(db, found)
        db.executemany("UPDATE messages SET has_vector = 1 WHERE slot = ?", [(slot,) for slot in found])

    def _keep_vectors(self, db: sqlite3.Connection, vectors: Mapping[int, bytes]) -> None:
        of: dict[int, list[int]] = {}
        for slot in vectors:
            of.setdefault(slot // BLOCK, []).append(slot)
        for block, slots in of.items():
            width = len(vectors[slots[0]])
            made = "INSERT OR IGNORE INTO vectors(block, data) VALUES (?, zeroblob(?))"
            db.execute(made, (block, BLOCK * width))
            with db.blobopen("vectors", "data", block) as blob:
                for slot in slots:
                    blob.seek(slot % BLOCK * width)
                    blob.write(vectors[slot])

    @staticmethod
    def _fact(db: sqlite3.Connection, name: str, default: T) -> T:
        found = db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return default if found is None else found[0]

    @staticmethod
    def _tell(db: sqlite3.Connection, name: str, value: object) -> None:
        db.execute("INSERT OR REPLACE INTO facts(name, value) VALUES (?, ?)", (name, value))


class _Known(NamedTuple):
    slot: int
    has_vector: bool
    row: Row


def highlights(texts: Sequence[str], words: Sequence[str]) -> list[list[tuple[int, int]]]:
    """Of each text where the words are in it, as the index reads both: (start, end) in characters."""
    found: list[list[tuple[int, int]]] = [[] for _ in texts]
    if not texts or not words:
        return found
    db = sqlite3.connect(":memory:")
    try:
        db.execute(f"CREATE VIRTUAL TABLE words USING fts5(text, {_TOKENIZER})")
        rows = [(n, readable(text)) for n, text in enumerate(texts)]
        db.executemany("INSERT INTO words(rowid, text) VALUES (?, ?)", rows)
        asked = "SELECT rowid, highlight(words, 0, ?, ?) FROM words WHERE words MATCH ?"
        for n, marked in db.execute(asked, (_OPEN, _CLOSE, _expression(words, " OR "))):
            found[n] = _spans(marked)
    finally:
        db.close()
    return found


def _spans(marked: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    at = start = 0
    for character in marked:
        if character == _OPEN:
            start = at
        elif character == _CLOSE:
            spans.append((start, at))
        else:
            at += 1
    return spans


def _expression(words: Iterable[str], joint: str) -> str:
    """The words for FTS5: each is a string of it, in which nothing is an operator."""
    quoted = (word.replace('"', '""') for word in words)
    return joint.join(f'"{word}"' for word in quoted)


def _conditions(filters: Filters) -> tuple[str, list[Any]]:
    """What follows `WHERE ..` for the filters, and its values."""
    found: list[tuple[str, Any]] = []
    for name, value in (("at >= ?", filters.start), ("at < ?", filters.end), ("fan = ?", filters.fan_id)):
        found += [(name, value)] if value is not None else []
    for name, value in (("chat = ?", filters.chat_id), ("direction = ?", filters.direction)):
        found += [(name, value)] if value is not None else []
    mood, topics, actions = "mood", "topics", "actions"
    if not filters.corrections:
        mood = "iif(said_topics IS NULL, mood, said_mood)"
        topics, actions = "coalesce(said_topics, topics)", "coalesce(said_actions, actions)"
    if filters.mood is not None:
        least, below = MOODS[filters.mood]
        found += [(f"{mood} >= ?", least), (f"{mood} < ?", below)]
    if filters.action is not None:
        found.append((f"instr({actions}, ?)", to_json(readable(filters.action))))
    where = "".join(f" AND {name}" for name, _ in found)
    values = [value for _, value in found]
    if filters.topic is not None:  # first of a pair, or second
        topic = to_json(readable(filters.topic))
        where += f" AND (instr({topics}, ?) OR instr({topics}, ?))"
        values += [f"[{topic},", f",{topic}]"]
    return where, values


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _parts(values: Iterable[T]) -> Iterator[list[T]]:
    """The values, TOGETHER at a time."""
    every = iter(values)
    while part := list(islice(every, TOGETHER)):
        yield part
