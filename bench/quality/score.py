"""What a measurement of quality gives: a value on so many cases, beside what it is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is 0..1 unless the `measure` says otherwise; `n` counts the cases it was measured on."""

    part: str  # sentiment, language, languages, topics, actions, outcomes, entities
    data: str  # what it was measured on
    measure: str
    value: float
    n: int
    beside: str = ""  # the same measure of a baseline, or what limits the figure


def table(scores: Sequence[Score]) -> str:
    """A Markdown table of the scores."""
    head = ["| part | data | measure | value | n | beside |", "|---|---|---|--:|--:|---|"]
    rows = [f"| {s.part} | {s.data} | {s.measure} | {s.value:.2f} | {s.n:,} | {s.beside} |" for s in scores]
    return "\n".join(head + rows)
