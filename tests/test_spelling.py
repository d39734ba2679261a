"""What the author reads as one value counts as one: in training, hold-out and comparisons, and where it is typed."""

import json

import numpy as np
import polars as pl
import pytest
from django.core.management import call_command

from predictor.exceptions import CannotCompare, InvalidValue, RecipeError
from predictor.models import Version
from predictor.schema.schema import Schema
from predictor.training.contest import Champion, hold_contest
from predictor.training.dataset import describe_target, load_dataset
from predictor.training.evaluation import fit_model
from predictor.training.pipeline import build_pipeline
from predictor.training.recipe import read_recipe
from tests.recipes import LINE, make_recipe, write_recipe
from tests.test_observed import observe

WHOLE = LINE + "holdout = 0\n"
ROWS = [
    *("1.5,3,Bonn,true,01,1", "-999,,Ulm,false,1.0,2", "0.25,4, Bonn,TRUE,02,3", "-0.0,5,nil,,03,4"),
]
TABLE = "\n".join(["size,rooms,town,tagged,code,y", *ROWS, ""])
# What former builds hashed for these rows: held-out rows would be trained on if it changed.
HASHES = [0xFDFA642F0CCFCE54, 0x4973E4C96E50DF1D, 0xE996ABF0DA99F366, 0x914467B8E448F4D2]
MISSING = '[features.size]\nmissing = [-999]\n[features.town]\nmissing = ["nil"]\n'
MERGE = '[features.town]\nmerge = { Bonn = [" Bonn", "BONN"] }\n'


def load(tmp_path, keys="", csv=TABLE, toml=WHOLE, **options):
    return load_dataset(make_recipe(tmp_path, toml=toml + keys, csv=csv), **options)


@pytest.mark.parametrize(
    "keys", ["", '[features.size]\nmissing = ["none", -1]\n', '[features.town]\nmerge = { Kiel = ["KIEL"] }\n']
)
def test_rows_without_such_values_hash_as_former_builds_hashed_them(tmp_path, keys):
    assert load(tmp_path, keys).hashes.tolist() == HASHES


def test_what_means_missing_hashes_as_an_empty_cell(tmp_path):
    empty = TABLE.replace("-999,", ",").replace("nil", "")
    marked, plain = load(tmp_path, MISSING), load(tmp_path, csv=empty)
    assert marked.hashes.tolist() == plain.hashes.tolist() != HASHES
    assert marked.matrix.tobytes() == plain.matrix.tobytes()


def test_merged_spellings_hash_as_the_one_that_they_are_merged_into(tmp_path):
    united = load(tmp_path, csv=TABLE.replace(" Bonn", "Bonn"))
    assert load(tmp_path, MERGE).hashes.tolist() == united.hashes.tolist() != HASHES


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "nil", "3"], "integer"),
        (["1.5", " nil", "-999.0"], "number"),
        ([1, -999, 3], "integer"),
        ([1.5, -999.0, 3.0], "number"),
        (["true", "nil", "false"], "boolean"),
    ],
)
def test_a_column_is_of_the_kind_of_its_other_values(tmp_path, values, kind, ending):
    folder = write_recipe(
        tmp_path, toml=WHOLE.replace("data.csv", f"data.{ending}") + '[features.x]\nmissing = ["nil", -999]\n'
    )
    table, file = pl.DataFrame({"x": values, "y": [1.0, 2.0, 3.0]}), folder / "line" / f"data.{ending}"
    {"csv": table.write_csv, "parquet": table.write_parquet, "jsonl": table.write_ndjson}[ending](file)
    dataset = load_dataset(read_recipe(folder, "line"))
    assert dataset.schema.features[0].kind == kind
    assert not dataset.schema.features[0].required
    assert np.isnan(dataset.matrix).sum() == sum(str(value).strip() in ("nil", "-999", "-999.0") for value in values)


def test_decimal_commas_are_read_next_to_a_text_that_means_missing(tmp_path):
    dataset = load(tmp_path, '[features.x]\nmissing = ["nil"]\n', csv='x,y\n"0,5",1\nnil,2\n"1,234",3\n')
    np.testing.assert_array_equal(dataset.matrix[:, 0], [0.5, np.nan, 1.234])


