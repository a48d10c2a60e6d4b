"""What becomes of pay-per-view offers: sent, unlocked, paid. Pure; definitions in docs/metrics.md."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import fsum
from typing import Final, Literal, NamedTuple, get_args

import numpy as np

from chats.account import Account
from graph.traversals import OFFERED
from insights.bands import PRICE_BANDS, price_bands
from insights.columns import NOT_KNOWN, Coded, Column, Nested, Numbers, Table, without_repeats
from insights.drill import Counted, Scope, counted_rows
from insights.metrics import median
from insights.ordered import Sorted
from insights.rates import Share, wilson
from insights.shifts import NO_SHIFTS, UNKNOWN, Roster
from insights.tables import Ask, nothing
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
    """What the creators of accounts sent in conversations, and beside them, by places over all accounts.

    `offers` have the columns of `insights.tables.OFFERS`, with the `person` who sent each: who is told, else
    `unknown`; `place` and `account` say where it is. `messages` are all that creators sent, likewise.
    """

    accounts: Sequence[str]  # keys
    rows: Sequence[Table]  # of each account its conversations
    offers: Table
    messages: Table

    @classmethod
    def of(cls, accounts: Iterable[tuple[str, Table, Roster]]) -> "Sent":
        """What accounts (by their keys) answered to OFFERED, with who is told from their shifts."""
        keys: list[str] = []
        rows: list[Table] = []
        offers: list[Table] = []
        said: list[Table] = []
        for account, found, roster in accounts:
            own = found.where(found.coded("conversation").are_named)  # an older schema wrote the others
            for name, told in (("offers", offers), ("said", said)):
                told.append(_placed(own.nested(name), roster, sum(map(len, rows)), len(keys)))
            keys.append(account)
            rows.append(own)
        if not keys:
            (nobody,) = nothing(Ask(OFFERED))
            offers, said = ([_placed(nobody.nested(name), NO_SHIFTS, 0, 0)] for name in ("offers", "said"))
        messages = Table.concat(said)
        by_creators = messages.where(~messages.coded("kind").is_any(["fan"]))
        return cls(keys, rows, Table.concat(offers), by_creators)


def _placed(nested: Nested, roster: Roster, first: int, account: int) -> Table:
    """What was sent, with the persons who sent it, and where it is."""
    persons, _ = roster.told(nested.table.coded("sender"), nested.table.numbers("at"))
    where: dict[str, Column] = {
        "person": persons,
        "place": nested.parents + first,
        "account": np.full(len(persons), account),
    }
    return Table(len(persons), {**nested.table.columns, **where})


def ppv_funnel(sent: Sent, scope: Scope, *, as_of: datetime) -> PpvFunnel:
    """The funnel of all offers, and of those of each kind."""
    offers, messages = sent.offers, sent.messages

    def row(part: Part) -> PpvRow:
        own = offers.where(_are_of(offers, part))
        count = int(_are_sent_by(messages, part).sum()) if part.has_messages else None
        return _row(part, own, count, scope)

    def of_account(number: int, account: str) -> PpvRow:
        named = Account.of_key(account)
        own = replace(scope, creator_id=named.creator_id, user_id=named.user_id)
        count = int((messages.numbers("account") == number).sum())
        found = _row(EVERY, offers.where(offers.numbers("account") == number), count, own)
        return found.model_copy(update={"key": named.creator_id})

    media = [row(Part("media", key)) for key in sorted(set(_used(_media(offers))))]
    bands = [Part("price_band", band) for band in PRICE_BANDS]
    persons = {name for table in (offers, messages) for name in _used(table.coded("person"))}
    accounts = sorted((account, number) for number, account in enumerate(sent.accounts))
    return PpvFunnel(
        creatorId=scope.creator_id,
        startDate=scope.window.start,
        endDate=scope.window.end,
        as_of=as_of,
        total=row(EVERY),
        by_delivery=[row(DIRECT), row(MASS)],
        by_price_band=[found for band in bands if (found := row(band)).sent],
        by_media=sorted(media, key=lambda each: -each.sent),
        by_person=[
            row(Part("person", key)) for key in sorted(persons, key=lambda key: (key == UNKNOWN, key))
        ],
        by_creator=[of_account(number, account) for account, number in accounts if len(sent.rows[number])],
    )


def counted(sent: Sent, by: str, key: str, group: str) -> list[Counted]:
    """The conversations that a number of `ppv_funnel` counts. InvalidInput when there is no such number."""
    if group not in get_args(Group):
        raise invalid("group", f"must be one of {', '.join(get_args(Group))}")
    part = next((Part(each, key) for each in get_args(By) if each == by), None)
    if part is None:
        raise invalid("by", f"must be one of {', '.join(get_args(By))}")
    if group == "messages" and not part.has_messages:
        raise invalid("group", f"messages are not counted by {by}")
    if group == "messages":
        return _listed(sent, sent.messages.where(_are_sent_by(sent.messages, part)), None)
    offers = sent.offers.where(_are_of(sent.offers, part))
    if group == "sent":
        return _listed(sent, offers, None)
    unlocked = _unlocked(offers)
    return _listed(sent, unlocked, unlocked.numbers("paid"))


def _listed(sent: Sent, counted: Table, paid: Numbers | None) -> list[Counted]:
    """The conversations that these offers or messages are in, with how many, and what was paid for them."""
    return counted_rows(
        zip(sent.accounts, sent.rows, strict=True),
        counted.numbers("place"),
        None if paid is None else np.where(np.isnan(paid), 0.0, paid),
    )


def _row(part: Part, offers: Table, messages: int | None, scope: Scope) -> PpvRow:
    unlocked = _unlocked(offers)
    dated = unlocked.where(~unlocked.coded("datedBy").is_any(["offer"]))
    times = Sorted(dated.numbers("unlockedAt") - dated.numbers("at"))
    share, revenue = Share(len(unlocked), len(offers)), _revenue(unlocked)
    interval = wilson(share)
    return PpvRow(
        key=part.key,
        sent=share.n,
        unlocked=share.hits,
        unlock_ratio=share.rate,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        revenue=revenue,
        seconds_to_unlock=median(times),
        seconds_to_unlock_n=len(times),
        messages_sent=messages,
        golden_ratio=share.n / messages if messages else None,
        revenue_per_message=revenue / messages if messages else None,
        conversations=len(without_repeats(offers.numbers("place"))),
        drill=scope.drill("ppv", by=part.by, key=part.key),
    )


def _are_of(offers: Table, part: Part) -> Numbers:
    """Which offers are of a part."""
    found: Numbers
    match part.by:
        case "delivery":
            found = (offers.numbers("isMass") == (part == MASS)) & (part in (DIRECT, MASS))
            return found
        case "price_band":
            own = PRICE_BANDS.index(part.key) if part.key in PRICE_BANDS else -1
            found = price_bands(offers.numbers("price")) == own
            return found
        case "media":
            return _media(offers).is_any([part.key])
        case "person":
            return offers.coded("person").is_any([part.key])
    return np.full(len(offers), part == EVERY)


def _are_sent_by(messages: Table, part: Part) -> Numbers:
    """Which messages are of a part that has some."""
    if part.by == "delivery":
        return messages.coded("kind").is_any([{DIRECT: "creator", MASS: "mass"}.get(part, "")])
    if part.by == "person":
        return messages.coded("person").is_any([part.key])
    return np.full(len(messages), part == EVERY)


def _media(offers: Table) -> Coded:
    media = offers.coded("media")
    return Coded(media.codes, [value or UNKNOWN for value in media.values])


def _used(names: Coded) -> list[str]:
    return [names.values[code] for code in names.used()]


def _unlocked(offers: Table) -> Table:
    return offers.where(offers.numbers("unlockedAt") != NOT_KNOWN)


def _revenue(unlocked: Table) -> float:
    paid = unlocked.numbers("paid")
    return fsum(paid[~np.isnan(paid)].tolist())
