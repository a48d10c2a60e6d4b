"""Signing in and out on the page, in a real browser."""

import pytest
from playwright.async_api import Page, expect

from access.people import Passwords
from tests.security.guarded import Guarded

PASSWORD = "correct horse battery"


@pytest.mark.slow
async def test_a_person_is_asked_who_it_is_comes_back_and_signs_out(api: Guarded, page: Page) -> None:
    await api.access.manager.store.put_person(await Passwords().person("ann", PASSWORD))
    await page.goto("/?user_id=victim")
    await expect(page).to_have_url(f"http://127.0.0.1:{api.port}/sign-in?next=%2F%3Fuser_id%3Dvictim")
    await page.get_by_label("Name").fill("ann")
    await page.get_by_label("Password").fill("not the password")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_have_text("There is no such account with this password.")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"http://127.0.0.1:{api.port}/?user_id=victim")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(f"http://127.0.0.1:{api.port}/sign-in")
    await page.goto("/")
    await expect(page).to_have_url(f"http://127.0.0.1:{api.port}/sign-in?next=%2F")


@pytest.mark.slow
async def test_it_goes_on_to_no_other_site(api: Guarded, page: Page) -> None:
    await api.access.manager.store.put_person(await Passwords().person("ann", PASSWORD))
    for other in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"):
        await page.goto(f"/sign-in?next={other}")
        await page.get_by_label("Name").fill("ann")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page).to_have_url(f"http://127.0.0.1:{api.port}/")
