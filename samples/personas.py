"""Who the fans and creators of the samples are, by design. Fictional."""

from collections.abc import Mapping
from dataclasses import dataclass

from samples.lines import Language, Topic


@dataclass(frozen=True, slots=True)
class Persona:
    """How one kind of fan behaves. Probabilities are of one conversation."""

    name: str
    topics: Mapping[Topic, float]  # weights
    conversations: float  # per 30 days; 0: never writes
    positive: float
    negative: float
    tips: float = 0.03
    buys: float = 0.25  # an offer that is made
    objects: float = 0.1  # to a price
    renews: bool = True
    active: tuple[float, float] = (0.0, 1.0)  # the part of the time in which the fan writes
    answers: float = 0.12  # a broadcast
    closes: float = 0.15  # the talk: "thanks, good night" is the last word
    language: Language = "en"
    is_creator: bool = False  # sends broadcasts of its own and gets none


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody of a creator's team, who writes in these hours of the day, UTC."""

    id: str
    hours: range


@dataclass(frozen=True, slots=True)
class Creator:
    """One creator. A drift of 2 means that the topic's weight has tripled by the end."""

    id: int
    name: str
    username: str
    tilt: Mapping[Topic, float]
    drift: Mapping[Topic, float]
    mood_drift: float  # added to `positive`, taken from `negative`, by the end
    reply_seconds: float  # median time to an answer
    leaves_unanswered: float
    subscription_price: float
    # Its extension tells of a send before the platform does. Such a copy is timed by its arrival: only who is
    # fed first is fed in time.
    captures_sends: bool
    team: tuple[Worker, ...] = ()

    def worker(self, hour: int) -> str | None:
        """Who of the team writes in an hour of the day, UTC; None: the messages do not say."""
        return next((each.id for each in self.team if hour in each.hours), None)


PERSONAS: tuple[Persona, ...] = (
    Persona(
        "warm regular",
        {"small_talk": 4, "compliments": 3, "flirting": 3, "tips": 1, "pets": 1, "subscription": 1},
        conversations=4.5,
        positive=0.65,
        negative=0.03,
        tips=0.1,
    ),
    Persona(
        "big spender",
        {"custom_content": 4, "pay_per_view": 4, "tips": 3, "flirting": 2, "compliments": 1},
        conversations=4,
        positive=0.6,
        negative=0.05,
        tips=0.3,
        buys=0.8,
        objects=0.0,
    ),
    Persona(
        "price objector",
        {"pricing": 5, "pay_per_view": 3, "custom_content": 2, "small_talk": 2},
        conversations=3,
        positive=0.15,
        negative=0.4,
        tips=0.0,
        buys=0.1,
        objects=0.8,
    ),
    Persona(
        "fading subscriber",
        {"subscription": 3, "complaints": 3, "small_talk": 2, "pay_per_view": 1, "work_life": 1},
        conversations=4,
        positive=0.1,
        negative=0.5,
        buys=0.1,
        objects=0.3,
        renews=False,
        active=(0.0, 0.65),
    ),
    Persona(
        "chatty traveller",
        {"travel": 6, "food": 2, "small_talk": 2, "flirting": 1},
        conversations=3.5,
        positive=0.45,
        negative=0.12,
    ),
    Persona(
        "gamer",
        {"gaming": 6, "music": 1, "small_talk": 2, "compliments": 1},
        conversations=3.5,
        positive=0.35,
        negative=0.25,
        buys=0.2,
    ),
    Persona(
        "fitness fan",
        {"fitness": 6, "food": 2, "compliments": 2, "small_talk": 1},
        conversations=3,
        positive=0.45,
        negative=0.12,
    ),
    Persona(
        "foodie",
        {"food": 6, "travel": 1, "small_talk": 2, "pets": 1},
        conversations=3,
        positive=0.5,
        negative=0.1,
    ),
    Persona(
        "music lover",
        {"music": 6, "travel": 1, "flirting": 2, "small_talk": 1},
        conversations=3,
        positive=0.45,
        negative=0.15,
        tips=0.08,
    ),
    Persona(
        "tired worker",
        {"work_life": 6, "small_talk": 2, "pets": 1, "flirting": 1},
        conversations=3,
        positive=0.2,
        negative=0.45,
    ),
    Persona(
        "pet person",
        {"pets": 6, "small_talk": 2, "food": 1, "compliments": 1},
        conversations=3,
        positive=0.5,
        negative=0.15,
    ),
    Persona(
        "spanish fan",
        {"small_talk": 3, "travel": 2, "compliments": 2, "pay_per_view": 2},
        conversations=1.5,
        positive=0.5,
        negative=0.1,
        tips=0.3,
        language="es",
    ),
    Persona(
        "german fan",
        {"small_talk": 3, "travel": 2, "compliments": 2, "pay_per_view": 2},
        conversations=1.5,
        positive=0.4,
        negative=0.2,
        tips=0.3,
        language="de",
    ),
)
# Beside the fans that talk.
SILENT = Persona("silent subscriber", {}, conversations=0, positive=0, negative=0, buys=0.4, answers=0)
FELLOW = Persona(
    "fellow creator",
    {"small_talk": 3, "compliments": 2, "fitness": 1},
    conversations=0.4,
    positive=0.6,
    negative=0,
    tips=0,
    buys=0,
    answers=0,
    is_creator=True,
)

CREATORS: tuple[Creator, ...] = (
    Creator(
        id=88123401,
        name="Lola Vance",
        username="lolavance",
        tilt={"gaming": 1.6, "music": 1.5, "fitness": 0.4, "food": 0.6},
        drift={"gaming": 1.5, "custom_content": 4.0, "travel": -0.9},
        mood_drift=0.2,
        reply_seconds=150,
        leaves_unanswered=0.2,
        subscription_price=9.99,
        captures_sends=True,
        team=(Worker("mia", range(9, 17)), Worker("noah", range(17, 23))),
    ),
    Creator(
        id=90514422,
        name="Mara Quinn",
        username="maraquinn",
        tilt={"fitness": 1.7, "food": 1.5, "gaming": 0.3, "music": 0.6},
        drift={"complaints": 4.0, "pricing": 3.0, "fitness": -0.9},
        mood_drift=-0.2,
        reply_seconds=700,
        leaves_unanswered=0.4,
        subscription_price=14.99,
        captures_sends=False,
        team=(Worker("lena", range(10, 21)),),
    ),
)

FIRST_NAMES = (
    "Adam", "Ben", "Carlos", "Dan", "Elias", "Felix", "Gabe", "Hugo", "Ivan", "Jonas", "Karim", "Liam",
    "Marco", "Nate", "Oscar", "Pavel", "Quentin", "Rafa", "Sam", "Theo", "Umar", "Victor", "Will", "Xavi",
    "Yuri", "Zane", "Alex", "Bruno", "Chris", "Drew", "Erik", "Finn",
)  # fmt: skip
HANDLES = ("nightowl", "bluefox", "quietstorm", "roadrunner", "oldschool", "pixel", "mrmoon", "sunnyside")
