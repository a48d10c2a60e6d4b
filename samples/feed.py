"""Feeds the sample data to a running service the way an extension would: over its public HTTP ingest."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import httpx
import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from errors import Unavailable
from samples.generate import CreatorSamples, generate

TIMEOUT = 600.0  # seconds for one creator, enrichment included
DELTA_BATCH = 5


async def feed(url: str, *, now: datetime, say: Callable[[str], None], key: str | None = None) -> None:
    """Send every creator's snapshot and live messages, telling progress through `say`.

    `key` is one that may write and read, where the service asks for one. Creators whose data the service
    already has are left alone. Raises Unavailable when it gives up.
    """
    try:
        await _feed(url, now, say, {} if key is None else {"Authorization": f"Bearer {key}"})
    except (httpx.HTTPError, ConnectionClosed) as error:
        raise Unavailable(f"The service went away while it was fed ({type(error).__name__}).") from error


async def _feed(url: str, now: datetime, say: Callable[[str], None], headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=120, trust_env=False) as http:
        known = {user["user_id"] for user in (await http.get("/api/v1/users")).json()}
        samples = generate(now=now)
        fresh = [creator for creator in samples.creators if creator.creator_id not in known]
        if not fresh:
            say("Sample data is there already.")
        for creator in fresh:
            await _feed_creator(http, url, creator, say, headers)


async def _feed_creator(
    http: httpx.AsyncClient,
    url: str,
    creator: CreatorSamples,
    say: Callable[[str], None],
    headers: dict[str, str],
) -> None:
    user = creator.creator_id
    messages = len(creator.snapshot["messages"])
    say(f"Sending {creator.name}: {messages:,} messages, then {len(creator.deltas)} live frames ...")
    # The socket is open before the snapshot is sent, so that no progress is missed.
    async with connect(
        url.replace("http", "ws", 1) + f"/ws/frontend/{user}",
        additional_headers=headers,
        max_size=None,
        proxy=None,
    ) as page:
        await _post(http, f"/api/v1/ingest/{user}/snapshot", creator.snapshot)
        for start in range(0, len(creator.deltas), DELTA_BATCH):
            await _post(http, f"/api/v1/ingest/{user}/messages", creator.deltas[start : start + DELTA_BATCH])
        try:
            async with asyncio.timeout(TIMEOUT):
                async for frame in page:
                    message = orjson.loads(frame)
                    if message["type"] == "system_error":
                        say(f"  {creator.name}: {message['payload']['errorMessage']}")
                    if message["type"] != "system_status":
                        continue
                    if message["payload"]["status"] == "REALTIME":
                        break
                    if detail := message["payload"].get("detail"):
                        say(f"  {creator.name}: {detail}")
        except TimeoutError:
            raise Unavailable(f"{creator.name} is not ready after {TIMEOUT:.0f} s; see the log.") from None
    say(f"  {creator.name}: done.")


async def _post(http: httpx.AsyncClient, path: str, body: object) -> None:
    answer = await http.post(path, content=orjson.dumps(body))
    if answer.status_code != 202:
        raise Unavailable(
            f"The service did not take the sample data: {answer.status_code} {answer.text[:500]}"
        )
