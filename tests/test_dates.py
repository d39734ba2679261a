"""Dates, dates with a time and times: what is read, how it is encoded, and what a table of them is trained on."""

import json
from datetime import date, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest
from bs4 import BeautifulSoup
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline

from predictor.estimators.compiled import CompiledModel
from predictor.estimators.date_parts import DateParts, split_parts
from predictor.exceptions import DatasetError, InvalidValue, RecipeError
from predictor.models import Artifact, Prediction, Site, Version
from predictor.outcomes.recording import record_outcome
from predictor.registry.resigning import resign_artifacts
from predictor.registry.trust import open_artifact
from predictor.schema.kinds import make_feature, read_feature, write_feature
from predictor.schema.temporal import EPOCH_DAY, Date, Datetime, Time
from predictor.training.columns import encode_column
from predictor.training.compiling.checked import compile_checked
from predictor.training.compiling.compilation import compile_model
from predictor.training.dataset import load_dataset
from predictor.training.date_columns import Form, read_plain
from predictor.training.dates import are_read_alike, infer_forms
from predictor.training.pipeline import build_pipeline
from tests.recipes import LINE, make_recipe
from tests.test_schema import anything, attempt
from tests.training import train

DAY = Date(name="d", label="Day", seen=(19_723.0, 20_088.0), typical="2024-07-01")
GERMAN = Date(name="d", label="Day", format="%d.%m.%Y")
LOCAL = Datetime(name="d", label="Start")
ZONED = Datetime(name="d", label="Start", zone="Europe/Berlin")
CLOCK = Time(name="d", label="Clock", seen=(28_800.0, 64_800.0))
WHOLE = f"{LINE}\nholdout = 0\n"
KINDS = [DAY, GERMAN, LOCAL, ZONED, CLOCK]

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("feature", "raw", "value", "number"),
    [
        (DAY, "1970-01-01", "1970-01-01", 0),
        (DAY, " 2024-02-29 ", "2024-02-29", 19_782),
        (DAY, "20240229", "2024-02-29", 19_782),
        (DAY, "1969-12-31", "1969-12-31", -1),
        (GERMAN, "29.02.2024", "2024-02-29", 19_782),
        (GERMAN, "2024-02-29", "2024-02-29", 19_782),
        (LOCAL, "1970-01-02T00:00", "1970-01-02T00:00:00", 86_400),
        (LOCAL, "1970-01-02 00:00:00.25", "1970-01-02T00:00:00.250000", 86_400.25),
        (ZONED, "2024-07-01T12:00", "2024-07-01T12:00:00+02:00", 1_719_828_000),
        (ZONED, "2024-01-01T12:00", "2024-01-01T12:00:00+01:00", 1_704_106_800),
        (ZONED, "2024-07-01t10:00z", "2024-07-01T10:00:00+00:00", 1_719_828_000),
        (ZONED, "2024-07-01T12:00:00-05:00", "2024-07-01T12:00:00-05:00", 1_719_853_200),
        (CLOCK, "08:30", "08:30:00", 30_600),
        (CLOCK, "08:30:15.5", "08:30:15.500000", 30_615.5),
    ],
)
def test_what_is_typed_is_kept_as_iso_8601_and_encoded_as_one_number(feature, raw, value, number):
    assert feature.parse(raw) == value
    assert feature.parse(value) == value
    assert feature.encode(value) == number


