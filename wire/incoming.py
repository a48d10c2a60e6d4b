"""What extensions send, over the socket and over HTTP, read from JSON.

Only the frame is a model: chats and messages stay raw rows (a snapshot holds 100,000 of them), and
`wire.normalise` reads them, so a bad row costs no other. Errors are InvalidInput with `detail` =
[{field, reason}]; a reason never repeats what was sent.

JSON is read as `wire.parsing` reads it; the lists of a large snapshot are parsed each time that they are gone
through. The platform's own lists (`{"list": [..], "hasMore": ..}`) are read as what they hold.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

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
from steps import ROWS, Steps, finished
from wire.fields import identifier
from wire.parsing import Json, Rows, parse_json, parsing
from wire.payloads import OnlineUsersUpdate

T = TypeVar("T")

MAX_REASONS = 20  # more are not listed
LISTS = ("chats", "messages")  # of a snapshot, each as long as an account is old


_NO_MESSAGE = "must be an object with a message"


def _is_wrapped(value: dict[str, Any]) -> bool:
    """Whether a message is in another object; a frame of the platform's may have a field of that name
    beside others, which is no object."""
    return isinstance(value.get("message"), dict) or (len(value) == 1 and "message" in value)


def _rows(value: Any) -> Any:
    """A list, not copied; null is an empty one."""
    if value is None:
        return []
    if not isinstance(value, list | Rows):
        raise PydanticCustomError("rows", "must be a list")
    return value


def _object_or_nothing(value: Any) -> Any:
    return {} if value is None else value


RawRows = Annotated[
    list[Any] | Rows,
    SkipValidation(),
    BeforeValidator(_rows),
    WithJsonSchema({"type": "array", "items": {"type": "object"}}),
]
Row = Annotated[Any, SkipValidation(), WithJsonSchema({"type": "object"})]
ChatId = Annotated[str | None, BeforeValidator(identifier), WithJsonSchema({"type": ["string", "integer"]})]


class CacheUpdatePayload(BaseModel):
    """Everything the extension holds: the platform's chats and messages as it has them."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    chats: RawRows = Field(default_factory=list)
    messages: RawRows = Field(default_factory=list)
    chat_id: ChatId = None  # of the messages that name none: a page of one chat's history

    @model_validator(mode="before")
    @classmethod
    def _read_lists(cls, data: Any) -> Any:
        """The platform's own lists are split into chats and messages.

        An object with neither would read as an empty snapshot and is refused.
        """
        if isinstance(data, dict) and (not data or {"chats", "messages"} & data.keys()):
            return data
        rows = _listed(data)
        if rows is None:
            raise PydanticCustomError("snapshot", "must have chats or messages")
        chats = [row for row in rows if _is_chat(row)]
        named = data.get("chat_id") if isinstance(data, dict) else None
        return {"chats": chats, "messages": [row for row in rows if not _is_chat(row)], "chat_id": named}


@dataclass(frozen=True, slots=True)
class LiveMessage:
    """What a NewRawMessagePayload holds. No model: a message is read in the time that making one takes."""

    message: Any
    chat_id: str | None = None  # of a message that names none


def framed(message: Any) -> Any:
    """A message that was taken out of its frame, so that it reads as it did then."""
    is_notification = not isinstance(message, dict) or "new_message" in message
    return message if is_notification else {"api2_chat_message": message}


