"""The page in a real browser, against the whole running service."""

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import escape
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Dialog,
    Error,
    Locator,
    Page,
    WebSocketRoute,
    expect,
    sync_playwright,
)

from tests.conftest import PATIENCE, Service
from tests.service.talk import chat, message, recent

CREATOR = "9001"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",  # a process in each window
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        missing = "The page's tests need `chromium` on the PATH."
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must not log an error; its expectations wait as long as the service may take."""
    problems: list[str] = []

    def note_console(entry: ConsoleMessage) -> None:
        if entry.type == "error":
            problems.append(entry.text)

    def note_error(error: Error) -> None:
        problems.append(str(error))

    expect.set_options(timeout=1000 * PATIENCE)
    opened = browser.new_page()
    opened.on("console", note_console)
    opened.on("pageerror", note_error)
    yield opened
    opened.close()
    assert problems == []


def send(service: Service, user_id: str, kind: str, body: Any) -> None:
    url = f"{service.url}/api/v1/ingest/{user_id}/{kind}"
    answer = httpx.post(url, params={"creator_id": CREATOR}, json=body, timeout=PATIENCE)
    assert answer.status_code == 202, answer.text
    assert answer.json()["held"] == 0


def visit(page: Page, service: Service, user_id: str) -> None:
    page.goto(f"{service.url}/?user_id={user_id}&creator_id={CREATOR}")
    expect(page.get_by_test_id("status")).to_contain_text("Live")


SNAPSHOT = {
    "chats": [chat(11, name="Robin Falk", unread=1)],
    "messages": [
        message(1, 11, recent(50), "good morning, did you sleep well?"),
        message(2, 11, recent(45), "i did, thank you", by="creator"),
        message(3, 11, recent(20), "what a <3 lovely picture &amp; colours"),
    ],
}


def test_a_snapshot_and_then_a_message_arrive_without_reload(
    service: Service, user_id: str, page: Page
) -> None:
    visit(page, service, user_id)
    expect(page.get_by_test_id("empty")).to_contain_text(f"/api/v1/ingest/{user_id}/snapshot")

    send(service, user_id, "snapshot", SNAPSHOT)
    inbox = page.get_by_test_id("inbox-row")
    expect(inbox).to_have_count(1)
    expect(inbox).to_contain_text("Robin Falk")
    expect(inbox).to_contain_text("lovely picture & colours")
    expect(page.get_by_test_id("empty")).to_be_hidden()
    expect(page.get_by_test_id("status")).to_contain_text("Up to date")
    expect(page.get_by_test_id("response-metrics")).to_contain_text("5 min")
    expect(page.get_by_test_id("sentiment-chart").locator(".main-svg").first).to_be_visible()
    topics = page.get_by_test_id("topics")
    expect(topics).not_to_contain_text("Custom content")

    wish = message(4, 12, recent(1), "do you make custom videos? i'd like to order a custom just for me")
    wish["fromUser"] |= {"name": "Kit Lander"}
    send(service, user_id, "messages", {"message": wish})
    expect(inbox).to_have_count(2)
    expect(page.locator('#inbox [data-chat-id="12"]')).to_contain_text("Kit Lander")
    expect(page.locator('#inbox [data-chat-id="12"]')).to_contain_text("custom just for me")
    expect(topics).to_contain_text("Custom content")


def test_a_page_of_a_service_that_asks_nobody_says_who_reads_it_and_what_changes_that(
    service: Service, page: Page
) -> None:
    page.goto(service.url)
    address = service.url.removeprefix("http://")
    expect(page.get_by_test_id("open")).to_contain_text(f"whoever reaches {address}")
    expect(page.get_by_test_id("open")).to_contain_text("AUTH=required")
    expect(page.get_by_role("link", name="Keys and people")).to_be_hidden()
    page.goto(f"{service.url}/admin")
    expect(page.locator("#refused")).to_contain_text("there is nobody to manage")


def test_a_chat_under_pseudonyms_is_shown_and_followed_live_without_a_name(
    service: Service, user_id: str, page: Page
) -> None:
    send(service, user_id, "snapshot", SNAPSHOT)
    page.goto(f"{service.url}/?user_id={user_id}&creator_id={CREATOR}&mask=true")
    row = page.get_by_test_id("inbox-row")
    expect(row).to_contain_text("Fan ")
    expect(row).to_contain_text("lovely picture & colours")
    row.get_by_role("button").click()
    live = message(4, 11, recent(1), "this is Robin Falk, call me on 0612345678")
    send(service, user_id, "messages", {"message": live})
    shown = page.get_by_test_id("messages-panel").get_by_test_id("message")
    expect(shown).to_have_count(4)
    expect(shown.nth(3)).to_contain_text("call me on [number]")
    expect(row).to_contain_text("call me on [number]")
    expect(page.locator("body")).not_to_contain_text("Falk")


def test_an_open_chat_shows_what_was_understood_and_follows_live(
    service: Service, user_id: str, page: Page
) -> None:
    send(service, user_id, "snapshot", SNAPSHOT)
    visit(page, service, user_id)
    row = page.locator('#inbox [data-chat-id="11"]').get_by_role("button")
    row.click()

    panel = page.get_by_test_id("messages-panel")
    shown = panel.get_by_test_id("message")
    expect(shown).to_have_count(3)
    expect(shown.nth(0)).to_have_attribute("data-direction", "fan")
    expect(shown.nth(1)).to_have_attribute("data-direction", "creator")
    send(service, user_id, "messages", {"message": message(4, 11, recent(1), "<b>answer</b> me, please")})
    expect(shown).to_have_count(4)
    expect(shown.nth(3)).to_contain_text("answer me, please")
    expect(panel).not_to_contain_text("not analysed yet")

    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(row).to_be_focused()


def test_a_page_whose_socket_was_dropped_goes_on_where_it_was(
    service: Service, user_id: str, page: Page
) -> None:
    sockets: list[WebSocketRoute] = []
    kinds: list[list[str]] = []

    def pass_on(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        seen: list[str] = []
        sockets.append(socket)
        kinds.append(seen)

        def take(frame: str | bytes) -> None:
            seen.append(json.loads(frame)["type"])
            socket.send(frame)

        server.on_message(take)

    page.route_web_socket(re.compile("/ws/frontend/"), pass_on)
    visit(page, service, user_id)
    send(service, user_id, "snapshot", SNAPSHOT)
    expect(page.get_by_test_id("status")).to_contain_text("Up to date")
    [first] = sockets
    first.close(code=4008)
    expect(page.get_by_test_id("status")).to_contain_text("Connection lost")
    send(service, user_id, "messages", {"message": message(4, 11, recent(1), "are you still there?")})
    expect(page.get_by_test_id("inbox-row")).to_contain_text("are you still there?")
    expect(page.get_by_test_id("status")).to_contain_text("Live")
    assert "last_frame=" in sockets[-1].url
    assert kinds[-1][0] == "connection_ack"
    assert "full_sync_response" not in kinds[-1]


def test_a_remark_on_the_status_is_shown_for_as_long_as_it_holds(
    service: Service, user_id: str, page: Page
) -> None:
    sockets: list[WebSocketRoute] = []

    def pass_on(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    def say(detail: dict[str, str]) -> None:
        payload = {"status": "REALTIME", **detail}
        frame = {"frame": None, "sequence": 1, "creatorId": None, "type": "system_status", "payload": payload}
        sockets[-1].send(json.dumps(frame))

    page.route_web_socket(re.compile("/ws/frontend/"), pass_on)
    send(service, user_id, "snapshot", SNAPSHOT)
    visit(page, service, user_id)
    expect(page.get_by_test_id("inbox-row")).to_have_count(1)
    say({"detail": "The graph is behind."})
    expect(page.locator("#note")).to_have_text("The graph is behind.")
    say({})
    expect(page.locator("#note")).to_be_hidden()


def test_the_description_of_the_api_can_be_read_and_tried(service: Service, page: Page) -> None:
    page.goto(f"{service.url}/docs")
    route = page.locator("#operations-operations-health_health_get")
    route.click()
    route.get_by_role("button", name="Try it out").click()
    route.get_by_role("button", name="Execute").click()
    expect(route.locator(".live-responses-table").get_by_role("cell", name="200", exact=True)).to_be_visible()


MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}</title>"


def test_markup_in_names_texts_and_ids_is_text(
    service: Service, user_id: str, page: Page, browser: Browser
) -> None:
    dialogs: list[str] = []

    def note_dialog(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note_dialog)
    fan = chat(11, name=f"Robin {MARKUP}", unread=1)
    fan["withUser"]["username"] = MARKUP
    raw = message(1, 11, recent(20), f"&lt;b&gt;how much for a custom video? {escape(MARKUP)}")
    send(service, user_id, "snapshot", {"chats": [fan], "messages": [raw]})
    visit(page, service, user_id)
    row = page.get_by_test_id("inbox-row")
    expect(row).to_contain_text(f"Robin {MARKUP}")
    expect(row).to_contain_text(f"<b>how much for a custom video? {MARKUP}")
    row.get_by_role("button").click()
    expect(page.get_by_test_id("messages-panel")).to_contain_text(MARKUP)
    page.keyboard.press("Escape")
    refused = browser.new_page()  # logs that the service refuses such an id
    refused.on("dialog", note_dialog)
    refused.goto(f"{service.url}/?user_id={quote(MARKUP)}&creator_id={quote(MARKUP)}")
    expect(refused.locator("#account")).to_contain_text(MARKUP)
    for opened in (page, refused):
        assert opened.locator("img[src=x], body script").count() == 0
    refused.close()
    assert dialogs == []


MANY = {
    "chats": [chat(fan, name=f"Fan number {fan}", unread=fan % 5) for fan in range(1001, 1131)],
    "messages": [
        message(fan * 10 + n, fan, recent(fan - 900 + n), f"what i say, {n}")
        for fan in range(1001, 1131)
        for n in (2, 1)
    ],
}


def test_an_inbox_of_many_chats_shows_the_first_and_more_when_asked(
    service: Service, user_id: str, page: Page
) -> None:
    send(service, user_id, "snapshot", MANY)
    visit(page, service, user_id)
    rows, more = page.get_by_test_id("inbox-row"), page.get_by_role("button", name="Show more chats")
    expect(rows).to_have_count(50)
    expect(page.locator("#inbox-count")).to_have_text("first 50 of 130 chats")
    more.click()
    expect(rows).to_have_count(100)

    # One that was not shown before: it comes with what was said in it earlier.
    shown = {row.get_attribute("data-chat-id") for row in rows.all()}
    hidden = next(fan for fan in range(1001, 1131) if str(fan) not in shown)
    send(service, user_id, "messages", {"message": message(5, hidden, recent(0), "now it is me")})
    row = page.locator(f'#inbox [data-chat-id="{hidden}"]')
    expect(row).to_contain_text("now it is me")
    expect(row).to_contain_text(f"Fan number {hidden}")
    row.get_by_role("button").click()
    expect(page.get_by_test_id("messages-panel").get_by_test_id("message")).to_have_count(3)
    page.keyboard.press("Escape")

    more.click()
    expect(rows).to_have_count(130)
    expect(more).to_be_hidden()
    expect(page.locator("#inbox-count")).to_have_text("130 chats")

    # A snapshot has every page take a full sync; what was asked for stays.
    new = {"chats": [chat(2000, name="Sam")], "messages": [message(9, 2000, recent(1), "hello, it is sam")]}
    send(
        service,
        user_id,
        "snapshot",
        {**MANY, "chats": MANY["chats"] + new["chats"], "messages": MANY["messages"] + new["messages"]},
    )
    expect(page.locator("#inbox-count")).to_have_text("131 chats")
    expect(rows).to_have_count(131)


def talk(number: int) -> list[dict[str, Any]]:
    """A fan's talk of three days ago, with an offer; of those who ask for a custom more unlock it."""
    fan, at = 3000 + number, recent(3 * 1440)
    asks = number < 24
    is_sold = number % 2 == 0 if asks else number % 4 == 0
    text = "do you make custom videos? i'd like to order a custom just for me" if asks else "good morning"
    offer = message(number * 10 + 2, fan, at + timedelta(minutes=2), "here you are", by="creator", price=15)
    if asks:
        offer |= {"senderId": "anna"}
    if is_sold:
        offer |= {"isOpened": True, "changedAt": (at + timedelta(minutes=6)).isoformat()}
    return [message(number * 10 + 1, fan, at, text), offer | {"media": [{"id": number, "type": "video"}]}]


