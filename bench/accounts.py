"""A fictional account of any size: enriched conversations, without their texts, and their fans."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

from chats.conversation import Answer, Figures, Said
from chats.enriched import ActionTopic, ActionUse, EnrichedConversation, Offer, Outcome, TopicUse
from chats.fan import FanState

USER, CREATOR = "bench", "creator"
NOW = datetime(2024, 5, 31, 12, tzinfo=UTC)
DAY = 86_400
DAYS = 365  # over which conversations are spread
IN_A_CHAT = 10  # conversations
TOPICS, ACTIONS = 40, 12
TEAM = ("anna", "ben", "cleo", "dana", None)


def conversations(size: int, *, days: float = DAYS, seed: int = 7) -> Iterator[EnrichedConversation]:
    """So many, up to NOW."""
    random = Random(seed)
    for n in range(size):
        yield _conversation(random, n, NOW.timestamp() - random.uniform(1, days * DAY))


def fans(size: int) -> Iterator[FanState]:
    """Those of so many conversations."""
    random = Random(3)
    for n in range(-(-size // IN_A_CHAT)):
        chat = _chat(n * IN_A_CHAT)
        waits = random.random() < 0.1
        yield FanState(
            fan_id=chat,
            creator_id=CREATOR,
            chat_id=chat,
            join_date=NOW.timestamp() - random.uniform(0, DAYS * DAY),
            spend=round(random.expovariate(0.01), 2),
            unread=random.randint(0, 4) if waits else 0,
            waiting_since=NOW.timestamp() - random.uniform(0, 3 * DAY) if waits else None,
            recent_sentiment=random.random(),
            sentiment_profile=random.random(),
            last_message_at=NOW.timestamp(),
            not_waiting=None,
        )


def _chat(n: int) -> str:
    return str(100_000_000 + n // IN_A_CHAT)


def _conversation(random: Random, n: int, start: float) -> EnrichedConversation:
    chat, count, hours = _chat(n), random.randint(2, 12), random.uniform(0.01, 4)
    times = sorted([start, *(start + random.uniform(0, 3600 * hours) for _ in range(count - 1))])
    said = [Said(times[0], "fan")]
    for at in times[1:]:
        by_fan = random.random() < 0.5
        said.append(Said(at, "fan") if by_fan else Said(at, "creator", random.choice(TEAM)))
    answers = [
        (asked.at, answer.at - asked.at, answer.sender_id)
        for asked, answer in pairwise(said)
        if (asked.kind, answer.kind) == ("fan", "creator")
    ]
    by_fans = sum(each.kind == "fan" for each in said)
    offers = tuple(_offer(random, start) for _ in range(random.choice((0, 0, 0, 0, 1, 2))))
    topics = [str(id) for id in random.sample(range(TOPICS), random.randint(0, 3))]
    actions = [f"action_{type}" for type in random.sample(range(ACTIONS), random.randint(0, 4))]
    tips = [
        Outcome(
            type="tip",
            at=start + 60,
            amount=round(random.uniform(1, 50), 2),
            score=1,
            evidence="bench",
            sent_at=start,
            sender_id=random.choice(TEAM),
        )
    ] * (random.random() < 0.15)
    bought = [
        Outcome(
            type="purchase",
            at=each.unlocked_at,
            amount=each.paid,
            score=1,
            evidence="bench",
            is_mass=each.is_mass,
        )
        for each in offers
        if each.unlocked_at is not None
    ]
    return EnrichedConversation(
        id=f"{chat}:{1_000_000_000_000 + n}",
        creator_id=CREATOR,
        chat_id=chat,
        fan_id=chat,
        figures=Figures(
            start=times[0],
            end=times[-1],
            direct_messages=count,
            fan_messages=by_fans,
            mass_messages=0,
            offers=sum(not each.is_mass for each in offers),
            mass_offers=sum(each.is_mass for each in offers),
            turns=random.randint(0, count - 1),
            silence_seconds=(times[-1] - times[0]) * random.random(),
            response_seconds=tuple(seconds for _, seconds, _ in answers),
            unanswered=int(said[-1].kind == "fan"),
            said=tuple(said),
            answers=tuple(Answer(at, sender) for at, _, sender in answers),
            fan_first=times[0],
            fan_last=max(each.at for each in said if each.kind == "fan"),
        ),
        sentiment_sum=by_fans * random.random(),
        sentiment_count=by_fans,
        topics=tuple(
            TopicUse(id=id, label=f"Topic {id}", messages=1, weight=1 / count, model="bench") for id in topics
        ),
        actions=tuple(ActionUse(type=type, count=1, direction="fan") for type in actions),
        action_topics=tuple(
            ActionTopic(action=action, topic_id=topic, count=1)
            for action in actions[:2]
            for topic in topics[:2]
        ),
        outcomes=(*tips, *bought),
        ppv_offers=offers,
    )


def _offer(random: Random, start: float) -> Offer:
    price, is_bought = round(random.uniform(3, 120), 2), random.random() < 0.3
    return Offer(
        at=start,
        price=price,
        media=random.choice(("photo", "video", None)),
        is_mass=random.random() < 0.3,
        unlocked_at=start + random.uniform(10, 2 * DAY) if is_bought else None,
        paid=price if is_bought else None,
        dated_by="notice" if is_bought else None,
        sender_id=random.choice(TEAM),
    )
