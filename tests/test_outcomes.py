import gzip
import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import polars as pl
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from predictor.exceptions import InvalidInput, OutcomeChanged
from predictor.jobs import LeaseLost
from predictor.models import Outcome, Reference
from predictor.outcomes.files import Entry, record_entries
from predictor.outcomes.recording import find_outcome, record_outcome
from predictor.outcomes.storing import Row, store_rows
from tests.conftest import run_manage
from tests.outcomes import PENGUINS, make_predictions, read_log
from tests.together import run_together

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

UNKNOWN = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def prediction():
    [made] = make_predictions(1)
    return made


def record(prediction, raw, seen=None, by="ada"):
    return record_outcome(prediction, raw, by=by, seen=seen)


def test_an_outcome_is_kept_with_its_time_and_by_whom(prediction):
    outcome, is_new = record(prediction, " 7.5 ")
    assert is_new
    assert find_outcome(prediction) == outcome
    assert read_log() == [(7.5, "ada", None)]
    assert outcome.recorded_at is not None


def test_a_correction_keeps_what_it_replaces(prediction):
    first, _ = record(prediction, "7.5")
    second, is_new = record(prediction, "8", seen=first.id, by="grace")
    record(prediction, "7.5", seen=second.id)
    assert is_new
    assert read_log() == [(7.5, "ada", None), (8.0, "grace", 7.5), (7.5, "ada", 8.0)]
    assert find_outcome(prediction).value == 7.5


@pytest.mark.parametrize("value", ["7.5", "1e22", "-0", "1.7976931348623157e308", "5e-324"])
def test_the_same_value_again_is_no_new_row(prediction, value):
    first, _ = record(prediction, value)
    assert record(prediction, value, seen=first.id) == (first, False)
    assert record(prediction, value, by="grace") == (first, False)
    assert Outcome.objects.count() == 1


def test_what_the_target_does_not_take_is_refused_and_nothing_is_stored(prediction):
    with pytest.raises(InvalidInput, match="“seven” is not a number: give a number"):
        record(prediction, "seven")
    assert not Outcome.objects.exists()


def test_who_did_not_see_what_was_recorded_meanwhile_is_told(prediction):
    first, _ = record(prediction, "7.5")
    with pytest.raises(OutcomeChanged, match=r"7\.5 is recorded by now, by ada"):
        record(prediction, "8", seen=None, by="grace")
    record(prediction, "8", seen=first.id)
    with pytest.raises(OutcomeChanged, match="8 is recorded by now, by ada"):
        record(prediction, "9", seen=first.id, by="grace")
    assert [value for value, _, _ in read_log()] == [7.5, 8.0]


def test_what_was_never_recorded_cannot_be_replaced(prediction):
    with pytest.raises(OutcomeChanged, match="look again"):
        record(prediction, "8", seen=12345)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_correction", [False, True])
def test_of_all_who_record_at_the_same_moment_one_is_kept_and_the_others_are_told(prediction, is_correction):
    seen = record(prediction, "0.5")[0].id if is_correction else None

    def record_at_once(value):
        try:
            return record(prediction, value, seen=seen)[1]
        except OutcomeChanged:
            return "refused"

    results = run_together([partial(record_at_once, value) for value in range(1, 7)])
    assert sorted(map(str, results)) == ["True", *["refused"] * 5]
    assert Outcome.objects.count() == 1 + is_correction


@pytest.mark.django_db(transaction=True)
def test_of_two_files_at_the_same_moment_one_is_stored_whole():
    made = make_predictions(300)

    def record_at_once(value, predictions):
        entries = [Entry(line=i, id=str(each.id), outcome=value) for i, each in enumerate(predictions)]
        try:
            return {each.result for each in record_entries(entries, by=value)} == {"accepted"}
        except OutcomeChanged:
            return False

    stored = run_together([partial(record_at_once, "1", made), partial(record_at_once, "2", made[::-1])])
    assert sorted(stored) == [False, True]
    assert Outcome.objects.count() == 300
    assert Outcome.objects.values("value", "recorded_by").distinct().count() == 1


@pytest.mark.django_db(transaction=True)
def test_others_write_while_a_file_is_judged():
    """On SQLite a transaction that has begun would hold up everybody's."""
    made = make_predictions(3)

    def record_one():
        try:
            record(made[0], "7")
        finally:
            connection.close()

    class Slow(list):
        def __iter__(self):
            for entry in super().__iter__():
                with ThreadPoolExecutor(1) as somebody:
                    somebody.submit(record_one).result()
                yield entry

    record_entries(Slow(Entry(line=i, id=str(each.id), outcome="1") for i, each in enumerate(made[1:])), by="ada")
    assert Outcome.objects.count() == 3


