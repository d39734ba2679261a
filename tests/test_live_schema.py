"""What is inferred otherwise than by earlier builds changes no model that is live."""

import json

import polars as pl
import pytest
from django.core.management import call_command

from predictor.models import Version
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.serving.runtime import load_runtime
from predictor.training.dataset import load_dataset
from predictor.training.live_schema import keep_labels
from tests.recipes import LINE, make_recipe, write_recipe

ROWS = 60
LINEAR = f'{LINE}[estimator]\nclass = "sklearn.linear_model.Ridge"\n'
LOGISTIC = LINEAR.replace("Ridge", "LogisticRegression")
COLUMNS = {
    "Unnamed: 0": range(ROWS),
    "whole": [f"{i % 7}.0" for i in range(ROWS)],
    "text": [f"text {i * 7 % 40}" for i in range(ROWS)],
    "b": [i * 13 % 60 / 8 for i in range(ROWS)],
}
# What earlier builds inferred, as keys of a recipe.
EARLIER = '\n[features.whole]\nkind = "number"\n[features.text]\nkind = "category"\n'


def write_table(target, **columns):
    written = {**COLUMNS, **columns, "y": target}
    lines = [",".join(map(str, row)) for row in zip(*written.values(), strict=True)]
    return "\n".join([",".join(written), *lines, ""])


@pytest.fixture
def retrain(tmp_path, settings, capsys, db):
    """Retrain with the given recipe and table; return the command's result, and what it printed."""

    def call(toml, csv, *arguments):
        settings.MODELS_DIR = write_recipe(tmp_path, toml=toml, csv=csv)
        call_command("retrain", "line", "--format", "json", *arguments)
        printed = capsys.readouterr()
        return json.loads(printed.out)[0], printed.err

    return call


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("target", "toml", "task"),
    [
        ([i % 3 for i in range(ROWS)], LINEAR, "regression"),
        ([f"{i % 2}.0" for i in range(ROWS)], LINEAR, "regression"),
        (["yes", "no", "no"] * 20, LOGISTIC, "classification"),
    ],
    ids=["0, 1, 2", "0.0, 1.0", "texts"],
)
def test_the_next_retrain_of_a_live_model_predicts_the_same(retrain, target, toml, task):
    csv = write_table(target)
    first, _ = retrain(f'task = "{task}"\n{toml}{EARLIER}', csv, "--promote", "always")
    assert first["version"] == 1
    kinds = {feature.name: feature.kind for feature in Version.objects.get().parsed_schema.features}
    assert kinds == {"Unnamed: 0": "integer", "whole": "number", "text": "category", "b": "number"}

    again, printed = retrain(toml, csv)
    assert (again["version"], again["reason"]) == (None, "predicts as version 1, which is live: nothing to register")
    assert "whole: the kind is number, as in the live version; without one, it would now be integer." in printed
    assert "text: the kind is category, as in the live version; without one, it would now be refused" in printed
    assert 'Write exclude = true to leave it out, or kind = "category" to keep it, below [features.<column>]' in printed
    assert "Unnamed: 0: it numbers the rows, so it has no meaning for a new one; exclude it" in printed
    if task == "regression":
        assert (
            "y: the task is regression, as in the live version; without one, it would now be classification." in printed
        )

    forced, _ = retrain(toml, csv, "--force", "--promote", "always")
    assert forced["version"] == 2
    one, two = Version.objects.order_by("number")
    assert two.parsed_schema == one.parsed_schema
    row = {"Unnamed: 0": 3, "whole": 2.5, "text": "text 3", "b": 1.5}
    before, after = [load_runtime(v).answer([v.parsed_schema.parse(row)])[0] for v in (one, two)]
    assert before == after


def test_the_line_that_is_named_is_enough(retrain):
    csv = write_table([i % 3 for i in range(ROWS)])
    retrain(f'task = "regression"\n{LINEAR}{EARLIER}', csv, "--promote", "always")
    excluded = '[features.text]\nexclude = true\n[features."Unnamed: 0"]\nexclude = true\n'
    lines = f'\n[features.whole]\nkind = "integer"\n{excluded}'
    done, printed = retrain(f'task = "classification"\n{LOGISTIC}{lines}', csv, "--promote", "always")
    assert done["version"] == 2
    assert "as in the live version" not in printed
    schema = Version.objects.get(number=2).parsed_schema
    assert [(feature.name, feature.kind) for feature in schema.features] == [("whole", "integer"), ("b", "number")]
    assert schema.target.classes == (0, 1, 2)


