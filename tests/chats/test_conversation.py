import itertools
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from chats.conversation import PAUSES, Conversation, Figures, cut, existing, open_run
from chats.message import ASSUMED, INFERRED, Direction, Message

HOUR, MINUTE = 3600.0, 60.0
GAP, SILENCE = 6 * HOUR, 5 * MINUTE
MIDNIGHT = 1_714_521_600.0  # 2024-05-01T00:00:00Z


def message(id: str, at: float, by: Direction, **more: Any) -> Message:
    return Message(id=id, creator_id="c1", chat_id="f1", fan_id="f1", direction=by, at=at, **more)


def talk(*lines: str) -> list[Message]:
    """Messages from lines such as `F 10:01`, their ids counted from 1; M is a mass message, N a notice."""
    found = []
    for n, line in enumerate(lines, start=1):
        by, time = line.split()
        hours, minutes = map(int, time.split(":"))
        direction: Direction = "fan" if by in "FN" else "creator"
        at = MIDNIGHT + hours * HOUR + minutes * MINUTE
        found.append(message(str(n), at, direction, is_mass=by == "M", is_notice=by == "N"))
    return found


def cut_up(messages: list[Message], *, gap: float = GAP, silence: float = SILENCE) -> list[Conversation]:
    return cut(messages, gap=gap, silence=silence)


def test_the_worked_example_has_the_figures_of_the_metric_definitions() -> None:
    a, b = cut_up(talk("F 10:00", "F 10:01", "C 10:11", "F 10:12", "F 20:00", "C 20:30"))
    assert (a.id, b.id) == ("f1:1", "f1:5")
    assert (a.figures.duration, b.figures.duration) == (12 * MINUTE, 30 * MINUTE)
    assert (a.figures.turns, b.figures.turns) == (2, 1)
    assert (a.figures.silence_seconds, b.figures.silence_seconds) == (10 * MINUTE, 30 * MINUTE)
    assert a.figures.response_seconds == (660, 37_080)
    assert b.figures.response_seconds == ()
    assert (a.figures.unanswered, b.figures.unanswered) == (0, 0)
    assert (a.figures.direct_messages, b.figures.direct_messages) == (4, 2)


def test_an_answer_is_of_who_sent_it_in_whatever_conversation() -> None:
    said = talk("F 10:00", "C 10:05", "F 10:10", "M 12:00", "C 20:00")
    senders = (None, "anna", None, "bob", "cleo")
    told = [structs.replace(m, sender_id=sender) for m, sender in zip(said, senders, strict=True)]
    first, second = cut_up(told)
    assert [each.sender_id for each in first.figures.answers] == ["anna", "cleo"]
    assert [each.asked_at for each in first.figures.answers] == [said[0].at, said[2].at]
    assert [(each.kind, each.sender_id) for each in first.figures.said] == [
        *(("fan", None), ("creator", "anna"), ("fan", None), ("mass", "bob")),
    ]
    assert [(each.kind, each.sender_id) for each in second.figures.said] == [("creator", "cleo")]


def test_an_echo_is_of_whom_the_captured_send_says_unless_it_says_it_itself() -> None:
    captured = message(
        "msg_1714521700000_1",
        MIDNIGHT,
        "creator",
        text="hi",
        older=(("at", ASSUMED),),
        sender_id="anna",
        sender_at=0.0,
    )
    for own, expected in (
        ({}, "anna"),
        ({"sender_id": "bob", "sender_at": INFERRED}, "anna"),
        ({"sender_id": "bob", "sender_at": 0.0}, "bob"),
    ):
        echo = message("71", MIDNIGHT + 2, "creator", text="hi", **own)
        assert [(m.id, m.sender_id) for m in existing([captured, echo])] == [("71", expected)]


def direct_figures(conversation: Conversation) -> Figures:
    """The figures without what mass messages and notices add to them."""
    figures = conversation.figures
    direct = tuple(each for each in figures.said if each.kind != "mass")
    return replace(figures, mass_messages=0, said=direct)


@pytest.mark.parametrize("others", [["M 33:00"], ["M 33:00", "M 10:05"], ["N 10:05", "M 33:00", "M 22:00"]])
def test_mass_messages_and_notices_change_no_figure_of_the_worked_example(others: list[str]) -> None:
    example = ["F 10:00", "F 10:01", "C 10:11", "F 10:12", "F 20:00", "C 20:30"]
    alone, beside = cut_up(talk(*example)), cut_up(talk(*example, *others))
    assert next(each.figures for each in beside if each.stands_alone).mass_messages == 1
    spoken = [direct_figures(each) for each in beside if not each.stands_alone]
    assert spoken == [each.figures for each in alone]


