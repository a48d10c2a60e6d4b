from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chats.message import Message
from errors import IllegalTransition
from session.machine import (
    RETRY_MOST,
    Again,
    AnalyticsReady,
    AppendGraph,
    ComputeAnalytics,
    DeltaAccepted,
    Effect,
    Enrich,
    Enriched,
    GraphWritten,
    PublishAppend,
    PublishEnrichment,
    PublishError,
    PublishFullSync,
    PublishStatus,
    RebuildGraph,
    RetryLater,
    SnapshotAccepted,
    StageFailed,
    Status,
)
from tests.actors.factories import HOUR, MINUTE, analytics, chat, message
from tests.session.shell import Shell

EMPTY, PROCESSING, REALTIME, ERROR = Status

WHOLE = [Enrich, PublishEnrichment, RebuildGraph, ComputeAnalytics, PublishFullSync]
DELTA = [Enrich, PublishEnrichment, AppendGraph, PublishAppend]


def snapshot(sequence: int, *messages: Message, creator: str = "c1") -> SnapshotAccepted:
    chats = {m.chat_id: chat(m.chat_id, creator) for m in messages}
    return SnapshotAccepted(sequence, creator, tuple(chats.values()), messages)


def delta(sequence: int, *messages: Message, creator: str = "c1") -> DeltaAccepted:
    return DeltaAccepted(sequence, creator, messages)


def line(n: int, creator: str = "c1") -> Message:
    return message(f"m{n}", n * MINUTE, creator=creator)


def live() -> Shell:
    """A shell whose user is in REALTIME with the message m0."""
    shell = Shell()
    shell.feed(snapshot(1, line(0)))
    shell.settle()
    assert shell.state.status is REALTIME
    shell.log.clear()
    return shell


def kinds(effects: Sequence[Effect]) -> list[object]:
    """Effects by type, statuses by what they say."""
    return [e.status if isinstance(e, PublishStatus) else type(e) for e in effects]


def jobs(effects: Sequence[Effect]) -> list[tuple[str, bool, list[str]]]:
    """Every job that began: creator, whether it is a snapshot's, and the new messages it brings."""
    return [
        (e.job.creator_id, e.job.whole, [m.id for mark in e.job.touched for m in mark.new])
        for e in effects
        if isinstance(e, Enrich)
    ]


def test_a_snapshot_is_enriched_written_analysed_and_sent_before_realtime() -> None:
    shell = Shell()
    shell.feed(snapshot(1, line(0)))
    assert kinds(shell.log) == [PROCESSING, Enrich]
    shell.settle()
    assert kinds(shell.log) == [PROCESSING, *WHOLE, REALTIME]


def test_an_empty_snapshot_goes_through_the_same_steps() -> None:
    shell = Shell()
    shell.feed(SnapshotAccepted(1, "c1"))
    assert kinds(shell.log + shell.settle())[:2] == [PROCESSING, Enrich]
    assert kinds(shell.log) == [PROCESSING, *WHOLE, REALTIME]


def test_a_delta_is_enriched_written_and_appended_without_leaving_realtime() -> None:
    shell = live()
    shell.feed(delta(2, line(1)))
    shell.settle()
    assert kinds(shell.log) == DELTA
    [append] = [e for e in shell.log if isinstance(e, PublishAppend)]
    assert [m.id for m in append.job.touched[0].new] == ["m1"]
    assert (append.job.sequence, shell.state.sequence) == (2, 2)


def test_delta_before_snapshot_is_preceded_by_an_empty_snapshot_and_then_applied() -> None:
    shell = Shell()
    shell.feed(delta(1, line(0)))
    shell.settle()
    assert kinds(shell.log) == [PROCESSING, *WHOLE, *DELTA, REALTIME]
    assert shell.pages[0].appended == [("c1", "m0")]


def test_delta_before_snapshot_is_not_appended_again_when_the_snapshot_brings_it() -> None:
    shell = Shell()
    shell.feed(delta(1, line(5)))
    shell.feed(snapshot(2, line(0), line(5)))
    shell.settle()
    assert kinds(shell.log) == [PROCESSING, *WHOLE, *DELTA, *WHOLE, REALTIME]
    assert shell.pages[0].appended == [("c1", "m5")]
    assert shell.pages[0].shown.keys() == {("c1", "m0"), ("c1", "m5")}


