import pickle

import pytest

import errors
from errors import AnalyticsError, InputTooLarge, InvalidInput, JournalUnavailable, Unavailable

KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AnalyticsError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_the_same_in_another_process(kind: type[AnalyticsError]) -> None:
    detail = [{"field": "text", "reason": "too long"}]
    moved = pickle.loads(pickle.dumps(kind("The cause; the mend.", detail=detail)))
    assert type(moved) is kind
    assert (str(moved), moved.detail, moved.code) == ("The cause; the mend.", detail, kind.code)


def test_a_detail_is_optional() -> None:
    assert pickle.loads(pickle.dumps(InvalidInput("wrong"))).detail is None


def test_every_kind_has_a_code_of_its_own() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)


def test_a_handler_of_the_wider_kind_takes_the_narrower() -> None:
    assert issubclass(InputTooLarge, InvalidInput)
    assert issubclass(JournalUnavailable, Unavailable)
