"""The files of heads: JSON, in which each output's weights are one line of whole numbers.

A weight is rounded to ten thousandths and kept as how many of these it is: shorter than its decimals, and
packed shorter than a float's bytes. A difference between two files shows which outputs changed.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

FORMAT = 2
_PER_ONE = 10_000

_NUMBERS = re.compile(r"\[\n[-\d.,\s]+\]")  # a list of nothing else; no string has a line break
_SPACE = re.compile(r"\s+")


def dumps(head: Mapping[str, Any]) -> bytes:
    """A head's file. `head["outputs"]` has each output's `weights` as numbers; ValueError: not finite."""
    outputs = {
        name: {**each, "weights": [round(weight * _PER_ONE) for weight in each["weights"]]}
        for name, each in head["outputs"].items()
    }
    text = json.dumps({"format": FORMAT, **head, "outputs": outputs}, indent=1, allow_nan=False)
    return (_NUMBERS.sub(lambda found: _SPACE.sub("", found[0]), text) + "\n").encode()


def loads(content: bytes) -> dict[str, Any]:
    """What `dumps` was given, weights as they were rounded.

    ValueError, LookupError, TypeError or AttributeError where the file is of another format, or an output
    has other weights than numbers, as many as the others and as many for each layer, where it reads layers.
    """
    head: dict[str, Any] = json.loads(content, parse_constant=_refuse)
    if head["format"] != FORMAT:
        raise ValueError("another format")
    outputs: dict[str, dict[str, Any]] = head["outputs"]
    sizes = {len(each["weights"]) for each in outputs.values()}
    layers: list[int] = head["layers"]
    if len(sizes) != 1 or (size := sizes.pop()) == 0 or (layers and size % len(layers)):
        raise ValueError("weights of other counts")
    for each in outputs.values():
        each["weights"] = _weights(each["weights"])
        if type(each["bias"]) not in (int, float):
            raise TypeError("a bias that is no number")
    return head


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _weights(parts: Sequence[Any]) -> list[float]:
    if not all(type(part) is int for part in parts):
        raise TypeError("weights that are no whole numbers")
    return [part / _PER_ONE for part in parts]
