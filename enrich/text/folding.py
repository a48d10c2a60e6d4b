"""The text as the rules read it: lower case, plain quotes, links blanked; every character in its place. Pure.

Rules over `folded(text)` give spans that hold in `text` itself.
"""

import re

_PLAIN = tuple((quote, "'") for quote in "’‘´ʼ") + tuple((quote, '"') for quote in "“”„")
_LINK = re.compile(r"(?:https?://|www\.)[^\s]+", re.IGNORECASE)  # its query holds question marks and names


def folded(text: str) -> str:
    """As long as `text`, character by character."""
    lower = text.lower()
    if len(lower) != len(text):  # the one letter whose lower case is two characters
        lower = "".join(each if len(each.lower()) > 1 else each.lower() for each in text)
    if not lower.isascii():
        for quote, plain in _PLAIN:
            lower = lower.replace(quote, plain)
    if "://" in lower or "www." in lower:
        lower = _LINK.sub(lambda link: " " * len(link[0]), lower)
    return lower
