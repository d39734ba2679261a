"""A loaded version: from encoded inputs to answers."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from predictor.answering.loaded import LoadedModel
from predictor.exceptions import ArtifactError, NoAnswer, UntrustedArtifact
from predictor.languages import get_language
from predictor.models import Artifact, Version
from predictor.record.interval import read_interval
from predictor.registry.artifact import load_compiled, load_pickle
from predictor.registry.versions import read_verified
from predictor.schema.schema import Row, Schema
from predictor.schema.table import Inputs, Table
from predictor.serving.answer import Answer, add_intervals, check_finite, list_shares, name_classes
from predictor.threads import run_in_thread

logger = logging.getLogger(__name__)

T = TypeVar("T")
# These take up to 20 ms; a server of greenlets serves others while longer texts are predicted in a real thread.
MOST_CHARACTERS = 20_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Runtime(LoadedModel):
    """One version in memory, compiled or unpickled. Its schema and its interval are the signed ones."""

    version: Version

    def answer(self, rows: Sequence[Row]) -> tuple[list[Answer], float]:
        """Answer parsed rows, and return the milliseconds that it took. Raises NoAnswer as `predict` does."""
        started = time.perf_counter()
        answers = self.predict(self.schema.encode(rows))
        return answers, (time.perf_counter() - started) * 1000

    def predict(self, inputs: Inputs) -> list[Answer]:
        """Answer each row of a matrix of shape (n, features), or of a table with texts.

        Raises NoAnswer when a row has no finite answer: it overflows, or the estimator refuses it.
        """
        try:
            if count_characters(inputs) > MOST_CHARACTERS:
                predicted, probabilities = run_in_thread(lambda: self.ask(inputs))
            else:
                predicted, probabilities = self.ask(inputs)
        except ValueError as error:
            raise NoAnswer(str(error)) from error
        numbers, target = check_finite(predicted), self.schema.target
        if target.task == "regression":
            return add_intervals(numbers, self.interval, target)
        shares = None if probabilities is None else list_shares(probabilities, self.estimator.classes_, target)
        return name_classes(numbers, target, shares)


def cache_per_runtime(make: "Callable[[Runtime], T]") -> "Callable[[Runtime], T]":
    """Call `make` once for each version in memory and each language of pages.

    Its results are dropped when the version is no longer served.
    """
    made: WeakKeyDictionary[Runtime, dict[str, T]] = WeakKeyDictionary()

    @wraps(make)
    def get(runtime: Runtime) -> T:
        in_languages = made.setdefault(runtime, {})
        tag = get_language().tag
        if tag not in in_languages:
            in_languages[tag] = make(runtime)
        return in_languages[tag]

    return get


def load_runtime(version: Version) -> Runtime:
    """Read, verify and load a version, its compiled model before its pickle.

    A compiled model that is there and cannot be used is logged, and the pickle answers. Raises ArtifactError when
    that cannot be loaded either, and then has loaded nothing.
    """
    if Artifact.objects.filter(version=version, kind=Artifact.Kind.ONNX).exists():
        try:
            return _load_compiled(version)
        except ArtifactError as error:
            logger.error("%s is served by its pickle (%s): compiled, %s", version, type(error).__name__, error)
    return _load_pickled(version)


def load_comparable(version: Version) -> Runtime:
    """Load the very estimator that was fitted; where this build cannot, the compiled model by which it is served.

    Raises ArtifactError, that of the pickle, when neither can be loaded or the pickle is not trusted.
    """
    try:
        return _load_pickled(version)
    except UntrustedArtifact:
        raise
    except ArtifactError as error:
        try:
            return _load_compiled(version)
        except ArtifactError:
            raise error from None


def _load_pickled(version: Version) -> Runtime:
    content, data = read_verified(version, Artifact.Kind.PICKLE)
    return _make_runtime(version, content, load_pickle(content, data))


def _load_compiled(version: Version) -> Runtime:
    content, data = read_verified(version, Artifact.Kind.ONNX)
    # A large forest takes onnxruntime a second, in which it needs no Python.
    return run_in_thread(lambda: load_read(version, content, data))


def load_read(version: Version, content: dict[str, Any], data: bytes | bytearray) -> Runtime:
    """Load a version from its verified manifest and compiled model; no database is used. Raises ArtifactError."""
    return _make_runtime(version, content, load_compiled(content, data))


def _make_runtime(version: Version, content: dict[str, Any], estimator: Any) -> Runtime:
    schema, interval = Schema.from_json(content["schema"]), read_interval(content["interval"])
    return Runtime(version=version, schema=schema, estimator=estimator, interval=interval)


def count_characters(inputs: Inputs) -> int:
    """The length of all texts together."""
    if not isinstance(inputs, Table):
        return 0
    return sum(len(text) for texts in inputs.texts.values() for text in texts if text)
