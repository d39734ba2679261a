import gzip
import json
import random
import re
import tomllib

import msgspec
import numpy as np
import polars as pl
import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from predictor.exceptions import DatasetError, InvalidValue, MlsiteError, RecipeError
from predictor.management.commands.startmodel import Command
from predictor.texts import make_printable
from predictor.training.dataset import describe_target, load_dataset
from predictor.training.drafting.draft import write_report
from predictor.training.drafting.folder import copy_table, start_model
from predictor.training.drafting.labels import make_label
from predictor.training.drafting.selection import DEFAULT_ESTIMATORS
from predictor.training.evaluation import evaluate_model, fit_model
from predictor.training.pipeline import build_pipeline
from predictor.training.recipe import read_recipe
from predictor.training.writing import write_key, write_string
from tests.texts import make_spam

ROWS = 60
RANDOM = random.Random(5)  # noqa: S311  # Nothing secret hangs on it.
NOISE = [round(RANDOM.gauss(0, 1), 3) for _ in range(ROWS)]
TARGET = [round(RANDOM.gauss(0, 1), 3) for _ in range(ROWS)]
CLASSES = [RANDOM.choice(["no", "yes"]) for _ in range(ROWS)]
LINEAR = "sklearn.linear_model.LinearRegression"
LOGISTIC = "sklearn.linear_model.LogisticRegression"


@pytest.fixture
def start(tmp_path):
    """Begin a model from a table's columns, and give its draft, recipe and model.toml."""

    def call(columns, *, target="y", estimator=LINEAR, slug="made"):
        table = tmp_path / "table.csv"
        pl.DataFrame(columns).write_csv(table)
        draft = start_model(tmp_path / "ml_models", slug, table, target, estimator)
        recipe = read_recipe(tmp_path / "ml_models", slug)
        return draft, recipe, recipe.file.read_text(encoding="utf-8")

    return call


def doubts_of(draft, name="a"):
    return " ".join(map(str, next(finding for finding in draft.findings if finding.name == name).doubts))


DOUBTFUL = {
    "its name looks like an id": {"customer_id": [1, 2] * 30},
    "every row has a different whole number": {"a": RANDOM.sample(range(10_000), ROWS)},
    "it always has the same value": {"a": ["x"] * ROWS},
    "it always has the same value or is empty": {"a": [3.5] * 50 + [None] * 10},
    "it predicts the target almost perfectly": {"a": [2.2 * y + 1 for y in TARGET]},
    "-999 occurs 5 times, far from all other values: if it means missing, write missing = [-999]": {
        "a": [-999.0 if i % 12 == 0 else abs(noise) for i, noise in enumerate(NOISE)]
    },
    "-9999 occurs 5 times, far from all other values": {
        "a": [-9999.0 if i % 12 == 0 else noise for i, noise in enumerate(NOISE)]
    },
    "its numbers may be dates, such as 20240101: then write": {"a": [20240101 + i % 31 for i in range(ROWS)]},
    "it contains dates": {"a": [["2024-01-15", "15.02.2024"][i % 2] for i in range(ROWS)]},
}


@pytest.mark.parametrize("doubt", DOUBTFUL)
def test_a_doubt_is_a_comment_and_the_column_stays_a_feature(start, doubt):
    [(name, values)] = DOUBTFUL[doubt].items()
    draft, recipe, toml = start({name: values, "b": NOISE, "y": TARGET})
    assert doubt in doubts_of(draft, name)
    assert doubts_of(draft, "b") == ""
    block = toml.partition(f"[features.{name}]")[2].partition("[features.b]")[0]
    assert f"# Doubt: {doubt}" in block
    assert "\n# exclude = true\n" in block
    assert load_dataset(recipe).schema.names == [name, "b"]
    uncommented = toml.replace("\n# exclude = true\n", "\nexclude = true\n")
    recipe.file.write_text(uncommented)
    assert load_dataset(read_recipe(recipe.folder.parent, "made")).schema.names == ["b"]