@pytest.mark.parametrize(
    ("feature", "raw", "code"),
    [
        (DAY, "2023-02-29", "not_a_date"),
        (DAY, "2024-02-30", "not_a_date"),
        (DAY, "29.02.2024", "not_a_date"),
        (DAY, "2024-02", "not_a_date"),
        (DAY, "2024-02-29T12:00", "not_a_date"),
        (DAY, 20_240_229, "not_a_date"),
        (DAY, True, "not_a_date"),
        (DAY, "", "missing"),
        (GERMAN, "30.02.2024", "not_a_date"),
        (GERMAN, "29.2.24", "not_a_date"),
        (LOCAL, "2024-02-29", "not_a_datetime"),
        (LOCAL, "2024-02-29T12", "not_a_datetime"),
        (LOCAL, "2024-02-29x12:00", "not_a_datetime"),
        (LOCAL, "2024-02-29T24:01", "not_a_datetime"),
        (LOCAL, "2024-02-29T12:00Z", "unexpected_zone"),
        (ZONED, "2024-03-31T02:30", "skipped_time"),
        (CLOCK, "25:00", "not_a_time"),
        (CLOCK, "8", "not_a_time"),
        (CLOCK, "08:30+01:00", "not_a_time"),
        (CLOCK, 8.5, "not_a_time"),
    ],
)
def test_what_is_not_one_is_refused_with_a_code_and_a_sentence(feature, raw, code):
    with pytest.raises(InvalidValue) as refused:
        feature.parse(raw)
    assert refused.value.problem.code == code
    assert str(refused.value).endswith(".")


def test_the_hour_that_clocks_repeat_is_the_first_one():
    assert ZONED.parse("2024-10-27T02:30") == "2024-10-27T02:30:00+02:00"


def test_a_limit_is_named_as_a_date():
    bounded = make_feature(name="d", kind="date", label="d", minimum=0.0, maximum=19_782.0)
    with pytest.raises(InvalidValue, match="“1969-12-31” is too early: the earliest allowed is 1970-01-01"):
        bounded.parse("1969-12-31")
    with pytest.raises(InvalidValue, match="“2024-03-01” is too late: the latest allowed is 2024-02-29"):
        bounded.parse("2024-03-01")


@pytest.mark.parametrize(
    ("feature", "raw", "warning"),
    [
        (DAY, "2024-12-31", None),
        (DAY, "2025-01-01", "Day: 2025-01-01 is outside what the model has seen: 2024-01-01 to 2024-12-31"),
        (CLOCK, "07:59", "Clock: 07:59 is outside what the model has seen: 08:00 to 18:00"),
        (CLOCK, None, None),
        (LOCAL, "2024-01-01T00:00:00", None),
    ],
)
def test_a_date_outside_what_was_seen_only_warns(feature, raw, warning):
    assert feature.find_warning(raw if raw is None else feature.parse(raw)) == warning


@given(st.sampled_from(KINDS), anything | st.dates().map(str) | st.datetimes().map(str) | st.times().map(str))
def test_whatever_is_sent_is_refused_or_parses_to_itself_and_is_a_number(feature, raw):
    value, error = attempt(InvalidValue, feature.parse, raw)
    if error is None:
        assert feature.parse(json.loads(json.dumps(value))) == value
        assert np.isfinite(feature.encode(value))
        assert str(feature.write(value))


@given(st.dates())
def test_every_date_is_decoded_as_it_was_encoded(day):
    assert DAY.decode(DAY.encode(str(day))) == GERMAN.parse(f"{day:%d.%m.}{day.year:04}") == str(day)


@given(st.times())
def test_every_time_is_decoded_as_it_was_encoded(moment):
    assert CLOCK.decode(CLOCK.encode(moment.isoformat())) == moment.isoformat()


@given(st.datetimes(min_value=datetime(1800, 1, 1), max_value=datetime(2200, 1, 1)), offsets)
def test_every_moment_is_encoded_in_utc_and_kept_with_its_zone(moment, offset):
    zoned = moment.replace(tzinfo=offset)
    assert ZONED.parse(zoned.isoformat()) == zoned.isoformat()
    assert ZONED.encode(zoned.isoformat()) == pytest.approx(zoned.timestamp(), abs=1e-6)
    assert datetime.fromisoformat(ZONED.decode(ZONED.encode(zoned.isoformat()))) == zoned


@pytest.mark.parametrize("feature", KINDS)
def test_a_date_feature_survives_json(feature):
    assert read_feature(json.loads(json.dumps(write_feature(feature)))) == feature


