"""What the graph tells of fans, and what of it was known at a time. Pure; definitions in docs/metrics.md.

Times are whole epoch seconds. A fan acts by writing a direct message or by paying: a tip, a purchase, a
renewal. Of a conversation is known when the fan wrote first and last in it; in between the fan counts as
writing.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Final, NamedTuple, Self

import numpy as np

from graph.traversals import NamedRow
from graph.warned import read_warnings
from insights.columns import Table, joined
from insights.conversion import SALES
from insights.tables import rows_of

DAY: Final = 86_400
PAYMENTS: Final = (*SALES, "renewal")
DROP_OFF: Final = "drop_off"


class Talk(NamedTuple):
    """A conversation, or what stands alone, as far as it tells of the fan."""

    conversation: str
    start: int
    end: int
    messages: int
    fan_first: int | None  # when the fan wrote; None: not at all
    fan_last: int | None
    felt_sum: float
    felt_n: int
    warnings: str

    def before(self, at: int) -> "Talk":
        """What was known of it then. What the fan said in one that goes on may be said later: left out."""
        if self.end < at:
            return self
        if self.fan_last is None or self.fan_last < at:
            return self._replace(end=at)
        first = self.fan_first if self.fan_first is not None and self.fan_first < at else None
        return self._replace(end=at, fan_first=first, fan_last=first, felt_sum=0.0, felt_n=0, warnings="")

    def warned(self) -> dict[str, int]:
        """How often the fan said what may come before leaving, by its kind."""
        return read_warnings(self.warnings)


class Payment(NamedTuple):
    at: int
    type: str
    amount: float  # dollars; 0: not known

    @property
    def is_sale(self) -> bool:
        return self.type in SALES


@dataclass(frozen=True, slots=True)
class FanHistory:
    """One fan of an account (its key). `talks` come by start, `payments` and `ends` by time."""

    account: str
    fan_id: str
    chat_id: str
    joined: int | None
    subscription_end: int | None
    talks: Sequence[Talk]
    payments: Sequence[Payment]
    ends: Sequence[int]  # when the subscription ended and nothing followed

    def before(self, at: int) -> "FanHistory":
        """What was known then, without a subscription's end: the platform states it for now alone."""
        return replace(
            self,
            joined=self.joined if self.joined is not None and self.joined < at else None,
            subscription_end=None,
            talks=[t.before(at) for t in self.talks[: bisect_left(self.talks, at, key=lambda t: t.start)]],
            payments=self.payments[: bisect_left(self.payments, at, key=lambda p: p.at)],
            ends=(),
        )

    @property
    def last_wrote(self) -> int | None:
        return max((talk.fan_last for talk in self.talks if talk.fan_last is not None), default=None)

    @property
    def last_paid(self) -> int | None:
        return self.payments[-1].at if self.payments else None

    @property
    def last_acted(self) -> int | None:
        return max((at for at in (self.last_wrote, self.last_paid) if at is not None), default=None)

    def visits(self) -> list[int]:
        """When the fan began to write, and when the fan paid."""
        begun = [talk.fan_first for talk in self.talks if talk.fan_first is not None]
        return sorted([*begun, *(payment.at for payment in self.payments)])

    def acts_in(self, start: int, end: int) -> bool:
        """Whether the fan wrote or paid in `[start, end)`."""
        wrote = ((talk.fan_first, talk.fan_last) for talk in self.talks)
        return bool(self.payments_in(start, end)) or any(
            first is not None and last is not None and first < end and last >= start for first, last in wrote
        )

    def payments_in(self, start: int, end: int) -> Sequence[Payment]:
        first = bisect_left(self.payments, start, key=lambda payment: payment.at)
        return self.payments[first : bisect_left(self.payments, end, key=lambda payment: payment.at)]

    def talks_in(self, start: int, end: int) -> Sequence[Talk]:
        """Those that begin in `[start, end)`."""
        first = bisect_left(self.talks, start, key=lambda talk: talk.start)
        return self.talks[first : bisect_left(self.talks, end, key=lambda talk: talk.start)]

    def row(self, talk: Talk) -> NamedRow:
        """One of the talks as lists have it."""
        return NamedRow(
            conversation=talk.conversation,
            chatId=self.chat_id,
            fanId=self.fan_id,
            startDate=talk.start,
            endDate=talk.end,
            messageCount=talk.messages,
        )


