"""Finds the client behind trusted proxies: the address, and whether the connection is secure."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest

from gatewayz.http.middleware import before_view

_Address = IPv4Address | IPv6Address
# A subscriber usually gets a whole IPv6 /64, so all of its addresses count as one. Many get a /48,
# which has 65,536 of them.
_IPV6_PREFIX = 64
_IPV6_SITE_PREFIX = 48


@before_view
def believe_trusted_proxies(request: HttpRequest) -> None:
    """Take the scheme from X-Forwarded-Proto when the caller is a trusted proxy."""
    if request.META.get("HTTP_X_FORWARDED_PROTO") == "https":
        address = _parse(request.META.get("REMOTE_ADDR", ""))
        if address and _is_trusted(address):
            request.META["wsgi.url_scheme"] = "https"


def client_address(request: HttpRequest) -> str:
    """Return the caller's IPv4 address or IPv6 network.

    A trusted proxy (TRUSTED_PROXIES) appends its caller's address to the right end of
    X-Forwarded-For. Anything further left may be forged by the client. Without a usable address
    there, the peer's own is returned.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    address = _parse(peer)
    if address and _is_trusted(address):
        address = _forwarded(request.META.get("HTTP_X_FORWARDED_FOR", "")) or address
    return _as_one_caller(address) if address else peer


def client_site(request: HttpRequest) -> str | None:
    """Return the caller's IPv6 /48; None for an IPv4 caller."""
    network, _, prefix = client_address(request).partition("/")
    return str(IPv6Network((network, _IPV6_SITE_PREFIX), strict=False)) if prefix else None


def _forwarded(header: str) -> _Address | None:
    """Return the right-most address that is not a trusted proxy; None if there is none."""
    for entry in reversed(header.split(",")):
        address = _parse(entry)
        if address is None or not _is_trusted(address):
            return address
    return None


@lru_cache(maxsize=1000)
def _parse(text: str) -> _Address | None:
    """Read `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1` and `[2001:db8::1]:443`."""
    text = text.strip()
    if text.startswith("[") and "]" in text:
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(address: _Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _as_one_caller(address: _Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), _IPV6_PREFIX), strict=False))
