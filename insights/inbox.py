"""The chats of one account in the orders that their priority is made of. Pure."""

from collections.abc import Collection
from datetime import datetime
from heapq import heappush, heappushpop
from typing import NamedTuple, Self

from graph.traversals import FanRow
from insights.ordered import Ordered
from insights.priority import fan_priority, known_sentiment, sentiment_part, spend_part
from wire.payloads import PriorityScore


class _Fan(NamedTuple):
    """A FanRow in less memory."""

    spend: float
    unread: int
    waiting_since: float
    not_waiting: str
    recent_sentiment: float

    @classmethod
    def of(cls, row: FanRow) -> Self:
        return cls(
            row["spend"], row["unread"], row["waitingSince"], row["notWaiting"], row["recentSentiment"]
        )

    def row(self, chat_id: str) -> FanRow:
        return FanRow(
            chatId=chat_id,
            spend=self.spend,
            unread=self.unread,
            waitingSince=self.waiting_since,
            notWaiting=self.not_waiting,
            recentSentiment=self.recent_sentiment,
        )


class Inbox:
    """Where the chats of one account stand."""

    def __init__(self) -> None:
        self._fans: dict[str, _Fan] = {}
        self._spends = Ordered[tuple[float, str]]("")  # spend and chat
        # What a score is made of beside the spend: where it moves with time, and where it stays and is not 0.
        self._pressing: set[str] = set()
        self._unhappy = Ordered[tuple[float, str]]("")  # part of the score and chat

    @property
    def size(self) -> int:
        """How many chats there are."""
        return len(self._fans)

    def put(self, chat_id: str, row: FanRow) -> None:
        self.drop(chat_id)
        self._fans[chat_id] = _Fan.of(row)
        self._spends.add((row["spend"], chat_id))
        if row["unread"] > 0 or row["waitingSince"] > 0:
            self._pressing.add(chat_id)
        elif part := sentiment_part(known_sentiment(row)):
            self._unhappy.add((part, chat_id))

    def drop(self, chat_id: str) -> None:
        fan = self._fans.pop(chat_id, None)
        if fan is None:
            return
        self._spends.remove((fan.spend, chat_id))
        if chat_id in self._pressing:
            self._pressing.remove(chat_id)
        elif part := sentiment_part(known_sentiment(fan.row(chat_id))):
            self._unhappy.remove((part, chat_id))

    def state(
        self, now: datetime, chats: Collection[str] | None
    ) -> tuple[dict[str, PriorityScore], dict[str, int]]:
        """Priority and unread messages of the given chats that are known, or of all."""
        asked = self._fans if chats is None else [chat for chat in chats if chat in self._fans]
        rows = [self._fans[chat].row(chat) for chat in asked]
        scores = {row["chatId"]: fan_priority(row, self._rank(row["spend"]), now.timestamp()) for row in rows}
        return scores, {row["chatId"]: row["unread"] for row in rows}

    def most_urgent(self, now: datetime, n: int) -> list[tuple[float, str]]:
        """Score and chat of the `n` most urgent.

        All chats that wait or have something unread are scored. Of the others, which may be most, two orders
        are followed downwards, by spend and by sentiment, until what both leave cannot reach the `n` found.
        """
        best: list[tuple[float, str]] = []  # a heap
        scored: set[str] = set()

        def score(chat: str) -> None:
            if chat in scored:
                return
            scored.add(chat)
            fan = self._fans[chat]
            found = fan_priority(fan.row(chat), self._rank(fan.spend), now.timestamp()).score
            (heappush if len(best) < n else heappushpop)(best, (found, chat))

        for chat in self._pressing:
            score(chat)
        unhappy = reversed(self._unhappy)
        for spend, chat in reversed(self._spends):
            part, sad = next(unhappy, (0.0, chat))
            if len(best) >= n and best[0][0] >= part + spend_part(self._rank(spend)):
                break
            score(chat)
            score(sad)
        return best

    def _rank(self, spend: float) -> float:
        """The share of the account's fans that spent less."""
        return self._spends.below((spend,)) / len(self._spends)
