"""Chats at the edges of what there is, each with a window, for `tests.oracle` and for the service."""

import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import httpx
from fastapi import FastAPI
from msgspec.structs import replace

from graph.builder import GraphBuilder
from graph.connect import connect
from graph.port import Graph
from insights.people import Terms
from insights.shifts import no_rosters
from settings import Settings
from tests import oracle_fans
from tests.insights.test_money_oracle import enriched
from tests.oracle import CREATOR, Call, Raw
from tests.test_oracle import Owner, Records

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    from serve_app import build_api

USER, OTHER = "u1", "901"


@dataclass(frozen=True, slots=True)
class Edge:
    """What creators were told, by their id; the window is asked for as `asked`, and is `[start, end)`."""

    feeds: dict[str, list[Call]]
    asked: dict[str, str]
    start: int
    end: int
    zone: str = "UTC"

    @property
    def all_of_it(self) -> list[Call]:
        return [call for feed in self.feeds.values() for call in feed]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@dataclass
class Chat:
    """Messages of one fan, numbered as they are said."""

    fan: int = 41
    number: int = 0
    messages: list[Raw] = field(default_factory=list)

    def said(self, when: str, *, by_fan: bool = True, **more: Any) -> "Chat":
        self.number += 1
        id = self.fan * 100 + self.number
        sides: Raw = {"fromUser": {"id": self.fan}}
        if not by_fan:
            sides = {"fromUser": {"id": CREATOR}, "toUser": {"id": self.fan}}
        told = {"id": id, "createdAt": f"{when}+00:00", "text": f"<p>hello {id}</p>", "isFromQueue": False}
        self.messages.append({**sides, **told, **more})
        return self

    def answered(self, when: str, **more: Any) -> "Chat":
        return self.said(when, by_fan=False, **more)

    @property
    def call(self) -> Call:
        return Call(messages=self.messages, chats=[{"withUser": {"id": self.fan}}])


def _edge(*chats: Chat, days: tuple[str, str], zone: str = "UTC", bounds: tuple[str, str] = ("", "")) -> Edge:
    """Of one creator; `bounds` are the first and last instants in UTC where the zone is another."""
    asked = {"start_date": days[0], "end_date": days[1], "time_zone": zone}
    start, end = (at(bound or day) for bound, day in zip(bounds, days, strict=True))
    return Edge({CREATOR: [chat.call for chat in chats]}, asked, start, end, zone)


def _talk(fan: int = 41) -> Chat:
    chat = Chat(fan).said("2024-05-01T10:00:00").answered("2024-05-01T10:04:00", senderId="anna")
    chat.answered("2024-05-01T10:05:00", price=25, isOpened=True, changedAt="2024-05-01T10:30:00+00:00")
    return chat.said("2024-05-02T20:00:00").said("2024-05-02T20:06:00", isTip=True, tipAmount=7)


_DAYS = ("2024-05-01", "2024-05-03")
_AMOUNTS = Chat()
for _n in range(10):  # ten cents ten times are a dollar, and no more
    _AMOUNTS.said(f"2024-05-01T10:{_n * 5:02}:00", isTip=True, tipAmount=0.1)
_AMOUNTS.answered("2024-05-01T11:00:00", price=4.99, isOpened=True, changedAt="2024-05-01T11:00:30+00:00")
_AMOUNTS.answered("2024-05-01T11:01:00", price=5, isOpened=True, changedAt="2024-05-01T11:02:00+00:00")
_AMOUNTS.answered("2024-05-01T11:03:00", price=19.999)

