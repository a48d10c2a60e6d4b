from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import InvalidInput
from wire.incoming import (
    MAX_REASONS,
    TYPES,
    AuthenticateMsg,
    CacheUpdateMsg,
    KeepaliveMsg,
    NewRawMessageMsg,
    OnlineUsersMsg,
    parse_frame,
    parse_messages,
    parse_snapshot,
)
from wire.payloads import OutgoingMsg
from wire.schemas import wss_schema


def refused(data: bytes | str) -> list[dict[str, str]]:
    with pytest.raises(InvalidInput) as error:
        parse_frame(data)
    assert {"field", "reason"} == set(error.value.detail[0])
    return list(error.value.detail)


def test_each_type_is_told_apart() -> None:
    assert isinstance(parse_frame('{"type": "cache_update", "payload": {}}'), CacheUpdateMsg)
    assert isinstance(parse_frame(b'{"type": "keepalive"}'), KeepaliveMsg)
    assert isinstance(
        parse_frame('{"type": "new_raw_message", "payload": {"message": {"id": 1}}}'), NewRawMessageMsg
    )
    online = parse_frame('{"type": "online_users_update", "payload": {"user_ids": [1, "2"], "timestamp": 5}}')
    assert isinstance(online, OnlineUsersMsg)
    assert online.payload.model_dump() == {"user_ids": [1, "2"], "timestamp": 5}


@pytest.mark.parametrize("payload", ["{}", "null", '{"timestamp": 12}', '{"timestamp": "x", "more": 1}'])
def test_keepalive_is_taken_with_anything_or_nothing(payload: str) -> None:
    assert isinstance(parse_frame(f'{{"type": "keepalive", "payload": {payload}}}'), KeepaliveMsg)


def test_online_users_may_be_empty() -> None:
    frame = parse_frame('{"type": "online_users_update", "payload": {}}')
    assert isinstance(frame, OnlineUsersMsg)
    assert frame.payload.user_ids == []


def test_flat_message_is_taken_as_a_message() -> None:
    frame = parse_frame('{"type": "new_raw_message", "payload": {"id": 1, "text": "hi"}}')
    assert isinstance(frame, NewRawMessageMsg)
    assert frame.payload.message == {"id": 1, "text": "hi"}


def test_raw_objects_are_kept_as_received() -> None:
    chats = [{"withUser": {"id": 5, "odd": [None, {"x": 1.5}]}}]
    frame = parse_frame(orjson.dumps({"type": "cache_update", "payload": {"chats": chats, "messages": None}}))
    assert isinstance(frame, CacheUpdateMsg)
    assert (frame.payload.chats, frame.payload.messages) == (chats, [])


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ("not json", ""),
        ("[]", ""),
        ("7", ""),
        ("{}", "type"),
        ('{"type": "chat", "payload": {}}', "type"),
        ('{"type": 7}', "type"),
        ('{"type": "cache_update"}', "payload"),
        ('{"type": "cache_update", "payload": null}', "payload"),
        ('{"type": "cache_update", "payload": {"foo": 1}}', "payload"),
        ('{"type": "cache_update", "payload": {"chats": {}}}', "payload.chats"),
        ('{"type": "new_raw_message", "payload": {}}', "payload"),
        ('{"type": "new_raw_message", "payload": [1]}', "payload"),
        ('{"type": "online_users_update", "payload": {"user_ids": 5}}', "payload.user_ids"),
    ],
)
def test_wrong_shape_is_refused_with_field_and_reason(data: str, field: str) -> None:
    assert refused(data)[0]["field"] == field


def test_what_was_sent_is_never_repeated() -> None:
    for data in (
        '{"type": "my secret", "payload": {}}',
        '{"type": "cache_update", "payload": {"messages": "my secret"}}',
        '{"type": "online_users_update", "payload": {"user_ids": "my secret"}}',
        '{"text": "my secret"',
    ):
        assert "secret" not in str(refused(data))


def test_reasons_are_bounded() -> None:
    users: list[list[int]] = [[]] * 500
    assert (
        len(refused(orjson.dumps({"type": "online_users_update", "payload": {"user_ids": users}})))
        == MAX_REASONS
    )


def test_http_snapshot_is_a_payload_or_its_envelope() -> None:
    payload = b'{"chats": [{"id": 1}], "messages": []}'
    assert parse_snapshot(payload) == parse_snapshot(b'{"type": "cache_update", "payload": ' + payload + b"}")
    for wrong in (b"7", b'{"type": "keepalive", "payload": {}}', b'{"type": "cache_update"}', b'{"foo": []}'):
        with pytest.raises(InvalidInput):
            parse_snapshot(wrong)


def test_http_messages_are_one_or_a_list_of_payloads_flat_messages_and_envelopes() -> None:
    flat, wrapped = {"id": 1, "text": "hi"}, {"message": {"id": 2}}
    envelope = {"type": "new_raw_message", "payload": {"message": {"id": 3}}}
    for one, expected in ((flat, 1), (wrapped, 2), (envelope, 3)):
        assert [p.message["id"] for p in parse_messages(orjson.dumps(one))] == [expected]
    many = parse_messages(orjson.dumps([flat, wrapped, envelope]))
    assert [p.message["id"] for p in many] == [1, 2, 3]
    assert parse_messages(b"[]") == []


