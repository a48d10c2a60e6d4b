"""What the platform and its clients really send: in by HTTP and the socket, out as the right figures."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import orjson
import pytest

from tests.conftest import PATIENCE, Service
from tests.service.talk import Raw, dial, page, synced

CREATOR = "100"
F, T = {"fromUser": {"id": 902}}, {"toUser": {"id": 902}}
MAY = {"start_date": "2026-05-01T00:00:00Z", "end_date": "2026-06-01T00:00:00Z"}
APRIL = {"start_date": "2026-04-01T00:00:00Z", "end_date": "2026-05-01T00:00:00Z"}


def at(clock: str = "10:00:00", day: str = "2026-05-04") -> Raw:
    return {"createdAt": f"{day}T{clock}Z"}


class Account:
    """One account, as its extension and its pages use it."""

    def __init__(self, http: httpx.AsyncClient, ws: str, user_id: str, creator_id: str = CREATOR) -> None:
        self._http = http
        self._ws = ws
        self.user_id = user_id
        self.creator_id = creator_id

    async def send(self, kind: str, body: Any, **query: str) -> Raw:
        answer = await self.post(kind, body, **query)
        assert answer.status_code == 202, answer.text
        receipt: Raw = answer.json()
        return receipt

    async def post(self, kind: str, body: Any, **query: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        params = {"creator_id": self.creator_id, **query}
        return await self._http.post(f"/api/v1/ingest/{self.user_id}/{kind}", content=content, params=params)

    async def full(self, **query: str) -> Raw:
        params = {"user_id": self.user_id, "creator_id": self.creator_id, **MAY, **query}
        answer = await self._http.get("/api/v1/insights/full", params=params)
        assert answer.status_code == 200, answer.text
        found: Raw = answer.json()
        return found

    async def messages(self, chat_id: str = "902") -> list[Raw]:
        """Oldest first; none while there is no such chat."""
        params = {"user_id": self.user_id, "creator_id": self.creator_id, "limit": "1000"}
        answer = await self._http.get(f"/api/v1/chats/{chat_id}/messages", params=params)
        return list(reversed(answer.json())) if answer.status_code == 200 else []

    async def chats(self) -> list[Raw]:
        answer = await self._http.get("/api/v1/chats", params={"user_id": self.user_id, "limit": "1000"})
        found: list[Raw] = answer.json()
        return found

    async def held(self) -> Raw:
        found: Raw = (await self._http.get(f"/api/v1/ingest/{self.user_id}/held")).json()
        return found

    async def shows(self, holds: Callable[[Raw], bool], **query: str) -> Raw:
        """The figures as soon as they hold; what they are at last when they never do."""
        while True:
            found: Raw = await until(lambda: self.full(**query), holds)
            await asyncio.sleep(0.5)  # what is being written is written
            again = await self.full(**query)
            if holds(again) and _still(again) == _still(found):
                return again


def _still(full: Raw) -> Raw:
    """Without what the clock moves."""
    moved = ("as_of", "priority", "priorityScores")
    return {key: value for key, value in full.items() if key not in moved}


async def until(ask: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(PATIENCE):
        while not holds(found := await ask()):  # noqa: ASYNC110 (over HTTP)
            await asyncio.sleep(0.1)
    return found


@pytest.fixture
async def account(service: Service, user_id: str) -> Any:
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:
        yield Account(http, service.ws, user_id)


def responses(full: Raw) -> Raw:
    found: Raw = full["response_time_metrics"]["response_time"]
    return found


async def test_a_mass_message_answers_nobody_and_a_queue_id_alone_makes_none(account: Account) -> None:
    ask = {"id": 11, **F, "text": "are you up?", "queueId": 48811, "isFromQueue": False, **at()}
    broadcast = {"id": 12, **T, "text": "new video!", "isFromQueue": True, "queueId": 5, **at("10:00:30")}
    await account.send("snapshot", {"messages": [ask, broadcast]})
    full = await account.shows(lambda f: f["conversations"] == 1)
    assert full["actions"].get("mass_message") == 1
    assert (responses(full)["unanswered"], full["unreadCounts"]["902"]) == (1, 1)
    assert full["priority"]["902"]["waiting"] > 30
    await account.send("messages", {"id": 13, **T, "text": "yes!", "isFromQueue": False, **at("14:00:00")})
    full = await account.shows(lambda f: responses(f)["n"] == 1)
    assert (responses(full)["mean"], responses(full)["unanswered"]) == (14_400, 0)
    assert full["messages"] == {"direct": 2, "by_fans": 1, "mass": 1}


async def test_broadcasts_are_no_conversations(account: Account) -> None:
    gym = {"id": 1, **F, "text": "do you go to the gym every day? what is your workout routine?", **at()}
    priced = [
        {"id": n, "toUser": {"id": n}, "text": "my new set", "price": 9, "isFromQueue": True, **at()}
        for n in range(2, 22)
    ]
    await account.send("snapshot", {"messages": [gym, *priced]})
    full = await account.shows(
        lambda f: f["broadcast_only"] == 20 and any("itness" in topic["topic"] for topic in f["topics"])
    )
    assert full["conversations"] == 1
    [fitness] = [topic for topic in full["topics"] if "itness" in topic["topic"]]
    assert fitness["percentage_of_total"] == 100
    assert (full["ppv"]["direct"]["offers"], full["ppv"]["mass"]["offers"]) == (0, 20)


async def test_what_is_opened_or_deleted_stays_so(account: Account) -> None:
    changed = {"changedAt": "2026-05-04T10:00:00Z"}
    offer = {"id": 31, **T, "text": "for you", "price": 25, **at(), **changed}
    await account.send(
        "snapshot", {"messages": [{**offer, "isOpened": False}, {"id": 51, **F, "text": "x", **at()}]}
    )
    await account.send("messages", {**offer, "isOpened": True})
    await account.shows(lambda f: f["revenue"] == 25 and f["outcomes"] == {"purchase": 1})
    await account.send("messages", [{**offer, "isOpened": False}, {"id": 51, "isDeleted": True}])
    await until(account.messages, lambda found: [m["id"] for m in found] == [31])
    edit = {"id": 31, **T, "text": "only for you", "price": 25, "changedAt": "2026-05-04T11:00:00Z"}
    await account.send("messages", edit)
    [shown] = await until(account.messages, lambda found: found[0]["text"] == "only for you")
    assert shown["createdAt"] == offer["createdAt"]
    full = await account.shows(lambda f: f["messages"]["direct"] == 1)
    assert (full["revenue"], full["outcomes"]) == (25, {"purchase": 1})


async def test_money_counts_on_its_day(account: Account) -> None:
    offer = {"id": 1, **T, "text": "a video", "price": 30, **at(day="2026-04-20")}
    bought = {"isOpened": True, "changedAt": "2026-05-10T10:00:00Z"}
    tip = {"id": 4, **F, "isTip": True, "tipAmount": 60, "text": "I sent you a $60.00 tip ♥"}
    free = {"id": 5, **T, "price": 8, "isFree": True, "isOpened": True, "text": "a gift"}
    await account.send(
        "snapshot",
        {
            "messages": [
                {**offer, **bought},
                {"id": 2, **F, "text": "hello you", **at("23:00:00", "2026-04-28")},
                {**free, **at("23:10:00", "2026-04-28")},
                {**tip, **at("01:00:00", "2026-05-05")},
            ]
        },
    )
    full = await account.shows(lambda f: f["revenue"] == 90)
    assert full["outcomes"] == {"purchase": 1, "tip": 1}
    assert (await account.full(**APRIL))["revenue"] == 0


async def test_a_notice_is_its_fact_and_nothing_else(account: Account) -> None:
    link = '<a href="https://example.invalid/my/chats/chat/902?firstId=31">Your message</a>'
    notice = {"type": "paided_message", "text": f"{link} was purchased for $25.00", "user_id": CREATOR}
    await account.send(
        "messages",
        [
            {"new_message": {**notice, "id": "0", "user": {"id": 902}, "createdAt": "2026-05-06T10:00:00Z"}},
            {
                "new_message": {
                    **notice,
                    "id": "7700012",
                    "user": {"id": 902},
                    "createdAt": "2026-05-06T10:00:00Z",
                }
            },
            {"new_message": {"id": "8", "type": "favorited", "text": "x", "user": {"id": 902}}},
        ],
    )
    await account.shows(lambda f: f["revenue"] == 25)
    await account.send("messages", {"id": 31, **T, "text": "for you", "price": 25, "isOpened": False, **at()})
    await until(account.messages, lambda found: len(found) == 1)
    assert (await account.held())["total"] == 0
    tips = [
        {"id": n, **F, "text": "I sent you a $1.00 tip ♥", "isTip": True, **at(f"10:0{n}:00")}
        for n in range(1, 6)
    ]
    said = {"id": 40, **F, "text": "you never answer me, this is awful", **at("10:07:00")}
    talk = {"id": 41, **F, "text": "I sent you a $50 tip yesterday, did you see it?", **at("10:08:00")}
    spanish = {"id": 42, **F, "text": "Te envié una propina de $20.00 ♥", "isTip": True, **at("10:09:00")}
    told = {"id": "99", "type": "tip", "text": "tipped $20.00", "user": {"id": 902}, **at("10:09:02")}
    await account.send("messages", [*tips, said, spanish, {"new_message": told}])
    full = await account.shows(lambda f: f["outcomes"].get("tip") == 6)
    assert full["revenue"] == 50
    assert (full["sentiment_trend"]["n"], full["sentiment_trend"]["sentiment_score"] < 0.3) == (1, True)
    await account.send("messages", talk)
    full = await account.shows(lambda f: f["messages"]["by_fans"] == 2)
    assert full["outcomes"]["tip"] == 6


async def test_a_page_of_history_is_read_as_the_chat_that_it_is_of(account: Account) -> None:
    own = {"id": 42, "fromUser": {"id": 100}, "isSentByMe": True, "text": "hi there", **at("10:05:00")}
    fans = {"id": 41, **F, "isSentByMe": False, "text": "hello", **at()}
    receipt = await account.send("snapshot", {"chat_id": 902, "messages": [own, fans]})
    assert (receipt["accepted"], receipt["held"]) == (2, 0)
    more = {"id": 43, "fromUser": {"id": 100}, "isSentByMe": True, "text": "more", **at("10:06:00")}
    listed = {"list": [more], "hasMore": True}
    assert (await account.send("messages", listed, chat_id="902"))["accepted"] == 1
    full = await account.shows(lambda f: f["messages"]["direct"] == 3)
    assert (full["messages"]["by_fans"], responses(full)["mean"]) == (1, 300)


async def test_ids_are_of_a_chat_and_a_fan_has_one_chat(account: Account) -> None:
    same = [{"id": 1, "chat_id": chat, "text": "hello", **at()} for chat in ("inbox/sam_123", "0e123")]
    assert (await account.send("messages", same))["accepted"] == 2
    [shown] = await until(lambda: account.messages("inbox/sam_123"), lambda found: len(found) == 1)
    assert shown["chat_id"] == "inbox/sam_123"
    await account.send("messages", {"id": 7, **F, "text": "who am i", **at()})
    await until(account.messages, lambda found: len(found) == 1)
    await account.send("snapshot", {"chats": [{"id": "inbox/max", "withUser": {"id": 902, "name": "Max"}}]})
    [moved] = await until(lambda: account.messages("inbox/max"), lambda found: len(found) == 1)
    assert moved["id"] == 7
    assert {chat["id"] for chat in await account.chats()} == {"inbox/sam_123", "0e123", "inbox/max"}
    await account.shows(lambda f: set(f["unreadCounts"]) == {"inbox/sam_123", "0e123", "inbox/max"})
    assert await account.shows(lambda f: f["conversations"] == 3)  # what was renamed is dropped last


async def test_one_bad_row_costs_one_row(account: Account) -> None:
    good = [{"id": n, **F, "text": "ok then", **at()} for n in (1, 2, 3)]
    long = {"id": 4, **F, "text": "x" * 100_001, **at()}
    naive = {"id": 5, **F, "text": "when?", "createdAt": "2026-05-04T10:00:00"}
    receipt = await account.send("messages", [*good, None, long, naive])
    assert (receipt["accepted"], receipt["held"]) == (3, 3)
    held = (await account.held())["held"]
    assert {(each["reason"], each["position"]) for each in held} == {
        ("no_object", 3),
        ("too_long", 4),
        ("no_time", 5),
    }
    odd = b'\xef\xbb\xbf[{"id": 9, "fromUser": {"id": 902}, "text": "\\ud83d NaN", "price": NaN}]'
    assert (await account.send("messages", odd))["accepted"] == 1


async def test_messages_of_another_creator_are_refused_and_the_likely_one_is_named(account: Account) -> None:
    body = {
        "messages": [
            {"id": 1, **F, "toUser": {"id": 100}, **at()},
            {"id": 2, "fromUser": {"id": 100}, **T, **at()},
        ]
    }
    for creator in ("agency_1", "demo_user"):
        answer = await account.post("snapshot", body, creator_id=creator)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "unknown_creator")
        assert answer.json()["error"]["detail"][0]["likely"] == "100"
    assert (await account.post("snapshot", body)).status_code == 202


async def test_two_users_of_one_creator_each_see_their_own(service: Service, account: Account) -> None:
    other = Account(account._http, service.ws, f"{account.user_id}-b")
    await account.send("snapshot", {"messages": [{"id": n, **F, "text": "one", **at()} for n in (1, 2)]})
    await other.send("snapshot", {"messages": [{"id": 3, **F, "text": "two", **at()}]})
    one = await account.shows(lambda f: f["messages"]["direct"] == 2)
    two = await other.shows(lambda f: f["messages"]["direct"] == 1)
    assert (one["conversations"], two["conversations"]) == (1, 1)
    asked = {"creator_id": CREATOR, **MAY}
    answer = await account._http.get("/api/v1/insights/full", params=asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "ambiguous_user")


async def test_a_question_leads_the_inbox_and_the_others_say_why_nobody_waits(account: Account) -> None:
    texts = {
        1: "thanks, good night 😘",
        2: "how do I buy the long video?",
        3: "my new set is out",
        4: "hello?",
    }
    messages: list[Raw] = [
        {"id": fan, "fromUser": {"id": fan}, "text": text, **at()} for fan, text in texts.items()
    ]
    messages[2] |= {"isFromQueue": True, "fromUser": {"id": 3, "canEarn": True, "isPerformer": True}}
    spent = {"subscribedOnData": {"totalSumm": 500}}
    chats = [
        {"withUser": {"id": fan, **(spent if fan == 1 else {})}, "canSendMessage": fan != 4} for fan in texts
    ]
    await account.send("snapshot", {"chats": chats, "messages": messages})
    full = await account.shows(lambda f: len(f["priority"]) == 4)
    ranked = sorted(full["priority"], key=lambda chat: -full["priority"][chat]["waiting"])
    assert ranked[0] == "2"
    assert max(full["priorityScores"], key=lambda chat: full["priorityScores"][chat]) == "2"
    for fan in ("1", "3", "4"):
        assert full["priority"][fan]["waiting"] == 0
        assert full["priority"][fan]["not_waiting"]
    assert full["priority"]["2"]["not_waiting"] is None
    assert full["priority"]["1"]["spend"] > 0


async def test_a_message_states_its_language_and_one_that_is_not_read_has_no_sentiment(
    account: Account,
) -> None:
    texts = (
        "die fotos sind die besten die ich je gesehen habe",
        "sin ti no puedo dormir, eres lo mejor",
        "ik hou van jou, je bent zo mooi",
        ":)",
        ":(",
        "punish me, i was bad 😈",
    )
    await account.send(
        "messages", [{"id": n, **F, "text": text, **at()} for n, text in enumerate(texts, start=1)]
    )
    found = await until(
        account.messages, lambda found: len(found) == 6 and all(m["enrichment"] for m in found)
    )
    read = {m["text"]: m["enrichment"] for m in found}
    assert [read[text]["language"] for text in texts] == ["de", "es", "nl", None, None, "en"]
    assert all(read[text]["sentiment"] > 0.6 for text in texts[:2])
    assert (read[texts[2]]["sentiment"], read[texts[2]]["sentimentReason"]) == (None, "language")
    assert read[":)"]["sentiment"] > 0.6
    assert read[":("]["sentiment"] < 0.4
    assert read["punish me, i was bad 😈"]["sentiment"] >= 0.45


async def test_what_is_held_can_be_listed_in_pages_and_deleted(account: Account) -> None:
    await account.send("messages", [{"id": n, "text": f"captured {n}"} for n in (1, 2, 3)])
    url = f"/api/v1/ingest/{account.user_id}/held"
    found = (await account._http.get(url, params={"limit": 2, "offset": 1})).json()
    assert ([each["id"] for each in found["held"]], found["total"]) == (["2", "3"], 3)
    assert (await account._http.delete(f"{url}/{found['held'][0]['key']}")).json() == {"deleted": 1}
    assert (await account._http.delete(f"{url}/{found['held'][0]['key']}")).status_code == 404
    assert (await account._http.delete(url)).json() == {"deleted": 2}
    assert (await account.held())["total"] == 0


JUNK: list[Raw] = [
    {"stories": [{"id": 3}]},
    {"connected": True, "v": "6.1"},
    {"syncInProcess": False},
    {"subscribed": {"id": 5}},
    {"has_new_hints": True},
    {"chat_queue_finish": {"queue": 3}},
    {"post_published": {"id": "9"}},
    {"purchase_notified": 1},
    {"new_message": "x"},
]


async def test_frames_that_are_no_chat_are_dropped_whatever_the_extension_adds(
    service: Service, account: Account
) -> None:
    async with dial(f"{service.ws}/ws/extension/{account.user_id}?creator_id={CREATOR}") as extension:
        for n, frame in enumerate(JUNK):
            made = {**frame, "id": f"msg_179569357834{n}_0", "previews": []}
            await extension.send(
                orjson.dumps({"type": "new_raw_message", "payload": {"message": made}}).decode()
            )
        chat = {
            "api2_chat_message": {"id": 5, **F, "text": "hello", **at()},
            "id": "msg_1795693578399_0",
            "previews": [],
        }
        await extension.send(orjson.dumps({"type": "new_raw_message", "payload": {"message": chat}}).decode())
        await until(account.messages, lambda found: [m["id"] for m in found] == [5])
    held = await account.held()
    assert (held["total"], sum(held["dropped"].values())) == (0, len(JUNK))


async def test_a_thin_account_never_wipes_a_full_one_and_an_old_list_resets_nothing(account: Account) -> None:
    full = {"id": 902, "name": "Max", "subscribedOnData": {"subscribeAt": "2026-01-01T00:00:00Z"}}
    last = {"id": 1, **F, "text": "first", **at()}
    listed = {"withUser": full, "unreadMessagesCount": 1, "lastMessage": last}
    await account.send("snapshot", {"chats": [listed]})
    await account.send("messages", {"id": 2, **F, "text": "second", **at("11:00:00")})
    await account.shows(lambda f: f["unreadCounts"].get("902") == 2)
    thin = {"withUser": {"id": 902, "_view": "s"}, "unreadMessagesCount": 1, "lastMessage": last}
    await account.send("snapshot", {"chats": [thin]})
    [chat] = await account.chats()
    assert (chat["withUser"]["name"], chat["unreadMessagesCount"]) == ("Max", 2)
    assert chat["withUser"]["subscribedOnData"] == full["subscribedOnData"]


async def test_an_unknown_zone_is_utc_with_a_note_and_a_bare_date_is_local(account: Account) -> None:
    await account.send("snapshot", {"messages": [{"id": 1, **F, "text": "late", **at("23:30:00")}]})
    await account.shows(lambda f: f["conversations"] == 1)
    noted = await account.full(time_zone="Etc/Unknown")
    assert noted["notes"]
    day: dict[str, str] = {"start_date": "2026-05-05", "end_date": "2026-05-06"}
    assert (await account.full(**day))["conversations"] == 0
    assert (await account.full(**day, time_zone="Europe/Berlin"))["conversations"] == 1


async def test_a_page_is_shown_what_the_figures_say(service: Service, account: Account) -> None:
    ask, answer = (
        {"id": 1, **F, "text": "hi, how are you?", **at()},
        {"id": 2, **T, "text": "fine", **at("10:10:00")},
    )
    async with page(service.ws, account.user_id, creator_id=CREATOR) as shown:
        await account.send("snapshot", {"messages": [ask, answer]})
        [node] = (await synced(shown))["conversations"]
        assert (node["averageResponseTime"], node["messageCount"]) == (10, 2)
        assert [m["is_creator"] for m in node["messages"]] == [False, True]
