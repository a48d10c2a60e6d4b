"""Frames to a user's pages: published to those that are there, kept for those that are away for a moment.

An event says what happened. One Lua call appends it to the stream `frames:{user}` and publishes it with its
position in that log in front, `{"frame":"<ms>-<n>","sequence":..,..}`; so the order of positions is the order
of publishing. The log is for short absences: it is bounded, expires, and has a marker in place of a large
frame. A page that cannot be told exactly what it missed gets a full sync.

A state says how things stand, and makes the one before it of its kind and scope void. It has no position,
`{"frame":null,..}`, and is not logged: the newest is in the hash `state:{user}`. Who comes back gets that.

There are two channels: pages that merge changes read `frontend_changes_{user}`, all others
`frontend_user_{user}`.

What is kept of a frame that is of one creator is encrypted where the user's keys encrypt. What cannot be
decrypted counts as gone.
"""

import asyncio
import re
from collections.abc import Iterable
from contextlib import suppress
from enum import Enum
from typing import Any, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import ResponseError

from encryption.envelope import Place, is_encrypted
from encryption.keyring import Keyring
from errors import KeyUnavailable, StaleOwner, Undecryptable
from wire.payloads import Frame

LOGGED_FRAMES = 512  # about: Redis trims the log in whole blocks
LOGGED_BYTES = 64 * 1024  # of one frame: a larger one would fill memory for a page that may never ask
LOGGED_SECONDS = 3600  # after the last frame
NOWHERE = "0-0"  # before every frame
CANCEL_AGAIN = 0.1  # seconds
_POSITION = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")  # what Redis can read as one
_Entries = list[tuple[bytes, dict[bytes, bytes]]]

# Without a field of the state's hash it is an event. No text for a channel: nothing is published there.
_PUSH = """
local epoch, field, kept, length, seconds = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if epoch ~= '' and redis.call('HGET', KEYS[3], 'epoch') ~= epoch then
  return redis.error_reply('STALE')
end
local position, place = '', 'null'
if field == '' then
  position = redis.call('XADD', KEYS[1], 'MAXLEN', '~', length, '*', 'frame', kept)
  place = '"' .. position .. '"'
elseif kept ~= '' then
  redis.call('HSET', KEYS[2], field, kept)
end
redis.call('EXPIRE', KEYS[1], seconds)
redis.call('EXPIRE', KEYS[2], seconds)
for n = 6, #ARGV, 2 do
  if ARGV[n + 1] ~= '' then
    redis.call('PUBLISH', ARGV[n], '{"frame":' .. place .. ',' .. string.sub(ARGV[n + 1], 2))
  end
end
return position
"""


class Readers(Enum):
    """The pages that a frame is for."""

    ALL = "all"
    MERGING = "merging"  # they take in changes
    REPLACING = "replacing"  # they show each frame as it is


def connect_redis(url: str) -> Redis:
    """A client whose callers wait for a free connection rather than fail, and not for ever for an answer."""
    pool = BlockingConnectionPool.from_url(
        url, max_connections=16, timeout=20, socket_connect_timeout=5, socket_timeout=30
    )
    return Redis(connection_pool=pool)


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks that use Redis and return when they are done, whatever they raise.

    Its client loses a cancellation that comes while it asks for a connection.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        ended, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN)
        await asyncio.gather(*ended, return_exceptions=True)


def channel(user_id: str, *, merges: bool = False) -> str:
    """Where pages that merge changes, or all others, read a user's frames."""
    return f"{'frontend_changes' if merges else 'frontend_user'}_{user_id}"


async def push(
    redis: Redis,
    user_id: str,
    frame: Frame | bytes,
    *,
    json: bytes | None = None,
    epoch: int | None = None,
    to: Readers = Readers.ALL,
    keys: Keyring | None = None,
) -> str:
    """Publish a frame (bytes: an event as JSON, without a position); returns its position, "" of a state.

    `json` is the frame where it was written already.

    A state that pages which merge are not sent is not kept. With `epoch` only the user's owner may
    (StaleOwner). RedisError when Redis is out of reach: whether the frame was sent is not known then.
    KeyUnavailable: nothing was sent.
    """
    json = frame if isinstance(frame, bytes) else json or frame.published()
    merging = b"" if to is Readers.REPLACING else json
    replacing = b"" if to is Readers.MERGING else json
    if isinstance(frame, Frame) and frame.is_state:
        field, kept = _field(frame.type, frame.creatorId), merging
    else:
        field, kept = "", json if len(json) <= LOGGED_BYTES else b""
    creator_id = frame.creatorId if isinstance(frame, Frame) else None
    if keys is not None and kept and creator_id is not None:
        await keys.prepare([creator_id])
        kept = keys.encrypt(creator_id, _place(field), kept)
    return await _push(redis, user_id, epoch, field, kept, merging, replacing)


