"""Limits how many rows a key may send in a window of time, across all processes, without a query for most requests.

Each process hands out by itself at most a quarter of its share of what it knows to be left: with a limit of L, P
processes and `known` rows counted in the database, (L - known) / 4P. Beyond that it adds to the count in the database
and asks whether more is allowed, which holds exactly. So however little the processes know of each other, they allow
at most 1.25 L together: L that the database has counted, and P quarters of a share. P is too small for as long as
a process is new to the others (processes.py).

A thread adds what was counted to the database once a second, so that few requests must ask. A key that has used less
than half of what its process may hand out is not written at all: most visitors never are.

Windows begin at full minutes (or hours, …) of the clock, which all dynos share.
"""

import logging
import math
import threading
import time
from dataclasses import dataclass

from predictor.access import limits
from predictor.access.limits import Rate
from predictor.access.processes import Census
from predictor.access.rates import write_rate
from predictor.exceptions import MlsiteError

logger = logging.getLogger(__name__)

# Of a process's share, what it hands out without asking: 1 / 4.
PARTS = 4
# Keys that a process knows at a time; each takes about 300 bytes.
MOST_KEYS = 20_000


class RateExceeded(MlsiteError):
    """A key sends too many rows: they are allowed in `seconds`, or never, with 0, where it sends too many at once."""

    def __init__(self, rate: Rate, seconds: int = 0) -> None:
        self.rate, self.seconds = rate, seconds
        super().__init__(f"more than {write_rate(rate)}")


@dataclass(slots=True)
class Share:
    """What a process knows of one key in a window, all in rows."""

    # Only here, not yet in the database; at most `most`.
    counted: int
    # In the database, when it was last asked.
    known: int
    most: int
    asking: "threading.Lock | None" = None
    is_logged: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """The time until `ends_at` (seconds since 1970), with what is known of each key in it."""

    ends_at: float
    shares: dict[str, Share]


class SharedLimit:
    """A limit that many processes keep together."""

    def __init__(self, name: str, rate: Rate, census: Census) -> None:
        self.name, self.rate, self._census = name, rate, census
        self._window = Window(0.0, {})
        self._beginning = threading.Lock()

    def count(self, key: str, rows: int) -> None:
        """Count rows of this key; raises RateExceeded, and then has counted none of them."""
        window = self._window
        if time.time() >= window.ends_at:
            window = self._begin()
        share = window.shares.get(key) or self._add(window.shares, key)
        if share.counted + rows <= share.most:
            share.counted += rows
        else:
            self._ask(window, key, share, rows)

    def check_size(self, rows: int) -> None:
        """Raise RateExceeded for more rows at once than are ever allowed."""
        if rows > self.rate.most:
            raise RateExceeded(self.rate)

    def reconcile(self) -> None:
        """Add to the database what was counted here, and learn from it what others have counted.

        Of keys that have used more than half of what this process may hand out. Raises the database's errors.
        """
        window = self._window
        moved = {key: share for key, share in list(window.shares.items()) if share.counted * 2 > share.most}
        if not moved or time.time() >= window.ends_at:
            return
        sent = {self._make_id(window, key): (share, take(share)) for key, share in moved.items()}
        try:
            known = limits.add({id: rows for id, (_, rows) in sent.items()}, window.ends_at)
        except BaseException:
            for share, rows in sent.values():
                give_back(share, rows)
            raise
        for id, (share, _) in sent.items():
            self._learn(share, known[id])

    def _begin(self) -> Window:
        """Begin a new window, and forget the former one."""
        with self._beginning:
            seconds, now = self.rate.seconds, time.time()
            if now >= self._window.ends_at:  # Otherwise another thread was first.
                self._window = Window((now // seconds + 1) * seconds, {})
            return self._window

    def _add(self, shares: dict[str, Share], key: str) -> Share:
        if len(shares) >= MOST_KEYS:
            # Others have sent little, and the database has counted none of it: they begin anew.
            for name in [name for name, share in list(shares.items()) if not share.known]:
                shares.pop(name, None)
            if len(shares) > MOST_KEYS // 2:
                shares.clear()
        return shares.setdefault(key, Share(0, 0, self.rate.most // (PARTS * self._census.processes)))

    def _ask(self, window: Window, key: str, share: Share, rows: int) -> None:
        """Count rows in the database, if it says that they are allowed; one request of a key at a time."""
        self._refuse_excess(window, key, share, rows)
        share.asking = share.asking or threading.Lock()
        with share.asking:
            if share.counted + rows <= share.most:
                share.counted += rows
                return
            self._refuse_excess(window, key, share, rows)
            sent, id = take(share), self._make_id(window, key)
            try:
                is_allowed, known = limits.add_within(id, sent, rows, self.rate.most, window.ends_at)
            except BaseException:
                give_back(share, sent)
                raise
            self._learn(share, known)
            if not is_allowed:
                raise self._refuse(window, key, share)

    def _refuse_excess(self, window: Window, key: str, share: Share, rows: int) -> None:
        """Raise RateExceeded where already more was counted than leaves room for these rows."""
        self.check_size(rows)
        if share.known + share.counted + rows > self.rate.most:
            raise self._refuse(window, key, share)

    def _refuse(self, window: Window, key: str, share: Share) -> RateExceeded:
        seconds = max(1, math.ceil(window.ends_at - time.time()))
        if not share.is_logged:
            share.is_logged = True
            counted = share.known + share.counted
            logger.warning("%s: %s is refused for %d s after %d rows", self.name, key, seconds, counted)
        return RateExceeded(self.rate, seconds)

    def _learn(self, share: Share, known: int) -> None:
        share.known = max(share.known, known)
        share.most = max(0, self.rate.most - share.known) // (PARTS * self._census.processes)

    def _make_id(self, window: Window, key: str) -> int:
        return limits.make_id(self.name, f"{key} {window.ends_at:.0f}")


def take(share: Share) -> int:
    """Take what was counted out of a share, to be written; meanwhile only the rest of the share is handed out."""
    rows = share.counted
    share.counted -= rows
    share.most -= rows
    return rows


def give_back(share: Share, rows: int) -> None:
    share.counted += rows
    share.most += rows
