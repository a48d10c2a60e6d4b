"""Every benchmark that needs no service of its own runs, here on little data."""

import warnings
from types import ModuleType
from typing import Any

import pytest

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from bench import access, columns, durable, frames, graph, search, window

LITTLE: dict[ModuleType, dict[str, Any]] = {
    access: {"ROUNDS": 1, "REQUESTS": 2, "CONNECTS": 1},
    columns: {"SHORT": 20, "LONG": 40, "RUNS": 1, "CHANGES": 2},
    durable: {"CALLERS": 2, "BATCHES": 2, "BATCH": 3, "SINGLES": 4, "WARM_UP": 1},
    frames: {"SIZES": (2,), "LIVE": 2, "CONNECTS": 1},
    graph: {"MESSAGES": 60, "UPSERTS": 60, "ALONE": 5, "USUAL": 3, "APPENDS": 3, "FEW": 5, "MANY": 10},
    search: {"SIZE": 300, "CHAT": 30, "ASKED": 5},
    window: {"SHORT": 5, "MIDDLE": 8, "LONG": 12, "CHANGES": 3, "QUESTIONS": 1},
}


@pytest.mark.parametrize("benchmark", LITTLE, ids=lambda module: module.__name__)
def test_it_runs(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LITTLE[benchmark].items():
        monkeypatch.setattr(benchmark, name, value)
    figures = benchmark.measure()
    assert figures
    assert all(each.value >= 0 and each.baseline_value > 0 for each in figures)
