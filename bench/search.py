"""What a search costs an account of 100,000 messages, beside a plain scan of them."""

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.corpus import corpus
from bench.figure import Figure, percentile
from search.embedded import digest_of
from search.index import Index, Row, Update
from search.question import Filters, Question, readable
from search.vectors import packed
from wire.text import plain_text

SIZE = 100_000  # messages
CHAT = 250  # messages of a chat
DIMENSION = 384
ASKED = 60  # searches of each kind
FILTERS = Filters(mood="positive", action="question")


def measure() -> list[Figure]:
    """Time until a page is found, without that of embedding what is asked; vectors are made up."""
    dice = random.Random(7)
    texts = [readable(plain_text(raw.get("text") or "")) or "no text" for raw in corpus(SIZE).messages]
    vectors = np.random.default_rng(7).standard_normal((SIZE, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = [" ".join(dice.sample(text.split(), 1)) for text in dice.sample(texts, ASKED)]
    near = [vectors[n] for n in dice.sample(range(SIZE), ASKED)]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "index.sqlite"
        index = Index(path, 1)
        began = time.perf_counter()
        _fill(index, texts, vectors)
        filled = time.perf_counter() - began
        bare = _bare(Path(folder) / "bare.sqlite", texts)
        found = {
            (mode, filters): _seconds(
                lambda n, mode=mode, filters=filters: index.find(  # type: ignore[misc]
                    Question(asked[n], mode, filters), packed(near[n][None, :])[0]
                )
            )
            for mode in ("words", "meaning", "both")
            for filters in (Filters(), FILTERS)
        }
        scanned = {
            "words": _seconds(lambda n: [each for each in texts if asked[n].lower() in each.lower()]),
            "meaning": _seconds(lambda n: np.argsort(vectors @ near[n])[-20:]),
        }
        size = path.stat().st_size / 2**20
        index.close()
    plain = {**scanned, "both": [sum(pair) for pair in zip(*scanned.values(), strict=True)]}
    figures = [
        Figure(
            f"Search of {SIZE:,} messages, {mode}{', filtered' if filters == FILTERS else ''}, p{percent}",
            1000 * percentile(seconds, percent),
            "ms",
            f"a plain scan in memory, p{percent}",
            1000 * percentile(plain[mode], percent),
        )
        for (mode, filters), seconds in found.items()
        for percent in (50, 95)
    ]
    return [
        *figures,
        Figure("A search index made anew", SIZE / filled, "messages/s", "a table of the texts", SIZE / bare),
        Figure("Its file", size, "MiB", "the vectors alone, float32", SIZE * DIMENSION * 4 / 2**20),
    ]


def _fill(
    index: Index, texts: list[str], vectors: "np.ndarray[tuple[int, int], np.dtype[np.float32]]"
) -> None:
    index.embedded_by("made up")
    for first in range(0, SIZE, CHAT):
        rows = [_row(n, text) for n, text in enumerate(texts[first : first + CHAT], first)]
        own = dict(
            zip(
                map(digest_of, texts[first : first + CHAT]),
                packed(vectors[first : first + CHAT]),
                strict=False,
            )
        )
        index.put([Update(rows[0].chat, [each.conversation for each in rows], rows)], own)


def _bare(path: Path, texts: list[str]) -> float:
    """Seconds in which a table has the texts, in transactions of the same size."""
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE texts(text TEXT)")
    began = time.perf_counter()
    for first in range(0, SIZE, CHAT):
        with db:
            db.executemany("INSERT INTO texts VALUES (?)", [(each,) for each in texts[first : first + CHAT]])
    seconds = time.perf_counter() - began
    db.close()
    return seconds


def _row(n: int, text: str) -> Row:
    return Row(
        message=str(n),
        chat=f"chat{n // CHAT}",
        conversation=f"conversation{n // 5}",
        fan=f"fan{n // CHAT}",
        at=float(n),
        direction="fan" if n % 2 else "creator",
        kind="direct",
        text=text,
        mood=n % 100 / 100,
        topics='[["fitness","Fitness"]]' if n % 7 == 0 else "[]",
        actions='["question"]' if n % 3 == 0 else "[]",
    )


def _seconds(ask: Callable[[int], object]) -> list[float]:
    found: list[float] = []
    for n in range(ASKED):
        began = time.perf_counter()
        ask(n)
        found.append(time.perf_counter() - began)
    return found
