"""The figures of the last 30 days, kept as conversations and chats change. Pure.

`RunningFigures.update` equals what `insights.queries.build_analytics_update` answers for the window
[now - WINDOW, now), by day and in UTC, where the graph was written with the same conversations and chats in
the same order. A change costs what is changed, and a later `now` what enters and leaves the window meanwhile:
no more where there is more.

Rows are kept as long as their conversation, or one of its outcomes, can be of the window or of the preceding
one for any `now` from `SLACK` before the latest on. An earlier `now` is answered with what is still kept.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nlargest
from typing import NamedTuple, Self

from chats.account import Account
from graph.rows import ConversationRows
from graph.traversals import FanRow
from insights.inbox import Inbox
from insights.metrics import TopicText, counted_topics, most_frequent
from insights.ordered import Ordered
from insights.sums import Share, Sums
from insights.update import analytics_update, priority_by_chat
from insights.window import WINDOW, Window
from wire.payloads import AnalyticsUpdate, PriorityScore

SLACK = timedelta(days=1)  # the clocks of two machines that hold a user one after the other are closer
_LENGTH = int(WINDOW.total_seconds())
# A place in time and the number of a conversation in one whole number of 64 bits: times to the year 9999 take
# 38 of them and a sign, which leaves 33 million conversations an account.
_NUMBER = 25


class RunningFigures:
    """The figures of one user's accounts, each named by `creator_id`; None means all of them together."""

    def __init__(self, user_id: str, now: datetime) -> None:
        self._user_id = user_id
        self._bounds = _Bounds.at(now)
        self._accounts: dict[str, _Account] = {}
        self._total = Sums()  # of all accounts, fed only while there are several

    def put(self, creator_id: str, conversation_id: str, rows: ConversationRows) -> None:
        """Take the rows in place of what was known of the conversation."""
        self._account(creator_id).put(conversation_id, rows)

    def drop(self, creator_id: str, conversation_id: str) -> None:
        """Forget the conversation; one that is not known is none."""
        if creator_id in self._accounts:
            self._accounts[creator_id].drop(conversation_id)

    def put_fan(self, creator_id: str, chat_id: str, row: FanRow) -> None:
        """Take the row in place of what was known of the chat."""
        self._account(creator_id).inbox.put(chat_id, row)

    def drop_fan(self, creator_id: str, chat_id: str) -> None:
        """Forget the chat; one that is not known is none."""
        if creator_id in self._accounts:
            self._accounts[creator_id].inbox.drop(chat_id)

    def update(
        self, creator_id: str | None, now: datetime, chats: Collection[str] | None = None
    ) -> AnalyticsUpdate:
        """Everything a dashboard shows at `now` (aware), with priority and unread counts of all chats.

        Of `chats` alone where they are given: then the cost does not follow the number of chats either.
        """
        window = Window(now - WINDOW, now)
        self._bounds = _Bounds.of(window)
        accounts = self._scope(creator_id)
        for account in accounts:
            account.move(self._bounds)
        sums = self._total if len(accounts) > 1 else accounts[0].sums if accounts else Sums()
        topics = (topic for account in accounts for topic in account.topics.values())
        priority, unread = priority_by_chat(account.inbox.state(now, chats) for account in accounts)
        return analytics_update(
            creator_id,
            window,
            as_of=now,
            chats=sum(account.inbox.size for account in accounts),
            conversations=sums.conversations,
            fan_conversations=sums.fan_conversations,
            broadcast_only=sums.rows - sums.conversations,
            messages=sums.message_counts(),
            ppv=sums.pay_per_view(),
            message_count=sums.direct,
            topics=counted_topics(
                ((topic.text, topic.volume, topic.previous) for topic in topics),
                conversations=sums.fan_conversations,
            ),
            trend=sums.sentiment_trend(),
            times=sums.response_time_metrics(),
            actions=most_frequent(sums.actions),
            outcomes=most_frequent(sums.outcomes),
            revenue=sums.revenue.total,
            priority=priority,
            unread=unread,
        )

    def priority(self, creator_id: str, chat_id: str, now: datetime) -> PriorityScore | None:
        """Where a chat stands at `now` among those of its account; None when it is not known."""
        if creator_id not in self._accounts:
            return None
        scores, _ = self._accounts[creator_id].inbox.state(now, (chat_id,))
        return scores.get(chat_id)

    def most_urgent(self, creator_id: str | None, now: datetime, n: int) -> list[str]:
        """The ids of the `n` (1 or more) most urgent chats at `now`, by falling priority."""
        best: dict[str, float] = {}
        for account in self._scope(creator_id):
            for score, chat in account.inbox.most_urgent(now, n):
                best[chat] = max(score, best.get(chat, score))
        return nlargest(n, best, key=best.__getitem__)

    def _account(self, creator_id: str) -> "_Account":
        account = self._accounts.get(creator_id)
        if account is None:
            account = self._accounts[creator_id] = _Account(self._bounds)
            # In the order in which the graph is asked: of what two accounts share, the first one's is shown.
            order = sorted(self._accounts.items(), key=lambda item: Account(self._user_id, item[0]).key)
            self._accounts = dict(order)
            if len(self._accounts) == 2:
                for each in self._accounts.values():
                    each.feed(self._total)
            elif len(self._accounts) > 2:
                account.feed(self._total)
        return account

    def _scope(self, creator_id: str | None) -> "list[_Account]":
        if creator_id is None:
            return list(self._accounts.values())
        return [self._accounts[creator_id]] if creator_id in self._accounts else []


