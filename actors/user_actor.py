"""The user actor: a process for the owner of one user. What it does is in `session`; here is what is Ray's.

The actor ends when the user has another owner. When anything fails that was not expected its process ends,
and the registry has another take its place: the journal has everything.
"""

import asyncio
import logging
import os
import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from pickle import PickleBuffer
from typing import Any

import ray

from actors import local_socket
from actors.graph_writer import graph_reader, graph_writer
from actors.reports import Reports
from chats.corrections import Correction
from encryption.setup import keyring
from enrich.tasks import Enricher
from errors import AnalyticsError, StaleOwner
from frames.log import connect_redis
from frames.publisher import Publisher
from graph.model import UpsertEdge, UpsertVertex
from history.checkpoints import Checkpoints
from insights import columns
from insights.tables import Ask, Version
from memory import keep
from metrics.loop_lag import SPARING, LoopLag
from metrics.port import Metrics
from metrics.tally import Tally
from privacy.seal import read_seal
from search.question import Question
from session.bulk import Row, Table
from session.clock import SystemClock
from session.erased import ErasedInRedis
from session.held import HeldStore
from session.intake import Receipt
from session.journal import Journal
from session.lag import LagInRedis
from session.machine import Status
from session.pages import Extent, Order, Said
from session.ports import Ports
from session.session import Session
from session.topic_models import TopicModels
from session.understood import Understood
from settings import Settings

log = logging.getLogger(__name__)

Payload = bytes | PickleBuffer  # JSON; a buffer is read where it lies in Ray's store, and not copied


