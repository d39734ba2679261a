import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import numpy as np
import pytest
from bs4 import BeautifulSoup
from django.core.management import CommandError, call_command
from scipy.stats import ttest_ind

from predictor.metrics.losses import score_losses
from predictor.models import Monitoring, Outcome, Version
from predictor.monitoring.judging import judge
from predictor.monitoring.losses import Stratum, score_strata
from predictor.monitoring.slices import compare_means
from predictor.monitoring.two_samples import correct_holm
from predictor.monitoring.watch import KEPT, decide, store, watch
from predictor.record.measurement import Measurement
from predictor.record.monitoring import Monitoring as Result
from predictor.record.quality import Judged
from predictor.record.written_monitoring import write_monitoring
from tests.past import make_predictions
from tests.training import register_shipped

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def make_outcomes(version, start, errors, *, x=None, queue=None, **described):
    """A prediction with an outcome that is `error` away from it, for each error; one each minute."""
    xs = np.linspace(0, 10, len(errors)) if x is None else x
    rows = [({"x": float(each)}, float(2 * each + 3)) for each in xs]
    made = make_predictions(version, start, rows, step=timedelta(minutes=1), **described)
    Outcome.objects.bulk_create(
        Outcome(prediction=each, value=each.output + error, recorded_by="tests", queue=queue)
        for each, error in zip(made, errors, strict=True)
    )
    return made


def draw_errors(rows, *, size=1.0, seed=0):
    return (np.random.default_rng(seed).normal(0, size, rows)).tolist()


def look(version, **options):
    return watch(version.model, options.pop("length", WEEK), NOW).quality


def run(*arguments):
    """What `monitor` says, and its exit status."""
    output = StringIO()
    try:
        call_command("monitor", *arguments, "--format", "json", stdout=output)
    except SystemExit as status:
        return json.loads(output.getvalue()), status.code
    return json.loads(output.getvalue()), 0


@pytest.mark.both_databases
def test_a_model_that_does_what_it_promised_is_well_and_one_that_does_worse_raises_an_alarm(line):
    make_outcomes(line, NOW - DAY, draw_errors(200))
    [found], status = run("line")
    assert (found["state"], found["decided_by"], status) == ("well", ["quality"], 0)
    judged = found["quality"]["judged"]
    assert (judged["metric"], judged["rows"], judged["predictions"]) == ("rmse", 200, 200)
    assert judged["promised"]["value"] == line.metrics["scores"]["rmse"]
    assert judged["observed"]["low"] < judged["observed"]["value"] < judged["observed"]["high"]
    make_outcomes(line, NOW - DAY / 2, draw_errors(300, size=3))
    [found], status = run("line")
    assert (found["state"], found["former_state"], status) == ("alarm", "well", 3)
    assert [each.is_change for each in Monitoring.objects.order_by("id")] == [True, True]
    [found], status = run("line")
    assert (Monitoring.objects.find_newest("line").is_change, status) == (False, 3)


def test_predictions_without_an_outcome_never_count_as_wrong_and_without_any_nothing_can_be_said(line):
    make_predictions(line, NOW - DAY, [({"x": 1.0}, 99.0)] * 100)
    [found], status = run("line")
    assert (found["state"], found["quality"]["judged"]["reason"], status) == ("cannot say", "no_outcomes", 4)
    make_outcomes(line, NOW - DAY / 2, draw_errors(49))
    assert look(line).judged.reason == "too_few"
    make_outcomes(line, NOW - DAY / 4, draw_errors(51, seed=1))
    found = look(line)
    assert (found.judged.state, found.with_outcome, found.judged.predictions) == ("well", 100, 200)


