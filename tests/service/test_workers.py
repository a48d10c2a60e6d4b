"""The workers of a service that has just begun."""

import os

import pytest

from tests.conftest import Service
from tests.service.processes import until, with_model


@pytest.mark.skipif(os.cpu_count() == 1, reason="one worker at a time")
async def test_more_than_one_worker_has_the_model_before_anything_is_to_be_understood(
    service: Service,
) -> None:
    await until(lambda: len(with_model(service.folder)) > 1)
