"""The risk that a fan drops off: right where something tells it, and none where nothing does."""

from dataclasses import replace
from math import fsum, sqrt
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.fan_history import DAY, FanHistory, Payment, Talk
from insights.risk import KEPT, MIN_FANS, Fits, Learned, learn, logistic
from insights.risk_features import FEATURES, drops_off, features, is_active
from tests.insights.lives_of_fans import HORIZON, NOW, at_random, fan, leaving, talk

SEEDS = range(4)


@pytest.fixture(scope="module")
def simulated() -> list[tuple[Learned, list[FanHistory], dict[str, float]]]:
    found = []
    for seed in SEEDS:
        fans, truth = leaving(1_500, seed)
        found.append((learn(fans, NOW, HORIZON), fans, truth))
    return found


def test_risks_are_the_true_ones_where_the_hazard_is_known(simulated: Any) -> None:
    for learned, fans, truth in simulated:
        assert learned.reason is None
        by_hazard: dict[float, list[float]] = {}
        for each in fans:
            if each.fan_id in truth:
                risk = learned.model.risk(features(each, NOW, HORIZON))
                by_hazard.setdefault(truth[each.fan_id], []).append(risk)
        assert len(by_hazard) == 4
        for hazard, risks in by_hazard.items():
            assert fmean(risks) == pytest.approx(hazard, abs=0.06)


def test_the_trial_says_what_happened_at_the_held_out_time(simulated: Any) -> None:
    for learned, fans, _ in simulated:
        trial = learned.trial
        assert learned.held_out == NOW - HORIZON
        active = [each for each in fans if is_active(each, learned.held_out, HORIZON)]
        told = [
            (
                learned.model.risk(features(each, learned.held_out, HORIZON)),
                drops_off(each, NOW - HORIZON, HORIZON),
            )
            for each in active
        ]
        dropped = [risk for risk, gone in told if gone]
        stayed = [risk for risk, gone in told if not gone]
        assert (trial.fans, trial.dropped) == (len(told), len(dropped))
        assert trial.brier == pytest.approx(fmean((risk - gone) ** 2 for risk, gone in told))
        assert trial.brier_base == pytest.approx(trial.base_rate * (1 - trial.base_rate))
        assert trial.brier < trial.brier_base
        pairs = fsum((one > other) + 0.5 * (one == other) for one in dropped for other in stayed)
        assert trial.auc == pytest.approx(pairs / (len(dropped) * len(stayed)))
        assert trial.auc > 0.6
        assert sum(each.n for each in trial.bins) == trial.fans
        for each in trial.bins:
            error = sqrt(each.predicted * (1 - each.predicted) / each.n)
            assert abs(each.predicted - each.observed) < 4 * error + 0.02


@pytest.mark.parametrize("seed", range(12))
def test_no_model_is_offered_on_noise(seed: int) -> None:
    learned = learn(at_random(700, seed), NOW, HORIZON)
    assert (learned.model, learned.reason) == (None, "no_better_than_base_rate")


def test_parts_and_the_base_make_the_risk(simulated: Any) -> None:
    learned, fans, truth = simulated[0]
    for each in [each for each in fans if each.fan_id in truth][:50]:
        values = features(each, NOW, HORIZON)
        assert len(values) == len(FEATURES)
        model = learned.model
        assert model.risk(values) == pytest.approx(logistic(model.base + sum(model.parts(values))))


def test_the_same_fans_in_another_order_give_the_same_model(simulated: Any) -> None:
    learned, fans, _ = simulated[0]
    assert learn(fans[::-1], NOW, HORIZON) == learned


def test_a_model_that_was_right_once_and_is_so_no_more_is_not_offered() -> None:
    fans, _ = leaving(1_500, 1)
    # Since the held-out time nearly all leave, whatever was the rule before.
    gone = [
        replace(each, talks=[t for t in each.talks if t.start < NOW - HORIZON or number % 12 == 0])
        for number, each in enumerate(fans)
    ]
    learned = learn(gone, NOW, HORIZON)
    assert learned.model is None
    assert learned.reason in ("no_better_than_base_rate", "not_calibrated")
    assert learned.trial is not None


@pytest.mark.parametrize(
    ("fans", "reason"),
    [
        ([], "too_little_history"),
        ([fan(1, [NOW - DAY])], "too_little_history"),
        (leaving(1_500, 1, months=2)[0], "too_little_history"),
        (leaving(MIN_FANS - 1, 1)[0], "too_few_fans"),
        ([fan(n, [NOW - day * DAY for day in range(200, 0, -9)]) for n in range(300)], "too_few_events"),
    ],
)
def test_too_little_to_learn_from_is_said(fans: list[FanHistory], reason: str) -> None:
    learned = learn(fans, NOW, HORIZON)
    assert (learned.model, learned.reason) == (None, reason)


times = st.integers(NOW - 200 * DAY, NOW + 40 * DAY)


@st.composite
def histories(draw: st.DrawFn) -> FanHistory:
    talks = []
    for number, start in enumerate(sorted(draw(st.lists(times, min_size=1, max_size=6)))):
        end = start + draw(st.integers(0, 3 * DAY))
        first = draw(st.integers(start, end))
        last = draw(st.integers(first, end))
        writes = draw(st.booleans())
        warnings = draw(st.sampled_from(("", "churn_intent=1", "complaint=2,price_objection=1")))
        talks.append(
            Talk(
                f"c:{number}",
                start,
                end,
                draw(st.integers(1, 9)),
                first if writes else None,
                last if writes else None,
                2.0 if writes else 0.0,
                5 if writes else 0,
                warnings if writes else "",
            )
        )
    kinds = st.sampled_from(("tip", "purchase", "renewal"))
    paid = draw(st.lists(st.builds(Payment, times, kinds, st.sampled_from((0.0, 5.5))), max_size=4))
    return fan(1, [], talks=talks, payments=tuple(sorted(paid)), ends=draw(st.lists(times, max_size=1)))


