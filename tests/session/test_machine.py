from collections.abc import Sequence
from types import NoneType

import pytest

from chats.conversation import Conversation
from chats.message import Message
from errors import IllegalTransition
from history.history import MANY_MESSAGES
from session.machine import (
    FEW_CHATS,
    RETRY_MOST,
    SHARE,
    Again,
    DeltaAccepted,
    Effect,
    Enrich,
    Enriched,
    Event,
    Failed,
    NodesReady,
    PublishAppend,
    PublishEnrichment,
    PublishError,
    PublishFullSync,
    PublishStatus,
    Redo,
    RetryLater,
    SnapshotAccepted,
    Status,
    UserState,
)
from steps import finished
from tests.actors.factories import HOUR, MINUTE, chat, empty_cache, message, node

EMPTY, PROCESSING, REALTIME, ERROR = Status

WHOLE = [Enrich, PublishEnrichment, PublishFullSync]
SMALL = [Enrich, PublishEnrichment, PublishAppend]


class Machine:
    """A machine with the effects that it asked for. What it is to have enriched is done by hand."""

    def __init__(self) -> None:
        self.state = UserState(empty_cache())
        self.log: list[Effect] = []
        self.in_hand: Enrich | None = None

    def feed(self, event: Event) -> list[Effect]:
        """The effects that follow, but for pauses."""
        effects: list[Effect] = []
        for effect in self.state.handle(event):
            if effect is None:
                continue
            effects.append(effect)
            if isinstance(effect, Enrich):
                assert self.in_hand is None, "one job at a time"
                self.in_hand = effect
        self.log += effects
        return effects

    def complete(self) -> list[Effect]:
        """Have the job in hand enriched."""
        assert self.in_hand is not None
        job, conversations = self.in_hand.job, self.waiting()
        self.in_hand, cache = None, self.state.history
        nodes = tuple(node(each, cache.get(each.creator_id, each.chat_id)) for each in conversations)
        assert self.feed(NodesReady(nodes)) == []
        return self.feed(Enriched(job.number))

    def waiting(self) -> list[Conversation]:
        """What the job in hand is to have enriched."""
        assert self.in_hand is not None
        job = self.in_hand.job
        return list(self.state.history.pending(job.creator_id, job.chat_ids))

    def fail(self) -> list[Effect]:
        """Have the job in hand fail."""
        assert self.in_hand is not None
        job, self.in_hand = self.in_hand.job, None
        return self.feed(Failed(job.number, "enrichment", "It failed."))

    def settle(self) -> list[Effect]:
        """Let everything succeed until nothing is in hand; returns all effects."""
        before = len(self.log)
        while self.in_hand is not None or self.state.status is ERROR:
            if self.in_hand is None:
                self.feed(Again())
            else:
                self.complete()
        return self.log[before:]

    def held(self) -> set[str]:
        return {said.id for cached in self.state.history.of(None) for said in cached.ordered()}


def snapshot(sequence: int, *messages: Message, creator: str = "c1") -> SnapshotAccepted:
    chats = {m.chat_id: chat(m.chat_id, creator) for m in messages}
    return SnapshotAccepted(sequence, creator, tuple(chats.values()), messages)


def delta(sequence: int, *messages: Message, creator: str = "c1") -> DeltaAccepted:
    return DeltaAccepted(sequence, creator, messages)


def line(n: int, creator: str = "c1", chat: str = "f1") -> Message:
    return message(f"m{n}", n * MINUTE, creator=creator, chat=chat)


def begun() -> Machine:
    """With the first snapshot, of the message m0, in hand."""
    machine = Machine()
    machine.feed(snapshot(1, line(0)))
    return machine


def live() -> Machine:
    """In REALTIME with the message m0."""
    machine = begun()
    machine.settle()
    assert machine.state.status is REALTIME
    machine.log.clear()
    return machine


def kinds(effects: Sequence[Effect]) -> list[object]:
    """Effects by type, statuses by what they say."""
    return [e.status if isinstance(e, PublishStatus) else type(e) for e in effects]


def jobs(effects: Sequence[Effect]) -> list[tuple[str, bool, list[str]]]:
    """Every job that began: creator, whether it is whole, and the new messages it brings."""
    return [
        (e.job.creator_id, e.job.whole, [m.id for mark in e.job.touched for m in mark.new])
        for e in effects
        if isinstance(e, Enrich)
    ]


def appended(effects: Sequence[Effect]) -> list[str]:
    """The messages that pages append."""
    marks = [mark for e in effects if isinstance(e, PublishAppend) for mark in e.job.touched]
    return [said.id for mark in marks for said in mark.new]


