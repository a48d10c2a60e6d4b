"""Fictional chats in the platform's true shapes, with what they are about by design.

`generate` is deterministic: one seed, one result. `python -m samples.generate --out DIR` writes JSON files.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any

import orjson

from errors import InvalidInput
from samples.lines import Topic
from samples.personas import CREATORS, PERSONAS, Creator
from samples.phrasing import Mood
from samples.script import mass_message
from samples.shapes import Raw, Sent, chat, fan_user, message
from samples.timeline import History, Mass, Talked, fresh, history
from wire.payloads import OutcomeType

FANS = 33  # of each creator
LIVE = 40  # messages of each creator that come after the snapshot
MASS_EVERY = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Truth:
    """What one conversation is by design. Its lines may show more actions than the script put there."""

    creator_id: str
    chat_id: str
    first_message_id: str
    start: datetime
    messages: int
    persona: str
    topics: tuple[Topic, ...]
    mood: Mood | None  # None: the fan says nothing
    actions: tuple[str, ...]
    outcomes: tuple[OutcomeType, ...]


@dataclass(frozen=True, slots=True)
class CreatorSamples:
    """What one creator's extension sends: a `cache_update` payload, then `new_raw_message` payloads."""

    creator_id: str
    name: str
    snapshot: dict[str, list[Raw]]
    deltas: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Samples:
    creators: tuple[CreatorSamples, ...]
    truth: tuple[Truth, ...]  # by creator, chat and time


@dataclass(frozen=True, slots=True)
class _Fan:
    user: Raw
    persona: str
    history: History


def generate(*, seed: int = 7, now: datetime, days: int = 90) -> Samples:
    """Two creators' chats over the `days` before `now`, about 55 messages a day.

    Raises InvalidInput when `now` has no time zone.
    """
    if now.tzinfo is None:
        raise InvalidInput("now must have a time zone: pass datetime.now(UTC).")
    random = Random(seed)  # noqa: S311 - samples, not secrets
    end = now.astimezone(UTC).replace(microsecond=0)
    start = end - timedelta(days=days)
    creators: list[CreatorSamples] = []
    truth: list[Truth] = []
    for creator in CREATORS:
        fans = list(_fans(creator, start, end, random))
        sent = _numbered(fans, start, random)
        creators.append(_payloads(creator, fans, sent, random))
        truth += _truth(creator, fans, sent)
    return Samples(tuple(creators), tuple(truth))


def _fans(creator: Creator, start: datetime, end: datetime, random: Random) -> Iterator[_Fan]:
    mass = list(_mass(start, end, random))
    for number, persona in enumerate(islice(cycle(PERSONAS), FANS)):
        user = fan_user(creator.id // 2 + number * 7919 + random.randrange(7000), random)
        yield _Fan(user, persona.name, history(persona, creator, mass, start, end, random))
    # Somebody new writes in the last hour: the snapshot does not know this chat.
    user = fan_user(creator.id // 2 - 1 - random.randrange(7000), random)
    persona = random.choice(PERSONAS)
    yield _Fan(user, persona.name, fresh(persona, creator, end - timedelta(minutes=12), end, random))


def _mass(start: datetime, end: datetime, random: Random) -> Iterator[Mass]:
    at = start + MASS_EVERY / 2
    while at < end:
        yield Mass(
            at.replace(hour=15, minute=30, second=0), random.randrange(10**6, 10**7), mass_message(random)
        )
        at += MASS_EVERY


def _numbered(fans: list[_Fan], start: datetime, random: Random) -> dict[tuple[int, int], list[Sent]]:
    """Messages by (fan, conversation); ids grow with time, as the platform's do."""
    flat = sorted(
        (
            (said.at, fan, conversation, position, said)
            for fan, each in enumerate(fans)
            for conversation, talked in enumerate(each.history.conversations)
            for position, said in enumerate(talked.said)
        ),
        key=lambda entry: entry[:4],
    )
    message_id = 5_000_000_000_000 + int(start.timestamp())
    sent: dict[tuple[int, int], list[Sent]] = {}
    for at, fan, conversation, _, said in flat:
        message_id += random.randint(3, 9000)
        sent.setdefault((fan, conversation), []).append(
            Sent(message_id, fans[fan].user["id"], at, said.step, said.queue_id, said.opened_at)
        )
    return sent


def _payloads(
    creator: Creator, fans: list[_Fan], sent: dict[tuple[int, int], list[Sent]], random: Random
) -> CreatorSamples:
    ordered = sorted((each for group in sent.values() for each in group), key=lambda each: each.id)
    stored, live = ordered[:-LIVE], ordered[-LIVE:]
    users = {fan.user["id"]: fan.user for fan in fans}
    unread: dict[int, int] = {}
    for each in stored:
        unread[each.fan_id] = unread.get(each.fan_id, 0) + 1 if each.step.direction == "fan" else 0
    chats = [
        chat(fan.user, fan.history.subscription, unread[fan.user["id"]], creator.subscription_price, random)
        for fan in fans
        if fan.user["id"] in unread
    ]
    return CreatorSamples(
        creator_id=str(creator.id),
        name=creator.name,
        snapshot={
            "chats": chats,
            "messages": [message(each, creator, users[each.fan_id], random, live=False) for each in stored],
        },
        deltas=[
            _framed(message(each, creator, users[each.fan_id], random, live=True), random) for each in live
        ],
    )


def _framed(raw: Raw, random: Random) -> dict[str, Any]:
    """A `new_raw_message` payload: the message, or the platform's frame around it."""
    return {"message": {"api2_chat_message": raw} if random.random() < 0.3 else raw}


def _truth(creator: Creator, fans: list[_Fan], sent: dict[tuple[int, int], list[Sent]]) -> Iterator[Truth]:
    for number, fan in enumerate(fans):
        for position, talked in enumerate(fan.history.conversations):
            first = sent[number, position][0]
            yield Truth(
                creator_id=str(creator.id),
                chat_id=str(fan.user["id"]),
                first_message_id=str(first.id),
                start=first.at,
                messages=len(talked.said),
                persona=fan.persona,
                topics=talked.topics,
                mood=talked.mood,
                actions=_actions(talked),
                outcomes=_outcomes(talked),
            )


def _actions(talked: Talked) -> tuple[str, ...]:
    steps = [each.step for each in talked.said]
    found = [step.action for step in steps if step.action] + ["ppv_offer" for step in steps if step.price]
    return tuple(dict.fromkeys(found))


def _outcomes(talked: Talked) -> tuple[OutcomeType, ...]:
    said = [each.step.outcome for each in talked.said if each.step.outcome]
    return (*said, *talked.followed_by)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write fictional chats as JSON.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument(
        "--now", type=datetime.fromisoformat, default=datetime.now(UTC), help="ISO with offset"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder")
    given = parser.parse_args()
    samples = generate(seed=given.seed, now=given.now, days=given.days)
    for creator in samples.creators:
        _write(given.out / creator.creator_id / "snapshot.json", creator.snapshot)
        _write(given.out / creator.creator_id / "deltas.json", creator.deltas)
    _write(given.out / "truth.json", [asdict(each) for each in samples.truth])


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(value))
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