def amount(payments: Iterable[Payment]) -> float:
    """Dollars of those whose amount is known."""
    return fsum(payment.amount for payment in payments)


@dataclass(frozen=True, slots=True)
class AccountFans:
    """The fans of an account (its key), by their places in the order of their ids.

    `profiles` are of PROFILES, a row a fan; `talks` of ACTIVITY and `outcomes` of SALES, each with its `fan`.
    """

    account: str
    profiles: Table
    talks: Table
    outcomes: Table

    @classmethod
    def of(cls, account: str, profiles: Table, activity: Table, sales: Table) -> Self:
        """From what the account answers to PROFILES, ACTIVITY and SALES."""
        fans, chats = profiles.coded("fanId").strings(), profiles.coded("chatId").strings()
        # A fan who was named later is told from the chat's own id.
        order = sorted(range(len(fans)), key=lambda place: (fans[place] != chats[place], fans[place]))
        by_chat = {chats[place]: place for place in order}
        own = profiles.take(np.array(sorted(by_chat.values(), key=fans.__getitem__), np.int64))
        return cls(account, own, _with_fans(own, activity), _with_fans(own, sales))

    def histories(self, fan_id: str | None = None) -> list[FanHistory]:
        """Each fan with what the account has of them, or the one of that id alone."""
        profiles = self.profiles
        of = np.ones(len(profiles), np.bool_) if fan_id is None else profiles.coded("fanId").is_any([fan_id])
        talks, outcomes = (each.where(of[each.numbers("fan")]) for each in (self.talks, self.outcomes))
        said: defaultdict[int, list[Talk]] = defaultdict(list)
        columns = (talks.numbers(name).tolist() for name in _TALK)
        names, warnings = talks.coded("conversation").strings(), talks.coded("warnings").strings()
        for name, fan, start, end, messages, first, last, felt, n, warned in zip(
            names, *columns, warnings, strict=True
        ):
            talk = Talk(name, start, end, messages, first or None, last or None, felt, n, warned)
            said[fan].append(talk)
        paid: defaultdict[int, list[Payment]] = defaultdict(list)
        ends: defaultdict[int, list[int]] = defaultdict(list)
        columns = (outcomes.numbers(name).tolist() for name in ("fan", "date", "amount"))
        for fan, at, money, type in zip(*columns, outcomes.coded("type").strings(), strict=True):
            if type in PAYMENTS:
                paid[fan].append(Payment(at, type, money))
            elif type == DROP_OFF:
                ends[fan].append(at)
        return [
            FanHistory(
                account=self.account,
                fan_id=profile["fanId"],
                chat_id=profile["chatId"],
                joined=profile["joinDate"] or None,
                subscription_end=profile["subscriptionEnd"] or None,
                talks=sorted(said[place], key=lambda talk: (talk.start, talk.conversation)),
                payments=sorted(paid[place]),
                ends=sorted(ends[place]),
            )
            for place, profile in zip(np.flatnonzero(of).tolist(), rows_of(profiles.where(of)), strict=True)
        ]


_TALK: Final = (
    *("fan", "startDate", "endDate", "messageCount", "firstFanDate", "lastFanDate", "sentimentSum"),
    "sentimentCount",
)


def _with_fans(profiles: Table, rows: Table) -> Table:
    """Those rows that are of a fan, with the fan's place."""
    fans = joined(profiles.coded("chatId"), rows.coded("chatId"))
    return Table(len(rows), {**rows.columns, "fan": fans}).where(fans >= 0)
