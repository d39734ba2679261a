"""Champion and challenger on the rows that neither was trained on, with real models."""

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from predictor.exceptions import CannotCompare
from predictor.schema.kinds import Category, Integer
from predictor.training.contest import Champion, hold_contest, translate_inputs
from predictor.training.dataset import load_dataset
from predictor.training.evaluation import fit_model
from predictor.training.holdout import is_held_out
from predictor.training.pipeline import build_pipeline
from tests.recipes import make_recipe

TOWNS = 'title = "Towns"\ntarget = "y"\ndata = "data.csv"\n[estimator]\nclass = "sklearn.linear_model.{}"\n'


def make_side(tmp_path, csv, estimator, share=0.2, name="line"):
    """A dataset and a model fitted to its training rows."""
    toml = TOWNS.format(estimator).replace("[estimator]", f"holdout = {share}\n[estimator]")
    recipe = make_recipe(tmp_path / name, toml=toml, csv=csv)
    dataset = load_dataset(recipe)
    return dataset, fit_model(build_pipeline(recipe, dataset.schema), dataset, dataset.training)


def make_champion(dataset, fitted, share=0.2):
    return Champion(number=1, schema=dataset.schema, names=sorted(dataset.schema.names), share=share, estimator=fitted)


def write_towns(towns, rows=300, label=lambda town, x: 3 * x + len(town)):
    random = np.random.default_rng(0)
    picked = [(str(random.choice(towns)), round(float(random.uniform(0, 9)), 3)) for _ in range(rows)]
    return "town,x,y\n" + "".join(f"{town},{x},{label(town, x)}\n" for town, x in picked)


def test_all_three_answer_the_rows_below_both_shares(tmp_path):
    csv = write_towns(["Ulm", "Bonn"])
    old, old_fitted = make_side(tmp_path, csv, "Ridge", 0.3, "old")
    new, new_fitted = make_side(tmp_path, csv, "LinearRegression", 0.2, "new")
    contest = hold_contest(new, 0.2, new_fitted, make_champion(old, old_fitted, 0.3), "rmse")

    rows = is_held_out(new.hashes, 0.2)
    assert len(contest.champion) == len(contest.challenger) == len(contest.baseline) == rows.sum()
    assert not (rows & new.training).any()
    assert not (is_held_out(old.hashes, 0.2) & old.training).any()
    assert contest.challenger.mean() < contest.champion.mean() < contest.baseline.mean()
    assert contest.left_out == 0


def test_a_model_against_itself_loses_and_gains_nothing_however_its_columns_stand(tmp_path):
    rows = write_towns(["Ulm", "Bonn", "Kiel"]).splitlines()
    swapped = "\n".join(",".join(np.array(row.split(","))[[1, 0, 2]]) for row in rows) + "\n"
    old, old_fitted = make_side(tmp_path, "\n".join(rows) + "\n", "LinearRegression", name="old")
    new, new_fitted = make_side(tmp_path, swapped, "LinearRegression", name="new")
    assert old.schema.names != new.schema.names

    contest = hold_contest(new, 0.2, new_fitted, make_champion(old, old_fitted), "mae")
    assert contest.champion == pytest.approx(contest.challenger, abs=1e-9)


def test_rows_with_a_category_that_one_never_saw_are_left_out_and_counted(tmp_path):
    old, old_fitted = make_side(tmp_path, write_towns(["Ulm", "Kiel"]), "Ridge", name="old")
    csv = write_towns(["Aachen", "Kiel", "Ulm"])
    new, new_fitted = make_side(tmp_path, csv, "Ridge", name="new")
    contest = hold_contest(new, 0.2, new_fitted, make_champion(old, old_fitted), "rmse")

    aachen = new.held_out & (new.matrix[:, 0] == new.schema.features[0].choices.index("Aachen"))
    assert contest.left_out == aachen.sum() > 0
    assert len(contest.champion) == new.held_out.sum() - aachen.sum()


def test_rows_with_a_class_that_one_never_saw_are_left_out_and_classes_are_matched_by_label(tmp_path):
    def name(classes):
        return lambda town, x: classes[int(x) % len(classes)]

    old, old_fitted = make_side(
        tmp_path, write_towns(["Ulm"], label=name(["b", "c"])), "LogisticRegression", name="old"
    )
    csv = write_towns(["Ulm"], label=name(["a", "b", "c"]))
    new, new_fitted = make_side(tmp_path, csv, "LogisticRegression", name="new")
    contest = hold_contest(new, 0.2, new_fitted, make_champion(old, old_fitted), "log_loss")

    rows = new.held_out & (new.target > 0)
    assert contest.left_out == (new.held_out & (new.target == 0)).sum() > 0
    actual = new.target[rows].astype(int) - 1
    theirs = old_fitted.predict_proba(translate_inputs(new.matrix[rows], new.schema, old.schema))
    assert contest.champion == pytest.approx(-np.log(theirs[np.arange(len(actual)), actual]))