def test_a_mass_message_belongs_to_the_conversation_that_follows_it_within_the_gap() -> None:
    lines = ["F 10:00", "F 10:01", "C 10:11", "F 10:12", "F 20:00", "C 20:30", "M 27:00", "F 32:00"]
    *_, last = cut_up(talk(*lines))
    assert ([m.id for m in last.messages], last.id) == (["7", "8"], "f1:8")
    assert last.figures.start == MIDNIGHT + 32 * HOUR


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["M 04:00", "F 10:00"], [["1", "2"]]),
        (["M 03:59", "F 10:00"], [["1"], ["2"]]),
        (["F 10:00", "M 16:00"], [["1", "2"]]),
        (["F 10:00", "M 16:01"], [["1"], ["2"]]),
        (["F 10:00", "M 13:00", "F 17:00"], [["1"], ["2", "3"]]),  # the fan answers the broadcast
        (["M 01:00", "M 02:00", "N 03:00"], [["1"], ["2"], ["3"]]),  # they glue nothing together
        (["F 01:00", "M 06:00", "M 11:00", "F 16:00"], [["1", "2"], ["3", "4"]]),
    ],
)
def test_what_is_not_direct_joins_a_conversation_or_stands_alone(
    lines: list[str], expected: list[list[str]]
) -> None:
    assert [[m.id for m in each.messages] for each in cut_up(talk(*lines))] == expected


def test_a_mass_message_and_a_notice_answer_nobody() -> None:
    said = talk("F 10:00", "M 10:01", "N 10:02", "C 14:00")
    [conversation] = cut_up(said)
    assert conversation.figures.response_seconds == (4 * HOUR,)
    assert [m.id for m in open_run(existing(said[:3]))] == ["1"]


def test_a_captured_send_and_its_echo_are_one_message() -> None:
    def sent(id: str, at: float, text: str = "hi") -> Message:
        unsaid = (("at", ASSUMED),) if id.startswith("msg") else ()
        return message(id, MIDNIGHT + at, "creator", text=text, older=unsaid)

    captured = [
        sent("msg_1714521600000_0", 0),
        sent("msg_1714521605000_1", 5),
        sent("msg_1714521700000_2", 900),
    ]
    echoes = [sent("71", 2), sent("72", 7), sent("73", 8, "other")]
    assert [m.id for m in existing([*captured, *echoes])] == ["71", "72", "73", "msg_1714521700000_2"]
    assert [m.id for m in existing([*captured, echoes[0]])] == [
        "71",
        "msg_1714521605000_1",
        "msg_1714521700000_2",
    ]


def test_neighbours_exactly_one_gap_apart_stay_together() -> None:
    assert len(cut_up(talk("F 10:00", "F 16:00"))) == 1
    assert len(cut_up(talk("F 10:00", "F 16:01"))) == 2


def test_a_gap_exactly_as_long_as_the_threshold_is_no_silence() -> None:
    [conversation] = cut_up(talk("F 10:00", "F 10:05", "F 10:11"))
    assert conversation.figures.silence_seconds == 6 * MINUTE


def test_a_one_sided_conversation_has_no_turns_and_waits_once() -> None:
    [conversation] = cut_up(talk("F 10:00", "F 10:01", "F 10:02"))
    assert (conversation.figures.turns, conversation.figures.unanswered) == (0, 1)
    assert conversation.figures.response_seconds == ()


def test_a_wait_belongs_to_the_conversation_in_which_the_fans_run_began() -> None:
    first, second = cut_up(talk("F 01:00", "F 10:00"))
    assert (first.figures.unanswered, second.figures.unanswered) == (1, 0)


def test_deleted_messages_are_not_there() -> None:
    lines = talk("F 10:00", "C 10:10", "F 10:20")
    [conversation] = cut_up([*lines, message("4", MIDNIGHT, "fan", is_deleted=True)])
    assert conversation.messages == tuple(lines)
    assert cut_up([message("4", MIDNIGHT, "fan", is_deleted=True)]) == []


def test_messages_of_one_moment_are_ordered_by_number() -> None:
    same = [message(id, MIDNIGHT, "fan") for id in ("10", "9", "100")]
    [conversation] = cut_up(same)
    assert [m.id for m in conversation.messages] == ["9", "10", "100"]
    assert conversation.id == "f1:9"


