"""What extensions send, over the socket and over HTTP, read from JSON.

Only the frame is a model: chats and messages stay raw objects (a snapshot holds 100,000 of them), and
`wire.normalise` reads them. Errors are InvalidInput with `detail` = [{field, reason}]; a reason never
repeats what was sent.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SkipValidation,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from errors import InvalidInput
from wire.payloads import OnlineUsersUpdate

T = TypeVar("T")

MAX_REASONS = 20  # more are not listed


def _objects(value: Any) -> Any:
    """A list of objects, checked and not copied; null is an empty list."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise PydanticCustomError("objects", "must be a list")
    for position, item in enumerate(value):
        if not isinstance(item, dict):
            raise PydanticCustomError("objects", "item {position} must be an object", {"position": position})
    return value


def _object_or_nothing(value: Any) -> Any:
    return {} if value is None else value


Objects = Annotated[list[dict[str, Any]], SkipValidation(), BeforeValidator(_objects)]
RawObject = Annotated[dict[str, Any], SkipValidation(), WithJsonSchema({"type": "object"})]


class CacheUpdatePayload(BaseModel):
    """Everything the extension holds: the platform's chats and messages as it has them."""

    chats: Objects = Field(default_factory=list)
    messages: Objects = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _refuse_strangers(cls, data: Any) -> Any:
        """An object with neither list would read as an empty snapshot."""
        if isinstance(data, dict) and data and not {"chats", "messages"} & data.keys():
            raise PydanticCustomError("snapshot", "must have chats or messages")
        return data


class NewRawMessagePayload(BaseModel):
    """One message, or one frame of the platform's own socket; `{message: {...}}` or the message itself."""

    message: RawObject

    @model_validator(mode="before")
    @classmethod
    def _accept_flat(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not data:
            raise PydanticCustomError("message", "must be an object with a message")
        if "message" not in data:
            return {"message": data}
        if not isinstance(data["message"], dict):
            raise PydanticCustomError("message", "message must be an object")
        return data


class Replay(BaseModel):
    """What is held under `key` is to be read again, with the fields of `add` laid over what was received."""

    model_config = ConfigDict(extra="forbid")

    key: str
    add: dict[str, Any] = Field(default_factory=dict)


class KeepalivePayload(BaseModel):
    """A sign of life; ignored."""

    timestamp: Any = None


class CacheUpdateMsg(BaseModel):
    type: Literal["cache_update"]
    payload: CacheUpdatePayload


class NewRawMessageMsg(BaseModel):
    type: Literal["new_raw_message"]
    payload: NewRawMessagePayload


class KeepaliveMsg(BaseModel):
    type: Literal["keepalive"]
    payload: Annotated[KeepalivePayload, BeforeValidator(_object_or_nothing)] = Field(
        default_factory=KeepalivePayload
    )


class OnlineUsersMsg(BaseModel):
    type: Literal["online_users_update"]
    payload: Annotated[OnlineUsersUpdate, BeforeValidator(_object_or_nothing)] = Field(
        default_factory=OnlineUsersUpdate
    )


Incoming = CacheUpdateMsg | NewRawMessageMsg | KeepaliveMsg | OnlineUsersMsg

INCOMING: TypeAdapter[Incoming] = TypeAdapter(Annotated[Incoming, Field(discriminator="type")])
TYPES = ("cache_update", "new_raw_message", "keepalive", "online_users_update")


def parse_frame(data: bytes | str) -> Incoming:
    """Read one socket frame. Raises InvalidInput: not JSON, an unknown type, a wrong shape."""
    return _frame(_json(data))


def parse_snapshot(data: bytes) -> CacheUpdatePayload:
    """Read an HTTP snapshot: a `cache_update` payload or its whole envelope. Raises InvalidInput."""
    value = _json(data)
    if not _is_envelope(value):
        return _validated(CacheUpdatePayload.model_validate, value)
    frame = _frame(value)
    if not isinstance(frame, CacheUpdateMsg):
        raise _invalid([_reason("type", "must be cache_update here")])
    return frame.payload


def parse_messages(data: bytes) -> list[NewRawMessagePayload]:
    """Read HTTP messages: a `new_raw_message` payload, its envelope, or a list of either.

    Raises InvalidInput; nothing is taken then.
    """
    value = _json(data)
    if not isinstance(value, list):
        return [_message(value, "")]
    return [_message(item, f"{position}.") for position, item in enumerate(value)]


def parse_replays(data: bytes) -> list[Replay]:
    """Read what of the held input is to be taken again; an empty body or list is everything.

    Raises InvalidInput.
    """
    value = _json(data) if data.strip() else []
    if not isinstance(value, list):
        raise _invalid([_reason("", "must be a list of {key, add}")])
    return [_validated(Replay.model_validate, item, f"{n}.") for n, item in enumerate(value)]


def _message(value: Any, prefix: str) -> NewRawMessagePayload:
    if not _is_envelope(value):
        return _validated(NewRawMessagePayload.model_validate, value, prefix)
    frame = _frame(value, prefix)
    if not isinstance(frame, NewRawMessageMsg):
        raise _invalid([_reason(f"{prefix}type", "must be new_raw_message here")])
    return frame.payload


def _json(data: bytes | str) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _invalid([_reason("", f"not valid JSON at position {error.pos}")]) from None


def _is_envelope(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("type"), str) and "payload" in value


def _frame(value: Any, prefix: str = "") -> Incoming:
    return _validated(INCOMING.validate_python, value, prefix)


def _validated(validate: Callable[[Any], T], value: Any, prefix: str = "") -> T:
    try:
        return validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise _invalid([_told(each, prefix) for each in found]) from None


def _told(error: Any, prefix: str) -> dict[str, str]:
    """Pydantic's finding as a field and a reason that repeats no input."""
    if error["type"].startswith("union_tag"):
        return _reason(f"{prefix}type", f"must be one of {', '.join(TYPES)}")
    # The first step of a path inside a union is the tag, not a field.
    path = [str(step) for step in error["loc"] if step not in TYPES]
    return _reason(prefix + ".".join(path), error["msg"])


def _reason(field: str, reason: str) -> dict[str, str]:
    return {"field": field.rstrip("."), "reason": reason}


def _invalid(reasons: list[dict[str, str]]) -> InvalidInput:
    first = reasons[0]
    where = f"{first['field']}: " if first["field"] else ""
    return InvalidInput(f"The input was not taken: {where}{first['reason']}.", detail=reasons[:MAX_REASONS])
