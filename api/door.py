"""HAProxy in front of Ray Serve, as a replica sees it.

Serve starts HAProxy before it knows what is behind it, and HAProxy anew each time that it learns more: of the
application, of the proxy that it falls back on, of the replica. Without a replica HAProxy sends everything to
that proxy, which is slow and does not tell its sockets when the replica is stopped.
"""

import asyncio
import csv
import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends
from fastapi.requests import HTTPConnection

from errors import Unavailable
from settings import Settings

ANSWER_WITHIN = 10.0


class Door:
    """How callers come in: straight through a HAProxy that stays, once the start is over.

    A Ray that is not ours may have any proxy, or several; nothing is asked of it.
    """

    def __init__(self, settings: Settings) -> None:
        self._is_ours = not settings.ray_address
        self._has_settled = False

    async def check(self, scope: Mapping[str, Any]) -> None:
        """Return when this connection (an ASGI scope) came in so; Unavailable when another should be made."""
        if not self._is_ours:
            return
        if is_detour(scope):
            raise Unavailable("HAProxy has no replica yet; connect again in a moment.")
        if not self._has_settled and (socket := admin_socket()) is not None:
            await settled(socket)
        self._has_settled = True


async def _door(connection: HTTPConnection) -> Door:
    door: Door = connection.app.state.door
    return door


KnownDoor = Annotated[Door, Depends(_door)]


def is_detour(scope: Mapping[str, Any]) -> bool:
    """Whether this connection came through the proxy that HAProxy falls back on."""
    from ray.serve._private import constants

    _, port = scope.get("server") or ("", None)
    return constants.RAY_SERVE_ENABLE_HA_PROXY and port == constants.RAY_SERVE_FALLBACK_PROXY_HTTP_PORT


def admin_socket() -> Path | None:
    """The socket that this node's HAProxy is asked on; None where Serve runs none."""
    import ray
    from ray.serve._private import constants

    if not constants.RAY_SERVE_ENABLE_HA_PROXY:
        return None
    folder, name = os.path.split(constants.RAY_SERVE_HAPROXY_SOCKET_PATH)
    return Path(folder) / ray.get_runtime_context().get_node_id() / name


async def settled(socket: Path) -> None:
    """Return when the HAProxy that takes new connections knows all that is behind it; Unavailable before."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(b"show stat\n")
                answer = await reader.read()
            finally:
                writer.close()
    except OSError as error:
        raise Unavailable(f"HAProxy does not answer ({type(error).__name__}).") from None
    if not is_settled(answer.decode()):
        raise Unavailable("HAProxy does not know all of Ray Serve yet; connect again in a moment.")


def is_settled(stat: str) -> bool:
    """Whether these statistics (CSV) have a backend with a replica that is up and a proxy to fall back on."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in csv.DictReader(stat.removeprefix("# ").splitlines()):
        if row["svname"] not in ("FRONTEND", "BACKEND"):
            is_up = row["status"].startswith(("UP", "no check"))
            found[row["pxname"]] |= {"fallback"} if row["bck"] == "1" else {"replica"} if is_up else set()
    return {"fallback", "replica"} in found.values()
