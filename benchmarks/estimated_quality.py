"""Measures how near the estimated quality of a window comes to what its outcomes later show.

    OMP_NUM_THREADS=1 python -m benchmarks.estimated_quality              # the ten tables
    OMP_NUM_THREADS=1 python -m benchmarks.estimated_quality --tuning     # the tables that the method was chosen on

Of each public table, 40,000 rows at most, half are known when a model is retrained with startmodel's boosted trees and
a hold-out of 20 %; windows of 2,000 rows are drawn from the other half (`benchmarks.shifts`). The ten tables, the
tables for tuning and all shifts were written down before anything was measured. Names of tables choose among them.

A window is met where the estimated accuracy is within 2 points of the true one, or the estimated MAE within 10 %.
"""

from benchmarks.mixed_tables import Listed

MOST_ROWS = 40_000
SEED = 0
# What is only known after the flight.
LANDED = ["year", "dep_time", "arr_time", "flight", "tailnum", "air_time", "hour", "minute", "time_hour"]


def _list(task: str, name: str, source: str, target: str, *dropped: str) -> Listed:
    return Listed(name=name, source=source, target=target, task=task, group="plain", dropped=[*dropped])


TABLES = [
    _list("classification", "stops", "carData::MplsStops", "problem", "idNum", "date", "MDC"),
    _list("classification", "fertility", "AER::Fertility2", "morekids"),
    _list("classification", "crashes", "DAAG::nassCDS", "dead", "weight", "injSeverity", "caseid"),
    _list("classification", "storms", "dplyr::storms", "status", "name", "category"),
    _list("classification", "rodents", "ratdat::complete", "genus", "record_id", "species_id", "species", "taxa"),
    _list("regression", "diamonds", "ggplot2::diamonds", "price"),
    _list("regression", "cps 1988", "AER::CPS1988", "wage"),
    _list("regression", "hotel rates", "modeldata::hotel_rates", "avg_price_per_room", "arrival_date"),
    _list("regression", "food budget", "Ecdat::BudgetFood", "wfood"),
    _list("regression", "flights", "nycflights13::flights", "arr_delay", *LANDED),
]
TUNING = [
    _list("classification", "unions", "sampleSelection::nlswork", "union", "idcode"),
    _list("classification", "votes", "stevedata::TV16", "votetrump", "uid"),
    _list("classification", "abortion", "stevedata::gss_abortion", "abany",
          "id", "abdefect", "abnomore", "abhlth", "abpoor", "abrape", "absingle"),
    _list("classification", "work", "wooldridge::labsup", "worked", "weeks", "hours", "labinc", "agesq"),
    _list("classification", "tuna", "Ecdat::Tuna", "Tuna.choice", "Tuna.hid"),
    _list("classification", "regions", "Ecdat::HI", "region", "wght"),
    _list("regression", "movies", "ggplot2movies::movies", "rating", "title", *(f"r{i}" for i in range(1, 11))),
    _list("regression", "vocabulary", "carData::GSSvocab", "vocab", "ageGroup", "educGroup"),
    _list("regression", "incomes", "stevedata::gss_wages", "realrinc"),
    _list("regression", "degrees", "nycflights13::weather", "temp", "year", "time_hour", "dewp"),
    _list("regression", "runs", "plyr::baseball", "r", "id"),
    _list("regression", "earnings", "causaldata::scorecard", "earnings_med", "unitid", "inst_name"),
]  # fmt: skip
