"""Estimators that were fitted elsewhere, with the interface of those that are fitted here.

Signed pickles name these classes, in `predictor.imported`, and their fields: do not rename any of them.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.exceptions import SeveralTargets, WrongLibraries
from predictor.formats import write_count
from predictor.schema.kinds import Feature, Kind
from predictor.schema.table import Inputs, Table
from predictor.schema.values import Label, Vector, recode

SECONDS_A_DAY = 86_400


@dataclass(frozen=True, kw_only=True, eq=False)
class Imported:
    """An estimator that takes the matrix as it is, or what a table with texts is as its input.

    `labels` are its own classes, in the order of their codes; empty for a regression.
    """

    estimator: Any
    labels: tuple[Label, ...] = ()

    def __str__(self) -> str:
        return str(self.estimator)

    @property
    def classes_(self) -> NDArray[np.int64]:
        """The codes of the classes, shape (classes,)."""
        return np.arange(len(self.labels))

    def predict(self, inputs: Inputs) -> Vector:
        """Predict numbers or class codes, shape (n,), for a matrix of shape (n, features) or a table of n rows.

        Raises SeveralTargets where the estimator predicts more than one number for a row, and ValueError where it does
        not predict row by row.
        """
        predictions = np.asarray(self.estimator.predict(self.prepare(inputs)))
        if predictions.size != len(inputs):
            if predictions.ndim > 1 and len(predictions) == len(inputs):
                raise SeveralTargets(predictions.shape[-1])
            counts = f"it gives {write_count(predictions.size, 'prediction')} for {write_count(len(inputs), 'row')}"
            raise ValueError(f"{counts}: name its column of texts with --text, if it takes one")
        predictions = predictions.reshape(-1)
        if not self.labels:
            return predictions.astype(np.float64)
        codes = {label: float(code) for code, label in enumerate(self.labels)}
        return np.array([codes.get(label, np.nan) for label in predictions.tolist()])

    @property
    def predict_proba(self) -> Any:
        """Probabilities for a matrix, shape (n, classes), in the order of `classes_`; only where there are any."""
        predict_proba = self.estimator.predict_proba
        return lambda inputs: predict_proba(self.prepare(inputs))

    def prepare(self, inputs: Inputs) -> Any:
        return inputs.to_input() if isinstance(inputs, Table) else inputs


@dataclass(frozen=True, kw_only=True)
class FrameColumn:
    """How one column of the matrix becomes a column of a DataFrame; with `of_pandas`, one of its type `category`.

    Dates become dates of pandas, in UTC where they have a `zone`. A missing text is NaN, or empty where `fills_texts`.
    """

    name: str
    kind: Kind
    choices: tuple[str, ...]
    has_gaps: bool
    of_pandas: bool = False
    zone: str = ""
    fills_texts: bool = False

    @classmethod
    def of(cls, feature: Feature) -> "FrameColumn":
        return cls(
            name=feature.name,
            kind=feature.kind,
            choices=feature.choices,
            has_gaps=not feature.required,
            zone=getattr(feature, "zone", ""),
        )

    def restore(self, values: Vector) -> Any:
        """Decode values, shape (n,), into what pandas reads from such a column of a CSV file, NaN for missing."""
        if self.of_pandas:
            # Other values than the choices have the code after theirs, and are missing.
            codes = np.where(values < len(self.choices), values, -1).astype(np.int64)
            return import_pandas().Categorical.from_codes(codes, categories=list(self.choices))
        match self.kind:
            case "category":
                return recode(values, np.array([*self.choices, np.nan], dtype=object))
            case "boolean":
                booleans = values.astype(bool)
                return np.where(np.isnan(values), np.nan, booleans.astype(object)) if self.has_gaps else booleans
            case "integer":
                # As pandas has them, whole numbers that are too large for integers are floats.
                return values if self.has_gaps or (np.abs(values) >= 2.0**63).any() else values.astype(np.int64)
            case "date" | "datetime":
                return _restore_dates(values * (SECONDS_A_DAY if self.kind == "date" else 1), self.zone)
            case _:
                return values

    def restore_texts(self, texts: NDArray[Any]) -> NDArray[Any]:
        """The same texts, shape (n,), with what stands for a missing one."""
        missing = "" if self.fills_texts else np.nan
        return np.array([missing if text is None else text for text in texts], dtype=object)


@dataclass(frozen=True, kw_only=True, eq=False)
class ImportedOnFrame(Imported):
    """An estimator that takes a pandas DataFrame with the columns' own names and types."""

    columns: tuple[FrameColumn, ...]

    def __setstate__(self, state: dict[str, Any]) -> None:
        import_pandas()
        self.__dict__.update(state)

    def prepare(self, inputs: Inputs) -> Any:
        table = inputs if isinstance(inputs, Table) else Table(matrix=inputs, texts={})
        columns = enumerate(zip(self.columns, table.matrix.T, strict=True))
        restored = {
            column.name: column.restore_texts(table.texts[position])
            if position in table.texts
            else column.restore(values)
            for position, (column, values) in columns
        }
        return import_pandas().DataFrame(restored)


def _restore_dates(seconds: Vector, zone: str) -> Any:
    """The dates that are these seconds since 1970, NaN for missing, in the type that the installed pandas reads."""
    whole = np.where(np.isnan(seconds), 0, np.round(seconds * 1e6)).astype(np.int64).astype("datetime64[us]")
    pandas = import_pandas()
    dates = pandas.Series(np.where(np.isnan(seconds), np.datetime64("NaT"), whole))
    read = pandas.to_datetime(["2020-01-01"]).dtype
    return dates.astype(read).dt.tz_localize("UTC") if zone else dates.astype(read)


def import_pandas() -> ModuleType:
    """Import pandas, which only these models need. Raises WrongLibraries where it is not installed."""
    try:
        import pandas
    except ImportError as error:
        hint = "add pandas to requirements.in, and install that"
        raise WrongLibraries(f"the model takes a pandas DataFrame, and pandas is not installed here: {hint}") from error
    return pandas


# Pickles name the module that former builds have, too.
FORMER_MODULE = "predictor.imported"
for _each in (Imported, FrameColumn, ImportedOnFrame):
    _each.__module__ = FORMER_MODULE