@pytest.mark.parametrize(
    ("texts", "kind", "format", "zone"),
    [
        (["2024-02-29", None, "2024-03-01"], "date", "", ""),
        (["29.02.2024", "01.03.2024"], "date", "%d.%m.%Y", ""),
        (["01/03/2024", "29/02/2024"], "date", "%d/%m/%Y", ""),
        (["03/01/2024", "02/29/2024"], "date", "%m/%d/%Y", ""),
        (["1 Mar 2024", "29 Feb 2024"], "date", "%d %b %Y", ""),
        (["2024-02-29T12:30", "2024-03-01 12:30:15"], "datetime", "", ""),
        (["29.02.2024 12:30", "01.03.2024 08:00"], "datetime", "%d.%m.%Y %H:%M", ""),
        (["2024-02-29T12:30Z", "2024-03-01 12:30:15+01:00"], "datetime", "", "UTC"),
        (["08:30", "23:59"], "time", "", ""),
        (["8:30", "23:59"], "time", "%H:%M", ""),
        (["8:30 am", "11:59 PM"], "time", "%I:%M %p", ""),
        (["2024-02-29 12:30:00.123456789"], "datetime", "", ""),
    ],
)
def test_a_column_of_one_form_is_dates_or_times(tmp_path, texts, kind, format, zone):
    column = encode_column(make_recipe(tmp_path), pl.Series("x", texts))
    assert (column.kind, column.form.format, column.form.zone) == (kind, format, zone)
    assert np.isnan(column.values).tolist() == [text is None for text in texts]


@pytest.mark.parametrize(
    "texts",
    [
        ["a", "b"],
        ["2024-02-29", "later"],
        ["2024-02-29T12:30", "2024-02-29T12:30Z"],
        ["45:30", "12:10"],
        ["3:1", "2:1"],
        ["1234-56-78", "2024-13-01", "2024-12-01"],
        ["12-34-5678", "98-76-5432"],
        ["2024", "2025 or so"],
    ],
)
def test_other_columns_of_texts_stay_categories(tmp_path, texts):
    assert infer_forms(pl.Series("x", texts)) == []
    assert encode_column(make_recipe(tmp_path), pl.Series("x", texts)).kind == "category"


def encode(tmp_path, keys, texts):
    return encode_column(make_recipe(tmp_path, toml=f"{LINE}\n[features.x]\n{keys}\n"), pl.Series("x", texts))


def test_a_column_that_reads_both_ways_is_refused_until_the_recipe_says_which(tmp_path):
    texts = ["01/02/2024", "03/04/2024"]
    with pytest.raises(DatasetError, match=r'x: .*write format = "%d/%m/%Y" or format = "%m/%d/%Y" below') as refused:
        encode(tmp_path, "", texts)
    assert "'01/02/2024'" in str(refused.value)
    assert encode(tmp_path, 'format = "%d/%m/%Y"', texts).values.tolist() == [19_754, 19_816]
    assert encode(tmp_path, 'format = "%m/%d/%Y"', texts).values.tolist() == [19_724, 19_786]
    assert encode(tmp_path, 'kind = "category"', texts).kind == "category"


@pytest.mark.parametrize(
    ("keys", "texts", "message"),
    [
        ("", ["2024-02-29", "2024-02-30"], "x: the other values are dates, but '2024-02-30' is not: fix it, or write "),
        (
            'kind = "date"',
            ["2024-02-29", "soon"],
            "features.x.kind: data.csv also contains 'soon', but date means",
        ),
        ('kind = "time"', [1, 2], "features.x.kind: data.csv also contains '1', but time means"),
        ('format = "%d.%m.%Y"', ["1.2.2024", "1.2.24"], "features.x.format: data.csv also contains '1.2.24', but date"),
        ('format = "%d"\nchoices = ["a"]', ["a"], "features.x.format: leave it out: it is for dates and times."),
        ('zone = "Europe/Berlin"', ["2024-02-29"], "features.x.zone: leave it out: it is for dates with a time."),
        ('zone = "Mars"', ["2024-02-29"], "features.x.zone: must be a time zone such as Europe/Berlin, not 'Mars'."),
    ],
)
def test_what_does_not_fit_is_named_with_its_key(tmp_path, keys, texts, message):
    with pytest.raises((DatasetError, RecipeError)) as refused:
        encode(tmp_path, keys, texts)
    assert message in str(refused.value)


