"""What becomes of offers, by hand."""

from datetime import UTC, datetime

import pytest

from chats.conversation import Said
from chats.enriched import Offer
from graph.offers import offers_text
from graph.said import said_text
from graph.traversals import OFFERED, OfferedRow
from insights.drill import Scope
from insights.ppv import Sent, counted, ppv_funnel
from insights.shifts import NO_SHIFTS
from insights.tables import of_rows
from insights.window import Window
from wire.payloads import PpvFunnel

AT = 1_714_557_600
SCOPE = Scope(Window(datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)), None, "u1")


def row(name: str, offers: list[Offer], *, sent: int, direct: int, by_fans: int = 0) -> OfferedRow:
    return OfferedRow(
        conversation=name,
        chatId="f",
        fanId="f",
        startDate=AT,
        endDate=AT,
        messageCount=direct,
        offers=offers_text(offers),
        said=said_text(
            [
                *(Said(AT, "fan") for _ in range(by_fans)),
                *(Said(AT, "creator", "anna") for _ in range(direct - by_fans)),
                *(Said(AT, "mass") for _ in range(sent - direct + by_fans)),
            ]
        ),
        answers="",
    )


def offer(price: float = 10.0, seconds: int | None = None, **more: object) -> Offer:
    bought = (
        {} if seconds is None else {"unlocked_at": AT + seconds, "paid": price, "dated_by": "change"} | more
    )
    return Offer(at=AT, price=price, **(more | bought))  # type: ignore[arg-type]


def sent(accounts: dict[str, list[OfferedRow]]) -> Sent:
    return Sent.of((account, of_rows(OFFERED, rows), NO_SHIFTS) for account, rows in accounts.items())


def funnel(accounts: dict[str, list[OfferedRow]]) -> PpvFunnel:
    return ppv_funnel(sent(accounts), SCOPE, as_of=datetime(2024, 7, 1, tzinfo=UTC))


def test_the_example_of_the_documents() -> None:
    offers = [*(offer() for _ in range(6)), offer(seconds=60), offer(seconds=180)]
    total = funnel({"u1/c1": [row("a", offers, sent=40, direct=70, by_fans=30)]}).total
    assert (total.sent, total.unlocked, total.unlock_ratio, total.revenue) == (8, 2, 0.25, 20)
    assert (total.low, total.high) == pytest.approx((0.071, 0.591), abs=5e-4)
    assert (total.seconds_to_unlock, total.seconds_to_unlock_n) == (120, 2)
    assert (total.messages_sent, total.golden_ratio, total.revenue_per_message) == (40, 0.2, 0.5)


def test_a_purchase_dated_by_its_offer_alone_took_no_known_time() -> None:
    total = funnel({"u1/c1": [row("a", [offer(seconds=0, dated_by="offer")], sent=1, direct=1)]}).total
    assert (total.unlocked, total.revenue) == (1, 10)
    assert (total.seconds_to_unlock, total.seconds_to_unlock_n) == (None, 0)


def test_cents_are_added_exactly() -> None:
    offers = [offer(price, seconds=1) for price in (0.1, 0.2, 0.3, 9.99, 0.01)]
    assert funnel({"u1/c1": [row("a", offers, sent=5, direct=5)]}).total.revenue == 10.6


def test_direct_and_mass_have_messages_of_their_own_and_bands_and_media_have_none() -> None:
    offers = [offer(4.99, media="gif"), offer(100, is_mass=True), offer(100, is_mass=True, seconds=5)]
    found = funnel({"u1/c1": [row("a", offers, sent=7, direct=5, by_fans=2)]})
    direct, mass = found.by_delivery
    assert (direct.key, direct.sent, direct.unlocked, direct.messages_sent) == ("direct", 1, 0, 3)
    assert (mass.key, mass.sent, mass.unlocked, mass.messages_sent) == ("mass", 2, 1, 4)
    assert [(each.key, each.sent, each.messages_sent) for each in found.by_price_band] == [
        ("0-5", 1, None),
        ("100-", 2, None),
    ]
    assert [(each.key, each.golden_ratio) for each in found.by_media] == [("unknown", None), ("gif", None)]


def test_who_sent_an_offer_has_its_row_and_what_nobody_is_told_of_stays_unknown() -> None:
    offers = [offer(sender_id="anna"), offer(sender_id="anna", seconds=60), offer(is_mass=True)]
    found = funnel({"u1/c1": [row("a", offers, sent=7, direct=5, by_fans=2)]})
    told = [(each.key, each.sent, each.unlocked, each.messages_sent) for each in found.by_person]
    assert told == [("anna", 2, 1, 3), ("unknown", 1, 0, 4)]


def test_two_users_of_one_creator_are_two_rows_and_their_lists_do_not_mix() -> None:
    accounts = {
        "u1/c1": [row("a", [offer()], sent=1, direct=1)],
        "u2/c1": [row("a", [offer(), offer()], sent=2, direct=2)],
    }
    found = funnel(accounts)
    assert [(each.key, each.sent) for each in found.by_creator] == [("c1", 1), ("c1", 2)]
    assert ["user_id=u1" in each.drill for each in found.by_creator] == [True, False]
    listed = counted(sent(accounts), "all", "all", "sent")
    assert [(each.account, each.counted) for each in listed] == [("u1/c1", 1), ("u2/c1", 2)]
