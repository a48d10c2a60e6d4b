"""Insights as tables: CSV or JSON Lines of what the JSON answer lists, asked for with `format`.

A row of an answer that holds one list is an entry of it; where an answer holds several, each row says in
`table` which one it is of. An answer without a list is one row. What is nested has its path as its column's
name; a list inside a row is JSON. What else an answer says is in the JSON alone, but for the cursor of the
next page, which is the header `Next-Cursor`.
"""

import csv
import io
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import Depends, Query, Request, Response
from fastapi.routing import APIRoute

Format = Literal["json", "csv", "jsonl"]
Row = dict[str, Any]

NEXT: Final = "Next-Cursor"
MEDIA: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
# A spreadsheet takes a cell that begins so for a formula, and runs it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


async def _format(
    format: Annotated[Format, Query(description="csv and jsonl: the answer's table, a row a line")] = "json",
) -> None:
    """Takes the parameter, which `TableRoute` reads."""


TABLES: Final = Depends(_format)  # of a router whose `route_class` is `TableRoute`


class TableRoute(APIRoute):
    """A route whose answer can be had as a table."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def handler(request: Request) -> Response:
            response = await answer(request)
            kind = request.query_params.get("format", "json")
            if kind not in MEDIA or response.status_code != 200:
                return response
            found = orjson.loads(response.body)
            following = found.get("next") if isinstance(found, dict) else None
            headers = {NEXT: following} if following else {}
            return Response(written(rows_of(found), kind), media_type=MEDIA[kind], headers=headers)

        return handler


def rows_of(answer: Any) -> list[Row]:
    """The rows of an answer, each flat."""
    if isinstance(answer, list):
        return [dict(_flat(each)) for each in answer]
    lists = {name: value for name, value in answer.items() if _is_table(value)}
    if not lists:
        return [dict(_flat(answer))]
    if len(lists) == 1:
        [rows] = lists.values()
        return [dict(_flat(each)) for each in rows]
    total = {"total": [answer["total"]]} if isinstance(answer.get("total"), dict) else {}
    return [
        {"table": name, **dict(_flat(each))} for name, rows in {**total, **lists}.items() for each in rows
    ]


def written(rows: list[Row], kind: str, names: Sequence[str] = ()) -> bytes:
    """The rows as CSV (RFC 4180, UTF-8, a line of names first: these, or the rows' own) or lines of JSON."""
    if kind == "jsonl":
        return b"".join(orjson.dumps(row) + b"\n" for row in rows)
    text = io.StringIO()
    columns = names or list(dict.fromkeys(name for row in rows for name in row))
    if columns:
        lines = csv.writer(text)
        lines.writerow(columns)
        lines.writerows([cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue().encode()


def cell(value: Any) -> Any:
    """A value for a spreadsheet: a text that it would take for a formula begins with an apostrophe."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        value = orjson.dumps(value).decode()
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return value


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _flat(row: Row, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