class _Bounds(NamedTuple):
    """The window `[start, end)` and the preceding one `[before, start)`, in whole epoch seconds."""

    before: int
    start: int
    end: int

    @classmethod
    def of(cls, window: Window) -> Self:
        return cls(window.preceding_start_second, window.start_second, window.end_second)

    @classmethod
    def at(cls, now: datetime) -> Self:
        return cls.of(Window(now - WINDOW, now))

    def holds(self, time: int) -> bool:
        return self.start <= time < self.end

    def precedes(self, time: int) -> bool:
        return self.before <= time < self.start


class _Account:
    """What is kept of one account, and the figures of the window it was last moved to."""

    def __init__(self, bounds: _Bounds) -> None:
        self.sums = Sums()
        self.topics: dict[str, _Topic] = {}  # by id, those that anything kept discusses
        self.inbox = Inbox()
        self._bounds = bounds
        self._fed = [self.sums]
        # Conversations have numbers, which are used again.
        self._numbers: dict[str, int] = {}
        self._ids: list[str] = []
        self._packed: list[bytes] = []
        self._free: list[int] = []
        # Numbers by time: of the conversation's start, of its outcomes, and of the last end.
        self._starts = Ordered[int]("q")
        self._sold = Ordered[int]("q")
        self._ends = Ordered[int]("q")

    def feed(self, total: "Sums") -> None:
        """Count what is in the window, now and from now on, in these sums as well."""
        self._fed.append(total)
        self._enter([total], self._bounds.start, self._bounds.end, 1)

    def put(self, id: str, rows: ConversationRows) -> None:
        self.drop(id)
        share = Share.of(rows)
        texts = {text.id: text for text in map(TopicText.of, rows.topics)}
        if _last_end(share) >= self._forgotten:
            self._keep(id, share)
            for topic in share.topics:
                self.topics.setdefault(topic, _Topic(texts[topic])).kept += 1
            self._count(share, 1)
        for topic in texts.keys() & self.topics.keys():
            self.topics[topic].text = texts[topic]  # one vertex in the graph: what is written last is read

    def drop(self, id: str) -> None:
        number = self._numbers.get(id)
        if number is not None:
            self._drop(number)

    def move(self, bounds: _Bounds) -> None:
        """Have the figures of another window."""
        old, self._bounds = self._bounds, bounds
        for start, end, sign in _moved((old.start, old.end), (bounds.start, bounds.end)):
            self._enter(self._fed, start, end, sign)
            for share in self._shares(self._starts, start, end):
                for topic in share.topics:
                    self.topics[topic].volume += sign
        for start, end, sign in _moved((old.before, old.start), (bounds.before, bounds.start)):
            for share in self._shares(self._starts, start, end):
                for topic in share.topics:
                    self.topics[topic].previous += sign
        for entry in self._ends.between(-1 << 63, self._forgotten << _NUMBER):
            self._drop(_number(entry))

    @property
    def _forgotten(self) -> int:
        """What has its last end before this second is not kept."""
        return self._bounds.end - int(SLACK.total_seconds())

    def _keep(self, id: str, share: Share) -> None:
        if self._free:
            number = self._free.pop()
        else:
            number = len(self._ids)
            self._ids.append("")
            self._packed.append(b"")
        self._numbers[id] = number
        self._ids[number], self._packed[number] = id, share.packed()
        for ordered, time in self._places(share):
            ordered.add(time << _NUMBER | number)

    def _drop(self, number: int) -> None:
        share = Share.unpacked(self._packed[number])
        self._count(share, -1)
        for topic in share.topics:
            known = self.topics[topic]
            known.kept -= 1
            if not known.kept:
                del self.topics[topic]
        for ordered, time in self._places(share):
            ordered.remove(time << _NUMBER | number)
        del self._numbers[self._ids[number]]
        self._ids[number], self._packed[number] = "", b""
        self._free.append(number)

    def _places(self, share: Share) -> Iterator[tuple[Ordered[int], int]]:
        yield self._starts, share.start
        yield self._ends, _last_end(share)
        for date in {outcome.date for outcome in share.outcomes}:
            yield self._sold, date

    def _count(self, share: Share, sign: int) -> None:
        """Add what a conversation has in the window and the preceding one, or with `sign` -1 take it away."""
        if self._bounds.holds(share.start):
            for sums in self._fed:
                sums.add(share, sign)
            for topic in share.topics:
                self.topics[topic].volume += sign
        elif self._bounds.precedes(share.start):
            for topic in share.topics:
                self.topics[topic].previous += sign
        for outcome in share.outcomes:
            if self._bounds.holds(outcome.date):
                for sums in self._fed:
                    sums.add_outcome(outcome, sign)

    def _enter(self, fed: "Iterable[Sums]", start: int, end: int, sign: int) -> None:
        """Add to the sums what has its time in `[start, end)`, or with `sign` -1 take it away."""
        for share in self._shares(self._starts, start, end):
            for sums in fed:
                sums.add(share, sign)
        for share in self._shares(self._sold, start, end):
            for outcome in share.outcomes:
                if start <= outcome.date < end:
                    for sums in fed:
                        sums.add_outcome(outcome, sign)

    def _shares(self, ordered: Ordered[int], start: int, end: int) -> Iterator[Share]:
        """The conversations, each once, that have an entry in `[start, end)`."""
        entries = ordered.between(start << _NUMBER, end << _NUMBER)
        for number in {_number(entry) for entry in entries}:
            yield Share.unpacked(self._packed[number])


def _last_end(share: Share) -> int:
    """The end of the last window that has anything to do with the conversation, in epoch seconds."""
    return max([share.start + 2 * _LENGTH, *(outcome.date + _LENGTH for outcome in share.outcomes)])


def _number(entry: int) -> int:
    return entry & ((1 << _NUMBER) - 1)


def _moved(old: tuple[int, int], new: tuple[int, int]) -> Iterator[tuple[int, int, int]]:
    """What `[start, end)` loses (-1) and gains (1) when it goes from `old` to `new`, as such intervals."""
    for (start, end), (other_start, other_end), sign in ((old, new, -1), (new, old, 1)):
        for part in ((start, min(end, other_start)), (max(start, other_end), end)):
            if part[0] < part[1]:
                yield *part, sign


@dataclass(slots=True)
class _Topic:
    """A topic of one account with the fan conversations that discuss it."""

    text: TopicText
    volume: int = 0  # in the window
    previous: int = 0  # in the preceding one
    kept: int = 0  # whenever
