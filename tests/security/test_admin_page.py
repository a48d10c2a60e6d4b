"""Keys, people, grants and the audit trail on the page, in a real browser."""

from typing import Any

import pytest
from playwright.async_api import Dialog, Locator, Page, expect

from access.audit import STREAM
from access.principal import EVERY, Role
from tests.security.guarded import VICTIM, Guarded, grant

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"
MARKUP = "<img src=x onerror=alert(1)>"


async def enter(api: Guarded, page: Page, role: Role) -> None:
    """Sign ann in, who has this role, and go where keys and people are."""
    given = grant(role, EVERY if role == "admin" else VICTIM)
    await api.access.manager.add_person("test", "ann", PASSWORD, [given])
    await page.goto("/admin")
    await expect(page).to_have_url(f"http://127.0.0.1:{api.port}/sign-in?next=%2Fadmin")
    await page.get_by_label("Name").fill("ann")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(f"http://127.0.0.1:{api.port}/admin")
    await expect(page.locator("#who")).to_have_text("ann")


def agree(page: Page) -> list[str]:
    """Say yes to whatever is asked; what that was."""
    asked: list[str] = []

    async def accept(dialog: Dialog) -> None:
        asked.append(dialog.message)
        await dialog.accept()

    page.on("dialog", accept)
    return asked


def row(page: Page, section: str, text: str) -> Locator:
    return page.get_by_test_id(section).locator("tbody tr", has_text=text)


async def test_a_key_is_shown_once_works_and_is_revoked(api: Guarded, page: Page) -> None:
    await enter(api, page, "admin")
    asked = agree(page)
    form = page.get_by_role("form", name="New key")
    await form.get_by_label("Name").fill(f"extension {MARKUP}")
    await form.get_by_label("Days it is valid").fill("30")
    await form.get_by_label("Role").select_option("agent")
    await form.get_by_label("User").fill(VICTIM)
    await form.get_by_label("Creator").fill("c1")
    await form.get_by_role("button", name="Make a key").click()
    shown = page.locator("#new-key code")
    await expect(shown).to_contain_text("ca_")
    key = await shown.inner_text()
    made = row(page, "keys", MARKUP)
    await expect(made).to_contain_text(f"agent · {VICTIM} · creator c1")
    assert (await api.ask("GET", "/api/v1/me", key)).status_code == 200
    await page.get_by_role("button", name="I have noted it").click()
    assert key not in await page.content()
    await page.reload()
    await expect(made).to_be_visible()
    assert key not in await page.content()

    await made.get_by_role("button", name="Revoke").click()
    await expect(made).to_have_count(0)
    assert len(asked) == 1
    assert await api.access.manager.store.keys() == []
    assert await page.locator("img[src=x]").count() == 0


async def test_people_are_added_get_another_password_and_are_removed(api: Guarded, page: Page) -> None:
    await enter(api, page, "admin")
    agree(page)
    form = page.get_by_role("form", name="New person")
    await form.get_by_label("Name").fill("bea")
    await form.get_by_label("Password").fill(PASSWORD)
    await form.get_by_label("Role").select_option("analyst")
    await form.get_by_label("User").fill(VICTIM)
    await form.get_by_label("With text").check()
    await form.get_by_role("button", name="Add a person").click()
    bea = row(page, "people", "bea")
    await expect(bea).to_contain_text(f"analyst · {VICTIM} · with text")
    [before] = [each for each in await api.access.manager.store.people() if each.name == "bea"]

    await bea.get_by_role("button", name="New password").click()
    password = page.get_by_role("form", name="New password")
    await password.get_by_label("New password of bea").fill("another long password")
    await password.get_by_role("button", name="Set the password").click()
    await expect(password).to_be_hidden()
    after = await api.access.manager.store.person("bea")
    assert after is not None
    assert after.stamp != before.stamp

    await form.get_by_label("Name").fill("bea")
    await form.get_by_label("Password").fill(PASSWORD)
    await form.get_by_role("button", name="Add a person").click()
    await expect(page.get_by_role("alert")).to_contain_text("There is a person of that name.")
    await bea.get_by_role("button", name="Remove").click()
    await expect(bea).to_have_count(0)
    assert await api.access.manager.store.person("bea") is None


async def test_grants_are_given_and_taken_back(api: Guarded, page: Page) -> None:
    await enter(api, page, "admin")
    agree(page)
    form = page.get_by_role("form", name="New grant")
    await form.get_by_label("Who").fill("token:https://issuer.example|zoe")
    await form.get_by_label("Role").select_option("chatter")
    await form.get_by_label("User").fill(VICTIM)
    await form.get_by_role("button", name="Grant").click()
    given = row(page, "grants", "issuer.example|zoe")
    await expect(given).to_contain_text(f"chatter · {VICTIM}")
    principal = "token:https://issuer.example|zoe"
    assert await api.access.manager.store.grants(principal) == (grant("chatter"),)
    await given.get_by_role("button", name="Take back").click()
    await expect(given).to_have_count(0)
    assert await api.access.manager.store.grants(principal) == ()


async def test_the_audit_trail_is_shown_and_verified(api: Guarded, page: Page) -> None:
    await enter(api, page, "admin")
    await expect(row(page, "audit", "signed in")).to_contain_text("person:ann")
    noted = (await api.access.audit.newest(1))[0].hash
    form = page.get_by_role("form", name="Verification")
    verdict = page.locator("#verdict")
    await form.get_by_label("A hash that you noted").fill(noted)
    await form.get_by_role("button", name="Verify all of it").click()
    await expect(verdict).to_contain_text("are as they were written")
    await expect(verdict).to_contain_text(noted)
    last: Any = await api.redis.xrevrange(STREAM, count=1)
    await api.redis.xdel(STREAM, last[0][0])
    await form.get_by_label("A hash that you noted").fill(noted)
    await form.get_by_role("button", name="Verify all of it").click()
    await expect(verdict).to_have_text(
        "Something is wrong: the record with the hash that was noted is missing."
    )


async def test_who_is_no_admin_is_told_so_and_shown_nothing(api: Guarded, page: Page) -> None:
    await enter(api, page, "agent")
    await expect(page.locator("#refused")).to_have_text("This page is for the role admin.")
    for section in ("keys", "people", "grants", "audit"):
        await expect(page.get_by_test_id(section)).to_be_hidden()
    await page.goto("/")
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    await expect(page.get_by_role("link", name="Keys and people")).to_be_hidden()
    assert await page.evaluate("localStorage.length + sessionStorage.length") == 0
    await page.get_by_role("link", name="Your password").click()
    form = page.get_by_role("form", name="Your password")
    await form.get_by_label("Present password").fill("not the password")
    await form.get_by_label("New password").fill("another long password")
    await form.get_by_role("button", name="Change it").click()
    await expect(page.get_by_role("alert")).to_contain_text("The present password is another.")
    await form.get_by_label("Present password").fill(PASSWORD)
    await form.get_by_role("button", name="Change it").click()
    await expect(page).to_have_url(f"http://127.0.0.1:{api.port}/sign-in?next=%2Fadmin")


async def test_the_dashboard_leads_an_admin_there(api: Guarded, page: Page) -> None:
    await enter(api, page, "admin")
    await page.get_by_role("link", name="Dashboard").click()
    await expect(page.get_by_test_id("open")).to_be_hidden()
    await page.get_by_role("link", name="Keys and people").click()
    await expect(page.get_by_test_id("keys")).to_be_visible()
