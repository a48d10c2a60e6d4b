"""Every quirk of real clients (docs/protocol.md), one test named for each."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats.chat import Chat, joined
from chats.message import Message, merged
from wire.incoming import CacheUpdatePayload, LiveMessage
from wire.normalise import (
    Held,
    Normalised,
    normalise_chat,
    normalise_deltas,
    normalise_message,
    normalise_snapshot,
)
from wire.place import Places

CREATOR = "900"
NOW = 1_700_000_000.0
ISO = "2023-11-01T12:00:00+00:00"
ISO_AT = 1_698_840_000.0


def read(raw: dict[str, Any], **options: Any) -> Message:
    message = held(raw, **options)
    assert isinstance(message, Message)
    return message


def held(raw: dict[str, Any], **options: Any) -> Message | Held:
    defaults: dict[str, Any] = {"creator_id": CREATOR, "received_at": NOW, "max_text": 1000}
    return normalise_message(raw, **defaults | options)


def snapshot(chats: list[dict[str, Any]], messages: list[dict[str, Any]]) -> Normalised:
    payload = CacheUpdatePayload(chats=chats, messages=messages)
    return normalise_snapshot(payload, creator_id=CREATOR, received_at=NOW, max_text=1000)


def deltas(*messages: dict[str, Any], places: Places | None = None) -> Normalised:
    payloads = [LiveMessage(message=message) for message in messages]
    return normalise_deltas(
        payloads, creator_id=CREATOR, received_at=NOW, max_text=1000, places=places or Places()
    )


def from_fan(**fields: Any) -> dict[str, Any]:
    return {"id": 1, "text": "hi", "fromUser": {"id": 5}, "createdAt": ISO} | fields


def chat(raw: dict[str, Any]) -> Chat:
    found = normalise_chat(raw, creator_id=CREATOR, received_at=NOW)
    assert isinstance(found, Chat)
    return found


@pytest.mark.parametrize(
    ("given_id", "expected"),
    [
        (3_141_592_653_589, "3141592653589"),
        ("3141592653589", "3141592653589"),
        (5.0, "5"),
        ("c1", "c1"),
        ("msg_1699999999999_0", "msg_1699999999999_0"),
        ("5f64a3a2-58d5-4c7e-9f0a-1f1f0c6f7a11", "5f64a3a2-58d5-4c7e-9f0a-1f1f0c6f7a11"),
    ],
)
def test_ids_are_strings_and_int64_and_str_forms_are_one_id(given_id: Any, expected: str) -> None:
    assert read(from_fan(id=given_id)).id == expected
    assert read(from_fan(fromUser={"id": given_id})).chat_id == expected


def test_creator_id_matches_a_numeric_sender() -> None:
    message = read({"id": 1, "fromUser": {"id": 900}, "toUser": {"id": 5}, "createdAt": ISO})
    assert (message.direction, message.fan_id) == ("creator", "5")


def test_chat_without_an_id_has_its_fans_id() -> None:
    assert (chat({"withUser": {"id": 5}}).id, chat({"withUser": {"id": 5}}).fan_id) == ("5", "5")


@pytest.mark.parametrize("missing", [{"id": "unknown"}, {"id": None}, {}, {"id": "  "}])
@pytest.mark.parametrize(
    "users",
    [
        {"withUser": {"id": 5}},
        {"fromUser": {"id": 5}},
        {"toUser": {"id": 5}},
        {"fromUser": {"id": 900}, "toUser": {"id": 5}},
        {"withUser": {}, "fromUser": {"id": 5}, "toUser": {"id": 900}},
    ],
)
def test_unknown_chat_id_is_recovered_from_the_users(missing: dict[str, Any], users: dict[str, Any]) -> None:
    assert chat(missing | users).id == "5"
    message = {"id": 1, "createdAt": ISO} | users | {"chat_id": missing.get("id")}
    assert read(message).chat_id == "5"


def test_chat_that_names_nobody_is_held() -> None:
    found = normalise_chat({"id": "unknown", "unreadMessagesCount": 2}, creator_id=CREATOR, received_at=NOW)
    assert isinstance(found, Held)
    assert found.reason == "no_chat"
    assert orjson.loads(found.raw)["unreadMessagesCount"] == 2


def test_message_without_chat_id_belongs_to_the_chat_of_its_fan() -> None:
    read_back = snapshot([{"id": "c1", "withUser": {"id": 5}}], [from_fan()])
    assert [(m.chat_id, m.fan_id) for m in read_back.messages] == [("c1", "5")]
    assert len(read_back.chats) == 1


def test_message_with_only_a_chat_id_gets_the_chats_fan() -> None:
    read_back = snapshot(
        [{"id": "c1", "withUser": {"id": 5}}],
        [{"id": 2, "chat_id": "c1", "fromUser": {"id": 900}, "createdAt": ISO}],
    )
    assert [(m.fan_id, m.direction) for m in read_back.messages] == [("5", "creator")]


def test_delta_uses_the_places_already_known() -> None:
    known = Places().knowing([chat({"id": "c1", "withUser": {"id": 5}})])
    found = deltas(from_fan(), places=known)
    assert [message.chat_id for message in found.messages] == ["c1"]
    assert found.chats == ()


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        (ISO, ISO_AT),
        ("2023-11-01T14:00:00+02:00", ISO_AT),
        ("2023-11-01T12:00:00Z", ISO_AT),
        (1_698_840_000, ISO_AT),
        (1_698_840_000_500, ISO_AT + 0.5),
        ("1698840000", ISO_AT),
        ("1698840000000", ISO_AT),
        ("1698840000.25", ISO_AT + 0.25),
        ("2023-11-01 12:00:00 UTC", ISO_AT),
        ("2023-11-01T12:00:00.500 utc", ISO_AT + 0.5),
        ("Wed, 01 Nov 2023 12:00:00 +0000", ISO_AT),
        ("Wed, 01 Nov 2023 14:00:00 +0200", ISO_AT),
        ("Wed, 01 Nov 2023 12:00:00 GMT", ISO_AT),
    ],
)
def test_created_at_is_iso_with_offset_or_epoch_seconds_or_milliseconds(
    created: Any, expected: float
) -> None:
    assert read(from_fan(createdAt=created)).at == expected


@pytest.mark.parametrize(
    "unreadable", ["soon", "2023-11-01T12:00:00", "20231101", "2023-02-30T12:00:00Z", -5, True, {}, 1e300]
)
def test_a_time_that_is_there_and_names_no_instant_is_held_live_too(unreadable: Any) -> None:
    for live in (True, False):
        found = held(from_fan(createdAt=unreadable, changedAt=ISO), live=live)
        assert isinstance(found, Held)
        assert found.reason == "no_time"


@pytest.mark.parametrize("absent", [None, "", 0])
def test_live_message_without_a_time_is_of_now(absent: Any) -> None:
    assert read(from_fan(createdAt=absent)).at == NOW


def test_snapshot_message_without_a_time_takes_its_change_or_the_time_in_its_id_else_is_held() -> None:
    changed = from_fan(id="msg_1699999999999_0", createdAt=None, changedAt=ISO)
    assert read(changed, live=False).at == ISO_AT
    assert read(changed | {"changedAt": None}, live=False).at == 1_699_999_999.999
    lost = held(from_fan(id=1_699_999_999_999, createdAt=None), live=False)
    assert isinstance(lost, Held)
    assert (lost.reason, lost.id) == ("no_time", "1699999999999")


def test_naive_time_in_a_snapshot_is_held() -> None:
    lost = held(from_fan(createdAt="2023-11-01T12:00:00"), live=False)
    assert isinstance(lost, Held)
    assert lost.reason == "no_time"


@pytest.mark.parametrize(
    ("price", "expected"), [(12, 12.0), (9.99, 9.99), ("12", 12.0), (None, 0.0), ([1], 0.0), (-3, 0.0)]
)
def test_price_is_int_float_string_or_junk(price: Any, expected: float) -> None:
    assert read(from_fan(price=price)).price == expected


def test_opened_and_free_are_read_as_they_are_said() -> None:
    assert read(from_fan(price=5, isOpened=True, changedAt=ISO)).opened_at == ISO_AT
    assert read(from_fan(price=5, isOpened=True)).is_opened
    assert not read(from_fan(price=5)).is_opened
    assert read(from_fan(price=5, isFree=True)).is_free


def test_media_with_null_created_at_and_previews_of_any_shape() -> None:
    media = [{"id": 1, "type": "photo", "createdAt": None}, {"type": "video"}, {"type": "hologram"}, None]
    message = read(from_fan(media=media, previews=[1, {"id": 2}, None], giphyId="abc"))
    assert message.media == ("photo", "video", "other", "gif")
    assert read(from_fan(media="junk")).media == ()


def test_null_text_is_empty() -> None:
    assert read(from_fan(text=None)).text == ""


def test_html_text_becomes_plain() -> None:
    assert read(from_fan(text="<p>hey <b>you</b><br />ok &amp; fine 😘</p>")).text == "hey you\nok & fine 😘"


def test_sender_with_only_an_id_is_the_fan() -> None:
    assert read(from_fan()).direction == "fan"


def test_echo_with_to_user_and_no_sender_is_the_creators() -> None:
    message = read({"id": 2, "text": "hey", "toUser": {"id": 5}, "createdAt": ISO})
    assert (message.direction, message.chat_id) == ("creator", "5")


def test_captured_send_is_the_creators_and_held_until_its_chat_is_known() -> None:
    lost = held({"id": 3, "text": "hey"})
    assert isinstance(lost, Held)
    assert (lost.reason, lost.id) == ("no_chat", "3")
    message = read({"id": 3, "text": "hey"}, chat_id="5")
    assert (message.direction, message.chat_id, message.fan_id) == ("creator", "5", "5")


def test_message_without_a_sender_but_with_the_platforms_time_is_the_fans() -> None:
    assert read({"id": 3, "text": "hey", "chat_id": "5", "createdAt": ISO}).direction == "fan"


def test_message_without_an_id_is_held() -> None:
    lost = held(from_fan(id=None))
    assert isinstance(lost, Held)
    assert (lost.reason, lost.id) == ("no_id", None)


def test_platform_frame_is_unwrapped() -> None:
    found = deltas({"api2_chat_message": from_fan(fromUser={"id": 5, "name": "Sam"})})
    assert [m.id for m in found.messages] == ["1"]
    assert [orjson.loads(message.raw)["text"] for message in found.messages] == ["hi"]
    assert orjson.loads(found.chats[0].with_user or b"")["name"] == "Sam"


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ({"typing": {"id": 5}}, "typing"),
        ({"counters": {"unread": 3}}, "counters"),
        ({"chat_messages": 2, "count_priority_chat": 0}, "counters"),
        ({"toast": {"text": "saved"}}, "toast"),
        ({"new_message": {"id": "0", "text": "<p>notice</p>"}}, "notification"),
        ({"new_message": {"id": 0}}, "notification"),
        ({"id": "0", "text": "notice"}, "notification"),
        ({"connected": True}, "connected"),
    ],
)
def test_frame_that_is_not_chat_is_dropped_and_counted(frame: dict[str, Any], kind: str) -> None:
    assert deltas(frame, frame) == Normalised(dropped={kind: 2})


def test_tip_is_read_from_its_amount_or_the_platforms_sentence() -> None:
    sentence = "<p>I sent you a $1,010.50 tip ♥</p>"
    assert read(from_fan(tipAmount="7.5")).tip == 7.5
    assert read(from_fan(isTip=True, text=sentence)).tip == 1010.5
    assert read(from_fan(text=sentence)).tip == 1010.5
    assert read(from_fan(isTip=False, text=sentence)).tip == 0
    assert read({"id": 1, "toUser": {"id": 5}, "text": sentence}).tip == 0


def test_tip_without_an_amount_invents_none() -> None:
    assert read(from_fan(isTip=True, text="for you")).tip == 0


def test_mass_message_is_known_by_its_queue() -> None:
    assert read(from_fan(isFromQueue=True)).is_mass
    assert read({"id": 1, "toUser": {"id": 5}, "createdAt": ISO, "queueId": 77}).is_mass
    assert not read(from_fan(queueId=77)).is_mass  # fans' ordinary messages carry one too
    assert read(from_fan(queueId=77, fromUser={"id": 5, "canEarn": True})).is_mass
    assert not read(from_fan(queueId=None, isFromQueue=False)).is_mass
    assert not read(from_fan(queueId=48811, isFromQueue=False)).is_mass
    assert read(from_fan(queueId=None, isFromQueue=1)).is_mass


def test_edit_and_deletion_carry_the_time_of_the_change() -> None:
    assert read(from_fan(changedAt="2023-11-01T13:00:00+00:00")).changed_at == ISO_AT + 3600
    for deleted in ({"deletedAt": "2023-11-01T14:00:00+00:00"}, {"isDeleted": True}, {"isCanceled": True}):
        assert read(from_fan(changedAt=ISO, **deleted)).is_deleted
    assert not read(from_fan(deletedAt=None, isDeleted=False, isCanceled=0)).is_deleted


def by_team(**fields: Any) -> dict[str, Any]:
    sides = {"fromUser": {"id": CREATOR}, "toUser": {"id": 5}}
    return {"id": 1, "text": "hi", "createdAt": ISO} | sides | fields


def from_request(*messages: dict[str, Any], sender: str = "bob") -> list[Message]:
    rows = [LiveMessage(message=message) for message in messages]
    found = normalise_deltas(rows, creator_id=CREATOR, received_at=NOW, max_text=1000, sender=sender)
    return list(found.messages)


@pytest.mark.parametrize(
    ("given_id", "expected"),
    [
        *(("anna", "anna"), (7, "7"), ("anna@team.example", "anna@team.example"), (" anna ", "anna")),
        *(("", None), ("a b", None), ("a;b", None), ("x" * 129, None), ("unknown", None), (True, None)),
        *(({"id": 1}, None), (None, None), ("anna\n1", None), ("änna", None)),
    ],
)
def test_who_of_the_team_sent_it_is_an_id_or_nothing(given_id: Any, expected: str | None) -> None:
    assert read(by_team(senderId=given_id)).sender_id == expected


def test_a_request_says_who_sent_what_does_not_say_it_but_for_the_fans() -> None:
    told, own, fans = from_request(by_team(), by_team(id=2, senderId="anna"), from_fan(id=3))
    assert (told.sender_id, own.sender_id, fans.sender_id) == ("bob", "anna", None)
    # In the journal it is a message like any other, which still says it.
    again = [read(orjson.loads(each.raw)) for each in (told, own, fans)]
    assert [each.sender_id for each in again] == ["bob", "anna", None]


def test_what_a_message_says_counts_before_what_a_request_says_in_any_order() -> None:
    [told] = from_request(by_team(changedAt="2023-11-02T12:00:00+00:00"))
    own = read(by_team(senderId="anna"))
    for both in (merged(told, own), merged(own, told)):
        assert both.sender_id == "anna"
    [other] = from_request(by_team(), sender="cleo")
    assert merged(told, other).sender_id == "bob"  # the first request
    late = read(by_team(senderId="dora", changedAt="2023-11-03T12:00:00+00:00"))
    for both in (merged(merged(told, own), late), merged(late, merged(own, told))):
        assert both.sender_id == "dora"
    assert orjson.loads(both.raw)["senderId"] == "dora"


def test_a_copy_that_only_says_who_sent_it_brings_something() -> None:
    known = read(by_team())
    copy = read({"id": 1, "chat_id": 5, "senderId": "anna"})
    assert copy.version.brings(known.version)
    assert not known.version.brings(known.version.joined(copy.version))
    both = merged(known, copy)
    assert (both.sender_id, both.direction, both.at, both.text) == ("anna", "creator", ISO_AT, "hi")


def test_text_beyond_the_limit_costs_its_own_message_only() -> None:
    found = deltas(from_fan(), from_fan(id=77, text="secret " * 1000), from_fan(id=2))
    assert [m.id for m in found.messages] == ["1", "2"]
    assert [(each.reason, each.id, each.position) for each in found.held] == [("too_long", "77", 1)]


def test_nesting_beyond_reason_costs_its_own_message_only() -> None:
    deep: dict[str, Any] = {}
    for _ in range(500):
        deep = {"a": deep}
    found = deltas(from_fan(media=[deep]), from_fan(id=2))
    assert [m.id for m in found.messages] == ["2"]
    assert [(each.reason, each.position) for each in found.held] == [("too_deep", 0)]
    assert orjson.loads(found.held[0].raw) == {"id": 1, "text": "hi", "createdAt": ISO}


def test_message_of_a_chat_not_in_the_snapshot_brings_its_chat() -> None:
    found = snapshot(
        [{"withUser": {"id": 5}}],
        [
            from_fan(id=1),
            from_fan(id=2, fromUser={"id": 6}),
            from_fan(id=3, fromUser={"id": 6, "name": "Kit"}),
        ],
    )
    assert [c.id for c in found.chats] == ["5", "6"]
    assert orjson.loads(found.chats[1].with_user or b"") == {"id": 6, "name": "Kit"}
    assert (found.chats[1].unread, found.chats[1].seen_at) == (0, 0.0)


def test_empty_snapshot_is_nothing() -> None:
    assert snapshot([], []) == Normalised()


def test_unread_count_comes_from_the_chat() -> None:
    assert (chat({"id": 1, "unreadMessagesCount": 4}).unread, chat({"id": 1}).unread) == (4, 0)


def test_subscription_facts_come_from_the_fan() -> None:
    found = chat(
        {
            "withUser": {
                "id": 5,
                "subscribedOnExpiredNow": True,
                "subscribedOnData": {
                    "subscribeAt": "2023-08-01T00:00:00+00:00",
                    "expiredAt": "2023-11-01T12:00:00+00:00",
                    "renewedAt": "2030-01-01T00:00:00+00:00",
                    "subscribes": [
                        {"startDate": "2023-10-01T00:00:00+00:00", "price": 9.99},
                        {"startDate": "2023-08-01T00:00:00+00:00", "price": 4.99},
                        {"startDate": "2023-09-01T00:00:00+00:00", "price": None},
                        {"startDate": None},
                        "junk",
                    ],
                },
            }
        }
    )
    assert (found.subscribed_at, found.expires_at, found.is_expired) == (1_690_848_000.0, ISO_AT, True)
    assert found.renewals == ((1_693_526_400.0, None), (1_696_118_400.0, 9.99))


def test_a_renewal_in_the_future_has_not_happened() -> None:
    data = {"subscribeAt": ISO, "renewedAt": "2030-01-01T00:00:00+00:00"}
    assert chat({"withUser": {"id": 5, "subscribedOnData": data}}).renewals == ()
    data = {"subscribeAt": "2023-10-01T12:00:00+00:00", "renewedAt": ISO}
    assert chat({"withUser": {"id": 5, "subscribedOnData": data}}).renewals == ((ISO_AT, None),)


def test_a_snapshot_of_20k_messages_is_read_whole() -> None:
    chats = [{"withUser": {"id": fan}} for fan in range(1, 101)]
    messages = [
        from_fan(id=n, text=f"<p>hello {n}</p>", fromUser={"id": n % 100 + 1}, createdAt=1_690_000_000 + n)
        for n in range(1, 20_001)
    ]
    found = snapshot(chats, messages)
    assert (len(found.chats), len(found.messages), found.held) == (100, 20_000, ())
    assert {message.text for message in found.messages} == {f"hello {n}" for n in range(1, 20_001)}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PLAIN_FIELDS = (
    "id",
    "chat_id",
    "chatId",
    "text",
    "createdAt",
    "changedAt",
    "deletedAt",
    "isDeleted",
    "price",
)
MORE_FIELDS = (
    "isOpened",
    "isTip",
    "tipAmount",
    "media",
    "giphyId",
    "isFromQueue",
    "queueId",
    "unreadMessagesCount",
)
FIELDS = (*PLAIN_FIELDS, *MORE_FIELDS, "fromUser", "toUser", "withUser")
users = st.fixed_dictionaries(
    {},
    optional={
        "id": json_values | st.just(900),
        "subscribedOnExpiredNow": json_values,
        "subscribedOnData": json_values
        | st.fixed_dictionaries(
            {},
            optional={
                "subscribeAt": json_values,
                "expiredAt": json_values,
                "renewedAt": json_values,
                "subscribes": st.lists(
                    json_values
                    | st.fixed_dictionaries(
                        {"startDate": json_values | st.integers(1, 2**33), "price": json_values}
                    ),
                    max_size=3,
                ),
            },
        ),
    },
)
raw_objects = st.fixed_dictionaries(
    {}, optional={name: json_values | (users if name.endswith("User") else st.just(1)) for name in FIELDS}
) | st.dictionaries(st.text(max_size=8), json_values, max_size=4)


@given(st.lists(raw_objects, max_size=4), st.lists(raw_objects, max_size=4))
def test_any_json_is_read_held_or_dropped_and_nothing_is_lost(
    chats: list[dict[str, Any]], messages: list[dict[str, Any]]
) -> None:
    found = snapshot(chats, messages)
    held_chats = (
        len(chats) + len(messages) - len(found.messages) - len(found.held) - sum(found.dropped.values())
    )
    assert 0 <= held_chats <= len(chats)
    assert {m.chat_id for m in found.messages} <= {c.id for c in found.chats}
    for message in found.messages:
        assert message.id
        assert message.chat_id
        assert message.fan_id
        assert 0 < message.at < 1e11
        assert 0 <= message.price <= 1e9
        assert 0 <= message.tip <= 1e9
        assert isinstance(orjson.loads(message.raw), dict)


@given(raw_objects)
def test_a_message_reads_the_same_from_a_snapshot_and_live_when_it_has_a_time(raw: dict[str, Any]) -> None:
    raw = raw | {"createdAt": ISO}
    assert held(raw, live=True) == held(raw, live=False)


def test_a_chat_list_without_a_count_says_nothing_of_unread() -> None:
    counted, uncounted = (
        chat({"withUser": {"id": 5}, "unreadMessagesCount": 3}),
        chat({"withUser": {"id": 5}}),
    )
    for first, then in ((counted, uncounted), (uncounted, counted)):
        assert (joined(first, then).unread, joined(first, then).counted_at) == (3, NOW)


def test_a_chat_that_is_listed_twice_has_each_count_up_to_its_own_last_message() -> None:
    def listed(id: int, at: str, unread: int) -> dict[str, Any]:
        last = from_fan(id=id, createdAt=at)
        return {"withUser": {"id": 5}, "unreadMessagesCount": unread, "lastMessage": last}

    newer, older = listed(2, "2023-11-01T13:00:00+00:00", 2), listed(1, ISO, 1)
    chats = snapshot([newer, older], []).chats
    assert [(c.unread, c.counted_at) for c in chats] == [(2, ISO_AT + 3600), (1, ISO_AT)]


def test_an_unlock_by_id_and_chat_alone_needs_no_time_in_a_snapshot_either() -> None:
    [message] = snapshot([], [{"id": 1, "chat_id": 5, "isOpened": True}]).messages
    assert message.is_opened


SENTENCE = "Te envié una propina de $20.00 ♥"


@pytest.mark.parametrize(
    ("full", "thin"),
    [
        ({"tipAmount": 7}, {}),
        ({"text": SENTENCE, "isTip": True}, {"text": SENTENCE}),
        ({"queueId": 7, "isFromQueue": False}, {"queueId": 7}),
    ],
)
def test_a_copy_that_lacks_what_decides_takes_nothing_back_in_either_order(
    full: dict[str, Any], thin: dict[str, Any]
) -> None:
    by = {"fromUser": {"id": 900}, "toUser": {"id": 5}} if "queueId" in full else {}
    copies = [read(from_fan(**by, **fields)) for fields in (full, thin)]
    wanted = (copies[0].tip, copies[0].is_notice, copies[0].is_mass)
    for first, then in (copies, copies[::-1]):
        known = merged(first, then) if then.version.brings(first.version) else first
        assert (known.tip, known.is_notice, known.is_mass) == wanted


def test_one_tip_in_two_frames_with_ids_of_their_own_is_one() -> None:
    told = {"type": "tip", "text": "Robin tipped $7", "user": {"id": 5}, "createdAt": ISO}
    frames = [{"new_message": told, "id": f"msg_1699999999999_{n}", "previews": []} for n in range(2)]
    assert len({message.id for message in deltas(*frames).messages}) == 1


def test_a_renewal_that_is_notified_is_a_fact_of_its_own_time() -> None:
    told = {"type": "renewed", "text": "renewed for $9", "user": {"id": 5}, "createdAt": ISO}
    [message] = deltas({"new_message": told}).messages
    assert (message.is_renewal, message.paid, message.at, message.is_direct) == (True, 9.0, ISO_AT, False)


def test_a_fan_who_is_named_later_is_the_chats_own() -> None:
    unnamed = deltas({"id": 1, "chat_id": "c5", "isSentByMe": True, "createdAt": ISO}).chats[0]
    named = deltas(from_fan(chat_id="c5")).chats[0]
    for first, then in ((unnamed, named), (named, unnamed)):
        assert (joined(first, then).fan_id, joined(first, then).is_named) == ("5", True)


def test_a_message_that_names_the_fan_is_in_the_chat_that_came_with_it_under_its_own_id() -> None:
    places = Places({"5": "5"}, {"5": "5"}).knowing([chat({"id": "c5", "withUser": {"id": 5}})])
    assert read(from_fan(chat_id=5), places=places).chat_id == "c5"
