"""Explains answers by shap: python explain.py QUESTIONS.pickle ANSWERS.npz, whose arrays have the questions' names.

A question is a fitted estimator of scikit-learn with `how`, the name of an explainer here, a background and rows.
"""

import pickle
import sys
from pathlib import Path

import numpy as np
import shap


def explain_linear(estimator, background, rows):
    return shap.LinearExplainer(estimator, shap.maskers.Independent(background, max_samples=len(background)))(rows)


def explain_trees(estimator, background, rows):
    return shap.TreeExplainer(estimator, background, feature_perturbation="interventional")(
        rows, check_additivity=False
    )


def explain_forest_of_classes(estimator, background, rows):
    explainer = shap.TreeExplainer(
        estimator, background, feature_perturbation="interventional", model_output="probability"
    )
    return explainer(rows, check_additivity=False)


def explain_exactly(estimator, background, rows):
    masker = shap.maskers.Independent(background, max_samples=len(background))
    return shap.explainers.Exact(estimator.predict, masker)(rows)


EXPLAINERS = {
    "linear": explain_linear,
    "trees": explain_trees,
    "forest of classes": explain_forest_of_classes,
    "exact": explain_exactly,
}

if __name__ == "__main__":
    questions = pickle.loads(Path(sys.argv[1]).read_bytes())  # noqa: S301  # Written by against_shap.py a moment ago.
    answers = {
        name: EXPLAINERS[each["how"]](each["estimator"], each["background"], each["rows"]).values
        for name, each in questions.items()
    }
    np.savez(sys.argv[2], **answers)
