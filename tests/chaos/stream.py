"""What a user's clients send, and what must be there afterwards. Pure: a seed always gives the same stream.

A stream has live messages singly and in small batches, messages before any snapshot, snapshots that grow and
overlap what was sent, edits, deletions, duplicates (of outdated versions too) and older history that arrives
late, by several channels that know nothing of each other: so an edit may arrive before what it edits.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from enrich.topics.taxonomy import TAXONOMY
from tests.service.talk import Raw, chat, message

CHANNELS = ("http", "socket 1", "socket 2")
FANS = (7001, 7002, 7003, 7004)
# Chats that snapshots list. How many messages are unread depends on when a snapshot last listed the chat, so
# these end with a message of the creator, which leaves none unread. The others are never listed: their count
# comes of the messages alone, and any order of arrival gives the same.
LISTED = FANS[:2]
# Every line has a seeded topic, so no line is left to discover topics in, however long the stream: which
# topics are discovered depends on when, and no two orders of arrival would give the same graph.
LINES = tuple(line for topic in TAXONOMY for line in topic.phrases)
SPAN = timedelta(days=20)  # inside the window of the insights, so that no message leaves it meanwhile

Key = tuple[str, str]  # a message's id and version


@dataclass(frozen=True, slots=True)
class Send:
    """One thing that a client sends: live messages, or a snapshot when there are `chats`."""

    channel: str
    messages: tuple[Raw, ...]
    chats: tuple[Raw, ...] = ()


def version(raw: Raw) -> str:
    """Newer versions compare greater; the original has none."""
    return str(raw.get("changedAt") or "")


def key(raw: Raw) -> Key:
    return str(raw["id"]), version(raw)


def chat_of(raw: Raw) -> str:
    return str((raw.get("fromUser") or raw.get("toUser"))["id"])  # type: ignore[index]


def order(raw: Raw) -> tuple[datetime, int, str]:
    """By time, then by id, numerically where both are numbers."""
    id = str(raw["id"])
    return datetime.fromisoformat(raw["createdAt"]), len(id), id


def kept(messages: Iterable[Raw]) -> dict[str, list[Raw]]:
    """What must be there when all of these were sent: by chat, in order, the newest version of each message
    that is not deleted. How often and in which order they were sent makes no difference.
    """
    newest: dict[str, Raw] = {}
    for raw in messages:
        before = newest.get(str(raw["id"]))
        if before is None or version(before) < version(raw):
            newest[str(raw["id"])] = raw
    found: dict[str, list[Raw]] = {}
    for raw in sorted(newest.values(), key=order):
        if not raw.get("isDeleted"):
            found.setdefault(chat_of(raw), []).append(raw)
    return found


def openings(messages: Iterable[Raw]) -> list[Raw]:
    """The earliest version of each message that says it was opened: only from it is known when.

    A message that was opened and edited afterwards has a newer version, which says that it is open as well.
    """
    earliest: dict[str, Raw] = {}
    for raw in sorted(messages, key=version):
        if raw.get("isOpened"):
            earliest.setdefault(str(raw["id"]), raw)
    return list(earliest.values())


def listed_chats(now: datetime) -> tuple[Raw, ...]:
    """The chats of every snapshot; what they say stays the same."""
    began, ends = now - timedelta(days=50), now + timedelta(days=300)
    return tuple(_subscribed(chat(fan), began, ends) for fan in LISTED)


def stream(seed: int, user_id: str, now: datetime, steps: int) -> list[Send]:
    """What the user's clients send, in the order in which they begin to; about `steps` of them."""
    return _Client(Random(f"{seed} {user_id}"), now.replace(microsecond=0), steps).sends


def _subscribed(raw: Raw, began: datetime, ends: datetime) -> Raw:
    """A fan who has renewed once."""
    paid = [{"startDate": (began + timedelta(days=30 * n)).isoformat(), "price": 9.5} for n in range(2)]
    raw["withUser"]["subscribedOnData"] = {
        "subscribeAt": began.isoformat(),
        "expiredAt": ends.isoformat(),
        "subscribes": paid,
    }
    return raw