@pytest.mark.parametrize(
    "column",
    [
        pytest.param({"paid": [i % 7 for i in range(ROWS)]}, id="a name that only ends in id"),
        pytest.param({"a": [i % 2 == 0 for i in range(ROWS)], "b": NOISE}, id="a yes or no"),
        pytest.param({"a": [f"2.{i % 9}" for i in range(ROWS)]}, id="numbers with a dot"),
        pytest.param({"a": [f"version {i % 9}" for i in range(ROWS)]}, id="a few texts"),
        pytest.param({"a": [y + 0.3 * noise for y, noise in zip(TARGET, NOISE, strict=True)]}, id="a good feature"),
    ],
)
def test_an_honest_column_is_not_doubted(start, column):
    draft, _, _ = start({**column, "y": TARGET})
    assert draft.findings[0].doubts == ()


@pytest.mark.parametrize(
    "column",
    [
        {"a": ["1/2/2024", "13/2/2024"] * 30},
        {"a": ["2/1/2024", "2/13/2024"] * 30},
        {"a": ["1.2.2024", "30.11.2023"] * 30},
        {"a": ["2024-01-31 12:30", "2023-12-01 00:00"] * 30},
        {"a": ["2024-01-31T12:30:00Z", None, "2023-12-01T00:00:00Z"] * 20},
        {"a": ["5 Jan 2024", "17 Mar 2023"] * 30},
        {"a": ["Jan 5, 2024", "Mar 17, 2023"] * 30},
    ],
)
def test_dates_are_known_in_their_usual_forms(start, column):
    draft, _, _ = start({**column, "b": NOISE, "y": TARGET})
    assert draft.findings[0].kind.startswith("dates")
    assert draft.findings[0].doubts == ()


@pytest.mark.parametrize(
    "column",
    [
        pytest.param([float(label == "yes") for label in CLASSES], id="the same as a number"),
        pytest.param([label.upper() for label in CLASSES], id="the same in other letters"),
        pytest.param([i if label == "yes" else None for i, label in enumerate(CLASSES)], id="its gaps tell"),
        pytest.param([50 + i if label == "yes" else -i for i, label in enumerate(CLASSES)], id="a threshold tells"),
    ],
)
def test_a_column_that_tells_the_class_by_itself_is_doubted(start, column):
    draft, _, _ = start({"a": column, "b": NOISE, "y": CLASSES}, estimator=LOGISTIC)
    assert "predicts the target almost perfectly" in doubts_of(draft)
    assert doubts_of(draft, "b") == ""


@pytest.mark.parametrize(
    ("target", "doubt"),
    [
        ([*TARGET[:-3], None, None, None], "3 rows have no value in the target"),
        (TARGET[:20], "20 rows are few to train on"),
        (TARGET[:29], "29 rows are few to train on"),
        ([i % 5 + 3 for i in range(ROWS)], "the target has 5 different numbers: if they are classes, write task ="),
        ([i % 5 for i in range(ROWS)], "the target is whole numbers from 0 to 4, taken for classes: if they are"),
        ([f"class {i % 60}" for i in range(2 * ROWS)], "the target has 60 classes"),
        (["rare", *CLASSES[1:]], "the class “rare” has one row"),
        (["yes"] * 57 + ["no"] * 3, "95.0\u00a0% of the rows are “yes”"),
    ],
)
def test_a_doubt_about_the_target_is_said_at_the_top(start, target, doubt):
    estimator = LOGISTIC if isinstance(target[0], str) or "taken for classes" in doubt else LINEAR
    draft, _, toml = start({"b": (NOISE + NOISE[::-1])[: len(target)], "y": target}, estimator=estimator)
    assert any(doubt in each.text for each in draft.doubts)
    assert f"# Doubt: {doubt}" in toml.partition("title =")[0]
    assert doubt in write_report(draft)


def test_30_rows_are_not_doubted(start):
    assert start({"b": NOISE[:30], "y": TARGET[:30]})[0].doubts == ()


def test_thousands_of_texts_are_doubted_although_each_comes_several_times(start):
    rows = range(4_000)
    columns = {"a": [f"text {i % 1_200}" for i in rows], "b": [i % 7 for i in rows], "y": [i % 11 / 3 for i in rows]}
    assert doubts_of(start(columns)[0]).startswith("1200 different texts in 4000 rows, like free text")


