"""The files of heads: JSON, in which each output's weights are one line of whole numbers.

A weight is rounded to ten thousandths and kept as how many of these it is: shorter than its decimals, and
packed shorter than a float's bytes. A difference between two files shows which outputs changed. The terms
that outputs have weights for are one string, a line each.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

FORMAT = 3
_WITHOUT_TERMS = 2  # a format that is read, too
_PER_ONE = 10_000

_NUMBERS = re.compile(r"\[\n[-\d.,\s]+\]")  # a list of nothing else; no string has a line break
_KINDS = ("weights", "of_terms")
_SPACE = re.compile(r"\s+")


def dumps(head: Mapping[str, Any]) -> bytes:
    """A head's file. `head["outputs"]` has each output's `weights` as numbers; ValueError: not finite.

    Where the head has `terms`, each output has `of_terms` as well: as many numbers.
    """
    outputs = {
        name: {**each, **{kind: _rounded(each[kind]) for kind in _KINDS if kind in each}}
        for name, each in head["outputs"].items()
    }
    told = {**head, "format": FORMAT, "terms": "\n".join(head.get("terms", ())), "outputs": outputs}
    text = json.dumps(told, indent=1, allow_nan=False)
    return (_NUMBERS.sub(lambda found: _SPACE.sub("", found[0]), text) + "\n").encode()


def loads(content: bytes) -> dict[str, Any]:
    """What `dumps` was given, weights as they were rounded.

    ValueError, LookupError, TypeError or AttributeError where the file is of another format, or an output
    has other weights than numbers, as many as the others and as many for each layer, where it reads layers.
    """
    head: dict[str, Any] = json.loads(content, parse_constant=_refuse)
    if head["format"] == _WITHOUT_TERMS:
        head |= {"format": FORMAT, "terms": ""}
    if head["format"] != FORMAT:
        raise ValueError("another format")
    head["terms"] = head["terms"].split("\n") if head["terms"] else []
    outputs: dict[str, dict[str, Any]] = head["outputs"]
    sizes = {len(each["weights"]) for each in outputs.values()}
    layers: list[int] = head["layers"]
    if len(sizes) != 1 or (size := sizes.pop()) == 0 or (layers and size % len(layers)):
        raise ValueError("weights of other counts")
    for each in outputs.values():
        each["weights"] = _weights(each["weights"])
        if head["terms"]:
            each["of_terms"] = _weights(each["of_terms"])
            if len(each["of_terms"]) != len(head["terms"]):
                raise ValueError("weights of other terms")
        if type(each["bias"]) not in (int, float):
            raise TypeError("a bias that is no number")
    return head


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _rounded(weights: Sequence[float]) -> list[int]:
    return [round(weight * _PER_ONE) for weight in weights]


def _weights(parts: Sequence[Any]) -> list[float]:
    if not all(type(part) is int for part in parts):
        raise TypeError("weights that are no whole numbers")
    return [part / _PER_ONE for part in parts]
