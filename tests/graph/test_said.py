"""Who said something when, as text and back."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chats.conversation import Answer, Said
from graph.said import answers_text, followed_text, read_answers, read_followed, read_said, said_text
from tests.graph.strategies import conversation

times = st.floats(-1e9, 1e11)
senders = st.none() | st.from_regex(r"[A-Za-z0-9_.:@-]{1,128}", fullmatch=True)
said = st.builds(Said, times, st.sampled_from(("fan", "creator", "mass")), senders)


@given(st.lists(said, max_size=5))
def test_what_was_said_reads_as_it_was_written_to_the_whole_second(every: list[Said]) -> None:
    assert read_said(said_text(every)) == [each._replace(at=int(each.at)) for each in every]


@given(st.lists(st.tuples(times, senders, st.floats(0, 1e8)), max_size=5))
def test_answers_read_as_they_were_written(every: list[tuple[float, str | None, float]]) -> None:
    figures = replace(
        conversation().figures,
        response_seconds=tuple(seconds for _, _, seconds in every),
        answers=tuple(Answer(at, sender) for at, sender, _ in every),
    )
    found = [(each.asked_at, each.sender_id, each.seconds) for each in read_answers(answers_text(figures))]
    assert found == [(int(at), sender, float(f"{seconds:.15g}")) for at, sender, seconds in every]


@given(times, senders)
def test_what_an_outcome_follows_reads_as_it_was_written(at: float, sender: str | None) -> None:
    assert read_followed(followed_text(at, sender)) == (int(at), sender)
    assert read_followed(followed_text(None, sender)) is None
