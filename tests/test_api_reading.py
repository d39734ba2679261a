import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import jsonschema_rs
import msgspec
import polars as pl
import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.db.models import JSONField, Value
from django.middleware.csrf import get_token
from django.test import Client

from predictor.access import visitors
from predictor.access.keys import Scope, keys, make_key
from predictor.access.limits import Rate
from predictor.api import predictions
from predictor.history.exporting import running
from predictor.models import Monitoring, Outcome, Prediction, Reference, Version
from predictor.record.monitoring import Monitoring as Result
from predictor.schema.kinds import make_feature
from predictor.serving.explaining import asking
from predictor.serving.explaining.turns import OneAtATime
from predictor.turns import Turns
from tests.outcomes import PENGUINS, make_version
from tests.past import make_predictions
from tests.test_predict_journey import PENGUIN

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_refused():
    visitors._refused.clear()
    yield
    visitors._refused.clear()


def make(*scopes, models=None):
    """A key; a process that has just looked for new ones finds it at once."""
    keys.forget()
    return make_key(str(uuid4()), scopes=scopes or (Scope.READ,), models=models, expires_at=None, by="tests")[1]


@pytest.fixture
def read(client):
    """Get an address below /api/v1/ with a key that may read."""
    key = make()

    def get(path, key=key, **parameters):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return client.get(f"/api/v1/{path}", parameters, headers=headers)

    return get


def store(version, count=5, **changed):
    """Predictions of inputs 0, 1, 2, … a day apart."""
    rows = [({"x": float(x)}, 10.0 * x) for x in range(count)]
    return make_predictions(version, START, rows, step=timedelta(days=1), **changed)


def list_inputs(answer):
    return [each["inputs"]["x"] for each in answer.json()["predictions"]]


def test_models_are_listed_with_their_live_versions(read, penguins, line):
    answer = read("models", key=None)
    assert [(each["model"], each["version"], each["task"]) for each in answer.json()["models"]] == [
        ("line", line.number, "regression"),
        ("penguins", penguins.number, "classification"),
    ]


def test_a_model_describes_inputs_that_it_takes_and_how_good_it_is(read, penguins):
    answer = read("models/penguins", key=None).json()
    validator = jsonschema_rs.validator_for(answer["schema"]["inputs"])
    assert validator.is_valid({name: float(text) if text[0].isdigit() else text for name, text in PENGUIN.items()})
    assert not validator.is_valid({**PENGUIN, "bill_length_mm": "long"})
    assert answer["schema"]["inputs"]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert answer["schema"]["output"]["enum"] == ["Adelie", "Chinstrap", "Gentoo"]
    accuracy = next(each for each in answer["metrics"]["scores"] if each["name"] == "accuracy")
    assert accuracy["baseline"] < accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    assert answer["live_since"]


def test_the_schema_of_a_version_is_made_once_since_a_model_may_have_thousands_of_inputs(read, line):
    answers = [read("models/line", key=None)]
    Version.objects.update(schema={"features": [], "target": line.schema["target"]})  # Which never happens.
    answers.append(read("models/line", key=None))
    assert answers[0].json() == answers[1].json()


def test_versions_are_read_in_pages_the_newest_first_and_one_by_one(read, line):
    for _ in range(4):
        make_version()
    first = read("models/line/versions", key=None, limit=3).json()
    rest = read("models/line/versions", key=None, limit=3, cursor=first["next"]).json()
    assert [each["version"] for each in first["versions"] + rest["versions"]] == [5, 4, 3, 2, 1]
    assert rest["next"] is None
    assert [each["version"] for each in rest["versions"] if each["live_since"]] == [1]
    one = read("models/line/versions/1", key=None).json()
    assert (one["version"], one["decision"]["promoted"], one["training_rows"] > 0) == (1, True, True)
    missing = read("models/line/versions/9", key=None)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "version_not_found")


def test_the_quality_of_a_model_is_what_monitor_stored_last(read, line):
    missing = read("models/line/quality", key=None)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "quality_not_found")
    found = Result(
        version=1, since="2026-03-01T00:00:00+00:00", until="2026-03-08T00:00:00+00:00", predictions=7, read=7
    )
    for state in ("alarm", "well"):
        result = {**to_json(found), "state": state}
        Monitoring.objects.create(model="line", state=state, former_state="", result=result, computed_at=START)
    answer = read("models/line/quality", key=None).json()
    assert (answer["result"]["state"], answer["result"]["predictions"]) == ("well", 7)
    assert answer["computed_at"] == "2026-03-01T00:00:00Z"


