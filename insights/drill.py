"""From a number to the conversations that it counts, page by page. Pure.

A page is what comes after the last conversation of the one before, by start, account and id: what is written
meanwhile neither repeats nor hides what was there.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from math import fsum
from typing import NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import numpy as np

from chats.account import Account
from graph.traversals import NamedRow
from insights.columns import Numbers, Table, distinct
from insights.tables import rows_of
from insights.window import Window, invalid, parse_time_zone
from wire.payloads import CountedConversation, CountedConversations

_Place = tuple[int, str, str]  # start, account, id


class Counted(NamedTuple):
    """A conversation of an account, by its key, as far as a number counts it."""

    account: str
    row: NamedRow
    counted: int = 1
    amount: float | None = None  # dollars; None: what is counted is no money

    @property
    def place(self) -> _Place:
        return self.row["startDate"], self.account, self.row["conversation"]


def named_rows(table: Table, places: Numbers) -> list[NamedRow]:
    """The conversations at these places of a table that has them."""
    names = NamedRow.__required_keys__
    return [NamedRow(**row) for row in rows_of(table.only(names).take(places))]  # type: ignore[typeddict-item]


def same_conversation(rows: Table) -> Numbers:
    """The first place of each row's conversation: several rows may be of one."""
    places, which = distinct(rows.coded("conversation").codes)
    return places[which]


def counted_rows(
    accounts: Iterable[tuple[str, Table]], places: Numbers, amounts: Numbers | None = None
) -> list[Counted]:
    """The conversations at these places over all accounts (keys, with their conversations), each once.

    A place counts as often as it is there, and with the sum of its amounts, in dollars.
    """
    order = np.argsort(places, kind="stable")
    chosen, starts = np.unique(places[order], return_index=True)
    bounds = [*starts.tolist(), len(places)]
    paid = None if amounts is None else amounts[order].tolist()
    found: list[Counted] = []
    first = done = 0
    for account, table in accounts:
        own = chosen[(chosen >= first) & (chosen < first + len(table))] - first
        for row in named_rows(table, own):
            start, end = bounds[done : done + 2]
            found.append(Counted(account, row, end - start, None if paid is None else fsum(paid[start:end])))
            done += 1
        first += len(table)
    return found


@dataclass(frozen=True, slots=True)
class Scope:
    """What a question is about: its window, whose conversations, and whether as people corrected them."""

    window: Window
    creator_id: str | None
    user_id: str | None
    time_zone: str = "UTC"
    corrections: bool = True

    @classmethod
    def of(
        cls,
        start_date: datetime,
        end_date: datetime,
        creator_id: str | None,
        user_id: str | None,
        time_zone: str = "UTC",
        corrections: bool = True,
    ) -> "Scope":
        """InvalidInput when there is no such zone."""
        zone = parse_time_zone(time_zone).key
        return cls(Window(start_date, end_date), creator_id, user_id, zone, corrections)

    @property
    def zone(self) -> ZoneInfo:
        return parse_time_zone(self.time_zone)

    def drill(self, insight: str, **more: str | float | None) -> str:
        """The query that asks for the conversations of a number of this question, without its `group`."""
        return self.query(insight=insight, **more)

    def query(self, **more: str | float | None) -> str:
        """The query with this question's window and accounts, and more."""
        return "&".join([_encoded(more), _asked(self)]) if more else _asked(self)


@lru_cache(maxsize=256)  # an answer has it in each of its rows
def _asked(scope: Scope) -> str:
    return _encoded(
        {
            "start_date": scope.window.start.isoformat(),
            "end_date": scope.window.end.isoformat(),
            "time_zone": scope.time_zone,
            "user_id": scope.user_id,
            "creator_id": scope.creator_id,
            "corrections": None if scope.corrections else "false",
        }
    )


def _encoded(parameters: Mapping[str, str | float | None]) -> str:
    return urlencode({name: value for name, value in parameters.items() if value not in (None, "")})


def page(counted: Iterable[Counted], *, limit: int, cursor: str | None) -> CountedConversations:
    """The first `limit` conversations after the one that `cursor` names; InvalidInput when it names none."""
    after = _place(cursor) if cursor else None
    every = sorted(counted, key=lambda each: each.place)
    behind = [each for each in every if after is None or each.place > after]
    shown = behind[:limit]
    amounts = [each.amount for each in every if each.amount is not None]
    return CountedConversations(
        conversations=[_listed(each) for each in shown],
        total=len(every),
        counted=sum(each.counted for each in every),
        amount=fsum(amounts) if amounts else None,
        next=_cursor(shown[-1].place) if len(behind) > limit else None,
    )


def _listed(counted: Counted) -> CountedConversation:
    account, row = Account.of_key(counted.account), counted.row
    return CountedConversation(
        userId=account.user_id,
        creatorId=account.creator_id,
        conversationId=row["conversation"],
        chatId=row["chatId"],
        fanId=row["fanId"],
        startDate=datetime.fromtimestamp(row["startDate"], UTC),
        endDate=datetime.fromtimestamp(row["endDate"], UTC),
        messageCount=row["messageCount"],
        counted=counted.counted,
        amount=counted.amount,
    )


def _cursor(place: _Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _place(cursor: str) -> _Place:
    try:
        match json.loads(base64.urlsafe_b64decode(cursor)):
            case [int(start), str(account), str(conversation)]:
                return start, account, conversation
    except (binascii.Error, ValueError, RecursionError):
        pass
    raise invalid("cursor", "is not the `next` of an answer; leave it out to begin with the first page")
