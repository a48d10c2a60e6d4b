"""Sums of money in text, in any language."""

import re

from wire.fields import amount

_SPACE = r"[\x20\t\u00a0\u2000-\u200a\u202f\u3000\u200e\u200f\u061c]"  # among them the marks of Arabic
_SYMBOL = r"(?:US|CA|AU|NZ|HK|MX|[ACRS])?[$£¥฿₠-⃀﹩＄￡￥￦]"
_CODE = (
    r"(?:USD|EUR|GBP|AUD|CAD|NZD|CHF|SEK|NOK|DKK|PLN|CZK|HUF|RON|BRL|MXN|ARS|CLP|COP|JPY|CNY|INR)(?![A-Za-z])"
)
_WORD = (
    r"(?:(?:dollar|euro|buck)s?|d[oó]lar(?:es)?|dollari|euri)(?![A-Za-zÀ-ɏ])|доллар|евро|ドル|美元|欧元|달러"
)
_CENTS = r"[.,٫]\d{1,2}"
_PLAIN = r"\d(?:[\d.,'’٫٬]{0,20}\d)?"
# After a symbol "20 100" is two numbers; "1 234,50" is one.
_BEHIND = rf"(?:\d{{1,3}}(?:{_SPACE}\d{{3}}){{1,3}}{_CENTS}|{_PLAIN})"
_BEFORE = rf"(?:\d{{1,3}}(?:{_SPACE}\d{{3}}){{1,3}}(?:{_CENTS})?|{_PLAIN})"
# Neither a piece of a number, nor one end of a range, nor thousands ("5k").
_STARTS = r"(?<![A-Za-z\d.,٫٬'’])(?<!\d[-–—])"
_ENDS = r"(?!\d|[.,٫٬'’–—-]\d|[km]\b)"

# One sum of money; it has no groups, so that patterns can hold it.
MONEY = (
    rf"(?:(?:{_SYMBOL}|(?<![A-Za-z]){_CODE}){_SPACE}{{0,2}}{_BEHIND}{_ENDS}"
    rf"|{_STARTS}{_BEFORE}{_SPACE}{{0,2}}(?:{_SYMBOL}(?!\d)|{_CODE}|{_WORD}))"
)
_MONEY = re.compile(MONEY, re.IGNORECASE)
_NO_FIGURE = re.compile(r"[^\d.,٫]")
_THOUSANDS = re.compile(
    r"[^\D0]\d{0,2}(?:(?:\.\d{2,3})*\.\d{3}|(?:,\d{2,3})*,\d{3})"
)  # in India groups of two


def money_in_text(text: str) -> float | None:
    """The one sum of money that a text names; None where it names none, or several that differ."""
    sums = {_value(_NO_FIGURE.sub("", found[0])) for found in _MONEY.finditer(text)}
    return amount(sums.pop()) if len(sums) == 1 else None


def _value(figure: str) -> float | None:
    """A figure of digits, points and commas: one or two digits after the last of these are cents."""
    whole, cents = figure.replace("٫", "."), "0"
    if (last := max(whole.rfind("."), whole.rfind(","))) >= 0 and len(whole) - last <= 3:
        whole, cents = whole[:last], whole[last + 1 :]
    if ("." in whole or "," in whole) and not _THOUSANDS.fullmatch(whole):
        return None
    return float(f"{whole.replace('.', '').replace(',', '')}.{cents}")
