"""What an earlier version was given is read under a schema in which the feature is of another kind."""

import msgspec
import pytest
from bs4 import BeautifulSoup
from django.http import QueryDict
from hypothesis import example, given
from hypothesis import strategies as st

from predictor.models import Prediction, Version
from predictor.schema.kinds import Number, make_feature
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.serving.service import service
from predictor.training.dataset import load_dataset
from predictor.web.forms import parse_typed
from predictor.web.pieces import FormPieces
from tests.outcomes import LINE, make_version
from tests.recipes import make_recipe
from tests.test_observed import observe
from tests.test_schema import attempt, features, finite, texts
from tests.training import train

TARGET = Target(name="y", label="y", task="regression")
KINDS = ["number", "integer", "category", "boolean"]
# Of each kind that a feature may have had, and what some other kind could take for its own.
OLD = [2.5, 3.0, 1.0, -0.0, 1e300, 3, 0, 2**60, "red", "3", "3.0", "true", "1,234", "", " ", "a\nb", True, False, None]
OLD += ["2024-02-29", "2024-02-29T12:30:00", "2024-02-29T12:30:00+01:00", "12:30:00"]
# Rounded, its typical value is no float.
NEAR_THE_LARGEST = Number(name="x", label="x", seen=(0.0, 9.999999999999347e307), typical=1.75e308)
COLUMNS = {
    "number": [f"{i}.5" for i in range(60)],
    "integer": [str(i) for i in range(60)],
    "category": [["red", "3", "blue"][i % 3] for i in range(60)],
    "boolean": [["true", "false"][i % 2] for i in range(60)],
    "date": [f"2024-01-{i % 28 + 1:02}" for i in range(60)],
    "datetime": [f"2024-01-{i % 28 + 1:02}T08:30Z" for i in range(60)],
    "time": [f"08:{i:02}" for i in range(60)],
}


def read_form(html):
    """What a browser would send of a form that somebody only looked at."""
    sent = QueryDict(mutable=True)
    for field in BeautifulSoup(html, "html.parser").select("input[name], select, textarea"):
        if field.name == "select":
            chosen = field.select_one("option[selected]") or field.select_one("option")
            sent[field["name"]] = chosen["value"].replace("\n", "\r\n")
        elif field.name == "textarea":
            # The line end after the tag is no part of the text.
            sent[field["name"]] = field.get_text().removeprefix("\n").replace("\n", "\r\n")
        elif field.get("type") != "checkbox" or field.has_attr("checked"):
            sent[field["name"]] = field.get("value", "")
    return sent


@example(NEAR_THE_LARGEST, 2.5)
@given(features(), st.sampled_from(OLD) | finite | st.integers() | texts)
def test_a_form_is_filled_with_what_the_new_kind_can_take_and_else_left_empty(feature, old):
    limits = {"maximum_length": 100_000} if feature.kind == "text" else {}
    optional = msgspec.structs.replace(feature, minimum=None, maximum=None, required=False, **limits)
    fits, _ = attempt(ValueError, feature.convert, old)
    read = read_back(optional, old)
    # A browser's field has no offset, so that a moment comes back in the zone of the field.
    is_same_moment = feature.kind == "datetime" and fits and feature.encode(read) == feature.encode(fits)
    is_blank = feature.kind == "text" and read is None and not str(fits or "").strip()
    assert read == fits or (fits is None and read == "") or is_same_moment or is_blank


@pytest.mark.parametrize("old", OLD)
def test_a_checkbox_is_ticked_only_by_a_yes(old):
    checkbox = make_feature(name="x", kind="boolean", label="x")
    assert read_back(checkbox, old) == (old in (1, True, "true"))


def read_back(feature, old):
    """What is read of a form that was filled with an old value and sent as it is."""
    schema = Schema(features=(feature,), target=TARGET)
    form = FormPieces(Version(model="line"), schema).fill("token", {"x": old})
    return parse_typed(schema, read_form(form)).values["x"]


@pytest.mark.django_db
@pytest.mark.parametrize("new", [pytest.param("number", marks=pytest.mark.both_databases), *KINDS[1:]])
def test_pages_and_admin_show_a_kept_answer_whatever_kind_its_input_is_now(client, admin_client, models_dir, new):
    rows = "".join(f"{x},{y},{y}\n" for y, x in enumerate(COLUMNS[new]))
    (models_dir / "line/data.csv").write_text("x,z,y\n" + rows)
    recipe = models_dir / "line/model.toml"
    recipe.write_text(recipe.read_text().replace("show_data = true", "holdout = 0"))
    kept = [make_prediction(kind, old) for i, old in enumerate(OLD) for kind in ("category", KINDS[i % len(KINDS)])]
    assert train(models_dir, "line").parsed_schema.features[0].kind == new
    service.forget()
    for prediction in kept:
        page = client.get(prediction.get_absolute_url())
        assert page.status_code == 200
        tried = client.get(f"{prediction.get_absolute_url()}try/")
        assert BeautifulSoup(tried.content, "html.parser").select_one("form.try [name=x]")
        assert client.get(f"{prediction.get_absolute_url()}change/").status_code == 302
    for prediction in kept[::2]:
        assert admin_client.get(f"/admin/predictor/prediction/{prediction.id}/change/").status_code == 200
        assert admin_client.get(f"/admin/predictor/outcome/add/?prediction={prediction.id}").status_code == 200
    assert admin_client.get("/admin/predictor/prediction/").status_code == 200


def make_prediction(kind, old):
    version = make_version(LINE, "line", make_feature(name="x", kind=kind, label="x", choices=("red",)))
    version.profile = {"axes": [], "curve": [], "points": []}
    version.save()
    return Prediction.objects.create(version=version, inputs={"x": old}, output=1.5, source="form", duration_ms=1.0)


@pytest.mark.parametrize("listed", [False, True], ids=["found in the table", "listed in the recipe"])
@pytest.mark.parametrize("new", KINDS)
def test_what_happened_is_trained_on_where_the_new_kind_can_take_the_input(tmp_path, new, listed):
    keys = '[features.x]\nchoices = ["blue", "red", "3"]\n' if listed and new == "category" else ""
    csv = "x,y\n" + "".join(f"{x},{y}\n" for y, x in enumerate(COLUMNS[new]))
    recipe = make_recipe(tmp_path, toml='title = "A"\ntarget = "y"\ndata = "data.csv"\nholdout = 0\n' + keys, csv=csv)
    dataset = load_dataset(recipe, observe(*(({"x": old}, 1.0) for old in OLD)))
    assert dataset.outcomes + sum(dataset.misfits.values()) == len(OLD)
    assert dataset.outcomes >= OLD.count(None) + 1
