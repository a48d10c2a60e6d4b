"""The index of an account finds what a plain scan finds, and keeps nothing of what is gone."""

import sqlite3
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from errors import InvalidInput, StaleOwner
from search.embedded import digest_of
from search.index import LEAST_COSINE, Index, Row, Update, highlights, is_away, to_json
from search.question import Filters, Mode, Question, readable
from search.vectors import packed

DIMENSION = 16
WORDS = ["gym", "café", "cafe", "Straße", "naïve", "OR", "NEAR", "видео", "tip20", "ΣΟΦΌΣ", "e\u0301te"]
AXES = np.eye(DIMENSION, dtype=np.float32)


def vector(text: str) -> bytes:
    """One that is nearest to that of a text with the same words."""
    found = sum((AXES[hash_of(word)] for word in folded(text)), np.zeros(DIMENSION, np.float32))
    return packed(found[None, :])[0]


def hash_of(word: str) -> int:
    return sum(word.encode()) % DIMENSION


def folded(text: str) -> list[str]:
    """The words without case and diacritics, as a plain scan reads them."""
    bare = (each for each in unicodedata.normalize("NFD", text) if not unicodedata.combining(each))
    plain = "".join(each.lower() for each in bare)  # one by one: a word's last letter is as any other
    return "".join(each if each.isalnum() else " " for each in plain).split()


def row(id: str, text: str, **more: object) -> Row:
    told = {"chat": "c1", "conversation": "v1", "fan": "f1", "at": 0.0, "direction": "fan", "kind": "direct"}
    rest = {"mood": None, "topics": "[]", "actions": "[]"}
    return Row(message=id, text=text, **{**told, **rest, **more})  # type: ignore[arg-type]


def put(index: Index, *rows: Row, conversations: tuple[str, ...] = ("v1",), chat: str = "c1") -> None:
    vectors = {digest_of(each.text): vector(each.text) for each in rows}
    index.put([Update(chat, conversations, rows)], vectors)


def found(index: Index, text: str, mode: Mode = "words", **filters: object) -> list[str]:
    question = Question(text, mode, Filters(**filters), limit=100)  # type: ignore[arg-type]
    return [hit.row.message for hit in index.find(question, vector(text)).hits]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = Index(tmp_path / "one.sqlite", 1)
    made.embedded_by("m")
    yield made
    made.close()


texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
places = st.tuples(st.sampled_from(["c1", "c2"]), st.sampled_from(["v1", "v2", "v3"]))
kept = st.dictionaries(
    st.sampled_from([f"m{n}" for n in range(8)]),
    st.tuples(texts, st.floats(0, 10), st.sampled_from([None, 0.1, 0.5, 0.9]), st.sampled_from(["t1", "t2"])),
    max_size=5,
)


