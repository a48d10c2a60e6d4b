"""Cutting a chat into conversations, and the figures of each. Pure; definitions in docs/metrics.md.

A chat is all messages between one creator and one fan. A conversation is a run of its direct messages in
which no two neighbours are further apart than the conversation gap; a very long run is cut at its longest
pauses as well, so that what a message costs does not grow with it. Mass messages and the platform's notices
join a conversation beside them; they never open, extend or answer one.
"""

import re
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple
from zlib import crc32

from msgspec import structs

from chats.message import ASSUMED, INFERRED, Message

# A long run is cut at each pause that is longer than so many before it and so many behind it. What lies
# beyond them does not matter: neither what comes later nor in which order the messages arrived. To change how
# a chat is cut raise `enrich.RULES`.
PAUSES = 250
ECHO_SECONDS = 120.0  # a captured send and what the platform makes of it are no further apart
_MADE_ID = re.compile(r"[A-Za-z]+_\d{13}(?:_\d+)?")  # by the extension, for what has none yet


class Said(NamedTuple):
    """One message of a conversation: a fan's direct one, the creator's direct one, the creator's to many."""

    at: float
    kind: Literal["fan", "creator", "mass"]
    sender_id: str | None = None  # who of the creator's team sent it; None: no copy says so


class Answer(NamedTuple):
    """The creator's answer to a fan run."""

    asked_at: float  # when the run began
    sender_id: str | None = None  # who sent the answer; None: no copy says so


