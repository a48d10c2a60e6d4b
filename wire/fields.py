"""Reading single fields of the platform's objects: whatever is there, a clean value or None. Never raises."""

import math
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

# Of who of a creator's team sent a message, as of the ids that routes take.
SENDER_ID = r"^[A-Za-z0-9_.:@-]{1,128}$"
MAX_ID = 256  # characters; nothing longer is an id
MAX_AMOUNT = 1e9  # no sum of money is larger
MILLISECONDS_FROM = 1e11  # as seconds this is the year 5138, as milliseconds 1973
EPOCH_DIGITS = 9  # fewer digits are no time of our age

_FLAGS: dict[object, bool] = {True: True, False: False, "1": True, "0": False, "true": True, "false": False}
_SENDER = re.compile(SENDER_ID.removesuffix("$"), re.ASCII)
_EPOCH = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_ID_TIME = re.compile(r"[A-Za-z]+_(\d{13})(?:_\d+)?")


def identifier(value: Any) -> str | None:
    """An id as a string: the number 5, "5" and 5.0 are one id. Empty and "unknown" are none."""
    if type(value) is int:  # most ids
        text = str(value)
        return text if len(text) <= MAX_ID else None
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, float):
        if not value.is_integer() or abs(value) >= 2**53:
            return None
        value = int(value)
    if not isinstance(value, int | str):
        return None
    text = str(value).strip()
    return text if text and len(text) <= MAX_ID and text.lower() != "unknown" else None


def sender_id(value: Any) -> str | None:
    """The id of somebody of a creator's team; None: it is none, or nobody."""
    found = identifier(value)
    return found if found is not None and _SENDER.fullmatch(found) else None


def user_id(value: Any) -> str | None:
    """The id of a user object."""
    return identifier(value.get("id")) if value is not None and isinstance(value, dict) else None


def moment(value: Any) -> float | None:
    """Epoch seconds from ISO 8601 or RFC 2822 with an offset or `UTC`, or from epoch seconds or milliseconds.

    A naive time is none: it names no instant.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        return _epoch(number(value))
    text = value.strip()
    if text[4:5] == "-" and (at := _iso(text)) is not None:  # most times
        return at
    if _EPOCH.fullmatch(text):
        whole = text.partition(".")[0]
        return _epoch(number(text)) if len(whole) >= EPOCH_DIGITS else None  # "20240101" is a naive date
    iso = f"{text[:-3].rstrip()}+00:00" if text[-3:].upper() in ("UTC", "GMT") else text
    for text_read, read in ((iso, datetime.fromisoformat), (text, parsedate_to_datetime)):
        try:
            when = read(text_read)
        except (ValueError, OverflowError):
            continue
        return _seconds(when.timestamp()) if when.tzinfo else None
    return None


def _iso(text: str) -> float | None:
    """Epoch seconds of ISO 8601 with an offset, as it is written most; None: not of that kind."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _seconds(when.timestamp()) if when.tzinfo else None


def moment_in_id(message_id: str) -> float | None:
    """The epoch milliseconds inside an id that a client made, such as `msg_1699999999999_0`."""
    found = _ID_TIME.fullmatch(message_id)
    return _epoch(float(found[1])) if found else None


def number(value: Any) -> float | None:
    """A finite number from a number or a numeric string."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def amount(value: Any) -> float | None:
    """A sum of money above 0, in dollars."""
    found = number(value)
    return found if found is not None and 0 < found <= MAX_AMOUNT else None


def count(value: Any) -> int:
    found = number(value)
    return int(found) if found is not None and 0 < found <= MAX_AMOUNT else 0


def flag(value: Any) -> bool:
    return said_flag(value) is True


def said_flag(value: Any) -> bool | None:
    """Yes, no, or None where nothing is said."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, dict | list):
        return None
    return _FLAGS.get(value)


def _epoch(value: float | None) -> float | None:
    if value is None:
        return None
    return _seconds(value if value < MILLISECONDS_FROM else value / 1000)


def _seconds(value: float) -> float | None:
    return value if 0 < value < MILLISECONDS_FROM else None
