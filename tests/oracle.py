"""The metrics of a feed, computed slowly and straight from their definitions: no module of the service.

A feed is a list of `Call`s as the tests make them. All copies of a message are laid over one another, field
by field, the newest on top, and only then read; what only goes up is taken from whichever copy says it.
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from statistics import fmean, median
from typing import Any
from zoneinfo import ZoneInfo

CREATOR = "900"
NOW = 1_715_068_800  # when everything is received
GAP, SILENCE, ECHO, SAME_TIP = 6 * 3600, 300, 120, 600
CLOSERS = {"ok", "thanks, good night"}

Raw = dict[str, Any]


@dataclass
class Call:
    """One call: a snapshot's chats and messages, or live messages; `chat_id` as of a page of history."""

    messages: list[Raw] = field(default_factory=list)
    chats: list[Raw] | None = None  # None: live messages
    chat_id: str | None = None
    sender: str | None = None  # who of the creator's team sent what does not say it


@dataclass
class Said:
    """One message, all copies of it read together."""

    id: str
    fan: str
    at: float
    by_fan: bool
    text: str
    mass: bool
    notice: bool
    tip: float
    price: float
    bought: float | None  # when
    paid: float
    has_media: bool
    free: bool
    dated: bool  # the time of the purchase is known
    media: tuple[str, ...]
    sender: str | None  # of the creator's team
    default: str | None  # the same, where the message does not say it

    @property
    def direct(self) -> bool:
        return not (self.mass or self.notice)

    @property
    def who(self) -> str | None:
        return self.sender or self.default


def numbers(feed: list[Call], start: float, end: float) -> dict[str, Any]:
    """Every number of the window `[start, end)`, and how each fan's chat stands."""
    found = _chats(feed)
    conversations = [each for chat in found for each in chat.conversations if start <= each[0].at < end]
    alone = [each for chat in found for each in chat.alone if start <= each < end]
    by_fans = [each for each in conversations if any(m.by_fan for m in each)]
    lasting = [each for each in by_fans if each[-1].at > each[0].at]
    runs = [
        (opened, answer)
        for chat in found
        for opened, answer in chat.runs
        if any(opened is m for each in by_fans for m in each)
    ]
    times = [answer.at - opened.at for opened, answer in runs if answer is not None]
    outcomes = sorted(each for chat in found for each in chat.outcomes)
    within = [each for each in outcomes if start <= each[1] < end]
    return {
        "conversations": len(conversations),
        "fan_conversations": len(by_fans),
        "broadcast_only": len(alone),
        "handling": _mean([each[-1].at - each[0].at for each in by_fans if len(each) > 1]),
        "silence": _mean([_silence(each) for each in lasting]),
        "turns": _mean([sum(a.by_fan != b.by_fan for a, b in pairwise(each)) for each in by_fans]),
        "responses": (_mean(times), median(times) if times else None, max(times, default=None), len(times)),
        "unanswered": sum(answer is None for _, answer in runs),
        "outcomes": within,
        "revenue": sum(amount for _, _, amount in within),
        "chats": {chat.fan: (chat.unread, chat.waiting, chat.spend) for chat in found},
    }


BANDS = ((0, 5, "0-5"), (5, 10, "5-10"), (10, 20, "10-20"), (20, 50, "20-50"), (50, 100, "50-100"))
# What the tests' enrichment finds in a direct message, by the last digit of its id.
TOPICS = {0: ("a",), 1: ("b",), 2: ("a", "b"), 4: ("b",)}
ACTIONS = {0: ("x",), 1: ("x", "y"), 3: ("y",), 4: ("y",)}