def test_scores_by_version_and_week_are_those_computed_by_hand(line):
    second = register_shipped("line")
    monday = datetime(2026, 3, 2, tzinfo=UTC)
    make_outcomes(line, monday, [1.0, -1.0, 4.0])
    make_outcomes(line, monday + 6.9 * DAY, [2.0])
    make_outcomes(second, monday + WEEK, [0.0, 1.0], interval=[0.0, 3.5])
    found = watch("line", WEEK, monday + 2 * WEEK).quality
    described = [(each.start, each.version, each.rows, each.scores["mae"].value) for each in found.periods]
    assert described == [("2026-03-02", 1, 4, 2.0), ("2026-03-09", 2, 2, 0.5)]
    assert found.periods[0].scores["rmse"].value == pytest.approx((22 / 4) ** 0.5)
    newest, first = found.versions
    assert (newest.version, newest.coverage.count, newest.coverage.rows) == (2, 1, 2)
    assert first.promised["mae"].value == line.metrics["scores"]["mae"]
    assert watch("line", DAY, monday + DAY).quality.unit == "day"


def test_of_few_outcomes_no_interval_says_that_they_are_certain():
    assert score_strata("mae", [Stratum(losses=np.array([2.0]))]).low is None
    right = score_strata("accuracy", [Stratum(losses=np.zeros(28))])
    assert (right.value, right.low, right.high) == (1.0, pytest.approx(28 / (28 + 1.96**2), abs=1e-4), pytest.approx(1))


def test_many_outcomes_have_the_interval_that_the_bootstrap_tends_to():
    losses = np.abs(np.random.default_rng(2).normal(size=60_000))
    found = score_strata("mae", [Stratum(losses=losses)])
    radius = 1.96 * losses.std() / 60_000**0.5
    assert (found.low, found.high) == (
        pytest.approx(losses.mean() - radius, rel=1e-3),
        pytest.approx(losses.mean() + radius, rel=1e-3),
    )


def test_where_outcomes_come_late_older_predictions_are_judged_and_that_is_said(line):
    make_predictions(line, NOW - DAY, [({"x": 1.0}, 5.0)] * 100)
    make_outcomes(line, NOW - 20 * DAY, draw_errors(30))
    make_outcomes(line, NOW - 25 * DAY, draw_errors(30))
    make_outcomes(line, NOW - 40 * DAY, draw_errors(100, size=9))
    found = look(line)
    assert (found.judged.state, found.judged.rows, found.judged.is_window, found.with_outcome) == ("well", 60, False, 0)
    assert datetime.fromisoformat(found.judged.since) == (NOW - 28 * DAY).replace(microsecond=0)
    make_outcomes(line, NOW - 6 * DAY, draw_errors(100, size=9))
    assert look(line).judged.state == "alarm"


def test_only_the_live_version_is_judged_so_that_a_better_one_ends_the_alarm(line):
    make_outcomes(line, NOW - 3 * DAY, draw_errors(100, size=9))
    assert run("line")[1] == 3
    second = register_shipped("line")
    [found], status = run("line")
    assert (found["version"], found["state"], status) == (2, "cannot say", 4)
    make_outcomes(second, NOW - DAY, draw_errors(100))
    assert run("line")[1] == 0


def test_outcomes_asked_for_at_random_stand_for_all_without_one_and_hard_ones_are_left_out_otherwise(line):
    make_predictions(line, NOW - 2 * DAY, [({"x": 1.0}, 5.0)] * 800)
    make_outcomes(line, NOW - DAY, draw_errors(100, size=5), queue="uncertain")
    make_outcomes(line, NOW - DAY / 2, draw_errors(60))
    found = look(line).judged
    assert (found.state, found.rows, found.left_out, found.is_weighted) == ("well", 60, 100, False)
    make_outcomes(line, NOW - DAY / 3, draw_errors(100, seed=2), queue="random")
    found = look(line).judged
    assert (found.rows, found.left_out, found.random, found.is_weighted) == (260, 0, 100, True)
    outcomes = Outcome.objects.select_related("prediction")
    squares = {True: [], False: []}
    for each in outcomes:
        squares[each.queue == "random"].append((each.value - each.prediction.output) ** 2)
    by_hand = (160 * np.mean(squares[False]) + 900 * np.mean(squares[True])) / 1060
    assert found.observed.value == pytest.approx(by_hand**0.5)


