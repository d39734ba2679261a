"""How a version was made and what it leans on, as it keeps it.

What was measured or compiled and what was not have a `state` of their own. Builds that stored none told them apart by
their keys, which are still the same.
"""

from collections.abc import Mapping
from typing import Any

import msgspec


class Importance(msgspec.Struct, frozen=True, kw_only=True):
    """What the metric loses when one feature is shuffled: the mean and the standard deviation of several times."""

    # Of the feature.
    name: str
    mean: float
    sd: float


class Importances(msgspec.Struct, frozen=True, kw_only=True, tag_field="state", tag="measured"):
    """The permutation importances of all features, in the schema's order."""

    # The name of the metric that they are losses of.
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

    # How many rows of its data both predicted, and how many that were made at the edges.
    rows: int
    edge_rows: int
    # The largest between their predictions, relative to them or to the target's spread; of classes, in probability.
    difference: float
    # How long compiling and comparing took.
    seconds: float


class SkippedCompilation(msgspec.Struct, frozen=True, kw_only=True, tag_field="state", tag="skipped"):
    """A model that has no compiled form."""

    # Why not.
    reason: str


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters that a version's recipe let be chosen, and how."""

    # What was chosen, by the recipe's name of the parameter.
    params: dict[str, Any]
    # The name of the metric that they were chosen by, and its score on the folds.
    metric: str
    score: float
    # How many were tried, and how many of them could not be fitted.
    candidates: int
    failed: int
    folds: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How a version was made and what it leans on; its pictures are stored each on its own."""

    importances: Importances | SkippedImportances
    # None where the recipe tunes nothing.
    tuning: Tuning | None
    # None of a build that compiled no model.
    compiled: Compilation | SkippedCompilation | None = None
    # Why pictures are missing, a sentence for each.
    not_drawn: tuple[str, ...]
    # The git commit of the code; None where it is unknown.
    commit: str | None
    # How long the last fit took; None of an import, which was fitted elsewhere.
    fit_seconds: float | None
    # How long all of it took.
    seconds: float
    # Of the recipe's model.toml; None of an import, and of a build that did not store it.
    recipe_sha256: str | None = None
    # Of the recipe's pipeline.py; None where there is none, and of a build that did not store it.
    code_sha256: str | None = None


def read_report(stored: Mapping[str, Any]) -> Report | None:
    """Read what a version keeps of it; None where the build that stored it made no report."""
    if "seconds" not in stored:
        return None
    importances, compiled = stored["importances"], stored.get("compiled")
    importances = {"state": "skipped" if "skipped" in importances else "measured", **importances}
    compiled = compiled and {"state": "skipped" if "reason" in compiled else "compiled", **compiled}
    return msgspec.convert({**stored, "importances": importances, "compiled": compiled}, Report)