def test_rows_with_a_gap_are_left_out_where_a_version_never_saw_one(tmp_path):
    csv = write_towns(["Ulm"])
    old, old_fitted = make_side(tmp_path, csv, "LinearRegression", name="old")
    gaps = csv + "".join(f"Ulm,,{y}\nKiel,,{y}\n" for y in range(20))
    new, new_fitted = make_side(tmp_path, gaps.replace("Kiel", "Ulm"), "LinearRegression", 0.9, name="new")
    contest = hold_contest(new, 0.9, new_fitted, make_champion(old, old_fitted, 0.9), "rmse")
    assert contest.left_out in (0, 40)  # Duplicates are on one side.
    assert contest.left_out == int((new.held_out & np.isnan(new.matrix[:, 1])).sum())


class Constant:
    """An estimator of one number for every row; None for one that fails."""

    def __init__(self, number):
        self.number = number

    def predict(self, matrix):
        if self.number is None:
            raise ValueError("not today\nat all")
        return np.full(len(matrix), self.number)


def change_kind(schema):
    features = [Integer(name=each.name, label=each.label) for each in schema.features]
    return replace(schema, features=tuple(features))


def forget_towns(schema):
    features = [
        structs.replace(each, choices=("Kiel",)) if isinstance(each, Category) else each for each in schema.features
    ]
    return replace(schema, features=tuple(features))


BY_HAND = "promote this version by hand if it is to replace the live one"
ONCE = "promote this version by hand, and later ones can be compared with it"


@pytest.mark.parametrize(
    ("share", "change", "cause", "step"),
    [
        (0.2, {"share": None}, "the training rows of version 1 are unknown", ONCE),
        (None, {"share": None}, "the training rows of version 1 are unknown", BY_HAND),
        (None, {}, "the training rows of the challenger are unknown", BY_HAND),
        (0.0, {}, "this version has no hold-out", f"set holdout in the recipe, or {BY_HAND}"),
        (0.2, {"share": 0.0}, "version 1 has no hold-out", ONCE),
        (0.2, {"names": ["x"]}, "version 1 has other features, and so other rows held out", ONCE),
        (0.2, {"schema": change_kind}, "'town' was an integer and is a category", ONCE),
        (0.2, {"schema": forget_towns}, "no held-out row can be scored by both (69 cannot)", BY_HAND),
        (0.2, {"estimator": Constant(None)}, "version 1 cannot predict for the held-out rows (not today)", BY_HAND),
        (
            0.2,
            {"estimator": Constant(1e200)},
            "the losses of the champion are infinite",
            'set metric = "mae" in [gate]',
        ),
    ],
)
def test_what_cannot_be_compared_says_why_and_what_to_do_next(tmp_path, share, change, cause, step):
    dataset, fitted = make_side(tmp_path, write_towns(["Ulm", "Bonn"]), "Ridge")
    made = make_champion(dataset, fitted)
    changed = {key: change(made.schema) if callable(change) else change for key, change in change.items()}
    with pytest.raises(CannotCompare) as caught:
        hold_contest(dataset, share, fitted, replace(made, **changed), "rmse")
    assert (caught.value.cause, caught.value.step) == (cause, step)


def test_a_champion_without_probabilities_names_the_metric_to_set(tmp_path):
    csv = write_towns(["Ulm", "Bonn"], label=lambda town, x: "ab"[int(x) % 2])
    dataset, fitted = make_side(tmp_path, csv, "LogisticRegression")
    other, bare = make_side(tmp_path, csv, "RidgeClassifier", name="other")
    with pytest.raises(CannotCompare) as caught:
        hold_contest(dataset, 0.2, fitted, make_champion(other, bare), "log_loss")
    assert str(caught.value) == 'version 1 gives no probabilities: set metric = "accuracy" in [gate]'


def test_another_target_cannot_be_compared(tmp_path):
    dataset, fitted = make_side(tmp_path, write_towns(["Ulm", "Bonn"]), "Ridge")
    other, other_fitted = make_side(
        tmp_path, write_towns(["Ulm", "Bonn"], label=lambda town, x: "ab"[int(x) % 2]), "LogisticRegression", name="o"
    )
    with pytest.raises(CannotCompare, match=f"version 1 predicts 'y' by classification: {BY_HAND}"):
        hold_contest(dataset, 0.2, fitted, make_champion(other, other_fitted), "rmse")
