"""docs/asvs.md has each item of level 2 once, and names tests and files that exist."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.docs.test_docs import ROOT, anchors

PAGE = ROOT / "docs" / "asvs.md"
FOLDERS = {"T": "tests/security", "A": "tests/access"}

# How many items of levels 1 and 2 the standard has in each section; those of level 3 come last in one.
SECTIONS = {
    **{"1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1},
    **{"3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4},
    **{"5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3},
    **{"6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4},
    **{"7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1},
    **{"9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3},
    **{"11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1, "12.1": 3, "12.2": 2, "12.3": 4},
    **{"13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3},
    **{"15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3},
    **{"17.1": 1, "17.2": 4, "17.3": 2},
}


def rows() -> Iterator[tuple[list[str], str, str, str]]:
    """The items of a row, whether they are met, how, and what is named as showing it."""
    for line in PAGE.read_text().splitlines():
        if re.match(r"\| \d", line):
            items, met, how, shown = (cell.strip() for cell in line.strip().strip("|").split("|"))
            yield items.split(", "), met, how, shown


def named(shown: str) -> Iterator[tuple[str, str | None]]:
    """The files of a cell, and of each the test that is named in it."""
    for folder, file, test in re.findall(r"(?:(\b[TA]) )?`([\w/.-]+\.py)(?:::(\w+))?`", shown):
        yield (f"{FOLDERS[folder]}/{file}" if folder else file), test or None


@cache
def defined_in(file: str) -> set[str]:
    return {
        each.name
        for each in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_item_of_level_2_is_there_once_and_no_other() -> None:
    expected = [f"{section}.{n}" for section, most in SECTIONS.items() for n in range(1, most + 1)]
    assert len(expected) == 253
    assert Counter(item for items, *_ in rows() for item in items) == Counter(expected)


def test_each_says_how_it_is_met_or_why_not() -> None:
    for items, met, how, shown in rows():
        assert met in ("yes", "part", "no", "none"), items
        assert how, items
        if met in ("yes", "part"):
            assert list(named(shown)) or "](" in shown, items


def test_every_test_that_is_named_exists() -> None:
    found = [each for *_, shown in rows() for each in named(shown)]
    assert len(found) > 150
    for file, test in found:
        assert (ROOT / file).is_file(), file
        assert re.fullmatch(r"test_\w+\.py", Path(file).name), file
        assert any(name.startswith("test_") for name in defined_in(file)), file
        assert test is None or test in defined_in(file), (file, test)


def test_every_file_of_the_service_that_is_named_exists() -> None:
    for items, _, how, _ in rows():
        for file in re.findall(r"`((?:[\w-]+/)+(?:[\w.-]+)?)`", how):
            assert (ROOT / file).exists(), (items, file)


@pytest.mark.parametrize("chapter", range(1, 18))
def test_every_chapter_has_a_heading(chapter: int) -> None:
    assert any(anchor.startswith(f"v{chapter}-") for anchor in anchors(PAGE))
