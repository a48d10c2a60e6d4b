"""Payloads about fans: what each is worth and how each stands, the risk of dropping off, cohorts.

No names: fans are told by their ids.
"""

from datetime import datetime
from typing import Literal

from wire.payloads import Payload

Segment = Literal["new", "regular", "big_spender", "silent", "at_risk", "lapsed"]
FanSort = Literal["value", "silence", "risk"]
NoModel = Literal[
    "too_little_history", "too_few_fans", "too_few_events", "no_better_than_base_rate", "not_calibrated"
]
NoRisk = Literal[NoModel, "never_acted", "lapsed"]


class RiskPart(Payload):
    """What a feature adds to the log-odds of dropping off, against the average fan."""

    feature: str
    value: float  # as the model reads it
    log_odds: float


class FanInsight(Payload):
    """One fan. Money is in dollars; what is not known is null."""

    userId: str
    creatorId: str
    fanId: str
    chatId: str
    joined: datetime | None
    conversations: int  # of the window, in which the fan wrote
    sales: int  # of the window: tips and purchases
    value: float  # what they brought
    payments: int  # of the window: sales and renewals
    revenue: float  # what they brought
    lifetime_sales: int
    lifetime_value: float
    last_wrote: datetime | None
    last_paid: datetime | None
    last_seen: datetime | None  # wrote or paid
    silent_seconds: int | None  # since then
    mood: float | None  # 0..1: of the window
    mood_n: int  # messages
    mood_before: float | None  # of the window before
    mood_before_n: int
    mood_change: float | None
    subscription_end: datetime | None  # past or future, as the platform last stated it
    risk: float | None  # 0..1
    risk_base: float | None  # log-odds of the average fan: with the parts it makes the risk
    risk_parts: list[RiskPart]  # the largest first
    risk_reason: NoRisk | None  # why there is no risk
    segments: list[Segment]
    drill: str  # a query of `/api/v1/insights/conversations`; add `group`


class SegmentCount(Payload):
    segment: Segment
    fans: int
    drill: str  # a query of `/api/v1/insights/fans`


class ReliabilityBin(Payload):
    """Fans of neighbouring risks at the held-out time."""

    predicted: float  # their mean risk
    observed: float  # the share that dropped off
    n: int


class RiskModel(Payload):
    """The model of one account's risks, or why there is none, and how it did on held-out time."""

    userId: str
    creatorId: str
    reason: NoModel | None  # null: its risks are given
    fitted: int  # fans at the times that it was fitted on
    held_out: datetime  # the time that it was tried at
    fans: int | None  # then
    dropped: int | None  # of them, in the days after it
    base_rate: float | None
    auc: float | None
    brier: float | None
    brier_base: float | None  # of one risk for all, the best there was
    calibration_error: float | None
    bins: list[ReliabilityBin]


class Fans(Payload):
    """Some of the fans that were asked for, and figures of all of them."""

    creatorId: str | None
    startDate: datetime
    endDate: datetime
    as_of: datetime
    time_zone: str
    horizon_days: int  # after which a silent fan has dropped off
    total: int  # fans, whatever the page
    value: float
    revenue: float
    fans: list[FanInsight]
    next: str | None  # the `cursor` of the next page; null: this is the last
    segments: list[SegmentCount]  # of the fans that all else which was asked for leaves
    models: list[RiskModel]  # one an account
    caution: str  # what must not be read into it
    notes: list[str]  # how the question was read, where not to the letter


class CohortMonth(Payload):
    """What a cohort did in one month."""

    month: str  # such as 2024-05
    active: int  # fans that wrote or paid
    retention: float  # of the cohort
    revenue: float  # dollars
    revenue_per_fan: float  # of the cohort
    complete: bool  # the month is over
    drill: str  # a query of `/api/v1/insights/fans`


class Cohort(Payload):
    """The fans that joined in one month."""

    month: str
    fans: int
    months: list[CohortMonth]  # from the month of joining on
    drill: str  # a query of `/api/v1/insights/fans`


class Cohorts(Payload):
    """Fans by the month in which they joined."""

    creatorId: str | None
    startDate: datetime
    endDate: datetime
    as_of: datetime
    time_zone: str
    cohorts: list[Cohort]  # of the months that the window touches
    unknown: int  # fans of whom it is not known when they joined: in no cohort
    caution: str
    notes: list[str]
