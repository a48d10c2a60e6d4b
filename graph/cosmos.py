"""The graph in Azure Cosmos DB for Apache Gremlin: checked scripts over gremlinpython's WebSocket driver.

A request is one traversal, so a batch is many requests: those that do not depend on each other are sent side
by side, fewer when the server throttles. docs/cosmos.md says what is relied on, and what of it is not proven.
"""

import asyncio
from asyncio import sleep
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from gremlin_python.driver.client import Client
from gremlin_python.driver.protocol import GremlinServerError
from gremlin_python.driver.serializer import GraphSONSerializersV2d0

from backoff import Backoff
from errors import GraphError, GraphUnavailable
from graph.checker import check
from graph.cosmos_address import Address
from graph.cosmos_status import ATTEMPTS, Again, charge_of, judged
from graph.cosmos_writes import Asked, id_in_partition, plan
from graph.driver import Clients, Transport, plain
from graph.model import Mutation, Scalar, element_id
from graph.pace import Budget, Meter, TokenBucket, Unlimited, Window
from graph.traversals import QUESTIONS
from metrics.declared import GRAPH_REQUEST_UNITS, GRAPH_THROTTLED
from metrics.port import UNMEASURED, Metrics

READS: Final = 8  # at once
WRITES: Final = 16  # at once, at most
FIRST_WRITES: Final = 4  # at once, until it is known what the graph takes
IDLE: Final = 25 * 60.0  # seconds; the server closes what is idle for longer than 30 minutes
TIMEOUT: Final = 65.0  # seconds for one request; the server gives up after 30 to 60
RETRY_FIRST, RETRY_MOST = 0.1, 5.0  # seconds between attempts where the server says none

PING: Final = Asked("ping", "g.V([b0,b1]).count()", {"b0": "ping", "b1": "ping"})
OTHER: Final = "other"  # the name of a script that has none
NAMES: Final[Mapping[str, str]] = {script: name for name, script in QUESTIONS.items()}
DISCONNECTED: Final = "Server disconnected"  # the driver's own words, in the form of an answer


