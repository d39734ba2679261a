"""How a version was made and how important its features are, as stored with it.

Importances and compilations are told apart by their `state`. Earlier builds stored none; there the keys, which are
still the same, tell them apart.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from predictor.record.charts import ReportCharts
from predictor.record.data_changes import DataChanges

FORMER_REASONS = {"ImportedOnFrame is not compiled": "a model that takes a pandas DataFrame is not compiled"}


class Importance(msgspec.Struct, frozen=True, kw_only=True):
    """How much worse the metric gets when one feature is shuffled: mean and standard deviation over the repeats."""

    # The name of the feature.
    name: str
    mean: float
    sd: float


class Importances(msgspec.Struct, frozen=True, kw_only=True, tag_field="state", tag="measured"):
    """The permutation importances of all features, in the schema's order."""

    # The name of the metric that gets worse.
    metric: str
    # How many rows they were measured on, and whether these were held out.
    rows: int
    held_out: bool
    # How many times each feature was shuffled.
    repeats: int
    features: tuple[Importance, ...]


class SkippedImportances(msgspec.Struct, frozen=True, kw_only=True, tag_field="state", tag="skipped"):
    """Importances that were not measured."""

    # Why not.
    skipped: str


class Compilation(msgspec.Struct, frozen=True, kw_only=True, tag_field="state", tag="compiled"):
    """A compiled model that was compared with its pickle."""

    # How many rows of its data, and how many made at the edges, both predicted.
    rows: int
    edge_rows: int
    # The largest between their predictions: relative to them or to the target's spread, or in probability.
    difference: float
    # How long compiling and comparing took.
    seconds: float


class SkippedCompilation(msgspec.Struct, frozen=True, kw_only=True, tag_field="state", tag="skipped"):
    """A model that has no compiled form."""

    # Why not.
    reason: str

    @property
    def shown_reason(self) -> str:
        """The reason for pages, where a former build stored the name of a class of this site."""
        return FORMER_REASONS.get(self.reason, self.reason)


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters that a version's search chose, and how."""

    # The chosen values, by the parameter's name in the recipe.
    params: dict[str, Any]
    # The name of the metric that they were chosen by, and its score on the folds.
    metric: str
    score: float
    # How many were tried, and how many of them could not be fitted.
    candidates: int
    failed: int
    folds: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How a version was made and how important its features are; its drawings are stored separately."""

    importances: Importances | SkippedImportances
    # None where the recipe tunes nothing.
    tuning: Tuning | None
    # None from a build that compiled no models.
    compiled: Compilation | SkippedCompilation | None = None
    # Why drawings are missing, a sentence for each.
    not_drawn: tuple[str, ...]
    # The git commit of the code; None where it is unknown.
    commit: str | None
    # How long the last fit took; None for an import, which was trained elsewhere.
    fit_seconds: float | None
    # How long all of it took.
    seconds: float
    # Of the recipe's model.toml; None for an import, and from a build that did not store it.
    recipe_sha256: str | None = None
    # Of the recipe's pipeline.py; None where there is none, and from a build that did not store it.
    code_sha256: str | None = None
    # None from a build that stored only drawings.
    charts: ReportCharts | None = None
    # How its table differs from that of the version before; None where there was none that was trained here.
    data_changes: DataChanges | None = None


def read_report(stored: Mapping[str, Any]) -> Report | None:
    """Read a stored report; None where the build that stored the version made none."""
    if "seconds" not in stored:
        return None
    importances, compiled = stored["importances"], stored.get("compiled")
    importances = {"state": "skipped" if "skipped" in importances else "measured", **importances}
    compiled = compiled and {"state": "skipped" if "reason" in compiled else "compiled", **compiled}
    return msgspec.convert({**stored, "importances": importances, "compiled": compiled}, Report)
