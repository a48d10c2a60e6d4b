"""When everything of one fan's chat happens: conversations over the days, delays inside them. Seeded.

Conversations of a chat are more than `APART` apart and have no inner gap beyond `LONGEST_GAP`, so any
conversation gap between the two finds exactly these.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from samples.lines import Topic
from samples.personas import Creator, Persona
from samples.phrasing import Mood
from samples.script import Script, Step, write
from samples.shapes import Subscription
from wire.payloads import OutcomeType

APART = timedelta(hours=8)
LONGEST_GAP = timedelta(hours=4)
MONTH = timedelta(days=30)
ASLEEP = range(2, 9)  # hours, UTC, in which creators do not answer

# How likely a conversation starts in each hour of the day, UTC.
_HOURS = (4, 3, 1, 0, 0, 0, 0, 1, 2, 2, 2, 3, 4, 3, 2, 2, 3, 5, 7, 8, 9, 9, 8, 6)


@dataclass(frozen=True, slots=True)
class Said:
    """A step at its time; `opened_at` when an offer was paid for."""

    at: datetime
    step: Step
    opened_at: datetime | None = None
    queue_id: int | None = None


@dataclass(frozen=True, slots=True)
class Talked:
    """A conversation that took place."""

    topics: tuple[Topic, ...]
    mood: Mood | None  # None: the fan says nothing
    said: tuple[Said, ...]
    followed_by: tuple[OutcomeType, ...] = ()  # what the subscription did after it, before the next one


@dataclass(frozen=True, slots=True)
class Mass:
    at: datetime
    queue_id: int
    script: Script


@dataclass(frozen=True, slots=True)
class History:
    conversations: tuple[Talked, ...]
    subscription: Subscription | None


def history(
    persona: Persona, creator: Creator, mass: list[Mass], start: datetime, end: datetime, random: Random
) -> History:
    """All conversations of one fan with a creator in `[start, end)`, oldest first."""
    span = end - start
    first = start + persona.active[0] * span + timedelta(days=random.uniform(0, 20) if span.days > 30 else 0)
    last = start + persona.active[1] * random.uniform(0.85, 1) * span if not persona.renews else end
    paid = [first - timedelta(days=random.uniform(0.1, 25))]
    due: list[datetime | Mass] = [*_starts(persona, first, last, random)]
    due += [each for each in mass if first < each.at < last]
    due.sort(key=lambda each: each.at if isinstance(each, Mass) else each)

    renews_itself = persona.renews and random.random() < 0.4
    talked: list[Talked] = []
    free_from = first
    for each in due:
        at = each.at if isinstance(each, Mass) else each
        if at < free_from:
            continue
        conversation: Talked | None
        if isinstance(each, Mass):
            conversation = _broadcast(each, persona, end, random)
        else:
            waits = bool(talked) and talked[-1].said[-1].step.direction == "fan"
            conversation = _conversation(
                persona,
                creator,
                at,
                end,
                (at - start) / span,
                random,
                may_renew=persona.renews and not renews_itself and at - paid[-1] > MONTH * 0.8,
                apologise=waits and random.random() < 0.4,
            )
        if conversation is None:
            continue
        talked.append(conversation)
        paid += [said.at for said in conversation.said if said.step.outcome == "renewal"]
        free_from = conversation.said[-1].at + APART
    if renews_itself:
        while (again := paid[-1] + MONTH) < end:
            paid.append(again)
            _follow(talked, again, "renewal")
    return _ended(persona, talked, paid, end, random)


def fresh(persona: Persona, creator: Creator, start: datetime, end: datetime, random: Random) -> History:
    """One conversation of a fan who has never written before; no subscription is known."""
    conversation = _conversation(persona, creator, start, end, 1.0, random, may_renew=False, apologise=False)
    return History((conversation,) if conversation else (), None)


def _starts(persona: Persona, first: datetime, last: datetime, random: Random) -> list[datetime]:
    count = round(persona.conversations * max((last - first).total_seconds(), 0) / MONTH.total_seconds())
    starts = []
    for _ in range(max(count, 1)):
        day = first + random.random() * (last - first)
        hour = random.choices(range(24), _HOURS)[0]
        at = day.replace(hour=hour, minute=random.randrange(60), second=random.randrange(60), microsecond=0)
        if first <= at < last:
            starts.append(at)
    return starts


def _conversation(
    persona: Persona,
    creator: Creator,
    at: datetime,
    end: datetime,
    progress: float,
    random: Random,
    *,
    may_renew: bool,
    apologise: bool,
) -> Talked | None:
    topics = _topics(persona, creator, progress, random)
    mood = _mood(persona, creator, topics[0], progress, random)
    script = write(topics, mood, persona, random, may_renew=may_renew, apologise=apologise)
    steps = list(script.steps)
    if random.random() < creator.leaves_unanswered:
        while len(steps) > 1 and steps[-1].direction == "creator":
            steps.pop()
    said = _timed(steps, creator, at, end, random)
    if not said:
        return None
    return Talked(
        script.topics, mood if any(each.step.direction == "fan" for each in said) else None, tuple(said)
    )


def _timed(steps: list[Step], creator: Creator, at: datetime, end: datetime, random: Random) -> list[Said]:
    """Steps with their times, until the creator sleeps or `end` comes."""
    said: list[Said] = []
    for step in steps:
        if said:
            same = said[-1].step.direction == step.direction
            median = 25.0 if same else creator.reply_seconds if step.direction == "creator" else 90.0
            delay = median * math.exp(random.gauss(0, 1.1))
            at += timedelta(seconds=min(max(round(delay), 1), LONGEST_GAP.total_seconds()))
            if step.direction == "creator" and at.hour in ASLEEP and not same:
                break
        if at >= end:
            break
        said.append(_opened(Said(at, step), end, random, within=90))
    return said


def _broadcast(mass: Mass, persona: Persona, end: datetime, random: Random) -> Talked:
    (step,) = mass.script.steps
    if step.price and random.random() < persona.buys * 0.5:
        step = replace(step, outcome="purchase")
    said = _opened(Said(mass.at, step, queue_id=mass.queue_id), end, random, within=3 * 3600)
    return Talked(mass.script.topics, None, (said,))


def _opened(said: Said, end: datetime, random: Random, *, within: int) -> Said:
    """An offer that is bought is opened within so many seconds, or not at all before `end`."""
    if said.step.outcome != "purchase":
        return said
    opened_at = said.at + timedelta(seconds=random.randint(15, within))
    if opened_at >= end:
        return replace(said, step=replace(said.step, outcome=None))
    return replace(said, opened_at=opened_at)


def _ended(
    persona: Persona, talked: list[Talked], paid: list[datetime], end: datetime, random: Random
) -> History:
    if not talked:
        return History((), None)
    if persona.renews:
        expires = end + timedelta(days=random.uniform(1, 28))
        known = len(paid) > 1 or random.random() < 0.85
        subscription = Subscription(tuple(paid), expires, expired=False) if known else None
        return History(tuple(talked), subscription)
    expires = talked[-1].said[-1].at + timedelta(days=random.uniform(0.5, 3))
    if expires >= end:
        return History(tuple(talked), Subscription(tuple(paid), expires, expired=False))
    _follow(talked, expires, "drop_off")
    return History(tuple(talked), Subscription(tuple(paid), expires, expired=True))


def _follow(talked: list[Talked], at: datetime, outcome: OutcomeType) -> None:
    """Put the outcome to the conversation that runs at `at` or is the last before it, where there is one."""
    for position in reversed(range(len(talked))):
        if talked[position].said[0].at <= at:
            talked[position] = replace(talked[position], followed_by=(*talked[position].followed_by, outcome))
            return


def _topics(persona: Persona, creator: Creator, progress: float, random: Random) -> tuple[Topic, ...]:
    # What the creator is drifting to is met with every fan, a little.
    weights: dict[Topic, float] = dict.fromkeys(creator.drift, 0.25) | dict(persona.topics)
    for topic in weights:
        weights[topic] *= creator.tilt.get(topic, 1.0) * (1 + creator.drift.get(topic, 0.0) * progress)
    first = random.choices(list(weights), list(weights.values()))[0]
    if random.random() < 0.7:
        return (first,)
    second = random.choices(list(weights), list(weights.values()))[0]
    return (first,) if second == first else (first, second)


def _mood(persona: Persona, creator: Creator, topic: Topic, progress: float, random: Random) -> Mood:
    positive = persona.positive + creator.mood_drift * progress
    negative = persona.negative - creator.mood_drift * progress
    if topic == "complaints":
        positive, negative = 0.1, 0.8
    elif topic in ("compliments", "tips"):
        negative *= 0.4
    draw = random.random()
    if draw < positive:
        return "positive"
    return "negative" if draw > 1 - negative else "neutral"
