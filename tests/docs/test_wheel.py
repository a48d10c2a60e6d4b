"""The wheel that a cluster's nodes install has everything that runs there."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETUP = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
PACKAGES = [name.removesuffix("*") for name in SETUP["packages"]["find"]["include"]]


def files() -> set[str]:
    """All that is in the packages, and the modules beside them."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*"))
    inside = {str(path.relative_to(ROOT)) for path in found if path.is_file() and path.suffix != ".pyc"}
    return inside | {f"{module}.py" for module in SETUP["py-modules"]}


@pytest.mark.slow
def test_the_wheel_has_every_module_and_data_file(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(
        ROOT, source, ignore=shutil.ignore_patterns(".venv", ".git", "data", "build", "__pycache__")
    )
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", str(tmp_path), str(source)], check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == files()


def test_every_package_that_the_service_imports_is_installed() -> None:
    """Of the folders here only what is for developers is not."""
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders - set(PACKAGES) == {"bench", "training"}
