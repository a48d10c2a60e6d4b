"""The script of one conversation: who says what, what they do, and what it leads to. Seeded."""

from dataclasses import dataclass, field, replace
from random import Random

from chats.enriched import OutcomeType
from chats.message import Direction, MediaKind
from samples.lines import ACTS, TIP_SENTENCES, Language, Topic, closing_in, talk_about
from samples.personas import Persona
from samples.phrasing import Mood, line, plain_line

PPV_PRICES: tuple[float, ...] = (5, 7.99, 10, 12.5, 15, 20, 25, 35, 50)
TIPS: tuple[float, ...] = (5, 10, 10, 15, 20, 25, 50, 100)


@dataclass(frozen=True, slots=True)
class Step:
    """One message of a script; `action` and `outcome` are what it stands for.

    A tip is the platform's own sentence; `is_late`: what is bought is bought days later.
    """

    direction: Direction
    text: str
    action: str | None = None
    outcome: OutcomeType | None = None
    price: float = 0.0
    tip: float = 0.0
    media: tuple[MediaKind, ...] = ()
    is_late: bool = False


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
    language = persona.language
    steps: list[Step] = []
    if apologise and language == "en":
        steps.append(_act("apology", "creator", "neutral", random))
    for position, topic in enumerate(topics):
        most = 4 if language == "en" else 2
        exchanges = random.randint(2, most) if position == 0 else 1
        steps += _talk(topic, mood, language, random, exchanges=exchanges)
    if language == "en":
        steps += _acts(topics[0], mood, persona, random, may_renew=may_renew)
    steps += _money(topics[0], mood, persona, random)
    if mood == "positive" and language == "en" and random.random() < 0.3:
        steps.append(_act("thanks", "fan", mood, random))
    closes = random.random() < persona.closes
    if closes or steps[-1].direction == "fan" or random.random() < 0.3:
        steps.append(_said(topics[-1], "creator", mood, language, random))
    if closes:
        text = plain_line(random.choice(closing_in(language)), "positive", random)
        steps.append(Step("fan", text, action="closing"))
    return Script(topics, mood, _without_repeats(steps))


def mass_message(direction: Direction, random: Random, *, is_offer: bool) -> Script:
    """What a creator sends to everybody; from the fan's side where the fan is a creator as well."""
    price = random.choice(PPV_PRICES) if is_offer else 0.0
    step = Step(
        direction,
        line(random.choice(ACTS["mass_message"]), "positive", random),
        action="mass_message",
        price=price,
        media=("photo", "video") if price else ("photo",),
    )
    return Script(("pay_per_view",), "neutral", (step,))


def bought(step: Step, persona: Persona, random: Random) -> Step:
    """The offer bought, by some days later; who is about to leave buys at once or not at all."""
    return replace(step, outcome="purchase", is_late=persona.renews and random.random() < 0.3)


def tip(language: Language, random: Random) -> Step:
    """A tip, as the sentence that the platform writes for it."""
    amount = random.choice(TIPS)
    return Step("fan", TIP_SENTENCES[language].format(amount=f"{amount:.2f}"), "tip", "tip", tip=amount)


def thanks_for_tip(random: Random) -> Step:
    return _said("tips", "creator", "positive", "en", random)


def _talk(topic: Topic, mood: Mood, language: Language, random: Random, *, exchanges: int) -> list[Step]:
    steps: list[Step] = []
    for _ in range(exchanges):
        for _ in range(random.choice((1, 1, 1, 2, 2, 3))):
            steps.append(_said(topic, "fan", mood, language, random))
        for _ in range(random.choice((1, 1, 1, 2))):
            steps.append(_said(topic, "creator", mood, language, random))
    return steps if random.random() < 0.75 else steps[1:]


def _said(topic: Topic, direction: Direction, mood: Mood, language: Language, random: Random) -> Step:
    talk = talk_about(topic, language)
    typed = line if language == "en" else plain_line
    if direction == "creator":
        media: tuple[MediaKind, ...] = (random.choice(("photo", "audio")),) if random.random() < 0.04 else ()
        return Step("creator", typed(random.choice(talk.creator), "positive", random), media=media)
    # Nobody is of one mood in every line.
    tone: Mood = mood if random.random() < 0.8 else "neutral"
    lines = {"positive": talk.positive, "neutral": talk.neutral, "negative": talk.negative}[tone]
    media = ("gif",) if random.random() < 0.02 else ()
    return Step("fan", typed(random.choice(lines), tone, random), media=media)


def _acts(topic: Topic, mood: Mood, persona: Persona, random: Random, *, may_renew: bool) -> list[Step]:
    steps: list[Step] = []
    if topic == "custom_content" and mood != "negative":
        steps.append(_act("custom_request", "fan", mood, random))
    if topic in ("pricing", "custom_content") and random.random() < 0.7:
        steps.append(_act("price_inquiry", "fan", "neutral", random))
        steps.append(_said("pricing", "creator", mood, "en", random))
    if topic == "pricing" and random.random() < persona.objects:
        steps.append(_act("price_objection", "fan", "negative", random))
    if topic == "complaints" and mood == "negative":
        steps.append(_act("complaint", "fan", mood, random))
    if topic == "subscription" and mood == "negative":
        steps.append(_act("churn_intent", "fan", mood, random))
    if topic == "subscription" and mood != "negative" and may_renew:
        steps.append(replace(_act("renewal", "fan", "positive", random), action=None, outcome="renewal"))
    return steps


def _money(topic: Topic, mood: Mood, persona: Persona, random: Random) -> list[Step]:
    """What is offered and tipped."""
    steps: list[Step] = []
    if topic in ("pay_per_view", "custom_content") or (topic != "pricing" and random.random() < 0.05):
        steps += _offer(mood, persona, random)
    if mood != "negative" and random.random() < (0.6 if topic == "tips" else persona.tips):
        steps.append(tip(persona.language, random))
    return steps


def _offer(mood: Mood, persona: Persona, random: Random) -> list[Step]:
    """An offer of the creator, and what the fan says to it."""
    language = persona.language
    media: tuple[MediaKind, ...] = random.choice((("video",), ("photo", "photo"), ("photo", "video")))
    if language == "en":
        offer = _act("ppv_offer", "creator", "positive", random)
    else:
        offer = _said("pay_per_view", "creator", "positive", language, random)
    offer = replace(offer, price=random.choice(PPV_PRICES), media=media)
    if random.random() < persona.buys * (0.4 if mood == "negative" else 1):
        offer = bought(offer, persona, random)
        return [offer] if offer.is_late else [offer, _said("pay_per_view", "fan", mood, language, random)]
    if language == "en" and random.random() < persona.objects:
        return [offer, _act("price_objection", "fan", "negative", random)]
    return [offer]


def _act(act: str, direction: Direction, mood: Mood, random: Random) -> Step:
    return Step(direction, line(random.choice(ACTS[act]), mood, random), action=act)


def _without_repeats(steps: list[Step]) -> tuple[Step, ...]:
    return tuple({step.text: step for step in steps}.values())