def make_table(rows=300, seed=0):
    """A table whose target depends on the weekday, the month and the hour."""
    chosen = np.random.default_rng(seed).integers(0, 700 * 24 * 60, rows)
    moments = [datetime(2023, 1, 1) + timedelta(minutes=int(each)) for each in chosen]
    return pl.DataFrame(
        {
            "day": [each.date() for each in moments],
            "start": moments,
            "clock": [each.time() for each in moments],
            "y": [10.0 * (each.weekday() > 4) + each.month + each.hour / 2 for each in moments],
        }
    )


def test_a_table_of_dates_is_the_same_from_csv_and_from_parquet(tmp_path):
    table = make_table()
    table.write_parquet(tmp_path / "made.parquet")
    csv = table.with_columns(pl.col("start").dt.to_string("%Y-%m-%d %H:%M:%S")).write_csv()
    from_csv = load_dataset(make_recipe(tmp_path, csv=csv))
    from_parquet = load_dataset(make_recipe(tmp_path, csv=(tmp_path / "made.parquet").read_bytes()))
    assert [feature.kind for feature in from_csv.schema.features] == ["date", "datetime", "time"]
    assert from_csv.schema == from_parquet.schema
    assert from_csv.matrix.tobytes() == from_parquet.matrix.tobytes()
    assert from_csv.hashes.tolist() == from_parquet.hashes.tolist()


rows = st.tuples(st.dates(), st.datetimes(), st.times())


@settings(max_examples=30)
@given(st.lists(rows, min_size=2, max_size=6))
def test_what_is_parsed_is_encoded_as_training_encoded_it(tmp_path_factory, rows):
    texts = [(day.isoformat(), moment.isoformat(), clock.isoformat()) for day, moment, clock in rows]
    csv = "day,start,clock,y\n" + "".join(f"{','.join(each)},1.5\n" for each in texts)
    dataset = load_dataset(make_recipe(tmp_path_factory.mktemp("made"), toml=WHOLE, csv=csv))
    parsed = [dataset.schema.parse(dict(zip(("day", "start", "clock"), each, strict=True))) for each in texts]
    assert dataset.schema.encode(parsed).tobytes() == dataset.matrix.tobytes()


FORMS = [
    Form(kind="date"),
    Form(kind="date", format="%d.%m.%Y"),
    Form(kind="datetime"),
    Form(kind="datetime", zone="UTC"),
    Form(kind="datetime", format="%m/%d/%Y %H:%M"),
    Form(kind="datetime", format="%d-%m-%Y %H:%M:%S"),
    Form(kind="time"),
    Form(kind="time", format="%H:%M"),
]
blanks = st.sampled_from(["{}", " {}", "{}Z", "{}+05:30", "{}-01:00", "{}5", "{}.1234567", "{}:60", "0{}"])


@given(st.lists(st.tuples(st.datetimes(), blanks, st.sampled_from(["T", " "])), min_size=1, max_size=10))
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_what_is_read_at_once_is_what_the_feature_reads_text_by_text(form, made):
    format = form.format or {"date": "%Y-%m-%d", "datetime": "%Y-%m-%dT%H:%M:%S", "time": "%H:%M:%S"}[form.kind]
    texts = [blank.format(moment.strftime(format).replace("T", mark)) for moment, blank, mark in made]
    read = read_plain(pl.Series(texts), form)
    for text, number in zip(texts, read.to_list(), strict=True):
        value, _ = attempt(InvalidValue, form.reader.convert, text)
        assert number is None or form.reader.encode(value) == number


