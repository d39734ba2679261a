"""What libraries would do by themselves, tried as on a machine that is no CI: there onnxruntime keeps quiet anyway."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sklearn
from sklearn.linear_model import LinearRegression

from predictor.environment import choose_waiting
from predictor.training.compiling.compilation import compile_model
from tests.conftest import ROOT, run_manage
from tests.together import wait_until
from tests.training import register_shipped

CI = [
    "CI",
    "TF_BUILD",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "CIRCLECI",
    "TRAVIS",
    "JENKINS_URL",
    "CODEBUILD_BUILD_ID",
    "BUILDKITE",
    "TEAMCITY_VERSION",
    "APPVEYOR",
    "BITBUCKET_BUILD_NUMBER",
]
SET_BY_US = ("ORT_DISABLE_TELEMETRY", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
QUIET = """
import sys
from predictor.estimators.compiled import CompiledModel
CompiledModel(open(sys.argv[1], "rb").read()).predict([[1.0]])
sys.stdin.read()
"""
LEFT_ALONE = """
import sys
import onnxruntime
onnxruntime.InferenceSession(sys.argv[1]).run(None, {"inputs": [[1.0]]})
sys.stdin.read()
"""


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A home folder for the processes that a test starts, which find nothing of CI's or of ours in the environment."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name in (*CI, *SET_BY_US):
        monkeypatch.delenv(name, raising=False)
    return folder


def list_files(home):
    """What was written, but for the list of fonts that matplotlib makes once."""
    return [str(path) for path in home.rglob("*") if path.is_file() and "matplotlib" not in path.parts]


class Proxy:
    """Records which hosts are asked for, and refuses every connection."""

    def __init__(self):
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def _listen(self):
        while True:
            client, _ = self.listener.accept()
            with client:
                self.asked.append(client.recv(1000).partition(b"\r\n")[0].decode())


@pytest.fixture
def run_code(home, tmp_path):
    """Start Python with a home folder and a proxy of its own; it ends with the test."""
    model = tmp_path / "model.onnx"
    model.write_bytes(compile_model(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), 1).data)
    processes = []

    def start(code, name):
        proxy, own = Proxy(), home / name
        own.mkdir()
        environment = {**os.environ, "HOME": str(own), "https_proxy": proxy.address, "HTTPS_PROXY": proxy.address}
        command = [sys.executable, "-c", code, model]
        processes.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE))  # noqa: S603  # Our own.
        return processes[-1], proxy, own

    yield start
    for process in processes:
        process.stdin.close()
        process.wait(timeout=120)


def test_a_compiled_model_asks_for_no_host_while_onnxruntime_on_its_own_does(run_code):
    quiet, proxy, home = run_code(QUIET, "quiet")
    _, collector, other = run_code(LEFT_ALONE, "left_alone")
    # onnxruntime says something some seconds after it was loaded, and the first of the two was loaded before.
    wait_until(lambda: collector.asked, seconds=180)
    assert "microsoft" in collector.asked[0]
    assert list_files(other)
    assert quiet.poll() is None
    assert proxy.asked == []
    assert list_files(home) == []


@pytest.fixture
def registered(transactional_db):
    """Before a test changes the environment: this process loads onnxruntime too."""
    register_shipped("line")


def test_commands_write_nothing_below_the_home_folder(registered, home, database_url):
    done = run_manage("retrain", "line", "--missing", DATABASE_URL=database_url)
    assert "nothing to do" in done.stdout, done.stderr
    assert list_files(home) == []


def test_workers_write_nothing_below_the_home_folder(registered, home, serve):
    serve().wait_until("/readyz").stop()
    assert list_files(home) == []


def test_these_tests_run_with_it_too():
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    assert {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys()


@pytest.mark.parametrize(
    ("given", "turns"),
    [
        (choose_waiting(2.1, cores=2), "0"),
        (choose_waiting(1.9, cores=2), "20000"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "30000000000"),
    ],
)
def test_threads_of_openmp_sleep_sooner_the_busier_the_machine_is(home, given, turns):
    """libgomp, which scikit-learn brings along, says itself how often an idle thread turns around before it sleeps."""
    [library] = Path(sklearn.__file__).parents[1].glob("scikit_learn.libs/libgomp*")
    code = f"import ctypes, predictor; ctypes.CDLL({str(library)!r})"
    environment = {**os.environ, "OMP_DISPLAY_ENV": "VERBOSE", **given}
    for name in SET_BY_US:
        if name not in given:
            environment.pop(name, None)
    done = subprocess.run(  # noqa: S603  # Our own.
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert f"GOMP_SPINCOUNT = '{turns}'" in done.stderr, done.stderr


RETRAIN = """
import sys, tempfile
tempfile.tempdir = sys.argv[1] or None
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("retrain", "line")
from predictor.models import Version
version = Version.objects.get()
print(version.figures.count(), version.parsed_report.not_drawn)
"""


@pytest.mark.parametrize(
    ("temporary", "report"),
    [
        ("", "2 ()"),
        ("/dev/null/none", "0 ('Actual against predicted: matplotlib can write its cache neither to the home folder"),
    ],
    ids=["temporary folder", "no folder at all"],
)
def test_a_retrain_needs_neither_a_home_folder_nor_a_temporary_one(home, tmp_path, temporary, report):
    environment = {
        **os.environ,
        # Not even root can make a folder there.
        "HOME": "/dev/null",
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "DJANGO_SETTINGS_MODULE": "mlsite.settings",
    }
    environment.pop("MPLCONFIGDIR", None)
    done = subprocess.run(  # noqa: S603  # Our own.
        [sys.executable, "-c", RETRAIN, temporary],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "line  version 1  live" in done.stdout
    assert done.stdout.splitlines()[-1].startswith(report)
    assert "atplotlib" not in done.stderr
