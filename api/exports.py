"""Everything of an account in bulk: messages, conversations and outcomes, as Parquet, CSV or JSON Lines.

Each answer is a whole file of one part, and names the next one in the header `Next-Cursor`. So an export that
was cut off goes on where it was, and no answer is larger than memory has room for.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response

from access.policy import Action
from api.caller import GUARDED, KnownAccess, KnownCaller, allowed
from api.params import KnownParameters, NeededId, QueryId
from api.services import Provided, check_known
from api.tables import MEDIA, NEXT, written
from errors import Overloaded
from session.bulk import Row, Table

MOST_ROWS = 50_000  # messages behind one part
TOGETHER = 1_000  # that the owner is asked for at a time
AT_ONCE = 2  # exports that are made at a time; the others wait
WAITS = 20.0  # seconds that one waits

Format = Literal["parquet", "csv", "jsonl"]
_TYPES: dict[Table, dict[str, str]] = {  # of Parquet's columns
    "messages": {
        **dict.fromkeys(("creator_id", "chat_id", "fan_id", "message_id"), "text"),
        **{"at": "time", "direction": "text", "kind": "text", "text": "text", "price": "number"},
        **{"is_opened": "flag", "tip": "number", "media": "texts", "sentiment": "number"},
        **dict.fromkeys(("topics", "actions"), "texts"),
    },
    "conversations": {
        **dict.fromkeys(("creator_id", "chat_id", "fan_id", "conversation_id"), "text"),
        **dict.fromkeys(("start", "end"), "time"),
        **dict.fromkeys(("direct_messages", "fan_messages", "mass_messages", "turns"), "count"),
        **{"silence_seconds": "number", "response_seconds": "number", "unanswered": "count"},
        **{"sentiment": "number", "offers": "count", "mass_offers": "count"},
        **dict.fromkeys(("topics", "actions"), "texts"),
    },
    "outcomes": {
        **dict.fromkeys(("creator_id", "chat_id", "fan_id", "conversation_id", "type"), "text"),
        **{"at": "time", "amount": "number", "score": "number", "message_id": "text", "evidence": "text"},
        **{"is_provisional": "flag", "is_mass": "flag", "dated_by": "text"},
    },
}

router = APIRouter(prefix="/api/v1/exports", tags=["reading"], responses=GUARDED)
_making = asyncio.Semaphore(AT_ONCE)


async def _recorded(
    access: KnownAccess, caller: KnownCaller, table: Table, user_id: NeededId, creator_id: QueryId = None
) -> None:
    """Whether the caller may export the account, which is told to the audit trail first."""
    await allowed(access, caller, Action.EXPORT, user_id, creator_id)
    await access.gate.trail.record(
        "exported", caller.principal.id, user_id=user_id, creator_id=creator_id, of=table
    )


@router.get("/{table}", response_class=Response, dependencies=[Depends(_recorded), KnownParameters])
async def export_table(
    services: Provided,
    table: Table,
    user_id: NeededId,
    creator_id: QueryId = None,
    format: Format = "parquet",
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS, description="messages that a part is made of")] = 20_000,
    cursor: Annotated[
        str | None, Query(max_length=2048, description="`Next-Cursor` of the last part")
    ] = None,
) -> Response:
    """A part of an account's messages, conversations or outcomes, or of all the user's, as a file."""
    await check_known(services, user_id)
    async with _turn():
        rows: list[Row] = []
        following, left = cursor, limit
        while left > 0:
            some = min(TOGETHER, left)
            found, following = await services.owners.bulk(user_id, table, creator_id, following, some)
            rows += found
            left -= some
            if following is None:
                break
        body = await asyncio.to_thread(_written, table, rows, format)
    headers = {"Content-Disposition": f"attachment; filename={table}.{format}"}
    if following is not None:
        headers[NEXT] = following
    return Response(body, media_type=MEDIA.get(format, "application/vnd.apache.parquet"), headers=headers)


@asynccontextmanager
async def _turn() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(WAITS):
            await _making.acquire()
    except TimeoutError:
        raise Overloaded(f"{AT_ONCE} exports are being made; ask again when they are done.") from None
    try:
        yield
    finally:
        _making.release()


def _written(table: Table, rows: list[Row], format: Format) -> bytes:
    if format == "parquet":
        return _parquet(table, rows)
    texts = ({**row, **{n: v.isoformat() for n, v in row.items() if hasattr(v, "isoformat")}} for row in rows)
    return written(list(texts), format, list(_TYPES[table]))


def _parquet(table: Table, rows: list[Row]) -> bytes:
    import pyarrow as pa  # 60 MiB: only who exports pays for it
    import pyarrow.parquet as pq

    kinds: dict[str, Any] = {
        "text": pa.string(),
        "texts": pa.list_(pa.string()),
        "number": pa.float64(),
        "count": pa.int64(),
        "flag": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in _TYPES[table].items()])
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), sink, compression="zstd")
    return sink.getvalue()
