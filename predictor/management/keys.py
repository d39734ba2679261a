"""How the commands about API keys read their arguments, and how they describe a key."""

import argparse
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from predictor.access.keys import Scope
from predictor.models import ApiKey
from predictor.moments import read_duration, read_moment

MOST_CHARACTERS = 100


def read_name(text: str) -> str:
    if not 0 < len(text.strip()) <= MOST_CHARACTERS or not text.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r} is not a name: give 1 to {MOST_CHARACTERS} printable characters")
    return text.strip()


def read_list(text: str) -> list[str]:
    found = [each.strip() for each in text.split(",") if each.strip()]
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} names nothing: leave the option out, or separate by commas")
    return found


def read_scopes(text: str) -> list[Scope]:
    found = read_list(text)
    for each in found:
        if each not in list(Scope):
            raise argparse.ArgumentTypeError(f"{each!r} is not a scope: choose from {', '.join(Scope)}")
    return [Scope(each) for each in found]


def read_expiry(text: str) -> datetime:
    """A length of time from now, such as 90d, or a moment in the future."""
    try:
        moment = timezone.now() + read_duration(text)
    except ValueError:
        moment = _read_moment(text)
    if moment <= timezone.now():
        raise argparse.ArgumentTypeError(f"{text!r} is in the past")
    return moment


def _read_moment(text: str) -> datetime:
    try:
        return read_moment(text)
    except ValueError as error:
        expected = "a length of time such as 90d (h, d, w), or a date such as 2027-03-01"
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}") from error


def describe_key(key: ApiKey) -> dict[str, Any]:
    """What programs get of a key, without the key itself."""
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "state": key.state,
        "scopes": key.scopes,
        "models": key.only_models,
        "made_at": write_moment(key.made_at),
        "made_by": key.made_by,
        "expires_at": write_moment(key.expires_at),
        "last_used_at": write_moment(key.last_used_at),
        "revoked_at": write_moment(key.revoked_at),
        "revoked_by": key.revoked_by or None,
        "reason": key.reason or None,
    }


def write_moment(moment: datetime | None) -> str | None:
    """A moment in UTC to the second, its zone a Z, as ISO 8601 has it."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