def test_a_target_that_means_missing_is_left_out(tmp_path):
    dataset = load(tmp_path, '[features.y]\nmissing = [-1, "?"]\n', csv="x,y\n1,2\n2,-1\n3,?\n4,5\n")
    assert (dataset.target.tolist(), dataset.left_out) == ([2.0, 5.0], 2)


@pytest.mark.parametrize("raw", [-999, -999.0, "-999", " -999.0 ", "−999", "nil", ""])
def test_what_means_missing_is_missing_where_it_is_typed_or_sent(tmp_path, raw):
    schema = load(tmp_path, '[features.size]\nmissing = [-999, "nil"]\n').schema
    for read in (schema, Schema.from_json(schema.to_json())):
        assert read.features[0].parse(raw) is None
        assert read.features[0].parse("-99") == -99


def test_what_means_missing_is_refused_where_a_value_is_required(tmp_path):
    feature = load(tmp_path, "[features.rooms]\nmissing = [9]\n", csv="rooms,y\n1,2\n3,4\n").schema.features[0]
    with pytest.raises(InvalidValue, match="A value is needed: give a whole number"):
        feature.parse("9")


def test_a_merged_spelling_is_its_choice_where_it_is_typed_or_sent(tmp_path):
    schema = load(tmp_path, MERGE).schema
    town = Schema.from_json(schema.to_json()).features[2]
    assert (town.choices, town.parse("BONN"), town.parse(" Bonn")) == (("Bonn", "Ulm", "nil"), "Bonn", "Bonn")
    assert town.convert("BONN") == "Bonn"
    with pytest.raises(InvalidValue, match="not a choice"):
        town.parse("bonn")


def test_merged_classes_are_one_class_also_in_outcomes(tmp_path):
    toml = f'{WHOLE}[features.y]\nmerge = {{ yes = ["YES", "yes "], no = ["No"] }}\n'
    csv = "x,y\n1,yes\n2,YES\n3,No\n4,yes \n5,no\n"
    dataset = load(tmp_path, csv=csv, toml=toml, observed=observe(({"x": 7}, "YES"), ({"x": 8}, "no")))
    assert dataset.schema.target.classes == ("no", "yes")
    assert dataset.target.tolist() == [1, 1, 0, 1, 0, 1, 0]


@pytest.mark.parametrize("new_classes", [True, False])
def test_a_merged_class_is_its_class_where_an_outcome_is_recorded(tmp_path, new_classes):
    toml = f"{WHOLE}[features.y]\nmerge = {{ yes = ['YES', 'yes '], no = ['No'] }}\nmissing = ['?']\n"
    schema = load(tmp_path, csv="x,y\n1,yes\n2,YES\n3,No\n4,?\n", toml=toml).schema
    target = Schema.from_json(json.loads(json.dumps(schema.to_json()))).target
    assert target == schema.target
    parsed = [target.parse(raw, new_classes=new_classes) for raw in ("YES", "yes ", "no", "No")]
    assert parsed == ["yes", "yes", "no", "no"]
    with pytest.raises(InvalidValue, match="A value is needed: give one of “no”, “yes”"):
        target.parse("?", new_classes=new_classes)


def test_an_outcome_that_means_missing_is_refused_in_the_unit_of_the_data_alone(tmp_path):
    toml = f'{WHOLE}[features.y]\nmissing = [-1]\n[output]\nscale = 0.5\nunit = "m"\n'
    target = describe_target(*load_both(tmp_path, toml)).schema.target
    with pytest.raises(InvalidValue, match="A value is needed"):
        target.parse("-1.0")
    assert target.parse("-1", shown=True) == -2


def load_both(tmp_path, toml):
    recipe = make_recipe(tmp_path, toml=toml, csv="x,y\n1,2\n2,3\n3,-1\n")
    return recipe, load_dataset(recipe)


def test_recorded_inputs_are_read_as_the_table_is(tmp_path):
    old = {"size": -999.0, "rooms": 3, "town": "BONN", "tagged": True, "code": 1.0}
    keys = "[features.size]\nmissing = [-999]\n" + MERGE
    dataset = load(tmp_path, keys, observed=observe((old, 5.0)))
    written = load(tmp_path, keys, csv=TABLE + "-999,3,Bonn,true,1,5\n")
    assert dataset.hashes.tolist() == written.hashes.tolist()
    assert dataset.matrix.tobytes() == written.matrix.tobytes()


