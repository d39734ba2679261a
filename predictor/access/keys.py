"""Keys of the API: made, revoked, and found again by each process without a query.

A key is 256 random bits, so that one SHA-256 of it is enough: a slow hash protects only what can be guessed. Keys are
compared by a look-up of this hash, whose time says nothing about the hashes that are stored.
"""

import hashlib
import secrets
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import django.db
from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q
from django.utils import timezone

from predictor.exceptions import MlsiteError
from predictor.models import ApiKey
from predictor.refreshing import SECONDS_BEHIND, Refreshed

START = "mlsite_"
BYTES = 32
CHARACTERS = len(START) + 43
SHOWN_CHARACTERS = len(START) + 5
# A key is refused in every process within 2 s of its revocation.
SECONDS_BETWEEN_LOOKS = 1.0
# An unknown key may have been made since the last query. That many of them cause a query each, until the next second.
MOST_LOOKS_FOR_UNKNOWN = 20
SECONDS_BETWEEN_USES = 60.0


class Scope(StrEnum):
    """What a key may do: predict, read stored predictions, record outcomes."""

    PREDICT = "predict"
    READ = "read"
    OUTCOME = "outcome"


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A valid key; `models` is None where it is for all of them, and `expires_at` seconds since 1970."""

    id: int
    name: str
    scopes: frozenset[Scope]
    models: frozenset[str] | None
    expires_at: float | None


class NameInUse(MlsiteError):
    """A key that is not revoked has this name."""


class Keys(Refreshed):
    """The valid keys when the last query began, by their hashes.

    A worker is watched: a thread of its own calls `refresh` once a second, and requests seldom wait for a query.
    """

    def __init__(self) -> None:
        self.is_watched = False
        self.forget()

    def forget(self) -> None:
        """Start as a new process would."""
        super().__init__()
        self._by_hash: dict[str, Key] = {}
        self._state: dict[str, int] = {}
        self._looks_left = 0
        self._is_asked = False
        # When (monotonic seconds) the last use of each key was noted, and those that are not written yet.
        self._noted_at: dict[int, float] = {}
        self._unwritten: set[int] = set()

    def find(self, text: str) -> Key | None:
        """The key that was sent, unless it is unknown, revoked or expired; raises the database's errors."""
        if len(text) != CHARACTERS or not text.startswith(START):
            return None
        self._is_asked = True
        patience = SECONDS_BEHIND if self.is_watched else SECONDS_BETWEEN_LOOKS
        if self.seconds_behind >= patience:
            self._looks_left = MOST_LOOKS_FOR_UNKNOWN
            self.look_if_behind(patience)
        sha256 = hash_key(text)
        found = self._by_hash.get(sha256)
        if found is None and self._looks_left > 0:
            self._looks_left -= 1
            self.look()
            found = self._by_hash.get(sha256)
        if found is None or (found.expires_at is not None and found.expires_at <= time.time()):
            return None
        self._note_use(found)
        return found

    def refresh(self) -> None:
        """Write down which keys were used and, while requests have some, look for others.

        Where the database is away, the next call does it.
        """
        self.write_uses()
        if not self._is_asked:
            return
        self._is_asked, self._looks_left = False, MOST_LOOKS_FOR_UNKNOWN
        with suppress(django.db.Error):  # The next request gets the error.
            self.look()

    def write_uses(self) -> None:
        """Write down which keys were used; each row changes once a minute at most, whatever other processes write."""
        ids = list(self._unwritten)
        if not ids:
            return
        now = timezone.now()
        long_ago = Q(last_used_at=None) | Q(last_used_at__lte=now - timedelta(seconds=SECONDS_BETWEEN_USES))
        with suppress(django.db.Error):
            ApiKey.objects.filter(long_ago, id__in=ids).update(last_used_at=now)
            self._unwritten.difference_update(ids)

    def _note_use(self, key: Key) -> None:
        now = time.monotonic()
        if now - self._noted_at.get(key.id, float("-inf")) < SECONDS_BETWEEN_USES:
            return
        self._noted_at[key.id] = now
        self._unwritten.add(key.id)
        if not self.is_watched:
            self.write_uses()

    def _ask(self, now: float) -> None:
        """Read all keys where one was made or revoked; nothing else of a key changes but its last use."""
        state = ApiKey.objects.aggregate(newest=Max("id"), rows=Count("id"), revoked=Count("revoked_at"))
        if state == self._state:
            return
        fields = ApiKey.objects.valid().values_list("sha256", "id", "name", "scopes", "only_models", "expires_at")
        self._by_hash = {sha256: read_key(*rest) for sha256, *rest in fields.order_by()}
        self._state = state


def read_key(id: int, name: str, scopes: list[str], models: list[str] | None, expires_at: datetime | None) -> Key:
    return Key(
        id=id,
        name=name,
        scopes=frozenset(scope for scope in Scope if scope in scopes),
        models=None if models is None else frozenset(models),
        expires_at=expires_at.timestamp() if expires_at else None,
    )


def hash_key(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def make_key(
    name: str, *, scopes: Collection[Scope], models: Collection[str] | None, expires_at: datetime | None, by: str
) -> tuple[ApiKey, str]:
    """Store the hash of a new key; the key itself, which nobody can find out later, is the second value.

    Raises NameInUse for the name of a key that is not revoked.
    """
    text = START + secrets.token_urlsafe(BYTES)
    key = ApiKey(
        name=name,
        sha256=hash_key(text),
        prefix=text[:SHOWN_CHARACTERS],
        scopes=[scope for scope in Scope if scope in scopes],
        only_models=None if models is None else sorted(set(models)),
        expires_at=expires_at,
        made_by=by,
    )
    try:
        with transaction.atomic():
            key.save()
    except IntegrityError as error:
        raise NameInUse(f"a key has the name {name!r}: choose another, or revoke that key first") from error
    return key, text


def revoke_key(key: ApiKey, *, by: str, reason: str) -> bool:
    """Whether it was revoked by this call; a key that is revoked already keeps by whom and why."""
    changes = {"revoked_at": timezone.now(), "revoked_by": by, "reason": reason}
    return bool(ApiKey.objects.filter(id=key.id, revoked_at=None).update(**changes))


keys = Keys()
