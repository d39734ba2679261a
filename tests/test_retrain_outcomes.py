"""From an answer, over its outcome, to the version that was trained on it."""

import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from predictor.lifecycle.retraining import find_observed, train_model
from predictor.models import Outcome, Prediction, Version
from predictor.outcomes.recording import record_outcome
from predictor.serving.service import service
from tests.training import train

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

DAY = timedelta(days=1)


@pytest.fixture
def retrain(models_dir, capsys):
    """Retrain a model with outcomes; give the command's one result, and what it printed on the way."""

    def call(*options, slug="line"):
        call_command("retrain", slug, "--with-outcomes", "--format", "json", *options)
        printed = capsys.readouterr()
        return json.loads(printed.out)[0], printed.err

    return call


def ask(version, *inputs):
    output = version.parsed_schema.target.classes[:1] or (0.0,)
    made = [
        Prediction(version=version, inputs=each, output=output[0], source="form", duration_ms=1.0) for each in inputs
    ]
    return Prediction.objects.bulk_create(made)


def observe(version, slope, count=40):
    """Ask `count` times beyond what the line's table holds, where the true line has this slope."""
    made = ask(version, *({"x": 10.0 + i / 4} for i in range(count)))
    for prediction in made:
        record_outcome(prediction, slope * prediction.inputs["x"], by="ada", seen=None)
    return made


def test_what_really_happened_is_learnt_and_the_version_says_from_what(retrain, line):
    observe(line, slope=4)
    done, printed = retrain()
    version = Version.objects.get(number=done["version"])
    outcomes = version.data["outcomes"]
    assert (outcomes["found"], outcomes["used"], outcomes["left_out"], outcomes["since"]) == (40, 40, {}, None)
    assert 0 < outcomes["held_out"] < 40
    assert datetime.fromisoformat(outcomes["newest"]) == Outcome.objects.first().recorded_at
    assert version.data["sha256"] == line.data["sha256"]
    assert version.data["training_rows"] + version.data["held_out_rows"] == 240
    assert (done["outcomes"], done["rows"]) == (40, version.data["training_rows"])
    assert "line: 200 rows of data.csv and 40 of 40 outcomes, recorded to 20" in printed
    assert f"{outcomes['held_out']} of these outcomes are held out" in printed
    assert version.parsed_schema.features[0].seen[1] > 19
    assert version.metrics["rows"] == line.metrics["rows"] + outcomes["held_out"]


def test_champion_and_challenger_are_compared_on_held_out_outcomes_too(retrain, line):
    observe(line, slope=4)
    done, _ = retrain()
    version = Version.objects.get(number=done["version"])
    assert done["reason"].startswith("better than version 1")
    assert version.decision["rows"] == version.data["held_out_rows"]


def learn(models_dir):
    observed = find_observed("line", None, lambda line: None)
    return train_model(models_dir, "line", observed=observed, progress=lambda line: None)


def test_held_out_outcomes_are_never_learnt(models_dir, line):
    made = observe(line, slope=4)
    before = learn(models_dir)
    held_out = [each for each, out in zip(made, before.dataset.held_out[-40:], strict=True) if out]
    for prediction in held_out:
        record_outcome(prediction, -1e6, by="ada", seen=prediction.outcomes.get().id)
    after = learn(models_dir)
    assert 0 < len(held_out) < 40
    assert after.evaluation.scores["rmse"] > 1e5 > before.evaluation.scores["rmse"]
    asked = [[0.0], [30.0]]
    assert after.fitted.predict(asked).tolist() == before.fitted.predict(asked).tolist()


def test_the_outcomes_of_all_versions_are_learnt_and_those_of_other_models_are_not(retrain, models_dir, line):
    observe(line, slope=4, count=3)
    observe(train(models_dir, "line"), slope=4, count=2)
    other = Version.objects.create(**{**vars_of(line), "model": "other"})
    observe(other, slope=4, count=7)
    assert retrain()[0]["outcomes"] == 5


def vars_of(version):
    names = [field.attname for field in Version._meta.concrete_fields if field.attname != "id"]
    return {name: getattr(version, name) for name in names}


def test_only_the_newest_of_corrected_outcomes_counts(retrain, line):
    [prediction] = observe(line, slope=4, count=1)
    record_outcome(prediction, 7, by="ada", seen=Outcome.objects.get().id)
    assert retrain()[0]["outcomes"] == 1