def test_limits_are_dates_of_toml(tmp_path):
    csv = make_table().write_csv()
    toml = f"{LINE}\n[features.day]\nminimum = 2023-01-01\n[features.clock]\nmaximum = 23:59:59\n"
    day, _, clock = load_dataset(make_recipe(tmp_path, toml=toml, csv=csv)).schema.features
    assert day.decode(day.minimum) == "2023-01-01"
    assert clock.decode(clock.maximum) == "23:59:59"
    with pytest.raises(RecipeError, match=r"features.day.maximum: “08:00:00” is not a date: give a date"):
        load_dataset(
            make_recipe(tmp_path, toml=f"{LINE}\n[features.day]\nmaximum = 08:00:00\n", csv=make_table().write_csv())
        )


def fit_score(tmp_path, estimator):
    toml = f'{LINE}\n[estimator]\nclass = "{estimator}"\n'
    recipe = make_recipe(tmp_path, toml=toml, csv=make_table(600).drop("clock", "day").write_csv())
    dataset = load_dataset(recipe)
    model = build_pipeline(recipe, dataset.schema).fit(
        dataset.matrix[dataset.training], dataset.target[dataset.training]
    )
    return model.score(dataset.matrix[dataset.held_out], dataset.target[dataset.held_out])


@pytest.mark.parametrize(
    ("estimator", "least"),
    [
        ("sklearn.ensemble.HistGradientBoostingRegressor", 0.95),
        ("sklearn.linear_model.Ridge", 0.6),
        ("sklearn.linear_model.LinearRegression", 0.6),
        ("sklearn.neighbors.KNeighborsRegressor", 0.5),
    ],
)
def test_a_model_learns_from_one_column_what_depends_on_weekday_month_and_hour(tmp_path, estimator, least):
    assert fit_score(tmp_path, estimator) > least


ordinary = st.datetimes(min_value=datetime(1800, 1, 1), max_value=datetime(2200, 1, 1))


@given(st.lists(ordinary, min_size=1, max_size=20))
def test_the_parts_of_a_moment_are_those_of_the_calendar(moments):
    parts = split_parts(np.array([LOCAL.encode(each.isoformat()) for each in moments]), "datetime")
    expected = [(m.year, m.month, m.day, m.weekday(), m.timetuple().tm_yday, m.hour) for m in moments]
    assert list(zip(*[parts[name].astype(int).tolist() for name in list(parts)[:6]], strict=True)) == expected
    assert parts["minute_of_day"] == pytest.approx([m.hour * 60 + m.minute + m.second / 60 for m in moments], abs=0.02)


def expand_compiled(made, matrix):
    """What the compiled step gives, by a model that picks one of its columns at a time."""
    width = made.transform(matrix).shape[1]
    picks = []
    for column in range(width):
        model = LinearRegression()
        model.coef_, model.intercept_ = np.eye(width)[column], 0.0
        compiled = CompiledModel(compile_model(Pipeline([("parts", made), ("pick", model)]), matrix.shape[1]).data)
        picks.append(compiled.predict(np.ascontiguousarray(matrix)))
    return np.column_stack(picks)


