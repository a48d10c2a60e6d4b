from chats.conversation import ECHO_SECONDS
from chats.message import Direction, Message
from session.echoes import MOST, Echoes
from session.known import Notes

NOW = 1_714_550_400.0


def sent(
    text: str = "hello", at: float = NOW, direction: Direction = "creator", *, is_mass: bool = False
) -> Message:
    return Message("1", "900", "41", "41", direction, at, text, is_mass=is_mass)


def echoes(*messages: Message, received_at: float = NOW) -> Echoes:
    found = Echoes()
    for message in messages:
        found.add(message, received_at, Notes())
    return found


def test_an_echo_is_of_the_same_creator_text_and_time() -> None:
    found = echoes(sent())
    assert found.has("900", "hello", NOW + ECHO_SECONDS)
    assert not found.has("900", "hello", NOW + ECHO_SECONDS + 1)
    assert not found.has("901", "hello", NOW)
    assert not found.has("900", "other", NOW)


def test_what_a_fan_or_everybody_was_sent_is_no_echo() -> None:
    assert not echoes(sent(direction="fan")).has("900", "hello", NOW)
    assert not echoes(sent(is_mass=True)).has("900", "hello", NOW)


def test_history_pushes_no_echo_out() -> None:
    history = [sent(str(n), NOW - 1e6) for n in range(2 * MOST)]
    assert echoes(sent(), *history).has("900", "hello", NOW)


def test_the_latest_texts_are_kept() -> None:
    found = echoes(*(sent(str(n)) for n in range(MOST + 1)))
    assert (found.has("900", "0", NOW), found.has("900", "1", NOW)) == (False, True)


def test_what_the_journal_did_not_take_is_no_echo() -> None:
    found, notes = echoes(sent(at=NOW - 1)), Notes()
    found.add(sent(), NOW, notes)
    found.add(sent("new"), NOW, notes)
    notes.undo()
    assert found.has("900", "hello", NOW - 1 + ECHO_SECONDS)
    assert not found.has("900", "hello", NOW + ECHO_SECONDS)
    assert not found.has("900", "new", NOW)
