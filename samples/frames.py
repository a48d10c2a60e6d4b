"""The live part: frames of the platform's socket and captured sends as an extension gives them. Seeded."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from samples.personas import Creator
from samples.shapes import Raw, Sent, captured, iso, made_id, opened

Event = tuple[datetime, Raw]  # when, and the `new_raw_message` payload

CAPTURED = timedelta(minutes=1)  # before the end: sends that the extension tells of itself

# Frames that are no chat, by the kind that they are counted as.
_NO_CHAT: dict[str, Raw] = {
    "connected": {"connected": True, "v": "25.1"},
    "stories": {"stories": [{"id": 771, "userId": 4001, "isWatched": False}]},
    "typing": {"typing": {"id": 4001}},
    "counters": {"chat_messages": 3, "count_priority_chat": 1},
    "post_published": {"post_published": {"id": 88, "users": {"4001": True}}},
}


def of_message(sent: Sent, raw: Raw, creator: Creator, random: Random, *, end: datetime) -> Iterator[Event]:
    """The message or the platform's frame around it, before it the captured send, after it a tip's notice."""
    step = sent.step
    if creator.captures_sends and step.direction == "creator" and sent.is_direct and sent.at > end - CAPTURED:
        before = sent.at - timedelta(seconds=1)
        yield before, {"message": captured(raw, before, random), "chat_id": sent.fan_id}
    yield sent.at, {"message": {"api2_chat_message": raw} if random.random() < 0.3 else raw}
    if step.tip:
        sentence = f'<a href="https://example.invalid/u{sent.fan_id}">A fan</a> tipped you ${step.tip:.2f}'
        yield _notice("tip", sentence, sent, sent.at + timedelta(seconds=2), creator, random)


def of_sale(sent: Sent, raw: Raw, creator: Creator, random: Random) -> Iterator[Event]:
    """The platform's notice that a message was bought, and often the message once more, unlocked."""
    assert sent.opened_at is not None, "it was sold"
    link = f"https://example.invalid/my/chats/chat/{sent.fan_id}?firstId={sent.id}"
    sentence = f'<a href="{link}">Your message</a> was purchased for ${sent.step.price:.2f}'
    yield _notice("paided_message", sentence, sent, sent.opened_at, creator, random)
    if random.random() < 0.6:
        yield sent.opened_at, {"message": opened(raw, sent)}


def no_chat(start: datetime, end: datetime, random: Random) -> Iterator[tuple[str, Event]]:
    """What else comes through the socket, with its kind: an extension gives each an id and `previews`."""
    for kind, frame in _NO_CHAT.items():
        for _ in range(random.randint(1, 3)):
            at = start + random.random() * (end - start)
            yield kind, (at, {"message": _made(frame, at, random)})


def _notice(
    kind: str, sentence: str, sent: Sent, at: datetime, creator: Creator, random: Random
) -> tuple[datetime, Raw]:
    notice = {
        "id": random.randrange(10**9, 10**10),
        "type": kind,
        "text": sentence,
        "user_id": creator.id,
        "user": {"id": sent.fan_id},
        "createdAt": iso(at),
    }
    return at, {"message": _made({"new_message": notice}, at, random)}


def _made(frame: Raw, at: datetime, random: Random) -> Raw:
    return {**frame, "id": made_id(at, random), "previews": []}