@pytest.mark.parametrize("cyclic", [False, True])
@pytest.mark.parametrize(("kind", "unit"), [("date", 1.0), ("datetime", 86_400.0), ("time", None)])
def test_the_compiled_calendar_is_the_same_on_every_day_from_year_1_to_9999(kind, unit, cyclic):
    days = np.arange(date.min.toordinal(), date.max.toordinal(), 97) - EPOCH_DAY + 0.0
    values = np.arange(0, 86_400, 7.25) if unit is None else days * unit + (unit > 1) * (days % 89) * 970.5
    matrix = np.column_stack([values, values[::-1]])
    made = DateParts(kind=kind, cyclic=cyclic).fit(matrix)
    np.testing.assert_allclose(expand_compiled(made, matrix), made.transform(matrix), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("estimator", ["ensemble.HistGradientBoostingRegressor", "linear_model.Ridge"])
def test_a_model_on_dates_is_compiled_and_predicts_the_same(tmp_path, estimator, gaps):
    table = make_table(300)
    if gaps:
        table = table.with_columns(pl.when(pl.int_range(pl.len()) % 5 > 0).then(pl.col("day", "start", "clock")))
    toml = f'{LINE}\n[estimator]\nclass = "sklearn.{estimator}"\n'
    recipe = make_recipe(tmp_path, toml=toml, csv=table.write_csv())
    dataset = load_dataset(recipe)
    fitted = build_pipeline(recipe, dataset.schema).fit(dataset.matrix, dataset.target)
    checked = compile_checked(fitted, dataset)
    assert checked.data, checked.described
    assert checked.described.difference < 1e-9


def test_a_missing_date_is_missing_in_every_part_and_only_parts_that_vary_are_made():
    days = np.array([[0.0], [1.0], [np.nan]])
    made = DateParts(kind="date").fit(days)
    assert made.parts_ == [["day", "weekday", "day_of_year", "days"]]
    assert np.isnan(made.transform(days)).all(axis=1).tolist() == [False, False, True]
    assert DateParts(kind="date").fit(days[:1]).transform(days[:1]).shape == (1, 1)
    assert DateParts(kind="date", cyclic=True).fit(days).transform(days).shape == (3, 7)


def test_a_live_version_keeps_its_form_and_an_old_category_its_kind(tmp_path):
    german = load_dataset(make_recipe(tmp_path, toml=WHOLE, csv=write_csv("29.02.2024", "01.03.2024")))
    again = make_recipe(tmp_path, toml=WHOLE, csv=write_csv("02.03.2024", "01.03.2024"))
    assert load_dataset(again, live=german.schema).schema.features[0].format == "%d.%m.%Y"
    first_day = load_dataset(make_recipe(tmp_path, toml=WHOLE, csv=write_csv("29/02/2024", "01/03/2024")))
    both_fit = make_recipe(tmp_path, toml=WHOLE, csv=write_csv("02/03/2024", "01/03/2024"))
    assert load_dataset(both_fit, live=first_day.schema).schema.features[0].format == "%d/%m/%Y"
    recipe = make_recipe(tmp_path, toml=WHOLE, csv=write_csv("2024-02-29", "2024-03-01"))
    old = load_dataset(recipe, finds_dates=False)
    kept = load_dataset(recipe, live=old.schema)
    assert (kept.schema, kept.hashes.tolist()) == (old.schema, old.hashes.tolist())
    assert any('write kind = "date"' in note.lower() for note in kept.notes)


def write_csv(*texts):
    return "x,y\n" + "".join(f"{texts[i % len(texts)]},{i}.5\n" for i in range(20))


def test_versions_that_read_a_date_in_other_forms_are_not_compared(tmp_path):
    texts = ["01/02/2024", "03/04/2024"]
    ours, theirs = (
        load_dataset(
            make_recipe(tmp_path, toml=f'{LINE}\nholdout = 0\n[features.x]\nformat = "{form}"\n', csv=write_csv(*texts))
        )
        for form in ("%d/%m/%Y", "%m/%d/%Y")
    )
    assert not are_read_alike(ours.schema.features[0], theirs.schema.features[0])
    iso = load_dataset(make_recipe(tmp_path, toml=WHOLE, csv=write_csv("2024-02-01", "2024-04-03")))
    assert are_read_alike(ours.schema.features[0], iso.schema.features[0])
    assert set(iso.hashes.tolist()) == set(ours.hashes.tolist())
    as_category = load_dataset(
        make_recipe(tmp_path, toml=WHOLE, csv=write_csv("2024-02-01", "2024-04-03")), finds_dates=False
    )
    assert not are_read_alike(iso.schema.features[0], as_category.schema.features[0])


# These must never change: held-out rows would be trained on.
HASHES = [11836613091680447522, 15653950743003921422]
TITLE = 'title = "Rides"\ntarget = "y"\ndata = "data.csv"\n[estimator]\nclass = "sklearn.linear_model.Ridge"\n'


@pytest.fixture
def rides(models_dir):
    folder = models_dir / "rides"
    folder.mkdir()
    table = make_table(200).with_columns(pl.col("start").dt.to_string("%Y-%m-%dT%H:%M:%S+01:00"))
    (folder / "data.csv").write_text(table.write_csv())
    (folder / "model.toml").write_text(TITLE + '[features.start]\nzone = "Europe/Berlin"\nrequired = false\n')
    return train(models_dir, "rides")


TYPED = {"day": "2024-02-29", "start": "2024-02-29T12:30", "clock": "08:30"}


@pytest.mark.both_databases
@pytest.mark.django_db
def test_dates_are_asked_answered_kept_and_trained_on_again(rides, client, models_dir):
    form = BeautifulSoup(client.get("/rides/").content, "html.parser")
    types = {each["name"]: each.get("type") for each in form.select(".field input")}
    assert types == {"day": "date", "start": "datetime-local", "clock": "time"}
    assert form.select_one("[name=start] + .unit").text == "Europe/Berlin"
    answer = client.post("/rides/", TYPED)
    kept = Prediction.objects.get()
    assert kept.inputs == {"day": "2024-02-29", "start": "2024-02-29T12:30:00+01:00", "clock": "08:30:00"}
    page = BeautifulSoup(client.get(answer["Location"]).content, "html.parser")
    assert [each.text for each in page.select(".inputs dd")] == ["2024-02-29", "2024-02-29 12:30+01:00", "08:30"]
    again = {each["name"]: each["value"] for each in page.select(".field input")}
    assert again == {"day": "2024-02-29", "start": "2024-02-29T12:30:00", "clock": "08:30:00"}
    record_outcome(kept, "9.5", by="tests", seen=None)
    call_command("retrain", "rides", with_outcomes=True, force=True)
    assert Version.objects.order_by("-id").first().data["outcomes"]["used"] == 1


@pytest.mark.django_db
def test_the_api_takes_iso_8601_and_gives_a_code_for_what_it_refuses(rides, client):
    def post(**changed):
        sent = json.dumps({"inputs": {**TYPED, **changed}})
        return client.post("/api/v1/models/rides/predict", sent, content_type="application/json")

    [warning] = post(start="2031-02-28T11:30Z").json()["predictions"][0]["warnings"]
    assert warning.startswith(
        "start: 2031-02-28 11:30+00:00 is outside what the model has seen: 2023-01-04 17:55+01:00 to"
    )
    assert post(start=None).status_code == 200
    refused = post(day="2024-02-30", clock=8, start="noon").json()["error"]
    assert refused["codes"] == {"day": "not_a_date", "start": "not_a_datetime", "clock": "not_a_time"}
    assert refused["fields"]["day"].startswith("“2024-02-30” is not a date: give a date such as ")


@pytest.mark.django_db
def test_a_build_that_knows_no_dates_refuses_such_a_version_and_every_other_is_signed_for_it(rides, line):
    for artifact in Artifact.objects.filter(version=rides):
        assert (artifact.manifest, json.loads(artifact.manifest_2)["format"]) == ("", 3)
        resign_artifacts(rotate=True)
        assert open_artifact(artifact, Site.objects.find())["format"] == 3
    for artifact in Artifact.objects.filter(version=line):
        assert [json.loads(each)["format"] for each in (artifact.manifest, artifact.manifest_2)] == [1, 2]


@pytest.mark.parametrize(
    "rows",
    [
        ["2024-02-29,2024-02-29T12:30Z,08:30,1.5", "1969-12-31,1969-12-31T23:59:59.5-05:00,00:00,2.5"],
        ["29.02.2024,2024-02-29T13:30+01:00,08:30:00,1.5", "31.12.1969,1970-01-01T04:59:59.500Z,00:00:00,0"],
    ],
)
def test_known_dates_have_known_hashes_forever_in_whatever_form(tmp_path, rows):
    csv = "\n".join(["day,start,clock,y", *rows, ""])
    assert load_dataset(make_recipe(tmp_path, toml=WHOLE, csv=csv)).hashes.tolist() == HASHES
