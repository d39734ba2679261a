"""What people read of drift: in the words and units of their page, without a library's names."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from bs4 import BeautifulSoup
from msgspec.structs import replace

from predictor.languages import LANGUAGES, use_language
from predictor.monitoring.drift import drift
from predictor.monitoring.watch import store, watch
from predictor.record.drift import DriftUnknown
from predictor.record.drift_charts import HEIGHT, list_charts
from predictor.record.written_drift import list_shifts, write_drift
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from tests.drifting import FEATURES, SCHEMA, draw, observe, refer
from tests.past import make_predictions


@pytest.fixture(scope="module")
def reference():
    return refer(draw(1060, 0))


def measure(reference, **changes):
    columns = draw(400, 1)
    changed = {name: change(columns[name]) for name, change in changes.items()}
    return drift(reference, observe(columns | changed), version=1)


def test_without_drift_it_is_said_and_how_well_both_are_told_apart(reference):
    first, second = write_drift(measure(reference), SCHEMA)
    assert first == "Inputs and outputs are distributed as in training, as far as the window shows."
    assert second.startswith(
        "By all inputs together, five predictions are told from five training rows with an AUC of 0."
    )


def test_what_has_changed_is_named_by_its_label_the_most_first(reference):
    gone = np.arange(400) % 3 == 0
    found = measure(
        reference,
        area=lambda values: values * 3,
        notes=lambda values: np.where(gone, None, values),
        price=lambda values: values * 1.5,
    )
    assert write_drift(found, SCHEMA)[0] == ("Not distributed as in training: Area; Price: predicted; Notes: length.")
    table = list_shifts(found, SCHEMA)
    assert len({len(table.head), *map(len, table.rows)}) == 1
    assert table.rows[0][0] == "Area"
    assert (table.rows[0][3], table.rows[0][-1]) == ("< 0.001", "values")
    assert [row[-1] for row in table.rows if row[0] == "Notes: length"] == ["missing values"]


def test_of_many_the_first_five_are_named_and_the_others_counted(reference):
    found = measure(reference, area=lambda values: values * 3)
    [shift] = found.shifted
    many = replace(found, shifts=(shift,) * 7, changed=1207)
    sentence = write_drift(many, SCHEMA)[0]
    assert sentence == "Not distributed as in training: Area; Area; Area; Area; Area; and 1202 more."


def test_inputs_that_no_longer_go_together_are_said_to(reference):
    found = measure(reference)
    together = replace(found, joint=replace(found.joint, auc=0.91234, corrected=0.001))
    first, second = write_drift(together, SCHEMA)
    assert first == "No input has changed alone since training, but how inputs go together has."
    assert "an AUC of 0.91:" in second


def test_why_it_cannot_be_measured_is_said_in_the_language_of_the_page():
    unknown = DriftUnknown(reason="few predictions", rows=12, needed=200)
    said = set()
    for language in LANGUAGES.values():
        with use_language(language):
            said.add(*write_drift(unknown, SCHEMA))
    assert "Drift cannot be measured. There are 12 predictions to compare; 200 are needed." in said
    assert len(said) == len(LANGUAGES)


@pytest.mark.parametrize(
    ("name", "change", "first", "last"),
    [
        ("area", lambda values: values * 3, "below 54.4\u00a0m²", "from 146\u00a0m² on"),
        ("rooms", lambda values: values + 9, "below 2", "from 6 on"),
        ("town", lambda values: np.full(400, 3.0), "Bonn", "any other"),
        ("garden", lambda values: np.ones(400), "no", "yes"),
        ("built", lambda values: values + 17_000, "below 1974", "from 2014"),
        ("price", lambda values: values * 3, "below", "\u00a0k€ on"),
    ],
)
def test_bins_are_named_as_values_of_the_input_are_written(reference, name, change, first, last):
    features = (replace(FEATURES[0], unit="m²"), *FEATURES[1:])
    price = Target(name="price", label="Price", task="regression", unit="k€")
    schema = Schema(features=features, target=price)
    [chart] = [each for each in list_charts(measure(reference, **{name: change}), schema) if name in each.title.lower()]
    assert chart.bins[0].name.startswith(first)
    assert last in chart.bins[-1].name
    assert sum(each.training for each in chart.bins) == pytest.approx(1)
    assert len(chart.bars) == 2 * len(chart.bins)
    assert max(height for *_, height in chart.bars) == HEIGHT
    assert all(y + height == HEIGHT and x + width <= chart.size[0] for _, x, y, width, height in chart.bars)
    assert chart.bins[-1].texts[2].endswith("%")


@pytest.mark.django_db
def test_reviewers_see_which_columns_have_drifted_and_how_with_all_figures(line, admin_client):
    now = datetime.now(UTC)
    make_predictions(line, now - timedelta(days=1), [({"x": 8 + row / 100}, 20.0) for row in range(200)])
    store("line", watch("line", timedelta(days=7), now))
    page = BeautifulSoup(admin_client.get("/admin/predictor/version/quality/line/").content, "html.parser")
    assert "Not distributed as in training: " in page.text
    assert page.select_one("#drift").text == "Inputs and outputs, compared with training"
    [first, _second] = page.select(".distributions figure")
    name = first.figcaption.text
    assert first.svg["aria-label"] == f"{name}: shares in training and now"
    assert len(first.select("rect")) == 2 * len(first.select("tbody tr"))
    assert not page.select("[style]"), "the site's policy allows no style of an element"
