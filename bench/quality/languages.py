"""How well messages in five languages beside English are read, each line alone: no chat tells its language.

The lines (`data/five_languages.tsv`: language, who writes, sentiment, actions, text) are by somebody who
wrote neither rules nor heads, and trained or tuned nothing. A line that is taken for English is read as
English, and counts as it was read. Sentiments are judged as in `bench.quality.sentiment`, actions as in
`bench.quality.actions`, by those that are judged on the text.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sklearn.metrics import f1_score

from bench.quality.actions import beside, f1
from bench.quality.score import Score
from chats.conversation import cut
from chats.enriched import MessageEnrichment
from chats.message import Direction, Message
from enrich.analyse import analyse, assign
from enrich.language.identify import READ
from enrich.outcomes import contexts
from training.labelled import LABELS

LINES = Path(__file__).with_name("data") / "five_languages.tsv"

_TOLD = 0.4, 0.6  # below it is negative, above positive


@dataclass(frozen=True, slots=True)
class Line:
    language: str
    direction: Direction
    label: str  # of LABELS
    actions: frozenset[str]
    text: str


def measure() -> list[Score]:
    lines = read_lines(LINES)
    found = list(zip(lines, understood(lines), strict=True))
    parts = {code: [each for each in found if each[0].language == code] for code in READ}
    return [score for code, own in parts.items() for score in scores(code, own)]


def read_lines(path: Path) -> list[Line]:
    _, *rows = (row.split("\t") for row in path.read_text("utf-8").splitlines())
    return [
        Line(code, "creator" if by == "creator" else "fan", label, frozenset(shown.split(",")) - {""}, text)
        for code, by, label, shown, text in rows
    ]


def understood(lines: Sequence[Line]) -> list[MessageEnrichment]:
    """What is read in each line, alone in a chat of its own."""
    conversations = [
        each
        for at, line in enumerate(lines)
        for each in cut(
            [Message(str(at), "creator", str(at), str(at), line.direction, 1_700_000_000.0, line.text)],
            gap=3_600,
            silence=300,
        )
    ]
    nodes = assign(analyse(conversations, contexts(conversations, {})), None)
    return [found for node in nodes for found in node.messages.values()]


def scores(code: str, found: Sequence[tuple[Line, MessageEnrichment]]) -> list[Score]:
    data, n = f"lines in {code}", len(found)
    true = [LABELS.index(line.label) for line, _ in found]
    told = [_label(each.sentiment) for _, each in found]
    felt = [(line, each) for line, each in found if line.label != "neutral"]
    right = [
        each.sentiment is not None and (each.sentiment - 0.5) * (LABELS.index(line.label) - 1) > 0
        for line, each in felt
    ]
    shown, said, both = Counter[str](), Counter[str](), Counter[str]()
    for line, each in found:
        shown.update(line.actions)
        said.update(each.actions or ())
        both.update(line.actions.intersection(each.actions or ()))
    macro = float(f1_score(true, told, labels=[0, 1, 2], average="macro", zero_division=0))
    sums = both.total(), said.total(), shown.total()
    return [
        Score("languages", data, "language stated", sum(e.language == code for _, e in found) / n, n),
        Score("languages", data, "polarity right, not neutral", sum(right) / len(right), len(right)),
        Score("languages", data, "sentiment accuracy", sum(map(int.__eq__, true, told)) / n, n),
        Score("languages", data, "sentiment macro F1", macro, n),
        Score("languages", data, "actions micro F1", f1(*sums), sums[2], beside(*sums)),
    ]


def _label(sentiment: float | None) -> int:
    """Of LABELS; a text without a sentiment has none of them."""
    if sentiment is None:
        return -1
    return 1 + (sentiment > _TOLD[1]) - (sentiment < _TOLD[0])
