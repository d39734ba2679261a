"""A client that openapi-python-client generates from our document predicts, and records what happened."""

import json

import pytest

from benchmarks.checkouts import ENVIRONMENTS
from benchmarks.generated_client import generate_and_use
from predictor.access.keys import Scope, make_key
from predictor.models import Outcome, Prediction
from tests.training import register_shipped

PROGRAMS = ENVIRONMENTS / "openapi_client/bin"


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    not PROGRAMS.is_dir(),
    reason="needs an environment of its own, from the network: `python -m benchmarks.generated_client` makes it",
)
def test_a_generated_client_predicts_and_records_an_outcome(serve, tmp_path):
    register_shipped("line")
    register_shipped("penguins")
    _, key = make_key("client", scopes=list(Scope), models=None, expires_at=None, by="tests")
    site = serve(WEB_CONCURRENCY="1")
    site.wait_until("/readyz")
    told = json.loads(generate_and_use(site.address, key, PROGRAMS, tmp_path))
    stored = Prediction.objects.get()
    assert (told["id"], told["output"], told["interval"]) == (str(stored.id), stored.output, stored.interval)
    assert (told["result"], told["outcome"], told["reference"]) == ("accepted", 12.5, "customer-42/2026-03")
    assert Outcome.objects.get().value == 12.5
