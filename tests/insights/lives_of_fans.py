"""Fictional accounts whose fans leave by a known law, for tests of the risk that they do."""

from math import exp, log
from random import Random

from hypothesis import strategies as st

from tests.insights.plain_fans import DAY, FanHistory, Payment, Talk

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


times = st.integers(NOW - 200 * DAY, NOW + 40 * DAY)
some_times = times | st.sampled_from(
    [NOW - day * DAY - seconds for day in (0, 14, 30) for seconds in (-1, 0, 1, 3600)]  # about the moments
)


@st.composite
def histories(draw: st.DrawFn, number: int = 1, *, least: int = 1) -> FanHistory:
    """One of at least so many talks."""
    talks = []
    for start in draw(st.lists(some_times, min_size=least, max_size=6)):
        end = start + draw(st.integers(0, 3 * DAY))
        first = draw(st.integers(start, end))
        last = draw(st.integers(first, end))
        writes = draw(st.booleans())
        warnings = draw(st.sampled_from(("", "churn_intent=1", "complaint=2,price_objection=1")))
        talks.append(
            Talk(
                draw(st.uuids(version=4)).hex,
                start,
                end,
                draw(st.integers(0, 9)),
                first if writes else None,
                last if writes else None,
                draw(st.floats(0, 5)) if writes else 0.0,
                5 if writes else 0,
                warnings if writes else "",
            )
        )
    kinds = st.sampled_from(("tip", "purchase", "renewal"))
    amounts = st.sampled_from((0.0, 5.5)) | st.floats(0, 1e6)
    paid = draw(st.lists(st.builds(Payment, some_times, kinds, amounts), max_size=5))
    return fan(
        number,
        [],
        joined=draw(st.none() | some_times),
        subscription_end=draw(st.none() | some_times),
        talks=sorted(talks, key=lambda talk: (talk.start, talk.conversation)),
        payments=tuple(sorted(paid)),
        ends=draw(st.lists(some_times, max_size=1)),
    )


def accounts(most: int = 14) -> st.SearchStrategy[list[FanHistory]]:
    """Some fans of one account, of whom some did nothing."""
    return st.integers(0, most).flatmap(
        lambda n: st.tuples(*(histories(number, least=0) for number in range(n))).map(list)
    )
