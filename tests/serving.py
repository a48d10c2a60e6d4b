"""An application that is served by this process, on a port of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[int]:
    """The loopback port of the application; in the end its connections are closed and its calls awaited.

    uvicorn's own loop looks ten times a second whether it is to end: most tests last no longer.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_level="warning", ws_ping_interval=None)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listening])
    await server.on_tick(0)  # the headers that every answer has
    state = server.server_state
    yield listening.getsockname()[1]
    for each in server.servers:
        each.close()
    listening.close()
    for connection in list(state.connections):
        connection.shutdown()
    while state.connections or state.tasks:  # noqa: ASYNC110 (uvicorn tells nobody)
        await asyncio.sleep(0.001)
