"""When everything of one fan's chat happens: conversations over the days, delays inside them. Seeded.

Conversations of a chat are more than `APART` apart and have no inner gap beyond `LONGEST_GAP`, so any
conversation gap between the two finds exactly these. A broadcast is within `LONGEST_GAP` of the conversation
that it joins, or `APART` from all.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from chats.enriched import OutcomeType
from samples.lines import Topic, topics_in
from samples.personas import Creator, Persona
from samples.phrasing import Mood
from samples.script import Script, Step, bought, thanks_for_tip, tip, write
from samples.shapes import Raw, Subscription

APART = timedelta(hours=8)
LONGEST_GAP = timedelta(hours=4)
MONTH = timedelta(days=30)
ASLEEP = range(2, 9)  # hours, UTC, in which creators do not answer

# How likely a conversation starts in each hour of the day, UTC.
_HOURS = (4, 3, 1, 0, 0, 0, 0, 1, 2, 2, 2, 3, 4, 3, 2, 2, 3, 5, 7, 8, 9, 9, 8, 6)


@dataclass(frozen=True, slots=True)
class Said:
    """A step at its time; `opened_at` when an offer was paid for, `queue_id` of what went to many.

    `is_untold`: its opened copy has the `changedAt` of the one before.
    """

    at: datetime
    step: Step
    opened_at: datetime | None = None
    queue_id: int | None = None
    is_untold: bool = False

    @property
    def is_direct(self) -> bool:
        return self.queue_id is None and not self.step.tip


@dataclass(frozen=True, slots=True)
class Talked:
    """A conversation that took place with the broadcasts that join it, or one broadcast that stands alone."""

    topics: tuple[Topic, ...]
    mood: Mood | None  # None: the fan says nothing
    said: tuple[Said, ...]
    followed_by: tuple[OutcomeType, ...] = ()  # what the subscription did after it, before the next one


@dataclass(frozen=True, slots=True)
class Mass:
    """A broadcast, before somebody gets it."""

    at: datetime
    queue_id: int
    script: Script


@dataclass(frozen=True, slots=True)
class History:
    conversations: tuple[Talked, ...]
    subscription: Subscription | None


@dataclass(frozen=True, slots=True)
class Fan:
    """One fan of a creator: the account, and all that happens in the chat."""

    user: Raw
    persona: Persona
    history: History
    can_send: bool = True  # whether the platform lets the creator write


def history(
    persona: Persona, creator: Creator, mass: list[Mass], start: datetime, end: datetime, random: Random
) -> History:
    """All conversations of one fan with a creator in `[start, end)`, oldest first, and their broadcasts."""
    span = end - start
    first = start + persona.active[0] * span + timedelta(days=random.uniform(0, 20) if span.days > 30 else 0)
    last = start + persona.active[1] * random.uniform(0.85, 1) * span if not persona.renews else end
    paid = [first - timedelta(days=random.uniform(0.1, 25))]
    heard = [each for each in mass if first < each.at < last]
    due = _starts(persona, first, last, random)
    due += (
        each.at + timedelta(minutes=random.randint(3, 120))
        for each in heard
        if random.random() < persona.answers
    )

    renews_itself = persona.renews and random.random() < 0.4
    talked: list[Talked] = []
    free_from = first
    for at in sorted(due):
        if at < free_from:
            continue
        conversation = _conversation(
            persona,
            creator,
            at,
            end,
            (at - start) / span,
            random,
            may_renew=persona.renews and not renews_itself and at - paid[-1] > MONTH * 0.8,
            apologise=waiting_since(talked) is not None and random.random() < 0.4,
        )
        if conversation is None:
            continue
        talked.append(conversation)
        paid += [said.at for said in conversation.said if said.step.outcome == "renewal"]
        free_from = conversation.said[-1].at + APART
    talked = _with_broadcasts(talked, heard, persona, end, random)
    if renews_itself:
        while (again := paid[-1] + MONTH) < end:
            paid.append(again)
            _follow(talked, again, "renewal")
    return _ended(persona, talked, paid, end, random)


def fresh(persona: Persona, creator: Creator, start: datetime, end: datetime, random: Random) -> History:
    """A newcomer's only conversation, with a tip and the creator's thanks in the last minute before `end`.

    No subscription is known.
    """
    talk = _conversation(
        persona, creator, start, end - timedelta(minutes=1), 1.0, random, may_renew=False, apologise=False
    )
    if talk is None:
        return History((), None)
    tipped = Said(end - timedelta(seconds=40), tip(persona.language, random))
    thanks = Said(end - timedelta(seconds=15), thanks_for_tip(random))
    return History((replace(talk, said=(*talk.said, tipped, thanks)),), None)


def unlocked(told: History, at: datetime) -> History:
    """The same with the creator's newest offer that nobody bought unlocked at that time."""
    talked = list(told.conversations)
    for number in reversed(range(len(talked))):
        said = list(talked[number].said)
        for place in reversed(range(len(said))):
            step = said[place].step
            if step.price and step.direction == "creator" and said[place].opened_at is None:
                said[place] = replace(said[place], step=replace(step, outcome="purchase"), opened_at=at)
                talked[number] = replace(talked[number], said=tuple(said))
                return replace(told, conversations=tuple(talked))
    return told


