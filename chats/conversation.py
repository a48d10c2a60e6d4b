"""Cutting a chat into conversations, and the figures of each. Pure; definitions in docs/metrics.md.

A chat is all messages between one creator and one fan. A conversation is a maximal run of its messages in
which no two neighbours are further apart than the conversation gap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from chats.message import Message


@dataclass(frozen=True, slots=True)
class Figures:
    """What a conversation's times and directions say. Seconds throughout."""

    start: float
    end: float
    message_count: int
    turns: int  # direction switches inside the conversation
    silence_seconds: float  # time inside gaps longer than the silence threshold
    response_seconds: tuple[float, ...]  # of every fan run that began here and was answered
    unanswered: int  # fan runs that began here and still wait (0 or 1)

    @property
    def duration(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Conversation:
    """A cut of a chat. `id` is `{chat_id}:{first message id}`, unique inside a creator."""

    id: str
    creator_id: str
    chat_id: str
    fan_id: str
    messages: tuple[Message, ...]
    figures: Figures


def cut(messages: Iterable[Message], *, gap: float, silence: float) -> list[Conversation]:
    """Cut one chat's messages (any order, ids unique) into conversations, oldest first.

    `gap` and `silence` are seconds: a conversation ends where neighbours are more than `gap` apart;
    silence is time inside gaps longer than `silence`.
    """
    ordered = sorted((m for m in messages if not m.is_deleted), key=lambda m: m.order)
    groups: list[list[Message]] = []
    for message in ordered:
        if groups and message.at - groups[-1][-1].at <= gap:
            groups[-1].append(message)
        else:
            groups.append([message])
    answered, waiting = _responses(ordered)
    return [_conversation(group, answered, waiting, silence) for group in groups]


def waiting_since(messages: Sequence[Message]) -> float | None:
    """When the fan run that nobody answered yet began; None when the last word is the creator's."""
    since = None
    for message in sorted((m for m in messages if not m.is_deleted), key=lambda m: m.order):
        if message.direction == "creator":
            since = None
        elif since is None:
            since = message.at
    return since


def _responses(ordered: Sequence[Message]) -> tuple[dict[str, float], str | None]:
    """Response time in seconds by the id of the message that opened the fan run, and the run still open."""
    answered: dict[str, float] = {}
    opened: Message | None = None
    for message in ordered:
        if message.direction == "fan":
            opened = opened or message
        elif opened is not None:
            answered[opened.id] = message.at - opened.at
            opened = None
    return answered, opened.id if opened else None


def _conversation(
    group: Sequence[Message], answered: dict[str, float], waiting: str | None, silence: float
) -> Conversation:
    first = group[0]
    gaps = [later.at - earlier.at for earlier, later in pairwise(group)]
    figures = Figures(
        start=first.at,
        end=group[-1].at,
        message_count=len(group),
        turns=sum(a.direction != b.direction for a, b in pairwise(group)),
        silence_seconds=sum(gap for gap in gaps if gap > silence),
        response_seconds=tuple(answered[m.id] for m in group if m.id in answered),
        unanswered=sum(m.id == waiting for m in group),
    )
    return Conversation(
        id=f"{first.chat_id}:{first.id}",
        creator_id=first.creator_id,
        chat_id=first.chat_id,
        fan_id=first.fan_id,
        messages=tuple(group),
        figures=figures,
    )
