"""A compiled model as it is sent to workers: its bytes, and what answers need besides."""

import hashlib
import hmac
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from predictor.answering.loaded import LoadedModel
from predictor.estimators.compiled import CompiledModel
from predictor.exceptions import DamagedArtifact
from predictor.record.interval import read_interval
from predictor.schema.schema import Schema


@dataclass(frozen=True, kw_only=True)
class SentModel:
    """A verified compiled model, with the schema and the interval that were signed with it. It contains no pickle.

    Texts of numbers without an interval have so many `decimals`.
    """

    name: str
    schema: dict[str, Any] = field(repr=False)
    interval: Any
    decimals: int | None
    sha256: str
    data: bytes = field(repr=False)


_loaded: dict[str, LoadedModel] = {}
_loading = Lock()


def load_sent(sent: SentModel) -> LoadedModel:
    """Load a model once in this process, and keep the newest. Raises DamagedArtifact for other bytes than were sent."""
    key = f"{sent.name} {sent.sha256}"
    with _loading:
        if key not in _loaded:
            if not hmac.compare_digest(hashlib.sha256(sent.data).hexdigest(), sent.sha256):
                raise DamagedArtifact("the bytes of the model are not the ones that were sent")
            loaded = LoadedModel(
                schema=Schema.from_json(sent.schema),
                estimator=CompiledModel(sent.data),
                interval=read_interval(sent.interval),
            )
            _loaded.clear()
            _loaded[key] = loaded
        return _loaded[key]
