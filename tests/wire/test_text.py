import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.text import plain_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("hello there", "hello there"),
        ("<p>hey<br />\nyou</p><p>again</p>", "hey\nyou\nagain"),
        ('look <a href="https://example.com/x">here</a> ok', "look here ok"),
        ("Tom &amp; Jerry &hearts; &#128525;", "Tom & Jerry ♥ 😍"),
        ("i <3 u & you < me", "i <3 u & you < me"),
        ("👩‍🚀 ❤️ <b>wow</b>", "👩‍🚀 ❤️ wow"),
        ("a&nbsp;&nbsp;b", "a b"),
        ("<script>alert(1)</script>x<!-- hidden -->y", "xy"),
        ("", ""),
        ("<p></p>", ""),
        ("<frameset>", ""),
    ],
)
def test_html_becomes_plain_text(html: str, text: str) -> None:
    assert plain_text(html) == text


@given(st.text())
def test_text_has_no_blank_lines_and_no_outer_spaces(html: str) -> None:
    for line in plain_text(html).split("\n"):
        assert line == line.strip()


@given(st.text(alphabet=st.characters(exclude_characters="<&", exclude_categories=["Z", "C"])))
def test_text_without_markup_stays_as_it_is(text: str) -> None:
    assert plain_text(text) == text