def test_the_json_of_features_without_such_keys_has_none_of_them(tmp_path):
    plain, marked = (
        load(tmp_path).schema.to_json(),
        load(tmp_path, MISSING + 'merge = { Bonn = [" Bonn"] }').schema.to_json(),
    )
    assert "reading" not in plain
    assert all(not {"missing", "merge"} & set(feature) for feature in [*plain["features"], *marked["features"]])
    assert marked["reading"] == {
        "size": {"missing": ("-999",)},
        "town": {"missing": ("nil",), "merge": {" Bonn": "Bonn"}},
    }


@pytest.mark.parametrize("keys", [("", "missing = [-1]"), ("missing = [-1]", ""), ("missing = [-1]", "missing = [-2]")])
def test_versions_that_read_values_in_other_ways_cannot_be_compared(tmp_path, keys):
    csv = "x,y\n" + "".join(f"{i / 10},{2 * i}\n" for i in range(100))
    toml = LINE + '[estimator]\nclass = "sklearn.linear_model.Ridge"\n[features.x]\n'
    sides = []
    for key in keys:
        recipe = make_recipe(tmp_path, toml=toml + key, csv=csv)
        dataset = load_dataset(recipe)
        sides.append((dataset, fit_model(build_pipeline(recipe, dataset.schema), dataset, dataset.training)))
    (old, fitted), (new, challenger) = sides
    champion = Champion(number=3, schema=old.schema, names=["x"], share=0.2, estimator=fitted, canonical=old.canonical)
    with pytest.raises(CannotCompare) as refused:
        hold_contest(new, 0.2, challenger, champion, "rmse")
    assert refused.value.cause == "version 3 reads 'x' by another `missing`, and so holds out other rows"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("missing = []", "features.x.missing: must be"),
        ("missing = 5", "features.x.missing: must be an array"),
        ("missing = [true]", "features.x.missing"),
        ("merge = 'a'", "features.x.merge: must be a table"),
        ("merge = { a = 'b' }", "features.x.merge"),
        ("merge = { a = ['b'], c = ['b'] }", "features.x.merge: 'b' is merged more than once: write it in one place."),
        ("merge = { a = ['b'], b = ['c'] }", "features.x.merge: 'b' is also a value to keep: write it in one place."),
        ("choices = ['b']\nmerge = { a = ['b'] }", "features.x.merge: 'b' is also a value to keep"),
        ("choices = ['b']\nmissing = ['b']", "features.x.missing: 'b' is also a value: write it in one place."),
    ],
)
def test_keys_that_contradict_each_other_are_named(tmp_path, keys, message):
    with pytest.raises(RecipeError) as refused:
        make_recipe(tmp_path, toml=f"{LINE}[features.x]\n{keys}\n")
    assert message in str(refused.value)


def test_a_retrain_with_a_new_key_cannot_be_compared_until_it_is_live(tmp_path, settings, capsys, db):
    toml = LINE + '[estimator]\nclass = "sklearn.linear_model.Ridge"\n[features.x]\n'
    csv = "x,y\n" + "".join(f"{-1 if i % 9 == 0 else i / 10},{2 * i + i % 5}\n" for i in range(200))

    def retrain(keys, *arguments):
        settings.MODELS_DIR = write_recipe(tmp_path, toml=toml + keys, csv=csv)
        call_command("retrain", "line", "--format", "json", *arguments)
        return json.loads(capsys.readouterr().out)[0]

    retrain("")
    kept = retrain("missing = [-1]\n")
    assert not kept["promoted"]
    assert "version 1 reads 'x' by another `missing`, and so holds out other rows" in kept["reason"]
    assert retrain("missing = [-1]\n", "--promote", "always")["promoted"]
    assert "predicts as version" in retrain("missing = [-1]\n")["reason"]
    one, *_, live = Version.objects.order_by("number")
    assert "canonical" not in one.split
    assert live.split["canonical"] == {"x": {"missing": ["-1"]}}