def test_deltas_during_a_snapshot_are_applied_in_order_after_the_full_sync_and_before_realtime() -> None:
    shell = Shell()
    shell.feed(snapshot(1, line(0)))
    for sequence, n in enumerate((3, 1, 2), start=2):
        assert shell.feed(delta(sequence, line(n))) == []
    shell.settle()
    assert kinds(shell.log) == [PROCESSING, *WHOLE, *DELTA, REALTIME]
    assert shell.pages[0].appended == [("c1", "m1"), ("c1", "m2"), ("c1", "m3")]


def test_the_full_sync_shows_nothing_of_the_deltas_that_are_appended_after_it() -> None:
    shell = Shell()
    shell.feed(snapshot(1, line(0)))
    shell.feed(delta(2, line(1)))
    while not isinstance(shell.stage, ComputeAnalytics):
        shell.complete()
    effects = shell.state.handle(AnalyticsReady(shell.stage.job.number, analytics()))
    assert isinstance(next(effects), PublishFullSync)
    assert shell.held("c1").keys() == {("c1", "m0")}
    assert kinds(list(effects)) == [Enrich]
    assert shell.held("c1").keys() == {("c1", "m0"), ("c1", "m1")}


def test_deltas_that_wait_together_form_one_batch() -> None:
    shell = live()
    shell.feed(delta(2, line(1)))
    for n in (2, 3, 4):
        assert shell.feed(delta(n + 1, line(n))) == []
    assert jobs(shell.settle()) == [("c1", False, ["m2", "m3", "m4"])]
    assert kinds(shell.log) == [*DELTA, *DELTA]


def test_a_batch_ends_at_another_creator_and_at_a_snapshot() -> None:
    shell = live()
    shell.feed(delta(2, line(1)))
    shell.feed(delta(3, line(2)))
    shell.feed(delta(4, line(1, "c2"), creator="c2"))
    shell.feed(delta(5, line(3)))
    shell.feed(snapshot(6, line(4)))
    shell.feed(delta(7, line(5)))
    shell.settle()
    assert jobs(shell.log) == [
        ("c1", False, ["m1"]),
        ("c1", False, ["m2"]),
        ("c2", False, ["m1"]),
        ("c1", False, ["m3"]),
        ("c1", True, []),
        ("c1", False, ["m5"]),
    ]


def test_a_snapshot_in_realtime_goes_back_to_processing_and_drops_nothing() -> None:
    shell = live()
    shell.feed(delta(2, line(1)))
    shell.feed(snapshot(3, line(2)))
    shell.feed(delta(4, line(3)))
    shell.settle()
    assert kinds(shell.log) == [*DELTA, PROCESSING, *WHOLE, *DELTA, REALTIME]
    assert {id for _, id in shell.held(None)} == {"m0", "m1", "m2", "m3"}


def test_a_delta_that_comes_after_the_full_sync_does_not_hold_realtime_back() -> None:
    shell = Shell()
    shell.feed(snapshot(1, line(0)))
    shell.feed(delta(2, line(1)))
    while not any(isinstance(e, PublishFullSync) for e in shell.log):
        shell.complete()
    shell.feed(delta(3, line(2)))
    shell.settle()
    assert kinds(shell.log) == [PROCESSING, *WHOLE, *DELTA, REALTIME, *DELTA]


def test_only_what_is_not_enriched_yet_is_enriched() -> None:
    shell = live()
    shell.feed(snapshot(2, line(0), message("far", 100 * HOUR)))
    assert isinstance(shell.stage, Enrich)
    assert [c.id for c in shell.stage.conversations] == ["f1:far"]
    shell.settle()
    shell.feed(snapshot(3, line(0)))
    assert isinstance(shell.stage, Enrich)
    assert shell.stage.conversations == ()


@pytest.mark.parametrize("steps", range(3))
def test_a_failure_at_each_step_of_a_snapshot_is_told_and_tried_again(steps: int) -> None:
    shell = Shell()
    shell.feed(snapshot(1, line(0)))
    for _ in range(steps):
        shell.complete()
    error, status, retry = shell.fail()
    assert error == PublishError(1, "graph_unavailable", "The graph is away.")
    assert status == PublishStatus(1, ERROR, "The graph is away.")
    assert isinstance(retry, RetryLater)
    assert shell.state.job is None
    shell.log.clear()
    shell.feed(Again())
    shell.settle()
    assert kinds(shell.log) == [PROCESSING, *WHOLE, REALTIME]
    assert shell.graph == {"c1": {"f1:m0": 1}}