def test_rows_of_one_prediction_are_judged_together_however_far_apart_they_are(run):
    """More rows than are in memory at once are between them."""
    made = make_predictions(2_000)
    rows = [(each.id, i) for i, each in enumerate(made)]
    report, _ = run(write_file(*rows, rows[0], (made[1].id, "7.5"), rows[0]))
    assert report["counts"] == {"accepted": 1_999, "unchanged": 2, "unknown": 0, "malformed": 0, "conflicting": 2}
    assert [each["line"] for each in report["rows"]] == list(range(2, 2_005))
    assert [each["reason"] for each in report["rows"] if each["result"] == "unchanged"] == [
        "line 2 has the same outcome"
    ] * 2
    assert [each["line"] for each in report["rows"] if each["result"] == "conflicting"] == [3, 2_003]
    assert Outcome.objects.count() == 0


@pytest.fixture
def run(tmp_path, capsys):
    """Record a file; give the report, and the command's error."""

    def call(content, *options):
        file = tmp_path / "outcomes.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        failure = ""
        try:
            call_command("record_outcomes", str(file), "--format", "json", *options)
        except CommandError as error:
            failure = str(error)
        printed = capsys.readouterr().out
        return json.loads(printed) if printed else None, failure

    return call


def write_file(*rows, header="id,outcome"):
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


def list_results(report):
    return [(row["line"], row["result"]) for row in report["rows"]]


def test_a_file_is_recorded_whole_and_running_it_again_changes_nothing(run):
    a, b, c = make_predictions(3)
    [penguin] = make_predictions(1, PENGUINS, "penguins")
    content = write_file((a.id, 1), (b.id, "2.5"), (penguin.id, "Gentoo"), (str(c.id).upper(), -3))
    report, failure = run(content)
    assert (report["stored"], failure) == (True, "")
    assert list_results(report) == [(line, "accepted") for line in (2, 3, 4, 5)]
    assert sorted(read_log(), key=str) == sorted(
        [(value, "command line", None) for value in (1.0, 2.5, "Gentoo", -3.0)], key=str
    )
    again, _ = run(content)
    assert list_results(again) == [(line, "unchanged") for line in (2, 3, 4, 5)]
    assert Outcome.objects.count() == 4


def make_faulty_file():
    """One good row, and each fault: the lines' results in order."""
    good, recorded, same, twice = make_predictions(4)
    [penguin] = make_predictions(1, PENGUINS, "penguins")
    record(recorded, "7")
    record(same, "9")
    rows = [
        ((good.id, 1), "accepted"),
        ((recorded.id, 8), "conflicting"),
        ((same.id, "9.0"), "unchanged"),
        ((twice.id, 1), "conflicting"),
        ((UNKNOWN, 1), "unknown"),
        (("7", 1), "malformed"),
        (("", 1), "malformed"),
        ((twice.id, 2), "conflicting"),
        ((good.id, "1.0"), "unchanged"),
        ((penguin.id, "Emperor"), "malformed"),
        ((penguin.id, ""), "malformed"),
        ((penguin.id, "Adelie", "x"), "malformed"),
    ]
    results = [(line, result) for line, (_, result) in enumerate(rows, start=2)]
    return write_file(*(row for row, _ in rows)), results, good


def test_one_row_that_is_refused_refuses_all_and_each_is_reported_with_its_cause(run):
    content, results, _ = make_faulty_file()
    before = read_log()
    report, failure = run(content)
    assert "9 of 12 rows are refused, and nothing was stored" in failure
    assert not report["stored"]
    assert list_results(report) == results
    assert report["counts"] == {"accepted": 1, "unchanged": 2, "unknown": 1, "malformed": 5, "conflicting": 3}
    assert read_log() == before
    reasons = {row["line"]: row["reason"] for row in report["rows"]}
    assert reasons[3] == "“7” is recorded; --correct would replace it"
    assert reasons[5] == reasons[9] == "the file has “1” and “2” for this prediction"
    assert reasons[6] == "there is no prediction with this id"
    assert reasons[7].startswith("“7” is not the id of a prediction")
    assert reasons[10] == "line 2 has the same outcome"
    assert reasons[11] == "“Emperor” is not a class of this model: give one of “Adelie”, “Gentoo”"
    assert reasons[12] == "A value is needed: give one of “Adelie”, “Gentoo”"
    assert reasons[13] == "3 values for 2 columns"


def test_partial_records_what_is_right_and_leaves_the_others(run):
    content, results, good = make_faulty_file()
    before = read_log()
    report, failure = run(content, "--partial", "--by", "ada's file")
    assert (report["stored"], failure) == (True, "")
    assert list_results(report) == results
    assert read_log() == [*before, (1.0, "ada's file", None)]
    assert find_outcome(good).value == 1


