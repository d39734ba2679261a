"""Which columns are dates or times, and in which form they are read."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictor.exceptions import CannotCompare, DatasetError, InvalidValue, RecipeError
from predictor.schema.kinds import make_feature
from predictor.training.columns import encode_column
from predictor.training.contest import Champion, hold_contest
from predictor.training.dataset import load_dataset
from predictor.training.date_columns import Form, read_plain
from predictor.training.dates import are_read_alike, infer_forms
from tests.recipes import LINE, make_dates, make_recipe
from tests.test_schema import attempt

WHOLE = f"{LINE}\nholdout = 0\n"
# These must never change: held-out rows would be trained on.
HASHES = [11836613091680447522, 15653950743003921422]


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
        (["29.02.24", "1.3.99"], "date", "%d.%m.%y", ""),
        (["02/29/24", "3/1/29"], "date", "%m/%d/%y", ""),
        (["99-12-31", "24-02-29"], "date", "%y-%m-%d", ""),
        (["24-01-31", "24-02-12"], "date", "%y-%m-%d", ""),
        (["31-01-24", "12-02-24"], "date", "%d-%m-%y", ""),
        (["29-Feb-24 12:30", "01-Mar-69 08:00"], "datetime", "%d-%b-%y %H:%M", ""),
        (["Feb 29, 24", "Mar 1, 24"], "date", "%b %d, %y", ""),
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
        ["1.2.3", "1.2.10"],
        ["29.02.24", "1.3.2024"],
        ["45-99-99", "10-10-10"],
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


def test_a_year_of_two_digits_of_either_century_is_refused_until_the_recipe_has_the_format(tmp_path):
    texts = ["13/05/29", "27/11/55"]
    with pytest.raises(DatasetError) as refused:
        encode(tmp_path, "", texts)
    asked = (
        "x: the year of '27/11/55' may be 2055 or 1955: write four digits, or, for 2055, format = \"%d/%m/%y\" below"
    )
    assert asked in str(refused.value)
    column = encode(tmp_path, 'format = "%d/%m/%y"', texts)
    assert [column.reader.decode(value) for value in column.values] == ["2029-05-13", "2055-11-27"]
    assert column.reader.parse("1/2/69") == "1969-02-01"


JANUARY = [f"{day:02d}/01/2024" for day in range(1, 32)]
STAMPS = [f"2024-01-{day:02d} 10:00" for day in range(1, 32)]


@pytest.mark.parametrize(
    ("keys", "texts", "message"),
    [
        ("", ["2024-02-29", "2024-02-30"], "x: the other values are dates, but '2024-02-30' is not: fix it, or write "),
        ("", [*JANUARY, "30/02/2024"], "x: the other values are dates, but '30/02/2024' is not: fix it, or write "),
        ("", [*(day[:10] for day in STAMPS), "2024-1-5"], "x: the other values are dates, but '2024-1-5' is not"),
        ("", [*STAMPS, "2024-01-32 10:00"], "x: the other values are dates, but '2024-01-32 10:00' is not"),
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


def test_a_table_of_dates_is_the_same_from_csv_and_from_parquet(tmp_path):
    table = make_dates()
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
    Form(kind="date", format="%d.%m.%y"),
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
    csv = make_dates().write_csv()
    toml = f"{LINE}\n[features.day]\nminimum = 2023-01-01\n[features.clock]\nmaximum = 23:59:59\n"
    day, _, clock = load_dataset(make_recipe(tmp_path, toml=toml, csv=csv)).schema.features
    assert day.decode(day.minimum) == "2023-01-01"
    assert clock.decode(clock.maximum) == "23:59:59"
    with pytest.raises(RecipeError, match=r"features.day.maximum: “08:00:00” is not a date: give a date"):
        load_dataset(
            make_recipe(tmp_path, toml=f"{LINE}\n[features.day]\nmaximum = 08:00:00\n", csv=make_dates().write_csv())
        )


def test_an_impossible_date_in_a_later_table_is_named_and_does_not_make_a_category(tmp_path):
    rows = [f"{day},{place % 7}" for place, day in enumerate([*JANUARY, *JANUARY])]
    live = load_dataset(make_recipe(tmp_path, toml=LINE, csv="\n".join(["x,y", *rows])))
    assert live.schema.features[0].kind == "date"
    slip = make_recipe(tmp_path, toml=LINE, csv="\n".join(["x,y", "30/02/2024,1", *rows]))
    with pytest.raises(RecipeError, match=r"data\.csv also contains '30/02/2024', but date means a date"):
        load_dataset(slip, live=live.schema)


def test_a_live_version_takes_the_form_that_reads_all_of_a_later_table(tmp_path):
    rows = [f"{hour:02d}:{minute:02d},{minute % 7}" for hour in (10, 11, 12) for minute in range(60)]
    live = load_dataset(make_recipe(tmp_path, toml=LINE, csv="\n".join(["x,y", *rows])))
    assert (live.schema.features[0].kind, live.schema.features[0].format) == ("time", "")
    later = make_recipe(tmp_path, toml=LINE, csv="\n".join(["x,y", "9:58,1", *rows]))
    feature = load_dataset(later, live=live.schema).schema.features[0]
    assert (feature.format, feature.parse("9:58")) == ("%H:%M", "09:58:00")


def test_whole_numbers_are_dates_where_the_recipe_says_so(tmp_path):
    toml = f'{LINE}holdout = 0\n[features.x]\nkind = "date"\nformat = "%Y%m%d"\n'
    dataset = load_dataset(make_recipe(tmp_path, toml=toml, csv="x,y\n20240229,1\n20240301,2\n20240302,3\n"))
    [feature] = dataset.schema.features
    assert dataset.matrix[:, 0].tolist() == [19_782, 19_783, 19_784]
    assert feature.parse(20240301) == feature.parse("20240301") == "2024-03-01"
    for wrong in (20240230, 2024, 20240301.5, True, -20240301, 10**5000):
        with pytest.raises(InvalidValue):
            feature.parse(wrong)
    with pytest.raises(InvalidValue):  # It may be 1 October 3202 or 10 March 2026.
        make_feature(kind="date", name="x", label="x", format="%d%m%Y").parse(1032026)


@pytest.mark.parametrize(("kind", "text"), [("time", "9:58:30"), ("time", "9:58"), ("date", "2024-1-5")])
def test_what_a_column_is_read_by_reads_what_is_typed(tmp_path, kind, text):
    texts = [text, text.replace("5", "4")]
    column = encode(tmp_path, "", texts)
    assert column.kind != kind or column.reader.parse(text)
    with pytest.raises(RecipeError, match=f"features.x.kind: data.csv also contains '{text}', but {kind} means"):
        encode(tmp_path, f'kind = "{kind}"', [text, "soon"])


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


def load_in_zone(tmp_path, zone, *texts):
    toml = f'{LINE}\nholdout = 0\n[features.x]\nkind = "datetime"\nzone = "{zone}"\n'
    return load_dataset(make_recipe(tmp_path, toml=toml, csv=write_csv(*texts)))


def test_how_dates_are_read_is_kept_with_the_split_as_far_as_the_hashes_depend_on_it(tmp_path):
    def split(*texts, zone="Europe/Berlin"):
        dataset = load_in_zone(tmp_path, zone, *texts)
        return dataset.canonical, dataset.hashes.tolist()

    berlin, utc = split("2024-02-29T08:30"), split("2024-02-29T08:30", zone="UTC")
    assert (berlin[0], utc[0]) == ({"x": {"zone": "Europe/Berlin"}}, {})
    assert berlin[1] != utc[1]
    assert split("2024-02-29T08:30Z") == split("2024-02-29T08:30Z", zone="UTC") == utc
    german = load_dataset(make_recipe(tmp_path, toml=WHOLE, csv=write_csv("29.02.2024", "01.03.2024")))
    assert german.canonical == {"x": {"format": "%d.%m.%Y"}}


def test_versions_that_read_times_in_another_zone_are_not_compared(tmp_path):
    ours, theirs = (load_in_zone(tmp_path, zone, "2024-02-29T08:30") for zone in ("UTC", "Asia/Tokyo"))
    champion = Champion(
        number=3, schema=theirs.schema, names=["x"], share=0.2, estimator=None, canonical=theirs.canonical
    )
    with pytest.raises(CannotCompare) as refused:
        hold_contest(ours, 0.2, None, champion, "rmse")
    assert refused.value.cause == "version 3 reads 'x' by another `zone`, and so holds out other rows"


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
