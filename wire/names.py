"""What users are called, in JSON as the platform sends it. Pure."""

from typing import Any

import orjson

from chats.message import Message
from wire.fields import user_id
from wire.place import fan_object

_NAMES = ("displayName", "name", "username")  # the first that is there is what a person is called


def called(user: dict[str, Any]) -> str | None:
    return next((user[key] for key in _NAMES if is_name(user.get(key))), None)


def is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def user(raw: Any) -> dict[str, Any]:
    """A user as received, without an id that cannot be read."""
    if not isinstance(raw, dict):
        return {}
    return raw if user_id(raw) is not None else {key: raw[key] for key in raw if key != "id"}


def named_fan(message: Message) -> dict[str, Any]:
    """The fan as a message names them; empty when it does not."""
    if b'ame":"' not in message.raw:  # else it is not worth reading
        return {}
    found = user(fan_object(known(message.raw), message.creator_id))
    return found if called(found) else {}


def known(json: bytes) -> Any:
    """What was received, without the fields that are null."""
    value = orjson.loads(json)
    return _without_null(value) if b":null" in json else value


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(each) for key, each in value.items() if each is not None}
    return [_without_null(each) for each in value] if isinstance(value, list) else value
