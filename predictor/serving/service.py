"""The model-loading service: finds the live version, loads it once, and has each answer stored before it is given."""

import ctypes
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import django.db
from django.conf import settings
from django.db import connection

from predictor.exceptions import ArtifactError, ModelNotFound, ModelNotReady
from predictor.models import Prediction, Version
from predictor.schema import Row
from predictor.serving.batch import Job
from predictor.serving.batcher import batcher
from predictor.serving.runtime import Runtime, call_here, load_runtime

logger = logging.getLogger(__name__)

# A new promotion is to be served within 2 s: half for noticing it, half for loading.
SECONDS_BETWEEN_LOOKS = 1.0
# What could not be loaded will hardly load a second later, and each try may read 100 MB.
SECONDS_BETWEEN_TRIES = 30.0


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A version that could not be loaded, why, and when (monotonic seconds) to try again."""

    version_id: int
    reason: str
    retry_at: float


class ModelService:
    """What one worker process holds; its threads share it.

    The database is looked at once a second, by whichever request comes first, and one thread loads a new version;
    the others go on with what is held meanwhile.
    """

    def __init__(self) -> None:
        # A worker of greenlets has newer versions loaded beside its requests, and lends compiled models a real thread.
        self.loads_beside, self.call = False, call_here
        self.forget()

    def forget(self) -> None:
        """Start as a new process would."""
        self._live: dict[str, Version] = {}
        self._looked_at = float("-inf")
        self._looking = threading.Lock()
        self._held: dict[str, Runtime] = {}
        self._failures: dict[str, Failure] = {}
        self._loading: dict[str, threading.Lock] = {}

    def list_live(self) -> list[Version]:
        """The live version of every model, by slug: identity and title only."""
        if self._is_time_to_look() and self._looking.acquire(blocking=not self._live):
            try:
                self._look()
            finally:
                self._looking.release()
        return list(self._live.values())

    def get_runtime(self, slug: str) -> Runtime:
        """The live version of a model, loaded; the one held until now while a newer one cannot be.

        Raises ModelNotFound for a slug without a live version, ModelNotReady when none can be served.
        """
        self.list_live()
        live = self._live.get(slug)
        if live is None:
            if slug == settings.DEFAULT_MODEL:
                raise ModelNotReady(f"{slug} has no version yet: run `manage.py retrain {slug}`")
            raise ModelNotFound(f"there is no model {slug!r}")
        held = self._held.get(slug)
        if held is not None and held.version.id == live.id:
            return held
        return self._load_newer(live, held)

    def find_held(self, version_id: int) -> Runtime | None:
        """The loaded version of this id; None where this process holds another one of its model."""
        return next((held for held in self._held.values() if held.version.id == version_id), None)

    def check_ready(self, slug: str) -> None:
        """Raise ModelNotReady or ModelNotFound unless this process serves the version that is live."""
        runtime = self.get_runtime(slug)
        if runtime.version.id != self._live[slug].id:
            raise ModelNotReady(f"{self._live[slug]} is live, but {runtime.version} is served")

    def predict(self, runtime: Runtime, rows: Sequence[Row], source: Prediction.Source) -> list[Prediction]:
        """Answer parsed rows and store them in one INSERT; what is returned is committed.

        Raises NoAnswer, and Overloaded or TooLate where too much is asked at once. Then no row is stored, unless
        TooLate says that this is not known; nor is one when the database fails, unless it fails in the commit.
        """
        return batcher.answer(Job(runtime=runtime, rows=rows, source=source))

    def _is_time_to_look(self) -> bool:
        return time.monotonic() - self._looked_at >= SECONDS_BETWEEN_LOOKS

    def _look(self) -> None:
        if self._is_time_to_look():  # Otherwise another thread was first.
            now = time.monotonic()
            newest = Version.objects.live().only("id", "model", "number", "title").order_by("model")
            self._live = {version.model: version for version in newest}
            self._looked_at = now

    def _load_newer(self, live: Version, held: Runtime | None) -> Runtime:
        lock = self._loading.setdefault(live.model, threading.Lock())
        # With nothing in hand there is only waiting; otherwise one thread loads, and this one may go on.
        if lock.acquire(blocking=held is None):
            if held is not None and self.loads_beside:
                threading.Thread(target=self._load_beside, args=[live.model, lock], name="loading").start()
                return held
            try:
                self._try_load(self._live[live.model])
            finally:
                lock.release()
        loaded = self._held.get(live.model)
        if loaded is None:
            raise ModelNotReady(f"{live} cannot be served: {self._failures[live.model].reason}")
        return loaded

    def _load_beside(self, model: str, lock: threading.Lock) -> None:
        try:
            self._try_load(self._live[model])
        except django.db.Error as error:
            logger.error("the newest version of %s was not loaded: %s", model, error)  # The next request tries again.
        finally:
            connection.close()
            lock.release()

    def _try_load(self, live: Version) -> None:
        held = self._held.get(live.model)
        if held is not None and held.version.id == live.id:
            return  # Another thread was first.
        failure = self._failures.get(live.model)
        if failure and failure.version_id == live.id and time.monotonic() < failure.retry_at:
            return
        try:
            self._held[live.model] = load_runtime(Version.objects.get(id=live.id), self.call)
        except ArtifactError as error:
            retry_at = time.monotonic() + SECONDS_BETWEEN_TRIES
            self._failures[live.model] = Failure(version_id=live.id, reason=str(error), retry_at=retry_at)
            logger.error("%s was not loaded (%s): %s", live, type(error).__name__, error)
        else:
            self._failures.pop(live.model, None)
            give_back_memory()
            logger.info("%s is loaded", live)


def give_back_memory() -> None:
    """Give back what loading took and left free; glibc would keep it, 15 MB for a forest of 100 trees."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


service = ModelService()
