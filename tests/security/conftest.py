"""One Redis for a module, and the guarded application on it."""

import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.history.store import Store, running_store

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from tests.security.guarded import Guarded, guarded


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_store() as running:
        yield running


@pytest.fixture
async def api(store: Store, tmp_path: Path) -> AsyncIterator[Guarded]:
    async with guarded(store.url, tmp_path) as running:
        yield running
