"""A model of 17 inputs, one of them with 98 choices, for tests of its form."""

import random
from functools import cache

from predictor.lifecycle.candidate import describe_candidate
from predictor.lifecycle.judgement import judge_challenger
from predictor.lifecycle.retraining import train_model
from predictor.registry import versions as registry
from tests.training import keep_quiet

TOWNS = [f"{first}{second}" for first in ("North", "South", "East", "West", "Old", "New", "Up") for second in (
    "ridge", "town", "field", "brook", "haven", "park", "wood", "mill", "gate", "ford", "dale", "ham", "stead", "wick"
)]  # fmt: skip
NUMBERS = [f"measure_{i}" for i in range(12)]
COLUMNS = [*NUMBERS, "town", "heating", "has_pool", "sold_on", "is_new"]
LONG = "Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüssel"
ARABIC = "سعر البيع النهائي (تقديري)"
RECIPE = f"""
title = "House prices"
description = "Predicts what a house is sold for."
data = "data.csv"
target = "price"
order = ["town", "measure_3"]
[estimator]
class = "sklearn.linear_model.Ridge"
[[examples]]
title = "{LONG}"
inputs = {{ measure_0 = 2, town = "Oldham" }}
[features.price]
label = "Sale price"
unit = "$"
[features.measure_3]
label = "{LONG}"
group = "{ARABIC}"
unit = "{LONG}"
[features.measure_4]
label = "{ARABIC}"
group = "{ARABIC}"
unit = "ft²"
help = "{ARABIC}"
[features.town]
label = "Town"
group = "{LONG}"
[features.town.labels]
Oldham = "The old ham"
[features.measure_1]
unit = "$"
maximum = 1000
"""


def write_wide(folder):
    drawn = random.Random(0)  # noqa: S311  # Of test data.
    lines = [",".join([*COLUMNS, "price"])]
    for i in range(400):
        numbers = [round(drawn.uniform(0, 10 ** (1 + j / 2)), 2) for j in range(len(NUMBERS))]
        rest = [
            TOWNS[i % 98],
            "gas" if i % 3 else "wood",
            ["true", "false", ""][i % 3],
            f"2024-0{i % 9 + 1}-11",
            i % 2 == 0,
        ]
        lines.append(",".join(map(str, [*numbers, *rest, round(sum(numbers[:3]) * 900 + drawn.gauss(1e5, 1e3))])))
    (folder / "wide").mkdir()
    (folder / "wide/data.csv").write_text("\n".join([*lines, ""]))
    (folder / "wide/model.toml").write_text(RECIPE)
    return folder


@cache
def train_wide(folder):
    trained = train_model(write_wide(folder), "wide", progress=keep_quiet)
    return trained, describe_candidate(trained)


def register_wide(folder):
    """Make its version live; it is trained once, and has no report."""
    trained, candidate = train_wide(folder)
    return registry.register(candidate, judge_challenger(trained, None, "always"), by="tests")
