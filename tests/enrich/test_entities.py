from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrich.entities import entities


@pytest.mark.parametrize(
    ("text", "kind", "span"),
    [
        ("i have 25$ left", "money", "25$"),
        ("it was 1,200 dollars", "money", "1,200 dollars"),
        ("€15.50 ok?", "money", "€15.50"),
        ("20 bucks", "money", "20 bucks"),
        ("see you may 5th then", "date", "may 5th"),
        ("on 2024-05-01", "date", "2024-05-01"),
        ("tomorrow works", "date", "tomorrow"),
        ("next friday", "date", "next friday"),
        ("at 8:30 pm", "time", "8:30 pm"),
        ("be there at 9", "time", "9"),
        ("im in new york city now", "place", "new york city"),
        ("flying to paris", "place", "paris"),
        ("whats ur insta", "platform", "insta"),
        ("got new nike shoes", "brand", "nike"),
        ("hi my name is jay", "person", "jay"),
        ("call me robin please", "person", "robin"),
    ],
)
def test_lower_case_chat_names_things(text: str, kind: str, span: str) -> None:
    assert (kind, span) in [(each.type, each.text) for each in entities(text)]


@pytest.mark.parametrize(
    "text",
    ["", "ok", "call me later", "i may go", "$$$", "at 5 minutes past", "nikes", "🔥🔥", "marching on"],
)
def test_what_only_looks_like_a_name_is_none(text: str) -> None:
    assert entities(text) == []


@given(st.text(max_size=200) | st.text("$0123456789 :/.apmt€k", max_size=60))
def test_spans_lie_in_the_text_and_never_overlap(text: str) -> None:
    found = entities(text)
    assert all(text[each.start : each.end] == each.text and each.text for each in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@pytest.mark.parametrize("text", ["1" * 100_000, "$1 " * 33_000, "my name is " * 9_000, "new " * 25_000])
def test_huge_text_is_taken(text: str) -> None:
    assert all(text[each.start : each.end] == each.text for each in entities(text))
