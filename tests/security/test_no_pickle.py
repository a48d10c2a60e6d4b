"""The service's own code unpickles nothing: what comes from outside Ray's cluster is never read so."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

OUTSIDE = {"tests", "bench", "training", "build", "data", ".venv"}  # no part of what runs
READERS = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
CALLS = {"eval", "exec", "compile", "__import__"}


def sources() -> list[Path]:
    folders = [each for each in ROOT.iterdir() if each.is_dir() and each.name not in OUTSIDE]
    return [*ROOT.glob("*.py"), *(each for folder in folders for each in folder.rglob("*.py"))]


def uses(source: str) -> Iterator[str]:
    """What reads code from data in a module: imports of such modules, and calls of such functions."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names if each.name.partition(".")[0] in READERS)
            case ast.ImportFrom(module=str(module), names=names):
                given = {each.name for each in names} - {"PickleBuffer"}  # bytes, and no code
                yield from (module for _ in given if module.partition(".")[0] in READERS)
                yield from (each.name for each in names if each.name in READERS)
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                yield name
            case ast.Call(func=ast.Attribute(attr="load", value=ast.Name(id="torch" | "np" | "numpy"))):
                yield "load"
            case ast.keyword(arg="trust_remote_code", value=ast.Constant(value=False)):
                pass
            case ast.keyword(arg="allow_pickle" | "trust_remote_code" | "weights_only"):
                yield "a loader's switch"


def test_no_module_of_the_service_reads_code_from_data() -> None:
    found = sources()
    assert len(found) > 100
    used = {str(each.relative_to(ROOT)): [*uses(each.read_text())] for each in found}
    assert {name: own for name, own in used.items() if own} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import pickle as p",
        "from cloudpickle import loads",
        "from ray import cloudpickle",
        "import joblib.numpy_pickle",
        "eval(text)",
        "torch.load(file)",
        "load(file, allow_pickle=True)",
    ],
)
def test_each_way_would_be_found(source: str) -> None:
    assert [*uses(source)] != []