def test_a_dry_run_reports_the_same_and_stores_nothing(run):
    content, results, _ = make_faulty_file()
    before = read_log()
    report, _ = run(content, "--partial", "--dry-run")
    assert (report["stored"], list_results(report)) == (False, results)
    assert read_log() == before


def test_what_is_recorded_is_replaced_only_when_it_is_said(run, prediction):
    record(prediction, "7")
    content = write_file((prediction.id, 8))
    assert list_results(run(content)[0]) == [(2, "conflicting")]
    report, _ = run(content, "--correct")
    assert report["rows"][0]["reason"] == "replaces “7”"
    assert read_log() == [(7.0, "ada", None), (8.0, "command line", 7.0)]


@pytest.mark.parametrize(
    ("classes", "given", "kept"),
    [(("Adelie", "Gentoo"), " Emperor ", "Emperor"), ((1, 2), "3.0", 3)],
)
def test_a_new_class_is_taken_only_when_it_is_said(run, classes, given, kept):
    target = type(PENGUINS)(name="y", label="y", task="classification", classes=classes)
    [made] = make_predictions(1, target)
    content = write_file((made.id, given))
    assert list_results(run(content)[0]) == [(2, "malformed")]
    assert run(content, "--new-classes")[0]["stored"]
    [(value, _, _)] = read_log()
    assert (value, type(value)) == (kept, type(kept))


def test_columns_may_stand_anywhere_beside_others_after_a_bom_and_with_crlf(run):
    a, b = make_predictions(2)
    content = f'\ufeffoutcome,"note", id\r\n1,"two\r\nlines",{a.id}\r\n\r\n2,,{b.id}\r\n'
    report, _ = run(content)
    assert list_results(report) == [(2, "accepted"), (5, "accepted")]


def test_a_column_of_references_names_the_predictions_of_one_model(run):
    for model in ("line", "other"):
        for number, prediction in enumerate(make_predictions(2, model=model)):
            Reference.objects.create(prediction=prediction, model=model, reference=f"case {number}")
    content = write_file(("case 0", 7), ("case 1", 8), header="reference,outcome")
    assert "give --model" in run(content)[1]
    assert "There is no model 'nothing'" in run(content, "--model", "nothing")[1]
    report, failure = run(content, "--model", "other")
    assert (report["counts"]["accepted"], failure) == (2, "")
    assert [row["reference"] for row in report["rows"]] == ["case 0", "case 1"]
    assert list(Outcome.objects.values_list("prediction__version__model", flat=True)) == ["other", "other"]
    report, _ = run(write_file(("case 2", 7), ("", 8), header="reference,outcome"), "--model", "line")
    assert [(row["result"], row["reason"]) for row in report["rows"]] == [
        ("unknown", "there is no prediction with this reference"),
        ("malformed", "the reference is missing"),
    ]


def test_with_a_model_predictions_of_others_are_unknown(run, prediction):
    make_predictions(1, model="other")
    report, _ = run(write_file((prediction.id, 7)), "--model", "other")
    assert report["rows"][0]["reason"] == "there is no prediction with this id"


def write_rows(*rows, separator=";"):
    return "".join(separator.join(map(str, row)) + "\r\n" for row in [("id", "outcome"), *rows])


@pytest.mark.parametrize(
    ("write", "lines"),
    [
        (lambda a, b: write_rows((a, "1,5"), (b, "2,25")), [2, 3]),
        (lambda a, b: write_rows((a, "1.5"), (b, "2.25"), separator="\t").encode("utf-16"), [2, 3]),
        (lambda a, b: f"Größe,id,outcome,,\n1,{a},1.5,,\n2,{b},2.25\n,,,,\n,\n".encode("cp1252"), [2, 3]),
        (lambda a, b: f'note,id,outcome\r\n"a\rb",{a},1.5\r\n\r\n,{b},2.25\r\n', [2, 5]),
        (lambda a, b: gzip.compress(write_file((a, 1.5), (b, "2.250")).encode()), [2, 3]),
        (lambda a, b: write_zip(write_file((a, 1.5), (b, 2.25))), [2, 3]),
        (lambda a, b: f'{{"id": "{a}", "outcome": 1.5}}\n{{"outcome": 2.25, "id": "{b}"}}\n', [1, 2]),
        (lambda a, b: write_parquet({"id": [str(a), str(b)], "outcome": [1.5, 2.25]}), [1, 2]),
    ],
    ids=["semicolons", "UTF-16", "blank cells", "bare CR", "gzip", "zip", "JSON lines", "Parquet"],
)
def test_a_file_of_outcomes_is_read_as_any_table(run, write, lines):
    a, b = make_predictions(2)
    report, failure = run(write(a.id, b.id))
    assert failure == ""
    assert list_results(report) == [(line, "accepted") for line in lines]
    assert sorted(value for value, _, _ in read_log()) == [1.5, 2.25]