class AgainstAScan(RuleBasedStateMachine):
    """Conversations come, change, move and go; a scan tells what is to be found."""

    def __init__(self) -> None:
        super().__init__()
        self.index = Index(None, 1)
        self.index.embedded_by("m")
        self.rows: dict[tuple[str, str], Row] = {}  # by chat and message

    @rule(place=places, told=kept)
    def tell(self, place: tuple[str, str], told: dict[str, tuple[str, float, float | None, str]]) -> None:
        chat, conversation = place
        rows = [
            row(id, text, chat=chat, conversation=conversation, at=at, mood=mood, topics=to_json([[t, t]]))
            for id, (text, at, mood, t) in told.items()
        ]
        gone = [
            key for key, each in self.rows.items() if each.chat == chat and each.conversation == conversation
        ]
        for key in gone:
            del self.rows[key]
        self.rows.update({(chat, each.message): each for each in rows})
        put(self.index, *rows, conversations=(conversation,), chat=chat)

    @rule(chat=st.sampled_from(["c1", "c2"]))
    def erase(self, chat: str) -> None:
        self.rows = {key: each for key, each in self.rows.items() if key[0] != chat}
        self.index.put([Update(chat, None)], {})
        self.index.forget()

    @rule()
    def use_another_model(self) -> None:
        self.index.embedded_by("other")
        self.index.embedded_by("m")
        lacking = self.index.lacking(1000)
        assert len(lacking) == len(self.rows)
        self.index.give(lacking, {digest_of(text): vector(text) for _, text in lacking})

    @invariant()
    def what_is_found_is_what_a_scan_finds(self) -> None:
        for word in ("cafe", "strasse", "Straße", "видео", "or", "сафе"):
            scanned = {key for key, each in self.rows.items() if folded(word)[0] in folded(each.text)}
            hits = self.index.find(Question(word, "words", limit=100), None).hits
            assert {(hit.row.chat, hit.row.message) for hit in hits} == scanned
            assert all(self.rows[hit.row.chat, hit.row.message] == hit.row for hit in hits)

    @invariant()
    def what_is_typical_of_a_topic_is_about_it_and_the_nearest_of_each_chat(self) -> None:
        for topic, start, end in (("t1", -1.0, 11.0), ("t2", 2.0, 7.0)):
            meant = [
                each
                for each in self.rows.values()
                if each.topics == to_json([[topic, topic]]) and start <= each.at < end
            ]
            typical = self.index.typical(topic, vector("gym cafe"), start, end, 100)
            near = [similarity for _, similarity in typical]
            rows = [each for each, _ in typical]
            assert all(each in meant for each in rows)
            assert near == sorted(near, reverse=True)
            texts = {each.text.casefold() for each in rows}
            assert len({each.chat for each in rows}) == len(texts) == len(rows)
            for each in meant:
                assert each.chat in {other.chat for other in rows} or each.text.casefold() in texts

    @invariant()
    def what_is_near_is_what_a_scan_finds_near(self) -> None:
        kind = np.dtype([("whole", np.int8, (DIMENSION,)), ("inverse", "<f4")])

        def cosine(one: bytes, other: bytes) -> float:
            a, b = (np.frombuffer(each, kind)[0] for each in (one, other))
            product = a["whole"].astype(np.float64) @ b["whole"].astype(np.float64)
            return float(product * float(a["inverse"]) * float(b["inverse"]))

        asked = vector("gym cafe")
        near = {key: cosine(asked, vector(each.text)) for key, each in self.rows.items()}
        hits = self.index.find(Question("gym cafe", "meaning", limit=100), asked).hits
        assert {(h.row.chat, h.row.message): pytest.approx(h.similarity, abs=1e-4) for h in hits} == {
            key: value for key, value in near.items() if value >= LEAST_COSINE - 1e-6
        }
        assert [h.similarity for h in hits] == sorted((h.similarity for h in hits), reverse=True)  # type: ignore[type-var]

    @invariant()
    def filters_keep_what_they_say(self) -> None:
        for mode in ("words", "meaning"):
            for filters in (
                Filters(start=2.0, end=7.0),
                Filters(mood="neutral", topic="t1"),
                Filters(chat_id="c2", direction="fan"),
            ):
                everything = self.index.find(Question("gym", mode, limit=100), vector("gym")).hits
                some = self.index.find(Question("gym", mode, filters, limit=100), vector("gym")).hits
                meant = [hit.row for hit in everything if is_meant(hit.row, filters)]
                assert [hit.row for hit in some] == meant

    def teardown(self) -> None:
        self.index.close()


def is_meant(row: Row, filters: Filters) -> bool:
    return (
        (filters.start is None or filters.start <= row.at)
        and (filters.end is None or row.at < filters.end)
        and (filters.mood is None or row.mood == 0.5)
        and (filters.topic is None or f'"{filters.topic}"' in row.topics)
        and filters.chat_id in (None, row.chat)
    )


