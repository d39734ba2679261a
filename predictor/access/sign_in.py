"""Limits attempts to sign in, and logs failures and refusals.

An attempt is counted before its password is hashed, and refused without hashing: first by address, then by account
and address, at last by account. An attempt that one limit refuses is not counted by the next, so that one address can
use up only a few of an account's attempts. The last limit does not apply to an address from which that account has
signed in lately: an attacker who guesses from many addresses cannot lock the owner out.
"""

import logging
import math
import time

from predictor.access import limits
from predictor.access.limits import Hit, Rate
from predictor.texts import quote

logger = logging.getLogger(__name__)

ADDRESS = Rate(most=30, seconds=15 * 60)
ACCOUNT_AT_ADDRESS = Rate(most=5, seconds=15 * 60)
ACCOUNT = Rate(most=100, seconds=60 * 60)
KNOWN = Rate(most=1, seconds=30 * 24 * 60 * 60)

# Addresses that this process has refused, until when (monotonic): further attempts need no query.
_refused: dict[str, float] = {}
MOST_REMEMBERED = 10_000


def find_refusal(address: str) -> int:
    """For how many seconds more this process refuses the address without a query; 0 where it does not."""
    return max(0, math.ceil(_refused.get(address, 0) - time.monotonic()))


def count_attempt(account: str, address: str) -> int:
    """Count an attempt, before its password is hashed; 0 if it is allowed, else the seconds until the next one is."""
    if seconds := find_refusal(address):
        return seconds
    pair = _make_pair(account, address)
    hits = [
        ("sign-in by address", address, ADDRESS),
        ("sign-in by account and address", pair, ACCOUNT_AT_ADDRESS),
        ("sign-in by account", account, ACCOUNT),
    ]
    for name, key, rate in hits:
        if rate is ACCOUNT and limits.is_counted("signed in", pair):
            break
        hit = limits.hit(name, key, rate)
        if not hit.is_allowed:
            _log_refusal(name, hit, account, address)
            if rate is ADDRESS:
                _remember(address, hit)
            return hit.retry_after
    return 0


def note_success(account: str, address: str) -> None:
    """Reset the account's attempts, and subtract this one from the address's."""
    pair = _make_pair(account, address)
    limits.take_back("sign-in by address", address)
    limits.forget("sign-in by account and address", pair)
    limits.forget("sign-in by account", account)
    limits.hit("signed in", pair, KNOWN)


def note_failure(account: str, address: str) -> None:
    logger.warning("sign-in failed: account %s, address %s", quote(account), address)


def _remember(address: str, hit: Hit) -> None:
    if len(_refused) >= MOST_REMEMBERED:
        _refused.clear()
    _refused[address] = time.monotonic() + hit.seconds_left


def _log_refusal(name: str, hit: Hit, account: str, address: str) -> None:
    """Log it once in a window: further attempts would fill the log."""
    if hit.is_first_refused:
        logger.warning(
            "%s is refused for %d s after %d attempts: account %s, address %s",
            *(name, hit.retry_after, hit.most, quote(account), address),
        )


def _make_pair(account: str, address: str) -> str:
    return f"{address} {account}"
