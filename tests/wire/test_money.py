import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.fields import MAX_AMOUNT
from wire.money import money_in_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$20.00", 20),
        ("20,00 $", 20),
        ("10,00 €", 10),
        ("€10", 10),
        ("£5", 5),
        ("US$ 1,234.56", 1234.56),
        ("1.234,56 €", 1234.56),
        ("1.000,50 €", 1000.5),
        ("$1,000", 1000),
        ("1.000 €", 1000),
        ("$1,000,000", 1_000_000),
        ("₹1,00,000", 100_000),
        ("1 234,56 $", 1234.56),
        ("1\u202f234,56\u202f€", 1234.56),
        ("20\u00a0$", 20),
        ("CHF 1'234.50", 1234.5),
        ("20 USD", 20),
        ("$20 USD", 20),
        ("usd20", 20),
        ("20 dollars", 20),
        ("50 долларов", 50),
        ("‏20.00 ‏US$", 20),
        ("٢٠٫٥ US$", 20.5),
        ("我给你送了$20.00小费", 20),
        ("Te envié una propina de $20.00 ♥", 20),
        ("it was $5, I mean it: $5.00", 5),
        ("for 2 $10 tips", 10),
        ("($20).", 20),
    ],
)
def test_one_sum_is_read_whatever_its_language_writes(text: str, expected: float) -> None:
    assert money_in_text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20",
        "$",
        "$5 or $10",
        "$5-10",
        "5-10 $",
        "$5k",
        "1.5M$",
        "$0.00",
        "$0.125",
        "v20$",
        "lost 20 pounds",
    ],
)
def test_no_sum_or_several_are_none(text: str) -> None:
    assert money_in_text(text) is None


def test_no_sum_is_beyond_reason() -> None:
    assert money_in_text("$1,000,000,000") == MAX_AMOUNT
    assert money_in_text("$1,000,000,001") is None
    assert money_in_text("$" + "9" * 400) is None


@given(st.decimals(min_value="0.01", max_value="999999.99", places=2))
def test_a_sum_is_the_same_with_a_point_and_with_a_comma(sum_: object) -> None:
    english = f"{sum_:,}"
    german = english.translate({ord(","): ".", ord("."): ","})
    french = english.translate({ord(","): "\u202f", ord("."): ","})
    for text in (f"${english}", f"{german} €", f"{french}\u00a0$", f"USD {english}"):
        assert money_in_text(f"so {text} it is") == float(str(sum_))


@given(st.text() | st.text(alphabet="$€ .,'1205USDk-\u00a0"))
def test_any_text_has_one_positive_sum_or_none(text: str) -> None:
    found = money_in_text(text)
    assert found is None or 0 < found <= MAX_AMOUNT
