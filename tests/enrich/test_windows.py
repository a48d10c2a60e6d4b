from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chats.message import Message
from enrich.topics.windows import window_vectors, windows

ChatOf = Callable[..., list[Message]]


def test_short_neighbours_share_a_window_and_long_ones_do_not(
    chat: ChatOf, conversation: Callable[..., object]
) -> None:
    ten = "one two three four five six seven eight nine ten"
    found = windows(conversation(chat("f", [ten] * 9)))  # type: ignore[arg-type]
    assert [(each.rows.start, each.rows.stop) for each in found] == [(0, 4), (4, 9)]


@given(
    lines=st.lists(st.sampled_from(["", " ", "ok", "a b c d e f g h", "word " * 50]), min_size=1, max_size=40)
)
def test_every_message_with_text_is_in_exactly_one_window(lines: list[str]) -> None:
    from chats.conversation import cut

    messages = [
        Message(id=f"{n}", creator_id="c", chat_id="f", fan_id="f", direction="fan", at=float(n), text=line)
        for n, line in enumerate(lines)
    ]
    (whole,) = cut(messages, gap=10, silence=5)
    rows = [row for each in windows(whole) for row in each.rows]
    assert rows == list(range(sum(bool(line.strip()) for line in lines)))


def test_long_messages_weigh_more(chat: ChatOf, conversation: Callable[..., object]) -> None:
    found = windows(conversation(chat("f", ["a", "b c d"])))  # type: ignore[arg-type]
    vectors = np.eye(2, dtype=np.float32)
    (mean,) = window_vectors([len(each.rows) for each in found], vectors, np.array([1, 3]))
    assert np.allclose(mean, np.array([1, 3]) / np.sqrt(10))