def test_a_first_version_is_inferred_as_today(retrain):
    csv = write_table([f"{i % 3}.0" for i in range(ROWS)], text=["u", "v"] * 30)
    retrain(LOGISTIC, csv, "--promote", "always")
    schema = Version.objects.get().parsed_schema
    kinds = {feature.name: feature.kind for feature in schema.features}
    assert kinds == {"Unnamed: 0": "integer", "whole": "integer", "text": "category", "b": "number"}
    assert schema.target.classes == (0, 1, 2)


def test_a_first_version_with_free_text_is_refused_with_the_lines_to_write(retrain, tmp_path):
    with pytest.raises(Exception, match="line failed"):
        retrain(LINEAR, write_table(COLUMNS["b"]))
    assert not Version.objects.exists()


ALL = f"{LINE}holdout = 0\n"


def load_live(tmp_path, csv, toml=ALL, live_toml=ALL, live_csv=None):
    """Load a table as a retrain would of a model whose live version was made from another recipe and table."""
    live = load_dataset(make_recipe(tmp_path, toml=live_toml, csv=live_csv or csv)).schema
    return load_dataset(make_recipe(tmp_path, toml=toml, csv=csv), live=live)


def make_csv(xs, ys=None):
    return "x,y\n" + "".join(f"{x},{y}\n" for x, y in zip(xs, ys or [i / 7 for i in range(len(xs))], strict=True))


WHOLE = [i * 7 % 60 for i in range(ROWS)]


@pytest.mark.parametrize(
    ("kind", "xs", "kept"),
    [
        ("number", WHOLE, "number"),
        ("integer", WHOLE, "integer"),
        ("category", [i % 5 for i in WHOLE], "category"),
        ("boolean", [i % 2 for i in WHOLE], "boolean"),
        ("integer", ["true", "false"] * 30, "integer"),
    ],
)
def test_a_kind_is_kept_where_the_data_fit_it(tmp_path, kind, xs, kept):
    live_toml = f'{ALL}\n[features.x]\nkind = "{kind}"\n'
    assert load_live(tmp_path, make_csv(xs), live_toml=live_toml).schema.features[0].kind == kept


@pytest.mark.parametrize(
    ("kind", "before", "xs", "kind_now"),
    [
        ("integer", WHOLE, [i + 0.5 for i in WHOLE], "number"),
        ("boolean", ["true", "false"] * 30, WHOLE, "integer"),
        ("category", [i % 5 for i in WHOLE], [i / 8 for i in WHOLE], "number"),
        ("number", WHOLE, ["u", "v"] * 30, "category"),
    ],
)
def test_what_the_data_no_longer_fit_is_inferred_anew(tmp_path, kind, before, xs, kind_now):
    live_toml = f'{ALL}\n[features.x]\nkind = "{kind}"\n'
    dataset = load_live(tmp_path, make_csv(xs), live_toml=live_toml, live_csv=make_csv(before))
    assert dataset.schema.features[0].kind == kind_now
    assert dataset.notes == []


SENTENCES = [f"this is sentence {i}" for i in range(ROWS)]


@pytest.mark.parametrize(
    ("kind", "xs", "now"),
    [("category", SENTENCES, "text"), ("text", ["same words again", "and other ones"] * 30, "category")],
)
def test_a_live_category_of_sentences_stays_one_and_a_live_text_too(tmp_path, kind, xs, now):
    dataset = load_live(tmp_path, make_csv(xs), live_toml=f'{ALL}\n[features.x]\nkind = "{kind}"\n')
    assert dataset.schema.features[0].kind == kind
    [note] = [each for each in dataset.notes if "live version" in each]
    assert note == (
        f"x: the kind is {kind}, as in the live version; without one, it would now be {now}."
        f' Write kind = "{now}" to have that, or kind = "{kind}" to keep it, below [features.<column>]'
    )