def test_the_first_snapshot_is_enriched_and_sent_whole_before_realtime() -> None:
    machine = begun()
    assert kinds(machine.log) == [PROCESSING, Enrich]
    machine.settle()
    assert kinds(machine.log) == [PROCESSING, *WHOLE, REALTIME]


def test_an_empty_first_snapshot_is_sent_whole_as_well() -> None:
    machine = Machine()
    machine.feed(SnapshotAccepted(1, "c1"))
    machine.settle()
    assert kinds(machine.log) == [PROCESSING, *WHOLE, REALTIME]


def test_a_delta_is_enriched_and_appended_without_leaving_realtime() -> None:
    machine = live()
    machine.feed(delta(2, line(1)))
    machine.settle()
    assert kinds(machine.log) == SMALL
    assert appended(machine.log) == ["m1"]
    [append] = [e for e in machine.log if isinstance(e, PublishAppend)]
    assert (append.job.sequence, machine.state.sequence) == (2, 2)


def test_delta_before_snapshot_is_applied_after_an_empty_whole_job() -> None:
    machine = Machine()
    machine.feed(delta(1, line(0)))
    assert machine.held() == set()
    machine.settle()
    assert kinds(machine.log) == [PROCESSING, *WHOLE, *SMALL, REALTIME]
    assert appended(machine.log) == ["m0"]


def test_delta_before_snapshot_is_not_appended_again_when_the_snapshot_brings_it() -> None:
    machine = Machine()
    machine.feed(delta(1, line(5)))
    machine.feed(snapshot(2, line(0), line(5)))
    machine.settle()
    assert kinds(machine.log) == [PROCESSING, *WHOLE, *SMALL, *SMALL, REALTIME]
    assert appended(machine.log) == ["m5", "m0"]


def test_a_snapshot_without_news_makes_no_job_no_status_and_no_frames() -> None:
    machine = live()
    assert machine.feed(snapshot(2, line(0))) == []
    assert (machine.state.sequence, machine.state.understood) == (2, 2)
    assert machine.state.status is REALTIME


def test_a_snapshot_with_little_news_is_appended() -> None:
    machine = live()
    machine.feed(snapshot(2, line(0), line(1)))
    machine.settle()
    assert kinds(machine.log) == SMALL
    assert appended(machine.log) == ["m1"]


@pytest.mark.parametrize("event", [snapshot, delta])
def test_news_in_many_chats_is_sent_whole_however_it_comes(event: type) -> None:
    machine = live()
    many = [line(n, chat=f"f{n}") for n in range(1, FEW_CHATS + 2)]
    machine.feed(event(2, *many))
    machine.settle()
    assert kinds(machine.log) == [PROCESSING, *WHOLE, REALTIME]


@pytest.mark.parametrize("event", [snapshot, delta])
def test_news_in_few_chats_is_appended_however_it_comes(event: type) -> None:
    machine = live()
    machine.feed(delta(2, *(line(n) for n in range(1, 2 * FEW_CHATS))))
    machine.settle()
    machine.log.clear()
    machine.feed(event(3, *(line(n, chat=f"f{n}") for n in range(2, FEW_CHATS + 2))))
    machine.settle()
    assert kinds(machine.log) == SMALL


def test_a_snapshot_that_is_mostly_new_is_sent_whole() -> None:
    machine = live()
    machine.feed(snapshot(2, line(0), line(1), line(2)))
    machine.settle()
    assert kinds(machine.log) == [PROCESSING, *WHOLE, REALTIME]


def test_news_in_a_small_part_of_many_chats_is_appended() -> None:
    machine = Machine()
    chats = SHARE * (FEW_CHATS + 10)
    machine.feed(snapshot(1, *(line(n, chat=f"f{n}") for n in range(chats))))
    machine.settle()
    machine.log.clear()
    machine.feed(snapshot(2, *(message("new", 99 * MINUTE, chat=f"f{n}") for n in range(FEW_CHATS + 10))))
    machine.settle()
    assert kinds(machine.log) == SMALL


def test_very_many_messages_of_one_chat_are_sent_whole() -> None:
    machine = live()
    machine.feed(delta(2, *(message(f"n{n}", n) for n in range(MANY_MESSAGES + 1))))
    assert kinds(machine.log) == [PROCESSING, Enrich]


