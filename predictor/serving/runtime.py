"""A loaded version: from a float64 matrix to answers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from predictor.exceptions import NoAnswer
from predictor.models import Artifact, Version
from predictor.schema import Label, Matrix, Schema, write_value
from predictor.serving.artifact import load_pickle
from predictor.serving.registry import read_verified


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A bare number or the label of a class, and the probability of each class where there is one."""

    output: float | Label
    probabilities: dict[str, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """One version in memory. Its schema is the signed one."""

    version: Version
    schema: Schema
    estimator: Any

    def predict(self, matrix: Matrix) -> list[Answer]:
        """Answer each row of a matrix of shape (n, features).

        Raises NoAnswer when a row has no finite answer: it overflows, or the estimator refuses it.
        """
        try:
            # An overflow is found in what comes out, and needs no warning of numpy's.
            with np.errstate(over="ignore", invalid="ignore"):
                predicted = np.asarray(self.estimator.predict(matrix), dtype=np.float64)
                if self.schema.target.task == "classification":
                    return self._answer_classes(matrix, predicted)
        except ValueError as error:
            raise NoAnswer(f"The model cannot answer these inputs ({error}): try values that it has seen.") from error
        return [Answer(output=number) for number in _check_finite(predicted)]

    def _answer_classes(self, matrix: Matrix, predicted: Matrix) -> list[Answer]:
        classes = self.schema.target.classes
        labels = [classes[int(code)] for code in predicted]
        if not hasattr(self.estimator, "predict_proba"):
            return [Answer(output=label) for label in labels]
        # A class that no training row had has no column: its probability is 0.
        codes = self.estimator.classes_.astype(int).tolist()
        rows = self.estimator.predict_proba(matrix)
        names = [write_value(label) for label in classes]
        named = [dict.fromkeys(names, 0.0) for _ in labels]
        for probabilities, row in zip(named, _check_finite(rows), strict=True):
            probabilities |= {names[code]: share for code, share in zip(codes, row, strict=True)}
        return [Answer(output=label, probabilities=p) for label, p in zip(labels, named, strict=True)]


def load_runtime(version: Version) -> Runtime:
    """Read, verify and load a version; raises ArtifactError and then has loaded nothing."""
    content, data = read_verified(version, Artifact.Kind.PICKLE)
    return Runtime(version=version, schema=Schema.from_json(content["schema"]), estimator=load_pickle(content, data))


def _check_finite(numbers: Matrix) -> list[Any]:
    if not np.isfinite(numbers).all():
        raise NoAnswer("The model has no finite answer for these inputs: try values that it has seen.")
    return numbers.tolist()