def test_of_classes_calibration_confusion_and_accuracy_are_those_computed_by_hand(penguins):
    shares = {"Adelie": 0.8, "Gentoo": 0.2, "Chinstrap": 0.0}
    made = make_predictions(penguins, NOW - DAY, [({}, "Adelie")] * 60 + [({}, "Gentoo")] * 4, probabilities=shares)
    happened = ["Adelie"] * 50 + ["Gentoo"] * 10 + ["Gentoo"] * 3 + ["Emperor"]
    Outcome.objects.bulk_create(
        Outcome(prediction=each, value=value, recorded_by="tests") for each, value in zip(made, happened, strict=True)
    )
    found = look(penguins)
    assert found.classes == ("Adelie", "Chinstrap", "Gentoo", "Emperor")
    assert found.confusion == ((50, 0, 0, 0), (0, 0, 0, 0), (10, 0, 3, 0), (0, 0, 1, 0))
    [version] = found.versions
    assert version.scores["accuracy"].value == pytest.approx(53 / 64)
    assert version.coverage is None
    points = {curve.label: curve.points for curve in found.calibration}
    assert [(each.predicted, each.share, each.rows) for each in points["Adelie"]] == [(0.8, pytest.approx(50 / 64), 64)]
    assert found.judged.state == "alarm"


def test_the_worst_group_is_found_among_many_and_none_where_none_is_worse(line):
    errors = draw_errors(500)
    make_outcomes(line, NOW - DAY, errors)
    found = look(line)
    assert (found.slices, found.tested) == ((), 5)
    second = register_shipped("line")
    make_outcomes(second, NOW - DAY, [error * (3 if row >= 400 else 1) for row, error in enumerate(errors)])
    [worst] = look(second).slices
    assert (worst.feature, worst.rows, worst.high) == ("x", 101, None)
    assert worst.low == pytest.approx(8, abs=0.1)
    assert worst.score.value > 2 * worst.others
    assert worst.p < 1e-5


def test_groups_are_compared_by_welchs_test():
    random = np.random.default_rng(5)
    codes, losses = random.integers(0, 3, 200), random.lognormal(size=200)
    counts, p_values = compare_means(codes, losses, 4)
    assert counts.tolist() == [*np.bincount(codes), 0]
    for code in range(3):
        ours, others = losses[codes == code], losses[codes != code]
        expected = ttest_ind(ours, others, equal_var=False, alternative="greater").pvalue
        assert p_values[code] == pytest.approx(expected)
    assert np.isnan(compare_means(codes, np.ones(200), 3)[1]).all()


def test_holms_correction_is_the_one_of_his_paper():
    corrected = correct_holm(np.array([0.01, 0.04, 0.03, 0.005]))
    assert corrected.tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


COMPARED = Judged(state="cannot say", since="", until="", rows=200)


@pytest.mark.parametrize(
    ("metric", "draw"),
    [
        ("mae", lambda random: abs(random.normal(size=200))),
        ("rmse", lambda random: random.normal(size=200) ** 2),
        ("mae", lambda random: random.lognormal(size=200)),
        ("accuracy", lambda random: (random.random(200) < 0.1).astype(float)),
    ],
)
def test_without_change_hardly_any_window_raises_an_alarm_and_a_much_worse_model_raises_one(metric, draw):
    random = np.random.default_rng(7)

    def raises_alarm(promised, losses):
        scores = {metric: score_losses(metric, promised)}
        interval = score_strata(metric, [Stratum(losses=promised)])
        measured = Measurement(rows=200, scores=scores, intervals={metric: (interval.low, interval.high)})
        return judge(COMPARED, metric, [Stratum(losses=losses)], measured, is_alarmed=False).state == "alarm"

    assert sum(raises_alarm(draw(random), draw(random)) for _ in range(100)) <= 5
    assert sum(raises_alarm(draw(random), 3 * draw(random)) for _ in range(10)) >= 9