@pytest.mark.parametrize("line", ['kind = "integer"', "choices = [{}]".format(", ".join(map(str, range(60))))])
def test_the_recipe_goes_before_the_live_version(tmp_path, line):
    before = f'{ALL}\n[features.x]\nkind = "number"\n'
    dataset = load_live(tmp_path, make_csv(WHOLE), toml=f"{ALL}\n[features.x]\n{line}\n", live_toml=before)
    assert dataset.schema.features[0].kind == ("integer" if "kind" in line else "category")
    assert dataset.notes == []


def test_a_target_of_free_text_stays_what_it_is(tmp_path):
    csv = make_csv(WHOLE, [f"text {i}" for i in range(ROWS)])
    dataset = load_live(tmp_path, csv, live_toml=f'{ALL}task = "classification"\n')
    assert len(dataset.schema.target.classes) == ROWS
    [note] = dataset.notes
    assert note.endswith('now be refused, since most of its texts differ. Write task = "classification" to keep it')


def test_many_columns_that_stay_are_said_in_one_note(tmp_path):
    names = [f"c{i}" for i in range(9)]
    csv = (
        ",".join([*names, "y"])
        + "\n"
        + "".join(f"{','.join(f'{i * 7 % 60}.0' for _ in names)},{i / 7}\n" for i in range(ROWS))
    )
    live_toml = ALL + "".join(f'\n[features.{name}]\nkind = "number"' for name in names)
    [note] = load_live(tmp_path, csv, live_toml=live_toml).notes
    assert note.startswith("c0, c1, c2, c3, c4 and 4 more: the kind is number, as in the live version")


def test_another_target_is_inferred_anew(tmp_path):
    csv = "x,z,y\n" + "".join(f"{i * 7 % 60},{i % 3},{i / 7}\n" for i in range(ROWS))
    other = ALL.replace('target = "y"', 'target = "z"')
    assert load_live(tmp_path, csv, toml=other).schema.target.task == "classification"


@pytest.mark.parametrize(
    ("labels", "now", "kept"),
    [
        ((0, 1, 2), ["2", "0", "01"], [2, 0, 1]),
        ((0, 1), [True, False], [1, 0]),
        ((False, True), [1, 0], [True, False]),
        ((False, True), ["1", "0"], [True, False]),
        (("0", "1", "x"), [1, 0], ["1", "0"]),
        (("a", "b"), ["c", "a"], ["c", "a"]),
        ((0, 1), ["a", "1"], ["a", "1"]),
        ((False, True), [0, 2], [0, 2]),
        ((0, 1), ["0.5", "1"], ["0.5", "1"]),
    ],
)
def test_labels_keep_the_type_of_the_live_versions_where_they_can(tmp_path, labels, now, kept):
    live = Target(name="y", label="y", task="classification", classes=labels)
    recipe = make_recipe(tmp_path, toml=f'{LINE}\ntask = "classification"')
    found = keep_labels(recipe, pl.Series("y", now), live).to_list()
    assert found == kept
    assert [type(label) for label in found] == [type(label) for label in kept]


def test_a_quantity_is_never_made_a_label(tmp_path):
    live = Target(name="y", label="y", task="classification", classes=("0", "1"))
    recipe = make_recipe(tmp_path, toml=f'{LINE}\ntask = "regression"')
    assert keep_labels(recipe, pl.Series("y", [1, 2]), live).to_list() == [1, 2]


def test_a_schema_as_earlier_builds_stored_it_is_read(tmp_path):
    """Pinned: a target 0.0, 1.0 and a feature of whole decimals as they were before both were whole numbers."""
    feature = {
        "name": "x",
        "kind": "number",
        "label": "x",
        "unit": "",
        "help": "",
        "required": True,
        "minimum": None,
        "maximum": None,
        "choices": [],
        "seen": [0.0, 59.0],
        "typical": 29.0,
    }
    target = {"name": "y", "label": "y", "task": "regression", "unit": "", "classes": []}
    live = Schema.from_json({"features": [feature], "target": target})
    csv = make_csv([f"{i}.0" for i in WHOLE], [f"{i % 2}.0" for i in range(ROWS)])
    schema = load_dataset(make_recipe(tmp_path, csv=csv), live=live).schema
    assert (schema.features[0].kind, schema.target.task) == ("number", "regression")
