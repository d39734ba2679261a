import random
import time
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from predictor.exceptions import InvalidFilters
from predictor.history.cursor import NEWEST, Cursor, read_cursor
from predictor.history.filters import Filters, InputFilter, read_filters
from predictor.history.ids import find_first_id, find_moment
from predictor.history.scanning import TimeIsOver, stop_sqlite
from predictor.history.search import count, find, rows
from predictor.languages import LANGUAGES, use_language
from predictor.models import Outcome, Prediction, Version
from predictor.schema.output import Output
from predictor.schema.target import Target
from tests.outcomes import PENGUINS, make_version

pytestmark = pytest.mark.both_databases

PRICES = Target(name="price", label="Price", task="regression", unit="$", output=Output(unit="k$", scale=0.001))
TEXTS = ["red brick", "Red Ärger", "ärger", "5", "5.0", "true", "a_b%c", "2026-03-01", "2026-03-01T12:30", "", "é" * 50]
VALUES = [None, True, False, 0, 5, 5.0, -3, 0.1, 1e22, *TEXTS]
FEATURES = ["x", "größe", 'a"b', "0", "a.b"]
START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def history(committed_db):
    """Some hundred predictions of all sorts, newest first, each with its current outcome, None without."""
    pick = random.Random(0)  # noqa: S311  # The same in each run.
    lines, kinds = (make_version(PRICES, "line") for _ in range(2)), (make_version(PENGUINS, "penguins"),)
    made = [make_row(pick, version, number) for number, version in enumerate(pick.choices([*lines, *kinds], k=300))]
    Prediction.objects.bulk_create(made)
    outcomes = {}
    for prediction in made:
        for _ in range(pick.choice([0, 0, 1, 2])):
            outcomes[prediction.id] = Outcome.objects.create(
                prediction=prediction,
                value=make_output(pick, prediction.version),
                recorded_by="tests",
                replaces=outcomes.get(prediction.id),
            )
    return [(each, outcomes.get(each.id)) for each in sorted(made, key=lambda each: each.id, reverse=True)]


@pytest.fixture
def db(history):
    """Committed for all tests of this module."""


