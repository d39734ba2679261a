import json
from io import StringIO

import pytest
from bs4 import BeautifulSoup
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from predictor.models import Artifact, Prediction, Replay
from predictor.record.replay import read_replay
from predictor.schema.schema import Schema
from predictor.scoring.groups import AnswerGroups
from predictor.scoring.newest import read_newest
from predictor.serving.runtime import load_runtime
from tests.training import register_shipped, train

pytestmark = pytest.mark.django_db


def make_predictions(version, rows, **changed):
    described = {"probabilities": None, "interval": None, "warnings": [], "source": "api", "duration_ms": 1.0}
    Prediction.objects.bulk_create(
        Prediction(version=version, inputs=inputs, output=output, **described | changed) for inputs, output in rows
    )


def run(*arguments):
    output = StringIO()
    call_command("replay", *arguments, "--format", "json", stdout=output)
    [found] = json.loads(output.getvalue())
    return found


def predict(version, x):
    return load_runtime(version).predict([[x]])[0].output


def test_a_replay_says_which_answers_change_by_how_much_and_for_whom_and_stores_no_prediction(client, line):
    rows = [({"x": x / 10}, predict(line, x / 10) + (100 if x >= 80 else 0)) for x in range(100)]
    make_predictions(line, rows, interval=[-1e9, 50.0])
    found = run("line", "1")
    assert (found["model"], found["version"], found["rows"], found["changed"]) == ("line", 1, 100, 20)
    assert (found["with_interval"], found["outside"]) == (100, 0)
    assert dict(found["quantiles"])[0.0] == pytest.approx(-100)
    assert dict(found["quantiles"])[1.0] == pytest.approx(0, abs=1e-9)
    [group] = [each for each in found["groups"] if each["mean_size"] > 1]
    assert (group["feature"], group["low"], group["high"], group["rows"]) == ("x", 7.9, None, 21)
    assert found["versions"] == {"1": 100}
    assert Prediction.objects.count() == 100
    stored = Replay.objects.get()
    assert (stored.version, stored.parsed_result.changed) == (line, 20)
    page = BeautifulSoup(client.get("/about/line/compare/?old=1&new=1").content, "html.parser")
    assert not page.select_one("#replay")
    register_shipped("line")
    page = BeautifulSoup(client.get("/about/line/compare/?old=2&new=1").content, "html.parser").text
    assert "Version 1 changes 20 of 100 answers (20.0\u00a0%)." in page
    assert "from 7.9 on" in page


def test_a_replay_of_classes_says_from_which_to_which(penguins):
    runtime = load_runtime(penguins)
    inputs = {feature.name: feature.typical for feature in runtime.schema.features}
    row = runtime.schema.parse(inputs)
    [answer], _ = runtime.answer([row])
    others = [each for each in runtime.schema.target.classes if each != answer.output]
    make_predictions(penguins, [(inputs, answer.output)] * 30 + [(inputs, others[0])] * 20 + [(inputs, others[1])])
    found = run("penguins", "1")
    assert (found["rows"], found["changed"], found["quantiles"]) == (51, 21, [])
    assert found["moves"] == [
        {"old": others[0], "new": answer.output, "rows": 20},
        {"old": others[1], "new": answer.output, "rows": 1},
    ]
    assert read_replay(found | {"groups": []}).moves[0].rows == 20


def test_inputs_that_the_version_refuses_are_counted_and_named_without_what_was_given(models_dir, line):
    recipe = models_dir / "line/model.toml"
    recipe.write_text(recipe.read_text().replace("[features.x]\n", "[features.x]\nminimum = 3\n"))
    second = train(models_dir, "line")
    make_predictions(line, [({"x": float(x)}, 1.0) for x in range(10)] + [({"x": None}, 1.0), ({"y": 5.0}, 1.0)])
    found = run("line", "2")
    assert (second.number, found["rows"], found["refused"]) == (2, 7, 5)
    assert [(each["feature"], each["code"], each["rows"]) for each in found["refusals"]] == [
        ("x", "below_minimum", 3),
        ("x", "missing", 2),
    ]
    assert found["refusals"][0]["problem"] == "The value is too small: the least allowed is 3."


def test_what_an_estimator_has_no_answer_for_fails_nothing(line):
    make_predictions(line, [({"x": 1.0}, 1.0), ({"x": 1.7e308}, 1.0), ({"x": 2.0}, 1.0)])
    found = run("line", "1")
    assert (found["rows"], found["unanswered"]) == (2, 1)


