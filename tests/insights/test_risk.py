"""The risk that a fan drops off: right where something tells it, and none where nothing does."""

from dataclasses import replace
from math import fsum, sqrt
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights import risk, risk_features
from insights.columns import Numbers
from insights.fan_history import AccountFans
from insights.risk import KEPT, MIN_FANS, Fits, Learned, logistic
from insights.risk_features import FEATURES
from insights.tables import rows_of
from tests.insights.lives_of_fans import (
    HORIZON,
    NOW,
    accounts,
    at_random,
    fan,
    histories,
    leaving,
    talk,
    times,
)
from tests.insights.plain_fans import (
    DAY,
    FanHistory,
    Payment,
    Talk,
    drops_off,
    features,
    in_columns,
    is_active,
)

SEEDS = range(4)


def learn(fans: list[FanHistory], anchor: int, horizon: int) -> Learned:
    return risk.learn(in_columns(fans), anchor, horizon)


def rows(fans: list[FanHistory], at: int = NOW) -> Numbers:
    return risk_features.features(in_columns(fans), at, HORIZON)


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
                by_hazard.setdefault(truth[each.fan_id], []).extend(learned.model.risks(rows([each])))
        assert len(by_hazard) == 4
        for hazard, risks in by_hazard.items():
            assert fmean(risks) == pytest.approx(hazard, abs=0.06)


def test_the_trial_says_what_happened_at_the_held_out_time(simulated: Any) -> None:
    for learned, fans, _ in simulated:
        trial = learned.trial
        assert learned.held_out == NOW - HORIZON
        active = [each for each in fans if is_active(each, learned.held_out, HORIZON)]
        risks = learned.model.risks(rows(active, learned.held_out))
        told = list(zip(risks, (drops_off(each, NOW - HORIZON, HORIZON) for each in active), strict=True))
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
    model, values = learned.model, rows([each for each in fans if each.fan_id in truth])
    assert values.shape == (len(truth), len(FEATURES))
    for found, parts in zip(model.risks(values), model.parts(values).tolist(), strict=True):
        assert found == pytest.approx(logistic(model.base + sum(parts)))


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
    assert rows([later], at).tolist() == rows([one], at).tolist()


@given(histories(), st.integers(NOW - 100 * DAY, NOW), st.integers(0, DAY))
def test_what_is_known_of_a_time_stays_known(one: FanHistory, at: int, less: int) -> None:
    known = in_columns([one]).before(at)
    assert told(known.before(at)) == told(known)
    assert told(known.before(at - less))["payments"] == told(in_columns([one]).before(at - less))["payments"]


def told(fans: AccountFans) -> dict[str, Any]:
    return {name: rows_of(getattr(fans, name)) for name in ("profiles", "talks", "payments", "ends")}


@given(accounts(), st.sampled_from((NOW, NOW - 30 * DAY, NOW - 14 * DAY)))
def test_what_is_read_of_many_fans_at_once_is_what_is_read_of_each_alone(
    fans: list[FanHistory], at: int
) -> None:
    whole = in_columns(fans)
    active = risk_features.are_active(whole, at, HORIZON)
    assert active.tolist() == [is_active(each, at, HORIZON) for each in fans]
    dropped = risk_features.drop_off(whole, at, HORIZON)
    assert dropped.tolist() == [drops_off(each, at, HORIZON) for each in fans]
    own = [features(each, at, HORIZON) for each in fans if is_active(each, at, HORIZON)]
    assert risk_features.features(whole.where(active), at, HORIZON).tolist() == own


@given(histories(), times)
def test_a_fan_drops_off_who_neither_acts_nor_keeps_the_subscription(one: FanHistory, at: int) -> None:
    wrote = any(
        t.fan_first is not None and t.fan_last is not None and t.fan_first < at + HORIZON and t.fan_last >= at
        for t in one.talks
    )
    paid = any(at <= p.at < at + HORIZON for p in one.payments)
    ended = any(at <= end < at + HORIZON for end in one.ends)
    [found] = risk_features.drop_off(in_columns([one]), at, HORIZON).tolist()
    assert found == (ended or not (wrote or paid))


