"""What the graph tells of an account's fans, as columns, and what of it was known at a time. Pure.

Times are whole epoch seconds, `NOT_KNOWN` where nobody knows. A fan acts by writing a direct message or by
paying: a tip, a purchase, a renewal. Of a conversation is known when the fan wrote first and last in it; in
between the fan counts as writing. Definitions are in docs/metrics.md.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np

from insights.columns import NOT_KNOWN, Column, Numbers, Table, joined, sums
from insights.conversion import SALES

DAY: Final = 86_400
PAYMENTS: Final = (*SALES, "renewal")
DROP_OFF: Final = "drop_off"


class Visits(NamedTuple):
    """Of each fan how often the fan began to write or paid, and when first and last."""

    n: Numbers
    first: Numbers
    last: Numbers

    def rhythm(self, otherwise: int) -> Numbers:
        """Seconds from one visit to the next on average, at least a day; `otherwise` after one alone."""
        found = np.full(len(self.n), float(otherwise))
        several = self.n >= 2
        found[several] = np.maximum(
            float(DAY), (self.last[several] - self.first[several]) / (self.n[several] - 1)
        )
        return found


@dataclass(frozen=True, slots=True)
class AccountFans:
    """The fans of an account (its key), by their places in the order of their ids.

    `profiles` are of PROFILES, a row a fan; `talks` of ACTIVITY, those of a fan by their start and id; and of
    SALES `payments` and `ends`, where a subscription ended and nothing followed. Each of these has the place
    of its `fan`.
    """

    account: str
    profiles: Table
    talks: Table
    payments: Table
    ends: Table

    @classmethod
    def of(cls, account: str, profiles: Table, activity: Table, sales: Table) -> Self:
        """From what the account answers to PROFILES, ACTIVITY and SALES."""
        fans = _known(profiles.take(_one_a_chat(profiles)), "joinDate", "subscriptionEnd")
        chats, types = fans.coded("chatId"), sales.coded("type")

        def own(rows: Table) -> Table:
            return _of_fans(rows, joined(chats, rows.coded("chatId")))

        paid = sales.only(["chatId", "date", "amount"])
        paid = Table(len(paid), {**paid.columns, "isSale": types.is_any(SALES)})
        return cls(
            account,
            fans,
            _in_order(own(_known(activity, "firstFanDate", "lastFanDate"))),
            own(paid.where(types.is_any(PAYMENTS))),
            own(paid.where(types.is_any([DROP_OFF]))),
        )

    def __len__(self) -> int:
        return len(self.profiles)

    def where(self, mask: Numbers) -> "AccountFans":
        """The fans for whom it holds."""
        return self if mask.all() else self.take(np.flatnonzero(mask))

    def take(self, places: Numbers) -> "AccountFans":
        """The fans at these places, in this order."""
        new = np.full(len(self), -1, np.int64)
        new[places] = np.arange(len(places))
        rows = self.talks, self.payments, self.ends
        own = [_of_fans(each, new[each.numbers("fan")]) for each in rows]
        return AccountFans(self.account, self.profiles.take(places), *own)

    def named(self, fan_id: str) -> "AccountFans":
        """The one of that id, or nobody."""
        return self.where(self.profiles.coded("fanId").is_any([fan_id]))

    def before(self, at: int) -> "AccountFans":
        """What was known then, without a subscription's end: the platform states it for now alone."""
        join = self.profiles.numbers("joinDate")
        fans: dict[str, Column] = {
            **self.profiles.columns,
            "joinDate": np.where(join < at, join, NOT_KNOWN),
            "subscriptionEnd": np.full(len(self), NOT_KNOWN),
        }
        talks = self.talks_in(NOT_KNOWN, at)
        columns: dict[str, Column] = {**talks.columns, "endDate": np.minimum(talks.numbers("endDate"), at)}
        # What the fan said in one that goes on may be said later: left out.
        later = np.flatnonzero((talks.numbers("endDate") >= at) & (talks.numbers("lastFanDate") >= at))
        if len(later):
            first = talks.numbers("firstFanDate")[later]
            first = np.where(first < at, first, NOT_KNOWN)
            changed = {"firstFanDate": first, "lastFanDate": first, "sentimentSum": 0.0, "sentimentCount": 0}
            for name, values in changed.items():
                column = talks.numbers(name).copy()
                column[later] = values
                columns[name] = column
            columns["warnings"] = talks.coded("warnings").without(later)
        payments = self.payments.where(self.payments.numbers("date") < at)
        ends = self.ends.part(0, 0)
        return AccountFans(self.account, Table(len(self), fans), Table(len(talks), columns), payments, ends)

    def talks_in(self, start: int, end: int) -> Table:
        """Those that begin in `[start, end)`."""
        return self.talks.part(*np.searchsorted(self.talks.numbers("startDate"), [start, end]).tolist())

    def payments_in(self, start: int, end: int) -> Table:
        return self.payments.where(_within(self.payments, start, end))

    def act_in(self, start: int, end: int) -> Numbers:
        """Who wrote or paid in `[start, end)`."""
        found = np.zeros(len(self), np.bool_)
        late = np.flatnonzero(self.talks.numbers("lastFanDate") >= start)
        first = self.talks.numbers("firstFanDate")[late]
        found[self.talks.numbers("fan")[late[(first != NOT_KNOWN) & (first < end)]]] = True
        found[self.payments.numbers("fan")[_within(self.payments, start, end)]] = True
        return found

    def end_in(self, start: int, end: int) -> Numbers:
        """Whose subscription ended in `[start, end)`, and nothing followed."""
        found = np.zeros(len(self), np.bool_)
        found[self.ends.numbers("fan")[_within(self.ends, start, end)]] = True
        return found

    @property
    def last_wrote(self) -> Numbers:
        return self._extreme(np.maximum, NOT_KNOWN, self.talks, "lastFanDate")

    @property
    def last_paid(self) -> Numbers:
        return self._extreme(np.maximum, NOT_KNOWN, self.payments, "date")

    @property
    def last_acted(self) -> Numbers:
        return np.maximum(self.last_wrote, self.last_paid)

    def visits(self) -> Visits:
        talks = self.talks.where(self.talks.numbers("firstFanDate") != NOT_KNOWN)
        begun, paid = (talks, "firstFanDate"), (self.payments, "date")
        never = np.iinfo(np.int64).max
        return Visits(
            self.counted(talks) + self.counted(self.payments),
            np.minimum(self._extreme(np.minimum, never, *begun), self._extreme(np.minimum, never, *paid)),
            np.maximum(
                self._extreme(np.maximum, NOT_KNOWN, *begun), self._extreme(np.maximum, NOT_KNOWN, *paid)
            ),
        )

    def counted(self, rows: Table) -> Numbers:
        """How many of these rows each fan has."""
        return np.bincount(rows.numbers("fan"), minlength=len(self))

    def amounts(self, payments: Table) -> Numbers:
        """Dollars of each fan's payments among these whose amount is known."""
        return sums(payments.numbers("amount"), payments.numbers("fan"), len(self))

    def _extreme(self, of: np.ufunc, otherwise: int, rows: Table, name: str) -> Numbers:
        found = np.full(len(self), otherwise)
        of.at(found, rows.numbers("fan"), rows.numbers(name))
        return found