def test_no_messages_make_no_conversations() -> None:
    assert cut_up([]) == []


@pytest.mark.parametrize(
    ("lines", "since"),
    [
        ([], None),
        (["F 10:00", "F 11:00"], 10),
        (["F 10:00", "C 11:00"], None),
        (["F 10:00", "C 11:00", "F 12:00", "F 23:00"], 12),
    ],
)
def test_the_fan_waits_since_the_run_that_nobody_answered_began(lines: list[str], since: int | None) -> None:
    run = open_run(existing(talk(*lines)[::-1]))
    assert (run[0].at if run else None) == (None if since is None else MIDNIGHT + since * HOUR)


messages = st.lists(
    st.builds(
        message,
        st.integers(0, 10**6).map(str),
        st.integers(0, 7 * 24 * 60).map(lambda minutes: MIDNIGHT + minutes * MINUTE),
        st.sampled_from(("fan", "creator")),
        is_deleted=st.sampled_from((False, False, False, True)),
        is_mass=st.sampled_from((False, False, False, True)),
        is_notice=st.sampled_from((False, False, False, False, True)),
    ),
    max_size=40,
    unique_by=lambda each: each.id,
)
spans = st.sampled_from((0.0, MINUTE, 30 * MINUTE, HOUR, GAP, 24 * HOUR))


@given(messages, spans)
def test_every_message_is_in_exactly_one_conversation_and_in_order(said: list[Message], gap: float) -> None:
    found = cut_up(said, gap=gap)
    kept = sorted((m for m in said if not m.is_deleted), key=lambda m: m.order)
    assert [m for conversation in found for m in conversation.messages] == kept
    assert len({conversation.id for conversation in found}) == len(found)


@given(messages, spans)
def test_gaps_divide_conversations_and_nothing_else_does(said: list[Message], gap: float) -> None:
    found = [each for each in cut_up(said, gap=gap) if not each.stands_alone]
    for conversation in found:
        own = [m for m in conversation.messages if m.is_direct]
        assert all(later.at - earlier.at <= gap for earlier, later in itertools.pairwise(own))
        assert (conversation.figures.start, conversation.figures.end) == (own[0].at, own[-1].at)
    for before, after in itertools.pairwise(found):
        assert after.figures.start - before.figures.end > gap