def to_json(found):
    return msgspec.to_builtins(found)


def test_a_prediction_is_read_as_it_was_answered_with_its_outcome_and_its_reference(client, read, line):
    sent = {"inputs": {"x": 1e3}}
    [predicted] = client.post("/api/v1/models/line/predict", sent, content_type="application/json").json()[
        "predictions"
    ]
    prediction = Prediction.objects.get()
    Outcome.objects.create(prediction=prediction, value=1.0, recorded_by="Ada")
    Reference.objects.create(prediction=prediction, model="line", reference="customer-42/2026-03")
    answer = read(f"predictions/{predicted['id']}").json()
    assert {name: answer[name] for name in predicted} == predicted
    # As Swift and other languages write it.
    assert read(f"predictions/{predicted['id'].upper()}").json() == answer
    assert (answer["model"], answer["version"], answer["inputs"]) == ("line", 1, {"x": 1000.0})
    assert (answer["outcome"]["value"], answer["outcome"]["recorded_by"]) == (1.0, "Ada")
    assert answer["reference"] == "customer-42/2026-03"
    assert read("models/line/predictions", reference="customer-42/2026-03").json()["predictions"] == [answer]
    assert read("models/line/predictions", reference="customer-43").json()["predictions"] == []


@pytest.mark.both_databases
def test_inputs_and_probabilities_are_in_the_order_in_which_they_were_answered(client, read, penguins):
    sent = {"inputs": PENGUIN}
    answered = client.post("/api/v1/models/penguins/predict", sent, content_type="application/json").json()
    [predicted] = answered["predictions"]
    answer = read(f"predictions/{predicted['id']}").json()
    assert list(answer["probabilities"].items()) == list(predicted["probabilities"].items())
    assert list(answer["inputs"]) == penguins.parsed_schema.names


def test_what_is_sensitive_or_forgotten_is_not_read(read):
    version = make_version(feature=make_feature(name="x", kind="number", label="x", sensitive="hash"))
    hidden = Prediction.objects.create(
        version=version, inputs={}, hashed_inputs={"x": "abc"}, output=1.0, source="api", duration_ms=1.0
    )
    answer = read(f"predictions/{hidden.id}")
    assert (answer.json()["inputs"], answer.json()["not_kept"]) == ({}, ["x"])
    assert "abc" not in answer.content.decode()
    Prediction.objects.update(inputs={}, output=Value(None, JSONField()), warnings=[])
    gone = read(f"predictions/{hidden.id}")
    assert (gone.status_code, gone.json()["error"]["code"]) == (410, "forgotten")
    [listed] = read("models/line/predictions").json()["predictions"]
    assert (listed["is_forgotten"], listed["output"], listed["text"]) == (True, None, None)


@pytest.mark.both_databases
def test_predictions_are_read_in_pages_newest_first_forth_and_back(read):
    store(make_version(), 7)
    first = read("models/line/predictions", limit=3)
    second = read("models/line/predictions", limit=3, cursor=first.json()["next"])
    third = read("models/line/predictions", limit=3, cursor=second.json()["next"])
    assert [list_inputs(each) for each in (first, second, third)] == [[6, 5, 4], [3, 2, 1], [0]]
    assert (first.json()["previous"], third.json()["next"]) == (None, None)
    assert list_inputs(read("models/line/predictions", limit=3, cursor=third.json()["previous"])) == [3, 2, 1]


def test_a_page_of_large_predictions_has_fewer_of_them_and_goes_on(read):
    text = make_feature(name="x", kind="text", label="x", maximum_length=40_000)
    version = make_version(feature=text)
    make_predictions(version, START, [({"x": "word"}, 1.0)] * 120)
    first = read("models/line/predictions", limit=1000).json()
    rest = read("models/line/predictions", limit=1000, cursor=first["next"]).json()
    assert 10 < len(first["predictions"]) < 120
    assert len(first["predictions"]) + len(rest["predictions"]) == 120


@pytest.mark.both_databases
def test_filters_have_the_names_of_the_admins_addresses(read):
    version, other = make_version(), make_version()
    stored = store(version)
    store(other, 1, source="form")
    Outcome.objects.create(prediction=stored[3], value=31.0, recorded_by="Ada")
    for asked, found in [
        ({"version": 2}, [0]),
        ({"source": "api"}, [4, 3, 2, 1, 0]),
        ({"outcome": "yes"}, [3]),
        ({"error_above": "0.5"}, [3]),
        ({"error_above": "2"}, []),
        ({"output_from": "20", "output_to": "30"}, [3, 2]),
        ({"since": "2026-03-04"}, [4, 3]),
        ({"until": "2026-03-01", "version": 1}, [0]),
        ({"from.x": "1", "to.x": "2"}, [2, 1]),
        ({"q": str(stored[2].id)}, [2]),
    ]:
        assert list_inputs(read("models/line/predictions", **asked)) == found, asked


