"""What the benchmarks promise: which site they touch, what a verdict says, and that nothing is left running."""

import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg2
import pytest

from benchmarks import against_evidently, serving
from benchmarks.against_mlflow import Answer, judge
from benchmarks.attacks import __main__ as attacks
from benchmarks.attacks.results import Result
from benchmarks.attacks.target import find_loopback
from benchmarks.attacks.visitors import Waited, Waits
from benchmarks.checkouts import OURS, check_out, find_commit
from benchmarks.mlflow_requests import Request
from benchmarks.ratios import compare_errors, compare_rates
from tests.conftest import ROOT
from tests.visitor import find_free_port


def read_refusal(read_options, arguments, capsys):
    """The last line that is printed where arguments are refused as wrong usage."""
    with pytest.raises(SystemExit) as ended:
        read_options(arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("theirs", "verdict"),
    [
        ([100.0] * 10, "holds"),
        ([103.0, 103.2, 102.8, 103.1, 102.9, 103.0, 103.1, 102.9, 103.0, 103.0], "holds"),
        ([104.0, 104.2, 103.8, 104.1, 103.9, 104.0, 104.1, 103.9, 104.0, 104.0], "slower"),
        ([90.0, 110.0, 95.0, 105.0, 90.0, 110.0, 95.0, 105.0, 90.0, 110.0], "proves nothing"),
        ([150.0, 120.0, 140.0, 130.0, 150.0, 120.0, 140.0, 130.0, 150.0, 120.0], "slower"),
        ([80.0] * 10, "holds"),
    ],
)
def test_a_figure_is_slower_where_its_whole_interval_lies_below_0_97(theirs, verdict):
    found = compare_rates([100.0] * 10, theirs)
    assert found.lower <= found.ratio <= found.upper
    assert found.verdict == verdict
    assert found == compare_rates([100.0] * 10, theirs), "the interval is not the same each time"


def test_rates_are_compared_pair_by_pair():
    swinging = [100.0, 400.0, 200.0, 800.0, 50.0, 100.0, 400.0, 200.0, 800.0, 50.0]
    found = compare_rates([0.99 * rate for rate in swinging], swinging)
    assert (found.lower, found.ratio, found.upper) == pytest.approx((0.99, 0.99, 0.99))


@pytest.mark.parametrize(
    ("theirs", "is_worse"),
    [([1.0] * 5, True), ([1.05, 0.9, 1.1, 0.95, 1.0], True), ([2.0, 0.6, 1.4, 0.7, 1.1], False), ([1.2] * 5, False)],
)
def test_errors_are_worse_where_that_is_more_than_chance_from_fold_to_fold(theirs, is_worse):
    ratio, low, high = compare_errors([1.3] * 5, theirs, folds=5)
    assert low <= ratio <= high
    assert (low > 1.1) is is_worse


def test_a_number_that_differs_from_evidentlys_is_counted_and_shown(capsys):
    numbers = [each for each in against_evidently.list_numbers() if each[0].startswith("penguins")]
    ours = [each.ours for _, each in numbers]
    assert against_evidently.print_table(numbers, ours) == 0
    assert "DIFFERS" not in capsys.readouterr().out
    theirs = [each.ours + 1e-6 if each.what == "PSI" else each.ours for _, each in numbers]
    assert against_evidently.print_table(numbers, theirs) == sum(each.what == "PSI" for _, each in numbers)
    assert against_evidently.is_as_sure(0.004, 0.0001)
    assert not against_evidently.is_as_sure(0.02, 0.0001)
    assert not against_evidently.is_as_sure(0.02, 0.2)


