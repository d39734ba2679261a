"""What really happened becomes rows of the table, on the side where they would have been had they stood in it."""

from datetime import UTC, datetime

import numpy as np
import pytest

from predictor.training.dataset import load_dataset
from predictor.training.observed import Observed
from tests.recipes import LINE, make_recipe

NEWEST = datetime(2026, 3, 1, tzinfo=UTC)
GARDENS = ["false", "true", "true"]
TOWNS = ["", "Bonn", "Kiel", "Bonn", "Kiel"]
ROWS = [f"{20 + i / 4},{i % 5 or ''},{TOWNS[i % 5]},{GARDENS[i % 3]},{i}" for i in range(60)]
TABLE = "\n".join(["area,rooms,town,garden,rent", *ROWS, ""])
RENT = 'title = "Rents"\ntarget = "rent"\ndata = "data.csv"\n'


def observe(*rows, of="y"):
    return Observed(rows=[(*row, of) for row in rows], found=len(rows), newest=NEWEST)


def write(value):
    """As a CSV file has it."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def describe(dataset):
    """All that a version is made from, except the file's own hash."""
    return (
        dataset.schema,
        dataset.matrix.tobytes(),
        [texts.tolist() for texts in dataset.texts.values()],
        dataset.target.tobytes(),
        dataset.hashes.tolist(),
        dataset.held_out.tolist(),
    )


FLAT = {"area": 33.5, "rooms": 3, "town": "Kiel", "garden": True}
AS_TEXT = {
    "as the table has it": FLAT,
    "without what may be missing": {**FLAT, "rooms": None, "town": None},
    "a town that the table lacks": {**FLAT, "town": "Aachen"},
    "a number for whole ones": {**FLAT, "rooms": 2.5},
    "a gap where the table has none": {**FLAT, "area": None},
    "minus zero": {**FLAT, "area": -0.0, "garden": False},
}


@pytest.mark.parametrize("inputs", AS_TEXT.values(), ids=AS_TEXT)
def test_an_outcome_is_learnt_as_if_it_had_stood_in_the_table(tmp_path, inputs):
    observed = load_dataset(make_recipe(tmp_path, toml=RENT, csv=TABLE), observe((inputs, 777.0), of="rent"))
    line = ",".join([*map(write, inputs.values()), "777"])
    written = load_dataset(make_recipe(tmp_path, toml=RENT, csv=TABLE + line + "\n"))
    assert describe(observed) == describe(written)
    assert (observed.outcomes, observed.misfits, written.outcomes) == (1, {}, 0)
    assert observed.from_table.sum() == 60


@pytest.mark.parametrize("note", ["Quiet and\n close to “it”", None, "7"])
def test_a_text_of_an_outcome_is_trained_on_like_a_text_of_the_table(tmp_path, note):
    csv = "note,rent\n" + "".join(f"this flat has {i} rooms,{i}\n" for i in range(40)) + ",40\n"
    observed = load_dataset(make_recipe(tmp_path, toml=RENT, csv=csv), observe(({"note": note}, 777.0), of="rent"))
    cell = "" if note is None else f'"{note}"'
    assert describe(observed) == describe(load_dataset(make_recipe(tmp_path, toml=RENT, csv=f"{csv}{cell},777\n")))


def test_an_outcome_like_a_row_of_the_table_is_on_the_same_side(tmp_path):
    xs = [i / 10 for i in range(100)]
    dataset = load_dataset(make_recipe(tmp_path), observe(*(({"x": x}, -5.0) for x in xs)))
    held_out = dataset.held_out
    assert 0 < held_out[:100].sum() < 100
    assert held_out[:100].tolist() == held_out[100:].tolist()
    assert held_out[:100].tolist() == load_dataset(make_recipe(tmp_path)).held_out.tolist()
    assert dataset.target[100:].tolist() == [-5.0] * 100


def test_what_was_given_when_an_input_was_of_another_kind_fits_where_it_can(tmp_path):
    odd = {"area": "33.5", "rooms": True, "town": "Kiel", "garden": 1}
    dataset = load_dataset(make_recipe(tmp_path, toml=RENT, csv=TABLE), observe((odd, "777"), of="rent"))
    assert dataset.matrix[-1].tolist() == [33.5, 1.0, 1.0, 1.0]
    assert dataset.target[-1] == 777


