from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chats.enriched import Offer
from graph.offers import offers_text, read_offers

seconds = st.integers(0, 4_000_000_000)
money = st.floats(0.01, 1e6)


def unlocked(at: int, later: int, price: float, paid: float, **said: Any) -> Offer:
    return Offer(at=at, price=price, unlocked_at=at + later, paid=paid, **said)


offers = st.builds(
    Offer,
    at=seconds,
    price=money,
    media=st.none() | st.sampled_from(("photo", "video", "audio", "gif", "other", "mixed")),
    is_mass=st.booleans(),
) | st.builds(
    unlocked,
    at=seconds,
    later=seconds,
    price=money,
    paid=money,
    dated_by=st.sampled_from(("notice", "change", "offer")),
    is_mass=st.booleans(),
)


@given(st.lists(offers))
def test_offers_are_read_as_they_were_written(told: list[Offer]) -> None:
    assert read_offers(offers_text(told)) == told


def test_no_offers_are_an_empty_text() -> None:
    assert offers_text([]) == ""
    assert read_offers("") == []


def test_times_are_cut_to_whole_seconds() -> None:
    told = Offer(at=5.9, price=0.1, unlocked_at=7.9, paid=0.1, dated_by="change")
    [found] = read_offers(offers_text([told]))
    assert (found.at, found.unlocked_at) == (5, 7)
