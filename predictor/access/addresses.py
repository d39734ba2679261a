"""Identifies a client by its network address."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
# Providers assign at least this much to one customer: a client with one IPv6 address has 2^64 of them.
IPV6_PREFIX = 64


def find_address(request: HttpRequest) -> str:
    """The client's IPv4 address or IPv6 network; "unknown" where there is none, as behind a Unix socket.

    The last entry of X-Forwarded-For is the address that the nearest proxy saw. It is used where FORWARDED_ALLOW_IPS
    names that proxy, as on a dyno. The rest of this header, and all of it from anybody else, may be forged.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    client = _parse(forwarded) if _is_trusted(peer, settings.FORWARDED_ALLOW_IPS) else None
    return _group(client or _parse(peer))


def _is_trusted(peer: str, trusted: Iterable[str]) -> bool:
    address = _parse(peer)
    return any(
        network == "*" or (address is not None and address in ip_network(network, strict=False)) for network in trusted
    )


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _group(address: Address | None) -> str:
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), IPV6_PREFIX), strict=False))
    return str(address or "unknown")
