"""How answers are judged, as parameters of a question: a target, and business hours."""

from typing import Annotated

from fastapi import Depends, Query

from api.services import Provided
from insights.hours import LONGEST
from insights.people import Terms
from settings import MOST_TARGET


async def _terms(
    services: Provided,
    target: Annotated[
        float | None,
        Query(ge=0, le=MOST_TARGET, description="seconds to answer a fan in; default RESPONSE_TARGET"),
    ] = None,
    business_hours: Annotated[
        str | None,
        Query(
            max_length=LONGEST,
            description="such as `Mon-Fri 09:00-17:30, Sat 10:00-14:00`; empty: none; default BUSINESS_HOURS",
        ),
    ] = None,
    business_time_zone: Annotated[
        str | None, Query(max_length=100, description="IANA time zone of these; default BUSINESS_TIME_ZONE")
    ] = None,
) -> Terms:
    own = services.terms
    if target is None and business_hours is None and business_time_zone is None:
        return own
    return Terms.of(
        own.target if target is None else target,
        own.text if business_hours is None else business_hours,
        own.zone.key if business_time_zone is None else business_time_zone,
    )


KnownTerms = Annotated[Terms, Depends(_terms)]
