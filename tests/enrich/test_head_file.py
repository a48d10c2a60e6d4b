"""Files of heads: what is written is read again, on few lines, and anything else is refused."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrich.embedding.embed import PACKAGED
from enrich.embedding.head_file import dumps, loads
from enrich.embedding.heads import path_of

HEAD: dict[str, Any] = {
    "embedding": "a model [2, 3]",
    "layers": [1, 2],
    "outputs": {
        "fan complaint": {"threshold": 0.5, "bias": -1.25, "weights": [0.1, -3.5, 0.0, 12.3456]},
        "creator upsell": {"threshold": 0.25, "bias": 0, "weights": [1.0, 2.0, 3.0, 4.0]},
    },
}


@given(
    st.text(),
    st.lists(st.lists(st.floats(-1e5, 1e5), min_size=6, max_size=6), min_size=1, max_size=4),
)
def test_a_head_is_read_as_it_was_written_but_for_its_weights_fifth_decimals(
    name: str, weights: list[list[float]]
) -> None:
    outputs: dict[str, dict[str, Any]] = {
        f"{name} {n}": {"bias": 0.5, "weights": each} for n, each in enumerate(weights)
    }
    found = loads(dumps({"embedding": name, "layers": [1, 2, 3], "outputs": outputs}))
    assert found["embedding"] == name
    assert list(found["outputs"]) == list(outputs)
    for output, each in outputs.items():
        assert np.allclose(found["outputs"][output]["weights"], each["weights"], rtol=0, atol=5.1e-5)
    assert loads(dumps(found)) == found


def test_a_head_that_reads_no_layer_is_read_too() -> None:
    assert loads(dumps({**HEAD, "layers": []}))["layers"] == []


def test_the_weights_of_terms_are_read_as_they_were_written() -> None:
    outputs = {name: {**each, "of_terms": [0.25, -1.5]} for name, each in HEAD["outputs"].items()}
    found = loads(dumps({**HEAD, "terms": ["hey", "hey you"], "outputs": outputs}))
    assert found["terms"] == ["hey", "hey you"]
    assert [each["of_terms"] for each in found["outputs"].values()] == [[0.25, -1.5]] * 2


def test_a_file_of_the_release_before_which_knew_no_terms_is_read() -> None:
    before = json.loads(dumps(HEAD))
    del before["terms"]
    assert loads(json.dumps({**before, "format": 2}).encode()) == loads(dumps(HEAD))


def test_an_outputs_weights_are_one_line_and_the_rest_can_be_read() -> None:
    lines = dumps(HEAD).decode().splitlines()
    assert '   "weights": [1000,-35000,0,123456]' in lines
    assert ' "embedding": "a model [2, 3]",' in lines
    assert ' "layers": [1,2],' in lines


@pytest.mark.parametrize("strategy", ["sentiment", "actions"])
def test_the_packaged_files_are_as_they_are_written(strategy: Any) -> None:
    content = path_of(strategy, PACKAGED).read_bytes()
    assert dumps(loads(content)) == content
    assert content.count(b"\n") < 300


@pytest.mark.parametrize(
    "changed",
    [
        {"format": 1},
        {"format": None},
        {"layers": [1, 2, 3]},
        {"terms": "hey"},
        {"terms": ["hey"]},
        {"layers": 3},
        {"outputs": {}},
        {"outputs": []},
        {"outputs": {"fan complaint": {"bias": 0, "weights": []}}},
        {"outputs": {"fan complaint": {"bias": 0, "weights": [1, 2.5]}}},
        {"outputs": {"fan complaint": {"bias": 0, "weights": [1, True]}}},
        {"outputs": {"fan complaint": {"bias": 0, "weights": "ab"}}},
        {"outputs": {"fan complaint": {"bias": "0", "weights": [1, 2]}}},
        {"outputs": {"fan complaint": {"bias": float("nan"), "weights": [1, 2]}}},
        {"outputs": {"fan complaint": {"weights": [1, 2]}}},
        {
            "outputs": {
                "fan complaint": {"bias": 0, "weights": [1, 2]},
                "creator upsell": {"bias": 0, "weights": [1, 2, 3, 4]},
            }
        },
    ],
)
def test_what_is_no_head_is_refused(changed: dict[str, Any]) -> None:
    content = {**json.loads(dumps(HEAD)), **changed}
    with pytest.raises((ValueError, LookupError, TypeError, AttributeError)):
        loads(json.dumps(content).encode())


def test_a_weight_that_is_not_finite_is_not_written() -> None:
    broken = {**HEAD, "outputs": {"fan complaint": {"bias": 0, "weights": [float("nan")]}}}
    with pytest.raises(ValueError, match="NaN"):
        dumps(broken)