class CosmosGraph:
    """The graph at `address`. Sockets open at first use.

    `partition_key` is the property that the graph is partitioned by. `budget` says when request units may be
    spent; without one, `units` a second are (0: no limit).
    """

    def __init__(
        self,
        address: Address,
        *,
        key: str,
        partition_key: str = "pk",
        units: float = 0.0,
        budget: Budget | None = None,
        metrics: Metrics = UNMEASURED,
    ) -> None:
        self._address = address
        self._key = key
        self._partition_key = partition_key
        self._meter = Meter(budget or (TokenBucket(units) if units else Unlimited()))
        self._metrics = metrics
        self._clients = Clients(lambda: self._connect(), idle=IDLE)
        self._threads = ThreadPoolExecutor(READS + WRITES, thread_name_prefix="cosmos")
        self._reads = asyncio.Semaphore(READS)
        self._writes = Window(FIRST_WRITES, WRITES)
        self._writing = asyncio.Lock()  # batches keep their order
        self._closed = False

    async def submit(self, script: str, bindings: Mapping[str, Scalar]) -> list[Any]:
        """As the port says; the script keeps the rules of graph/checker.py."""
        async with self._reads:
            ask = Asked(NAMES.get(script, OTHER), script, dict(bindings))
            rows = await self._request(ask, writing=False)
        pk = bindings.get("pk")
        return [_as_elsewhere(row, pk) for row in rows] if isinstance(pk, str) else rows

    async def apply(self, mutations: Sequence[Mutation]) -> None:
        async with self._writing:
            groups = plan(mutations)
            rows: list[list[Any]] | None = None
            while True:
                try:
                    group = groups.send(rows)  # type: ignore[arg-type]  # a generator starts by being sent None
                except StopIteration:
                    return
                rows = await self._side_by_side(group)

    async def ping(self) -> None:
        await self._request(PING, writing=False)

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._threads, self._clients.close)
            self._threads.shutdown(wait=False)

    async def _side_by_side(self, group: Sequence[Asked]) -> list[list[Any]]:
        """The rows of each request. After a failure no more are sent, and those on their way are awaited.

        So nothing of this batch reaches the graph after what its caller writes next.
        """
        rows: list[list[Any]] = [[] for _ in group]
        waiting = iter(enumerate(group))
        failures: list[Exception] = []

        async def work() -> None:
            for at, ask in waiting:
                async with self._writes.slot():
                    if failures:
                        return
                    try:
                        rows[at] = await self._request(ask, writing=True)
                    except Exception as error:
                        failures.append(error)

        await asyncio.gather(*(work() for _ in range(min(WRITES, len(group)))))
        if failures:
            raise failures[0]
        return rows

    async def _request(self, ask: Asked, *, writing: bool) -> list[Any]:
        """Send it until it succeeds, as often as makes sense."""
        check(ask.script, ask.bindings)
        backoff = Backoff(RETRY_FIRST, RETRY_MOST)
        sent = 0
        while True:
            units = await self._meter.spend(ask.name, writing=writing)
            if self._closed:
                raise GraphError("The graph connection is closed; connect again.")
            try:
                rows, charge = await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, ask)
            except _Failed as failed:
                sent += 1
                self._meter.failed(units, failed.charge)
                self._metrics.count(GRAPH_REQUEST_UNITS, failed.charge, of=ask.name)
                again = failed.verdict
                if isinstance(again, GraphError):
                    raise again from None
                if again.throttled:
                    self._metrics.count(GRAPH_THROTTLED)
                    self._writes.throttled()
                if sent >= again.attempts:
                    raise again.error from None
                if again.wait is None:
                    await backoff.pause()
                else:
                    await sleep(again.wait)
            else:
                self._meter.succeeded(ask.name, units, charge)
                self._metrics.count(GRAPH_REQUEST_UNITS, charge, of=ask.name)
                if writing:
                    self._writes.succeeded()
                return rows

    def _ask(self, ask: Asked) -> tuple[list[Any], float]:
        """The rows and their charge, of one request on a leased client, in a worker thread."""
        # The one place that knows another name for the partition key: texts are checked with the usual one.
        script = ask.script.replace('"pk"', f'"{self._partition_key}"')
        try:
            with self._clients.lease() as lease:
                try:
                    answer = lease.client.submit(script, ask.bindings)
                    rows = answer.all().result()
                except GremlinServerError as error:
                    failed = _failed(error)
                    lease.usable = not (isinstance(failed.verdict, Again) and failed.verdict.reconnect)
                    raise failed from None
                lease.usable = True
            return [_plain(row) for row in rows], charge_of(answer.status_attributes)
        except _Failed as failed:
            if isinstance(failed.verdict, Again) and failed.verdict.reconnect:
                self._clients.close_idle()
            raise
        except Exception as error:  # the driver raises whatever its socket does: OSError, RuntimeError, ..
            self._clients.close_idle()
            raise _Failed(_unreached(type(error).__name__), 0.0) from None

    def _connect(self) -> Client:
        def transport() -> Transport:
            return Transport(read_timeout=TIMEOUT, write_timeout=TIMEOUT)

        return Client(
            self._address.url,
            "g",
            pool_size=1,
            transport_factory=transport,
            message_serializer=GraphSONSerializersV2d0(),
            username=self._address.username,
            password=self._key,
        )


class _Failed(Exception):
    """A request got no rows: what that means, and the request units it took all the same."""

    def __init__(self, verdict: Again | GraphError, charge: float) -> None:
        super().__init__()
        self.verdict = verdict
        self.charge = charge


def _failed(error: GremlinServerError) -> _Failed:
    message, attributes = error.status_message or "", error.status_attributes or {}
    if DISCONNECTED in message:
        return _Failed(_unreached("closed"), 0.0)
    return _Failed(judged(error.status_code, attributes, message), charge_of(attributes))


def _unreached(kind: str) -> Again:
    """The socket cannot be opened or was closed, which is also how a wrong key may show."""
    error = GraphUnavailable(
        f"Cosmos DB cannot be reached or closes the connection ({kind}); if this stays, check GRAPH_URL, "
        "COSMOS_KEY and the account's firewall."
    )
    return Again(ATTEMPTS, error, reconnect=True)


def _plain(value: Any) -> Any:
    """Answers are JSON without types: what elsewhere is an element or a path is a map here."""
    if isinstance(value, Mapping):
        if value.get("type") in ("vertex", "edge") and {"id", "label"} <= set(value):
            return {"id": value["id"], "label": value["label"]}
        if set(value) == {"labels", "objects"}:
            return [_plain(each) for each in value["objects"]]
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return plain(value)


def _as_elsewhere(row: Any, pk: str) -> Any:
    """A row of the partition `pk`, whose `id` is a vertex's as every other home has it."""
    if isinstance(row, dict) and isinstance(row.get("id"), str):
        return {**row, "id": element_id(pk, id_in_partition(row["id"]))}
    return row
