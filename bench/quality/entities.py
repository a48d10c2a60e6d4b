"""How well the entities of the labelled messages are found, in lower case: no capital letter helps.

Exact: the same span and type. Partial: an overlap with a span of the same type, each span used once.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import get_args

from bench.quality.actions import beside, f1
from bench.quality.score import Score
from bench.quality.truth import EntityType, messages
from enrich.entities.find import entities

DATA = "labelled messages, lower case"
TYPES: tuple[EntityType, ...] = get_args(EntityType)

Span = tuple[int, int, str]


def measure() -> list[Score]:
    pairs = [
        (
            [(each.start, each.end, each.type) for each in entities(_lower(message.text))],
            [(each.start, each.end, each.type) for each in message.entities],
        )
        for message in messages()
    ]
    return [
        score
        for measure, same in (("exact F1", _exact), ("partial F1", _overlapping))
        for score in _scores(measure, same, pairs)
    ]


def _scores(
    measure: str, same: Callable[[Span, Span], bool], pairs: Sequence[tuple[Sequence[Span], Sequence[Span]]]
) -> list[Score]:
    right, found, true = Counter[str](), Counter[str](), Counter[str]()
    for said, labelled in pairs:
        found.update(kind for _, _, kind in said)
        true.update(kind for _, _, kind in labelled)
        left = list(labelled)
        for span in said:
            if (match := next((each for each in left if same(span, each)), None)) is not None:
                left.remove(match)
                right[span[2]] += 1
    whole = (right.total(), found.total(), true.total())
    return [
        Score("entities", f"{DATA}: all", measure, f1(*whole), whole[2], beside(*whole)),
        *(
            Score("entities", f"{DATA}: {kind}", measure, f1(*counts), counts[2], beside(*counts))
            for kind in TYPES
            for counts in [(right[kind], found[kind], true[kind])]
        ),
    ]


def _exact(a: Span, b: Span) -> bool:
    return a == b


def _overlapping(a: Span, b: Span) -> bool:
    return a[2] == b[2] and a[0] < b[1] and b[0] < a[1]


def _lower(text: str) -> str:
    """Lower case, character by character, so that the labels' offsets hold."""
    return "".join(each.lower() if len(each.lower()) == 1 else each for each in text)
