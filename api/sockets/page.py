"""One page's queue of frames, and the position it stands at.

A page's events have positions. A page that connects again with the last one it got is sent what it missed;
any other page is told where things stand (a full sync). Nothing comes twice, because what comes live at or
before the position that the page then stands at is dropped. States have no position: they are sent as they
come, and the last one holds.

Some events change a part of what a page shows: an edit of a message, the chats of one creator among several.
Their envelope says so (`merge`). A page that did not say that it merges is given a full sync in their place;
so is every page in place of an event that has no payload.

Frames wait for a page up to a limit. A page that reads too slowly, or whose frames may have been lost, is cut
off and connects again.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence

import orjson

from frames.log import NOWHERE, is_after

WAITING_BYTES = 64 * 1024 * 1024  # of frames that wait for one page; one alone may be larger
WAITING_FRAMES = 10_000
_HEADER = re.compile(
    rb'\{"frame":(?:"(\d+-\d+)"|null),"sequence":(\d+),"creatorId":(null|"[^"]*"),"type":"(\w+)"'
    rb'(,"merge":true)?(,"payload":)?'
)


class Page:
    """One page's socket: frames wait here until the socket takes them.

    It stands at a position: what was pushed up to there it has, from a full sync or its last connection. The
    full sync may have had more, the messages of the job that was then in hand, up to a sequence. What is sent
    tells the page both (`mark`), so that it can say where it stands when it connects again.

    `merges` says that it takes in frames that change a part of what it shows. Without `texts` it gets states
    alone, which have no text of messages. With `masks` it takes no published full sync, which has names.
    """

    def __init__(
        self, creator_id: str | None, *, merges: bool = False, texts: bool = True, masks: bool = False
    ) -> None:
        self._creator = orjson.dumps(creator_id)
        self._all = creator_id is None
        self._merges = merges
        self._texts = texts
        self._masks = masks
        self._earlier: Sequence[bytes] = ()  # missed while it was away
        self._frames: asyncio.Queue[re.Match[bytes]] = asyncio.Queue()
        self._bytes = 0
        self._position = NOWHERE
        self._synced = -1
        self.cut_off = asyncio.Event()

    def cut(self) -> None:
        """Say that frames are missing: what waits is dropped and the page has to connect again."""
        self.cut_off.set()
        while not self._frames.empty():
            self._frames.get_nowait()

    def stand(self, position: str, synced: int, missed: Sequence[bytes] = ()) -> None:
        """It has what was pushed up to the position and messages up to `synced`; these frames followed."""
        self._position, self._synced, self._earlier = position, synced, missed

    def offer(self, frame: bytes) -> None:
        """Queue a published frame, if it is for this page and not too much."""
        header = _HEADER.match(frame)
        if header is None or self.cut_off.is_set() or not self._is_for(header):
            return
        waiting = self._frames.qsize()
        if waiting and (waiting >= WAITING_FRAMES or self._bytes + len(frame) > WAITING_BYTES):
            self.cut()
            return
        self._bytes += len(frame)
        self._frames.put_nowait(header)

    async def frames(self) -> AsyncIterator[bytes | None]:
        """What the page has not got yet, in order, without end; None in place of what it cannot take in.

        It is to be given a full sync then (`stand`) before the next is asked for.
        """
        async for header in self._in_order():
            if header[1] is None:
                yield header.string
                continue
            position, sequence, kind = header[1].decode(), int(header[2]), header[4]
            if not is_after(position, self._position):
                continue
            self._position = position
            frame = header.string
            if sequence <= self._synced:
                if sequence < self._synced and kind in (b"append_message", b"full_sync_response"):
                    continue  # older than the full sync: its owner took the push for failed, and it was not
                if kind == b"append_message":  # the messages came with the full sync, the totals did not
                    frame = _without_messages(frame)
                frame = b'{"frame":"%b"%b' % (
                    mark(position, self._synced).encode(),
                    frame[header.end(1) + 1 :],
                )
            yield None if header[6] is None or self._lacks(header) else frame

    async def _in_order(self) -> AsyncIterator[re.Match[bytes]]:
        for frame in self._earlier:
            header = _HEADER.match(frame)
            if header is not None and self._is_for(header):
                yield header
        self._earlier = ()
        while True:
            header = await self._frames.get()
            self._bytes -= len(header.string)
            yield header

    def _is_for(self, header: re.Match[bytes]) -> bool:
        creator, kind = header[3], header[4]
        if header[1] is not None and not self._texts:
            return False
        if kind == b"analytics_update":  # there is one of every scope
            return creator == self._creator
        return self._all or creator in (b"null", self._creator)

    def _lacks(self, header: re.Match[bytes]) -> bool:
        """Whether it may not be shown this frame, or shows something wrong after it as it does not merge."""
        sequence, kind, merge = int(header[2]), header[4], header[5]
        if self._masks and kind == b"full_sync_response":
            return True
        if self._merges or not merge:
            return False
        if kind == b"full_sync_response":
            return self._all  # the other creators' chats would be gone
        return kind == b"append_message" and sequence > self._synced  # else the full sync had the edit


def mark(position: str, synced: int) -> str:
    """What a page is told of where it stands: a position, and the sequence of its full sync."""
    return f"{position}:{synced}"


def stands(mark: str) -> tuple[str, int]:
    """The position and the full sync's sequence of a mark; a plain position is a mark as well."""
    position, _, synced = mark.partition(":")
    return position, int(synced) if re.fullmatch("[0-9]{1,19}", synced) else -1


def _without_messages(frame: bytes) -> bytes:
    append = orjson.loads(frame)
    append["payload"]["messages"] = []
    return orjson.dumps(append)