def make_row(pick, version, number):
    moment = START + timedelta(hours=number // 3)
    output = make_output(pick, version)
    low, high = sorted([pick.uniform(-5, 5), pick.uniform(-5, 5)])
    return Prediction(
        id=UUID(int=find_first_id(moment).int + pick.getrandbits(70)),
        version=version,
        inputs={name: pick.choice(VALUES) for name in FEATURES if pick.random() < 0.8},
        output=output,
        interval=[low, high] if isinstance(output, float) and pick.random() < 0.8 else None,
        warnings=pick.choice([[], [], ["x: 50 is outside"]]),
        source=pick.choice(Prediction.Source.values),
        created_at=moment,
        duration_ms=1.0,
    )


def make_output(pick, version):
    return pick.choice(PENGUINS.classes) if version.model == "penguins" else pick.choice([0.0, 5.0, -3.0, 0.1, 1e22])


def is_sought(asked, prediction, outcome):
    """What `find` must find, written as plainly as it can be."""
    is_number = prediction.version.model == "line"
    moment, value = find_moment(prediction.id), outcome and outcome.value
    return all(
        [
            asked.model in ("", prediction.version.model),
            asked.version in (None, prediction.version.number),
            asked.source in ("", prediction.source),
            asked.warned in (None, bool(prediction.warnings)),
            asked.outcome in (None, outcome is not None),
            asked.right is None or (outcome and not is_number and asked.right == (value == prediction.output)),
            asked.error_above is None
            or (outcome and is_number and abs(value - prediction.output) > asked.error_above * 1000),
            asked.inside is None
            or (
                (outcome and prediction.interval)
                and asked.inside == (prediction.interval[0] <= value <= prediction.interval[1])
            ),
            asked.output_from is None or (is_number and prediction.output >= asked.output_from * 1000),
            asked.output_to is None or (is_number and prediction.output <= asked.output_to * 1000),
            asked.since is None or moment >= asked.since,
            asked.until is None or moment < asked.until,
            asked.q in ("", str(prediction.id))
            or any(is_same(asked.q, each) for each in [prediction.output, *prediction.inputs.values()]),
            *(fits(each, prediction.inputs.get(each.feature)) for each in asked.inputs),
        ]
    )


def is_same(text, value):
    number = {"5": 5, "5.0": 5, "0.1": 0.1, "-3": -3, "0": 0, "1e22": 1e22}.get(text)
    flag = {"true": True, "yes": True, "0": False, "no": False}.get(text)
    return {bool: flag is value, str: text == value, int: number == value, float: number == value}.get(
        type(value), False
    )


def fits(asked, value):
    text, kind = asked.value, type(value)
    if asked.test == "is":
        return is_same(text, value)
    if asked.test == "words":
        return kind is str and all(word.lower() in value.lower() for word in text.split())
    try:
        number = float(text)
    except ValueError:
        above = kind is str and value >= text
        return above if asked.test == "from" else kind is str and value[: len(text)] <= text
    return kind in (int, float) and (value >= number if asked.test == "from" else value <= number)


FLAGS = st.sampled_from([None, None, True, False])
LIMITS = st.sampled_from([None, None, -0.003, 0.0, 0.0001, 0.005])
MOMENTS = st.sampled_from([None, START, START + timedelta(hours=40), START + timedelta(days=3)])
INPUTS = st.builds(
    InputFilter,
    feature=st.sampled_from(FEATURES),
    test=st.sampled_from(["is", "from", "to", "words"]),
    value=st.sampled_from(["5", "0.1", "1e22", "true", "no", "red", "ÄRGER", "a_b%c", "2026-03", "é", "brick RED"]),
)
FILTERS = st.builds(
    Filters,
    model=st.sampled_from(["", "line", "penguins", "unknown"]),
    source=st.sampled_from(["", "", "form", "api"]),
    warned=FLAGS,
    outcome=FLAGS,
    right=FLAGS,
    error_above=st.sampled_from([None, None, None, 0.0, 0.003, 5.0]),
    inside=FLAGS,
    output_from=LIMITS,
    output_to=LIMITS,
    since=MOMENTS,
    until=MOMENTS,
    q=st.sampled_from(["", "", "", "5", "true", "Gentoo", "red brick", "0.1"]),
    inputs=st.lists(INPUTS, max_size=1).map(tuple),
).flatmap(lambda asked: st.sampled_from([asked, narrow(asked, version=2)] if asked.model else [asked]))


def narrow(asked, **more):
    return Filters(**{**vars(asked), **more})


def list_pages(asked, **how):
    """All pages from the newest to the last."""
    cursor = NEWEST
    while cursor:
        page = find(asked, cursor, **how)
        yield page
        cursor = page.next


# Each filter alone, too: most that are drawn together find nothing.
ALONE = st.one_of(
    [st.builds(Filters, model=st.just("line"), version=st.sampled_from([1, 2, 3]))]
    + [st.builds(Filters, **{name: FLAGS}) for name in ("warned", "outcome", "right", "inside")]
    + [st.builds(Filters, **{name: LIMITS}) for name in ("output_from", "output_to")]
    + [st.builds(Filters, inputs=st.tuples(INPUTS)), st.builds(Filters, source=st.sampled_from(["form", "csv"]))]
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.one_of(ALONE, FILTERS), limit=st.sampled_from([30, 1000]))
def test_what_is_found_is_what_a_plain_filter_of_the_same_rows_finds(db, history, asked, limit):
    expected = [prediction.id for prediction, outcome in history if is_sought(asked, prediction, outcome)]
    pages = list(islice(list_pages(asked, limit=limit, seconds=60), 100))
    assert [row.id for page in pages for row in page.rows] == expected
    assert all(len(page.rows) == limit for page in pages[:-1])
    assert [row.id for chunk in rows(asked, chunk=limit) for row in chunk] == expected
    if asked.is_exact:
        assert count(asked).number == len(expected)


def test_a_choice_is_found_by_its_words_too_as_its_own_version_has_them(db, history):
    older, newer = Version.objects.filter(model="line").order_by("number")
    with transaction.atomic():
        labels = {older: {"x": {"5": "Five of them"}}, newer: {"x": {"true": "five of them"}, "a.b": {"5": "other"}}}
        for version, named in labels.items():
            translations = {"de": {"choices": {"x": {"5": "fünf davon"}}}} if version == older else {}
            Version.objects.filter(id=version.id).update(
                schema={**version.schema, "labels": named, "translations": translations}
            )
        asked = Filters(model="line", inputs=(InputFilter(feature="x", test="is", value=" FIVE of them "),))
        found = [row.id for page in list_pages(asked, limit=1000, seconds=60) for row in page.rows]
        with use_language(LANGUAGES["de"]):
            asked = narrow(asked, inputs=(InputFilter(feature="x", test="is", value="Fünf davon"),))
            translated = [row.id for page in list_pages(asked, limit=1000, seconds=60) for row in page.rows]
        transaction.set_rollback(True)
    codes = {older.id: "5", newer.id: "true"}
    expected = [each.id for each, _ in history if each.inputs.get("x") == codes.get(each.version_id, each)]
    assert found == expected
    assert translated == [id for id in expected if Prediction.objects.get(id=id).version_id == older.id]
    assert translated


def test_pages_lead_back_as_they_lead_on(db, history):
    pages = list(list_pages(Filters(outcome=True), limit=10))
    for newer, older in pairwise(pages):
        back = find(Filters(outcome=True), older.previous, limit=10)
        assert [row.id for row in back.rows] == [row.id for row in newer.rows]
    assert pages[0].previous is None


def test_a_page_whose_time_is_over_says_how_far_it_looked_and_goes_on_from_there(db, history):
    asked = Filters(inputs=(InputFilter(feature="x", test="is", value="red brick"),))
    page = find(asked, limit=1000, seconds=60)
    assert page.complete
    assert page.looked_back_to is None
    found, cursor, looked = [], NEWEST, []
    while cursor:
        page = find(asked, cursor, limit=1000, seconds=0)
        found += page.rows
        looked.append(page.looked_back_to)
        cursor = page.next
        assert page.complete is (cursor is None)
    assert [row.id for row in found] == [row.id for row in find(asked, limit=1000, seconds=60).rows]
    assert looked[:-1] == sorted(looked[:-1], reverse=True)


def test_a_row_of_an_export_has_all_columns_and_its_current_outcome(db, history):
    [exported] = [row for chunk in rows(Filters()) for row in chunk if row.id == history[0][0].id]
    prediction, outcome = history[0]
    assert (exported.model, exported.version) == (prediction.version.model, prediction.version.number)
    assert (exported.inputs, exported.output) == (prediction.inputs, prediction.output)
    assert exported.outcome == (outcome and outcome.value)


@given(asked=st.one_of(ALONE, FILTERS))
def test_filters_are_the_same_after_a_plain_address(asked):
    ranges = [(asked.since, asked.until), (asked.output_from, asked.output_to)]
    assume(all(None in ends or ends[0] <= ends[1] for ends in ranges))
    assert read_filters(asked.to_query()) == asked


WRONG = {
    "model": ("../x", "is not the name of a model"),
    "version": ("two", "is not the number of a version"),
    "source": ("fax", "give one of form, api, csv"),
    "warned": ("perhaps", "is neither yes nor no"),
    "error_above": ("-1", "is below 0"),
    "output_from": ("much", "is not a number"),
    "since": ("yesterday", "is not a date"),
    "q": ("a\x00b", "cannot be stored"),
    "is.x": ("y" * 1001, "too long"),
}


def test_each_wrong_parameter_is_named_with_what_would_be_right():
    with pytest.raises(InvalidFilters) as caught:
        read_filters({name: text for name, (text, _) in WRONG.items()})
    assert caught.value.fields.keys() == WRONG.keys()
    for name, (_, problem) in WRONG.items():
        assert problem in caught.value.fields[name]
    with pytest.raises(InvalidFilters, match="choose a model"):
        read_filters({"version": "1"})
    with pytest.raises(InvalidFilters, match="The range ends before it begins: give “2026-03-02” or more"):
        read_filters({"since": "2026-03-02", "until": "2026-03-01T00:00"})
    with pytest.raises(InvalidFilters, match="not the id of a prediction"):
        read_cursor({"before": "1"})


def test_blank_and_unknown_parameters_ask_nothing_and_a_last_day_is_included():
    assert read_filters({"model": " ", "p": "3", "words.": "x"}) == Filters()
    assert read_filters({"until": "2026-03-01"}).until == datetime(2026, 3, 2, tzinfo=UTC)
    assert read_cursor({"after": str(UUID(int=5))}) == Cursor(after=UUID(int=5))


def test_the_time_of_an_id_is_that_of_its_prediction():
    now = timezone.now()
    assert find_first_id(now).int <= Prediction(id=find_first_id(now)).id.int
    assert timedelta(0) <= find_moment(find_first_id(now)) - now < timedelta(milliseconds=1)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has a timeout for each statement")
def test_a_query_of_sqlites_that_takes_too_long_is_stopped(db):
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(TimeIsOver), stop_sqlite(time.monotonic() + 0.05), connection.cursor() as cursor:
        cursor.execute(endless)
    assert Prediction.objects.exists()


def test_outcomes_are_those_of_one_moment_also_where_they_are_corrected_meanwhile(db, history):
    first = next(outcome for _, outcome in history if outcome)
    last = Outcome.objects.order_by("id").last().id
    before = set(Outcome.objects.current().values_list("id", flat=True))
    with transaction.atomic():
        Outcome.objects.create(prediction=first.prediction, value=first.value, recorded_by="x", replaces=first)
        assert first.id not in set(Outcome.objects.current().values_list("id", flat=True))
        assert set(Outcome.objects.current_at(last).values_list("id", flat=True)) == before
        transaction.set_rollback(True)