def named(one: FanHistory, at: int = NOW) -> dict[str, float]:
    return dict(zip(FEATURES, rows([one], at)[0].tolist(), strict=True))


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


@pytest.mark.parametrize("ids", [("a", "b"), ("b", "a")])
def test_of_two_talks_that_begin_at_once_the_one_with_the_higher_id_is_the_last(ids: tuple[str, str]) -> None:
    answered = talk(1, NOW - DAY)
    waits = answered._replace(fan_last=answered.end)
    both = [waits._replace(conversation=ids[0]), answered._replace(conversation=ids[1])]
    for talks in (both, both[::-1]):
        assert named(fan(1, [], talks=talks))["unanswered"] == (ids[0] == "b")


def test_of_a_talk_that_goes_on_only_that_it_began_is_known() -> None:
    goes_on = talk(1, NOW - 100, length=400, warnings="complaint=1")
    [told] = rows_of(in_columns([fan(1, [], talks=[goes_on])]).before(NOW).talks)
    assert (told["endDate"], told["firstFanDate"], told["lastFanDate"]) == (NOW, NOW - 100, NOW - 100)
    assert (told["sentimentSum"], told["sentimentCount"], told["warnings"]) == (0.0, 0, "")
    assert named(fan(1, [], talks=[goes_on]))["complaint"] == 0


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

    def ask(fans: list[FanHistory], at: int, horizon: int = HORIZON) -> None:
        fits.learned(in_columns(fans), at, horizon)

    ask(fans, NOW + 3600)
    ask([replace(fans[0], talks=fans[0].talks[:1])], NOW + 7200)  # today's are not learned from
    assert asked == [NOW]
    ask([replace(fans[0], talks=fans[0].talks[1:])], NOW + 3600)
    ask(fans, NOW + DAY)
    ask(fans, NOW, 2 * HORIZON)
    assert asked == [NOW, NOW, NOW + DAY, NOW]
    for number in range(KEPT):
        ask([fan(number, [NOW])], NOW + DAY)
    ask(fans, NOW + 3600)
    assert asked[-1] == NOW


OTHER: dict[str, Any] = {
    "start": NOW - 40 * DAY - 1,
    "end": NOW - 39 * DAY,
    "messages": 0,
    "fan_first": NOW - 40 * DAY + 1,
    "fan_last": NOW - 40 * DAY + 2,
    "felt_sum": 0.5,
    "felt_n": 7,
    "warnings": "complaint=1",
}
EACH_TELLS: dict[str, dict[str, Any]] = {
    "account": {"account": "u/d"},
    "fan_id": {"fan_id": "f9"},
    "joined": {"joined": NOW - 41 * DAY},
    "ends": {"ends": [NOW - DAY]},
    "a payment": {"payments": [Payment(NOW - 5, "tip", 1.0)]},
    **{name: {"talks": [talk(0, NOW - 40 * DAY)._replace(**{name: value})]} for name, value in OTHER.items()},
}


@pytest.mark.parametrize("name", EACH_TELLS)
def test_a_fit_is_made_anew_when_any_of_what_is_learned_from_changes(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[AccountFans] = []

    def counting(fans: AccountFans, anchor: int, horizon: int) -> Learned:
        asked.append(fans)
        return Learned(None, "too_few_fans", 0, anchor)

    monkeypatch.setattr("insights.risk.learn", counting)
    fits, one = Fits(), fan(1, [NOW - 40 * DAY])
    other = replace(one, **EACH_TELLS[name])
    for each in (one, one, other, other):
        fits.learned(in_columns([each], each.account), NOW, HORIZON)
    assert len(asked) == 2


def test_what_is_kept_is_what_is_learned_anew_of_the_same_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    fans, _ = leaving(900, 1)
    whole = learn(fans, NOW, HORIZON)
    monkeypatch.setattr("insights.risk.MOST_FANS", 700)
    fits, cold = Fits(), learn(fans, NOW, HORIZON)
    assert cold.model is not None
    assert cold.fitted < whole.fitted
    assert fits.learned(in_columns(fans), NOW + 5, HORIZON) == cold
    assert fits.learned(in_columns(fans[::-1]), NOW + 9, HORIZON) == cold
