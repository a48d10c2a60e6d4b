"""One Redis for a module, the guarded application on it, and a browser's page of that."""

import os
import shutil
import warnings
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from playwright.async_api import ConsoleMessage, Error, Page, async_playwright, expect

from tests.conftest import PATIENCE
from tests.history.store import Store, running_store

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from tests.security.guarded import Guarded, guarded


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with running_store() as running:
        yield running


@pytest.fixture
async def api(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Guarded]:
    """The application; its passwords are hashed with little memory and time."""
    quick = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("access.people.PasswordHasher", quick)
    async with guarded(store.url, tmp_path) as running:
        yield running


@pytest.fixture
async def page(api: Guarded) -> AsyncIterator[Page]:
    """A page of the application; no script of it may fail, and nothing in it be against its policy."""
    chromium = shutil.which("chromium")
    if chromium is None:
        missing = "The page's tests need `chromium` on the PATH."
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    problems: list[str] = []

    def note_console(entry: ConsoleMessage) -> None:
        if "Content Security Policy" in entry.text:
            problems.append(entry.text)

    def note_error(error: Error) -> None:
        problems.append(str(error))

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        found = await browser.new_page(base_url=f"http://127.0.0.1:{api.port}")
        found.on("console", note_console)
        found.on("pageerror", note_error)
        found.set_default_timeout(PATIENCE * 1000)
        expect.set_options(timeout=PATIENCE * 1000)
        yield found
        await browser.close()
    assert problems == []