@given(messages, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(said: list[Message], rng: Random) -> None:
    expected = cut_up(said)
    rng.shuffle(said)
    assert cut_up(said) == expected


@given(messages, spans)
def test_responses_and_waits_do_not_depend_on_where_the_chat_is_cut(said: list[Message], gap: float) -> None:
    apart, whole = cut_up(said, gap=gap), cut_up(said, gap=10**9)
    assert [s for c in apart for s in c.figures.response_seconds] == [
        s for c in whole for s in c.figures.response_seconds
    ]
    waits = sum(c.figures.unanswered for c in apart)
    assert waits == sum(c.figures.unanswered for c in whole)
    assert waits == bool(open_run(existing(said)))


@given(messages, spans)
def test_what_is_not_direct_moves_no_figure_and_no_border(said: list[Message], gap: float) -> None:
    direct = cut_up([m for m in said if m.is_direct], gap=gap)
    found = cut_up(said, gap=gap)
    assert [direct_figures(c) for c in found if not c.stands_alone] == [c.figures for c in direct]
    for each in found:
        assert not each.stands_alone or (len(each.messages) == 1 and not each.messages[0].is_direct)
        for other in direct if each.stands_alone else ():
            at = each.messages[0].at
            assert not other.figures.start - gap <= at <= other.figures.end + gap


@given(messages, spans)
def test_every_fan_run_is_answered_or_waits_and_answers_take_time(said: list[Message], gap: float) -> None:
    found = cut_up(said, gap=gap)
    kept = [m.direction for c in found for m in c.messages if m.is_direct]
    runs = sum(by == "fan" and before != "fan" for before, by in zip([None, *kept], kept, strict=False))
    assert runs == sum(len(c.figures.response_seconds) + c.figures.unanswered for c in found)
    assert all(seconds >= 0 for c in found for seconds in c.figures.response_seconds)


@given(messages, spans, spans)
def test_figures_stay_in_their_ranges(said: list[Message], gap: float, silence: float) -> None:
    for conversation in cut_up(said, gap=gap, silence=silence):
        figures = conversation.figures
        assert figures.direct_messages == sum(m.is_direct for m in conversation.messages)
        assert figures.fan_messages <= figures.direct_messages
        assert 0 <= figures.turns <= max(0, figures.direct_messages - 1)
        assert 0 <= figures.silence_seconds <= figures.duration
        assert figures.silence_seconds == 0 or figures.silence_seconds > silence
        assert figures.unanswered in (0, 1)
        wrote = [m.at for m in conversation.messages if m.is_direct and m.direction == "fan"]
        assert (figures.fan_first, figures.fan_last) == (min(wrote, default=None), max(wrote, default=None))


def run(pauses: list[float]) -> list[Message]:
    """A run of direct messages with these pauses between them."""
    times = itertools.accumulate(pauses, initial=MIDNIGHT)
    return [message(str(n), at, "creator" if n % 3 == 1 else "fan") for n, at in enumerate(times)]


def sizes(said: list[Message]) -> list[int]:
    return [len(each.messages) for each in cut_up(said)]


def test_a_long_run_is_cut_at_its_longest_pauses() -> None:
    pauses = [MINUTE] * 1_000
    pauses[399], pauses[699] = 3 * HOUR, HOUR
    assert sizes(run(pauses)) == [400, 300, 301]


def test_a_run_of_up_to_twice_as_many_messages_as_matter_for_a_cut_is_not_cut() -> None:
    pauses = [MINUTE] * 2 * PAUSES
    pauses[PAUSES] = HOUR
    assert sizes(run(pauses)) == [2 * PAUSES + 1]
    assert sizes(run([*pauses, MINUTE])) == [PAUSES + 1, PAUSES + 1]


@pytest.mark.parametrize(
    "pauses",
    [
        [MINUTE] * 20_000,
        [5 * HOUR - n * 0.9 for n in range(20_000)],
        [float(n) for n in range(20_000)],
        [float(n % 86_400 % 997) for n in range(20_000)],
    ],
    ids=["alike", "shorter", "longer", "in waves"],
)
def test_a_long_run_is_cut_into_conversations_of_some_hundred_messages(pauses: list[float]) -> None:
    found = sizes(run(pauses))
    assert max(found) < 10 * PAUSES
    assert min(found) > PAUSES


def test_messages_of_one_second_are_of_one_conversation() -> None:
    assert sizes(run([0.0] * 1_000)) == [1_001]


def test_a_broadcast_within_a_long_run_is_of_the_conversation_that_it_falls_into() -> None:
    pauses = [MINUTE] * 1_000
    pauses[399] = HOUR
    said = run(pauses)
    into, between = (
        message(f"mass {n}", MIDNIGHT + n * MINUTE + 1, "creator", is_mass=True) for n in (9, 420)
    )
    first, second = cut_up([*said, into, between])
    assert into in first.messages
    assert between in second.messages


@given(st.lists(st.sampled_from((0.0, 1.0, MINUTE, HOUR, 5 * HOUR)), max_size=60), st.integers(0, 60))
def test_what_comes_later_moves_no_cut_of_a_long_run(pauses: list[float], known: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chats.conversation.PAUSES", 3)
        said = run(pauses)
        before, after = ([each.id for each in cut_up(part)] for part in (said[: known + 1], said))
        assert before == after[: len(before)]


@given(st.lists(st.sampled_from((0.0, 1.0, MINUTE, HOUR, 5 * HOUR)), max_size=60), st.integers(0, 59))
def test_a_late_message_moves_only_the_cuts_of_a_long_run_beside_it(pauses: list[float], place: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chats.conversation.PAUSES", 3)
        said = run(pauses)
        place = min(place, len(said) - 1)
        late = message("late", said[place].at, "fan")
        before, after = ({each.id for each in cut_up(part)} for part in (said, [*said, late]))
        beside = {f"f1:{n}" for n in range(place - 5, place + 6)} | {"f1:late"}
        assert before ^ after <= beside


def test_a_notification_joins_the_last_conversation_before_it_else_the_first() -> None:
    def noted(id: str, at: float) -> Message:
        return message(id, at, "fan", text="", tip=5.0, is_notification=True)

    said = [message("a", 0, "fan"), message("b", 20 * 3600, "fan")]
    found = cut_up([*said, noted("long before", -9 * 3600), noted("between", 9 * 3600)])
    assert [[m.id for m in each.messages] for each in found] == [["long before", "a", "between"], ["b"]]
    assert [each.stands_alone for each in cut_up([noted("alone", 0)])] == [True]