DAY = make_feature(name="day", kind="date", label="Day", format="%d.%m.%Y")
START_OF_WORK = make_feature(name="start", kind="datetime", label="Start")
FLIGHT = make_feature(name="flight", kind="datetime", label="Flight", zone="Europe/Berlin")
CLOCK = make_feature(name="clock", kind="time", label="Clock")


@pytest.mark.parametrize(
    ("feature", "values", "cases", "values_of"),
    [
        (
            DAY,
            ["2026-02-28", "2026-03-01", "2026-03-31", "2026-04-01"],
            {
                ("2026-03-01", "2026-03-31"): [1, 2],
                ("01.03.2026", "31.03.2026"): [1, 2],
                ("20260301", None): [1, 2, 3],
                ("2026-03", "2026-03"): [1, 2],
                (None, "2026-02"): [0],
            },
            {"2026-03-01": [1], "01.03.2026": [1], "soon": []},
        ),
        (
            START_OF_WORK,
            ["2026-03-01T00:00:00", "2026-03-01T12:30:45", "2026-03-01T12:30:45.500000", "2026-03-02T00:00:00"],
            {
                ("2026-03-01", "2026-03-01"): [0, 1, 2],
                ("2026-03-01 12:30", "2026-03-01t12:30"): [1, 2],
                ("20260301T123046", None): [3],
                ("2026-03-01T12:30:45.5", "2026-03-02T00:00"): [2, 3],
            },
            {"2026-03-01T12:30:45": [1], "2026-03-01 00:00": [0]},
        ),
        (
            FLIGHT,
            ["2026-03-01T00:30:00+01:00", "2026-03-01T00:30:00+00:00", "2026-03-01T23:30:00+00:00"],
            {
                ("2026-03-01", "2026-03-01"): [0, 1],
                ("2026-03-01T01:30", "2026-03-01T01:30"): [1],
                ("2026-03-01T00:30:00Z", None): [1, 2],
                (None, "2026-02-28T23:29Z"): [],
                ("2026-03-02", None): [2],
            },
            {"2026-03-01T00:30": [0], "2026-03-01T00:30Z": [1]},
        ),
        (
            CLOCK,
            ["08:00:00", "12:30:59", "12:31:00"],
            {("08:00", "12:30"): [0, 1], ("12:30:59", "12:31"): [1, 2], ("1231", None): [2]},
            {"08:00": [0], "1230": []},
        ),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
@pytest.mark.both_databases
def test_dates_and_times_are_found_by_value_and_by_range_in_each_form(read, feature, values, cases, values_of):
    """A day, a month and a minute are meant with their ends; a moment with an offset is the same in all zones."""
    made = make_predictions(make_version(feature=feature), START, [({feature.name: each}, 1.0) for each in values])
    places = {str(each.id): place for place, each in enumerate(made)}
    for text, expected in values_of.items():
        found = read("models/line/predictions", **{f"is.{feature.name}": text}).json()["predictions"]
        assert [places[each["id"]] for each in found] == expected, text
    for ends, expected in cases.items():
        asked = {f"{test}.{feature.name}": end for test, end in zip(("from", "to"), ends, strict=True) if end}
        answer = read("models/line/predictions", **asked).json()
        assert sorted(places[each["id"]] for each in answer["predictions"]) == expected, asked


def test_a_limit_that_is_no_date_or_time_is_refused_with_what_would_be_right(read):
    for feature, text, code, right in [
        (DAY, "soon", "not_a_date", "give a date such as 2026-03-01."),
        (DAY, "2026", "not_a_date", "give a date such as 2026-03-01."),
        (DAY, "2026-02-30", "not_a_date", "give a date such as 2026-03-01."),
        (START_OF_WORK, "12:30", "not_a_datetime", "give a date and time such as 2026-03-01T12:30."),
        (START_OF_WORK, "2026-03-01T12:30Z", "unexpected_zone", "give a date and time such as 2026-03-01T12:30."),
        (FLIGHT, "noon", "not_a_datetime", "2026-03-01T12:30, in Europe/Berlin or with an offset."),
        (CLOCK, "25:00", "not_a_time", "give a time such as 08:30."),
    ]:
        make_version(feature=feature)
        error = read("models/line/predictions", **{f"to.{feature.name}": text}).json()["error"]
        assert error["codes"] == {f"to.{feature.name}": code}
        sentence = error["fields"][f"to.{feature.name}"]
        assert sentence.startswith(f"“{text}”"), sentence
        assert sentence.endswith(right), sentence
    for start, end in [("2026-03-02", "2026-03-01"), ("2026-04-01", "2026-03")]:
        refused = read("models/line/predictions", **{"to.day": end, "from.day": start})
        assert (refused.status_code, refused.json()["error"]["codes"]) == (400, {"to.day": "before_start"})
        assert start in refused.json()["error"]["fields"]["to.day"]


def test_wrong_parameters_are_all_named_with_codes(client, read):
    store(make_version())
    cursor = read("models/line/predictions", limit=3).json()["next"]
    for asked, codes in [
        ({"limit": "0"}, {"limit": "not_a_limit"}),
        ({"limit": "1001"}, {"limit": "not_a_limit"}),
        ({"cursor": "abc"}, {"cursor": "not_a_cursor"}),
        ({"cursor": cursor[:-1]}, {"cursor": "not_a_cursor"}),
        ({"cursor": "é" * 300}, {"cursor": "not_a_cursor"}),
        ({"warned": "maybe", "since": "soon"}, {"warned": "not_a_boolean", "since": "not_a_date"}),
        ({"output_from": "1,2,3"}, {"output_from": "not_a_number"}),
        ({"output_from": "5", "output_to": "2"}, {"output_to": "before_start"}),
        ({"error_above": "-1"}, {"error_above": "below_minimum"}),
        (
            {"limit": "0", "cursor": "abc", "since": "soon", "format": "pdf"},
            {"limit": "not_a_limit", "cursor": "not_a_cursor", "since": "not_a_date", "format": "not_a_format"},
        ),
        ({"version": "x", "source": "fax"}, {"version": "not_a_version", "source": "not_a_source"}),
        ({"from.y": "1"}, {"from.y": "unknown_field"}),
        ({"from.x": "5O"}, {"from.x": "not_a_number"}),
        ({"from.x": "2", "to.x": "1"}, {"to.x": "before_start"}),
        ({"form.x": "1"}, {"form.x": "unknown_parameter"}),
        ({"model": "line"}, {"model": "unknown_parameter"}),
        ({"source": ["api", "form"]}, {"source": "repeated_parameter"}),
        ({"format": "pdf"}, {"format": "not_a_format"}),
        ({"format": "csv", "limit": "5"}, {"limit": "no_pages"}),
        ({"reference": "a", "q": "5"}, {"reference": "conflict"}),
        # A program whose own id is empty does not mean all predictions.
        ({"reference": " "}, {"reference": "not_a_reference"}),
        ({"reference": "a" * 201}, {"reference": "not_a_reference"}),
        ({"q": "\0"}, {"q": "not_storable"}),
    ]:
        answer = read("models/line/predictions", **asked)
        assert (answer.status_code, answer.json()["error"].get("codes")) == (400, codes), asked
        assert answer.json()["error"]["fields"].keys() == codes.keys()
    headers = {"Authorization": f"Bearer {make()}", "Accept": "text/csv"}
    accepted = client.get("/api/v1/models/line/predictions", {"limit": 5}, headers=headers)
    assert accepted.json()["error"]["codes"] == {"limit": "no_pages"}
    versions = read("models/line/versions", cursor=cursor)
    assert versions.json()["error"]["codes"] == {"cursor": "not_a_cursor"}


def test_a_page_whose_time_is_over_says_how_far_it_looked_and_goes_on(read, monkeypatch):
    monkeypatch.setattr("predictor.history.scanning.FIRST_WINDOW", 2)
    monkeypatch.setattr("predictor.history.scanning.LARGEST_WINDOW", 2)
    monkeypatch.setattr("predictor.api.predictions.SECONDS", 0)
    store(make_version(), 6)
    found, pages, cursor = [], [], None
    while cursor or not pages:
        pages.append(
            read("models/line/predictions", limit=1, **{"to.x": "2"}, **({"cursor": cursor} if cursor else {}))
        )
        cursor = pages[-1].json()["next"]
        found += list_inputs(pages[-1])
    assert found == [2, 1, 0]
    assert pages[0].json()["looked_back_to"] > "2026-03-0"
    assert pages[-1].json()["looked_back_to"] is None


@pytest.mark.django_db(transaction=True)
def test_who_waits_to_read_holds_no_connection_that_visitors_need(db, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)  # As with a pool.
    connection.close()
    assert Prediction.objects.count() == 0
    with Turns(waiting=0, seconds=0).take():
        assert connection.connection is None


@pytest.mark.django_db(transaction=True)
def test_a_list_is_also_a_stream_in_other_formats(client, read, database_url, monkeypatch):
    """By `format`, or by Accept; the other process reads the same database."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    store(make_version(), 3)
    table = read("models/line/predictions", format="csv", **{"from.x": "1"})
    assert table["Content-Type"] == "text/csv; charset=utf-8"
    assert [row["x"] for row in csv.DictReader(io.StringIO(table.getvalue().decode()))] == ["2.0", "1.0"]
    parquet = client.get(
        "/api/v1/models/line/predictions",
        headers={"Authorization": f"Bearer {make()}", "Accept": "application/vnd.apache.parquet"},
    )
    assert pl.read_parquet(io.BytesIO(parquet.getvalue()))["x"].to_list() == [2, 1, 0]
    assert not running.locked()


def test_one_stream_is_written_at_a_time(read):
    store(make_version())
    with running:
        answer = read("models/line/predictions", format="csv")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["error"]["code"] == "export_busy"


def test_pages_are_read_one_after_another_so_that_visitors_keep_their_connections(read, monkeypatch):
    store(make_version())
    monkeypatch.setattr(predictions, "reading", Turns(waiting=0, seconds=0))
    with predictions.reading.take():
        busy = read("models/line/predictions")
    assert (busy.status_code, busy["Retry-After"], busy.json()["error"]["code"]) == (503, "5", "overloaded")
    answer = read("models/line/predictions")
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")


def test_reading_needs_a_key_with_the_scope_and_the_model(read):
    store(make_version())
    make_version(PENGUINS, "penguins")
    for key, status, code in [
        (None, 401, "unauthorized"),
        ("mlsite_" + "a" * 43, 401, "unauthorized"),
        (make(Scope.PREDICT, Scope.OUTCOME), 403, "forbidden"),
        (make(models=["penguins"]), 403, "forbidden"),
        (make(models=["line"]), 200, None),
    ]:
        answer = read("models/line/predictions", key=key)
        assert answer.status_code == status
        assert answer.json().get("error", {}).get("code") == code
        assert (answer.get("WWW-Authenticate") == "Bearer") == (status == 401)


def test_a_prediction_of_a_model_that_a_key_is_not_for_is_as_unknown_as_one_that_does_not_exist(read):
    [stored, *_] = store(make_version())
    key = make(models=["penguins"])
    unknown = UUID(int=stored.id.int ^ 1)
    hidden, missing = read(f"predictions/{stored.id}", key=key), read(f"predictions/{unknown}", key=key)
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.content.decode().replace(str(stored.id), "…") == missing.content.decode().replace(str(unknown), "…")


def test_models_that_a_key_is_not_for_are_neither_listed_nor_described(read, line, penguins):
    key = make(models=["line"])
    assert [each["model"] for each in read("models", key=key).json()["models"]] == ["line"]
    assert read("models/penguins", key=key).status_code == 403


def test_where_keys_are_needed_any_key_reads_what_models_are(read, line, settings):
    settings.API_ACCESS = "keys"
    for path in ("models", "models/line", "models/line/versions", "models/line/versions/1"):
        assert [read(path, key=key).status_code for key in (None, make(Scope.OUTCOME))] == [401, 200], path


def test_a_signed_in_user_reads_with_the_permission_alone(line):
    user, client = User.objects.create_user("ada", is_staff=True), Client()
    client.force_login(user)
    assert client.get("/api/v1/models/line/predictions").status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_prediction"))
    assert client.get("/api/v1/models/line/predictions").status_code == 200


def test_head_is_answered_like_get_and_other_methods_are_refused(client, line):
    assert client.head("/api/v1/models").status_code == 200
    for path, allowed in [("models", "GET, HEAD"), ("models/line", "GET, HEAD"), ("models/line/predict", "POST")]:
        answer = client.delete(f"/api/v1/{path}")
        assert (answer.status_code, answer["Allow"]) == (405, allowed)
        assert answer.json()["error"]["code"] == "method_not_allowed"


def test_reasons_add_up_to_the_prediction_and_are_not_stored(client, read, penguins):
    sent = {"inputs": PENGUIN}
    answer = client.post("/api/v1/models/penguins/predict", sent, content_type="application/json").json()
    id = answer["predictions"][0]["id"]
    found = read(f"predictions/{id}/reasons").json()
    effects = [each["contribution"] for each in found["contributions"]]
    assert {each["feature"] for each in found["contributions"]} == PENGUIN.keys()
    assert sum(effects) + found["base"] == pytest.approx(found["value"])
    assert effects == sorted(effects, key=abs, reverse=True)


def test_reasons_are_refused_where_there_are_none_and_beyond_their_limits(client, read, settings, monkeypatch):
    [stored] = store(make_version(), 1)
    path = f"predictions/{stored.id}/reasons"
    former = read(path)
    assert (former.status_code, former.json()["error"]["code"]) == (409, "not_served")
    assert "former version" in former.json()["error"]["message"]
    monkeypatch.setattr(visitors, "REASONS", Rate(most=1, seconds=60))
    key = make()
    assert [read(path, key=key).status_code for _ in range(2)] == [409, 429]
    assert int(read(path, key=key)["Retry-After"]) > 0
    assert read(path, key=make()).status_code == 409  # Each key is counted for itself.
    settings.REASONS = False
    assert read(path, key=make()).json()["error"]["code"] == "reasons_off"


def test_one_prediction_is_explained_at_a_time(client, read, line, monkeypatch):
    monkeypatch.setattr(asking, "one_at_a_time", OneAtATime(waiting=-1, seconds=0))
    client.post("/api/v1/models/line/predict", {"inputs": {"x": 5}}, content_type="application/json")
    busy = read(f"predictions/{Prediction.objects.get().id}/reasons")
    assert (busy.status_code, busy["Retry-After"], busy.json()["error"]["code"]) == (503, "5", "overloaded")


@pytest.fixture
def try_rows(client, settings):
    """Send inputs as a trial, with a key that may predict."""
    settings.TRIALS_API = True
    headers = {"Authorization": f"Bearer {make(Scope.PREDICT)}"}

    def send(inputs):
        path = "/api/v1/models/line/try"
        return client.post(path, {"inputs": inputs}, content_type="application/json", headers=headers)

    return send


def test_a_trial_is_answered_like_a_prediction_and_not_stored(client, try_rows, line):
    sent = [{"x": 5}, {"x": 1e3}]
    answer = try_rows(sent).json()
    assert (answer["model"], answer["version"], answer["trial"]) == ("line", 1, True)
    assert not Prediction.objects.exists()
    predicted = client.post("/api/v1/models/line/predict", {"inputs": sent}, content_type="application/json").json()
    for tried, kept in zip(answer["answers"], predicted["predictions"], strict=True):
        assert {**kept, "id": None} == {**{name: tried[name] for name in kept if name != "id"}, "id": None}
        assert "id" not in tried


def test_trials_are_limited_checked_like_predictions_and_off_by_default(try_rows, line, settings, monkeypatch):
    many = try_rows([{"x": 5}] * 201)
    assert (many.status_code, many.json()["error"]["code"]) == (413, "too_many_rows")
    wrong = try_rows([{"x": 5}, {"x": "five"}])
    assert (wrong.status_code, wrong.json()["error"]["codes"]) == (422, {"1.x": "not_a_number"})
    assert try_rows([{"x": 1.7e308}]).json()["error"]["code"] == "no_answer"
    monkeypatch.setattr(visitors, "TRIALS", Rate(most=1, seconds=60))
    assert [try_rows({"x": 5}).status_code for _ in range(3)][-1] == 429
    settings.TRIALS_API = False
    off = try_rows({"x": 5})
    assert (off.status_code, off.json()["error"]["code"]) == (404, "trials_off")
    assert "TRIALS_API" in off.json()["error"]["message"]


def test_a_signed_in_user_sends_the_token_and_no_form(line, settings):
    settings.TRIALS_API, settings.API_ACCESS = True, "keys"
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("ada"))
    path, sent = "/api/v1/models/line/try", {"inputs": {"x": 5}}
    refused = client.post(path, sent, content_type="application/json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "token_missing")
    token = get_token(client.get("/line/").wsgi_request)
    answer = client.post(path, sent, content_type="application/json", headers={"X-CSRFToken": token})
    assert answer.status_code == 200
    form = client.post(path, {"x": 5}, headers={"X-CSRFToken": token})
    assert (form.status_code, form["Content-Type"]) == (415, "application/json")
