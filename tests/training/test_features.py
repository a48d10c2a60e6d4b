"""What heads are trained on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from enrich.embedding.encoded import Vectors
from training import features


def test_a_text_that_was_read_for_one_head_is_not_read_again_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []
    really = features._read

    def noted(texts: Sequence[str], *more: Any) -> Vectors:
        read.extend(texts)
        return really(texts, *more)

    monkeypatch.setattr(features, "_read", noted)
    layers, first = features.features(["the first text", "a second one"])
    again, second = features.features(["a second one", "and a third"])
    assert read == ["the first text", "a second one", "and a third"]
    assert again == layers
    assert np.array_equal(second[0], first[1])
    assert not np.array_equal(second[1], first[1])