def test_http_messages_name_the_position_of_what_is_wrong() -> None:
    with pytest.raises(InvalidInput) as error:
        parse_messages(b'[{"type": "cache_update", "payload": {}}]')
    assert error.value.detail[0]["field"] == "0.type"


ROWS = [{"id": 1, "text": "hi"}, {"id": 2, "text": "you"}]


@pytest.mark.parametrize(
    "page",
    [
        {"list": ROWS, "hasMore": True},
        {"data": {"list": ROWS}, "status": "ok"},
        {"items": ROWS},
        {"messages": ROWS},
        {"data": {"items": ROWS, "nextPage": None}},
        ROWS,
    ],
)
def test_the_platforms_own_lists_are_read_as_what_they_hold(page: Any) -> None:
    body = orjson.dumps(page)
    assert parse_snapshot(body).messages == ROWS
    assert [row.message for row in parse_messages(body)] == ROWS


def test_a_list_of_chats_is_read_as_chats() -> None:
    rows = [{"withUser": {"id": 5}, "lastMessage": {"id": 1}}, {"withUser": {"id": 6}}]
    read = parse_snapshot(orjson.dumps({"list": rows, "hasMore": False}))
    assert (read.chats, read.messages) == (rows, [])


def test_a_page_of_history_says_whose_it_is() -> None:
    body = orjson.dumps({"chat_id": 902, "messages": ROWS})
    assert parse_snapshot(body).chat_id == "902"
    assert {row.chat_id for row in parse_messages(body)} == {"902"}
    assert {row.chat_id for row in parse_messages(orjson.dumps(ROWS), "903")} == {"903"}
    assert parse_snapshot(orjson.dumps(ROWS), "903").chat_id == "903"
    assert parse_snapshot(body, "903").chat_id == "902"


def test_a_bad_row_is_a_row() -> None:
    assert parse_snapshot(b'{"messages": [{"id": 1}, null, 7]}').messages == [{"id": 1}, None, 7]
    assert [row.message for row in parse_messages(b'[{"id": 1}, null, "x"]')] == [{"id": 1}, None, "x"]


@pytest.mark.parametrize("marked", [b"\xef\xbb\xbf%b", b" %b\n"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'"\\ud83d"', "\ufffd"),
        (b'"\\ud83d\\ude0d"', "\U0001f60d"),
        (b"NaN", None),
        (b"-Infinity", None),
        (b'"\xff"', "\ufffd"),
    ],
)
def test_odd_json_is_read_tolerantly(marked: bytes, text: bytes, expected: str | None) -> None:
    body = marked % (b'[{"id": 1, "text": %b}]' % text)
    assert parse_messages(body)[0].message == {"id": 1, "text": expected}
    assert orjson.dumps(parse_messages(body)[0].message)


@given(
    st.binary()
    | st.text()
    | st.builds(orjson.dumps, st.dictionaries(st.text(), st.integers(0, 9) | st.text()))
)
def test_any_bytes_are_a_frame_or_invalid_input(data: bytes | str) -> None:
    try:
        parse_frame(data)
    except InvalidInput as error:
        assert error.detail  # noqa: PT017


def test_a_refused_authentication_does_not_repeat_the_token() -> None:
    frame = parse_frame(b'{"type": "authenticate", "payload": {"token": "hush"}}')
    assert isinstance(frame, AuthenticateMsg)
    assert frame.payload.token == "hush"
    for wrong in (b'{"token": "hush", "more": 1}', b'{"token": ["hush"]}', b'{"key": "hush"}', b'"hush"'):
        with pytest.raises(InvalidInput) as refused:
            parse_frame(b'{"type": "authenticate", "payload": %b}' % wrong)
        assert "hush" not in f"{refused.value} {refused.value.detail}"


def test_schema_describes_every_message_both_ways() -> None:
    schema = wss_schema()
    incoming = schema["$defs"]["Incoming"]["discriminator"]["mapping"]
    outgoing = schema["$defs"]["Outgoing"]["discriminator"]["mapping"]
    assert set(incoming) == set(TYPES)
    assert set(outgoing) == {kind.model_fields["type"].default for kind in get_args(OutgoingMsg)}
    for reference in (*incoming.values(), *outgoing.values()):
        assert reference.removeprefix("#/$defs/") in schema["$defs"]
    orjson.dumps(schema)


def test_schema_types_what_is_shown_of_a_message_and_knows_of_no_null_in_a_payload() -> None:
    definitions = wss_schema()["$defs"]
    node, message = definitions["ExtendedConversationNode"], definitions["ShownMessage"]
    for field in ("messages", "changedMessages"):
        assert node["properties"][field]["items"] == {"$ref": "#/$defs/ShownMessage"}
    kinds = {name: field.get("type") for name, field in message["properties"].items()}
    assert kinds["text"] == kinds["createdAt"] == "string"
    assert (kinds["is_creator"], kinds["sentimentScore"], kinds["topics"]) == ("boolean", "number", "array")
    assert message["additionalProperties"] is True
    assert {"id", "text", "createdAt", "is_creator", "fromUser"} == set(message["required"]) - {
        "chatId",
        "direction",
    }
    assert "trend" not in definitions["TopicMetric"]["required"]
    assert definitions["TopicMetric"]["properties"]["trend"]["type"] == "number"
    assert definitions["AppendMessageMsg"]["properties"]["creatorId"]["anyOf"][1] == {"type": "null"}