@dataclass(frozen=True, slots=True)
class Figures:
    """What the times and directions of a conversation's direct messages say. Seconds throughout."""

    start: float
    end: float
    direct_messages: int
    fan_messages: int  # of the direct ones
    mass_messages: int
    offers: int  # pay-per-view messages of the creator, direct ones
    mass_offers: int
    turns: int  # direction switches inside the conversation
    silence_seconds: float  # time inside gaps longer than the silence threshold
    response_seconds: tuple[float, ...]  # of every fan run that began here and was answered
    unanswered: int  # fan runs that began here and still wait (0 or 1)
    said: tuple[Said, ...] = ()  # in order
    answers: tuple[Answer, ...] = ()  # those of `response_seconds`, in the same order
    fan_first: float | None = None  # the fan's first direct message; None: there is none, or not known
    fan_last: float | None = None  # the last one likewise

    @property
    def duration(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Conversation:
    """A cut of a chat: direct messages with what joins them, or one message that stands alone.

    `id` is `{chat_id}:{id of the first direct message, or of the one that stands alone}`, unique inside an
    account.
    """

    id: str
    creator_id: str
    chat_id: str
    fan_id: str
    messages: tuple[Message, ...]
    figures: Figures

    @property
    def stands_alone(self) -> bool:
        """Whether it is a mass message or notice that joins no conversation."""
        return self.figures.direct_messages == 0


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies before and behind a stretch of a chat that is cut alone."""

    is_waiting: bool = False  # a fan run that began before it is not answered when it begins
    answered_at: float | None = None  # when the creator's first direct message behind it came
    answered_by: str | None = None  # who of the creator's team sent that one


WHOLE = Beside()


def cut(
    messages: Iterable[Message], *, gap: float, silence: float, beside: Beside = WHOLE
) -> list[Conversation]:
    """Cut one chat's messages (any order, ids unique) into conversations, in the order of their starts.

    They are the whole chat's, or those of a stretch with what lies `beside` it.

    `gap` and `silence` are seconds: a conversation ends where neighbouring direct messages are more than
    `gap` apart, and where `_cuts` says so of a long run; silence is time inside gaps longer than `silence`.
    What is neither direct nor within `gap` of a conversation is returned as one that stands alone; a
    notification only where there is no conversation, else it joins the last before it or the first.
    """
    ordered = existing(messages)
    direct = [message for message in ordered if message.is_direct]
    groups = [group for run in _runs(direct, gap) for group in _parted(run)]
    joined: defaultdict[int, list[Message]] = defaultdict(list)
    alone: list[Message] = []
    starts, ends = [group[0].at for group in groups], [group[-1].at for group in groups]
    for message in ordered:
        if message.is_direct:
            continue
        following = bisect_right(starts, message.at)
        if following and message.at <= ends[following - 1]:
            joined[following - 1].append(message)
        elif following < len(groups) and starts[following] - message.at <= gap:
            joined[following].append(message)
        elif following and message.at - ends[following - 1] <= gap:
            joined[following - 1].append(message)
        elif groups and message.is_notification:  # nobody was shown it: it is no message that stands anywhere
            joined[max(following - 1, 0)].append(message)
        else:
            alone.append(message)
    answered, waiting = _responses(direct, beside)
    found = [
        _conversation(group, joined[number], answered, waiting, silence)
        for number, group in enumerate(groups)
    ]
    found += (_conversation([], [message], answered, waiting, silence) for message in alone)
    return sorted(found, key=lambda each: (each.figures.start, each.messages[0].order))


def _runs(direct: Iterable[Message], gap: float) -> list[list[Message]]:
    runs: list[list[Message]] = []
    for message in direct:
        if runs and message.at - runs[-1][-1].at <= gap:
            runs[-1].append(message)
        else:
            runs.append([message])
    return runs


def _parted(run: list[Message]) -> list[list[Message]]:
    if len(run) <= 2 * PAUSES + 1:
        return [run]
    places = [0, *(place + 1 for place in _cuts([pause(*each) for each in pairwise(run)])), len(run)]
    return [run[start:end] for start, end in pairwise(places)]


Pause = tuple[int, int]


def pause(before: Message, behind: Message) -> Pause:
    return pause_of(behind.at - before.at, digest_of(behind.id))


def pause_of(seconds: float, digest: int) -> Pause:
    """The longer pause is the greater one.

    Pauses of 1, 2 to 3, 4 to 7 seconds and so on are alike: `digest`, of the message behind it, decides. So
    there are cuts also where all are alike, or become steadily shorter; but none within a second.
    """
    power = int(seconds).bit_length()
    return power, digest if power else 0


def digest_of(id: str) -> int:
    """32 bits of a message's id."""
    return crc32(id.encode("utf-8", "replace"))


def outer_pauses(conversation: Conversation) -> tuple[Pause, Pause] | None:
    """The longest of its first PAUSES and of its last; None: it has fewer, so no run is cut beside it."""
    direct = [message for message in conversation.messages if message.is_direct]
    if len(direct) <= PAUSES:
        return None
    first, last = pairwise(direct[: PAUSES + 1]), pairwise(direct[-PAUSES - 1 :])
    return max(pause(*each) for each in first), max(pause(*each) for each in last)


def _cuts(pauses: Sequence[Pause]) -> list[int]:
    """The places of those that are longer than PAUSES before them and as many behind them."""
    found: list[int] = []
    end = len(pauses) - PAUSES
    for start in range(PAUSES, end, PAUSES + 1):  # two that are have more than PAUSES from one to the other
        own = pauses[start : min(start + PAUSES + 1, end)]
        longest = max(own)
        place = start + own.index(longest)
        if longest > max(pauses[place - PAUSES : place]) and longest > max(
            pauses[place + 1 : place + 1 + PAUSES]
        ):
            found.append(place)
    return found


def existing(messages: Iterable[Message]) -> list[Message]:
    """The messages of a chat that are there, oldest first: no deleted one, no captured send with its echo.

    What the extension captured when the creator sent it has an id that the extension made; the platform's
    echo follows with an id of its own, and the two are one message. It may be the captured
    one alone that says who sent it.
    """
    ordered = sorted((each for each in messages if not each.is_deleted), key=lambda each: each.order)
    captured = [m for m in ordered if m.direction == "creator" and is_captured(m)]
    if not captured:
        return ordered
    texts = {message.text for message in captured}
    echoes: defaultdict[str, deque[Message]] = defaultdict(deque)
    for message in ordered:
        own = message.direction == "creator" and message.text in texts
        if own and message.is_direct and not is_captured(message):
            echoes[message.text].append(message)
    echoed: set[str] = set()
    senders: dict[str, str] = {}  # by the id of an echo that does not say it, or only by default
    for message in captured:  # oldest first, each with the oldest echo that is near enough
        waiting = echoes[message.text]
        while waiting and waiting[0].at < message.at - ECHO_SECONDS:
            waiting.popleft()
        if waiting and waiting[0].at <= message.at + ECHO_SECONDS:
            echo = waiting.popleft()
            echoed.add(message.id)
            if message.sender_id is not None and _says_less(echo, message):
                senders[echo.id] = message.sender_id
    there = (message for message in ordered if message.id not in echoed)
    return [structs.replace(m, sender_id=senders[m.id]) if m.id in senders else m for m in there]


def _says_less(echo: Message, captured: Message) -> bool:
    """Whether the captured send says better than its echo who sent it."""
    if echo.sender_at is None or captured.sender_at is None:
        return echo.sender_at is None
    return echo.sender_at <= INFERRED < captured.sender_at


def is_captured(message: Message) -> bool:
    """Whether it is what the page sent: the extension made its id, and the platform gave it no time yet."""
    return bool(_MADE_ID.fullmatch(message.id)) and message.version.of("at") == ASSUMED


def open_run(messages: Iterable[Message]) -> list[Message]:
    """The fan's direct messages that nobody answered yet, of a chat's `existing` ones in order."""
    run: list[Message] = []
    for message in messages:
        if not message.is_direct:
            continue
        if message.direction == "creator":
            run.clear()
        else:
            run.append(message)
    return run


def is_offer(message: Message) -> bool:
    """Whether it is a pay-per-view message of the creator; what is free is none."""
    return message.direction == "creator" and message.cost > 0 and not message.is_free


class _Response(NamedTuple):
    seconds: float
    sender_id: str | None  # of the answer


def _responses(direct: Sequence[Message], beside: Beside) -> tuple[dict[str, _Response], str | None]:
    """The response by the id of the message that opened the fan run, and the run still open."""
    answered: dict[str, _Response] = {}
    opened: Message | None = None
    is_others = beside.is_waiting  # the run that is open began before these
    for message in direct:
        if message.direction == "fan":
            opened = opened or (None if is_others else message)
            continue
        if opened is not None:
            answered[opened.id] = _Response(message.at - opened.at, message.sender_id)
        opened, is_others = None, False
    if opened is not None and beside.answered_at is not None:
        answered[opened.id] = _Response(beside.answered_at - opened.at, beside.answered_by)
        opened = None
    return answered, opened.id if opened else None


def _conversation(
    direct: Sequence[Message],
    others: Sequence[Message],
    answered: dict[str, _Response],
    waiting: str | None,
    silence: float,
) -> Conversation:
    ordered = sorted([*direct, *others], key=lambda each: each.order)
    first, last = (direct or ordered)[0], (direct or ordered)[-1]
    responses = [(m.at, answered[m.id]) for m in direct if m.id in answered]
    gaps = [later.at - earlier.at for earlier, later in pairwise(direct)]
    by_fan = [message.at for message in direct if message.direction == "fan"]
    figures = Figures(
        start=first.at,
        end=last.at,
        direct_messages=len(direct),
        fan_messages=len(by_fan),
        mass_messages=sum(m.is_mass for m in others),
        offers=sum(is_offer(m) for m in direct),
        mass_offers=sum(is_offer(m) for m in others if m.is_mass),
        turns=sum(a.direction != b.direction for a, b in pairwise(direct)),
        silence_seconds=sum((gap for gap in gaps if gap > silence), 0.0),
        response_seconds=tuple(response.seconds for _, response in responses),
        unanswered=sum(m.id == waiting for m in direct),
        said=tuple(said for m in ordered if (said := _said(m)) is not None),
        answers=tuple(Answer(at, response.sender_id) for at, response in responses),
        fan_first=by_fan[0] if by_fan else None,
        fan_last=by_fan[-1] if by_fan else None,
    )
    return Conversation(
        id=f"{first.chat_id}:{first.id}",
        creator_id=first.creator_id,
        chat_id=first.chat_id,
        fan_id=first.fan_id,
        messages=tuple(ordered),
        figures=figures,
    )


def _said(message: Message) -> Said | None:
    """The message as `Figures.said` has it; None: it is a notice, or a broadcast of the fan."""
    if message.is_direct:
        by_fan = message.direction == "fan"
        return Said(message.at, "fan") if by_fan else Said(message.at, "creator", message.sender_id)
    is_own = message.is_mass and message.direction == "creator"
    return Said(message.at, "mass", message.sender_id) if is_own else None
