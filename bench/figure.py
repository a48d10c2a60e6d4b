"""What a measurement gives: a value beside a baseline of the same run."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` and `baseline_value` are in `unit`; their ratio travels between machines, they do not."""

    name: str
    value: float
    unit: str
    baseline: str
    baseline_value: float

    @property
    def ratio(self) -> float:
        return self.value / self.baseline_value

    def cells(self) -> tuple[str, str, str, str]:
        return (
            self.name,
            f"{_short(self.value)} {self.unit}",
            f"{self.baseline}: {_short(self.baseline_value)} {self.unit}",
            _short(self.ratio),
        )


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table of the figures."""
    head = ["| figure | value | baseline | ratio |", "|---|--:|--:|--:|"]
    return "\n".join(head + [f"| {' | '.join(figure.cells())} |" for figure in figures])


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of `values` that at least `percent` of them do not exceed (nearest rank)."""
    return sorted(values)[max(0, -int(-len(values) * percent // 100) - 1)]


def _short(value: float) -> str:
    """Three digits or a little more."""
    for least, decimals in ((100, 0), (10, 1), (0.1, 2)):
        if value >= least:
            return f"{value:,.{decimals}f}"
    return f"{value:.3f}"
