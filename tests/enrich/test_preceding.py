"""What precedes a message: the few direct ones before it, the same in any company."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chats.message import Direction, Message
from enrich.actions import head as action_head
from enrich.preceding import WITHIN, Preceding, alone, preceding
from enrich.sentiment import score

Said = tuple[Message, str | None]  # and its language

NUMBERS = st.floats(0, 1, width=32)


def message(text: str, by: Direction, *, is_mass: bool = False) -> Message:
    return Message(
        id="", creator_id="", chat_id="", fan_id="", direction=by, at=0.0, text=text, is_mass=is_mass
    )


def said() -> st.SearchStrategy[list[Said]]:
    by: st.SearchStrategy[Direction] = st.sampled_from(["fan", "creator"])
    own = st.builds(message, st.sampled_from("abc"), by, is_mass=st.sampled_from([False, False, True]))
    return st.lists(st.tuples(own, st.sampled_from(["en", None, "es"])), max_size=12)


def of(*conversations: Sequence[Said]) -> Preceding:
    tongues = [tongue for _, tongue in chain(*conversations)]
    return preceding([[each for each, _ in own] for own in conversations], tongues)


def numbers(before: Preceding, told: Sequence[tuple[float, float]]) -> list[list[float]]:
    """All that heads know of contexts, where this is told of each text alone."""
    shares = np.array(told, np.float64).reshape(-1, 2)
    both = score.context(before, shares), action_head.context(before, shares[:, 0])
    assert both[0].shape[1] == score.CONTEXT
    assert both[1].shape[1] == action_head.CONTEXT
    rows: list[list[float]] = np.concatenate(both, axis=1).tolist()
    return rows


@given(said())
def test_a_message_is_preceded_by_the_direct_ones_before_it_that_are_read_like_it(own: list[Said]) -> None:
    found = of(own)
    for row, (message, tongue) in enumerate(own):
        before = [at for at in range(row) if own[at][0].is_direct and own[at][1] in ("en", None)]
        is_alone = not message.is_direct or tongue == "es"
        expected = [] if is_alone else before[::-1][:WITHIN]
        assert [at for at in found.rows[row].tolist() if at >= 0] == expected
        same = [own[at][0].direction == message.direction for at in expected]
        assert found.by_own[row].tolist() == same + [False] * (WITHIN - len(same))
        assert found.by_other[row].tolist() == [not each for each in same] + [False] * (WITHIN - len(same))


@given(st.lists(said(), min_size=1, max_size=4), st.data())
def test_what_is_known_of_a_context_is_the_same_to_the_bit_in_any_company(
    conversations: list[list[Said]], data: st.DataObject
) -> None:
    count = sum(map(len, conversations))
    told = data.draw(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=count, max_size=count))
    together, digests = numbers(of(*conversations), told), _digests(*conversations)
    start = 0
    for own in conversations:
        rows = slice(start, start := start + len(own))
        assert numbers(of(own), told[rows]) == together[rows]
        assert _digests(own) == digests[rows]


@given(said(), st.data())
def test_another_text_is_another_context_for_those_that_it_precedes_alone(
    own: list[Said], data: st.DataObject
) -> None:
    if not own:
        return
    at = data.draw(st.integers(0, len(own) - 1))
    changed = [*own]
    changed[at] = (message("another text", own[at][0].direction, is_mass=own[at][0].is_mass), own[at][1])
    differ = [row for row, (a, b) in enumerate(zip(_digests(own), _digests(changed), strict=True)) if a != b]
    assert differ == [row for row, before in enumerate(of(own).rows.tolist()) if at in before]


def test_where_nothing_precedes_nothing_is_known() -> None:
    first = message("hey", "fan"), "en"
    assert not np.any(numbers(of([first], [first]), [(0.7, 0.2)] * 2))
    assert not np.any(numbers(alone(3), [(0.7, 0.2)] * 3))
    assert numbers(of(), []) == []


def test_what_was_felt_lately_counts_by_side_and_the_nearer_the_more() -> None:
    own = [(message("x", by), "en") for by in ("fan", "creator", "fan", "fan")]
    found = numbers(of(own), [(0.5, 0.0), (0.25, 0.5), (0.5, 0.0), (0.9, 0.9)])[3]
    of_sentiment, of_actions = found[: score.CONTEXT], found[score.CONTEXT :]
    once = 1 - (1 - 0.5) * (1 - 0.64 * 0.5)
    assert np.allclose(of_sentiment, [1, 1, 0.8 * 0.25, 0.8 * 0.5, once, 0])
    assert np.allclose(of_actions, [1, 1, once])


@given(said(), st.data())
def test_what_is_known_of_a_context_never_counts_for_more_than_certainty(
    own: list[Said], data: st.DataObject
) -> None:
    """However long somebody went on: what is said next is still read."""
    told = data.draw(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=len(own), max_size=len(own)))
    assert all(0 <= each <= 1 for row in numbers(of(own), told) for each in row)


def _digests(*conversations: Sequence[Said]) -> list[int]:
    both = [each for each, _ in chain(*conversations)]
    return of(*conversations).digests([each.text for each in both], [each.direction for each in both])
