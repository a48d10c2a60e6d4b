"""Fictional chats in the platform's true shapes, with what they are about by design.

`generate` is deterministic: one seed, one result. `python -m samples.generate --out DIR` writes JSON files.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice, repeat
from pathlib import Path
from random import Random
from typing import Any

import orjson

from chats.message import Direction
from errors import InvalidInput
from samples import frames
from samples.personas import CREATORS, FELLOW, PERSONAS, SILENT, Creator
from samples.script import mass_message
from samples.shapes import Raw, Sent, captured, chat, fan_user, message, opened, subscriber
from samples.timeline import Fan, Mass, fresh, history, unlocked
from samples.truth import FanTruth, Truth, of_conversations, of_fans

FANS = 31  # of each creator that talk
SILENT_FANS = 4  # that never write
FELLOWS = 3  # other creators
LIVE = 40  # messages of each creator that come after the snapshot
MASS_EVERY = timedelta(days=18)


@dataclass(frozen=True, slots=True)
class CreatorSamples:
    """What one creator's extension sends: a `cache_update` payload, then `new_raw_message` payloads.

    `dropped` counts those that are no chat and tell nothing, by their kind.
    """

    creator_id: str
    name: str
    snapshot: dict[str, list[Raw]]
    deltas: list[dict[str, Any]]
    dropped: dict[str, int]


@dataclass(frozen=True, slots=True)
class Samples:
    creators: tuple[CreatorSamples, ...]
    truth: tuple[Truth, ...]  # by creator, chat and time
    fans: tuple[FanTruth, ...]  # by creator and chat


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
    about_fans: list[FanTruth] = []
    for creator in CREATORS:
        fans = list(_fans(creator, start, end, random))
        sent = _numbered(fans, start, random)
        ordered = sorted((each for group in sent.values() for each in group), key=lambda each: each.id)
        taken_at = ordered[-LIVE].at
        totals = _totals(creator, fans, ordered[:-LIVE], taken_at, random)
        creators.append(_payloads(creator, fans, ordered, totals, end, random))
        truth += of_conversations(creator, fans, sent, taken_at)
        about_fans += of_fans(creator, fans, totals)
    return Samples(tuple(creators), tuple(truth), tuple(about_fans))


def _fans(creator: Creator, start: datetime, end: datetime, random: Random) -> Iterator[Fan]:
    mass = list(_mass("creator", start, end, random))
    talking = islice(cycle(PERSONAS), FANS)
    for number, persona in enumerate([*talking, *repeat(SILENT, SILENT_FANS), *repeat(FELLOW, FELLOWS)]):
        user = fan_user(
            creator.id // 2 + number * 7919 + random.randrange(7000), random, is_creator=persona.is_creator
        )
        heard = list(_mass("fan", start, end, random)) if persona.is_creator else mass
        told = history(persona, creator, heard, start, end, random)
        if (
            number == FANS
        ):  # a silent one unlocks an old broadcast in the last hour: the snapshot has it locked
            told = unlocked(told, end - timedelta(minutes=random.randint(5, 50)))
        can_send = random.random() > (0.06 if persona.renews else 0.7)
        yield Fan(user, persona, told, can_send)
    # Somebody new writes in the last hour: the snapshot does not know this chat.
    user = fan_user(creator.id // 2 - 1 - random.randrange(7000), random, is_creator=False)
    persona = random.choice(PERSONAS)
    yield Fan(user, persona, fresh(persona, creator, end - timedelta(minutes=12), end, random))


def _mass(direction: Direction, start: datetime, end: datetime, random: Random) -> Iterator[Mass]:
    """What is sent to many, half of it offers; the newest is one."""
    times = []
    at = end - MASS_EVERY * random.uniform(0.3, 0.7)
    while at > start:
        times.append(at.replace(hour=random.randrange(12, 20), minute=30, second=0, microsecond=0))
        at -= MASS_EVERY
    for number, at in reversed(list(enumerate(times))):
        script = mass_message(direction, random, is_offer=number % 2 == 0)
        yield Mass(at, random.randrange(10**6, 10**7), script)


def _numbered(fans: list[Fan], start: datetime, random: Random) -> dict[tuple[int, int], list[Sent]]:
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
            Sent(
                message_id,
                fans[fan].user["id"],
                at,
                said.step,
                said.queue_id,
                said.opened_at,
                said.is_untold,
            )
        )
    return sent


def _totals(
    creator: Creator, fans: list[Fan], stored: list[Sent], taken_at: datetime, random: Random
) -> dict[int, float]:
    """What each fan whose subscription is known ever paid when the snapshot is taken, by the fan's id."""
    totals: dict[int, float] = {}
    for fan in fans:
        if fan.history.subscription is not None:
            before = random.choice((0.0, 0.0, 30.0, 120.0))
            totals[fan.user["id"]] = before + creator.subscription_price * len(fan.history.subscription.paid)
    for each in stored:
        if each.fan_id in totals:
            is_sold = each.opened_at is not None and each.opened_at < taken_at
            totals[each.fan_id] += each.step.tip + (each.step.price if is_sold else 0.0)
    return {fan_id: round(total, 2) for fan_id, total in totals.items()}