class UserActor:
    """Made by the registry (`actors.registry`); `env` holds the service's settings."""

    def __init__(self, user_id: str, env: Mapping[str, str]) -> None:
        settings = Settings.from_env(env)
        logging.basicConfig(level=settings.log_level)
        self._user_id = user_id
        self._tally, self._lag = Tally(), LoopLag(SPARING)
        self._session = Session(user_id, settings, _ports(user_id, settings, self._tally))
        self._reports = Reports(user_id, self._tally, self._measure)
        keep()
        loop = asyncio.get_running_loop()
        self._listening = loop.create_task(local_socket.listen(self._session.handle_deltas))
        self._running = [
            loop.create_task(each) for each in (self._run(), self._lag.run(), self._reports.run())
        ]

    async def _run(self) -> None:
        try:
            await self._session.run()
        except StaleOwner:
            log.warning("User %s has another owner; this one stops.", self._user_id)
            _exit()
        except Exception as error:  # its text may quote the chats
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("User %s: the actor restarts (%s).\n%s", self._user_id, type(error).__name__, where)
            await asyncio.sleep(1)
            os._exit(1)

    def _measure(self) -> None:
        self._session.measure()
        self._lag.measure(self._tally, "owner")

    def _of(self, user_id: str) -> Session:
        if user_id != self._user_id:
            raise ValueError("An actor serves one user only.")
        return self._session

    async def handle_snapshot(
        self,
        user_id: str,
        payload: Payload,
        creator_id: str,
        chat_id: str | None = None,
        sender_id: str | None = None,
    ) -> Receipt:
        return await self._of(user_id).handle_snapshot(memoryview(payload), creator_id, chat_id, sender_id)

    async def handle_delta(
        self,
        user_id: str,
        payload: Payload,
        creator_id: str,
        chat_id: str | None = None,
        sender_id: str | None = None,
    ) -> Receipt:
        return await self._of(user_id).handle_delta(memoryview(payload), creator_id, chat_id, sender_id)

    async def handle_deltas(
        self, user_id: str, bodies: Sequence[tuple[bytes, str | None, str | None]], creator_id: str
    ) -> list[Receipt | AnalyticsError]:
        return await self._of(user_id).handle_deltas(bodies, creator_id)

    async def socket_name(self) -> str | None:
        """Where who is on this machine has live messages taken, see `actors.local_socket`."""
        listening = await self._listening
        return None if listening is None else listening.name

    async def replay_held(self, user_id: str, payload: Payload) -> Receipt:
        return await self._of(user_id).replay_held(memoryview(payload))

    async def discard_held(self, user_id: str, keys: Sequence[str] | None) -> int:
        return await self._of(user_id).discard_held(keys)

    async def get_held(self, user_id: str, limit: int, offset: int) -> dict[str, Any]:
        return await self._of(user_id).get_held(limit, offset)

    async def erase(
        self, user_id: str, receipt: str, creator_id: str | None, id: str | None, within: float
    ) -> dict[str, Any]:
        return await self._of(user_id).erase(receipt, creator_id, id, within)

    async def export(
        self,
        user_id: str,
        creator_id: str | None,
        id: str | None,
        cursor: str | None,
        limit: int,
        mask: bool = False,
    ) -> tuple[bytes, str | None]:
        return await self._of(user_id).export(creator_id, id, cursor, limit, mask)

    async def bulk(
        self, user_id: str, table: Table, creator_id: str | None, cursor: str | None, limit: int
    ) -> tuple[list[Row], str | None]:
        return await self._of(user_id).bulk(table, creator_id, cursor, limit)

    async def correct(self, user_id: str, creator_id: str, correction: bytes) -> dict[str, Any]:
        return await self._of(user_id).correct(creator_id, Correction.of_json(correction))

    async def withdraw(self, user_id: str, creator_id: str, id: str, by: str, who: str) -> dict[str, Any]:
        return await self._of(user_id).withdraw(creator_id, id, by, who)

    async def get_corrections(self, user_id: str, creator_id: str, limit: int, offset: int) -> dict[str, Any]:
        return await self._of(user_id).get_corrections(creator_id, limit, offset)

    async def get_labels(
        self, user_id: str, creator_id: str, after: str | None, limit: int, mask: bool = False
    ) -> tuple[bytes, str | None]:
        return await self._of(user_id).get_labels(creator_id, after, limit, mask)

    async def columns(
        self, user_id: str, creator_id: str, asks: Sequence[Ask]
    ) -> tuple[Version, list[columns.Table]] | None:
        return await self._of(user_id).columns(creator_id, asks)

    async def column_versions(self, user_id: str, creators: Sequence[str]) -> list[Version | None]:
        return await self._of(user_id).column_versions(creators)

    async def keep_for(self, user_id: str, creator_id: str, days: int | None) -> None:
        await self._of(user_id).keep_for(creator_id, days)

    async def get_receipt(self, user_id: str, receipt: str) -> dict[str, Any]:
        return await self._of(user_id).get_receipt(receipt)

    async def lift(self, user_id: str, creator_id: str | None, id: str | None) -> int:
        return await self._of(user_id).lift(creator_id, id)

    async def get_cached_chats(
        self,
        user_id: str,
        limit: int | None = None,
        offset: int = 0,
        chat_id: str | None = None,
        creator_id: str | None = None,
        mask: bool = False,
    ) -> list[dict[str, Any]]:
        return await self._of(user_id).get_cached_chats(limit, offset, chat_id, creator_id, mask)

    async def get_cached_messages(
        self,
        user_id: str,
        chat_id: str | None = None,
        creator_id: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        mask: bool = False,
    ) -> list[dict[str, Any]]:
        return await self._of(user_id).get_cached_messages(chat_id, creator_id, limit, offset, mask)

    async def search(self, user_id: str, creator_id: str | None, question: Question, mask: bool) -> bytes:
        return await self._of(user_id).search(creator_id, question, mask)

    async def topics(self, user_id: str, creator_id: str | None) -> bytes:
        return await self._of(user_id).topics(creator_id)

    async def typical(
        self,
        user_id: str,
        creator_id: str | None,
        topic_id: str,
        span: tuple[float, float],
        limit: int,
        mask: bool,
    ) -> bytes:
        return await self._of(user_id).typical(creator_id, topic_id, span, limit, mask)

    async def full_sync(
        self, user_id: str, creator_id: str | None, extent: Extent
    ) -> tuple[int, str, Status, bytes]:
        return await self._of(user_id).full_sync(creator_id, extent)

    async def get_shown_chats(
        self,
        user_id: str,
        creator_id: str | None,
        order: Order,
        limit: int,
        offset: int,
        messages: int,
        mask: bool = False,
    ) -> bytes:
        return await self._of(user_id).get_shown_chats(creator_id, order, limit, offset, messages, mask)

    async def get_shown_messages(
        self,
        user_id: str,
        chat_id: str,
        creator_id: str | None,
        before: str | None,
        limit: int,
        mask: bool = False,
    ) -> bytes:
        return await self._of(user_id).get_shown_messages(chat_id, creator_id, before, limit, mask)

    async def get_masked_append(
        self, user_id: str, creator_id: str, chat_id: str, said: Said
    ) -> bytes | None:
        return await self._of(user_id).get_masked_append(creator_id, chat_id, said)

    async def in_graph(self, user_id: str, within: float) -> None:
        await self._of(user_id).in_graph(within)

    async def graph_contents(
        self, user_id: str, creator_id: str, offset: int, chats: int
    ) -> tuple[list[UpsertVertex | UpsertEdge], int | None]:
        return await self._of(user_id).graph_contents(creator_id, offset, chats)

    async def rewrite_graph(self, user_id: str, creator_id: str, within: float) -> None:
        await self._of(user_id).rewrite_graph(creator_id, within)

    async def idle(self, seconds: float) -> float:
        return await self._session.idle(seconds)

    async def passivate(self, timeout: float) -> None:  # noqa: ASYNC109 (seconds, over a process boundary)
        """Take no more calls, let what is in hand finish (for `timeout` seconds), checkpoint, and end."""
        await self._session.leave(timeout)
        await self._reports.tell()
        _exit()


def _ports(user_id: str, settings: Settings, metrics: Metrics) -> Ports:
    redis = connect_redis(settings.redis_url)
    writer = graph_writer(settings)
    keys = keyring(settings, user_id)
    enricher = Enricher(user_id, TopicModels(redis, keys), settings)
    return Ports(
        journal=Journal(redis, user_id, keys),
        understood=Understood(redis, user_id, keys),
        held=HeldStore(redis, user_id, keys),
        erased=ErasedInRedis(redis, user_id),
        seal=partial(read_seal, settings.secret_file),
        publisher=lambda lost: Publisher(redis, user_id, lost, metrics, keys),
        checkpoints=lambda epoch: Checkpoints(settings.checkpoints, user_id, epoch, keys),
        enricher=enricher,
        embedder=enricher,
        search_folder=settings.search_folder(user_id),
        writer=lambda epoch: writer.of((user_id, epoch)),
        reader=graph_reader(settings, writer),
        lag=LagInRedis(redis, user_id),
        clock=SystemClock(),
        keys=keys,
        metrics=metrics,
    )


def _exit() -> None:
    """End this actor for good; the registry makes another when the user is called again."""
    ray.kill(ray.get_runtime_context().current_actor)
    asyncio.get_running_loop().call_later(5.0, os._exit, 0)  # if nobody is there to kill it
