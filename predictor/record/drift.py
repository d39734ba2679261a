"""How far the inputs and outputs of predictions are from a version's training data, as `monitor` stores it."""

from typing import Literal

import msgspec

from predictor.formats import format_number
from predictor.languages import gettext as _
from predictor.languages import ngettext
from predictor.record.reference import Part

# Of all that is tested together: how often something is named although nothing has changed.
ALPHA = 0.05
# What is significant counts from here on: the usual limit of a moderate shift, and for shares of missing values.
LEAST_PSI, LEAST_MISSING, LEAST_AUC = 0.1, 0.02, 0.55


class Bins(msgspec.Struct, frozen=True, kw_only=True):
    """What share of the reference and of the window is in each bin; of values that are not missing."""

    reference: tuple[float, ...]
    window: tuple[float, ...]
    # Of numbers, the ends between two bins, one less than there are bins, in the encoding of the schema.
    ends: tuple[float, ...] = ()
    # Of categories, what each is called as `write_value` does; "" for all that have no bin of their own.
    labels: tuple[str, ...] = ()


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """How far one column of a window is from that of the reference."""

    name: str
    part: Part
    # How many rows have a value.
    reference_rows: int
    rows: int
    # The population stability index, and what it reaches by chance in 5 % of windows without drift.
    psi: float | None = None
    chance: float | None = None
    # None where one of both has no value, or only one value is frequent enough.
    test: Literal["kolmogorov-smirnov", "chi-squared"] | None = None
    statistic: float | None = None
    p_value: float | None = None
    # Corrected for all that is tested (Holm).
    corrected: float | None = None
    # The shares of missing values.
    reference_missing: float
    missing: float
    missing_p_value: float
    missing_corrected: float
    # How many values are outside the range, or none of the categories, of the training rows.
    unseen: int
    bins: Bins | None = None

    @property
    def has_shifted(self) -> bool:
        """Whether its values are distributed otherwise: by more than chance, and by enough to count."""
        significant = self.corrected is not None and self.corrected < ALPHA
        return significant and self.psi is not None and self.psi >= LEAST_PSI

    @property
    def has_gaps(self) -> bool:
        """Whether another share of its values is missing: by more than chance, and by enough to count."""
        differs = abs(self.missing - self.reference_missing) >= LEAST_MISSING
        return differs and self.missing_corrected < ALPHA

    @property
    def has_changed(self) -> bool:
        return self.has_shifted or self.has_gaps


class Joint(msgspec.Struct, frozen=True, kw_only=True):
    """How well a classifier tells five rows of the window from five of the reference, by all inputs together."""

    # The area under its ROC curve on rows that it was not fitted on: 0.5 is chance, 1 is always right.
    auc: float
    p_value: float
    corrected: float
    # How many fives of each there are.
    reference_blocks: int
    blocks: int

    @property
    def has_shifted(self) -> bool:
        return self.corrected < ALPHA and self.auc >= LEAST_AUC


class Drift(msgspec.Struct, frozen=True, kw_only=True, tag_field="state", tag="measured"):
    """How far a window's inputs and outputs are from a version's training data."""

    reference_rows: int
    # Predictions whose inputs fit the version, and how many more there are.
    rows: int
    left_out: int
    # None where there are too many inputs to keep rows for.
    joint: Joint | None
    # How many columns were compared: inputs, known words and outputs; and how many have changed.
    compared: int
    changed: int
    # At most 200 of them: those that have changed, and then all others, each with the largest index first.
    shifts: tuple[Shift, ...]

    @property
    def shifted(self) -> tuple[Shift, ...]:
        return tuple(each for each in self.shifts if each.has_changed)

    @property
    def has_drifted(self) -> bool:
        return self.changed > 0 or (self.joint is not None and self.joint.has_shifted)


class DriftUnknown(msgspec.Struct, frozen=True, kw_only=True, tag_field="state", tag="unknown"):
    """That drift could not be measured, and why."""

    reason: Literal["no reference", "few training rows", "few predictions"]
    # Of those that are too few: how many there are, and how many are needed.
    rows: int = 0
    needed: int = 0

    def __str__(self) -> str:
        """Why, in a sentence for people."""
        rows, needed = format_number(self.rows), format_number(self.needed)
        match self.reason:
            case "no reference":
                return _("This version keeps nothing of its training data to compare with: retrain it.")
            case "few training rows":
                return _("The version has {rows} training rows; to compare with, {needed} are needed.").format(
                    rows=rows, needed=needed
                )
            case "few predictions":
                sentence = ngettext(
                    "There is {rows} prediction to compare; {needed} are needed.",
                    "There are {rows} predictions to compare; {needed} are needed.",
                    self.rows,
                )
                return sentence.format(rows=rows, needed=needed)