def test_an_answer_that_differs_from_mlflows_is_counted_unless_it_is_said_why():
    same, other = Answer(status=200, predictions=[1.0]), Answer(status=200, predictions=[1.1])
    plain, excused = (Request(status=200, title="", differs=why) for why in ("", "We round."))
    assert judge(plain, same, same) == "same"
    assert judge(plain, other, same) == "DIFFERS"
    assert judge(excused, other, same) == "We round."
    assert judge(excused, same, same).isupper()
    assert judge(plain, same, Answer(status=400, predictions=[])).isupper()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--against", "no-such-commit"], "--against: 'no-such-commit' is not a commit of this repository"),
        (["--against", "--help"], "expected one argument"),
        (["--against", "HEAD", "--rounds", "9"], "at least 10 rounds of 5 s"),
        (["--against", "HEAD", "--seconds", "4"], "at least 10 rounds of 5 s"),
        (["--against", "HEAD", "--only", "flask"], "--only chooses among the peers"),
        (["--trial"], "--trial is for --against COMMIT"),
        (["--references"], "--references is for --against COMMIT"),
        (["--key"], "--key is for --against COMMIT"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_line(arguments, problem, capsys):
    assert problem in read_refusal(serving.read_options, arguments, capsys)


def test_a_commit_is_checked_out_without_a_trace_in_the_repository(tmp_path):
    checkout = check_out(find_commit("HEAD"), tmp_path)
    assert (checkout.folder / "manage.py").is_file()
    assert not (checkout.folder / ".git").exists()
    assert checkout.python == OURS.python, "the same requirements got another environment"


@pytest.fixture
def folder():
    """One with a short name: PostgreSQL puts a socket into it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        yield Path(name)


BENCHMARK = """
import sys, time
from contextlib import ExitStack
from pathlib import Path
from benchmarks.lifetime import end_when_asked, run_postgres
from benchmarks.systems import System
folder, port, end = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
end_when_asked()
with ExitStack() as stack:
    url = stack.enter_context(run_postgres(folder / "postgres"))
    program = [sys.executable, "-c", sys.argv[4], str(port)]
    site = System(
        title="A server", command=program, environment={}, folder=folder, port=port, ready="/", questions=[]
    )
    stack.callback(site.stop)
    site.start(folder / "log")
    print(url, flush=True)
    sys.stdin.readline()
    if end == "error":
        raise RuntimeError("as a failed benchmark")
"""
# A master with a worker that serves, as gunicorn has, but which does not end with its master, nor by SIGTERM.
SERVER = """
import http.server, os, signal, sys
if os.fork():
    signal.pause()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler)
server.serve_forever()
"""


def is_listening(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def has_database(url):
    try:
        psycopg2.connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True


@pytest.mark.parametrize(
    "end",
    [[signal.SIGTERM, signal.SIGTERM], [signal.SIGINT, signal.SIGINT], [signal.SIGKILL], "error"],
    ids=lambda end: end if end == "error" else "+".join(each.name for each in end),
)
def test_a_benchmark_ends_its_servers_and_its_database_however_it_ends(folder, end):
    port = find_free_port()
    command = [sys.executable, "-c", BENCHMARK, str(folder), str(port), str(end), SERVER]
    options = {"cwd": ROOT, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **options) as process:  # noqa: S603  # Ours.
        url = process.stdout.readline().strip()
        assert has_database(url)
        assert is_listening(port)
        for number in end if end != "error" else []:
            process.send_signal(number)
        process.stdin.close()
        assert process.wait(60) != 0
    deadline = time.monotonic() + 60
    while has_database(url) or is_listening(port):
        assert time.monotonic() < deadline, "a server still runs"
        time.sleep(0.1)


@pytest.mark.parametrize(
    "address", ["http://192.0.2.1:8000", "http://0.0.0.0:8000", "http://[2001:db8::1]/", "http://169.254.1.1/"]
)
def test_no_site_but_one_on_loopback_is_attacked(address, capsys):
    refusal = read_refusal(attacks.read_options, ["--address", address, "cookie"], capsys)
    assert "is not this machine's loopback" in refusal


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "https://127.0.0.1/", "http://127.0.0.1:99999/", "http:///", ""])
def test_what_is_not_an_address_is_not_attacked(address, capsys):
    assert "argument --address" in read_refusal(attacks.read_options, ["--address", address], capsys)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "http://127.0.0.9:8000/", "http://localhost:8000"])
def test_an_address_on_loopback_may_be_attacked(address):
    host, port = find_loopback(address)
    assert host.startswith("127.") or host == "::1"
    assert port == 8000


def test_an_unknown_attack_is_refused_with_those_there_are(capsys):
    refusal = read_refusal(attacks.read_options, ["nuclear"], capsys)
    assert "'nuclear' is not an attack: choose from wide, " in refusal


CALM = Waits(visits=[Waited(seconds=0.01)] * 10)


@pytest.mark.parametrize(
    ("calm", "attacked", "verdict"),
    [
        (CALM, Waits(visits=[Waited(seconds=0.99)]), "kept"),
        (None, Waits(visits=[Waited(seconds=0.99)], sign_ins=[Waited(seconds=1.99)]), "kept"),
        (CALM, Waits(visits=[Waited(seconds=0.01), Waited(seconds=1.5)]), "BROKEN: 1.50 s"),
        (CALM, Waits(visits=[Waited(seconds=0.01)], sign_ins=[Waited(seconds=2.5)]), "BROKEN: 2.50 s to sign in"),
        (CALM, Waits(visits=[Waited(seconds=0.01, problem="503")] * 2), "BROKEN: 2 × 503"),
        (Waits(visits=[Waited(seconds=1.2)]), Waits(visits=[Waited(seconds=1.5)]), "says nothing: "),
    ],
)
def test_a_bound_is_broken_by_a_long_wait_or_a_failed_answer(calm, attacked, verdict):
    found = Result(name="bulk", calm=calm, attacked=attacked).verdict
    assert found.startswith(verdict)