def write_zip(content):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("outcomes.csv", content)
    return archive.getvalue()


def write_parquet(columns):
    content = io.BytesIO()
    pl.DataFrame(columns).write_parquet(content)
    return content.getvalue()


def test_whether_a_comma_separates_decimals_is_decided_by_the_whole_file(run):
    a, b, c = make_predictions(3)
    alone, _ = run(write_rows((a.id, "1,234")))
    assert alone["rows"][0]["reason"] == "“1,234” can be read in two ways: write 1234 or 1.234"
    report, _ = run(write_rows((a.id, "1,234"), (b.id, "0,5"), (c.id, "1.234")), "--partial")
    assert [row["result"] for row in report["rows"]] == ["accepted", "accepted", "malformed"]
    assert report["rows"][2]["reason"].startswith("“1.234” may be in thousands, since other rows have decimal commas")
    assert sorted(value for value, _, _ in read_log()) == [0.5, 1.234]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "outcomes.csv, line 1: the file is empty"),
        ("id,value\n", "outcomes.csv: one column 'outcome' is needed; the columns are “id”, “value”."),
        ("id,outcome,outcome\n", "one column 'outcome' is needed"),
        ('id,outcome\n1,"2" 3\n', "outcomes.csv, line 2: column 'outcome': ',' expected after"),
        ('id,outcome\n1,2\n1,"2\n1,2\n1,2\n', "line 3: column 'outcome': unexpected end of data; write a text with"),
        ('"id,outcome\n1,2\n', "outcomes.csv, line 1: "),
        ("é,id,outcome\n".encode() + b"\xe9,1,2", "line 2: byte 0xe9 is not text in UTF-8"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", "a NUL byte, so the file is binary"),
        ('[{"id": "a", "outcome": 1}]', "outcomes.csv is JSON in one piece: save it as JSON lines"),
        ("<html><body>Sign in</body></html>", "outcomes.csv is HTML or XML, such as a web page"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_line(run, content, message):
    report, failure = run(content)
    assert report is None
    assert message in failure


def test_a_file_without_rows_is_recorded_and_there_is_nothing_in_it(run):
    assert run("id,outcome\n") == (
        {"stored": True, "counts": dict.fromkeys(run("id,outcome\n")[0]["counts"], 0), "rows": []},
        "",
    )


def test_the_text_lists_at_most_20_rows_of_a_kind(tmp_path, capsys, db):
    file = tmp_path / "outcomes.csv"
    file.write_text(write_file(*[(UNKNOWN[:-4] + f"{i:04}", 1) for i in range(25)], ("x", 1)))
    call_command("record_outcomes", str(file), "--partial")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "0 accepted, 0 unchanged, 25 unknown, 1 malformed, 0 conflicting; nothing stored"
    assert lines[1] == f"  unknown  line 2  “{UNKNOWN}”  “1”  there is no prediction with this id"
    assert lines[21] == "  unknown  and 5 more; all of them with --format json"
    assert lines[22].startswith("  malformed  line 27  “x”")


def test_a_large_file_takes_few_queries(run, django_assert_max_num_queries):
    made = make_predictions(2_000)
    content = write_file(*((each.id, i) for i, each in enumerate(made)))
    with django_assert_max_num_queries(30):
        report, _ = run(content)
    assert report["counts"]["accepted"] == 2_000


def test_a_refused_file_fails_without_a_traceback(database_url, tmp_path):
    file = tmp_path / "outcomes.csv"
    file.write_text(write_file((UNKNOWN, 1)))
    done = run_manage("record_outcomes", str(file), DATABASE_URL=database_url)
    assert done.returncode == 1
    assert "1 unknown" in done.stdout
    assert "Traceback" not in done.stderr


def test_versions_of_one_model_may_predict_other_classes(run):
    [old] = make_predictions(1, PENGUINS, "penguins")
    wider = type(PENGUINS)(**{**vars(PENGUINS), "classes": ("Adelie", "Chinstrap", "Gentoo")})
    [new] = make_predictions(1, wider, "penguins")
    report, _ = run(write_file((old.id, "Chinstrap"), (new.id, "Chinstrap")))
    assert list_results(report) == [(2, "malformed"), (3, "accepted")]


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_outcomes_are_stored_together_with_what_the_caller_stores_or_not_at_all(prediction):
    def lose_lease():
        raise LeaseLost("another worker has taken the job over")

    row = Row(prediction_id=prediction.id, value=4.5, replaces_id=None, queue=None)
    with pytest.raises(LeaseLost):
        store_rows([row], "ada", on_stored=lose_lease)
    assert read_log() == []