def waiting_since(talked: list[Talked]) -> datetime | None:
    """When the fan first said what nobody answered yet; None where there is nothing, or only a farewell."""
    run: list[Said] = []
    for said in (said for each in talked for said in each.said if said.is_direct):
        run = [] if said.step.direction == "creator" else [*run, said]
    return run[0].at if any(said.step.action != "closing" for said in run) else None


def _starts(persona: Persona, first: datetime, last: datetime, random: Random) -> list[datetime]:
    if not persona.conversations:
        return []
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
    speaks = any(each.is_direct and each.step.direction == "fan" for each in said)
    return Talked(script.topics, mood if speaks else None, tuple(said))


def _timed(steps: list[Step], creator: Creator, at: datetime, end: datetime, random: Random) -> list[Said]:
    """Steps with their times, until the creator sleeps or `end` comes."""
    said: list[Said] = []
    for step in steps:
        if said:
            same = said[-1].step.direction == step.direction
            median = 25.0 if same else creator.reply_seconds if step.direction == "creator" else 90.0
            delay = median * math.exp(random.gauss(0, 1.1))
            # What is direct is never further apart, whatever lies between.
            direct = next(each.at for each in reversed(said) if each.is_direct)
            at = min(at + timedelta(seconds=max(round(delay), 1)), direct + LONGEST_GAP)
            if step.direction == "creator" and at.hour in ASLEEP and not same:
                break
        if at >= end:
            break
        said.append(_opened(Said(at, step), end, random, within=90))
    return said


def _with_broadcasts(
    talked: list[Talked], heard: list[Mass], persona: Persona, end: datetime, random: Random
) -> list[Talked]:
    """The conversations, and the broadcasts in them or beside them; the fan misses what is near two."""
    starts = [each.said[0].at for each in talked]
    ends = [[said.at for said in each.said if said.is_direct][-1] for each in talked]
    joined: dict[int, list[Said]] = {}
    alone: list[Talked] = []
    for each in heard:
        following = bisect_right(starts, each.at)
        ahead = starts[following] - each.at if following < len(starts) else APART
        behind = each.at - ends[following - 1] if following else APART
        place = following if ahead <= LONGEST_GAP else following - 1
        if LONGEST_GAP < ahead < APART or (place < following and LONGEST_GAP < behind < APART):
            continue
        said = _broadcast(each, persona, end, random)
        if place < following and behind >= APART:
            alone.append(Talked(each.script.topics, None, (said,)))
        else:
            joined.setdefault(place, []).append(said)
    found = [
        replace(each, said=tuple(sorted((*each.said, *joined.get(place, ())), key=lambda said: said.at)))
        for place, each in enumerate(talked)
    ]
    return sorted((*found, *alone), key=_begins)


def _begins(talked: Talked) -> datetime:
    """When the first direct message was said, else the one there is."""
    return next((said.at for said in talked.said if said.is_direct), talked.said[0].at)


def _broadcast(mass: Mass, persona: Persona, end: datetime, random: Random) -> Said:
    (step,) = mass.script.steps
    if step.price and random.random() < persona.buys * 0.5:
        step = bought(step, persona, random)
    return _opened(Said(mass.at, step, queue_id=mass.queue_id), end, random, within=3 * 3600)


def _opened(said: Said, end: datetime, random: Random, *, within: int) -> Said:
    """An offer that is bought is opened within so many seconds or days later, or not at all before `end`."""
    if said.step.outcome != "purchase":
        return said
    later = random.randint(86_400, 9 * 86_400) if said.step.is_late else random.randint(15, within)
    opened_at = said.at + timedelta(seconds=later)
    if opened_at >= end:
        return replace(said, step=replace(said.step, outcome=None))
    return replace(said, opened_at=opened_at, is_untold=random.random() < 0.2)


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
    expires = max(said.at for each in talked for said in each.said) + timedelta(days=random.uniform(0.5, 3))
    if expires >= end:
        return History(tuple(talked), Subscription(tuple(paid), expires, expired=False))
    _follow(talked, expires, "drop_off")
    return History(tuple(talked), Subscription(tuple(paid), expires, expired=True))


def _follow(talked: list[Talked], at: datetime, outcome: OutcomeType) -> None:
    """Put the outcome to the conversation that runs at `at` or is the last before it, else to the first."""
    if talked:
        position = max(bisect_right(talked, at, key=_begins) - 1, 0)
        talked[position] = replace(talked[position], followed_by=(*talked[position].followed_by, outcome))


def _topics(persona: Persona, creator: Creator, progress: float, random: Random) -> tuple[Topic, ...]:
    # What the creator is drifting to is met with every fan, a little.
    weights: dict[Topic, float] = dict.fromkeys(creator.drift, 0.25) | dict(persona.topics)
    weights = {topic: weights[topic] for topic in weights if topic in topics_in(persona.language)}
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