@pytest.mark.parametrize("estimator", [None, LINEAR])
def test_a_good_table_raises_no_doubt(start, estimator):
    draft, _, toml = start({"a": CLASSES, "b": NOISE, "y": TARGET}, estimator=estimator)
    assert "oubt" not in toml
    assert "Doubt" not in write_report(draft)


@pytest.mark.parametrize(
    ("name", "values", "cause"),
    [
        ("empty", [None] * ROWS, "the column is empty"),
        ("slip", ["broken", *map(str, NOISE[1:])], "59 values are numbers, but 'broken' is not"),
        ("infinite", [float("inf"), *NOISE[1:]], "1 row contains a number beyond"),
        ("csrfmiddlewaretoken", NOISE, "every form has a field with this name"),
        ("Unnamed: 0", range(ROWS), "it numbers the rows, so it has no meaning for a new one."),
        ("text", [f"text {i % 40}" for i in range(ROWS)], "40 different texts in 60 rows are free text: as a category"),
        (
            "when",
            ["15.02.2024", *(f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}" for i in range(1, ROWS))],
            "the other values are dates, but '15.02.2024' is not",
        ),
        (
            "when",
            [f"2024-01-{i + 1:02}" for i in range(ROWS // 2)] + [f"{i + 1:02}.03.2024" for i in range(ROWS // 2)],
            "it contains dates, but not all in one form",
        ),
        (
            "when",
            [f"0{i % 9 + 1}/0{i // 9 % 9 + 1}/2024" for i in range(ROWS)],
            "it contains dates that can be read in 2",
        ),
    ],
)
def test_what_is_left_out_is_said_first_with_its_cause(start, name, values, cause):
    draft, recipe, toml = start({name: values, "b": NOISE, "y": TARGET})
    assert write_report(draft).startswith("LEFT OUT, by `exclude = true` in model.toml:\n")
    assert f"exclude = true  # Left out, since {cause}" in toml
    assert re.search(f"LEFT OUT.*\n  {name}: {re.escape(cause)}", write_report(draft))
    assert load_dataset(recipe).schema.names == ["b"]


def test_a_column_of_texts_is_written_said_and_compared_by_trees_and_linear_models(start):
    draft, recipe, toml = start(
        {**make_spam(), "name": [f"Ada{i}" for i in range(200)]}, target="label", estimator=None
    )
    assert {name: feature.kind for name, feature in recipe.features.items() if feature.kind} == {"message": "text"}
    linear = [f"linear model{penalty}" for penalty in ("", " with C = 3", " with C = 100")]
    assert [each.candidate.name for each in draft.selection.measured] == ["boosted trees", *linear]
    why = "most values differ and have several words, so the model is trained on these"
    assert f"# 200 different texts of up to {max(map(len, make_spam()['message']))} characters." in toml
    assert f'# {why.capitalize()}.\nkind = "text"\n' in toml
    assert f"\n  message: {why}\n" in write_report(draft)
    assert 'as a category, pages would list them all; kind = "text" would train on its words.' in toml
    assert [feature.name for feature in load_dataset(recipe).schema.features] == ["message", "sent"]


@pytest.mark.parametrize(("target", "path"), [("label", LOGISTIC), ("sent", "sklearn.linear_model.Ridge")])
def test_on_texts_alone_the_recipe_has_a_linear_model(start, target, path):
    _, recipe, _ = start({name: make_spam()[name] for name in ("message", target)}, target=target, estimator=None)
    assert recipe.estimator.path == path


def test_a_row_without_a_target_leaves_the_row_numbers_what_they_are(start):
    _, recipe, toml = start({"case": range(ROWS), "b": NOISE, "y": [None, *TARGET[1:]]})
    assert recipe.features["case"].exclude
    assert toml.count("exclude = true") == 1


def test_the_only_feature_stays_although_it_counts_the_rows(start):
    _, recipe, _ = start({"day": range(ROWS), "y": TARGET})
    assert load_dataset(recipe).schema.names == ["day"]


def test_categories_that_would_not_fit_into_memory_are_left_out_in_the_open(start):
    rows = 24_000
    texts = pl.Series([f"text {i % 250}" for i in range(rows)])
    columns = {f"a{i}": texts for i in range(21)} | {"b": [i % 90 for i in range(rows)]}
    _, recipe, toml = start({**columns, "y": [(i * 7919) % 1000 for i in range(rows)]})
    reason = "since its 250 categories, with those of other columns, make a matrix of 1.0 GB"
    assert toml.count(f"exclude = true  # Left out, {reason}") == 1
    assert len(load_dataset(recipe).schema.names) == 21


def test_a_folder_that_cannot_be_made_is_an_error_with_its_cause(tmp_path):
    (tmp_path / "ml_models").write_text("")
    with pytest.raises(RecipeError, match="ml_models/made cannot be created: "):
        start_model(tmp_path / "ml_models", "made", tmp_path / "table.csv", "y")


@pytest.mark.parametrize(
    ("target", "estimator", "line", "task"),
    [
        (TARGET, None, "# The task is regression.", "regression"),
        (CLASSES, None, "# The task is classification.", "classification"),
        ([i % 5 + 3 for i in range(ROWS)], None, '# task = "classification"', "regression"),
        ([i % 5 + 3 for i in range(ROWS)], LINEAR, '# task = "classification"', "regression"),
        ([i % 5 + 3 for i in range(ROWS)], LOGISTIC, 'task = "classification"  # The estimator', "classification"),
        ([i % 5 for i in range(ROWS)], None, '# task = "regression"', "classification"),
        ([i % 5 for i in range(ROWS)], LOGISTIC, '# task = "regression"', "classification"),
        ([i % 5 for i in range(ROWS)], LINEAR, 'task = "regression"  # The estimator', "regression"),
        ([i % 2 + 0.0 for i in range(ROWS)], None, '# task = "regression"', "classification"),
        ([i % 2 for i in range(ROWS)], None, '# task = "regression"', "classification"),
        ([i % 2 for i in range(ROWS)], LINEAR, 'task = "regression"  # The estimator', "regression"),
    ],
)
def test_the_recipe_says_which_task_was_chosen_and_how_to_change_it(start, target, estimator, line, task):
    draft, recipe, toml = start({"b": NOISE, "y": target}, estimator=estimator)
    assert f"\n{line}" in toml
    assert draft.target.task == task
    assert load_dataset(recipe).schema.target.task == task


@pytest.mark.parametrize("target", [[i % 5 + 3 for i in range(ROWS)], [i % 5 for i in range(ROWS)]])
def test_the_lines_for_another_task_work_once_they_are_uncommented(start, target):
    draft, recipe, toml = start({"b": NOISE, "y": target}, estimator=None)
    kept, _, others = toml.partition("\n# For ")
    other_lines = re.findall(r"# ((?:class|params) = .+)", others)
    kept = kept.partition("\n[estimator]")[0].replace("# task = ", "task = ")
    recipe.file.write_text("\n".join([kept, "[estimator]", *other_lines]))
    changed = read_recipe(recipe.folder.parent, "made")
    assert changed.task == draft.other_task
    build_pipeline(changed, load_dataset(changed).schema)


def test_numbers_that_are_never_below_0_get_a_minimum_to_uncomment(start):
    _, recipe, toml = start({"b": NOISE, "y": [i % 7 for i in range(ROWS)]})
    recipe.file.write_text(toml.replace("# [output]\n# minimum", "[output]\nminimum"))
    changed = read_recipe(recipe.folder.parent, "made")
    assert describe_target(changed, load_dataset(changed)).schema.target.output.minimum == 0
    assert "minimum = 0" not in start({"b": NOISE, "y": TARGET}, slug="other")[2]


def test_words_and_units_are_proposed_where_they_mean_something(start):
    columns = {"b": NOISE, "c": ["x", "y"] * 30, "d": ["2026-03-01", "2026-03-02", "2026-04-01"] * 20}
    _, recipe, toml = start({**columns, "y": [i % 2 for i in range(ROWS)]}, estimator=LOGISTIC)
    assert toml.count("# unit = ") == 1
    recipe.file.write_text(toml.replace('# labels = { 0 = "…", 1 = "…" }', 'labels = { 0 = "no", 1 = "yes" }'))
    changed = read_recipe(recipe.folder.parent, "made")
    assert describe_target(changed, load_dataset(changed)).schema.target.listed == ["no (0)", "yes (1)"]


@pytest.mark.parametrize(
    ("columns", "arguments", "message"),
    [
        ({}, {"slug": "Made"}, "must be 1 to 50 lower-case letters"),
        ({}, {"slug": "../made"}, "must be 1 to 50 lower-case letters"),
        ({}, {"slug": "admin"}, "already a page of the site"),
        ({}, {"slug": "models"}, "already a page of the site"),
        ({}, {"target": "z"}, "table.csv: 'z' is not a column; the columns are 'b', 'y'."),
        ({}, {"estimator": "sklearn.linear_model.Nothing"}, "'sklearn.linear_model.Nothing' does not exist"),
        ({}, {"estimator": "os.system"}, "os.system' is not a class: write the path of a class with"),
        ({}, {"estimator": LOGISTIC}, "LogisticRegression does not do regression"),
        ({"y": CLASSES}, {"estimator": LINEAR}, "LinearRegression does not do classification"),
        ({}, {"estimator": "sklearn.cluster.KMeans"}, "KMeans does not do regression"),
        ({"y": [7.5] * ROWS}, {}, "table.csv: y: every row is 7.5; there is nothing to predict."),
        ({"y": ["a"] * ROWS}, {"estimator": LOGISTIC}, "every row is 'a'; at least two classes are needed"),
        ({"y": ["broken", *map(str, NOISE[1:])]}, {}, "table.csv: y: 59 values are numbers, but 'broken' is not"),
        ({"y": [None] * ROWS}, {}, "no row has a value in the target 'y'"),
        ({"y": [f"text {i}" for i in range(ROWS)]}, {"estimator": LOGISTIC}, "table.csv: y: 60 different texts in 60"),
        ({"b": [None] * ROWS}, {}, "no column but the target to train on. b: the column is empty"),
        ({"b": [1] * ROWS}, {}, "the rows are too few, or too much alike"),
        (
            {"b": NOISE[:9], "y": ["rare", *["yes"] * 8]},
            {"estimator": LOGISTIC},
            "the rows are too few, or too much alike",
        ),
    ],
)
def test_what_cannot_be_begun_is_refused_and_leaves_nothing_behind(start, tmp_path, columns, arguments, message):
    with pytest.raises(MlsiteError, match=re.escape(message)) as refused:
        start({"b": NOISE, "y": TARGET, **columns}, **arguments)
    assert ".start-" not in str(refused.value)
    assert list(tmp_path.glob("ml_models/*")) == []


def test_an_estimator_that_does_not_take_the_table_is_found_out_by_a_fit(start, tmp_path):
    with pytest.raises(
        RecipeError, match="estimator: IsotonicRegression could not be fitted: Isotonic regression input"
    ):
        start({"a": NOISE, "b": NOISE[::-1], "y": TARGET}, estimator="sklearn.isotonic.IsotonicRegression")
    assert not (tmp_path / "ml_models/made").exists()


@pytest.mark.parametrize("content", [b"", b"a,y\n", b"a,y\n1\n", b"\x00\x01\x02,\xff"])
def test_a_table_that_cannot_be_read_is_refused_by_its_own_name(tmp_path, content):
    table = tmp_path / "table.csv"
    table.write_bytes(content)
    for file in (table, tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(DatasetError, match=re.escape(str(file))) as refused:
            start_model(tmp_path / "ml_models", "made", file, "y")
        assert ".start-" not in str(refused.value)
    assert list(tmp_path.glob("ml_models/*")) == []


def test_a_folder_that_exists_is_never_touched(start, tmp_path):
    folder = tmp_path / "ml_models/made"
    folder.mkdir(parents=True)
    with pytest.raises(RecipeError, match="already exists"):
        start({"b": NOISE, "y": TARGET})
    assert list(folder.iterdir()) == []


def test_the_copy_has_the_bytes_of_the_table(start, tmp_path):
    _, recipe, _ = start({"b": NOISE, "y": TARGET})
    assert recipe.data_file.read_bytes() == (tmp_path / "table.csv").read_bytes()
    assert sorted(file.name for file in recipe.folder.iterdir()) == ["data.csv", "model.toml"]


def test_the_written_schedule_is_read_once_its_lines_are_uncommented(start):
    _, recipe, toml = start({"b": NOISE, "y": TARGET})
    assert recipe.schedule.timings == {}
    recipe.file.write_text(re.sub(r"^# (\[schedule\]|retrain = |monitor = )", r"\1", toml, flags=re.MULTILINE))
    assert read_recipe(recipe.folder.parent, recipe.slug).schedule.timings == {"retrain": "weekly", "monitor": "daily"}


def test_a_wide_table_has_blocks_only_for_columns_with_something_to_say(start):
    columns = {f"c{i}": RANDOM.sample(NOISE, ROWS) for i in range(300)}
    draft, recipe, toml = start({**columns, "id": range(ROWS), "empty": [None] * ROWS, "y": TARGET})
    assert set(recipe.features) == {"y", "id", "empty"}
    assert "# 300 more columns are features, without doubts." in toml
    assert "… and 252 more" in write_report(draft)
    assert len(load_dataset(recipe).schema.features) == 301


AWKWARD = [
    'we"ird',
    "a.b",
    "with space",
    "back\\slash",
    "größe",
    "日本",
    "🙂",
    "'",
    "#",
    "[x]",
    "a\nb",
    "\x7f",
    "true",
    "-",
]


def test_awkward_names_are_said_rightly(start):
    columns = {name: [y + i for y in RANDOM.sample(NOISE, ROWS)] for i, name in enumerate(AWKWARD)}
    _, recipe, toml = start({**columns, 'the "target"\t=': TARGET}, target='the "target"\t=')
    assert recipe.target == 'the "target"\t='
    assert load_dataset(recipe).schema.names == AWKWARD
    assert set(recipe.features) == {recipe.target, *AWKWARD}
    uncommented = re.sub(r"^# (label = )", r"\1", toml, flags=re.MULTILINE)
    assert [each["label"] for each in tomllib.loads(uncommented)["features"].values()] == [
        *map(make_label, [recipe.target, *AWKWARD])
    ]


@given(name=st.text(min_size=1), comment=st.text())
def test_any_text_is_a_valid_key_string_and_comment(name, comment):
    toml = f"# {make_printable(comment)}\n[features.{write_key(name)}]\nlabel = {write_string(name)}\n"
    assert tomllib.loads(toml) == {"features": {name: {"label": name}}}


@pytest.mark.parametrize("word", ["nil", "#DIV/0!", " Unknown ", "n.a."])
def test_a_word_for_missing_among_numbers_is_written_into_the_recipe(start, word):
    values = [word if i % 20 == 3 else str(i % 9) for i in range(ROWS)]
    draft, recipe, toml = start({"a": values, "b": NOISE, "y": TARGET})
    block = toml.partition("[features.a]")[2].partition("[features.b]")[0]
    assert f'\nmissing = ["{word.strip()}"]\n' in block
    assert f"  a: “{word.strip()}” means missing" in write_report(draft).splitlines()
    feature = load_dataset(recipe).schema.features[0]
    assert (feature.kind, feature.required, feature.parse(word)) == ("integer", False, None)


def test_a_word_for_missing_in_the_target_is_written_into_the_recipe(start):
    _, recipe, _ = start({"b": NOISE, "y": ["nil", *map(str, TARGET[1:])]})
    dataset = load_dataset(recipe)
    assert (dataset.schema.target.task, dataset.left_out, len(dataset.target)) == ("regression", 1, ROWS - 1)


@pytest.mark.parametrize("values", [["12 mm"] + ["1", "2"] * 29 + ["3"], ["nil"] * 40 + ["1", "2"] * 10])
def test_a_text_among_numbers_that_may_mean_anything_is_not_taken_for_missing(start, values):
    _, _, toml = start({"a": values, "b": NOISE, "y": TARGET})
    assert "\nmissing = " not in toml


def test_spellings_that_differ_in_case_or_blanks_are_doubted_and_united_by_the_line_that_is_proposed(start):
    smoker, city = ["Yes", "yes", "YES", "No", "No", "no "] * 10, ["Berlin", "Berlin", " Berlin", "BERLIN", "Bonn"] * 12
    draft, recipe, toml = start({"smoker": smoker, "city": city, "a": NOISE, "y": TARGET})
    assert "“No” is also written “no ”, and 1 value more in several ways: to unite them" in doubts_of(draft, "smoker")
    assert "“Berlin” is also written “ Berlin”, “BERLIN”: to unite them, write the line" in doubts_of(draft, "city")
    assert len(load_dataset(recipe).schema.features[0].choices) == 5
    recipe.file.write_text(toml.replace("# merge", "merge"))
    united = load_dataset(read_recipe(recipe.folder.parent, "made")).schema
    assert [feature.choices for feature in united.features[:2]] == [("No", "YES"), ("Berlin", "Bonn")]


def test_classes_that_differ_in_case_or_blanks_are_doubted_and_united_by_the_line_that_is_proposed(start):
    draft, recipe, toml = start({"a": NOISE, "y": ["yes", "No", "Yes", "no", "No ", "yes"] * 10}, estimator=LOGISTIC)
    assert any("is also written" in doubt.text for doubt in draft.doubts)
    recipe.file.write_text(toml.replace("# merge", "merge"))
    assert load_dataset(read_recipe(recipe.folder.parent, "made")).schema.target.classes == ("No", "yes")


def test_spellings_of_awkward_texts_can_be_united(start):
    values = ['a "b"', 'A "B"', "c = [d]\x7f", "C = [D]\x7f", "é", "É"] * 10
    _, recipe, toml = start({"a": values, "b": NOISE, "y": TARGET})
    recipe.file.write_text(toml.replace("# merge", "merge"))
    assert len(load_dataset(read_recipe(recipe.folder.parent, "made")).schema.features[0].choices) == 3


def test_codes_with_leading_zeros_stay_texts(start):
    draft, recipe, toml = start({"zip": ["01001", "02139", "60601"] * 20, "b": NOISE, "y": TARGET})
    assert '\nkind = "category"\n' in toml
    assert "  zip: codes with leading zeros stay texts" in write_report(draft).splitlines()
    feature = load_dataset(recipe).schema.features[0]
    assert (feature.kind, feature.choices, feature.parse("01001")) == ("category", ("01001", "02139", "60601"), "01001")
    with pytest.raises(InvalidValue):
        feature.parse("03333")


def test_thousands_of_categories_are_features(start):
    ids = [f"shop {i % 3000}" for i in range(60_000)]
    noise = np.random.default_rng(0).normal(0, 1, 60_000).round(3)
    draft, recipe, _ = start({"a": ids, "b": noise, "y": noise[::-1]}, estimator=None)
    assert [finding.obstacle for finding in draft.findings] == [None, None]
    assert len(load_dataset(recipe).schema.features[0].choices) == 3000


def read_tables():
    few = {"a": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "b": ["u", "v", None, "u", "v", "u"]}
    yield "few rows", {**few, "y": [1.5, 2.5, 2.0, 4.0, 5.0, 7.0]}
    yield "few rows of classes", {**few, "y": ["n", "y", "n", "y", "n", "y"]}
    yield "few rows, a class once", {**few, "y": ["n", "y", "n", "z", "n", "y"]}
    yield "few different rows", {"a": [i % 4 for i in range(ROWS)], "y": TARGET}
    yield "a class once", {"a": NOISE, "y": ["rare", *CLASSES[1:]]}
    yield "many classes", {"a": NOISE, "y": [f"class {i % 12}" for i in range(ROWS)]}
    yield "gaps everywhere", {"a": [*NOISE[:30], *[None] * 30], "b": [None, *CLASSES[1:]], "y": [None, *TARGET[1:]]}
    yield "classes that are numbers", {"a": NOISE, "y": [i % 2 for i in range(ROWS)]}


@pytest.mark.django_db
@pytest.mark.parametrize("columns", [pytest.param(columns, id=name) for name, columns in read_tables()])
def test_what_was_begun_can_be_retrained_as_it_is(start, settings, tmp_path, capsys, columns):
    settings.MODELS_DIR = tmp_path / "ml_models"
    start(columns, estimator=None)
    with threadpool_limits(1):
        call_command("retrain", "made", format="json")
    [done] = json.loads(capsys.readouterr().out)
    assert done["version"] == 1


def test_the_command_says_what_it_inferred_what_it_doubts_and_what_comes_next(settings, tmp_path, capsys):
    settings.MODELS_DIR = tmp_path / "ml_models"
    pl.DataFrame({"": range(ROWS), "id": [1, 2] * 30, "b": NOISE, "y": TARGET}).write_csv(tmp_path / "table.csv")
    call_command("startmodel", "made", data=tmp_path / "table.csv", target="y")
    printed = capsys.readouterr()
    assert printed.err == f"made: reading {tmp_path}/table.csv\n"
    assert printed.out.startswith("LEFT OUT, by `exclude = true` in model.toml:\n  Unnamed: 0: it numbers the rows")
    assert re.search(r"made: 60 rows; the target “y” is numbers from -\d.* to \d.*: a regression\.", printed.out)
    assert re.search(r"\n  b           numbers from -\d.* to \d", printed.out)
    assert re.search(r"\nDoubts.*\n  id: its name looks like an id", printed.out)
    assert printed.out.endswith("then manage.py retrain made\n")
    with pytest.raises(CommandError, match="already exists"):
        call_command("startmodel", "made", data=tmp_path / "table.csv", target="y")


def test_many_uneven_classes_are_answered_better_than_by_a_dummy(start):
    """Without a penalty on the leaves, the log loss of this table is 17.9, and the dummy's 2.46."""
    chosen = np.random.default_rng(0)
    shares = 1 / np.arange(1, 61) ** 1.5
    kinds = chosen.choice(60, 5_000, p=shares / shares.sum())
    features = (chosen.normal(size=(60, 4)) * 3)[kinds] + chosen.normal(size=(5_000, 4))
    columns = dict(zip("abcd", features.round(3).T.tolist(), strict=True))
    _, recipe, _ = start({**columns, "y": [f"kind {kind}" for kind in kinds]}, estimator=LOGISTIC)
    recipe, dataset = (
        msgspec.structs.replace(recipe, estimator=DEFAULT_ESTIMATORS["classification"]),
        load_dataset(recipe),
    )
    with threadpool_limits(1):
        model = build_pipeline(recipe, dataset.schema)
        evaluation = evaluate_model(model, fit_model(model, dataset, dataset.training), dataset)
    assert evaluation.scores["log_loss"] < evaluation.baseline["log_loss"] / 3


@pytest.mark.parametrize("arguments", [["made"], ["made", "--data", "table.csv"], ["made", "--nonsense"]])
def test_wrong_usage_exits_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        Command().run_from_argv(["manage.py", "startmodel", *arguments])
    assert left.value.code == 2
    assert "usage: manage.py startmodel" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"a,y\n1,2\n", "data.csv"),
        (b"PAR1\x15\x04PAR1", "data.parquet"),
        (b'{"a": 1, "y": 2}\n', "data.jsonl"),
        (gzip.compress(b"a,y\n1,2\n"), "data.csv.gz"),
        (gzip.compress(b"PAR1\x15\x04PAR1"), "data.parquet.gz"),
    ],
)
def test_the_copy_is_named_for_what_it_holds(tmp_path, content, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "table.txt").write_bytes(content)
    copy = copy_table(tmp_path / "table.txt", tmp_path / "folder")
    assert (copy.name, copy.read_bytes()) == (name, content)


def test_a_packed_table_becomes_the_recipes_data(tmp_path):
    table = gzip.compress("".join(["b,y\n", *(f"{b},{y}\n" for b, y in zip(NOISE, TARGET, strict=True))]).encode())
    (tmp_path / "table").write_bytes(table)
    start_model(tmp_path / "ml_models", "made", tmp_path / "table", "y", LINEAR)
    recipe = read_recipe(tmp_path / "ml_models", "made")
    assert (recipe.data, recipe.data_file.read_bytes()) == ("data.csv.gz", table)


def test_a_parquet_table_becomes_the_recipes_data(tmp_path):
    pl.DataFrame({"b": NOISE, "y": TARGET}).write_parquet(tmp_path / "table.parquet")
    start_model(tmp_path / "ml_models", "made", tmp_path / "table.parquet", "y", LINEAR)
    recipe = read_recipe(tmp_path / "ml_models", "made")
    assert recipe.data == "data.parquet"
    assert load_dataset(recipe).schema.names == ["b"]
