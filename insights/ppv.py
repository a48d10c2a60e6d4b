"""What becomes of pay-per-view offers: sent, unlocked, paid. Pure; definitions in docs/metrics.md."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import fsum
from statistics import median
from typing import Final, Literal, NamedTuple, get_args

from msgspec import structs

from chats.account import Account
from chats.enriched import Offer
from graph.offers import read_offers
from graph.said import read_said
from graph.traversals import OfferedRow
from insights.bands import PRICE_BANDS, price_band
from insights.drill import Counted, Scope
from insights.rates import Share, wilson
from insights.shifts import UNKNOWN, Roster
from insights.window import invalid
from wire.payloads import PpvFunnel, PpvRow

By = Literal["all", "delivery", "price_band", "media", "person"]
Group = Literal["sent", "unlocked", "messages"]
ALL: Final = "all"


class Part(NamedTuple):
    """Some of the offers: those that are `key` where they are told apart `by` something."""

    by: By
    key: str

    @property
    def has_messages(self) -> bool:
        """Whether all messages are told apart by it, too."""
        return self.by in (ALL, "delivery", "person")


EVERY: Final = Part(ALL, ALL)
DIRECT: Final = Part("delivery", "direct")
MASS: Final = Part("delivery", "mass")


@dataclass(frozen=True, slots=True)
class Sent:
    """What the creator of an account (its key) sent in one conversation, or what stands alone.

    The senders of `offers` are those that are told, `unknown` where nobody is. `messages` are how many the
    creator sent, direct ones, mass messages, all, and each person.
    """

    account: str
    row: OfferedRow
    offers: Sequence[Offer]
    messages: Mapping[Part, int]


def sent_by(account: str, rows: Iterable[OfferedRow], roster: Roster) -> Iterator[Sent]:
    """What the rows say that an account (its key) answered."""
    for row in rows:
        if not row["conversation"]:  # an older schema wrote it
            continue
        messages: Counter[Part] = Counter()
        for said in read_said(row["said"]):
            if said.kind != "fan":
                person, _ = roster.told(said.sender_id, int(said.at))
                delivery = MASS if said.kind == "mass" else DIRECT
                messages.update((EVERY, delivery, Part("person", person)))
        offers = [
            structs.replace(each, sender_id=roster.told(each.sender_id, int(each.at))[0])
            for each in read_offers(row["offers"])
        ]
        yield Sent(account, row, offers, messages)


def ppv_funnel(sent: Sequence[Sent], scope: Scope, *, as_of: datetime) -> PpvFunnel:
    """The funnel of all offers, and of those of each kind."""
    found: defaultdict[Part, list[list[Offer]]] = defaultdict(list)  # by conversation
    by_account: defaultdict[str, list[Sent]] = defaultdict(list)
    for each in sent:
        by_account[each.account].append(each)
        for part, offers in _parted(each.offers).items():
            found[part].append(offers)
    messages = _messages(sent)
    persons = {part for part in (*found, *messages) if part.by == "person"}

    def row(part: Part) -> PpvRow:
        return _row(part, found.get(part, ()), messages, scope)

    media = [row(part) for part in sorted(found) if part.by == "media"]
    bands = [Part("price_band", band) for band in PRICE_BANDS]
    return PpvFunnel(
        creatorId=scope.creator_id,
        startDate=scope.window.start,
        endDate=scope.window.end,
        as_of=as_of,
        total=row(EVERY),
        by_delivery=[row(DIRECT), row(MASS)],
        by_price_band=[row(band) for band in bands if band in found],
        by_media=sorted(media, key=lambda each: -each.sent),
        by_person=[row(part) for part in sorted(persons, key=lambda part: (part.key == UNKNOWN, part.key))],
        by_creator=[_of_account(account, by_account[account], scope) for account in sorted(by_account)],
    )


def counted(sent: Iterable[Sent], by: str, key: str, group: str) -> list[Counted]:
    """The conversations that a number of `ppv_funnel` counts. InvalidInput when there is no such number."""
    if group not in get_args(Group):
        raise invalid("group", f"must be one of {', '.join(get_args(Group))}")
    part = next((Part(each, key) for each in get_args(By) if each == by), None)
    if part is None:
        raise invalid("by", f"must be one of {', '.join(get_args(By))}")
    if group == "messages" and not part.has_messages:
        raise invalid("group", f"messages are not counted by {by}")
    found = (_counted(each, part, group) for each in sent)
    return [each for each in found if each.counted]


def _counted(sent: Sent, part: Part, group: str) -> Counted:
    if group == "messages":
        return Counted(sent.account, sent.row, sent.messages.get(part, 0))
    offers = _parted(sent.offers).get(part, [])
    if group == "sent":
        return Counted(sent.account, sent.row, len(offers))
    unlocked = _unlocked(offers)
    return Counted(sent.account, sent.row, len(unlocked), _revenue(unlocked))


def _of_account(account: str, sent: Sequence[Sent], scope: Scope) -> PpvRow:
    named = Account.of_key(account)
    own = Scope(scope.window, named.creator_id, named.user_id, scope.time_zone)
    found = _row(EVERY, [list(each.offers) for each in sent if each.offers], _messages(sent), own)
    return found.model_copy(update={"key": named.creator_id})


def _row(
    part: Part, by_conversation: Sequence[Sequence[Offer]], messages_of: Mapping[Part, int], scope: Scope
) -> PpvRow:
    offers = [offer for own in by_conversation for offer in own]
    unlocked = _unlocked(offers)
    times = [
        offer.unlocked_at - offer.at
        for offer in unlocked
        if offer.unlocked_at is not None and offer.dated_by != "offer"
    ]
    share, revenue = Share(len(unlocked), len(offers)), _revenue(unlocked)
    interval = wilson(share)
    messages = messages_of.get(part, 0) if part.has_messages else None
    return PpvRow(
        key=part.key,
        sent=share.n,
        unlocked=share.hits,
        unlock_ratio=share.rate,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        revenue=revenue,
        seconds_to_unlock=median(times) if times else None,
        seconds_to_unlock_n=len(times),
        messages_sent=messages,
        golden_ratio=share.n / messages if messages else None,
        revenue_per_message=revenue / messages if messages else None,
        conversations=len(by_conversation),
        drill=scope.drill("ppv", by=part.by, key=part.key),
    )


def _messages(sent: Iterable[Sent]) -> Counter[Part]:
    found: Counter[Part] = Counter()
    for each in sent:
        found.update(each.messages)
    return found


def _parted(offers: Iterable[Offer]) -> dict[Part, list[Offer]]:
    found: defaultdict[Part, list[Offer]] = defaultdict(list)
    for offer in offers:
        for part in _parts_of(offer):
            found[part].append(offer)
    return found


def _parts_of(offer: Offer) -> Iterator[Part]:
    yield EVERY
    yield MASS if offer.is_mass else DIRECT
    yield Part("price_band", price_band(offer.price))
    yield Part("media", offer.media or UNKNOWN)
    yield Part("person", offer.sender_id or UNKNOWN)


def _unlocked(offers: Iterable[Offer]) -> list[Offer]:
    return [offer for offer in offers if offer.unlocked_at is not None]


def _revenue(unlocked: Iterable[Offer]) -> float:
    return fsum(offer.paid for offer in unlocked if offer.paid is not None)