def found_in(id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The topics and the actions of a direct message."""
    digit = int(id[-1])
    return TOPICS.get(digit, ()), ACTIONS.get(digit, ())


@dataclass
class Corrected:
    """What people say in place of what is found: of messages by chat and id, of topics by name."""

    moods: dict[tuple[str, str], float] = field(default_factory=dict)
    topics: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    actions: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    into: dict[str, str | None] = field(default_factory=dict)  # the topic that one is a part of; None: hidden

    def of(self, message: Said) -> tuple[list[str], tuple[str, ...]]:
        topics, actions = found_in(message.id)
        key = message.fan, message.id
        now = [self.into.get(topic, topic) for topic in self.topics.get(key, topics)]
        return [topic for topic in now if topic is not None], self.actions.get(key, actions)

    def mood(self, message: Said) -> float:
        return self.moods.get((message.fan, message.id), mood_of(message.id))


NOTHING = Corrected()


def mood_of(id: str) -> float:
    """The sentiment of a direct message."""
    return int(id[-1]) / 10


def moods(feed: list[Call], start: float, end: float, corrected: Corrected = NOTHING) -> list[float]:
    """The sentiments of the fans' direct messages in conversations of the window."""
    return [
        corrected.mood(message)
        for chat in _chats(feed)
        for each in chat.conversations
        if start <= each[0].at < end
        for message in each
        if message.by_fan
    ]


def topics_found(feed: list[Call]) -> set[str]:
    """Those that some direct message has."""
    said = (message for chat in _chats(feed) for each in chat.conversations for message in each)
    return {topic for message in said for topic in found_in(message.id)[0]}


def conversion(
    feed: list[Call],
    start: float,
    end: float,
    *,
    hours: float,
    as_of: float,
    zone: str,
    corrected: Corrected = NOTHING,
) -> dict[Any, Any]:
    """Per factor the fan conversations with it, how many sold, their fans and amounts; and of all of them."""
    rows: list[tuple[str, list[float], set[tuple[str, ...]]]] = []
    pending = 0
    for chat in _chats(feed):
        by_fan = [each for each in chat.conversations if any(m.by_fan for m in each)]
        for each in by_fan:
            if not start <= each[0].at < end:
                continue
            if int(each[-1].at) + hours * 3600 > as_of:
                pending += 1
                continue
            later = [int(other[0].at) for other in by_fan if other[0].at > each[0].at]
            amounts = [
                amount
                for kind, at, amount in chat.outcomes
                if kind in ("tip", "purchase")
                and int(each[0].at) <= int(at) <= int(each[-1].at) + hours * 3600
                and not any(begun <= int(at) for begun in later)
            ]
            rows.append((chat.fan, amounts, _factors(chat, each, zone, corrected)))
    factors = {factor for _, _, own in rows for factor in own}
    return {
        "pending": pending,
        "all": _sold(rows),
        **{factor: _sold([row for row in rows if factor in row[2]]) for factor in factors},
    }


def topics_by_day(
    feed: list[Call], start: float, end: float, zone: str
) -> dict[str, tuple[int, Counter[str]]]:
    """By the day on which they began: the fan conversations, and how many of them discuss each topic."""
    found: dict[str, tuple[int, Counter[str]]] = {}
    for chat in _chats(feed):
        for each in chat.conversations:
            if start <= each[0].at < end and any(m.by_fan for m in each):
                day = datetime.fromtimestamp(each[0].at, ZoneInfo(zone)).strftime("%Y-%m-%d")
                count, topics = found.get(day, (0, Counter()))
                topics.update({topic for message in each for topic in found_in(message.id)[0]})
                found[day] = count + 1, topics
    return found


def _sold(rows: list[tuple[str, list[float], Any]]) -> tuple[Any, ...]:
    amounts = sorted(amount for _, own, _ in rows for amount in own)
    return len(rows), sum(bool(own) for _, own, _ in rows), len({fan for fan, _, _ in rows}), amounts


def _factors(
    chat: "_Chat", conversation: list[Said], zone: str, corrected: Corrected
) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for message in conversation:
        topics, actions = corrected.of(message)
        found |= {("topic", topic) for topic in topics} | {("action", action) for action in actions}
        found |= {("pair", action, topic) for action in actions for topic in topics}
    found |= {("price_band", _band(offer.price)) for offer in chat.offers(conversation)}
    local = datetime.fromtimestamp(conversation[0].at, ZoneInfo(zone))
    return found | {("hour_of_week", local.strftime("%a %H"))}


def _band(price: float) -> str:
    return next((name for low, high, name in BANDS if low <= price < high), "100-")


def ppv(feed: list[Call], start: float, end: float) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Per kind of offers: sent, unlocked, revenue, the times that unlocking took, messages sent."""
    offers: list[Said] = []
    direct = mass = 0
    for chat in _chats(feed):
        for each in [*chat.conversations, *([m] for m in chat.messages if m.mass and chat.home(m) is None)]:
            if start <= each[0].at < end:
                joined = [m for m in chat.messages if m.mass and chat.home(m) is each]
                direct += sum(m.direct and not m.by_fan for m in each)
                mass += len(joined) + sum(m.mass for m in each)
                offers += chat.offers(each)
    found = {}
    for part in {part for offer in offers for part in _parts(offer)} | {
        ("all", "all"),
        ("delivery", "direct"),
        ("delivery", "mass"),
    }:
        own = [offer for offer in offers if part in _parts(offer)]
        unlocked = [offer for offer in own if offer.bought is not None]
        times = sorted(int(o.bought) - int(o.at) for o in unlocked if o.dated and o.bought is not None)
        messages = {"all": direct + mass, "direct": direct, "mass": mass}.get(part[1])
        found[part] = (len(own), len(unlocked), sum(o.paid for o in unlocked), times, messages)
    return found


def _parts(offer: Said) -> set[tuple[str, str]]:
    media = set(offer.media)
    kind = "mixed" if len(media) > 1 else next(iter(media), "unknown")
    return {
        ("all", "all"),
        ("delivery", "mass" if offer.mass else "direct"),
        ("price_band", _band(offer.price)),
        ("media", kind),
    }


# Who answers, and when


@dataclass(frozen=True)
class Turn:
    """A shift: the same hours on some days of every week."""

    name: str
    person: str | None
    days: tuple[int, ...]  # Monday is 0
    start: int  # minutes of the day
    end: int  # of the next day where it is not after the start


def on_duty(at: float, turns: list[Turn], zone: str) -> tuple[str | None, str | None]:
    """The person and the shift that the turns tell of a moment, minute by minute of the local clock."""
    local = datetime.fromtimestamp(at, ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    yesterday = (local.weekday() - 1) % 7
    on = [
        each
        for each in turns
        if (
            local.weekday() in each.days
            and each.start <= minute
            and (minute < each.end or each.end <= each.start)
        )
        or (yesterday in each.days and each.end <= each.start and minute < each.end)
    ]
    people, names = {each.person for each in on}, {each.name for each in on}
    return (people.pop() if len(people) == 1 else None), (names.pop() if len(names) == 1 else None)


def open_seconds(start: float, seconds: float, turns: list[Turn], zone: str) -> float:
    """How many seconds from a moment on lie in the turns, by the minutes of the clock."""
    found, at, end = 0.0, start, start + seconds
    while at < end:
        following = min((at // 60 + 1) * 60, end)
        found += (following - at) * (on_duty(at, turns, zone)[1] is not None)
        at = following
    return found


def people(
    feed: list[Call], start: float, end: float, *, turns: list[Turn], zone: str
) -> dict[tuple[str, str], dict[str, Any]]:
    """By person and by shift, and of all: messages, answers, offers and sales."""
    found: dict[tuple[str, str], dict[str, Any]] = defaultdict(
        lambda: {"messages": 0, "mass_messages": 0, "responses": [], "sent": [], "sales": []}
    )

    def of(sender: str | None, at: float | None) -> list[dict[str, Any]]:
        person, shift = (None, None) if at is None else on_duty(at, turns, zone)
        who = sender or person or "unknown"
        return [found["all", "all"], found["person", who], found["shift", shift or "unknown"]]

    for chat in _chats(feed):
        for each in [*chat.conversations, *([m] for m in chat.messages if m.mass and chat.home(m) is None)]:
            if not start <= each[0].at < end:
                continue
            joined = [m for m in chat.messages if m.mass and chat.home(m) is each]
            for message in [*each, *joined]:
                if not message.by_fan:
                    for own in of(message.who, message.at):
                        own["mass_messages" if message.mass else "messages"] += 1
            for offer in chat.offers(each):
                for own in of(offer.who, offer.at):
                    own["sent"].append(offer.paid if offer.bought is not None else None)
            for opened, answer in chat.runs:
                if answer is not None and any(opened is m for m in each):
                    for own in of(answer.who, answer.at):
                        own["responses"].append((opened.at, answer.at - opened.at))
        for kind, at, amount in chat.outcomes:
            if kind in ("tip", "purchase") and start <= at < end:
                before = chat.followed(kind, at, amount)
                for own in of(*((None, None) if before is None else (before.who, before.at))):
                    own["sales"].append(amount)
    return found


def heatmap(feed: list[Call], start: int, end: int, zone: str) -> dict[str, dict[str, Any]]:
    """By hour of the week: for how many minutes it is shown, fan messages, answers and what was paid."""
    found: dict[str, dict[str, Any]] = defaultdict(
        lambda: {"minutes": 0, "fan_messages": 0, "responses": [], "sales": 0, "revenue": 0.0}
    )

    def hour(at: float) -> dict[str, Any]:
        return found[datetime.fromtimestamp(at, ZoneInfo(zone)).strftime("%a %H")]

    step = 60 if start % 900 else 900  # clocks show a new hour, and change, at a quarter of UTC's hours
    for moment in range(start, end, step):
        hour(moment)["minutes"] += min(step, end - moment) / 60
    for chat in _chats(feed):
        for each in chat.conversations:
            if start <= each[0].at < end:
                for message in each:
                    hour(message.at)["fan_messages"] += message.by_fan
                for opened, answer in chat.runs:
                    if answer is not None and any(opened is m for m in each):
                        hour(opened.at)["responses"].append(answer.at - opened.at)
        for kind, at, amount in chat.outcomes:
            if start <= at < end:
                hour(at)["revenue"] += amount
                hour(at)["sales"] += kind in ("tip", "purchase")
    return found


def _chats(feed: list[Call]) -> "list[_Chat]":
    fans, chats, facts = _read(feed)
    return [_Chat(fan, fans[fan], chats.get(fan, []), facts.get(fan, [])) for fan in sorted(fans)]


class _Chat:
    def __init__(self, fan: str, rows: list[Raw], messages: list[Said], facts: list[tuple[Any, ...]]) -> None:
        self.fan = fan
        self.messages = sorted(messages, key=lambda m: (m.at, len(m.id), m.id))
        self._direct = [m for m in self.messages if m.direct]
        self.conversations: list[list[Said]] = []
        for message in self._direct:
            if self.conversations and message.at - self.conversations[-1][-1].at <= GAP:
                self.conversations[-1].append(message)
            else:
                self.conversations.append([message])
        alone = [m.at for m in self.messages if not m.direct and not self._joins(m)]
        self.alone = alone if self.conversations else [*alone, *(at for _, at, _ in set(facts))]
        self.runs = self._runs()
        self.outcomes = self._outcomes(rows, facts)
        self.unread = self._unread(rows)
        self.waiting = self._waiting(rows)
        totals = [
            (row["withUser"].get("subscribedOnData") or {}).get("totalSumm") or 0
            for row in rows
            if "withUser" in row
        ]
        self.spend = max([sum(amount for _, _, amount in self.outcomes), *totals])

    def _joins(self, message: Said) -> bool:
        return self.home(message) is not None

    def home(self, message: Said) -> list[Said] | None:
        """The conversation that a message which is not direct joins: the next one, else the one before."""
        for each in self.conversations:
            if 0 < each[0].at - message.at <= GAP:
                return each
        near = [each for each in self.conversations if each[0].at <= message.at <= each[-1].at + GAP]
        return near[-1] if near else None

    def offers(self, conversation: list[Said]) -> list[Said]:
        """What was for sale in a conversation, or is what stands alone."""
        own = [m for m in self.messages if m.mass and self.home(m) is conversation]
        return [m for m in [*conversation, *own] if not m.by_fan and m.paid > 0 and not m.free]

    def followed(self, kind: str, at: float, amount: float) -> Said | None:
        """The message that a sale follows: the offer itself, or the creator's last one before a tip."""
        if kind == "purchase":
            return next(m for m in self.messages if (m.bought, m.paid) == (at, amount))
        said = [m for m in self.messages if not m.by_fan and not m.notice and m.at < at]
        return said[-1] if said else None

    def _runs(self) -> list[tuple[Said, Said | None]]:
        """The first message of each fan run, with the creator's message that answers it."""
        found = []
        for n, message in enumerate(self._direct):
            if message.by_fan and (n == 0 or not self._direct[n - 1].by_fan):
                later = (m for m in self._direct[n:] if not m.by_fan)
                found.append((message, next(later, None)))
        return found

    def _unread(self, rows: list[Raw]) -> int:
        """The count of the chat list that covers the newest messages, and what the fan said since."""
        counted = [
            (_time(r["lastMessage"]["createdAt"]), r["unreadMessagesCount"])
            for r in rows
            if "lastMessage" in r
        ]
        at, count = max(counted, default=(0.0, 0))
        for message in self._direct:
            if message.at > at:
                count = count + 1 if message.by_fan else 0
        return int(count)

    def _waiting(self, rows: list[Raw]) -> float | None:
        open_run: list[Said] = []
        for message in self._direct:
            open_run = [*open_run, message] if message.by_fan else []
        if not open_run or any(row.get("canSendMessage") is False for row in rows):
            return None
        said = [m for m in open_run if m.text or m.has_media]
        if said and all(m.text in CLOSERS and not m.has_media for m in said):
            return None
        return open_run[0].at

    def _outcomes(self, rows: list[Raw], facts: list[tuple[Any, ...]]) -> list[tuple[str, float, float]]:
        found = [("purchase", m.bought, m.paid) for m in self.messages if m.bought is not None]
        tips = [m for m in self.messages if m.tip and m.by_fan]
        found += [("tip", m.at, m.tip) for m in tips]
        for kind, at, amount in sorted(set(facts)):
            if kind == "tip":
                same = next((m for m in tips if m.tip == amount and abs(m.at - at) <= SAME_TIP), None)
                if same is not None:  # the chat says it too
                    tips.remove(same)
                    continue
            found.append((kind, at, amount))
        listed = {
            (_time(each["startDate"]), each["price"])
            for row in rows
            for each in (row.get("withUser", {}).get("subscribedOnData") or {}).get("subscribes", [])[1:]
        }
        told = {(at, amount) for kind, at, amount in found if kind == "renewal"}
        if self.messages or facts:  # else there is nothing that it can belong to
            found += [("renewal", at, amount) for at, amount in listed - told]
        return found


def _silence(each: list[Said]) -> float:
    silent = sum(b.at - a.at for a, b in pairwise(each) if b.at - a.at > SILENCE)
    return 100 * silent / (each[-1].at - each[0].at)


def _mean(values: list[float] | list[int]) -> float | None:
    return fmean(values) if values else None


# The raw shapes


def _read(
    feed: list[Call],
) -> tuple[dict[str, list[Raw]], dict[str, list[Said]], dict[str, list[tuple[Any, ...]]]]:
    """By fan: the rows of chat lists, the messages, and facts that came beside the chat."""
    rows = [row for call in feed for row in call.chats or []]
    fan_of = {str(row["id"]): str(row["withUser"]["id"]) for row in rows if "id" in row}
    inputs: list[tuple[Raw, str | None]] = []
    for row in rows:
        if "lastMessage" in row:
            inputs.append((_undated(row["lastMessage"]), str(row.get("id") or row["withUser"]["id"])))
    for call in feed:
        own = call.messages if call.chats is None else map(_undated, call.messages)
        inputs += [(_with_default(row, call.sender), call.chat_id) for row in own]

    copies: dict[tuple[str, str], list[Raw]] = defaultdict(list)
    alone: list[Raw] = []
    notices: list[Raw] = []
    for row, page in inputs:
        row = row.get("api2_chat_message", row)
        if "new_message" in row or "user_id" in row:
            notices.append(row.get("new_message", row))
        elif not {"typing", "chat_messages"}.isdisjoint(row):
            continue
        elif (fan := _fan(row, page, fan_of)) is not None:
            copies[fan, str(row["id"])].append(row)
        else:
            alone.append(row)
    for row in alone:
        where = [key for key in copies if key[1] == str(row["id"])]
        if len(where) == 1:
            copies[where[0]].append(row)

    bought: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    facts: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in notices:
        amount = float(re.findall(r"\$(\d+)", row["text"])[0])
        at = _time(row["createdAt"])
        if row["type"] == "paided_message":
            linked = re.search(r"chat/(\w+)\?firstId=(\w+)", row["text"])
            if linked:
                key = (fan_of.get(linked[1], linked[1]), linked[2])
            else:
                [key] = [each for each in copies if each[1] == str(row["entityId"])]
            bought[key].append((at, amount))
        else:
            kind = "tip" if row["type"] == "tip" else "renewal"
            facts[str(row["user"]["id"])].append((kind, at, amount))

    fans: dict[str, list[Raw]] = defaultdict(list)
    for fan in [*(fan for fan, _ in copies), *facts]:
        fans[fan] = []
    for row in rows:
        fans[str(row["withUser"]["id"])].append(row)
    chats: dict[str, list[Said]] = defaultdict(list)
    for (fan, id), told in copies.items():
        if (message := _said(fan, id, told, bought[fan, id])) is not None:
            chats[fan].append(message)
    return fans, {fan: _echoed_once(own) for fan, own in chats.items()}, facts


def _undated(row: Raw) -> Raw:
    """A message of a snapshot: where nothing says when it was sent, that is when it was changed."""
    is_dated = "createdAt" in row or "changedAt" not in row or "api2_chat_message" in row
    return row if is_dated else {**row, "assumed": row["changedAt"]}


def _with_default(row: Raw, sender: str | None) -> Raw:
    told = row.get("api2_chat_message", row)
    is_message = not {"new_message", "user_id", "typing", "chat_messages"} & told.keys()
    return {**told, "default": sender} if is_message and sender else row


def _fan(row: Raw, page: str | None, fan_of: dict[str, str]) -> str | None:
    named = row.get("chat_id") or page
    if named is not None and str(named) in fan_of:
        return fan_of[str(named)]
    for key in ("fromUser", "toUser"):
        if key in row and str(row[key]["id"]) != CREATOR:
            return str(row[key]["id"])
    return None if named is None else str(named)


def _said(fan: str, id: str, copies: list[Raw], notices: list[tuple[float, float]]) -> Said | None:
    if any(row.get("isDeleted") or row.get("isCanceled") for row in copies):
        return None
    row: Raw = {}
    for each in sorted(copies, key=lambda each: _time(each.get("changedAt"))):
        row |= each
    at = _time(row.get("createdAt") or row.get("assumed")) or NOW
    sender = row.get("fromUser")
    is_captured = sender is None and "createdAt" not in row
    by_fan = str(sender["id"]) != CREATOR if sender else not is_captured and "toUser" not in row
    text = re.sub("<[^>]*>", "", row.get("text") or "")
    tip = float(row.get("tipAmount") or 0)
    sentence = re.fullmatch(r"I sent you a \$(\d+).00 tip ♥", text)
    if row.get("isTip", True):
        sentence = sentence or re.fullmatch(r"Te envié una propina de \$(\d+).00 ♥", text)
    if sentence:
        tip = float(sentence[1])
    is_notice = bool(sentence) or text == "purchased for $25.00"
    is_mass = bool(row["isFromQueue"]) if "isFromQueue" in row else bool(row.get("queueId"))
    price = float(row.get("price") or 0)
    when, paid = None, price
    opened = [_time(each.get("changedAt")) for each in copies if each.get("isOpened")]
    if notices:
        when, paid = min(notices)
    elif opened and price and not by_fan:
        when = min((each for each in opened if each), default=at)
    if row.get("isFree"):
        when = None
    return Said(
        id=id,
        fan=fan,
        at=at,
        by_fan=by_fan,
        text=text,
        mass=is_mass and not by_fan,
        notice=is_notice,
        tip=tip,
        price=price,
        bought=None if when is None else max(at, when),
        paid=paid,
        has_media=bool(row.get("media")),
        free=bool(row.get("isFree")),
        dated=bool(notices) or any(opened),
        media=tuple(each["type"] for each in row.get("media") or ()),
        sender=str(row["senderId"]) if "senderId" in row else None,
        default=next((each["default"] for each in copies if each.get("default")), None),
    )


def _echoed_once(messages: list[Said]) -> list[Said]:
    """Without the captured sends whose echo is there."""

    def is_captured(m: Said) -> bool:
        return m.id.startswith("msg_")

    echoes = [m for m in messages if not m.by_fan and m.direct and not is_captured(m)]
    kept = []
    for message in sorted(messages, key=lambda m: m.at):
        if is_captured(message):
            near = (e for e in echoes if e.text == message.text and abs(e.at - message.at) <= ECHO)
            if (echo := next(near, None)) is not None:
                echoes.remove(echo)
                echo.sender = echo.sender or message.sender
                echo.default = echo.default or message.default
                continue
        kept.append(message)
    return kept


def _time(value: str | None) -> float:
    return datetime.fromisoformat(value).timestamp() if value else 0.0