def await_figures(service: Service, user_id: str, insight: str, is_there: Callable[[Any], bool]) -> None:
    """Return when the graph, which is written beside the page, answers so."""
    asked = {"user_id": user_id, "creator_id": CREATOR}
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = httpx.get(f"{service.url}/api/v1/insights/{insight}", params=asked, timeout=PATIENCE).json()
        if is_there(found):
            return
        time.sleep(0.2)
    pytest.fail(f"{insight} does not say what it should")


def test_what_sales_follow_and_what_became_of_offers_are_shown(
    service: Service, user_id: str, page: Page
) -> None:
    messages = [each for number in range(48) for each in talk(number)]
    send(service, user_id, "snapshot", {"chats": [], "messages": messages})
    await_figures(service, user_id, "ppv", lambda found: found["total"]["sent"] == 48)
    visit(page, service, user_id)
    expect(page.locator("#money-total")).to_have_text("18 of 48 conversations, 37.5 %")
    row = page.get_by_test_id("conversion").locator("tr", has_text="Custom content")
    expect(row).to_contain_text("50 % (")
    expect(row).to_contain_text("2.00 (")
    expect(row).to_contain_text("$15.00")
    expect(page.locator("#money-caution")).to_contain_text("not why")
    funnel = page.get_by_test_id("ppv")
    expect(funnel.locator("tr", has_text="with video media")).to_contain_text("37.5 % (")
    expect(funnel.locator("tr", has_text="at $10 to 20")).to_contain_text("$270.00")
    expect(funnel.locator("tr", has_text="direct messages")).to_contain_text("4 min")
    expect(funnel.locator("tr", has_text="sent by anna")).to_contain_text("50 % (")
    expect(funnel.locator("tr", has_text="sender not known")).to_contain_text("25 % (")
    page.locator("#kind").select_option("price_band")
    expect(page.get_by_test_id("conversion").locator("tbody tr")).to_have_count(1)
    expect(page.get_by_test_id("conversion")).to_contain_text("too few others")


