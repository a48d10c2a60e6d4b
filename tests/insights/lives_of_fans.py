"""Fictional accounts whose fans leave by a known law, for tests of the risk that they do."""

from math import exp, log
from random import Random

from insights.fan_history import DAY, FanHistory, Payment, Talk

HORIZON = 30 * DAY
NOW = 20_000 * DAY


def talk(number: int, at: int, *, length: int = 600, felt: float | None = 0.6, warnings: str = "") -> Talk:
    """A conversation that the fan begins and the creator ends."""
    n = 0 if felt is None else 3
    return Talk(f"c:{number}", at, at + length, 4, at, at + length // 2, n * (felt or 0.0), n, warnings)


def fan(number: int, times: list[int], *, payments: tuple[Payment, ...] = (), **more: object) -> FanHistory:
    """One who wrote at those times."""
    facts = {
        "account": "u/c",
        "fan_id": f"f{number:05}",
        "chat_id": f"c{number}",
        "joined": times[0] if times else None,
        "subscription_end": None,
        "talks": [talk(n, at) for n, at in enumerate(times)],
        "payments": payments,
        "ends": [],
    }
    return FanHistory(**{**facts, **more})  # type: ignore[arg-type]


def leaving(count: int, seed: int, *, months: int = 9) -> tuple[list[FanHistory], dict[str, float]]:
    """Fans who stay from one horizon to the next by their own odds, which show in how often they write.

    Each has a number of conversations a month, and leaves for good at the end of a month with a probability
    that falls with it. Beside the histories up to `NOW` come the true probabilities of those who are still
    there: that nothing is heard of them in the horizon to come.
    """
    random = Random(seed)
    found: list[FanHistory] = []
    truth: dict[str, float] = {}
    for number in range(count):
        rate = random.choice((1, 2, 4, 8))
        hazard = 1 / (1 + exp(0.2 + 1.3 * log(rate)))
        begins = random.randrange(months)
        times: list[int] = []
        stays = True
        for month in range(begins, months):
            if month > begins and random.random() < hazard:
                stays = False
                break
            start = NOW - (months - month) * HORIZON
            times += sorted(start + random.randrange(HORIZON - 700) for _ in range(rate))
        each = fan(number, times)
        found.append(each)
        if stays:
            truth[each.fan_id] = hazard
    return found, truth


def at_random(count: int, seed: int, *, months: int = 9) -> list[FanHistory]:
    """Fans who all write alike, and each leave for good at a time that nothing tells of."""
    random = Random(seed)
    found = []
    for number in range(count):
        times: list[int] = []
        begins = random.randrange(months)
        for month in range(begins, months):
            if month > begins and random.random() < 0.3:
                break
            start = NOW - (months - month) * HORIZON
            times += sorted(start + random.randrange(HORIZON - 700) for _ in range(2))
        found.append(fan(number, times))
    return found