@given(histories(), st.integers(NOW - 100 * DAY, NOW), histories())
def test_features_of_a_time_do_not_know_what_came_after_it(
    one: FanHistory, at: int, other: FanHistory
) -> None:
    if one.before(at).last_acted is None:
        return
    later = replace(
        one,
        talks=[*(t for t in one.talks if t.start < at), *(t for t in other.talks if t.start >= at)],
        payments=[*(p for p in one.payments if p.at < at), *(p for p in other.payments if p.at >= at)],
        subscription_end=at + 5,
        ends=other.ends,
    )
    assert features(later, at, HORIZON) == features(one, at, HORIZON)


@given(histories(), st.integers(NOW - 100 * DAY, NOW), st.integers(0, DAY))
def test_what_is_known_of_a_time_stays_known(one: FanHistory, at: int, less: int) -> None:
    assert one.before(at).before(at) == one.before(at)
    assert one.before(at).before(at - less).payments == one.before(at - less).payments


@given(histories(), times)
def test_a_fan_drops_off_who_neither_acts_nor_keeps_the_subscription(one: FanHistory, at: int) -> None:
    wrote = any(
        t.fan_first is not None and t.fan_last is not None and t.fan_first < at + HORIZON and t.fan_last >= at
        for t in one.talks
    )
    paid = any(at <= p.at < at + HORIZON for p in one.payments)
    ended = any(at <= end < at + HORIZON for end in one.ends)
    assert drops_off(one, at, HORIZON) == (ended or not (wrote or paid))


def named(one: FanHistory, at: int = NOW) -> dict[str, float]:
    return dict(zip(FEATURES, features(one, at, HORIZON), strict=True))


def test_each_feature_follows_what_it_is_named_after() -> None:
    quiet = fan(1, [NOW - 40 * DAY, NOW - 30 * DAY, NOW - 20 * DAY])
    silent = fan(1, [NOW - 70 * DAY, NOW - 60 * DAY, NOW - 50 * DAY, NOW - 28 * DAY])
    assert named(silent)["silence"] > named(quiet)["silence"]
    daily = fan(1, [NOW - day * DAY for day in range(30, 19, -1)])
    assert named(daily)["silence"] == named(quiet)["silence"]
    assert named(daily)["silence_against_rhythm"] > named(quiet)["silence_against_rhythm"]
    assert named(daily)["visits"] > named(quiet)["visits"]
    tip = Payment(NOW - 25 * DAY, "tip", 20.0)
    assert named(replace(quiet, payments=[tip]))["spend"] > named(quiet)["spend"] == 0
    renewal = Payment(NOW - 25 * DAY, "renewal", 9.0)
    assert named(replace(quiet, payments=[renewal]))["spend"] == 0
    assert named(quiet)["subscription"] == 0
    assert named(replace(quiet, payments=[renewal]))["subscription"] == 1
    last = quiet.talks[-1]
    assert last.fan_last is not None
    waits = replace(quiet, talks=[*quiet.talks[:-1], last._replace(end=last.fan_last)])
    assert (named(waits)["unanswered"], named(quiet)["unanswered"]) == (1, 0)
    answered = replace(
        waits, talks=[*waits.talks, Talk("c:9", NOW - DAY, NOW - DAY, 1, None, None, 0.0, 0, "")]
    )
    assert named(answered)["unanswered"] == 0
    angry = replace(quiet, talks=[*quiet.talks[:-1], last._replace(warnings="complaint=2,churn_intent=1")])
    assert named(angry)["complaint"] > named(angry)["churn_intent"] > named(angry)["price_objection"] == 0


def test_a_change_of_mood_is_there_with_enough_messages_on_both_sides() -> None:
    def felt(before: float, now: float, n: int) -> FanHistory:
        days = [(50, before), (40, before), (20, now), (10, now)]
        return fan(1, [], talks=[talk(d, NOW - d * DAY)._replace(felt_sum=m * n, felt_n=n) for d, m in days])

    assert named(felt(0.8, 0.3, 3))["mood_change"] == pytest.approx(-0.5)
    assert named(felt(0.8, 0.3, 2))["mood_change"] == 0


def test_a_fit_is_kept_until_what_it_was_learned_from_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counting(fans: Any, anchor: int, horizon: int) -> Learned:
        asked.append(anchor)
        return Learned(None, "too_few_fans", 0, anchor)

    monkeypatch.setattr("insights.risk.learn", counting)
    fits, fans = Fits(), [fan(1, [NOW - 40 * DAY, NOW + 100])]
    fits.learned(fans, NOW + 3600, HORIZON)
    fits.learned(
        [replace(fans[0], talks=fans[0].talks[:1])], NOW + 7200, HORIZON
    )  # today's are not learned from
    assert asked == [NOW]
    fits.learned([replace(fans[0], talks=fans[0].talks[1:])], NOW + 3600, HORIZON)
    fits.learned(fans, NOW + DAY, HORIZON)
    fits.learned(fans, NOW, 2 * HORIZON)
    assert asked == [NOW, NOW, NOW + DAY, NOW]
    for number in range(KEPT):
        fits.learned([fan(number, [NOW])], NOW + DAY, HORIZON)
    fits.learned(fans, NOW + 3600, HORIZON)
    assert asked[-1] == NOW