async def push_full_sync(
    redis: Redis, user_id: str, call: bytes, whole: bytes | None, *, epoch: int | None = None
) -> str:
    """Have every page take a full sync; returns the position.

    `call` is a frame without a payload: who gets it asks for the full sync that it wants. Pages that replace
    get the `whole` frame where there is one. Either is an event that the log has no text of.
    """
    return await _push(redis, user_id, epoch, "", b"", call, whole or call)


async def _push(
    redis: Redis, user_id: str, epoch: int | None, field: str, kept: bytes, merging: bytes, replacing: bytes
) -> str:
    owner = "" if epoch is None else epoch
    published = (channel(user_id, merges=True), merging, channel(user_id), replacing)
    try:
        position: bytes = await redis.register_script(_PUSH)(
            keys=[_log(user_id), _state(user_id), f"owner:{user_id}"],
            args=[owner, field, kept, LOGGED_FRAMES, LOGGED_SECONDS, *published],
        )
    except ResponseError as error:
        if "STALE" in str(error):
            raise StaleOwner("Another process owns this user now; it is the one that tells pages.") from error
        raise
    return position.decode()


async def is_read_whole(redis: Redis, user_id: str) -> bool:
    """Whether anybody reads the channel of pages that do not merge."""
    [(_, readers)] = cast(list[tuple[bytes, int]], await redis.pubsub_numsub(channel(user_id)))
    return readers > 0


async def newest(
    redis: Redis, user_id: str, creator_id: str | None, keys: Keyring | None = None
) -> list[bytes]:
    """The newest state of the user and of one creator, or of all creators, as frames."""
    fields = [
        _field(kind, scope) for kind, scope in (("system_status", None), ("analytics_update", creator_id))
    ]
    found = cast(list[bytes | None], await cast(Any, redis.hmget(_state(user_id), fields)))
    kept = {field: json for field, json in zip(fields, found, strict=True) if json is not None}
    await _load(keys, kept.values())
    plain = [_decrypted(keys, field, json) for field, json in kept.items()]
    return [b'{"frame":null,%b' % json[1:] for json in plain if json]


async def last_position(redis: Redis, user_id: str) -> str:
    """The position of the newest frame in the log, NOWHERE when the log is empty."""
    newest = cast(_Entries, await redis.xrevrange(_log(user_id), count=1))
    return newest[0][0].decode() if newest else NOWHERE


async def missed(redis: Redis, user_id: str, after: str, keys: Keyring | None = None) -> list[bytes] | None:
    """The frames after the position `after`, as they were published, in order.

    None when that cannot be told: the frame at `after` is not in the log (any more), or a later one was too
    large for it.
    """
    if not _POSITION.fullmatch(after):
        return None
    entries = cast(_Entries, await redis.xrange(_log(user_id), min=after))
    if not entries or entries[0][0] != after.encode():
        return None
    await _load(keys, (fields[b"frame"] for _, fields in entries))
    frames = [(position, _decrypted(keys, "", fields[b"frame"])) for position, fields in entries[1:]]
    if not all(json for _, json in frames):
        return None
    return [b'{"frame":"%b",%b' % (position, json[1:]) for position, json in frames]


async def forget(redis: Redis, user_id: str) -> None:
    """Have every page that comes back get a full sync: frames may be missing from the log."""
    # Not deleted: the positions of a new log could be those of the old one.
    await redis.xtrim(_log(user_id), maxlen=0, approximate=False)
    await redis.delete(_state(user_id))


async def _load(keys: Keyring | None, kept: Iterable[bytes]) -> None:
    """Know the keys where something is encrypted."""
    if keys is not None and any(map(is_encrypted, kept)):
        with suppress(KeyUnavailable):
            await keys.load()


def _decrypted(keys: Keyring | None, field: str, kept: bytes) -> bytes:
    """Empty when it cannot be decrypted."""
    if not is_encrypted(kept):
        return kept
    try:
        return b"" if keys is None else keys.decrypt(keys.creator_of(kept), _place(field), kept)
    except (KeyUnavailable, Undecryptable):
        return b""


def _place(field: str) -> Place:
    return "frame", field


def is_after(position: str, other: str) -> bool:
    """Whether one position comes after another; both as `push` or `last_position` gave them."""
    return _numbers(position) > _numbers(other)


def _numbers(position: str) -> tuple[int, int]:
    milliseconds, count = position.split("-")
    return int(milliseconds), int(count)


def _log(user_id: str) -> str:
    return f"frames:{user_id}"


def _state(user_id: str) -> str:
    return f"state:{user_id}"


def _field(kind: str, creator_id: str | None) -> str:
    """Where the newest state of a kind is kept: of one creator, or of what is of none."""
    return kind if creator_id is None else f"{kind} {creator_id}"
