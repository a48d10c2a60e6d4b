"""Which answers are given again, and for how long."""

from insights.answers import HOLDS, Answers


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_an_answer_is_given_again_while_nothing_changed() -> None:
    answers = Answers(Clock())
    assert answers.get("q", 1) is None
    answers.put("q", 1, b"one")
    assert answers.get("q", 1) == answers.get("q", 1) == b"one"
    assert answers.get("other", 1) is None
    assert answers.get("q", 2) is None
    assert answers.get("q", 1) is None  # it was of what is no more
    assert answers.size == 0


def test_an_answer_is_not_given_again_when_it_is_too_old() -> None:
    answers = Answers(clock := Clock())
    answers.put("q", 1, b"one")
    clock.seconds = HOLDS - 0.1
    assert answers.get("q", 1) == b"one"
    clock.seconds = HOLDS
    assert answers.get("another", 1) is None
    assert answers.size == 0  # nobody has to ask for it
    assert answers.get("q", 1) is None


def test_answers_take_no_more_memory_than_they_may_and_those_used_last_stay() -> None:
    answers = Answers(Clock(), most=10)
    for question in "abc":
        answers.put(question, 1, b"four")
        answers.get("a", 1)
    assert [answers.get(question, 1) for question in "abc"] == [b"four", None, b"four"]
    assert answers.size == 8
    answers.put("a", 1, b"as long as it takes")
    assert answers.get("a", 1) is None
    assert answers.size == 0