def sales(payments: Table) -> Table:
    """Those of the payments that are tips and purchases."""
    return payments.where(payments.numbers("isSale"))


def _within(rows: Table, start: int, end: int) -> Numbers:
    """Which have their date in `[start, end)`."""
    dates = rows.numbers("date")
    found: Numbers = (dates >= start) & (dates < end)
    return found


def _one_a_chat(profiles: Table) -> Numbers:
    """The places of the fans by their ids; a fan who was named later is told from the chat's own id."""
    fans, chats = profiles.coded("fanId").strings(), profiles.coded("chatId").strings()
    named = [fan != chat for fan, chat in zip(fans, chats, strict=True)]
    order = sorted(range(len(fans)), key=fans.__getitem__)
    order.sort(key=named.__getitem__)
    by_chat = {chats[place]: place for place in order}
    return np.array(sorted(by_chat.values(), key=fans.__getitem__), np.int64)


def _known(rows: Table, *names: str) -> Table:
    """The rows with what the graph has 0 for, in these columns, as not known."""
    times = {name: rows.numbers(name) for name in names}
    known = {name: np.where(each == 0, NOT_KNOWN, each) for name, each in times.items()}
    return Table(len(rows), {**rows.columns, **known})


def _in_order(talks: Table) -> Table:
    """The talks by start, and those of one fan that begin at once by their ids."""
    starts, fans = talks.numbers("startDate"), talks.numbers("fan")
    order = np.argsort(starts, kind="stable")
    alike = np.diff(starts[order]) == 0
    slots = np.flatnonzero(np.append(alike, False) | np.append(False, alike))
    at_once = order[slots]
    begun = list(zip(starts[at_once].tolist(), fans[at_once].tolist(), strict=True))
    if len(set(begun)) < len(begun):
        names = talks.coded("conversation").take(at_once).strings()
        by_name = sorted(zip(begun, names, at_once.tolist(), strict=True))
        order[slots] = [place for _, _, place in by_name]
    return talks if (np.diff(order) == 1).all() else talks.take(order)


def _of_fans(rows: Table, fans: Numbers) -> Table:
    """Those rows that are of a fan, with the fan's place; -1: of nobody."""
    return Table(len(rows), {**rows.columns, "fan": fans}).where(fans >= 0)
