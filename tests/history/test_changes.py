"""What a history says that has changed, and what it counts of a creator."""

from hypothesis import given
from hypothesis import strategies as st

from chats.fan import FanState
from chats.message import Message
from history.history import History
from tests.actors.factories import HOUR, START, chat, empty_cache, enrich_pending, message
from tests.history.test_history import arrivals, filled, subscribed


class Follower:
    """What follows a history by what it says has changed: nodes by conversation, and the fans."""

    def __init__(self, cache: History) -> None:
        self._cache = cache
        self.nodes: dict[tuple[str, str], object] = {}
        self.fans: dict[tuple[str, str], FanState] = {}

    def follow(self) -> None:
        for (creator_id, chat_id), change in self._cache.take_changes().items():
            assert change.written.keys().isdisjoint(change.gone)
            for id in change.gone:
                self.nodes.pop((creator_id, id), None)
            cached = self._cache.look(creator_id, chat_id)
            if cached is None:
                self.fans.pop((creator_id, chat_id), None)
                continue
            self.nodes |= {(creator_id, id): cached.nodes[id] for id in change.written if id in cached.nodes}
            self.fans[creator_id, chat_id] = cached.fan_state()


@given(arrivals(), st.integers(1, 5), st.booleans(), st.sets(st.integers(0, 9)))
def test_who_follows_what_changed_has_what_the_history_has(
    messages: list[Message], size: int, is_renamed: bool, closed_after: set[int]
) -> None:
    cache = subscribed()
    follower = Follower(cache)
    for number, start in enumerate(range(0, len(messages), size)):
        cache.merge([], messages[start : start + size])
        if number == 2 and is_renamed:
            cache.merge([chat("own", fan_id="f1")], [])
        if number % 2:
            enrich_pending(cache)
            follower.follow()
        if number in closed_after:
            for key, _ in cache.packed():
                cache.close(key)
    enrich_pending(cache)
    follower.follow()
    chats = list(cache.of(None))
    expected = {(c.chat.creator_id, id): each for c in chats for id, each in c.nodes.items()}
    assert follower.nodes == expected
    assert follower.fans == {(c.chat.creator_id, c.chat.id): c.fan_state() for c in chats}
    assert cache.take_changes() == {}


@given(arrivals(), st.integers(1, 5), st.booleans())
def test_what_is_counted_of_a_creator_is_what_its_chats_have(
    messages: list[Message], size: int, is_renamed: bool
) -> None:
    cache = empty_cache()
    for start in range(0, len(messages), size):
        cache.merge([chat("own", fan_id="f1")] * is_renamed, messages[start : start + size])
        for creator_id in cache.creators():
            chats = list(cache.of(creator_id))
            pending = {(own.chat.id, each.id) for own in chats for each in own.pending()}
            assert cache.chats(creator_id) == len(chats)
            assert cache.size(creator_id) == sum(
                len(each.messages) for own in chats for each in own.conversations
            )
            assert cache.conversations(creator_id) == sum(len(own.conversations) for own in chats)
            assert {(each.chat_id, each.id) for each in cache.pending(creator_id)} == pending
            assert cache.is_complete(creator_id) == (not pending)
        if start % 2:
            enrich_pending(cache)


def test_a_snapshot_that_only_saw_the_chat_again_changes_nothing() -> None:
    cache = filled(message("m1", 0))
    cache.take_changes()
    assert cache.merge([chat(seen_at=START + HOUR)], []) == []
    assert cache.take_changes() == {}


def test_a_chat_under_a_new_id_has_moved_and_all_of_it_is_gone_from_the_old_one() -> None:
    cache = filled(message("m1", 0))
    cache.take_changes()
    cache.merge([chat("own", fan_id="f1")], [])
    changes = cache.take_changes()
    assert (changes["c1", "f1"].moved, [*changes["c1", "f1"].gone]) == (True, ["f1:m1"])
    assert not changes["c1", "own"].moved
