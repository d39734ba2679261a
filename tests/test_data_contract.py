"""Before a retrain its table is compared with the last one; `[contract]` turns differences into refusals."""

import json
import re
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from predictor import jobs
from predictor.exceptions import DatasetError, RecipeError
from predictor.lifecycle.last_table import find_last_table
from predictor.models import Kept, Version
from predictor.record.table_summary import TABLE as TABLE_SUMMARY
from predictor.record.written_data_changes import write_data_changes
from predictor.tasks.problems import describe_error
from predictor.training.data_contract import check_contract
from predictor.training.dataset import load_dataset
from predictor.training.observed import Observed
from predictor.training.table_changes import LastTable, compare_tables, summarise_table
from tests.recipes import LINE, make_recipe, write_line
from tests.training import train

RECIPE = f"{LINE}holdout = 0\n"
NAMES = "area,town,built,y"
ROWS = [f"{i},{'Ulm' if i % 2 else 'Bonn'},2026-01-{i % 28 + 1:02},{2 * i}" for i in range(100)]
TABLE = "\n".join([NAMES, *ROWS])


def compare(tmp_path, csv, contract="", before=TABLE):
    """The sentences about a table after another one; raises DatasetError as a retrain does."""
    dataset = load_dataset(make_recipe(tmp_path, toml=RECIPE, csv=before))
    known = LastTable(version=3, schema=dataset.schema, summary=summarise_table(dataset))
    recipe = make_recipe(tmp_path, toml=f"{RECIPE}\n[contract]\n{contract}", csv=csv)
    dataset = load_dataset(recipe, live=known.schema)
    found = compare_tables(recipe, dataset, known)
    check_contract(recipe, found, dataset.schema)
    return write_data_changes(found, dataset.schema)


def change(*, columns=NAMES, rows=None, **values):
    """The table with other rows, or with other values of its first 20."""
    names = NAMES.split(",")
    lines = [line.split(",") for line in (rows or ROWS)]
    for name, value in values.items():
        for line in lines[:20]:
            line[names.index(name)] = value
    return "\n".join([columns, *(",".join(line[: len(columns.split(","))]) for line in lines)])


def test_the_same_table_is_like_the_last_one_and_breaks_no_contract(tmp_path):
    strict = 'columns = "same"\nkinds = "same"\nmissing_share = 0\nranges = 0\ncategories = "same"\nrows = 0'
    assert compare(tmp_path, TABLE, strict) == ["The table is like that of version 3."]


DIFFERENCES = {
    "rows: 60, before 100": (change(rows=ROWS[:60]), "rows = 0.3"),
    "new columns: garden": (
        f"{NAMES},garden\n" + "\n".join(f"{row},{i}" for i, row in enumerate(ROWS)),
        'columns = "same"',
    ),
    "columns that are gone: town": (
        "area,built,y\n" + "\n".join(",".join([r.split(",")[0], *r.split(",")[2:]]) for r in ROWS),
        'columns = "same"',
    ),
    "kinds: area number, before integer": (change(area="0.5"), 'kinds = "same"'),
    "new categories: town (Köln)": (change(town="Köln"), 'categories = "known"'),
    "categories without rows: town (Bonn)": (TABLE.replace("Bonn", "Ulm"), 'categories = "same"'),
    "ranges: area 0 to 990, before 0 to 99": (
        change(rows=[*ROWS[:-1], ROWS[-1].replace("99,", "990,", 1)]),
        "ranges = 0.1",
    ),
    "missing values: town 20.0\N{NO-BREAK SPACE}%, before 0.0\N{NO-BREAK SPACE}%": (
        change(town=""),
        "missing_share = 0.05",
    ),
    "missing values: y 20.0\N{NO-BREAK SPACE}%, before 0.0\N{NO-BREAK SPACE}%": (change(y=""), "missing_share = 0.05"),
}


@pytest.mark.parametrize("sentence", DIFFERENCES)
def test_a_difference_is_said_and_refused_only_where_the_contract_names_it(tmp_path, sentence):
    csv, contract = DIFFERENCES[sentence]
    lines = compare(tmp_path, csv)
    assert lines[0] == "The table differs from that of version 3:"
    assert any(line.startswith(sentence) for line in lines)
    with pytest.raises(DatasetError) as caught:
        compare(tmp_path, csv, contract)
    file = tmp_path / "ml_models/line/model.toml"
    refused = f"{file.parent}/data.csv differs from the table of version 3 in what [contract] in {file} refuses"
    assert str(caught.value).startswith(f"{refused}: {sentence}")
    assert f"(contract.{contract})" in str(caught.value)
    # Pages say in their language that the contract is broken, and how in English.
    problem = describe_error(caught.value, jobs.RETRAIN)
    assert str(problem).startswith(
        "The table differs from that of version 3 in what the contract of the recipe refuses"
    )
    assert problem.detail.startswith(sentence)


