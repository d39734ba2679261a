"""The model-loading service: finds the live version, loads it once, and has each answer stored before it is given."""

import ctypes
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import django.db
from django.conf import settings
from django.db import connection

from predictor.access.callers import needs_key
from predictor.access.forms import is_open
from predictor.access.keys import keys
from predictor.exceptions import ArtifactError, ModelNotFound, ModelNotReady, ModelRetired
from predictor.models import Prediction, Version
from predictor.refreshing import SECONDS_BEHIND, SECONDS_TO_WAIT
from predictor.schema.schema import Row
from predictor.serving.batcher import batcher
from predictor.serving.claims import Attempt
from predictor.serving.job import Job
from predictor.serving.live import SECONDS_BETWEEN_LOOKS, LiveVersions
from predictor.serving.runtime import Runtime, load_runtime

logger = logging.getLogger(__name__)

# A version that failed to load will probably fail a second later, too, and each try may read 100 MB.
SECONDS_BETWEEN_TRIES = 30.0


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A version that could not be loaded, the reason, and when (monotonic seconds) to try again."""

    version_id: int
    reason: str
    retry_at: float


class ModelService:
    """What one worker process holds; its threads share it.

    A worker is watched: a thread of its own looks at the database once a second and loads newer versions, while
    requests go on. Elsewhere, the first request does so, and others use the held versions meanwhile.
    Either way a version answers until 2 s after it was last seen to be live. Then a request waits for the newer one,
    unless that cannot be loaded, or takes longer than a second.
    """

    def __init__(self) -> None:
        self.is_watched = False
        self.forget()

    def forget(self) -> None:
        """Start as a new process would."""
        self._live = LiveVersions()
        self._held: dict[str, Runtime] = {}
        self._failures: dict[str, Failure] = {}
        self._loading: dict[str, threading.Lock] = {}
        self._loading_since: dict[str, float] = {}

    def watch(self) -> None:
        """Refresh once a second from now on; to be called in the process that serves: no thread outlives a fork."""
        self.is_watched = keys.is_watched = True
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def refresh(self) -> None:
        """Look for newer versions and load them. Where the database is away, the next call does it."""
        try:
            self._live.look()
        except django.db.Error:
            return  # The next request gets the error, and logs it.
        for model in list(self._held):
            self._refresh_model(model)

    def list_live(self) -> list[Version]:
        """The live version of every model that is not retired, ordered by slug, with identity and title only."""
        self._live.look_if_behind(SECONDS_BEHIND if self.is_watched else SECONDS_BETWEEN_LOOKS)
        return [version for version in self._live.by_model.values() if version.retired_at is None]

    @property
    def are_all_open(self) -> bool:
        """Whether everybody may see all models that were live when this was last read."""
        return self._live.are_all_open

    def is_open(self, slug: str) -> bool:
        """Whether everybody may see the pages of a model.

        On a site where some models need a sign-in, so does what is no model: nobody learns by it what there is.
        """
        self._live.look_if_behind(SECONDS_BEHIND if self.is_watched else SECONDS_BETWEEN_LOOKS)
        live = self._live.by_model.get(slug)
        if live is not None:
            return is_open(slug, live.own_access)
        return self.are_all_open and is_open(slug, Version.objects.find_access(slug))

    def is_free(self, slug: str) -> bool:
        """Whether everybody may ask a model for predictions by the API; others need a key, or a signed-in user."""
        return not needs_key() and self.is_open(slug)

    def find_retired_at(self, slug: str) -> datetime | None:
        """Since when a model is retired, as last read; None where it is not."""
        live = self._live.by_model.get(slug)
        return live and live.retired_at

    def get_runtime(self, slug: str) -> Runtime:
        """The live version of a model, loaded; the one held until now while a newer one cannot be.

        Raises ModelNotFound for a slug without a live version, ModelRetired for a retired model, and ModelNotReady when
        no version can be served.
        """
        self._live.look_if_behind(SECONDS_BEHIND if self.is_watched else SECONDS_BETWEEN_LOOKS)
        live = self._find_live(slug)
        held = self._held.get(slug)
        if held is not None and held.version.id == live.id:
            return held
        return self._load_newer(live, held)

    def find_held(self, version_id: int) -> Runtime | None:
        """The loaded version with this id; None where this process holds another version of its model."""
        # A list, since another thread may add or drop a version meanwhile.
        return next((held for held in list(self._held.values()) if held.version.id == version_id), None)

    def check_ready(self, slug: str) -> None:
        """Raise ModelNotReady, ModelNotFound or ModelRetired unless this process serves the version that is live."""
        runtime = self.get_runtime(slug)
        live = self._live.by_model[slug]
        if runtime.version.id != live.id:
            raise ModelNotReady(f"{live} is live, but {runtime.version} is served")

    def check_site_ready(self) -> None:
        """Call `check_ready` for the default model, or for all of them where there is none."""
        for slug in [settings.DEFAULT_MODEL] if settings.DEFAULT_MODEL else [each.model for each in self.list_live()]:
            self.check_ready(slug)

    def predict(
        self,
        runtime: Runtime,
        rows: Sequence[Row],
        source: Prediction.Source,
        references: Sequence[str | None] = (),
        attempt: Attempt | None = None,
    ) -> list[Prediction]:
        """Answer parsed rows and store them in one INSERT; what is returned is committed.

        A row whose reference a prediction of the same inputs has already is answered with that prediction, which may
        be of another version. Raises ReferenceTaken where its inputs are others; then no row is stored. An `attempt`
        has its answer afterwards: where it was made before, that of then, and there are no predictions. Raises
        KeyReused where its body is another one.

        Raises NoAnswer, and Overloaded or TooLate where too much is asked at once. Then no row is stored, unless
        TooLate says that this is unknown; nor is one when the database fails, unless it fails in the commit.
        """
        return batcher.answer(Job(runtime=runtime, rows=rows, source=source, references=references, attempt=attempt))

    def _watch(self) -> None:
        while True:
            time.sleep(SECONDS_BETWEEN_LOOKS)
            try:
                self.refresh()
                keys.refresh()
                connection.close()
            except Exception:  # Without this thread, the first requests of an idle worker would wait.
                logger.exception("looking for newer versions broke")

    def _find_live(self, slug: str) -> Version:
        live = self._live.by_model.get(slug)
        if live is None:
            if slug == settings.DEFAULT_MODEL:
                raise ModelNotReady(f"{slug} has no version yet: run `manage.py retrain {slug}`")
            raise ModelNotFound(f"there is no model {slug!r}")
        if live.retired_at is not None:
            raise ModelRetired(slug, live.shown_title, live.retired_at)
        return live

    def _load_newer(self, live: Version, held: Runtime | None) -> Runtime:
        seconds = -1.0 if held is None else self._find_patience(live, held)
        if held is not None and seconds == 0 and self.is_watched:
            return held
        lock = self._loading.setdefault(live.model, threading.Lock())
        if lock.acquire(timeout=seconds):
            try:
                self._try_load(live.model)
            finally:
                lock.release()
        loaded = self._held.get(live.model)
        if loaded is None:
            self._find_live(live.model)  # It may have been retired meanwhile.
            raise ModelNotReady(f"{live} cannot be served", str(self._failures[live.model].reason))
        return loaded

    def _find_patience(self, live: Version, held: Runtime) -> float:
        """How many seconds to wait for a version to be loaded while another one could answer."""
        failure = self._failures.get(live.model)
        if (failure and failure.version_id == live.id) or not self._live.is_behind(held.version):
            return 0
        now = time.monotonic()
        return max(0, self._loading_since.get(live.model, now) + SECONDS_TO_WAIT - now)

    def _refresh_model(self, model: str) -> None:
        live = self._live.by_model.get(model)
        if live is not None and live.retired_at is not None:
            del self._held[model]
            give_back_memory()
            logger.info("%s is retired", model)
            return
        if live is None or self._held[model].version.id == live.id:
            return
        try:
            with self._loading.setdefault(model, threading.Lock()):
                self._try_load(model)
        except django.db.Error as error:
            logger.error("the newest version of %s was not loaded: %s", model, error)

    def _try_load(self, model: str) -> None:
        live, held = self._live.by_model[model], self._held.get(model)
        if held is not None and held.version.id == live.id:
            return  # Another thread was first.
        failure = self._failures.get(model)
        if failure and failure.version_id == live.id and time.monotonic() < failure.retry_at:
            return
        self._loading_since[model] = time.monotonic()
        try:
            self._held[model] = load_runtime(Version.objects.get(id=live.id))
        except ArtifactError as error:
            retry_at = time.monotonic() + SECONDS_BETWEEN_TRIES
            self._failures[model] = Failure(version_id=live.id, reason=str(error), retry_at=retry_at)
            logger.error("%s was not loaded (%s): %s", live, type(error).__name__, error)
        else:
            self._failures.pop(model, None)
            give_back_memory()
            logger.info("%s is loaded", live)
        finally:
            del self._loading_since[model]


def give_back_memory() -> None:
    """Return memory that loading has freed; glibc would keep it, 15 MB for a forest of 100 trees."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


service = ModelService()
