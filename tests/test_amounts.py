"""Numbers with a unit or separators of thousands, where a whole column can be read in one way."""

import re

import polars as pl
import pytest

from predictor.exceptions import InvalidValue, RecipeError
from predictor.schema.kinds import make_feature
from predictor.training.amounts import read_amounts
from predictor.training.dataset import load_dataset
from predictor.training.drafting.draft import write_report
from predictor.training.drafting.labels import label_columns, make_label
from tests.recipes import LINE, make_recipe
from tests.test_start import LOGISTIC, NOISE, ROWS, TARGET, start  # noqa: F401  # A fixture.

WHOLE = LINE + "holdout = 0\n"


@pytest.mark.parametrize(
    ("texts", "unit", "numbers"),
    [
        (["45%", "7 %", None, "0.5%"], "%", [45, 7, None, 0.5]),
        (["$1,431", "$2,263"], "$", [1431, 2263]),
        (["$4,352.00", "$950"], "$", [4352, 950]),
        (["$3.459", "$3.559"], "$", [3.459, 3.559]),
        (["-$5", "$-7", "−$1"], "$", [-5, -7, -1]),
        (["1.234,50 €", "99 €"], "€", [1234.5, 99]),
        (["€5,5", "€1.234"], "€", [5.5, 1234]),
        (["R$ 1.234,50", "R$ 7,00"], "R$", [1234.5, 7]),
        (["59 kg", "100 kg"], "kg", [59, 100]),
        (["1.234 kg", "2.345 kg"], "kg", [1.234, 2.345]),
        ([" 36 months", " 60 months"], "months", [36, 60]),
        (["7,434,887", "12"], "", [7_434_887, 12]),
        (["1'234.5", "7"], "", [1234.5, 7]),
        (["1 234", "1\u00a0234\u00a0567"], "", [1234, 1_234_567]),
    ],
)
def test_a_column_that_can_be_read_in_one_way_is_read(texts, unit, numbers):
    amounts = read_amounts(pl.Series("x", texts))
    assert (amounts.unit, amounts.numbers.to_list()) == (unit, numbers)


@pytest.mark.parametrize(
    "texts",
    [
        ["1,234", "5,678"],
        ["€1,234", "€2,345"],
        ["€1.234", "€2.345"],
        ["1,234 kg", "2 kg"],
        ["5 kg", "5 lb"],
        ["45%", "45"],
        ["3B", "4B"],
        ["Q1", "Q2"],
        ["1.2.3.4", "5.6.7.8"],
        ["12.05.2024"],
        ["2024-01-05"],
        ["08:30"],
        ["01001", "60601"],
        ["0 123 456"],
        ["yes"],
        [None, None],
    ],
)
def test_a_column_that_can_be_read_in_several_ways_or_as_none_is_left_alone(texts):
    assert read_amounts(pl.Series("x", texts, dtype=pl.String)) is None


@pytest.mark.parametrize(
    ("values", "keys", "parsed"),
    [
        (["45%", "60%", "7.5%"], 'kind = "number"\nlabel = "Rate"\nunit = "%"', "45 %"),
        (["$1,200", "$950", "$45"], 'kind = "integer"\nlabel = "Rate"\nunit = "$"', "$45"),
        (["$1,200.00", "$950.00", "$45.00"], 'kind = "number"\nlabel = "Rate"\nunit = "$"', "45"),
        (
            ["45.5 kWh", "45 kWh", "7 kWh"],
            '# Read as numbers with the unit kWh.\nkind = "number"\nlabel = "Rate"\nunit = "kWh"',
            "45 kWh",
        ),
        (["45%", "7%", "nil"], 'kind = "integer"\nmissing = ["nil"]\nlabel = "Rate"\nunit = "%"', "45%"),
        (["5,917,533", "45", "1,234"], 'kind = "integer"\nlabel = "Rate"\n# unit = ""', "45"),
    ],
)
def test_startmodel_writes_kind_and_unit_and_a_retrain_reads_the_numbers(start, values, keys, parsed):  # noqa: F811
    draft, recipe, toml = start({"rate": values * 20, "b": NOISE, "y": TARGET})
    assert keys in toml
    assert "Read in a way of their own, by keys in model.toml:" in write_report(draft)
    feature = load_dataset(recipe).schema.features[0]
    assert f'kind = "{feature.kind}"' in keys
    assert feature.parse(parsed) == 45
    assert feature.seen[1] == max(read_amounts(pl.Series(values).replace("nil", None)).numbers.drop_nulls())


def test_a_target_of_money_is_a_regression_in_its_unit(start):  # noqa: F811
    values = [f"${1_000 + i % 13 * 100:,}" for i in range(ROWS)]
    _, recipe, toml = start({"b": NOISE, "Sale_Price": values}, target="Sale_Price")
    assert 'task = "regression"  # Its texts are read as numbers.' in toml
    dataset = load_dataset(recipe)
    target = dataset.schema.target
    assert (target.task, target.unit, target.label) == ("regression", "$", "Sale price")
    assert (dataset.target.min(), dataset.target.max()) == (1_000, 2_200)