def test_a_wide_table_is_refused_in_few_words(tmp_path):
    names = ",".join(f"c{i}" for i in range(500))
    wide = "\n".join([f"{NAMES},{names}", *(f"{row},{names.replace('c', '')}" for row in ROWS)])
    assert "c9; and 490 more" in compare(tmp_path, wide)[1]
    with pytest.raises(DatasetError, match=re.escape('(contract.columns = "same"); and 480 more. Correct')):
        compare(tmp_path, wide, 'columns = "same"')


@pytest.mark.parametrize(
    ("csv", "contract"),
    [
        (change(rows=ROWS[:60]), "rows = 0.4"),
        (change(town=""), "missing_share = 0.2"),
        (change(area="148"), "ranges = 0.5"),
        (TABLE.replace("Bonn", "Ulm"), 'categories = "known"'),
        (TABLE.replace("2026-", "2031-"), "ranges = 0"),
        (change(area="", rows=ROWS), 'columns = "same"\nkinds = "same"'),
    ],
)
def test_what_the_contract_allows_is_only_said(tmp_path, csv, contract):
    assert len(compare(tmp_path, csv, contract)) > 1


def test_a_column_that_the_recipe_leaves_out_by_now_does_not_count_as_gone(tmp_path):
    contract = 'columns = "same"\n[features.town]\nexclude = true'
    assert compare(tmp_path, TABLE, contract) == ["The table is like that of version 3."]


def test_recorded_outcomes_do_not_count_as_rows_of_the_table(tmp_path):
    recipe = make_recipe(tmp_path, toml=RECIPE, csv=TABLE)
    rows = [({"area": 5000, "town": "Ulm", "built": None}, 9e6, "y")] * 30
    observed = Observed(rows=rows, found=30, since=None, newest=datetime(2026, 3, 1, tzinfo=UTC))
    with_outcomes = load_dataset(recipe, observed)
    assert with_outcomes.outcomes == 30
    assert summarise_table(with_outcomes) == summarise_table(load_dataset(recipe))


@pytest.mark.parametrize(
    ("contract", "problem"),
    [
        ('column = "same"', "contract.column: there is no such key; it may be one of columns, kinds, missing_share,"),
        ('columns = "any"', "contract.columns: must be 'same', not 'any'"),
        ('categories = "new"', "contract.categories: must be 'same' or 'known', not 'new'"),
        ("missing_share = 5", "contract.missing_share: must be a number <= 1.0, not 5"),
        ("missing_share = nan", "contract.missing_share: must be a number >= 0.0, not nan"),
        ('rows = "half"', "contract.rows: must be a number, not 'half'"),
        ("rows = -0.5", "contract.rows: must be a number >= 0.0, not -0.5"),
        ("ranges = true", "contract.ranges: must be a number, not True"),
    ],
)
def test_a_wrong_contract_is_refused_by_its_key_and_value(tmp_path, contract, problem):
    with pytest.raises(RecipeError, match=re.escape(problem)):
        make_recipe(tmp_path, toml=f"{LINE}\n[contract]\n{contract}")


@pytest.mark.django_db
def test_a_retrain_says_what_changed_and_a_refused_table_leaves_the_live_version(models_dir, capsys, admin_client):
    write_line(models_dir, noise=2.0)
    train(models_dir, "line")
    data, recipe = models_dir / "line/data.csv", models_dir / "line/model.toml"
    data.write_text("".join(data.read_text().splitlines(keepends=True)[:300]))
    call_command("retrain", "line", "--promote", "always", "--format", "json")
    output = capsys.readouterr()
    (result,) = json.loads(output.out)
    assert result["data_changes"][:2] == ["The table differs from that of version 1:", "rows: 299, before 400"]
    assert "line: rows: 299, before 400" in output.err
    page = admin_client.get(f"/admin/predictor/version/{Version.objects.get(number=2).pk}/change/").content.decode()
    assert "rows: 299, before 400" in page

    recipe.write_text(f"{recipe.read_text()}\n[contract]\nrows = 0.2\n")
    data.write_text("".join(data.read_text().splitlines(keepends=True)[:200]))
    with pytest.raises(CommandError):
        call_command("retrain", "line")
    assert "rows: 199, before 299 (contract.rows = 0.2)" in capsys.readouterr().err
    assert Version.objects.count() == 2


def test_the_table_of_a_version_that_a_former_build_stored_is_known_by_what_that_kept(penguins):
    whole = find_last_table("penguins")
    Kept.objects.filter(version=penguins, name=TABLE_SUMMARY).delete()
    former = find_last_table("penguins")
    assert (former.version, former.summary.rows) == (1, whole.summary.rows)
    assert former.summary.missing == pytest.approx(whole.summary.missing)
    assert former.summary.ranges == whole.summary.ranges
    assert {name: set(each) for name, each in former.summary.categories.items()} == {
        name: set(each) for name, each in whole.summary.categories.items()
    }
