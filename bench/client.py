"""How the measurements talk to the service: bodies over HTTP, and a page that listens."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import aiohttp
import orjson

from bench.corpus import Raw
from errors import Unavailable

PATIENCE = 120.0  # seconds for one frame


async def post(http: aiohttp.ClientSession, path: str, body: bytes) -> bytes:
    """The answer's body; Unavailable when it is not accepted."""
    async with http.post(path, data=body) as answer:
        content = await answer.read()
        if answer.status != 202:
            raise Unavailable(f"{path} answered {answer.status}: {content[:500]!r}")
        return content


class Page:
    """A page's socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def until(self, wanted: Callable[[Raw], bool]) -> None:
        """Read frames until one is wanted; Unavailable when none comes."""
        try:
            while not wanted(orjson.loads(await self._socket.receive_str(timeout=PATIENCE))):
                pass
        except TimeoutError:
            raise Unavailable(f"A frame did not come within {PATIENCE:.0f} s.") from None

    async def settled(self, receipts: Iterable[bytes]) -> None:
        """Wait until everything that the receipts speak of is understood and on the page."""
        sequence = max(orjson.loads(receipt)["sequence"] for receipt in receipts)
        await self.until(lambda frame: frame["type"] == "analytics_update" and frame["sequence"] >= sequence)


@asynccontextmanager
async def page(http: aiohttp.ClientSession, user_id: str) -> AsyncIterator[Page]:
    """A page of ours, which merges what changes."""
    async with http.ws_connect(f"/ws/frontend/{user_id}?merge=true", max_msg_size=0) as socket:
        opened = Page(socket)
        await opened.until(lambda frame: frame["type"] == "connection_ack")
        yield opened


async def warm(http: aiohttp.ClientSession, opened: Page, path: str, messages: list[Raw]) -> None:
    """Send a snapshot of the messages and wait until the user is live."""
    await post(http, path, orjson.dumps({"chats": [], "messages": messages}))
    await opened.until(
        lambda frame: frame["type"] == "system_status" and frame["payload"]["status"] == "REALTIME"
    )
