"""What is explained of a model: the number that it predicts, or the probability or the log-odds of a class."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from predictor.estimators.compiled import CompiledModel
from predictor.exceptions import MlsiteError
from predictor.languages import gettext, gettext_noop
from predictor.schema.table import Inputs
from predictor.schema.values import Label, Matrix, Vector
from predictor.serving.explaining.parts import Opened
from predictor.serving.runtime import Runtime

Scale = Literal["prediction", "probability", "log-odds"]
# Estimators whose probabilities are a logistic function of a sum, as scikit-learn writes them.
OF_SCORES = re.compile(r"\b(Logistic\w*|SGDClassifier|(Hist)?GradientBoostingClassifier|XGB\w*|LGBM\w*|CatBoost\w*)\(?")
# Probabilities of a pickle that are closer to 0 or 1 would have infinite log-odds.
SMALLEST = 1e-12


SENTENCES = {
    "no_background": gettext_noop(
        "Reasons compare an answer with typical cases, and this version has none: it was trained by an earlier release,"
        " or on fewer than 20 rows. The next training makes them."
    ),
    "not_served": gettext_noop(
        "This answer is from a former version, which would take too long to load: it is large, or not compiled."
    ),
    "no_probabilities": gettext_noop("This model gives a class without probabilities: there is nothing to add up."),
    "not_finite": gettext_noop("For some of the typical cases this model has no finite answer to compare with."),
    "no_inputs": gettext_noop(
        "Some inputs of this answer are not stored, since they are sensitive: it cannot be explained."
    ),
    "no_range": gettext_noop("This input has no range over which the answer could be drawn."),
}


class CannotExplain(MlsiteError):
    """`reason` names why an answer has no explanation: a key of SENTENCES."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)

    @property
    def sentence(self) -> str:
        return gettext(SENTENCES[self.reason])


@dataclass(frozen=True, kw_only=True, eq=False)
class Measure:
    """What is explained, for n rows, shape (n,). `position` is that of the explained class, `classes` how many."""

    scale: Scale
    find: Callable[[Inputs], Vector]
    position: int = 0
    classes: int = 0

    def __call__(self, inputs: Inputs) -> Vector:
        """Raises CannotExplain where a row has no finite answer."""
        found = self.find(inputs)
        if not np.isfinite(found).all():
            raise CannotExplain("not_finite")
        return found


def choose_measure(runtime: Runtime, opened: Opened | None, output: float | Label) -> Measure:
    """What is explained of an answer with this output. Raises CannotExplain for a class without probabilities."""
    if runtime.schema.target.task == "regression":
        return Measure(scale="prediction", find=lambda inputs: _run(runtime, opened, inputs).reshape(-1))
    estimator = runtime.estimator
    if not _has_probabilities(estimator):
        raise CannotExplain("no_probabilities")
    codes = np.asarray(estimator.classes_).tolist()
    position, classes = codes.index(runtime.schema.target.classes.index(output)), len(codes)
    described = {"position": position, "classes": classes}
    if opened and opened.scores:
        scores = opened.scores
        return Measure(scale="log-odds", find=lambda inputs: contrast(scores.run(inputs), position), **described)
    if opened is None and OF_SCORES.search(runtime.version.estimator):
        return Measure(
            scale="log-odds", find=lambda inputs: contrast(_take_logarithms(runtime, inputs), position), **described
        )
    return Measure(scale="probability", find=lambda inputs: _run(runtime, opened, inputs)[:, position], **described)


def contrast(scores: Matrix, position: int) -> Vector:
    """The log-odds of a class: its score less the mean of the others' scores, (n, classes), whose softmax is known.

    A single column is the log-odds of the second of two classes. Of two classes, these are log(p / (1 − p)); of more,
    the mean of log(p / q) over the probabilities q of the others.
    """
    if scores.shape[1] == 1:
        return scores[:, 0] if position == 1 else -scores[:, 0]
    others: Vector = np.delete(scores, position, axis=1).mean(axis=1)
    return scores[:, position] - others


def _run(runtime: Runtime, opened: Opened | None, inputs: Inputs) -> Matrix:
    """The numbers that a model predicts, or its probabilities, shape (n, classes)."""
    if opened and opened.output:
        return opened.output.run(inputs)
    predicted, probabilities = runtime.ask(inputs)
    return np.asarray(predicted if probabilities is None else probabilities, dtype=np.float64)


def _take_logarithms(runtime: Runtime, inputs: Inputs) -> Matrix:
    return np.log(np.clip(_run(runtime, None, inputs), SMALLEST, 1.0))


def _has_probabilities(estimator: Any) -> bool:
    return estimator.has_probabilities if isinstance(estimator, CompiledModel) else hasattr(estimator, "predict_proba")
