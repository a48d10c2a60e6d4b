"""Who a connection is from, where proxies stand between: the address and the scheme that the client used.

`X-Forwarded-For` grows at its end: each proxy adds the address that it was called from. So it is read from
the end, and as far as addresses are those of proxies that are trusted; what comes before the first other
address may have been made up. uvicorn's own reading of these headers is off: it trusts whoever is on this
machine.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

Networks = Sequence[IPv4Network | IPv6Network]
_SECURE = {"http": "https", "ws": "wss"}


class Forwarded:
    """Puts the client's address into `scope["client"]`, and the client's scheme into `scope["scheme"]`.

    `has_door` says that HAProxy of ours is in front, on this machine, and `has_tls` that it speaks TLS. Where
    another proxy is, and is not trusted, nobody knows the client: it is None.
    """

    def __init__(self, app: ASGIApp, proxies: Networks, *, has_door: bool, has_tls: bool) -> None:
        self._app = app
        self._proxies = proxies
        self._has_door = has_door
        self._has_tls = has_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            headers = Headers(scope=scope)
            peer, port = scope.get("client") or ("", 0)
            hops = [each.strip() for each in ",".join(headers.getlist("x-forwarded-for")).split(",")]
            by_door = self._has_door and is_loopback(peer) and bool(hops[-1])
            if by_door:
                peer, port = hops.pop(), 0
            is_trusted = is_among(peer, self._proxies)
            client = client_address(peer, hops, self._proxies)
            is_secure = self._has_tls and by_door
            if is_trusted:
                told = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
                is_secure = is_secure or told in _SECURE.values()
            is_known = self._has_door or is_trusted
            scope["client"] = (client, port if client == peer else 0) if is_known else None
            if is_secure:
                scope["scheme"] = _SECURE.get(scope["scheme"], scope["scheme"])
        await self._app(scope, receive, send)


def client_address(peer: str, hops: Sequence[str], proxies: Networks) -> str:
    """The address nearest to us that is not a trusted proxy's; the farthest proxy's where all are."""
    client = peer
    for hop in reversed(hops):
        if not is_among(client, proxies) or read_address(hop) is None:
            break
        client = hop
    return client


def is_among(address: str, networks: Networks) -> bool:
    """Whether the address is in one of the networks."""
    found = read_address(address)
    return found is not None and any(found in each for each in networks)


def is_loopback(address: str) -> bool:
    found = read_address(address)
    return found is not None and found.is_loopback


@lru_cache(maxsize=1_000)
def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address; None where it is none. An IPv4 address that IPv6 carries is that address."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