def test_an_alarm_does_not_flap():
    """One that is on ends only where the difference is below half of what it takes to begin."""
    measured = Measurement(rows=10_000, scores={"mae": 1.0}, intervals={"mae": (0.999, 1.001)})

    def find_state(size, *, is_alarmed):
        return judge(COMPARED, "mae", [Stratum(losses=np.full(500, size))], measured, is_alarmed=is_alarmed).state

    assert [find_state(size, is_alarmed=False) for size in (1.12, 1.08, 1.04)] == ["alarm", "well", "well"]
    assert [find_state(size, is_alarmed=True) for size in (1.12, 1.08, 1.04)] == ["alarm", "alarm", "well"]


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        ({"method": "", "rows": 0, "scores": {}}, "no_promise"),
        ({"method": "sample, may have been trained on", "rows": 9, "scores": {"mae": 1}}, "sample_promise"),
    ],
)
def test_a_version_without_a_promise_cannot_be_judged(line, metrics, reason):
    Version.objects.filter(pk=line.pk).update(metrics=metrics)
    make_outcomes(line, NOW - DAY, draw_errors(100))
    assert look(line).judged.reason == reason


def test_a_few_outcomes_that_are_far_apart_are_too_uncertain_to_call_well(line):
    make_outcomes(line, NOW - DAY, [0.0] * 47 + [6.0] * 3)
    assert look(line).judged.reason == "too_uncertain"


def test_errors_too_large_to_be_computed_with_are_left_out(line):
    make_outcomes(line, NOW - DAY, [1e200] * 60)
    found = look(line)
    assert set(found.versions[0].scores) == {"mae"}
    store("line", watch("line", WEEK, NOW))
    assert Monitoring.objects.get().parsed_result.state == "alarm"


def test_few_states_are_kept_and_every_change(line):
    result = Result(version=1, since="", until="", predictions=0, read=0)
    store("line", result)
    store("line", Result(version=1, since="", until="", predictions=0, read=0, state="alarm"))
    for _ in range(KEPT + 5):
        store("line", result)
    states = list(Monitoring.objects.order_by("id").values_list("former_state", "state")[:4])
    assert states == [("", "cannot say"), ("cannot say", "alarm"), ("alarm", "cannot say"), ("cannot say",) * 2]
    assert Monitoring.objects.count() == KEPT + 3


def test_all_served_models_are_monitored_and_the_worst_decides(line, penguins):
    make_outcomes(line, NOW - DAY, draw_errors(100, size=9))
    found, status = run()
    assert ([each["model"] for each in found], status) == (["line", "penguins"], 3)
    call_command("retire", "line", "--reason", "tests", stdout=StringIO())
    found, status = run("--window", "4w")
    assert ([each["model"] for each in found], status) == (["penguins"], 4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing",), "Not every model could be monitored."),
        (("line", "--window", "0d"), "'0d' is not a length of time such as 365d: hours (h), days (d) or weeks"),
        (("line", "--window", "367d"), "at most 366d"),
        (("line", "--window", "week"), "is not a length of time"),
    ],
)
def test_a_wrong_request_stores_nothing(line, arguments, said, capsys):
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert said in str(caught.value)
    assert not Monitoring.objects.exists()


def test_the_text_says_why_and_gives_all_figures(line):
    make_outcomes(line, NOW - DAY, draw_errors(100), interval=[-1e3, 1e3])
    output = StringIO()
    call_command("monitor", "line", stdout=output)
    text = output.getvalue()
    assert "line: well\n  Version 1 does what it promised: its RMSE is" in text
    assert "Predictions of the window with an outcome: 100 of 100 (100.0\u00a0%)." in text
    assert (
        "90 % interval contained the outcome in 100.0\u00a0% (96.3\u00a0% to 100.0\u00a0%) of cases (predictions: 100)."
        in text
    )
    assert "By week" in text