class NewRawMessagePayload(BaseModel):
    """One message, or one frame of the platform's own socket; `{message: {...}}` or the message itself."""

    message: Row
    chat_id: ChatId = None  # of a message that names none

    @model_validator(mode="before")
    @classmethod
    def _accept_flat(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not data:
            raise PydanticCustomError("message", _NO_MESSAGE)
        return data if _is_wrapped(data) else {"message": data}


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


class AuthenticatePayload(BaseModel):
    """A key or token, of a client that can say it nowhere else."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    token: Annotated[str, Field(min_length=1, max_length=16 * 1024)]


class AuthenticateMsg(BaseModel):
    """The first message of such a client; later ones are passed over."""

    type: Literal["authenticate"]
    payload: AuthenticatePayload


Incoming = CacheUpdateMsg | NewRawMessageMsg | KeepaliveMsg | OnlineUsersMsg | AuthenticateMsg

INCOMING: TypeAdapter[Incoming] = TypeAdapter(Annotated[Incoming, Field(discriminator="type")])
TYPES = ("cache_update", "new_raw_message", "keepalive", "online_users_update", "authenticate")


def parse_frame(data: Json | str) -> Incoming:
    """Read one socket frame. Raises InvalidInput: not JSON, an unknown type, a wrong shape."""
    return _frame(_json(data))


def parse_snapshot(data: Json, chat_id: str | None = None) -> CacheUpdatePayload:
    """Read an HTTP snapshot: a `cache_update` payload, its whole envelope, or the platform's own list.

    `chat_id` is the chat of the messages that name none. Raises InvalidInput.
    """
    return finished(parsing_snapshot(data, chat_id))


def parsing_snapshot(data: Json, chat_id: str | None = None) -> Steps[CacheUpdatePayload]:
    """The same in steps."""
    value = yield from _json_steps(data, lazily=LISTS)
    if _is_envelope(value):
        frame = _frame(value)
        if not isinstance(frame, CacheUpdateMsg):
            raise _invalid([_reason("type", "must be cache_update here")])
        payload = frame.payload
    else:
        payload = _validated(CacheUpdatePayload.model_validate, value)
    payload.chat_id = payload.chat_id or chat_id
    return payload


def parse_messages(data: Json, chat_id: str | None = None) -> list[LiveMessage]:
    """Read HTTP messages: a `new_raw_message` payload, its envelope, a list of either, or a page of history.

    `chat_id` is the chat of those that name none. Raises InvalidInput; nothing is taken then.
    """
    return finished(parsing_messages(data, chat_id))


def parsing_messages(data: Json, chat_id: str | None = None) -> Steps[list[LiveMessage]]:
    """The same in steps."""
    value = yield from _json_steps(data)
    rows: list[LiveMessage] = []
    for row in _messages(value, "", chat_id):
        rows.append(row)
        if len(rows) % ROWS == 0:
            yield
    return rows


def parse_replays(data: Json) -> list[Replay]:
    """Read what of the held input is to be taken again; an empty body or list is everything.

    Raises InvalidInput.
    """
    value = _json(data) if bytes(data).strip() else []
    if not isinstance(value, list):
        raise _invalid([_reason("", "must be a list of {key, add}")])
    return [_validated(Replay.model_validate, item, f"{n}.") for n, item in enumerate(value)]


def _messages(value: Any, prefix: str, chat_id: str | None) -> Iterator[LiveMessage]:
    """The messages of one item: one that is no object is a row as well, to be held."""
    if isinstance(value, list):
        for position, item in enumerate(value):
            yield from _messages(item, f"{prefix}{position}.", chat_id)
    elif _is_envelope(value):
        if value["type"] != "new_raw_message":
            _frame(value, prefix)  # it may be of no type at all
            raise _invalid([_reason(f"{prefix}type", "must be new_raw_message here")])
        yield _live(value["payload"], f"{prefix}payload.", chat_id)
    elif prefix and not isinstance(value, dict):
        yield LiveMessage(value, chat_id)
    elif (rows := _page(value)) is not None:
        chat_id = identifier(value.get("chat_id")) or chat_id
        yield from (LiveMessage(row, chat_id) for row in rows)
    else:
        yield _live(value, prefix, chat_id)


def _live(value: Any, prefix: str, chat_id: str | None) -> LiveMessage:
    if not isinstance(value, dict) or not value:
        raise _invalid([_reason(prefix, _NO_MESSAGE)])
    if not _is_wrapped(value):
        return LiveMessage(value, chat_id)
    return LiveMessage(value["message"], identifier(value.get("chat_id")) or chat_id)


_LISTS = ("list", "data", "items", "messages", "chats", "results")  # what platforms call the rows of a page
_OF_A_ROW = frozenset({"fromUser", "text", "id"})
_OF_A_CHAT = ("withUser", "lastMessage", "unreadMessagesCount")
_OF_A_MESSAGE = ("fromUser", "toUser", "text", "isSentByMe")


def _listed(data: Any) -> list[Any] | Rows | None:
    """The rows of a page of the platform's, however deep its envelope; None when it is none."""
    if isinstance(data, list | Rows):
        return data
    if not isinstance(data, dict) or not _OF_A_ROW.isdisjoint(data):
        return None
    found = (_listed(data[name]) for name in _LISTS if isinstance(data.get(name), list | Rows | dict))
    return next((rows for rows in found if rows is not None), None)


def _page(value: Any) -> list[Any] | Rows | None:
    """The rows of a page that may stand in place of a message."""
    return None if isinstance(value, dict) and isinstance(value.get("message"), dict) else _listed(value)


def _is_chat(row: Any) -> bool:
    """Whether a row of the platform's list is a chat, and no message."""
    return (
        isinstance(row, dict)
        and any(name in row for name in _OF_A_CHAT)
        and not any(name in row for name in _OF_A_MESSAGE)
    )


def _json(data: Json | str) -> Any:
    try:
        return parse_json(data)
    except ValueError as error:
        raise _invalid([_reason("", f"not valid JSON at position {error}")]) from None


def _json_steps(data: Json, *, lazily: Collection[str] = ()) -> Steps[Any]:
    try:
        return (yield from parsing(data, lazily=lazily))
    except ValueError as error:
        raise _invalid([_reason("", f"not valid JSON at position {error}")]) from None


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