@pytest.mark.parametrize("kind", [None, "category"])
def test_a_recipe_that_does_not_say_number_reads_texts_as_before(tmp_path, kind):
    keys = f'[features.x]\nkind = "{kind}"\n' if kind else ""
    csv = "x,y\n" + "45%,1\n60%,2\n" * 5
    live = load_dataset(make_recipe(tmp_path, toml=WHOLE + keys, csv=csv)).schema
    assert live.features[0].choices == ("45%", "60%")
    assert load_dataset(make_recipe(tmp_path, toml=WHOLE, csv=csv), live=live).schema == live


def test_another_unit_than_the_recipes_is_named(tmp_path):
    toml = WHOLE + '[features.x]\nkind = "number"\nunit = "kg"\n'
    with pytest.raises(RecipeError, match=r"features\.x\.unit: the values of data\.csv have the unit 'lb', not 'kg'"):
        load_dataset(make_recipe(tmp_path, toml=toml, csv="x,y\n5 lb,1\n6 lb,2\n"))


@pytest.mark.parametrize(
    ("unit", "raw", "number"),
    [
        *[("%", "45%", 45), ("%", " 4,5 % ", 4.5), ("$", "$1200", 1200), ("$", "$ 1,234.5", 1234.5), ("m²", "7 m²", 7)],
        # As pages and tables write them.
        *[("$", "-$5", -5), ("$", "−$ 8,992.24", -8992.24), ("$", "$1,234", 1234), ("$", "-$1,234", -1234)],
    ],
)
def test_a_number_may_be_typed_with_its_unit(unit, raw, number):
    assert make_feature(kind="number", name="x", label="x", unit=unit).parse(raw) == number


@pytest.mark.parametrize(
    ("unit", "raw"),
    [("%", "%"), ("$", "€5"), ("$", "$"), ("kg", "5 lb"), ("€", "€1,234"), ("$", "-$-5"), ("$", "1,234")],
)
def test_a_number_with_another_unit_or_in_two_ways_is_refused(unit, raw):
    with pytest.raises(InvalidValue, match=f"^“{re.escape(raw)}” "):
        make_feature(kind="number", name="x", label="x", unit=unit).parse(raw)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Sale_Price", "Sale price"),
        ("salePrice", "Sale price"),
        ("SalePrice", "Sale price"),
        ("sale-price", "Sale price"),
        ("sale.price", "Sale price"),
        ("bill_length_mm", "Bill length mm"),
        ("sepal length (cm)", "Sepal length (cm)"),
        ("MSSubClass", "MS sub class"),
        ("customer_ID", "Customer ID"),
        ("GDP", "GDP"),
        ("pH", "pH"),
        ("x", "x"),
        ("v1.5", "v1.5"),
        ("c12", "c12"),
        ("größe_in_m²", "Größe in m²"),
        ("价格", "价格"),
        ("_", "_"),
        ("__a bc__", "A bc"),
    ],
)
def test_labels_are_words_as_in_a_sentence(name, label):
    assert make_label(name) == label


def test_two_columns_never_get_the_same_label():
    assert label_columns(["sale_price", "salePrice", "area"]) == {
        "sale_price": "sale_price",
        "salePrice": "salePrice",
        "area": "Area",
    }


def test_few_whole_numbers_are_said_to_be_codes_perhaps(start):  # noqa: F811
    columns = {"area": [i % 3 for i in range(ROWS)], "count": [i * 7 % 30 for i in range(ROWS)], "b": NOISE}
    draft, _, toml = start({**columns, "y": TARGET})
    assert '# labels = { 0 = "…", 1 = "…", 2 = "…" }\n' in toml.partition("[features.area]")[2]
    assert toml.count("# labels = ") == 1
    assert "Few whole numbers, which may be codes that stand for words:\n  area: 0, 1, 2\n" in write_report(draft)


def test_a_table_of_many_columns_has_its_labels_in_a_line_each(start):  # noqa: F811
    columns = {f"Sale_Price {i}": [value + i for value in NOISE] for i in range(60)}
    _, recipe, toml = start({"customer_id": [1, 2] * 30, **columns, "y": TARGET})
    assert '\n"Sale_Price 7".label = "Sale price 7"\n' in toml
    labels = [feature.label for feature in load_dataset(recipe).schema.features]
    assert labels == ["Customer id", *(f"Sale price {i}" for i in range(60))]


def test_amounts_that_can_be_read_in_two_ways_are_doubted(start):  # noqa: F811
    values = ["€1,234", "€2,345", "€999"] * 20
    draft, _, toml = start({"a": values, "b": NOISE, "y": values}, estimator=LOGISTIC)
    doubt = "“€1,234” may be thousands or a decimal, so it stays a text: write it without separators of thousands"
    assert doubt in map(str, draft.doubts)
    assert f"# Doubt: {doubt}." in toml.partition("[features.a]")[2]