def test_only_the_newest_predictions_of_the_model_are_answered(line, penguins):
    make_predictions(penguins, [({}, "Adelie")] * 3)
    for number in range(3):
        version = register_shipped("line")
        make_predictions(version, [({"x": float(number)}, float(number))] * 2)
    found = run("line", "1", "--last", "3")
    assert (found["asked"], found["rows"], found["versions"]) == (3, 3, {"3": 1, "4": 2})


@pytest.mark.both_databases
def test_predictions_are_read_in_pieces_by_the_index_of_their_version(line, monkeypatch):
    monkeypatch.setattr("predictor.history.order.IDS_AT_ONCE", 4)
    monkeypatch.setattr("predictor.scoring.newest.ROWS_AT_ONCE", 3)
    second = register_shipped("line")
    for version in (line, second, line):
        make_predictions(version, [({"x": 1.0}, 1.0)] * 5)
    with CaptureQueriesContext(connection) as queries:
        pieces = list(read_newest([line, second], 11))
    assert [len(piece) for piece in pieces] == [3, 3, 3, 2]
    ids = [each["id"] for piece in pieces for each in piece]
    assert ids == sorted(ids, reverse=True)
    assert set(ids) == set(Prediction.objects.values_list("id", flat=True)[:11])
    assert all("LIMIT" in each["sql"] or " IN (" in each["sql"] for each in queries)


def test_predictions_of_something_else_are_left_out(models_dir, line):
    line.schema = {**line.schema, "target": {**line.schema["target"], "name": "width"}}
    line.save()
    make_predictions(line, [({"x": 1.0}, 1.0)])
    second = register_shipped("line")
    with pytest.raises(CommandError, match="no stored predictions that it could answer: versions 1 predict"):
        run("line", "2")
    make_predictions(second, [({"x": 1.0}, 1.0)])
    assert run("line", "2")["left_out"] == [1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing", "1"), "There is no version 1 of 'nothing'; its versions are: none."),
        (("line", "7"), "There is no version 7 of 'line'; its versions are: 1."),
        (("line", "1"), "line has no stored predictions."),
        (("line", "1", "--last", "0"), "'0' is not a whole number from 1 to 1,000,000"),
        (("line", "1", "--last", "1e3"), "'1e3' is not a whole number"),
    ],
)
def test_a_replay_that_cannot_be_says_why(line, arguments, said):
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert said in str(caught.value)
    assert not Replay.objects.exists()


def test_a_version_that_cannot_be_loaded_is_not_replayed(line):
    make_predictions(line, [({"x": 1.0}, 1.0)])
    Artifact.objects.filter(version=line).update(signature="0" * 64, signature_2="0" * 64)
    with pytest.raises(CommandError, match="line 1 cannot be loaded: "):
        run("line", "1")


def test_the_text_of_a_replay_names_all_that_it_found(line):
    make_predictions(line, [({"x": x / 10}, 99.0 * (x < 30)) for x in range(100)] + [({"x": None}, 1.0)])
    output = StringIO()
    call_command("replay", "line", "1", stdout=output)
    text = output.getvalue()
    assert text.startswith("line 1 answers 100 stored predictions again, made from ")
    for part in (
        "100 answers change (100.0\u00a0%)",
        "new − old",
        "x: below",
        "the inputs of 1 prediction are refused",
        "x (1): A value is needed",
    ):
        assert part in text


def test_the_memory_of_groups_does_not_grow_with_the_rows():
    import numpy as np

    schema = Schema.from_json(
        {
            "features": [
                {"name": "n", "label": "N", "kind": "number", "unit": ""},
                {"name": "c", "label": "C", "kind": "category", "unit": "", "choices": ["a", "b"]},
            ],
            "target": {"name": "y", "label": "Y", "task": "regression", "unit": "", "classes": []},
        }
    )
    groups = AnswerGroups(schema)
    random = np.random.default_rng(0)
    for _ in range(20):
        matrix = np.column_stack([random.normal(size=500), random.integers(0, 2, 500)])
        matrix[::10, 0] = np.nan
        changes = np.where(matrix[:, 1] == 1, 5.0, 0.1) + 2 * np.isnan(matrix[:, 0])
        groups.count(matrix, changes > 0, changes)
    ranked = groups.rank()
    assert (ranked[0].feature, ranked[0].value, ranked[0].mean_change) == ("c", "b", pytest.approx(5.2, abs=0.05))
    [missing] = [each for each in ranked if each.is_missing]
    assert (missing.feature, missing.rows, missing.changed) == ("n", 1_000, 1_000)