@pytest.mark.parametrize("steps", range(2))
def test_a_failed_delta_is_in_the_full_sync_that_follows_and_never_appended(steps: int) -> None:
    shell = live()
    shell.feed(delta(2, line(1)))
    for _ in range(steps):
        shell.complete()
    assert kinds(shell.fail()) == [PublishError, ERROR, RetryLater]
    shell.log.clear()
    shell.feed(Again())
    shell.settle()
    assert kinds(shell.log) == [PROCESSING, *WHOLE, REALTIME]
    assert shell.pages[0].appended == []
    assert shell.pages[0].shown.keys() == {("c1", "m0"), ("c1", "m1")}
    assert shell.graph == {"c1": {"f1:m0": 2}}


@pytest.mark.parametrize("event", [delta(9, line(2)), snapshot(9, line(2)), Again()])
def test_whatever_comes_after_a_failure_first_finishes_what_failed(event: Effect) -> None:
    shell = live()
    shell.feed(delta(2, line(1)))
    shell.fail()
    shell.log.clear()
    shell.feed(event)  # type: ignore[arg-type]
    assert kinds(shell.log) == [PROCESSING, Enrich]
    shell.settle()
    lines = {"m0", "m1"} if isinstance(event, Again) else {"m0", "m1", "m2"}
    assert {id for _, id in shell.pages[0].shown} == lines


def test_failures_of_two_creators_are_both_finished() -> None:
    shell = live()
    shell.feed(delta(2, line(1)))
    shell.feed(delta(3, line(1, "c2"), creator="c2"))
    shell.fail()  # c1
    shell.feed(Again())
    while shell.state.job is not None and shell.state.job.creator_id == "c1":
        shell.complete()
    shell.fail()  # c2
    shell.settle()
    assert shell.state.status is REALTIME
    assert shell.graph == {"c1": {"f1:m0": 2}, "c2": {"f1:m1": 1}}


def test_deltas_that_waited_while_a_snapshot_failed_are_applied_after_it() -> None:
    shell = Shell()
    shell.feed(snapshot(1, line(0)))
    shell.feed(delta(2, line(1)))
    shell.fail()
    shell.settle()
    assert kinds(shell.log)[-len(DELTA) - 1 :] == [*DELTA, REALTIME]
    assert shell.pages[0].appended == [("c1", "m1")]


