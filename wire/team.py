"""The payloads of insights about who answers and when. As those of `wire.payloads`."""

from datetime import datetime
from typing import Literal

from wire.payloads import Payload

ComparedBy = Literal["creator", "person", "window"]


class AnswerTimes(Payload):
    """Seconds until fans were answered; null where nobody was."""

    n: int
    median: float | None
    p90: float | None
    within_target: float | None  # the percentage of them that took no longer than the target


class TeamFigures(Payload):
    """What was sent, answered and sold in a window; what it is about is said beside it."""

    messages: int  # direct ones
    mass_messages: int
    responses: AnswerTimes
    responses_in_hours: AnswerTimes | None  # the same, business hours alone counted; null without any
    ppv_sent: int
    ppv_unlocked: int
    unlock_ratio: float | None  # 0..1
    ppv_revenue: float  # dollars paid for those unlocked
    sales: int  # tips and purchases that follow a message of theirs
    revenue: float  # of these, in dollars
    drill: str  # a query of `/api/v1/insights/conversations`; add `group`


class TeamRow(Payload):
    """The figures of one person, shift or creator, beside those of the period before."""

    key: str  # `unknown`: nothing says who it was
    figures: TeamFigures
    previous: TeamFigures


class People(Payload):
    """Who of the team answered how fast, and what they sold."""

    creatorId: str | None
    startDate: datetime
    endDate: datetime
    previousStartDate: datetime
    previousEndDate: datetime
    as_of: datetime
    target: float  # seconds
    business_hours: str | None
    business_time_zone: str | None
    total: TeamRow
    by_person: list[TeamRow]
    by_shift: list[TeamRow]
    by_creator: list[TeamRow]  # a row an account


class ComparedColumn(Payload):
    """One creator, person or window, beside the period before."""

    key: str
    startDate: datetime
    endDate: datetime
    previousStartDate: datetime
    previousEndDate: datetime
    figures: TeamFigures
    previous: TeamFigures


class Comparison(Payload):
    """The same figures of several creators, people or windows side by side."""

    creatorId: str | None
    by: ComparedBy
    as_of: datetime
    target: float  # seconds
    business_hours: str | None
    business_time_zone: str | None
    columns: list[ComparedColumn]


class HeatFigures(Payload):
    """What happened while clocks showed an hour of the week, and for how long they did."""

    hours: float  # of the window
    fan_messages: int  # direct ones
    fan_messages_per_hour: float | None  # null where clocks never show it
    responses: int  # to fans who began to wait then
    response_median: float | None  # seconds
    sales: int  # tips and purchases
    revenue: float  # of all outcomes, in dollars
    revenue_per_hour: float | None


class HeatCell(Payload):
    """An hour of the week, such as `Mon 14`, beside the period before."""

    hour: str
    figures: HeatFigures
    previous: HeatFigures


class Heatmap(Payload):
    """The 168 hours of the week, by the clocks of a zone."""

    creatorId: str | None
    startDate: datetime
    endDate: datetime
    previousStartDate: datetime
    previousEndDate: datetime
    as_of: datetime
    time_zone: str
    total: HeatCell  # its hour is `all`
    cells: list[HeatCell]  # from `Mon 00` to `Sun 23`
    drill: str  # a query of `/api/v1/insights/conversations`; add `group`, and `hour` for one cell
    previous_drill: str
    notes: list[str]  # how the question was read, where not to the letter