def test_an_estimate_decides_where_outcomes_cannot_and_never_against_those_of_the_window():
    decided = [
        decide({"quality": quality, "estimate": estimate}, is_new=is_new)[0]
        for quality, estimate, is_new in [
            ("well", "alarm", True),
            ("alarm", "well", True),
            ("cannot say", "alarm", True),
            ("cannot say", "well", True),
            ("cannot say", "cannot say", True),
            ("well", "alarm", False),
            ("alarm", "well", False),
            ("well", "cannot say", False),
        ]
    ]
    assert decided == ["well", "alarm", "alarm", "well", "cannot say", "alarm", "alarm", "well"]


def test_the_models_page_shows_the_newest_result_and_its_age(client, line):
    assert "Live quality" not in client.get("/about/line/").content.decode()
    make_outcomes(line, NOW - 8 * DAY, draw_errors(60))
    make_outcomes(line, NOW - DAY, draw_errors(100, seed=1))
    run("line")
    page = BeautifulSoup(client.get("/about/line/").content, "html.parser")
    section = page.select_one("section[aria-labelledby=live-quality]")
    assert "Version 1 does what it promised: its RMSE is" in section.select_one(".verdict").text
    rows = [[cell.text for cell in row.select("th, td")] for row in section.select("tbody tr")]
    weeks = {row[0]: int(row[2]) for row in rows}
    assert sum(weeks.values()) == 160
    assert {row[4] for row in rows} == {line.written_scores[1].score}
    assert "Computed on" in section.text
    Monitoring.objects.update(computed_at=NOW - 9 * DAY)
    assert "Computed 9 days ago, on" in client.get("/about/line/").content.decode()


def test_the_admin_shows_state_and_scores_on_the_tile_and_all_figures_on_a_page(admin_client, line, penguins):
    make_outcomes(line, NOW - DAY, draw_errors(100, size=9), interval=[0.0, 10.0])
    run("line")
    tiles = BeautifulSoup(admin_client.get("/admin/").content, "html.parser").select(".tiles > li")
    [shown] = [tile.select_one("a.state") for tile in tiles if tile.select_one("a.state")]
    assert (shown.text, shown["href"]) == ("alarm", "/admin/predictor/version/quality/line/")
    assert f"promised {line.written_scores[1].score}. Computed on" in shown.parent.text
    page = BeautifulSoup(admin_client.get(shown["href"]).content, "html.parser")
    assert page.select_one("p.state.alarm").text == "Alarm"
    assert "Version 1 does worse than it promised: its RMSE is" in page.text
    assert [each["id"] for each in page.select("section h2")] == ["periods", "versions", "changes"]
    run("penguins")
    tiles = BeautifulSoup(admin_client.get("/admin/").content, "html.parser").select(".tiles > li")
    assert "No prediction of version 1 has an outcome that can be used. Computed on" in tiles[1].text
    Monitoring.objects.filter(model="penguins").delete()
    assert "never computed" in admin_client.get("/admin/predictor/version/quality/penguins/").content.decode()
    assert admin_client.get("/admin/predictor/version/quality/nothing/").status_code == 404


def test_the_page_of_quality_is_for_those_who_may_look_at_versions(client, django_user_model, line):
    client.force_login(django_user_model.objects.create_user("eve", is_staff=True))
    assert client.get("/admin/predictor/version/quality/line/").status_code == 403


def test_that_only_a_share_of_the_predictions_was_read_is_said(line):
    found = Result(version=1, since="", until="", predictions=1_000_000, read=250_000)
    written = write_monitoring(found, line.parsed_schema, NOW, NOW)
    assert written.notes == [
        "For estimate and drift, 250,000 of 1,000,000 predictions were drawn at random.",
    ]


def test_what_another_build_wrote_and_this_one_cannot_read_breaks_no_page_and_no_run(client, admin_client, line):
    run("line")
    Monitoring.objects.update(result={"version": 1, "state": "a state of the next build"})
    assert "Live quality" not in client.get("/about/line/").content.decode()
    assert admin_client.get("/admin/").status_code == 200
    assert "never computed" in admin_client.get("/admin/predictor/version/quality/line/").content.decode()
    assert run("line")[1] == 4
