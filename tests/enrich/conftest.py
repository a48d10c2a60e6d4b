"""Chats made of plain lines."""

from collections.abc import Callable, Sequence

import pytest

from chats.conversation import Conversation, cut
from chats.message import Message

Lines = Sequence[str]


def chat_of(
    chat_id: str, lines: Lines, *, start: float = 1_700_000_000.0, step: float = 60.0
) -> list[Message]:
    """A chat in which fan and creator take turns, the fan first, `step` seconds apart."""
    return [
        Message(
            id=f"{chat_id}-{n}",
            creator_id="creator",
            chat_id=chat_id,
            fan_id=chat_id,
            direction="creator" if n % 2 else "fan",
            at=start + n * step,
            text=line,
        )
        for n, line in enumerate(lines)
    ]


def conversation_of(messages: Sequence[Message]) -> Conversation:
    (conversation,) = cut(messages, gap=6 * 3600, silence=300)
    return conversation


@pytest.fixture
def chat() -> Callable[..., list[Message]]:
    return chat_of


@pytest.fixture
def conversation() -> Callable[[Sequence[Message]], Conversation]:
    return conversation_of
