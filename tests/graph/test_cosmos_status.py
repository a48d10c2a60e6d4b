from typing import Any

import pytest

from errors import AnalyticsError, GraphError, GraphUnavailable
from graph.cosmos_status import Again, charge_of, judged, retry_after, status_of

SAID = "ExceptionMessage: conv:confidential"


def verdict(status: int, code: int = 500, message: str = SAID, **attributes: Any) -> Again | GraphError:
    return judged(code, {"x-ms-status-code": status, **attributes}, message)


@pytest.mark.parametrize("status", [404, 408, 409, 412, 449, 500, 503, 1007, 1008])
def test_what_may_succeed_later_is_sent_again_and_then_unavailable(status: int) -> None:
    found = verdict(status)
    assert isinstance(found, Again)
    assert isinstance(found.error, GraphUnavailable)
    assert 1 < found.attempts < 20
    assert str(status) in str(found.error)


@pytest.mark.parametrize("status", [503, 1007, 1008])
def test_a_connection_that_is_lost_asks_for_a_new_client(status: int) -> None:
    assert isinstance(found := verdict(status), Again)
    assert found.reconnect


@pytest.mark.parametrize("status", [404, 409, 412, 429, 500, 1000])
def test_other_failures_keep_the_client(status: int) -> None:
    assert isinstance(found := verdict(status), Again)
    assert not found.reconnect


def test_a_query_that_could_not_be_carried_out_is_tried_twice_and_is_then_final() -> None:
    assert isinstance(found := verdict(1000), Again)
    assert found.attempts == 2
    assert isinstance(found.error, GraphError)


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "COSMOS_KEY"),
        (403, "firewall"),
        (400, "not supported"),
        (1004, "another form"),
        (1001, "split"),
        (1003, "split"),
        (1009, "split"),
        (799, "refused"),
    ],
)
def test_what_would_fail_again_fails_at_once_and_says_what_to_do(status: int, remedy: str) -> None:
    assert isinstance(found := verdict(status), GraphError)
    assert remedy in str(found)


@pytest.mark.parametrize("code", [401, 498, 597])
def test_the_outer_code_counts_where_the_store_says_none(code: int) -> None:
    assert isinstance(found := judged(code, {}, SAID), GraphError)
    assert str(code) in str(found)


def test_a_graph_that_is_not_there_is_told_from_an_element_that_is_gone() -> None:
    assert isinstance(verdict(404, message="NotFoundException: Entity with the specified id"), Again)
    found = verdict(404, message="Owner resource does not exist ActivityId : 1")
    assert isinstance(found, GraphError)
    assert "GRAPH_URL" in str(found)


@pytest.mark.parametrize("status", [400, 401, 404, 409, 429, 500, 1000, 1007, 1009, 799])
def test_nothing_of_the_servers_text_is_repeated(status: int) -> None:
    found = verdict(status)
    error: AnalyticsError = found.error if isinstance(found, Again) else found
    assert "confidential" not in str(error)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("00:00:03.9500000", 3.95),
        ("00:00:00.0530000", 0.053),
        ("00:00:02", 2.0),
        ("00:01:00", 60.0),
        ("1.00:00:00", 60.0),  # no day is waited for
        (1500, 1.5),
        (12.5, 0.0125),
        ("250", 0.25),
        (10**9, 60.0),
        (0, 0.0),
        (None, None),
        ("soon", None),
        (-5, None),
        (float("nan"), None),
        ([1], None),
    ],
)
def test_the_wait_is_read_in_either_form(value: Any, seconds: float | None) -> None:
    found = verdict(429, **{"x-ms-retry-after-ms": value})
    assert isinstance(found, Again)
    assert found.throttled
    assert found.wait == pytest.approx(seconds)
    assert retry_after({}) is None


def test_charge_and_status_are_read_where_they_are_given() -> None:
    assert charge_of({"x-ms-total-request-charge": 12.26}) == 12.26
    assert charge_of({}) == charge_of({"x-ms-total-request-charge": "?"}) == 0.0
    assert status_of(500, {"x-ms-status-code": "429"}) == 429
    assert status_of(500, {"x-ms-status-code": None}) == 500
