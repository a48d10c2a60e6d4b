"""The script of one conversation: who says what, what they do, and what it leads to. Seeded."""

from dataclasses import dataclass, field, replace
from random import Random

from chats.message import Direction, MediaKind
from samples.lines import ACTS, TALK, Topic
from samples.personas import Persona
from samples.phrasing import Mood, line
from wire.payloads import OutcomeType

PPV_PRICES: tuple[float, ...] = (5, 7.99, 10, 12.5, 15, 20, 25, 35, 50)
TIPS: tuple[float, ...] = (5, 10, 10, 15, 20, 25, 50, 100)


@dataclass(frozen=True, slots=True)
class Step:
    """One message of a script; `action` and `outcome` are what it stands for."""

    direction: Direction
    text: str
    action: str | None = None
    outcome: OutcomeType | None = None
    price: float = 0.0
    tip: float = 0.0
    media: tuple[MediaKind, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    topics: tuple[Topic, ...]
    mood: Mood
    steps: tuple[Step, ...] = field(default=())


def write(
    topics: tuple[Topic, ...],
    mood: Mood,
    persona: Persona,
    random: Random,
    *,
    may_renew: bool,
    apologise: bool,
) -> Script:
    """A conversation about `topics` in `mood`, with the acts that belong to its first topic near the end."""
    steps: list[Step] = []
    if apologise:
        steps.append(_act("apology", "creator", "neutral", random))
    for position, topic in enumerate(topics):
        steps += _talk(topic, mood, random, exchanges=random.randint(2, 4) if position == 0 else 1)
    steps += _acts(topics[0], mood, persona, random, may_renew=may_renew)
    if steps[-1].direction == "fan" or random.random() < 0.3:
        steps.append(_said(topics[-1], "creator", mood, random))
    return Script(topics, mood, _without_repeats(steps))


def mass_message(random: Random) -> Script:
    """What a creator sends to everybody; half of them are offers."""
    price = random.choice(PPV_PRICES) if random.random() < 0.5 else 0.0
    step = Step(
        "creator",
        line(random.choice(ACTS["mass_message"]), "positive", random),
        action="mass_message",
        price=price,
        media=("photo", "video") if price else ("photo",),
    )
    return Script(("pay_per_view",), "neutral", (step,))


def bought(step: Step) -> Step:
    return replace(step, outcome="purchase")


def _talk(topic: Topic, mood: Mood, random: Random, *, exchanges: int) -> list[Step]:
    steps: list[Step] = []
    for _ in range(exchanges):
        for _ in range(random.choice((1, 1, 1, 2, 2, 3))):
            steps.append(_said(topic, "fan", mood, random))
        for _ in range(random.choice((1, 1, 1, 2))):
            steps.append(_said(topic, "creator", mood, random))
    return steps if random.random() < 0.75 else steps[1:]


def _said(topic: Topic, direction: Direction, mood: Mood, random: Random) -> Step:
    talk = TALK[topic]
    if direction == "creator":
        media: tuple[MediaKind, ...] = (random.choice(("photo", "audio")),) if random.random() < 0.04 else ()
        return Step("creator", line(random.choice(talk.creator), "positive", random), media=media)
    # Nobody is of one mood in every line.
    tone: Mood = mood if random.random() < 0.8 else "neutral"
    lines = {"positive": talk.positive, "neutral": talk.neutral, "negative": talk.negative}[tone]
    media = ("gif",) if random.random() < 0.02 else ()
    return Step("fan", line(random.choice(lines), tone, random), media=media)


def _acts(topic: Topic, mood: Mood, persona: Persona, random: Random, *, may_renew: bool) -> list[Step]:
    steps: list[Step] = []
    if topic == "custom_content" and mood != "negative":
        steps.append(_act("custom_request", "fan", mood, random))
    if topic in ("pricing", "custom_content") and random.random() < 0.7:
        steps.append(_act("price_inquiry", "fan", "neutral", random))
        steps.append(_said("pricing", "creator", mood, random))
    if topic in ("pay_per_view", "custom_content") or random.random() < 0.05:
        steps += _offer(mood, persona, random)
    elif topic == "pricing" and random.random() < persona.objects:
        steps.append(_act("price_objection", "fan", "negative", random))
    if topic == "complaints" and mood == "negative":
        steps.append(_act("complaint", "fan", mood, random))
    if topic == "subscription" and mood == "negative":
        steps.append(_act("churn_intent", "fan", mood, random))
    if topic == "subscription" and mood != "negative" and may_renew:
        steps.append(replace(_act("renewal", "fan", "positive", random), action=None, outcome="renewal"))
    if mood != "negative" and random.random() < (0.6 if topic == "tips" else persona.tips):
        amount = random.choice(TIPS)
        steps.append(Step("fan", f"I sent you a ${amount:.2f} tip ♥", "tip", "tip", tip=amount))
    if mood == "positive" and random.random() < 0.3:
        steps.append(_act("thanks", "fan", mood, random))
    return steps


def _offer(mood: Mood, persona: Persona, random: Random) -> list[Step]:
    media: tuple[MediaKind, ...] = random.choice((("video",), ("photo", "photo"), ("photo", "video")))
    offer = _act("ppv_offer", "creator", "positive", random)
    offer = replace(offer, price=random.choice(PPV_PRICES), media=media)
    if random.random() < persona.buys * (0.4 if mood == "negative" else 1):
        return [bought(offer), _said("pay_per_view", "fan", mood, random)]
    if random.random() < persona.objects:
        return [offer, _act("price_objection", "fan", "negative", random)]
    return [offer]


def _act(act: str, direction: Direction, mood: Mood, random: Random) -> Step:
    return Step(direction, line(random.choice(ACTS[act]), mood, random), action=act)


def _without_repeats(steps: list[Step]) -> tuple[Step, ...]:
    return tuple({step.text: step for step in steps}.values())
