"""The pay-per-view offers of a conversation as one text, which is how its vertex has them. Pure.

Offers are joined by semicolons, and what is said of each by commas: when it was sent, its price, its media,
`mass` or nothing, when it was unlocked, what was paid, what tells that time, and who of the creator's team
sent the offer. What is not known is empty, and times are whole epoch seconds, cut off.
"""

from collections.abc import Iterable, Iterator
from typing import cast

from chats.enriched import DatedBy, Offer, OfferMedia

_MASS = "mass"


def offers_text(offers: Iterable[Offer]) -> str:
    """The offers as text; empty when there are none."""
    return ";".join(",".join(_fields(each)) for each in offers)


def read_offers(text: str) -> list[Offer]:
    """The offers of a text that `offers_text` made."""
    return [_offer(*each.split(",")) for each in text.split(";")] if text else []


def _fields(offer: Offer) -> Iterator[str]:
    yield str(int(offer.at))
    yield repr(offer.price)
    yield offer.media or ""
    yield _MASS if offer.is_mass else ""
    yield "" if offer.unlocked_at is None else str(int(offer.unlocked_at))
    yield "" if offer.paid is None else repr(offer.paid)
    yield offer.dated_by or ""
    yield offer.sender_id or ""


def _offer(
    at: str,
    price: str,
    media: str,
    mass: str,
    unlocked_at: str,
    paid: str,
    dated_by: str,
    sender: str = "",  # a graph of schema 2 has none
) -> Offer:
    return Offer(
        at=int(at),
        price=float(price),
        media=cast(OfferMedia, media) if media else None,
        is_mass=mass == _MASS,
        unlocked_at=int(unlocked_at) if unlocked_at else None,
        paid=float(paid) if paid else None,
        dated_by=cast(DatedBy, dated_by) if dated_by else None,
        sender_id=sender or None,
    )