def test_a_number_opens_the_conversations_that_it_counts_and_these_their_messages(
    service: Service, user_id: str, page: Page
) -> None:
    messages = [each for number in range(60) for each in talk(number)]
    messages += [
        message(90_000 + n, 3000 + n, recent(40 * 1440), "it was long ago", by="creator") for n in range(10)
    ]
    chats = [chat(3000 + number, name=f"Kim {number}") for number in range(60)]
    send(service, user_id, "snapshot", {"chats": chats, "messages": messages})
    await_figures(service, user_id, "ppv", lambda found: found["total"]["sent"] == 60)
    visit(page, service, user_id)

    def headline(name: str) -> Locator:
        term = page.get_by_role("term").filter(has_text=re.compile(f"^{name}$"))
        return page.get_by_test_id("headline").locator("div").filter(has=term)

    conversations = headline("Conversations")
    expect(conversations.get_by_test_id("change")).to_have_text("▲ up 500 %")
    expect(conversations.get_by_test_id("change")).to_have_attribute("title", "10 in the period before")
    revenue = headline("Revenue")
    expect(revenue.locator(".value")).to_have_text("$315.00")
    expect(revenue.get_by_test_id("change")).to_be_hidden()  # of nothing there is no share

    funnel = page.get_by_test_id("ppv").locator("tr", has_text="all")
    sent = funnel.get_by_role("button", name="60: offers sent, all")
    sent.focus()
    page.keyboard.press("Enter")
    drill, listed = page.get_by_test_id("drill-panel"), page.get_by_test_id("drilled-row")
    expect(drill.get_by_role("heading")).to_have_text("offers sent, all")
    expect(drill.get_by_role("heading")).to_be_focused()
    expect(page.locator("#drill-state")).to_have_text("60 in 60 conversations; the first 50 are shown.")
    expect(listed).to_have_count(50)
    drill.get_by_role("button", name="Show more conversations").click()
    expect(listed).to_have_count(60)
    expect(page.locator("#drill-state")).to_have_text("60 in 60 conversations.")
    page.keyboard.press("Escape")
    expect(drill).to_be_hidden()
    expect(sent).to_be_focused()

    funnel.get_by_role("button", name="21: offers unlocked, all").click()
    expect(page.locator("#drill-state")).to_have_text("21 in 21 conversations, $315.00.")
    expect(listed).to_have_count(21)
    first = listed.first.get_by_role("button")
    expect(first).to_contain_text("Kim ")
    expect(first).to_contain_text("2 messages · $15.00")
    first.click()
    panel = page.get_by_test_id("messages-panel")
    expect(panel.locator(".sought")).to_be_focused()
    expect(panel.get_by_test_id("message").last).to_contain_text("here you are")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(first).to_be_focused()
    expect(drill).to_be_visible()

    # Of the team, and each beside another.
    page.keyboard.press("Escape")
    anna = page.get_by_test_id("people-row").filter(has_text="anna")
    unknown = page.get_by_test_id("people-row").filter(has_text="not known")
    expect(anna.get_by_role("button", name="24: messages sent, anna")).to_be_visible()
    expect(anna).to_contain_text("2 min")
    expect(anna.get_by_role("button", name="12: sales, anna")).to_be_visible()
    page.get_by_label("Beside").select_option("anna")
    expect(unknown.get_by_test_id("change").first).to_have_text("▲ up 50 %")
    expect(unknown.get_by_test_id("change").first).to_have_attribute("title", "24 of anna")
    expect(anna.get_by_test_id("change").first).to_be_hidden()
    anna.get_by_role("button", name="24: messages sent, anna").click()
    expect(listed).to_have_count(24)