def test_a_chat_that_is_known_by_another_id_now_is_sent_whole() -> None:
    machine = live()
    machine.feed(SnapshotAccepted(2, "c1", (chat("own", fan_id="f1"),)))
    assert [(creator, whole) for creator, whole, _ in jobs(machine.log)] == [("c1", True)]


def test_the_first_snapshot_of_another_creator_is_sent_whole() -> None:
    machine = live()
    machine.feed(snapshot(2, line(0, "c2"), creator="c2"))
    machine.settle()
    assert kinds(machine.log) == [PROCESSING, *WHOLE, REALTIME]
    assert jobs(machine.log) == [("c2", True, [])]


def test_deltas_during_a_snapshot_are_applied_in_order_after_the_full_sync_and_before_realtime() -> None:
    machine = begun()
    for sequence, n in enumerate((3, 1, 2), start=2):
        assert machine.feed(delta(sequence, line(n))) == []
    machine.settle()
    assert kinds(machine.log) == [PROCESSING, *WHOLE, *SMALL, REALTIME]
    assert appended(machine.log) == ["m1", "m2", "m3"]


def test_a_full_sync_shows_nothing_of_the_deltas_that_are_appended_after_it() -> None:
    machine = begun()
    machine.feed(delta(2, line(1)))
    assert machine.in_hand is not None
    effects = machine.state.handle(Enriched(machine.in_hand.job.number))
    assert isinstance(next(effects), PublishEnrichment)
    assert isinstance(next(effects), PublishFullSync)
    assert machine.held() == {"m0"}
    assert kinds(list(effects)) == [NoneType, Enrich]
    assert machine.held() == {"m0", "m1"}


def test_deltas_that_wait_together_form_one_batch() -> None:
    machine = live()
    machine.feed(delta(2, line(1)))
    for n in (2, 3, 4):
        assert machine.feed(delta(n + 1, line(n))) == []
    assert jobs(machine.settle()) == [("c1", False, ["m2", "m3", "m4"])]
    assert kinds(machine.log) == [*SMALL, *SMALL]


def test_a_batch_ends_at_another_creator_and_at_a_snapshot() -> None:
    machine = live()
    machine.feed(delta(2, line(1)))
    machine.feed(delta(3, line(2)))
    machine.feed(delta(4, line(1, "c2"), creator="c2"))
    machine.feed(delta(5, line(3)))
    machine.feed(snapshot(6, line(4)))
    machine.feed(delta(7, line(5)))
    machine.settle()
    assert jobs(machine.log) == [
        ("c1", False, ["m1"]),
        ("c1", False, ["m2"]),
        ("c2", False, ["m1"]),
        ("c1", False, ["m3"]),
        ("c1", False, ["m4"]),
        ("c1", False, ["m5"]),
    ]


def test_a_delta_that_comes_after_the_full_sync_does_not_hold_realtime_back() -> None:
    machine = begun()
    machine.feed(delta(2, line(1)))
    machine.complete()  # the snapshot
    machine.feed(delta(3, line(2)))
    machine.settle()
    assert kinds(machine.log) == [PROCESSING, *WHOLE, *SMALL, REALTIME, *SMALL]


def test_only_what_is_not_enriched_yet_is_enriched() -> None:
    machine = live()
    machine.feed(snapshot(2, line(0), message("far", 100 * HOUR)))
    assert machine.in_hand is not None
    assert [c.id for c in machine.waiting()] == ["f1:far"]


def test_what_a_creator_has_is_told_anew_without_enriching_it_again() -> None:
    machine = live()
    machine.feed(Redo("c1"))
    assert machine.in_hand is not None
    assert machine.waiting() == []
    machine.settle()
    assert kinds(machine.log) == [PROCESSING, *WHOLE, REALTIME]


def test_parts_are_taken_in_while_the_job_goes_on() -> None:
    machine = begun()
    assert machine.in_hand is not None
    [conversation] = machine.waiting()
    assert machine.feed(NodesReady((node(conversation),))) == []
    assert list(machine.state.history.pending("c1")) == []
    assert machine.state.job is not None


def test_a_failure_is_told_and_the_job_is_begun_again_after_the_wait() -> None:
    machine = begun()
    error, status, retry = machine.fail()
    assert error == PublishError(1, "enrichment", "It failed.")
    assert status == PublishStatus(1, ERROR, "It failed.")
    assert isinstance(retry, RetryLater)
    assert machine.state.job is None
    machine.log.clear()
    machine.settle()
    assert kinds(machine.log) == [PROCESSING, *WHOLE, REALTIME]


