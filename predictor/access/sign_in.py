"""How often somebody may try to sign in, and what is written down of it.

A try is counted before its password is hashed, and refused without hashing: first by address, then by account and
address, at last by account. Whoever is refused by one is not counted by the next, so that one address can use up only
a few of an account's tries, and an address from which that account has signed in lately is spared the last limit:
whoever guesses from many addresses cannot lock the owner out.
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

# Addresses that this process has refused, until when (monotonic): further tries need no look at the database.
_refused: dict[str, float] = {}
MOST_REMEMBERED = 10_000


def find_refusal(address: str) -> int:
    """Seconds for which this process knows that the address is refused; 0 where it knows of nothing."""
    return max(0, math.ceil(_refused.get(address, 0) - time.monotonic()))


def count_try(account: str, address: str) -> int:
    """Count a try, before anything is hashed for it; seconds to wait until the next one, 0 when this one may go on."""
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
    """The account's tries are forgotten, and this one is no longer counted for the address."""
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
    """Once a window: whoever goes on trying would fill the log."""
    if hit.is_first_refused:
        logger.warning(
            "%s is refused for %d s after %d tries: account %s, address %s",
            *(name, hit.retry_after, hit.most, quote(account), address),
        )


def _make_pair(account: str, address: str) -> str:
    return f"{address} {account}"
