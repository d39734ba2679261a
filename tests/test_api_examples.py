"""The examples of docs/api.md, and those that pages show, run as they are against a site that is served."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta

import httpx
import pytest
from bs4 import BeautifulSoup
from django.utils import timezone

from predictor.access.keys import Scope, make_key
from predictor.api.operations import list_operations
from predictor.api.urls import urlpatterns
from predictor.models import Outcome, Prediction
from predictor.monitoring.watch import store, watch
from tests.conftest import ROOT, make_database_url, start_server
from tests.training import register_shipped

PAGE = (ROOT / "docs/api.md").read_text()
LANGUAGES = ("bash", "python", "javascript", "r")
EXAMPLES = dict(re.findall(r"^```(bash|python|javascript|r)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))


@pytest.fixture(scope="module")
def db(committed_db):
    """Instead of pytest-django's own: the server sees what is stored."""


@pytest.fixture(scope="module")
def site(db, collected_static_files, tmp_path_factory):
    register_shipped("line")
    register_shipped("penguins")
    store("line", watch("line", timedelta(days=7), timezone.now()))
    folder = tmp_path_factory.mktemp("server")
    settings = {"WEB_CONCURRENCY": "1", "TRIALS_API": "on", "API_ACCESS": "keys"}
    server = start_server(folder, DATABASE_URL=make_database_url(), **settings)
    server.wait_until("/readyz")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def environment(site):
    _, key = make_key("examples", scopes=list(Scope), models=None, expires_at=None, by="tests")
    return {**os.environ, "MLSITE_URL": site.address, "MLSITE_KEY": key}


def run(language, code, environment, folder):
    """Run a program; skip where its language is not installed."""
    programs = {
        "bash": ["bash", "-c"],
        "python": [sys.executable, "-c"],
        "javascript": ["node", "--input-type=module", "--eval"],
        "r": ["Rscript", "-e"],
    }
    program, *options = programs[language]
    needed = "curl" if language == "bash" else program
    if not shutil.which(needed):
        pytest.skip(f"{needed} is not installed: this example was not run")
    done = subprocess.run(  # noqa: S603  # Our own examples.
        [program, *options, code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if "there is no package called" in done.stderr:
        pytest.skip(f"{program} has not all packages that the example needs: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def list_addresses():
    """The operations as the table of the page names them."""
    for pattern, operation in list_operations(urlpatterns):
        yield f"{operation.method} /" + re.sub(r"<\w+:(\w+)>", r"{\1}", pattern)


def test_the_table_has_every_operation_and_no_other():
    assert set(re.findall(r"^\| `((?:GET|POST|PUT) /\S+)`", PAGE, re.MULTILINE)) == set(list_addresses())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_operation_stands_in_each_example(language):
    code = EXAMPLES[language]
    for address in list_addresses():
        path = address.partition("/api/v1/")[2].replace("{slug}", "line")
        parts = [re.escape(part) for part in re.split(r"\{\w+\}", path)]
        called = r"[^\n]{1,24}?".join(parts) + r"[\"`'?)]"
        assert re.search(called, code), address


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_example_calls_every_operation_as_it_is_shown(language, environment, tmp_path):
    printed = run(language, EXAMPLES[language], environment, tmp_path)
    stored = Prediction.objects.get(reference__reference="customer-42/2026-03")
    assert Outcome.objects.get(prediction=stored).value == 12.5
    assert str(stored.output)[:6] in printed  # R prints seven digits.


@pytest.mark.parametrize("language", LANGUAGES[:3])
def test_what_pages_show_are_requests_that_are_answered(site, environment, tmp_path, language):
    """That of a model, with a typical case, and that of an answer, with its own inputs."""
    position = LANGUAGES.index(language)
    first = run(language, read_code(f"{site.address}/about/penguins/", position), environment, tmp_path)
    answered = Prediction.objects.latest("id")
    assert (answered.version.model, answered.output) == ("penguins", find_class(first))
    second = run(language, read_code(f"{site.address}/predictions/{answered.id}/api/", position), environment, tmp_path)
    assert find_class(second) == answered.output
    assert Prediction.objects.latest("id").inputs == answered.inputs
    assert Prediction.objects.latest("id").id != answered.id


def read_code(address, position):
    page = BeautifulSoup(httpx.get(address).text, "html.parser")
    return page.select(".snippet pre")[position].text


def find_class(printed):
    """The predicted class: curl prints all of the answer, the others the class alone."""
    return json.loads(printed)["predictions"][0]["output"] if printed.startswith("{") else printed.strip()
