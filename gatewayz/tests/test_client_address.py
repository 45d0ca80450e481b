"""An address is what the network and our own proxies say, never what the caller says."""

from ipaddress import ip_network
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from gatewayz.http.client_address import believe_trusted_proxies, client_address

PROXY, INNER_PROXY = "10.0.0.7", "10.1.2.3"
ATTACKER = "203.0.113.9"


@pytest.fixture
def proxies(settings: Any) -> None:
    settings.TRUSTED_PROXIES = [ip_network(name) for name in (PROXY, "10.1.0.0/16", "fd00::/8")]


def address(peer: str, forwarded: str | None = None) -> str:
    headers: Any = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return client_address(RequestFactory().get("/", REMOTE_ADDR=peer, **headers))


@pytest.mark.parametrize("trusted", [[], [PROXY, "10.1.0.0/16"]])
def test_a_header_counts_for_nothing_from_a_peer_that_is_no_proxy(
    settings: Any, trusted: list[str]
) -> None:
    settings.TRUSTED_PROXIES = [ip_network(name) for name in trusted]

    assert address(ATTACKER, "192.0.2.1") == ATTACKER


@pytest.mark.parametrize(
    "forwarded",
    [
        ATTACKER,
        f"192.0.2.1, {ATTACKER}",
        f"192.0.2.1,{ATTACKER},{INNER_PROXY}",
        f"{PROXY}, {ATTACKER}",
        f"nonsense, , ,{ATTACKER} , {INNER_PROXY}",
        f"{ATTACKER}:51234",
        f"::ffff:{ATTACKER}",
        f"192.0.2.1,{ATTACKER},fd00::7,[fd00::8]:443",
    ],
)
def test_it_is_the_right_most_that_is_no_proxy(proxies: None, forwarded: str) -> None:
    assert address(PROXY, forwarded) == ATTACKER


@pytest.mark.parametrize(
    "forwarded",
    [
        None,
        "",
        ",",
        "unknown",
        "192.0.2.1, nonsense",
        "192.0.2.1 203.0.113.9",
        "999.0.2.1",
        "192.0.2.01",
        "0x7f.1",
        "2130706433",
        "[2001:db8::1",
        "\xb2\xb3.0.2.1",
        "\x00",
        "a" * 8000,
        "," * 8000,
        INNER_PROXY,
    ],
)
def test_without_a_sound_address_it_is_the_proxy(proxies: None, forwarded: str | None) -> None:
    assert address(PROXY, forwarded) == PROXY


@pytest.mark.parametrize(
    "peer", ["2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:DB8::1:0:0:0:2"]
)
def test_all_of_an_ipv6_network_is_one_caller(peer: str) -> None:
    assert address(peer) == "2001:db8:0:1::/64"


def test_neighbouring_ipv6_networks_are_two_callers() -> None:
    assert address("2001:db8:0:1::1") != address("2001:db8:0:2::1")


@pytest.mark.parametrize("peer", ["", "unix:"])
def test_a_peer_without_an_address_is_one_caller(peer: str) -> None:
    assert address(peer, ATTACKER) == peer


@pytest.mark.parametrize(
    ("peer", "forwarded", "is_secure"),
    [
        ("10.0.0.7", "https", True),
        ("10.0.0.7", "http", False),
        ("10.0.0.7", "https, http", False),
        ("192.0.2.1", "https", False),
        ("", "https", False),
    ],
)
def test_only_a_trusted_proxy_says_that_the_connection_was_secure(
    settings: Any, peer: str, forwarded: str, is_secure: bool
) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO=forwarded)

    believe_trusted_proxies(lambda request: HttpResponse(str(request.is_secure())))(request)

    assert request.is_secure() is is_secure