def test_retries_wait_longer_each_time_up_to_a_limit_and_start_over_after_a_success() -> None:
    shell = Shell()
    shell.feed(snapshot(1, line(0)))
    waits = []
    for _ in range(1200):
        waits += [e.seconds for e in shell.fail() if isinstance(e, RetryLater)]
        shell.feed(Again())
    assert waits[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert set(waits[7:]) == {RETRY_MOST}
    shell.settle()
    shell.feed(delta(2, line(1)))
    assert RetryLater(1) in shell.fail()


def test_a_retry_that_is_no_longer_needed_does_nothing() -> None:
    shell = live()
    assert shell.feed(Again()) == []


@pytest.mark.parametrize(
    "event",
    [Enriched(7, ()), GraphWritten(7), AnalyticsReady(7, analytics()), StageFailed(7, "graph", "")],
)
def test_an_answer_to_a_job_that_is_not_in_hand_is_illegal(event: Enriched) -> None:
    shell = live()
    with pytest.raises(IllegalTransition, match="Job 7"):
        shell.feed(event)
    shell.feed(delta(2, line(1)))
    with pytest.raises(IllegalTransition, match="Job 7"):
        shell.feed(event)


def test_analytics_of_a_delta_are_illegal() -> None:
    shell = live()
    shell.feed(delta(2, line(1)))
    assert shell.state.job is not None
    with pytest.raises(IllegalTransition, match="delta"):
        shell.feed(AnalyticsReady(shell.state.job.number, analytics()))


@pytest.mark.parametrize("status", [EMPTY, ERROR])
def test_no_status_is_reached_from_where_it_may_not_follow(status: Status) -> None:
    shell = Shell()
    shell.feed(snapshot(1, line(0)))
    shell.state.status = status
    with pytest.raises(IllegalTransition, match="cannot become"):
        shell.fail()


CREATORS = ("c1", "c2")


@st.composite
def versions(draw: st.DrawFn) -> tuple[int, int]:
    """A message's number and version; the newest version of every third one is its deletion."""
    return draw(st.integers(0, 11)), draw(st.integers(0, 2))


def version_of(creator: str, number: int, version: int) -> Message:
    return message(
        f"m{number}",
        number * 4 * HOUR if number % 4 else number * HOUR,
        "creator" if number % 5 == 2 else "fan",
        chat=f"f{number % 2}",
        creator=creator,
        text=f"version {version}",
        changed_at=float(version) or None,
        is_deleted=version == 2 and number % 3 == 0,
    )


class AnyOrder(RuleBasedStateMachine):
    """Snapshots and deltas of two creators in any order, steps that succeed or fail, pages that come."""

    def __init__(self) -> None:
        super().__init__()
        self.shell = Shell()
        self.sequence = 0
        self.accepted: dict[tuple[str, int], int] = {}  # the newest version of each message

    def _take(self, creator: str, drawn: list[tuple[int, int]]) -> tuple[Message, ...]:
        self.sequence += max(1, len(drawn))
        for number, version in drawn:
            key = (creator, number)
            self.accepted[key] = max(version, self.accepted.get(key, 0))
        return tuple(version_of(creator, *each) for each in drawn)

    @rule(creator=st.sampled_from(CREATORS), drawn=st.lists(versions(), max_size=5))
    def snapshot(self, creator: str, drawn: list[tuple[int, int]]) -> None:
        messages = self._take(creator, drawn)
        self.shell.feed(snapshot(self.sequence, *messages, creator=creator))

    @rule(creator=st.sampled_from(CREATORS), drawn=st.lists(versions(), min_size=1, max_size=3))
    def delta(self, creator: str, drawn: list[tuple[int, int]]) -> None:
        messages = self._take(creator, drawn)
        self.shell.feed(delta(self.sequence, *messages, creator=creator))

    @precondition(lambda self: self.shell.stage is not None)
    @rule(steps=st.integers(1, 4))
    def succeed(self, steps: int) -> None:
        for _ in range(steps):
            if self.shell.stage is not None:
                self.shell.complete()

    @precondition(lambda self: self.shell.stage is not None)
    @rule()
    def fail(self) -> None:
        effects = self.shell.fail()
        assert kinds(effects)[:3] == [PublishError, ERROR, RetryLater]

    @precondition(lambda self: self.shell.retries)
    @rule()
    def wait_is_over(self) -> None:
        self.shell.retries -= 1
        self.shell.feed(Again())

    @rule(later=st.booleans())
    def connect(self, later: bool) -> None:
        if later:
            self.shell.visitor = True
        else:
            self.shell.visit()

    @rule(creator=st.sampled_from(CREATORS))
    def frames_are_lost(self, creator: str) -> None:
        if creator in self.shell.state.cache.creators():
            self.shell.state.redo(creator)
            self.shell.feed(Again())

    @rule(chats=st.integers(1, 4))
    def chats_are_closed(self, chats: int) -> None:
        cache = self.shell.state.cache
        for key in cache.beyond(0)[-chats:]:
            cache.close(key)

    @rule()
    def checkpoint(self) -> None:
        self.shell.checkpoint()

    @rule()
    def kill(self) -> None:
        self.shell.crash()

    @invariant()
    def one_job_is_in_hand_and_a_step_of_it_runs(self) -> None:
        assert (self.shell.stage is None) == (self.shell.state.job is None)

    @invariant()
    def at_rest_the_status_says_so(self) -> None:
        state = self.shell.state
        if state.job is None:
            assert state.status in (EMPTY, REALTIME, ERROR)
            assert state.status is ERROR or not state.inbox
            assert state.status is not EMPTY or not self.sequence or not state.sequence

    @invariant()
    def statuses_follow_each_other_as_they_may(self) -> None:
        told = self.shell.statuses()
        for status, following in pairwise(told):
            assert following in ((REALTIME, ERROR) if status is PROCESSING else (PROCESSING, ERROR))
            assert (status, following) != (ERROR, ERROR)
        assert (told[-1] if told else self.shell.began) is self.shell.state.status

    def teardown(self) -> None:
        shell = self.shell
        shell.settle()
        assert shell.state.status is (REALTIME if self.sequence else EMPTY)
        assert not shell.state.inbox
        assert shell.told in (REALTIME, None)  # a page that was told to wait is told that it is over
        assert shell.state.sequence == self.sequence
        newest = [version_of(creator, n, version) for (creator, n), version in self.accepted.items()]
        expected = {(m.creator_id, m.id): m.text for m in newest if not m.is_deleted}
        assert shell.held(None) == expected
        for page in shell.pages:
            assert page.shown == expected
        for creator in CREATORS:
            conversations = [c for chat in shell.state.cache.of(creator) for c in chat.conversations]
            assert shell.graph.get(creator, {}) == {c.id: c.figures.direct_messages for c in conversations}
            assert shell.state.cache.pending(creator) == []


AnyOrder.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_nothing_is_lost_or_shown_twice_in_any_order_of_events = AnyOrder.TestCase
