"""Whether the Dask cluster that SCHEDULER_URL names can be used, and is protected."""

import re
from collections.abc import Iterable
from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

SCHEDULER = re.compile(r"(tcp|tls)://(\[[0-9a-fA-F:]+\]|[^\s/:@\[\]]+):([0-9]{1,5})")


@register()
def check_scheduler(**kwargs: Any) -> Iterable[CheckMessage]:
    """SCHEDULER_URL is the address of a scheduler; in production it is encrypted, or on this machine."""
    if not settings.SCHEDULER_URL:
        return
    found = SCHEDULER.fullmatch(settings.SCHEDULER_URL)
    if found is None or int(found[3]) > 65535:
        problem = "SCHEDULER_URL is not the address of a Dask scheduler."
        yield Error(problem, hint="Write tls://10.0.0.5:8786, or leave it out.", id="predictor.E029")
        return
    if find_spec("distributed") is None:
        hint = "Install requirements-cluster.txt, or leave SCHEDULER_URL out."
        yield Error("SCHEDULER_URL is set, and distributed is not installed.", hint=hint, id="predictor.E036")
    if found[1] == "tcp" and not settings.IS_LOCAL and not is_loopback(found[2]):
        problem = "SCHEDULER_URL is not encrypted, and Dask has no authentication of its own."
        hint = "Use tls:// with certificates of your own (docs/security.md), or a network that nobody else reaches."
        yield Warning(problem, hint=hint, id="predictor.W029")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