def test_who_reads_no_messages_or_no_names_is_listed_conversations_without_them(
    service: Service, user_id: str, page: Page
) -> None:
    asked = [each for number in range(4) for each in talk(number)]
    chats = [chat(3000 + number, name=f"Kim {number}") for number in range(4)]
    send(service, user_id, "snapshot", {"chats": chats, "messages": asked})
    await_figures(service, user_id, "ppv", lambda found: found["total"]["sent"] == 4)
    page.goto(f"{service.url}/?user_id={user_id}&creator_id={CREATOR}&mask=true")
    sent = page.get_by_test_id("ppv").get_by_role("button", name="4: offers sent, all")
    listed = page.get_by_test_id("drilled-row")
    sent.click()
    expect(listed).to_have_count(4)
    expect(listed.first).to_contain_text("Fan ")
    expect(listed.first.get_by_role("button")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("Kim")

    grant = {"role": "analyst", "user_id": user_id, "creator_id": None, "with_text": False}
    analyst = {"id": "person:ann", "name": "Ann", "grants": [grant], "csrf_token": None, "open_at": None}
    page.route("**/api/v1/me", lambda route: route.fulfill(json=analyst))
    page.goto(f"{service.url}/?user_id={user_id}&creator_id={CREATOR}")
    sent.click()
    expect(listed).to_have_count(4)
    expect(listed.get_by_role("button")).to_have_count(0)


def test_the_hours_of_the_week_are_shown_as_a_table_that_can_be_read(
    service: Service, user_id: str, page: Page
) -> None:
    at = recent(3 * 1440).replace(minute=10)
    tip = message(3, 11, at, "for you", tipAmount=25) | {"isTip": True}
    answer = message(2, 11, at + timedelta(minutes=12), "good morning", by="creator")
    send(service, user_id, "snapshot", {"messages": [message(1, 11, at, "hello"), answer, tip]})
    await_figures(service, user_id, "heatmap", lambda found: found["total"]["figures"]["sales"] == 1)
    visit(page, service, user_id)
    table = page.get_by_test_id("heatmap")
    expect(table.get_by_role("rowheader")).to_have_text(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
    expect(table.get_by_role("columnheader")).to_have_count(25)
    shown = table.locator("td[data-level='5']")
    expect(shown).to_have_count(1)
    expect(shown).to_have_text("2")
    expect(shown).to_have_attribute("title", re.compile("2 messages of fans; before: 0 messages of fans"))
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    expect(page.locator("#heat-zone")).to_contain_text(zone)
    page.get_by_label("Show").select_option("revenue")
    expect(shown).to_have_text("25")
    expect(page.locator("#heat-total")).to_have_text("$25.00, 1 sale; before: $0.00, 0 sales")
    page.get_by_label("Show").select_option("response")
    expect(shown).to_have_text("12 min")


def test_fans_are_shown_in_order_and_open_their_chats(service: Service, user_id: str, page: Page) -> None:
    chats = [chat(4000 + number, name=f"Kim {number}") for number in range(60)]
    messages = []
    for number in range(60):
        at = recent(1440 * (1 + number % 40))
        tip: dict[str, Any] = {"isTip": True, "tipAmount": number} if number else {}
        messages.append(message(number + 1, 4000 + number, at, "hello there", **tip))
    send(service, user_id, "snapshot", {"chats": chats, "messages": messages})
    await_figures(service, user_id, "fans", lambda found: found["total"] == 60 and found["fans"][0]["sales"])
    visit(page, service, user_id)
    rows = page.get_by_test_id("fan-row")
    expect(page.locator("#fans-total")).to_contain_text("60 fans")
    expect(rows).to_have_count(50)
    page.get_by_text("Show more fans").click()
    expect(rows).to_have_count(60)
    expect(page.get_by_text("Show more fans")).to_be_hidden()
    expect(page.locator("#fans-models")).to_contain_text("too little history yet")
    expect(page.locator("#fans-caution")).to_contain_text("not why")
    expect(page.get_by_test_id("cohorts").locator("tbody tr").first).to_contain_text("100 %")

    page.get_by_label("Order").select_option("silence")
    expect(rows.first).to_contain_text("Kim 39")
    expect(rows.first).to_contain_text("lapsed")
    page.get_by_label("Segment").select_option("lapsed")
    expect(page.locator("#fans-total")).to_contain_text("11 fans")
    expect(rows).to_have_count(11)

    opened = rows.first.get_by_role("button", name="Kim 39", exact=True)
    opened.click()
    expect(page.get_by_test_id("messages-panel")).to_contain_text("hello there")
    page.keyboard.press("Escape")
    expect(opened).to_be_focused()


def test_a_message_is_found_and_opens_its_chat_at_that_message(
    service: Service, user_id: str, page: Page
) -> None:
    old = message(1, 11, recent(9 * 1440), "💪 do you have <b>kettlebell</b> videos?")
    others = [message(n, 11, recent(5000 - 10 * n), f"what i say, {n}") for n in range(2, 242)]
    send(service, user_id, "snapshot", {"chats": [chat(11, name="Robin Falk")], "messages": [old, *others]})
    visit(page, service, user_id)
    expect(page.get_by_test_id("status")).to_contain_text("Up to date")
    box = page.get_by_role("searchbox", name="Find messages")
    box.fill("KETTLEBELL (")
    box.press("Enter")
    row = page.get_by_test_id("found-row").first
    expect(row).to_contain_text("💪 do you have kettlebell videos?")
    expect(row.locator("mark")).to_have_text("kettlebell")
    expect(row).to_contain_text("Robin Falk")
    row.get_by_role("button").click()
    panel = page.get_by_test_id("messages-panel")
    sought = panel.locator('[data-message-id="1"]')
    expect(sought).to_be_in_viewport()
    expect(sought).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(row.get_by_role("button")).to_be_focused()
    box.fill("no such words at all here")
    page.locator("#find-mode").select_option("words")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.locator("#find-state")).to_contain_text("Nothing found.")


def test_a_message_and_a_topic_are_corrected_and_given_back_from_the_page(
    service: Service, user_id: str, page: Page
) -> None:
    said = message(1, 11, recent(50), "i love your gym workouts, do you train every day?")
    send(service, user_id, "snapshot", {"chats": [chat(11, name="Robin Falk")], "messages": [said]})
    visit(page, service, user_id)
    topics = page.get_by_test_id("topics")
    expect(topics).to_contain_text("Fitness")

    page.locator('#inbox [data-chat-id="11"]').get_by_role("button").click()
    row = page.get_by_test_id("messages-panel").get_by_test_id("message")
    expect(row).to_contain_text("question")
    row.get_by_role("button", name="Correct what was understood").click()
    dialog = page.get_by_test_id("correct")
    dialog.get_by_label("Mood").select_option("negative")
    dialog.get_by_label("question").uncheck()
    page.keyboard.press("Escape")  # leaves all as it was, and the chat open
    expect(dialog).to_be_hidden()
    expect(page.get_by_test_id("messages-panel")).to_be_visible()
    row.get_by_role("button", name="Correct what was understood").click()
    dialog.get_by_label("Mood").select_option("negative")
    dialog.get_by_label("question").uncheck()
    dialog.get_by_role("button", name="Save").press("Enter")
    expect(dialog).to_be_hidden()
    expect(row).to_contain_text("0.00 negative")
    expect(row).not_to_contain_text("question")
    page.get_by_role("button", name="Close").click()

    topics.get_by_role("button", name="Correct this topic").first.click()
    dialog.get_by_label("Name").fill("Sports")
    dialog.get_by_role("button", name="Save").click()
    expect(topics).to_contain_text("Sports")
    expect(topics).not_to_contain_text("Fitness")
    topics.get_by_role("button", name="Correct this topic").first.click()
    dialog.get_by_role("button", name="Withdraw").click()
    expect(topics).to_contain_text("Fitness")

    page.locator('#inbox [data-chat-id="11"]').get_by_role("button").click()
    row.get_by_role("button", name="Correct what was understood").click()
    dialog.get_by_label("Fitness").uncheck()
    dialog.get_by_role("button", name="Save").click()
    expect(row).not_to_contain_text("Fitness")
    expect(topics).not_to_contain_text("Fitness")


def test_a_conversations_outcome_and_mood_are_corrected_from_the_page(
    service: Service, user_id: str, page: Page
) -> None:
    said = [message(n, 11, recent(50 - n), text) for n, text in enumerate(("so sad", "so bad"), start=1)]
    send(service, user_id, "snapshot", {"chats": [chat(11, name="Robin Falk")], "messages": said})
    visit(page, service, user_id)
    page.locator('#inbox [data-chat-id="11"]').get_by_role("button").click()
    rows = page.get_by_test_id("messages-panel").get_by_test_id("message")
    expect(rows.nth(1)).to_contain_text("negative")
    facts = page.locator("#panel-facts")
    expect(facts).not_to_contain_text("outcome")
    rows.nth(0).get_by_role("button", name="Correct what was understood").click()
    dialog = page.get_by_test_id("correct")
    dialog.locator("[name=of]").select_option("its whole conversation")
    dialog.get_by_label("Mood").select_option("positive")
    dialog.get_by_label("Outcomes").select_option("tip")
    dialog.get_by_label("Amount").fill("12.50")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    for n in range(2):
        expect(rows.nth(n)).to_contain_text("1.00 positive")
    expect(facts).to_contain_text("1 outcome")
    expect(page.get_by_test_id("headline")).to_contain_text("$12.50")
    rows.nth(1).get_by_role("button", name="Correct what was understood").click()
    for left in (1, 0):
        dialog.get_by_role("button", name="Withdraw").first.click()
        if left:
            expect(dialog).to_be_hidden()
            rows.nth(1).get_by_role("button", name="Correct what was understood").click()
    expect(rows.nth(1)).to_contain_text("negative")
    expect(facts).not_to_contain_text("outcome")


def test_a_topic_shows_its_words_its_course_and_messages_that_lead_to_their_chats(
    service: Service, user_id: str, page: Page
) -> None:
    said = [
        message(1, 11, recent(3000), "i love your gym workouts, do you train your legs every day?"),
        message(2, 12, recent(90), "what does your training at the gym look like this week?"),
        message(3, 12, recent(40), "mail me your gym plan at kit@example.com, i want to train like you"),
    ]
    chats = [chat(11, name="Robin Falk"), chat(12, name="Kit Lander")]
    send(service, user_id, "snapshot", {"chats": chats, "messages": said})
    typical, asked = f"{service.url}/api/v1/topics/fitness/messages", {"user_id": user_id}
    deadline = time.monotonic() + PATIENCE
    while len(httpx.get(typical, params=asked, timeout=PATIENCE).json().get("messages", ())) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    visit(page, service, user_id)
    label = page.get_by_test_id("topics").get_by_role("button", name="Fitness", exact=True)
    label.click()
    panel, row = page.get_by_test_id("topic-panel"), page.get_by_test_id("typical-row")
    expect(panel.get_by_role("heading", name="Fitness")).to_be_focused()
    expect(panel).to_contain_text("gym, workout")
    expect(page.get_by_test_id("topic-course").get_by_text("1 of 1 conversations")).to_have_count(2)
    expect(row).to_have_count(2)
    of_kit = row.filter(has_text="Kit Lander")
    of_kit.get_by_role("button").click()
    messages = page.get_by_test_id("messages-panel")
    expect(messages).to_contain_text("training at the gym")
    page.keyboard.press("Escape")
    expect(messages).to_be_hidden()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(label).to_be_focused()

    page.goto(f"{service.url}/?user_id={user_id}&creator_id={CREATOR}&mask=true")
    label.click()
    expect(row).to_have_count(2)
    expect(panel).not_to_contain_text("kit@example.com")
    expect(panel).not_to_contain_text("Kit Lander")

    grant = {"role": "analyst", "user_id": user_id, "creator_id": None, "with_text": False}
    analyst = {"id": "person:ann", "name": "Ann", "grants": [grant], "csrf_token": None, "open_at": None}
    page.route("**/api/v1/me", lambda route: route.fulfill(json=analyst))
    page.goto(f"{service.url}/?user_id={user_id}&creator_id={CREATOR}")
    label.click()
    expect(panel).to_contain_text("You may not read messages")
    expect(page.get_by_test_id("topic-course").get_by_role("listitem")).to_have_count(2)
    expect(row).to_have_count(0)


def test_many_topics_are_shown_under_the_groups_that_they_belong_to(
    service: Service, user_id: str, page: Page
) -> None:
    send(service, user_id, "snapshot", SNAPSHOT)
    visit(page, service, user_id)
    whole = httpx.get(f"{service.url}/api/v1/insights/full", params={"user_id": user_id}).json()
    facts: dict[str, Any] = {
        "percentage_of_total": 1.0,
        "trend": None,
        "previous_volume": 0,
        "keywords": [],
        "mark": None,
    }
    names = ["Movies", "Series", *(f"Topic {n}" for n in range(19))]
    rows = [facts | {"topic": name, "id": name, "volume": 40 - n} for n, name in enumerate(names)]
    belonging: list[dict[str, Any]] = [
        {"id": n, "topic": n, "category": None, "keywords": [], "group": None} for n in names
    ]
    for each in belonging[:2]:
        each["group"] = "Movies"
    told = {"topics": belonging, "groups": [{"id": "Movies", "label": "Movies, Series"}]}
    page.route("**/api/v1/insights/full*", lambda route: route.fulfill(json=whole | {"topics": rows}))
    page.route("**/api/v1/topics*", lambda route: route.fulfill(json=told))
    page.get_by_label("7 days").check()
    topics = page.get_by_test_id("topics")
    shown = topics.locator("tbody tr")
    group = topics.get_by_role("button", name="Movies, Series", exact=True)
    expect(group).to_have_attribute("aria-expanded", "false")
    expect(shown).to_have_count(20)
    expect(shown.first).to_contain_text("2 topics: Movies, Series")
    expect(topics.get_by_role("button", name="Series", exact=True)).to_have_count(0)
    group.click()
    expect(group).to_have_attribute("aria-expanded", "true")
    expect(shown).to_have_count(22)
    expect(topics.get_by_role("button", name="Series", exact=True)).to_be_visible()
    group.click()
    expect(shown).to_have_count(20)
