"""Reading single fields of the platform's objects: whatever is there, a clean value or None. Never raises."""

import math
import re
from datetime import datetime
from typing import Any

MAX_ID = 256  # characters; nothing longer is an id
MAX_AMOUNT = 1e9  # no sum of money is larger
MILLISECONDS_FROM = 1e11  # as seconds this is the year 5138, as milliseconds 1973
EPOCH_DIGITS = 9  # fewer digits are no time of our age

_ID_TIME = re.compile(r"[A-Za-z]+_(\d{13})(?:_\d+)?")


def identifier(value: Any) -> str | None:
    """An id as a string: the number 5, "5" and 5.0 are one id. Empty and "unknown" are none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        if not value.is_integer() or abs(value) >= 2**53:
            return None
        value = int(value)
    if not isinstance(value, int | str):
        return None
    text = str(value).strip()
    return text if text and len(text) <= MAX_ID and text.lower() != "unknown" else None


def user_id(value: Any) -> str | None:
    """The id of a user object."""
    return identifier(value.get("id")) if isinstance(value, dict) else None


def moment(value: Any) -> float | None:
    """Epoch seconds from ISO 8601 with an offset, or epoch seconds or milliseconds; a naive time is none."""
    if not isinstance(value, str):
        return _epoch(number(value))
    text = value.strip()
    if text.isdigit():
        return _epoch(number(text)) if len(text) >= EPOCH_DIGITS else None  # "20240101" is a naive date
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
    if isinstance(value, bool) or not isinstance(value, int | float | str):
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
    return value in (True, "1", "true")  # 1 == True


def _epoch(value: float | None) -> float | None:
    if value is None:
        return None
    return _seconds(value if value < MILLISECONDS_FROM else value / 1000)


def _seconds(value: float) -> float | None:
    return value if 0 < value < MILLISECONDS_FROM else None
