"""The one publisher of a user's frames: numbers and logs them, notices when they are lost, and repairs that.

When Redis does not answer it is not known whether a frame was sent. It is not repeated: pages append what
they get. From then on frames are dropped until Redis takes them again; then the log is emptied, so that
whoever comes back asks for a full sync, and whoever stayed is told that one follows.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from backoff import Backoff
from encryption.keyring import Keyring
from errors import KeyUnavailable, Unavailable
from frames.log import NOWHERE, Readers, forget, is_read_whole, last_position, push, push_full_sync
from metrics.declared import FRAMES_LOST, FRAMES_SENT, FRAMES_SENT_BYTES
from metrics.port import UNMEASURED, Metrics
from wire.payloads import Frame, SystemStatus, SystemStatusMsg

log = logging.getLogger(__name__)

RETRY_FIRST, RETRY_MOST = 0.2, 5.0


class Frames(Protocol):
    """Takes the frames of one user."""

    async def send(self, frame: Frame, to: Readers = Readers.ALL) -> None:
        """Send a frame."""


class Publisher:
    """The frames of the user's owner. StaleOwner when another process owns the user.

    `lost` is called when frames begin to be lost; `position` is that of the last one sent.
    """

    def __init__(
        self,
        redis: Redis,
        user_id: str,
        lost: Callable[[], None],
        metrics: Metrics = UNMEASURED,
        keys: Keyring | None = None,
    ) -> None:
        self._keys = keys
        self._metrics = metrics
        self._redis = redis
        self._user_id = user_id
        self._lost = lost
        self._epoch = 0
        self._works = asyncio.Event()
        self._works.set()
        self.position = NOWHERE

    async def begin(self, epoch: int) -> None:
        """Go on as this owner. RedisError when Redis is out of reach."""
        self._epoch = epoch
        self.position = await last_position(self._redis, self._user_id)

    @property
    def works(self) -> bool:
        """Whether frames are taken."""
        return self._works.is_set()

    async def send(self, frame: Frame, to: Readers = Readers.ALL) -> None:
        """Send a frame; one that is lost is made up for by the full sync that `lost` asks for."""
        json = frame.published()
        await self._try(
            lambda: push(
                self._redis, self._user_id, frame, json=json, epoch=self._epoch, to=to, keys=self._keys
            ),
            len(json),
        )

    async def send_full_sync(self, call: bytes, whole: bytes | None) -> None:
        """Have pages take a full sync (see `frames.log.push_full_sync`)."""
        await self._try(
            lambda: push_full_sync(self._redis, self._user_id, call, whole, epoch=self._epoch),
            len(call) + len(whole or b""),
        )

    async def forget(self) -> None:
        """Have the log hold nothing of what was sent: whoever comes back takes a full sync. RedisError."""
        await forget(self._redis, self._user_id)
        self.position = NOWHERE

    async def is_read_whole(self) -> bool:
        """Whether there are pages that do not merge; they are not known of while Redis is away."""
        try:
            return self.works and await is_read_whole(self._redis, self._user_id)
        except RedisError:
            return False

    async def _try(self, push_it: Callable[[], Awaitable[str]], size: int) -> None:
        if not self.works:
            self._metrics.count(FRAMES_LOST)
            return
        try:
            self.position = await push_it() or self.position
            self._metrics.count(FRAMES_SENT)
            self._metrics.count(FRAMES_SENT_BYTES, size)
        except (RedisError, KeyUnavailable) as error:
            self._metrics.count(FRAMES_LOST)
            if self.works:  # of several on their way the first tells it
                log.warning("Frames of user %s are lost (%s).", self._user_id, type(error).__name__)
                self._works.clear()
                self._lost()

    async def repair(self, sequence: int) -> None:
        """Return once Redis takes frames; pages know then that a full sync follows."""
        backoff = Backoff(RETRY_FIRST, RETRY_MOST)
        while not self.works:
            await backoff.pause()
            try:
                await forget(self._redis, self._user_id)
                status = SystemStatus(status="PROCESSING_SNAPSHOT")
                frame = SystemStatusMsg(sequence=sequence, payload=status)
                self.position = NOWHERE
                await push(self._redis, self._user_id, frame, epoch=self._epoch)
            except RedisError:
                continue
            self._works.set()
            log.info("User %s has Redis again; pages get a full sync.", self._user_id)


class Announcer:
    """Frames of whoever does not own the user. Unavailable when Redis refuses, or a key is not to be had."""

    def __init__(self, redis: Redis, user_id: str, keys: Keyring | None = None) -> None:
        self._keys = keys
        self._redis = redis
        self._user_id = user_id

    async def send(self, frame: Frame, to: Readers = Readers.ALL) -> None:
        if self._keys is not None and self._keys.encrypts:
            await self._keys.load()
        try:
            await push(self._redis, self._user_id, frame, to=to, keys=self._keys)
        except RedisError as error:
            raise Unavailable("Redis did not take the frame; ask for it again.") from error
