"""Whose address and scheme count where proxies stand between; what others claim is ignored."""

import warnings
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from api.forwarded import Forwarded, client_address, is_among
from api.limits import caller_of

with warnings.catch_warnings():  # Ray's use of Pydantic warns when it is imported
    warnings.simplefilter("ignore")
    import uvicorn

    from api.sockets.protocol import RequestProtocol, configure_uvicorn

PROXY = ip_network("10.0.0.0/24")
IPV4 = st.ip_addresses(v=4).map(str)


async def seen(
    client: str, headers: dict[str, str], *proxies: Any, has_door: bool = True, has_tls: bool = False
) -> tuple[str | None, str]:
    """The address and the scheme that the application sees of a connection from `client`."""
    found: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope)

    async def nothing(*_: object) -> Any:
        raise AssertionError

    scope: Scope = {
        "type": "http",
        "scheme": "http",
        "client": (client, 4711),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    await Forwarded(app, proxies, has_door=has_door, has_tls=has_tls)(scope, nothing, nothing)
    return (found[0]["client"] or [None])[0], found[0]["scheme"]


async def test_without_trusted_proxies_the_client_is_whom_haproxy_was_called_by() -> None:
    headers = {"X-Forwarded-For": "6.6.6.6, 127.0.0.1, 203.0.113.9", "X-Forwarded-Proto": "https"}
    assert await seen("127.0.0.1", headers) == ("203.0.113.9", "http")


async def test_headers_of_a_trusted_proxy_count_and_what_its_client_wrote_before_does_not() -> None:
    headers = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.0.0.7", "X-Forwarded-Proto": "https"}
    assert await seen("127.0.0.1", headers, PROXY) == ("203.0.113.9", "https")


async def test_a_chain_of_trusted_proxies_is_followed_to_its_end() -> None:
    headers = {"X-Forwarded-For": "203.0.113.9, 10.0.0.8, 10.0.0.7"}
    assert await seen("127.0.0.1", headers, PROXY) == ("203.0.113.9", "http")


async def test_without_a_haproxy_of_ours_only_trusted_proxies_are_believed() -> None:
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    assert await seen("127.0.0.1", headers, PROXY, has_door=False) == (None, "http")
    assert await seen("10.1.0.7", headers, PROXY, has_door=False) == (None, "http")
    assert await seen("10.0.0.7", headers, PROXY, has_door=False) == ("203.0.113.9", "https")


async def test_with_tls_of_our_own_what_comes_by_haproxy_came_encrypted() -> None:
    assert await seen("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, has_tls=True) == (
        "203.0.113.9",
        "https",
    )
    assert await seen("203.0.113.9", {}, has_tls=True) == ("203.0.113.9", "http")


@pytest.mark.parametrize("text", ["", " ", "unknown", "1.2.3", "_hidden", "<script>", "1.2.3.4:80", ","])
async def test_what_is_no_address_ends_the_chain(text: str) -> None:
    headers = {"X-Forwarded-For": f"{text}, 10.0.0.7"}
    assert await seen("127.0.0.1", headers, PROXY) == ("10.0.0.7", "http")


@given(claimed=st.lists(st.one_of(IPV4, st.text(max_size=12))), client=IPV4)
def test_nothing_that_a_client_claims_changes_who_it_is(claimed: list[str], client: str) -> None:
    if not is_among(client, [PROXY]):
        assert client_address("10.0.0.7", [*claimed, client], [PROXY]) == client
        assert client_address(client, claimed, [PROXY]) == client


@given(hops=st.lists(st.one_of(IPV4, st.text(max_size=12))), peer=IPV4)
def test_who_is_named_spoke_to_us_or_to_a_trusted_proxy(hops: list[str], peer: str) -> None:
    found = client_address(peer, hops, [PROXY])
    assert found in (peer, *hops)
    assert found == peer or is_among(peer, [PROXY])


def test_an_address_of_ipv4_in_ipv6_is_that_address() -> None:
    assert is_among("::ffff:10.0.0.7", [PROXY])
    assert not is_among("::10.0.0.7", [PROXY])


def test_a_caller_is_an_address_or_the_network_of_one_subscriber_and_this_machine_is_none() -> None:
    def caller(address: str) -> str | None:
        return caller_of({"type": "http", "client": (address, 0)})

    assert caller("203.0.113.9") == "203.0.113.9"
    assert caller("2001:db8:1:2:3:4:5:6") == caller("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert caller("2001:db8:1:3::9") != caller("2001:db8:1:2::9")
    assert caller("::ffff:203.0.113.9") == "203.0.113.9"
    assert caller("127.0.0.1") is caller("::1") is caller("127.8.8.8") is caller("::ffff:127.0.0.1") is None
    assert caller_of({"type": "http", "client": None}) is None


async def test_uvicorn_reads_no_forwarded_headers_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default it believes whoever is on this machine, which behind HAProxy is everybody."""
    monkeypatch.setattr(uvicorn.Config, "__init__", uvicorn.Config.__init__)  # put back afterwards
    monkeypatch.setattr(RequestProtocol, "application", None)
    configure_uvicorn(1000)
    config = uvicorn.Config(lambda: None)
    assert (config.proxy_headers, config.server_header) == (False, False)