def test_the_index_finds_what_a_scan_finds_whatever_comes_and_goes() -> None:
    run_state_machine_as_test(
        AgainstAScan,
        settings=settings(
            max_examples=40,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


HOSTILE = [
    '"',
    '"unclosed',
    "a AND OR NOT",
    "NEAR(a b, 2)",
    "text: gym",
    "^gym*",
    "-gym",
    "(((",
    "gym\x00gym",
    "\ud800gym",
    "%_\\'; DROP TABLE messages; --",
    "💪" * 50,
    "x" * 10_000,
    "a " * 5_000,
    "\x01\x02",
    "مرحبا",
    " ",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_looks_like_an_operator_is_text(index: Index, text: str) -> None:
    put(index, row("m1", readable(text)), row("m2", "nothing of it"))
    ids = found(index, text)
    assert ids in (["m1"], [])
    assert bool(ids) == bool(Question(text).words)
    assert found(index, "nothing") == ["m2"]


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_no_text_and_no_query_is_an_error(text: str, asked: str) -> None:
    index = Index(None, 1)
    put(index, row("m1", readable(text)))
    for mode in ("words", "both", "meaning"):
        found(index, asked, mode)
    index.close()
    for start, end in highlights([text], Question(asked).words)[0]:
        assert 0 <= start < end <= len(text)


def test_highlights_are_places_in_the_text_as_it_is_whatever_is_in_it() -> None:
    text = "💪 at the Café, <b>CAFE</b>\x01 or cafés"
    [spans] = highlights([text], ["cafe"])
    assert [text[start:end] for start, end in spans] == ["Café", "CAFE"]


def test_an_edited_text_is_not_found_by_what_it_said_before(index: Index) -> None:
    put(index, row("m1", "gym at noon"))
    put(index, row("m1", "café at noon"))
    assert found(index, "gym") == found(index, "gym", "meaning") == []
    assert found(index, "cafe") == ["m1"]


def test_what_was_deleted_is_in_no_byte_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "one.sqlite"
    index = Index(path, 1)
    index.embedded_by("m")
    secret, other = "canarysecretword", "canaryotherword"
    for n in range(30):  # several segments of the word index
        put(index, row(f"s{n}", f"{secret}{n} is here", chat="gone"), conversations=(f"s{n}",), chat="gone")
        put(index, row(f"o{n}", f"{other}{n} is here"), conversations=(f"o{n}",))
    secret_vector = vector(f"{secret}1 is here")
    assert secret.encode() in path.read_bytes()
    assert secret_vector in path.read_bytes()
    index.put([Update("gone", None)], {})
    index.forget()
    data = path.read_bytes()
    assert b"canarysecret" not in data
    assert b"gone" not in data
    assert other.encode() in data
    assert [each.name for each in tmp_path.iterdir()] == ["one.sqlite"]
    assert sorted(found(index, "here")) == sorted(f"o{n}" for n in range(30))
    index.drop()
    assert not path.exists()


def test_an_owner_that_was_displaced_writes_no_more(tmp_path: Path) -> None:
    path = tmp_path / "one.sqlite"
    old = Index(path, 1)
    put(old, row("m1", "gym"))
    new = Index(path, 2)
    with pytest.raises(StaleOwner):
        put(old, row("m2", "gym"))
    with pytest.raises(StaleOwner):
        Index(path, 1)
    assert found(new, "gym") == ["m1"]
    old.close()
    new.close()


def test_owners_that_open_a_new_file_at_once_have_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        for n in range(20):
            path = tmp_path / f"{n}.sqlite"
            opened = list(threads.map(lambda _, path=path: Index(path, 1), range(4)))
            put(opened[0], row("m1", "gym"))
            assert [found(each, "gym") for each in opened] == [["m1"]] * 4
            for each in opened:
                each.close()


def test_a_file_that_another_owner_writes_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.sqlite"
    old = Index(path, 1)
    put(old, row("m1", "gym"))
    monkeypatch.setattr("search.index.LOCKED_WITHIN", 0.0)
    writing = sqlite3.connect(path, isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        Index(path, 2)
    writing.close()
    new = Index(path, 2)
    assert found(new, "gym") == ["m1"]
    old.close()
    new.close()


@pytest.mark.parametrize("write", [Index.forget, lambda index: put(index)])
def test_waiting_does_not_help_a_file_that_was_removed(
    index: Index, tmp_path: Path, write: Callable[[Index], None]
) -> None:
    put(index, row("m1", "gym"))
    (tmp_path / "one.sqlite").unlink()
    with pytest.raises(sqlite3.OperationalError) as refused:
        write(index)
    assert not is_away(refused.value)


@pytest.mark.parametrize("data", [b"no database, but long enough to be looked at" * 100, b""])
def test_a_file_that_is_none_is_made_anew(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "one.sqlite"
    path.write_bytes(data)
    index = Index(path, 1)
    put(index, row("m1", "gym"))
    assert found(index, "gym") == ["m1"]
    index.close()


def test_a_file_of_another_format_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "one.sqlite"
    Index(path, 1).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    index = Index(path, 1)
    assert index.stamps() == {}
    index.close()


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 60), st.integers(1, 7), st.integers(0, 5), st.sampled_from(["words", "meaning", "both"])
)
def test_pages_have_each_message_once_whatever_comes_meanwhile(
    count: int, limit: int, new: int, mode: Mode
) -> None:
    index = Index(None, 1)
    index.embedded_by("m")
    rows = [row(f"m{n}", "gym" + " noon" * (n % 4), at=float(n), conversation=f"v{n}") for n in range(count)]
    put(index, *rows, conversations=tuple(f"v{n}" for n in range(count)))
    got: list[str] = []
    cursor: str | None = None
    while True:
        answer = index.find(Question("gym", mode, limit=limit, cursor=cursor), vector("gym"))
        got += [hit.row.message for hit in answer.hits]
        for n in range(new):
            put(index, row(f"x{len(got)}-{n}", "gym", conversation="new"), conversations=())
        cursor = answer.next
        if cursor is None:
            break
    assert sorted(got) == sorted(f"m{n}" for n in range(count))
    index.close()


def test_of_a_topic_the_last_messages_are_looked_at_however_many_there_are(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.index.MOST", 3)
    about = {"topics": to_json([["t1", "T"]])}
    for n in range(5):
        put(index, row(f"m{n}", f"gym {n}", at=float(n), chat=f"c{n}", **about), chat=f"c{n}")
    assert typical(index, "t1", "gym") == ["m4", "m3", "m2"]
    assert typical(index, "t1", "gym", end=2.0) == ["m1", "m0"]


def test_what_goes_to_many_is_not_typical_of_a_topic_nor_is_one_text_or_one_chat_twice(index: Index) -> None:
    about = {"topics": to_json([["t1", "T"]])}
    put(index, row("m1", "gym gym", **about), row("m2", "gym cafe", **about))
    put(index, row("m3", "Gym  gym", chat="c2", **about), chat="c2")
    put(index, row("m4", "gym", chat="c3", kind="mass", **about), chat="c3")
    assert typical(index, "t1", "gym") == ["m3", "m2"]
    put(index, row("m4", "gym", chat="c3", **about), chat="c3")
    assert typical(index, "t1", "gym") == ["m4", "m3", "m2"]
    assert typical(index, "t2", "gym") == []


def test_a_file_of_an_earlier_release_tells_what_is_typical_of_a_topic(tmp_path: Path) -> None:
    path = tmp_path / "one.sqlite"
    index = Index(path, 1)
    index.embedded_by("m")
    put(index, row("m1", "gym", topics=to_json([["t1", "T"], ["t2", "U"]])), row("m2", "cafe"))
    index.close()
    db = sqlite3.connect(path)
    for trigger in ("about_come", "about_ended", "about_other"):
        db.execute(f"DROP TRIGGER {trigger}")
    db.execute("DROP TABLE about")
    db.close()
    index = Index(path, 1)
    assert typical(index, "t2", "gym") == ["m1"]
    put(index, row("m1", "gym", topics=to_json([["t1", "T"]])), row("m2", "cafe"))
    assert (typical(index, "t1", "gym"), typical(index, "t2", "gym")) == (["m1"], [])
    index.close()


def typical(index: Index, topic: str, text: str, end: float = 1e9) -> list[str]:
    return [each.message for each, _ in index.typical(topic, vector(text), 0.0, end, 10)]


def test_a_page_goes_on_where_the_last_hit_of_the_one_before_was_when_that_is_gone(index: Index) -> None:
    rows = [row(f"m{n}", "gym", conversation=f"v{n}") for n in range(6)]
    put(index, *rows, conversations=tuple(f"v{n}" for n in range(6)))
    first = index.find(Question("gym", "words", limit=3), None)
    last = first.hits[-1].row
    put(index, conversations=(last.conversation,))
    second = index.find(Question("gym", "words", limit=3, cursor=first.next), None)
    assert len(second.hits) == 2
    assert {hit.row.message for hit in second.hits}.isdisjoint(hit.row.message for hit in first.hits)


@pytest.mark.parametrize("cursor", ["", "x", "W10=", "bm90IG91cnM=", "💪", "[" * 5000])
def test_a_cursor_that_is_none_is_refused(index: Index, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        index.find(Question("gym", cursor=cursor), None)


def test_a_cursor_of_another_search_is_refused(index: Index) -> None:
    put(index, row("m1", "gym"), row("m2", "gym"))
    cursor = index.find(Question("gym", "words", limit=1), None).next
    assert cursor is not None
    with pytest.raises(InvalidInput):
        index.find(Question("café", "words", limit=1, cursor=cursor), None)


def test_a_message_that_both_rankings_have_comes_before_those_that_one_has(index: Index) -> None:
    put(index, row("m1", "gym"), row("m2", "gym café noon видео tip20 straße naïve"), row("m3", "café"))
    hits = index.find(Question("gym", "both", limit=10), vector("gym")).hits
    assert hits[0].row.message == "m1"
    assert hits[0].has_words
    assert hits[0].similarity == pytest.approx(1.0, abs=0.02)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([8, 384, 768]))
def test_a_packed_vector_has_the_cosines_of_the_exact_one(seed: int, dimension: int) -> None:
    from search.vectors import nearest

    dice = np.random.default_rng(seed)
    exact = dice.standard_normal((20, dimension)).astype(np.float32)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    rows = packed(exact)
    near = dict(nearest(rows[0], [(0, b"".join(rows))], last=100, least=-1.0))
    assert len(near) == 20
    for slot, cosine in near.items():
        assert cosine == pytest.approx(float(exact[0] @ exact[slot]), abs=0.02)