@pytest.mark.parametrize(("days", "expected"), [(0, 1), (1, 2), (2, 3), (-1, 0)])
def test_since_takes_what_was_recorded_at_or_after_a_moment(retrain, line, days, expected):
    now = datetime(2026, 3, 3, tzinfo=UTC)
    for age, prediction in enumerate(observe(line, slope=4, count=3)):
        Outcome.objects.filter(prediction=prediction).update(recorded_at=now - age * DAY)
    done, printed = retrain("--since", (now - days * DAY).date().isoformat(), "--force")
    assert done["outcomes"] == expected
    if expected:
        noun = "outcome" if expected == 1 else "outcomes"
        assert f"{noun}, recorded from {now - days * DAY:%Y-%m-%d} 00:00 UTC to 2026-03-03 00:00 UTC" in printed
    else:
        assert "no outcome is recorded since 2026-03-04 00:00 UTC" in printed


def test_without_any_outcome_the_table_alone_is_learnt_and_nothing_differs(retrain, line):
    done, printed = retrain()
    assert "line: no outcome is recorded" in printed
    assert done["reason"] == "predicts as version 1, which is live: nothing to register"


def test_the_same_outcomes_again_register_nothing(retrain, line):
    observe(line, slope=4)
    assert retrain()[0]["promoted"]
    assert retrain()[0]["version"] is None


def test_a_new_class_is_learnt(retrain, models_dir, penguins, tmp_path):
    row = {**dict.fromkeys(penguins.parsed_schema.names), "island": "Dream", "year": 2009, "sex": "male"}
    made = ask(penguins, *({**row, "bill_length_mm": 90.0 + i / 8, "body_mass_g": 30_000.0} for i in range(30)))
    file = tmp_path / "outcomes.csv"
    file.write_text("id,outcome\n" + "".join(f"{each.id},Emperor\n" for each in made))
    call_command("record_outcomes", str(file), "--new-classes", stdout=io.StringIO())
    done, _ = retrain("--promote", "always", slug="penguins")
    assert done["outcomes"] == 30
    service.forget()
    runtime = service.get_runtime("penguins")
    assert "Emperor" in runtime.schema.target.classes
    typed = {"island": "Dream", "year": 2009, "sex": "male", "bill_length_mm": 92, "body_mass_g": 30_000}
    [answer] = runtime.predict(runtime.schema.encode([runtime.schema.parse(typed)]))
    assert answer.output == "Emperor"


def test_what_does_not_fit_is_said_with_its_cause(retrain, line):
    observe(line, slope=4, count=2)
    [odd] = ask(line, {"z": 1.0})
    record_outcome(odd, 5, by="ada", seen=None)
    done, printed = retrain("--promote", "never")
    assert done["outcomes"] == 2
    assert "and 2 of 3 outcomes" in printed
    assert "left out: 1 because there is no input x" in printed
    assert Version.objects.get(number=2).data["outcomes"]["left_out"] == {"there is no input x": 1}


def test_the_about_page_and_the_text_say_where_the_rows_came_from(client, line, capsys):
    observe(line, slope=4)
    call_command("retrain", "line", "--with-outcomes")
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
    sources = rf"200 rows of data.csv and 40 of 40 outcomes, recorded to {moment}; \d+ of these outcomes are held out"
    assert re.search(sources, capsys.readouterr().out)
    page = client.get("/about/line/").content.decode()
    assert re.search(f"The rows came from {sources}.", page)
    assert re.search(r"Trained on \d+ rows\.", page)


def test_what_visitors_gave_is_not_drawn_on_pages(retrain, line):
    observe(line, slope=4)
    version = Version.objects.get(number=retrain()[0]["version"])
    assert len(version.profile["points"]) == len(line.profile["points"])
    assert max(x for x, _, _ in version.profile["points"]) < 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--since", "2026-03-01"], "add --with-outcomes"),
        (["--with-outcomes", "--since", "yesterday"], "'yesterday' is not a date: write it like 2026-03-01"),
        (["--with-outcomes", "--since", "0001-01-01T00:00+05:00"], "is not a date"),
    ],
)
def test_a_date_that_means_nothing_is_wrong_usage(arguments, message):
    with pytest.raises(CommandError, match=message):
        call_command("retrain", "line", *arguments)