def _payloads(
    creator: Creator,
    fans: list[Fan],
    ordered: list[Sent],
    totals: dict[int, float],
    end: datetime,
    random: Random,
) -> CreatorSamples:
    stored, live = ordered[:-LIVE], ordered[-LIVE:]
    taken_at = live[0].at
    accounts = {fan.user["id"]: _account(fan, creator, totals) for fan in fans}
    fellows = {fan.user["id"] for fan in fans if fan.persona.is_creator}
    # The list may have an account thinly where a message has it in full.
    first = {each.fan_id: each.id for each in reversed(stored) if each.step.direction == "fan"}
    thin = {fan_id: id for fan_id, id in first.items() if random.random() < 0.25}
    raws = {
        each.id: message(
            each,
            creator,
            accounts[each.fan_id],
            random,
            live=number >= len(stored),
            names_fan=each.fan_id in fellows or each.id == thin.get(each.fan_id),
        )
        for number, each in enumerate(ordered)
    }
    messages: list[Raw] = []
    newest: dict[int, Raw] = {}
    unread: dict[int, int] = {}
    for each in stored:
        messages += _copies(each, raws[each.id], taken_at, random)
        newest[each.fan_id] = messages[-1]
        if each.step.direction == "fan":
            unread[each.fan_id] = unread.get(each.fan_id, 0) + 1
        elif each.is_direct:
            unread[each.fan_id] = 0
    chats = [
        chat(
            accounts[fan_id],
            newest[fan_id],
            unread.get(fan_id, 0),
            random,
            is_thin=fan_id in thin,
            can_send=fan.can_send,
        )
        for fan in fans
        if (fan_id := fan.user["id"]) in newest
    ]
    others = list(frames.no_chat(taken_at, end, random))
    events = [event for _, event in others]
    for each in live:
        events += frames.of_message(each, raws[each.id], creator, random, end=end)
    for each in ordered:
        if each.opened_at is not None and each.opened_at >= taken_at:
            events += frames.of_sale(each, raws[each.id], creator, random)
    return CreatorSamples(
        creator_id=str(creator.id),
        name=creator.name,
        snapshot={"chats": chats, "messages": messages},
        deltas=[payload for _, payload in sorted(events, key=lambda event: event[0])],
        dropped=dict(Counter(kind for kind, _ in others)),
    )


def _account(fan: Fan, creator: Creator, totals: dict[int, float]) -> Raw:
    subscription = fan.history.subscription
    if subscription is None:
        return fan.user
    return subscriber(fan.user, subscription, creator.subscription_price, totals[fan.user["id"]])


def _copies(sent: Sent, raw: Raw, taken_at: datetime, random: Random) -> Iterator[Raw]:
    """A message as the extension holds it when the snapshot is taken; some it holds twice."""
    if sent.opened_at is not None and sent.opened_at < taken_at:
        if sent.is_untold:
            yield raw
        yield opened(raw, sent)
        return
    if sent.step.direction == "creator" and sent.is_direct and not sent.step.price and random.random() < 0.01:
        before = sent.at - timedelta(seconds=random.randint(1, 5))
        yield {**captured(raw, before, random), "chat_id": sent.fan_id}
    yield raw


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
    _write(given.out / "fans.json", [asdict(each) for each in samples.fans])


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(value))
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
