"""The server: a WebSocket on loopback in a thread of its own, in front of a Gremlin Server."""

import asyncio
import threading
from collections import Counter
from collections.abc import Container
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

from gremlin_python.driver.client import Client
from gremlin_python.driver.protocol import GremlinServerError
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.standin import charges, protocol, rules, translate
from tests.standin.faults import Fault, Faults

# The rows of a script, and the profile of its run: of each step its name, the elements that left it, and the
# steps inside it.
PROFILED = (
    't = {}.profile("m"); rows = t.toList(); '
    'said = null; said = {{ [it.name, it.getCount("elementCount") ?: 0L, it.nested.collect(said)] }}; '
    '[rows, t.asAdmin().sideEffects.get("m").metrics.collect(said)]'
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A request whose script was looked at; status 200 or why it failed."""

    script: str
    types: dict[str, str]  # of the bindings' values
    charge: float
    status: int
    touched: charges.Touched


class Standin:
    """`engine` is the Gremlin Server's address, `units` a budget in request units a second (0: none).

    A socket that is idle for `idle` seconds is closed. `across` are the scripts that may ask all partitions.
    `with` starts and stops it.
    """

    def __init__(
        self,
        engine: str,
        *,
        username: str = "/dbs/db/colls/graph",
        key: str = "secret",
        pk: str = "pk",
        units: float = 0.0,
        idle: float = 1800.0,
        across: Container[str] = (),
        faults: Faults | None = None,
        port: int = 0,
    ) -> None:
        self._engine, self._pk, self._idle, self._port = engine, pk, idle, port
        self._credentials = username, key
        self._across = across
        self._budget = charges.Budget(units)
        self.faults = faults or Faults()
        self.seen: list[Seen] = []
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._server: Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        # One client and one thread: the engine's graph is not made for concurrent writers.
        self._worker = ThreadPoolExecutor(1)
        self._client: Client | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._worker.submit(self._close).result()
        self._worker.shutdown()

    def charged(self) -> Counter[str]:
        """Request units by script text."""
        total: Counter[str] = Counter()
        for each in self.seen:
            total[each.script] += each.charge  # type: ignore[assignment]  # a Counter adds floats as well
        return total

    async def _start(self) -> None:
        self._server = await serve(self._serve, "127.0.0.1", self._port, max_size=16 * 2**20)
        self.url = f"ws://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}/"

    async def _stop(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    def _close(self) -> None:
        if self._client:
            self._client.close()

    async def _serve(self, socket: ServerConnection) -> None:
        known = False
        waiting: protocol.Request | None = None
        try:
            while True:
                frame = await asyncio.wait_for(socket.recv(), self._idle)
                id = ""
                try:
                    request = protocol.read(frame)
                    id = request.id
                    if request.op == "authentication" and waiting:
                        if protocol.credentials(request) != self._credentials:
                            raise protocol.Refused(401, 401, "Unauthorized: Invalid credentials provided")
                        known, request, waiting = True, waiting, None
                    elif not known:
                        waiting = request
                        await socket.send(protocol.answer(id, 407, None, {}))
                        continue
                    await self._answer(socket, request)
                except protocol.Refused as error:
                    await self._refuse(socket, id, error)
        except (TimeoutError, ConnectionClosed):
            await socket.close()

    async def _refuse(self, socket: ServerConnection, id: str, error: protocol.Refused) -> None:
        attributes = protocol.attributes(error.status, 0.0, 0.0)
        await socket.send(protocol.answer(id, error.outer, None, attributes, str(error)))

    async def _answer(self, socket: ServerConnection, request: protocol.Request) -> None:
        if request.op != "eval":
            raise protocol.Refused(498, 1004, f"Unsupported request operation: '{request.op}'.")
        script, bindings = request.args["gremlin"], request.args.get("bindings", {})
        types = {name: type(value).__name__ for name, value in bindings.items()}
        try:
            rules.check(script, bindings, pk=self._pk, across=script in self._across)
            fault = self.faults.take()
            if not fault and (wait := self._budget.wait()):
                fault = Fault(429, wait)
            charge, touched = 0.0, charges.Touched()
            rows: list[Any] = []
            if not fault or fault.applied or fault.partial:
                touched, rows = await self._run(script, bindings)
                charge = charges.of(touched, across=rules.first_partition(script, self._pk) is None)
                self._budget.spend(charge)
        except protocol.Refused as error:
            self.seen.append(Seen(script, types, 0.0, error.status, charges.Touched()))
            raise
        self.seen.append(Seen(script, types, charge, fault.status if fault else 200, touched))
        if fault:
            await self._fail(socket, request.id, fault, charge, rows)
            return
        pages = protocol.pages(rows)
        for at, page in enumerate(pages):
            code = 200 if at == len(pages) - 1 else 206
            attributes = protocol.attributes(code, 0.0 if at else charge, charge)
            await socket.send(protocol.answer(request.id, code, page, attributes))

    async def _fail(
        self, socket: ServerConnection, id: str, fault: Fault, charge: float, rows: list[Any]
    ) -> None:
        if fault.partial:
            page = protocol.pages(rows)[0]
            await socket.send(protocol.answer(id, 206, page, protocol.attributes(206, charge, charge)))
        if not fault.status:
            socket.transport.abort()
            return
        after = None if fault.retry_after is None else protocol.time_span(fault.retry_after)
        attributes = protocol.attributes(fault.status, 0.0 if fault.partial else charge, charge, after)
        await socket.send(protocol.answer(id, 500, None, attributes, fault.text))

    async def _run(self, script: str, bindings: dict[str, Any]) -> tuple[charges.Touched, list[Any]]:
        """What it touched, and the rows."""
        text, values = translate.script(script, bindings, self._pk)
        loop = asyncio.get_running_loop()
        found, profile = await loop.run_in_executor(self._worker, self._ask, PROFILED.format(text), values)
        return charges.touched(script, profile), [translate.row(each) for each in found]

    def _ask(self, text: str, values: dict[str, Any]) -> list[Any]:
        if not self._client:
            self._client = Client(self._engine, "g", pool_size=1)
        try:
            return list(self._client.submit(text, values).all().result())
        except GremlinServerError as error:
            taken = "already exists" in (error.status_message or "")
            raise protocol.Refused(500, 409 if taken else 1000, error.status_message or "") from None
