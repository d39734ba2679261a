"""Identifies a client by its network address."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
# Providers assign at least this much to one customer: a client with one IPv6 address has 2^64 of them.
IPV6_PREFIX = 64
# Of clients whose address was read lately, so that most requests need not parse it: about 2 MB.
MOST_REMEMBERED = 5_000
# The end of X-Forwarded-For that is read: room for ten proxies.
MOST_CHARACTERS = 500


def find_address(request: HttpRequest) -> str:
    """The client's IPv4 address or IPv6 network; "unknown" where there is none, as behind a Unix socket.

    X-Forwarded-For is read where FORWARDED_ALLOW_IPS names the peer, as on a dyno: each proxy adds whom it saw at the
    end, and before that, anything may be forged. The last entry is the client, unless TRUSTED_PROXIES says that
    further proxies of the site's own stand in between.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")[-MOST_CHARACTERS:]
    return _find(peer, forwarded)


# Reading settings takes longer than to find what is remembered.
@lru_cache(MOST_REMEMBERED)
def _find(peer: str, forwarded: str) -> str:
    is_read = forwarded and _is_in(_parse(peer), settings.FORWARDED_ALLOW_IPS)
    client = _parse(_choose(forwarded, settings.TRUSTED_PROXIES)) if is_read else None
    return _group(client or _parse(peer))


def _forget(setting: str, **changed: object) -> None:
    if setting in ("FORWARDED_ALLOW_IPS", "TRUSTED_PROXIES"):
        _find.cache_clear()


setting_changed.connect(_forget)


def _choose(forwarded: str, proxies: Sequence[str]) -> str:
    """The entry that the outermost of the site's own proxies added.

    `proxies` are their networks, or one number: how many there are. A request that passed fewer has fewer entries.
    """
    entries = [entry.strip() for entry in forwarded.split(",")]
    if proxies and proxies[0].isdigit():
        return entries[-min(int(proxies[0]), len(entries))]
    return next((entry for entry in reversed(entries) if not _is_in(_parse(entry), proxies)), entries[0])


def _is_in(address: Address | None, networks: Iterable[str]) -> bool:
    return any(
        network == "*" or (address is not None and address in ip_network(network, strict=False)) for network in networks
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