def test_inputs_that_the_recipe_no_longer_has_are_ignored(tmp_path):
    dataset = load_dataset(make_recipe(tmp_path), observe(({"x": 5.0, "old": "a"}, 1.0)))
    assert (dataset.outcomes, dataset.schema.names) == (1, ["x"])


def test_what_does_not_fit_is_left_out_and_counted_by_cause(tmp_path):
    toml = RENT + '[features.town]\nchoices = ["Bonn", "Kiel", "Ulm"]\n[features.area]\nrequired = true\n'
    rows = [
        (FLAT, 1.0),
        ({**FLAT, "town": "Ulm"}, 2.0),
        ({**FLAT, "town": "Aachen"}, 3.0),
        ({**FLAT, "town": "Aalen"}, 3.0),
        ({**FLAT, "area": None}, 4.0),
        ({**FLAT, "rooms": "many"}, 5.0),
        ({**FLAT, "garden": "large"}, 6.0),
        ({name: value for name, value in FLAT.items() if name != "rooms"}, 7.0),
        (FLAT, "expensive"),
    ]
    dataset = load_dataset(make_recipe(tmp_path, toml=toml, csv=TABLE), observe(*rows, of="rent"))
    assert dataset.outcomes == 2
    assert dataset.target[-2:].tolist() == [1.0, 2.0]
    assert dataset.misfits == {
        "town is none of the recipe's choices": 2,
        "area is missing": 1,
        "rooms is not a number": 1,
        "garden is neither yes nor no": 1,
        "there is no input rooms": 1,
        "the outcome is no number": 1,
    }


def test_the_recipes_order_of_choices_stays(tmp_path):
    toml = RENT + '[features.town]\nchoices = ["Kiel", "Bonn"]\n'
    dataset = load_dataset(make_recipe(tmp_path, toml=toml, csv=TABLE), observe((FLAT, 1.0), of="rent"))
    town = dataset.schema.features[2]
    assert (town.choices, dataset.matrix[-1, 2]) == (("Kiel", "Bonn"), 0.0)


@pytest.mark.parametrize(
    ("labels", "new", "classes"),
    [
        (("Adelie", "Gentoo"), "Chinstrap", ("Adelie", "Chinstrap", "Gentoo")),
        (("2", "3"), 1, (1, 2, 3)),
        (("true", "false"), True, (False, True)),
    ],
)
def test_a_class_that_the_table_lacks_is_learnt_and_the_others_keep_theirs(tmp_path, labels, new, classes):
    csv = "x,y\n" + "".join(f"{i},{labels[i % 2]}\n" for i in range(40))
    recipe = make_recipe(tmp_path, toml=LINE + 'task = "classification"\n', csv=csv)
    alone = load_dataset(recipe)
    dataset = load_dataset(recipe, observe(({"x": 99.0}, new)))

    def name_answers(made):
        return [made.schema.target.classes[int(code)] for code in made.target]

    assert dataset.schema.target.classes == classes
    assert name_answers(dataset) == [*name_answers(alone), new]


def test_an_outcome_of_another_task_is_no_class(tmp_path):
    csv = "x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(40))
    dataset = load_dataset(make_recipe(tmp_path, csv=csv), observe(({"x": 5.0}, 2.5)))
    assert dataset.misfits == {"the outcome is no class like the table's": 1}


def test_what_the_model_predicted_when_it_had_another_target_is_left_out(tmp_path):
    dataset = load_dataset(make_recipe(tmp_path), observe(({"x": 5.0}, 2.5), of="z"))
    assert dataset.misfits == {"it is an outcome of z": 1}


def test_an_outcome_without_a_logarithm_is_left_out_where_the_recipe_needs_one(tmp_path):
    table = "x,y\n" + "".join(f"{i},{i + 1}.5\n" for i in range(60))
    recipe = make_recipe(tmp_path, toml=LINE + 'target_transform = "log"\n', csv=table)
    dataset = load_dataset(recipe, observe(({"x": 99}, 7.0), ({"x": 99}, 0.0)))
    assert dataset.outcomes == 1
    assert dataset.misfits == {"the outcome is 0 or less, which has no logarithm": 1}


def test_outcomes_that_all_do_not_fit_change_nothing(tmp_path):
    recipe = make_recipe(tmp_path)
    dataset = load_dataset(recipe, observe(({}, 1.0)))
    assert describe(dataset) == describe(load_dataset(recipe))
    assert np.array_equal(dataset.from_table, np.ones(100, dtype=bool))
