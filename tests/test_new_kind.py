"""What a new kind of input needs: its class, and the few files that docs/architecture.md lists."""

import math
import re
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from predictor.exceptions import RecipeError
from predictor.schema import kinds
from predictor.schema.described import Described
from predictor.schema.target import Target
from predictor.schema.values import write_given
from predictor.training import date_columns
from predictor.training.columns import encode_column, infer_feature
from predictor.training.dates import find_live_form
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.observed import join_observed
from tests.conftest import ROOT
from tests.recipes import make_recipe
from tests.test_observed import observe

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Weekday(Described, frozen=True, kw_only=True, tag="weekday"):
    kind: ClassVar[str] = "weekday"
    fitting: ClassVar[str] = "a day such as mon"
    reads_texts: ClassVar[bool] = True

    seen: tuple[float, ...] = ()
    typical: str | None = None

    @property
    def expected(self):
        return self.fitting

    def encode(self, value):
        return math.nan if value is None else float(DAYS.index(value))

    def decode(self, number):
        return DAYS[int(number)]

    def _read(self, given):
        if write_given(given).lower() not in DAYS:
            raise self._refuse("not_a_date", given)
        return write_given(given).lower()


@pytest.fixture
def recipe(monkeypatch, tmp_path):
    """A recipe that calls the column x a weekday, which is known as an entry in `Feature` would make it known."""
    monkeypatch.setitem(kinds.KINDS, "weekday", Weekday)
    monkeypatch.setitem(date_columns.FROM_TEXTS, "weekday", Weekday)
    recipe = make_recipe(tmp_path)
    recipe.features["x"] = FeatureRecipe(kind="weekday")
    return recipe


def test_training_takes_a_kind_that_only_its_class_knows(recipe):
    column = encode_column(recipe, pl.Series("x", ["Mon", "sun", None, "sun"]))
    feature = infer_feature(recipe, column, np.array([True, True, True, False]))
    assert (feature.kind, feature.seen, feature.typical, feature.required) == ("weekday", (0.0, 6.0), "mon", False)
    np.testing.assert_array_equal(column.values, [0, 6, np.nan, 6])
    assert find_live_form(feature).kind == "weekday"
    target = Target(name="y", label="y", task="regression")
    joined = join_observed(recipe, [column], target, np.zeros(4), observe(({"x": "tue"}, 1.0), ({"x": "May"}, 2.0)))
    assert joined.columns[0].values.tolist()[4:] == [1.0]
    assert joined.left_out == {"x is not a weekday like the table's": 1}
    with pytest.raises(RecipeError, match=r"also contains 'May', but weekday means a day such as mon"):
        encode_column(recipe, pl.Series("x", ["mon", "May"]))


def test_the_architecture_lists_each_file_that_a_new_kind_must_change():
    page = (ROOT / "docs" / "architecture.md").read_text()
    section = page.partition("## A new kind of input\n")[2].partition("\n## ")[0]
    listed = re.findall(r"^\d\. `(predictor/[\w/.]+)`", section, re.MULTILINE)
    texts = {file.relative_to(ROOT).as_posix(): file.read_text() for file in (ROOT / "predictor").rglob("*.py")}
    matching = {name for name, text in texts.items() if "assert_never(" in text and "predictor.schema.kinds" in text}
    assert matching == set(listed[3:5])
    assert len(listed) <= 6
    assert all((ROOT / name).exists() for name in listed)
