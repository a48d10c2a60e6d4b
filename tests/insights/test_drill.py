import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import InvalidInput
from graph.traversals import NamedRow
from insights.drill import Counted, page


def counted(start: int, account: str, id: str) -> Counted:
    row = NamedRow(conversation=id, chatId="f", fanId="f", startDate=start, endDate=start + 1, messageCount=1)
    return Counted(account, row, counted=2, amount=0.1)


places = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(("u/c", "u/d")), st.sampled_from("abcde")), unique=True
)


@given(places, st.integers(1, 4))
def test_the_pages_are_the_whole_in_order_and_each_tells_all_of_it(
    found: list[tuple[int, str, str]], limit: int
) -> None:
    every = [counted(*each) for each in found]
    cursor, listed = None, []
    while True:
        part = page(every, limit=limit, cursor=cursor)
        assert (part.total, part.counted) == (len(found), 2 * len(found))
        assert part.amount == (pytest.approx(len(found) / 10) if found else None)
        assert len(part.conversations) <= limit
        listed += [
            (int(each.startDate.timestamp()), f"{each.userId}/{each.creatorId}", each.conversationId)
            for each in part.conversations
        ]
        cursor = part.next
        if cursor is None:
            break
    assert listed == sorted(found)


@given(places, places)
def test_what_comes_or_goes_between_two_pages_neither_repeats_nor_hides_what_stays(
    before: list[tuple[int, str, str]], after: list[tuple[int, str, str]]
) -> None:
    first = page([counted(*each) for each in before], limit=2, cursor=None)
    if first.next is None:
        return
    second = page([counted(*each) for each in after], limit=100, cursor=first.next)
    shown = [(each.startDate, each.creatorId, each.conversationId) for each in first.conversations]
    rest = [(each.startDate, each.creatorId, each.conversationId) for each in second.conversations]
    assert not set(shown) & set(rest)
    assert len(rest) == sum(each > sorted(before)[1] for each in after)


@pytest.mark.parametrize("text", ["x", "[1,2,3]", "[]", '[1,"u/c"]', "[" * 100_000])
def test_a_cursor_that_no_answer_gave_is_refused(text: str) -> None:
    for cursor in (text, base64.urlsafe_b64encode(text.encode()).decode()):
        with pytest.raises(InvalidInput, match="cursor"):
            page([], limit=1, cursor=cursor)