EDGES: Final[dict[str, Edge]] = {
    "nothing": _edge(days=_DAYS),
    "one message of a fan": _edge(Chat().said("2024-05-01T10:00:00"), days=_DAYS),
    "one message of the creator": _edge(Chat().answered("2024-05-01T10:00:00"), days=_DAYS),
    "a window in the future": _edge(_talk(), days=("2190-01-01", "2190-03-01")),
    "a window before everything": _edge(_talk(), days=("1999-01-01", "1999-03-01")),
    "two fans and all that there is": _edge(_talk(), _talk(43), days=_DAYS),
    "two messages of a fan in one second": _edge(
        Chat()
        .said("2024-05-01T10:00:00")
        .said("2024-05-01T10:00:00")
        .answered("2024-05-01T10:00:05", senderId="anna")
        .said("2024-05-01T10:00:05"),
        days=_DAYS,
    ),
    "an answer in the same second": _edge(
        Chat().said("2024-05-01T10:00:00").answered("2024-05-01T10:00:00"), days=_DAYS
    ),
    "clocks that skip an hour": _edge(
        Chat()
        .said("2024-03-31T00:50:00")  # 01:50
        .answered("2024-03-31T01:05:00")  # 03:05, a quarter of an hour later
        .said("2024-03-31T21:59:59")  # the last second of the day
        .answered("2024-03-31T22:00:30"),
        days=("2024-03-31", "2024-04-01"),
        zone="Europe/Berlin",
        bounds=("2024-03-30T23:00", "2024-03-31T22:00"),
    ),
    "clocks that show an hour twice": _edge(
        Chat()
        .said("2023-10-29T00:30:00")  # 02:30
        .answered("2023-10-29T01:30:00")  # 02:30 again
        .said("2023-10-29T01:40:00", isTip=True, tipAmount=3),
        days=("2023-10-29", "2023-10-30"),
        zone="Europe/Berlin",
        bounds=("2023-10-28T22:00", "2023-10-29T23:00"),
    ),
    "amounts in cents and in floats": _edge(_AMOUNTS, days=_DAYS),
    "two creators": Edge(
        {CREATOR: [_talk().call], OTHER: [_talk(51).call, _talk(52).call]},
        {"start_date": _DAYS[0], "end_date": _DAYS[1]},
        at(_DAYS[0]),
        at(_DAYS[1]),
    ),
}


async def write(graph: Graph, creator_id: str, feed: list[Call]) -> None:
    """What a creator was told, as the user's account of that creator."""
    owner, builder = Owner(Records()), GraphBuilder(USER, creator_id, 1)
    await owner.feed(feed, together=False)
    for node in enriched(owner):
        chat = owner.cache.get(CREATOR, node.chat_id)
        assert chat is not None
        said = {m.id for each in chat.conversations if each.id == node.id for m in each.messages}
        by_fan = [id for id in said if chat.messages[id].direction == "fan" and chat.messages[id].is_direct]
        scores = [score for id in by_fan if (score := oracle_fans.felt(id)) is not None]
        own = replace(node, creator_id=creator_id, sentiment_sum=sum(scores), sentiment_count=len(scores))
        await graph.apply(builder.build_graph(own, own.fan_id))
    for each in owner.cache.of(CREATOR):
        await graph.apply(builder.build_fan(each.fan_state()))
    await graph.apply([builder.build_account()])


def api() -> FastAPI:
    return build_api(Settings())


@asynccontextmanager
async def api_on(folder: Path, feeds: dict[str, list[Call]]) -> AsyncIterator[httpx.AsyncClient]:
    """The API on a graph that has what creators were told."""
    graph = connect(f"embedded:{folder}", max_bindings=16)
    for creator_id, feed in feeds.items():
        await write(graph, creator_id, feed)
    app = api()
    app.state.services = SimpleNamespace(
        graph=graph,
        redis=NoLag(),
        attribution_hours=24.0,
        drop_off_days=30,
        terms=Terms(300.0),
        rosters=no_rosters,
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client
    await graph.close()


class NoLag:
    """Of a service whose graph lacks nothing."""

    async def hget(self, _: str, creator_id: str) -> None: ...

    async def hgetall(self, _: str) -> dict[bytes, bytes]:
        return {}
