"""The platform's HTML as plain text."""

import re

from selectolax.lexbor import LexborHTMLParser

# Only what really is a tag or an entity: "i <3 u" and "you & me" are text already.
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|<!--|&#?\w+;")
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|h[1-6])>", re.IGNORECASE)


def plain_text(html: str) -> str:
    """Text without tags and with entities resolved; breaks and ends of paragraphs are line breaks.

    Runs of spaces become one, empty lines go; links keep their text and emoji stay.
    """
    text = _parsed(html) if _MARKUP.search(html) else html
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _parsed(html: str) -> str:
    one_line = " ".join(html.split())  # in HTML a line break of the source is a space
    tree = LexborHTMLParser(_BREAK.sub("\n", one_line))
    tree.strip_tags(["script", "style"])
    return tree.body.text() if tree.body else ""
