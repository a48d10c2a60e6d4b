"""The platform's HTML as plain text."""

import re
from html import unescape

from selectolax.lexbor import LexborHTMLParser

# Only what really is a tag or an entity: "i <3 u" and "you & me" are text already.
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|<!--|&#?\w+;")
_PLAIN_TAG = re.compile(r"</?(?:p|b|i|u|em|strong|span)>", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|h[1-6])>", re.IGNORECASE)


def plain_text(html: str) -> str:
    """Text without tags and with entities resolved; breaks and ends of paragraphs are line breaks.

    Runs of spaces become one, empty lines go; links keep their text and emoji stay.
    """
    if html[:3] == "<p>" and html[-4:] == "</p>" and "<" not in (text := html[3:-4]) and "&" not in text:
        return " ".join(text.split())  # one paragraph, as most messages are
    text = _parsed(html) if ("<" in html or "&" in html) and _MARKUP.search(html) else html
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _parsed(html: str) -> str:
    one_line = " ".join(html.split())  # in HTML a line break of the source is a space
    text = _PLAIN_TAG.sub("", _BREAK.sub("\n", one_line))
    if "<" not in text:
        return unescape(text)  # most messages: a tree costs 30 times as much
    tree = LexborHTMLParser(text)
    tree.strip_tags(["script", "style"])
    return tree.body.text() if tree.body else ""
