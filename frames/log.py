"""Frames to a user's pages: logged for those that are away for a moment, published to those that are there.

One Lua call appends the frame to the stream `frames:{user}` and publishes it on `frontend_user_{user}` with
its position in that log in front, `{"frame":"<ms>-<n>","sequence":..,..}`; so the order of positions is the
order of publishing. The log is for short absences: it is bounded, expires, and has a marker in place of a
large frame. A page that cannot be told exactly what it missed gets a full sync.
"""

import re
from typing import cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import ResponseError

from errors import StaleOwner
from wire.payloads import Frame

LOGGED_FRAMES = 512  # about: Redis trims the log in whole blocks
LOGGED_BYTES = 64 * 1024  # of one frame: a larger one would fill memory for a page that may never ask
LOGGED_SECONDS = 3600  # after the last frame
NOWHERE = "0-0"  # before every frame
_POSITION = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")  # what Redis can read as one
_Entries = list[tuple[bytes, dict[bytes, bytes]]]

_PUSH = """
if ARGV[1] ~= '' and redis.call('HGET', KEYS[2], 'epoch') ~= ARGV[1] then
  return redis.error_reply('STALE')
end
local frame, logged = ARGV[2], ARGV[2]
if #frame > tonumber(ARGV[3]) then logged = '' end
local position = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], '*', 'frame', logged)
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('PUBLISH', ARGV[6], '{"frame":"' .. position .. '",' .. string.sub(frame, 2))
return position
"""


def connect_redis(url: str) -> Redis:
    """A client whose callers wait for a free connection rather than fail, and not for ever for an answer."""
    pool = BlockingConnectionPool.from_url(
        url, max_connections=16, timeout=20, socket_connect_timeout=5, socket_timeout=30
    )
    return Redis(connection_pool=pool)


def channel(user_id: str) -> str:
    return f"frontend_user_{user_id}"


async def push(redis: Redis, user_id: str, frame: Frame | bytes, *, epoch: int | None = None) -> str:
    """Log and publish a frame (bytes: as JSON, without a position); returns its position.

    With `epoch` only the user's owner may (StaleOwner). RedisError when Redis is out of reach: whether the
    frame was sent is not known then.
    """
    owner = "" if epoch is None else epoch
    json = frame if isinstance(frame, bytes) else frame.published()
    try:
        position: bytes = await redis.register_script(_PUSH)(
            keys=[_log(user_id), f"owner:{user_id}"],
            args=[owner, json, LOGGED_BYTES, LOGGED_FRAMES, LOGGED_SECONDS, channel(user_id)],
        )
    except ResponseError as error:
        if "STALE" in str(error):
            raise StaleOwner("Another process owns this user now; it is the one that tells pages.") from error
        raise
    return position.decode()


async def last_position(redis: Redis, user_id: str) -> str:
    """The position of the newest frame in the log, NOWHERE when the log is empty."""
    newest = cast(_Entries, await redis.xrevrange(_log(user_id), count=1))
    return newest[0][0].decode() if newest else NOWHERE


async def missed(redis: Redis, user_id: str, after: str) -> list[bytes] | None:
    """The frames after the position `after`, as they were published, in order.

    None when that cannot be told: the frame at `after` is not in the log (any more), or a later one was too
    large for it.
    """
    if not _POSITION.fullmatch(after):
        return None
    entries = cast(_Entries, await redis.xrange(_log(user_id), min=after))
    if not entries or entries[0][0] != after.encode():
        return None
    frames = [(position, fields[b"frame"]) for position, fields in entries[1:]]
    if not all(json for _, json in frames):
        return None
    return [b'{"frame":"%b",%b' % (position, json[1:]) for position, json in frames]


async def forget(redis: Redis, user_id: str) -> None:
    """Have every page that comes back get a full sync: frames may be missing from the log."""
    # Not deleted: the positions of a new log could be those of the old one.
    await redis.xtrim(_log(user_id), maxlen=0, approximate=False)


def is_after(position: str, other: str) -> bool:
    """Whether one position comes after another; both as `push` or `last_position` gave them."""
    return _numbers(position) > _numbers(other)


def _numbers(position: str) -> tuple[int, int]:
    milliseconds, count = position.split("-")
    return int(milliseconds), int(count)


def _log(user_id: str) -> str:
    return f"frames:{user_id}"
