"""The estimators that a stored recipe may name, and the bounds of each parameter: all else is refused.

No form can make an estimator take memory or time without bound: depths and numbers of trees are bounded, and forests
must have a depth. `n_jobs` is the site's.
"""

from pathlib import Path

from predictor.exceptions import RecipeError
from predictor.record.parameter_bounds import Bound, Flag, Number, Numbers, Whole, Word
from predictor.texts import clip, list_names
from predictor.training.recipe import EstimatorRecipe

BOOSTED_TREES: dict[str, Bound] = {
    "learning_rate": Number(0.001, 1),
    "max_iter": Whole(1, 1_000),
    "max_leaf_nodes": Whole(2, 255),
    "max_depth": Whole(1, 50),
    "min_samples_leaf": Whole(1, 100_000),
    "max_features": Number(0.01, 1),
    "l2_regularization": Number(0, 1_000_000),
    "early_stopping": Flag(),
    "n_iter_no_change": Whole(1, 100),
}
FOREST: dict[str, Bound] = {
    "n_estimators": Whole(1, 300),
    "max_depth": Whole(1, 14),
    "min_samples_leaf": Whole(1, 100_000),
    "max_features": Number(0.01, 1),
}
ALLOWED: dict[str, dict[str, Bound]] = {
    "sklearn.linear_model.LinearRegression": {},
    "sklearn.linear_model.Ridge": {"alpha": Number(0, 1e9)},
    "sklearn.linear_model.RidgeCV": {"alphas": Numbers(Number(1e-9, 1e9), 20)},
    "sklearn.linear_model.LogisticRegression": {
        "C": Number(1e-6, 1e6),
        "max_iter": Whole(1, 5_000),
        "class_weight": Word(("balanced",)),
    },
    "sklearn.ensemble.HistGradientBoostingRegressor": BOOSTED_TREES,
    "sklearn.ensemble.HistGradientBoostingClassifier": {**BOOSTED_TREES, "class_weight": Word(("balanced",))},
    "sklearn.ensemble.RandomForestRegressor": FOREST,
    "sklearn.ensemble.RandomForestClassifier": {**FOREST, "class_weight": Word(("balanced",))},
}
# Without it, a forest grows with its table.
NEEDED = {
    "sklearn.ensemble.RandomForestRegressor": "max_depth",
    "sklearn.ensemble.RandomForestClassifier": "max_depth",
}


def check_estimator(file: Path, estimator: EstimatorRecipe) -> None:
    """Raise RecipeError, naming the key, the value and what would be right, unless all of it is allowed."""
    bounds = ALLOWED.get(estimator.path)
    if bounds is None:
        problem = f"must be one of {list_names(list(ALLOWED))}, not {clip(estimator.path)!r}"
        raise RecipeError(f"{file}: estimator.class: {problem}: export the recipe to a folder to use another.")
    for key, value in estimator.params.items():
        if key not in bounds:
            problem = f"{estimator.path} takes {list_names(list(bounds)) or 'none'} here, not {clip(key)!r}"
            raise RecipeError(f"{file}: estimator.params: {problem}.")
        if not bounds[key].accepts(value):
            raise RecipeError(
                f"{file}: estimator.params.{key}: must be {bounds[key].expected}, not {clip(repr(value))}."
            )
    needed = NEEDED.get(estimator.path)
    if needed and needed not in estimator.params:
        raise RecipeError(f"{file}: estimator.params.{needed}: is missing: write {bounds[needed].expected}.")
