"""By which hosts and through which proxies the site can be reached."""

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


@register()
def check_hosts(**kwargs: Any) -> Iterable[CheckMessage]:
    """ALLOWED_HOSTS has names only, and is set where a site has names of its own."""
    for host in settings.ALLOWED_HOSTS:
        if "/" in host or (":" in host and not host.startswith("[")):
            hint = "Write names without scheme, port and path, such as models.example.com."
            yield Error(f"ALLOWED_HOSTS has {host!r}, which is not a host's name.", hint=hint, id="predictor.E020")
    # Where .env cannot be read, another check reports that, and the hosts are probably in it.
    if not settings.IS_LOCAL and not settings.ENV_FILE_PROBLEM and settings.ALLOWED_HOSTS is settings.OWN_HOSTS:
        problem = "ALLOWED_HOSTS is not set: requests to all hosts but this machine's own names are refused."
        yield Warning(problem, hint="Set it to the site's host names, separated by commas.", id="predictor.W020")


@register()
def check_proxies(**kwargs: Any) -> Iterable[CheckMessage]:
    """FORWARDED_ALLOW_IPS has addresses and networks, and is set where proxies may come from other machines."""
    for proxy in settings.FORWARDED_ALLOW_IPS:
        if not is_network(proxy):
            problem = f"FORWARDED_ALLOW_IPS has {proxy!r}, which is neither an address nor a network."
            yield Error(problem, hint="Write 10.0.0.5 or 10.0.0.0/8, not a host's name.", id="predictor.E021")
    if settings.SECURE_SSL_REDIRECT and not settings.FORWARDED_ALLOW_IPS and is_open_to_others(settings.HOST):
        problem = (
            f"HOST is {settings.HOST!r} and FORWARDED_ALLOW_IPS is not set: only a proxy on this machine is trusted"
            " to say that its client used HTTPS; requests through any other are refused."
        )
        hint = "Set it to the proxy's address or network, or HOST to 127.0.0.1 where the proxy is on this machine."
        yield Warning(problem, hint=hint, id="predictor.W021")


@register()
def check_forwarded(**kwargs: Any) -> Iterable[CheckMessage]:
    """TRUSTED_PROXIES has networks or one number, and a proxy whose X-Forwarded-For is read at all."""
    proxies = settings.TRUSTED_PROXIES
    is_number = len(proxies) == 1 and proxies[0].isascii() and proxies[0].isdigit() and 1 <= int(proxies[0]) <= 10
    for proxy in [] if is_number else proxies:
        if proxy == "*" or not is_network(proxy):
            problem = f"TRUSTED_PROXIES has {proxy!r}, which is neither an address nor a network."
            hint = "Write networks, such as 173.245.48.0/20, or how many proxies there are: a number from 1 to 10."
            yield Error(problem, hint=hint, id="predictor.E026")
    if proxies and not settings.FORWARDED_ALLOW_IPS:
        problem = "TRUSTED_PROXIES is set, but FORWARDED_ALLOW_IPS is not: no X-Forwarded-For is read."
        hint = "Set FORWARDED_ALLOW_IPS to the address or network from which the last proxy connects."
        yield Warning(problem, hint=hint, id="predictor.W026")


def is_network(text: str) -> bool:
    """Whether gunicorn accepts this in FORWARDED_ALLOW_IPS."""
    try:
        return text == "*" or bool(ip_network(text))
    except ValueError:
        return False


def is_open_to_others(host: str) -> bool:
    """Whether a server that listens there can be reached from other machines."""
    return host not in ("", "localhost", "::1", "[::1]") and not host.startswith("127.")