def test_a_failed_small_job_is_begun_again_as_a_small_job_and_appended_once() -> None:
    machine = live()
    machine.feed(delta(2, line(1)))
    assert kinds(machine.fail()) == [PublishError, ERROR, RetryLater]
    machine.log.clear()
    machine.feed(Again())
    assert jobs(machine.log) == [("c1", False, ["m1"])]
    machine.settle()
    assert kinds(machine.log) == [PROCESSING, *SMALL, REALTIME]
    assert appended(machine.log) == ["m1"]


@pytest.mark.parametrize("event", [delta(9, line(2)), snapshot(9, line(2)), Redo("c1")])
def test_in_error_only_the_end_of_the_wait_begins_anything(event: Event) -> None:
    machine = live()
    machine.feed(delta(2, line(1)))
    machine.fail()
    machine.log.clear()
    assert machine.feed(event) == []
    machine.feed(Again())
    assert kinds(machine.log) == [PROCESSING, Enrich]
    machine.settle()
    assert machine.state.status is REALTIME
    assert machine.held() == {"m0", "m1"} | (set() if isinstance(event, Redo) else {"m2"})
    assert not machine.state.inbox


def test_what_waited_while_a_job_failed_is_applied_after_it() -> None:
    machine = begun()
    machine.feed(delta(2, line(1)))
    machine.fail()
    machine.settle()
    assert kinds(machine.log)[-len(SMALL) - 1 :] == [*SMALL, REALTIME]
    assert appended(machine.log) == ["m1"]


def test_failures_of_two_creators_are_both_finished() -> None:
    machine = live()
    machine.feed(delta(2, line(1)))
    machine.feed(delta(3, line(1, "c2"), creator="c2"))
    machine.fail()  # c1
    machine.feed(Again())
    machine.complete()  # c1
    machine.fail()  # c2
    machine.settle()
    assert machine.state.status is REALTIME
    assert appended(machine.log) == ["m1", "m1"]
    assert machine.state.unfinished() == []


def test_retries_wait_longer_each_time_up_to_a_limit_and_start_over_after_a_success() -> None:
    machine = begun()
    waits = []
    for _ in range(1200):
        waits += [e.seconds for e in machine.fail() if isinstance(e, RetryLater)]
        machine.feed(Again())
    assert waits[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert set(waits[7:]) == {RETRY_MOST}
    machine.settle()
    machine.feed(delta(2, line(1)))
    assert RetryLater(1) in machine.fail()


def test_a_wait_that_is_no_longer_needed_does_nothing() -> None:
    machine = live()
    assert machine.feed(Again()) == []


@pytest.mark.parametrize("event", [Enriched(7), Failed(7, "enrichment", "")])
def test_an_answer_to_a_job_that_is_not_in_hand_is_illegal(event: Event) -> None:
    machine = live()
    with pytest.raises(IllegalTransition, match="Job 7"):
        machine.feed(event)
    machine.feed(delta(2, line(1)))
    with pytest.raises(IllegalTransition, match="Job 7"):
        machine.feed(event)


@pytest.mark.parametrize("status", [EMPTY, ERROR])
def test_no_status_is_reached_from_where_it_may_not_follow(status: Status) -> None:
    machine = begun()
    machine.state.status = status
    with pytest.raises(IllegalTransition, match="cannot become"):
        machine.fail()


def test_a_new_owner_tells_anew_whom_the_journal_has_something_of_and_nobody_else() -> None:
    before = live()
    machine = Machine()
    for key, packed in before.state.history.packed():
        machine.state.history.load(key, packed, enriched=True)
    machine.state.restore(1, [])
    finished(machine.state.replay(snapshot(2, line(0, "c2"), creator="c2")))
    machine.feed(Again())
    machine.settle()
    assert jobs(machine.log) == [("c2", True, [])]
    assert kinds(machine.log) == [PROCESSING, *WHOLE, REALTIME]


def test_what_is_in_hand_failed_or_to_be_told_anew_is_unfinished() -> None:
    machine = live()
    assert machine.state.unfinished() == []
    machine.feed(delta(2, line(1)))
    assert machine.state.unfinished() == ["c1"]
    machine.feed(Redo("c2"))
    assert machine.state.unfinished() == ["c1", "c2"]
    machine.fail()
    assert machine.state.unfinished() == ["c1", "c2"]


def test_input_is_understood_when_its_job_is_done() -> None:
    machine = live()
    machine.feed(delta(2, line(1)))
    machine.feed(delta(3, line(2)))
    assert machine.state.understood == 1
    machine.complete()
    assert machine.state.understood == 2
    machine.complete()
    assert machine.state.understood == 3
