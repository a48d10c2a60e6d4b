"""Chats made of plain lines."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from chats.conversation import Conversation, cut
from chats.message import Message
from enrich.actions import head as action_head
from enrich.embedding import heads
from enrich.sentiment import score

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


@pytest.fixture
def other_model(tmp_path: Path) -> str:
    """The folder of a model that no head was trained for."""
    (tmp_path / "other.safetensors").write_bytes(b"weights")
    return str(tmp_path)


@pytest.fixture
def head_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder where the heads of every model are looked for."""
    monkeypatch.setattr(heads, "folder", lambda _: tmp_path)
    forget_heads()
    yield tmp_path
    forget_heads()


def forget_heads() -> None:
    for cached in (heads.head_of, heads.heads_of, score.readers, action_head._outputs):
        cached.cache_clear()