class _Client:
    """Tells a user's chats in the order in which they come to be known."""

    def __init__(self, rng: Random, now: datetime, steps: int) -> None:
        self._rng = rng
        self._now = now
        self._changes = 0
        told = self._chats(3 * steps + 60)
        early, self._live = told[: len(told) // 3], deque(told[len(told) // 3 :])
        self._late = deque(early.pop(rng.randrange(len(early))) for _ in range(len(early) // 2))
        self._versions: dict[str, list[Raw]] = {}  # of every message that was sent, oldest first
        self.sends: list[Send] = []
        self._send(early[:3])
        self._send(early, chats=listed_chats(now))
        acts = (self._speak, self._edit, self._delete, self._repeat, self._look_back, self._snapshot)
        for act in rng.choices(acts, weights=(10, 3, 1, 3, 2, 1), k=steps):
            act()
        self._send([self._message(fan, now - timedelta(hours=2), by="creator") for fan in LISTED])

    def _send(self, messages: list[Raw], *, chats: tuple[Raw, ...] = ()) -> None:
        for raw in messages:
            versions = self._versions.setdefault(str(raw["id"]), [])
            if raw not in versions:
                versions.append(raw)
        if messages:
            self.sends.append(Send(self._rng.choice(CHANNELS), tuple(messages), chats))

    # What a client does

    def _speak(self) -> None:
        count = self._rng.choice((1, 1, 1, 2, 3, 5))
        self._send([self._live.popleft() for _ in range(min(count, len(self._live)))])

    def _edit(self) -> None:
        raw = self._rng.choice(self._standing())
        if raw.get("price") and not raw["isOpened"]:
            self._send([self._changed(raw, isOpened=True)])
        else:
            self._send([self._changed(raw, text=f"<p>{self._rng.choice(LINES)}, really</p>")])

    def _delete(self) -> None:
        self._send([self._changed(self._rng.choice(self._standing()), isDeleted=True)])

    def _repeat(self) -> None:
        """Send again what was sent, as it is or as it was."""
        ids = self._rng.sample(sorted(self._versions), min(len(self._versions), self._rng.randint(1, 4)))
        self._send([self._rng.choice(self._versions[id]) for id in ids])

    def _look_back(self) -> None:
        self._send(self._older(6))

    def _snapshot(self) -> None:
        """Most of what was sent, and some that was not."""
        held = [raw for raw in self._standing() if self._rng.random() < 0.85]
        self._send([*held, *self._older(10)], chats=listed_chats(self._now))

    def _standing(self) -> list[Raw]:
        return [versions[-1] for versions in self._versions.values() if not versions[-1].get("isDeleted")]

    def _older(self, most: int) -> list[Raw]:
        return [self._late.popleft() for _ in range(min(len(self._late), self._rng.randint(1, most)))]

    def _changed(self, raw: Raw, **change: object) -> Raw:
        self._changes += 1
        at = self._now - timedelta(hours=1) + timedelta(seconds=self._changes)
        return {**raw, **change, "changedAt": at.isoformat()}

    # What is said

    def _chats(self, count: int) -> list[Raw]:
        """That many messages of all chats, oldest first: bursts of talk over SPAN."""
        rng, found = self._rng, list[Raw]()
        while len(found) < count:
            fan = rng.choice(FANS)
            at = self._now - timedelta(hours=6) - rng.random() * SPAN
            for _ in range(rng.randint(2, 8)):
                at += timedelta(seconds=rng.choice((0, 20, 90, 400, 2000)))
                found.append(self._message(fan, at, by=rng.choice(("fan", "fan", "creator"))))
        return sorted(found, key=order)

    def _message(self, fan: int, at: datetime, *, by: str) -> Raw:
        rng, at = self._rng, at.replace(microsecond=0)
        number = rng.randrange(10**6, 10**8)
        id = number if rng.random() < 0.9 else f"msg_{int(at.timestamp() * 1000)}_{number}"
        text = rng.choice(LINES)
        if by == "creator" and rng.random() < 0.2:
            return message(id, fan, at, text, by=by, price=rng.choice((5, 12, 30)), isOpened=False)
        if by == "fan" and rng.random() < 0.05:
            text = f"I sent you a ${rng.choice((5, 10, 25))}.00 tip ♥"
        return message(id, fan, at, text, by=by)
