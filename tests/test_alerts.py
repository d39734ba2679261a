import hashlib
import hmac
import json
import threading
from base64 import b64decode, b64encode
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from predictor import alerts
from predictor.exceptions import AlertNotSent
from predictor.models import Monitoring, Outcome
from predictor.monitoring.announcing import announce_state
from predictor.monitoring.watch import KEPT, store
from predictor.record.monitoring import Monitoring as Result
from tests.conftest import run_manage
from tests.past import make_predictions
from tests.training import train

SECRET = f"whsec_{b64encode(bytes(range(32))).decode()}"


class Receiver(HTTPServer):
    """A webhook: keeps what it gets, and answers with `status`."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.status = [], 204

    @property
    def events(self):
        return [json.loads(body) for _, body in self.got]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.headers, body))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def webhook(settings, monkeypatch):
    with closing(Receiver()) as receiver:
        receiver.close = receiver.server_close
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        settings.ALERT_WEBHOOK = f"http://127.0.0.1:{receiver.server_port}/hook"
        settings.ALERT_WEBHOOK_SECRET = SECRET
        monkeypatch.setattr(alerts, "SECONDS_BETWEEN", 0)
        yield receiver
        for thread in threading.enumerate():
            if thread.name == "webhook":
                thread.join(30)
        receiver.shutdown()


def run(state, model="line"):
    """One run that finds this state; whether it was announced."""
    result = Result(version=1, since="2026-03-01", until="2026-03-08", predictions=5, read=5, state=state)
    return announce_state(store(model, result), f"{model}: {state}")


@pytest.mark.django_db
def test_a_state_is_announced_where_it_changes_and_not_while_it_stays(webhook, settings, mailoutbox):
    settings.ALERT_EMAILS = ["ada@example.com"]
    found = ["well", "well", "alarm", *["alarm"] * (KEPT + 5), "well", "cannot say", "alarm"]
    said = [state for state in found if run(state)]
    assert said == ["alarm", "well", "cannot say", "alarm"]
    assert [mail.subject for mail in mailoutbox] == [f"line: {state}" for state in said]
    assert [(event["type"], event["data"]["state"], event["data"]["former"]) for event in webhook.events] == [
        ("model.state", state, former) for state, former in zip(said, [None, *said], strict=False)
    ]
    assert run("alarm", model="penguins")


@pytest.mark.django_db
def test_what_could_not_be_sent_is_sent_by_the_next_run(webhook):
    webhook.status = 500
    with pytest.raises(AlertNotSent, match="the webhook did not take it: HTTP Error 500"):
        run("alarm")
    webhook.status = 204
    assert run("alarm")
    assert not run("alarm")
    assert Monitoring.objects.filter(announced_at__isnull=False).count() == 1


@pytest.mark.django_db
def test_monitor_says_what_it_could_not_send_and_fails(webhook, line):
    webhook.status, errors = 500, StringIO()
    rows = [({"x": x / 20}, x / 10 + 3) for x in range(200)]
    made = make_predictions(line, datetime.now(UTC) - timedelta(days=1), rows, step=timedelta(minutes=1))
    Outcome.objects.bulk_create(
        Outcome(prediction=each, value=each.output + 30 + number % 7, recorded_by="tests")
        for number, each in enumerate(made)
    )
    with pytest.raises(CommandError, match=r"Not every message could be sent\."):
        call_command("monitor", "line", stdout=StringIO(), stderr=errors)
    assert "line: the webhook did not take it" in errors.getvalue()
    assert Monitoring.objects.get().state == "alarm"


def test_a_message_is_signed_as_standard_webhooks_define_it(webhook):
    alerts.send_event("model.state", {"model": "line", "text": "é"})
    [(headers, body)] = webhook.got
    id, moment = headers["webhook-id"], headers["webhook-timestamp"]
    signed = f"{id}.{moment}.{body.decode()}".encode()
    digest = hmac.new(b64decode(SECRET.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{b64encode(digest).decode()}"
    assert abs(int(moment) - datetime.now(UTC).timestamp()) < 60


def test_a_redirect_is_not_followed(webhook):
    webhook.status = 307
    with pytest.raises(OSError, match="307"):
        alerts.send_event("model.state", {})
    assert len(webhook.got) == 1


@pytest.mark.django_db(transaction=True)
def test_promotions_and_challengers_that_are_kept_back_are_announced(webhook, models_dir):
    train(models_dir, "line")
    call_command("retrain", "line", "--force", stdout=StringIO(), stderr=StringIO())
    for thread in threading.enumerate():
        if thread.name == "webhook":
            thread.join(30)
    told = [(event["type"], event["data"]["version"], event["data"]["former"]) for event in webhook.events]
    assert told == [("model.promoted", 1, None), ("model.kept_back", 2, 1)]


def test_an_event_that_is_not_taken_is_tried_again_and_then_logged(webhook, caplog):
    webhook.status = 500
    alerts._send_patiently("model.promoted", {})
    assert len(webhook.got) == len(caplog.records) == alerts.TRIES


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"ALERT_EMAILS": "ada@example.com"}, "EMAIL_HOST is not"),
        ({"EMAIL_PORT": "mail"}, "EMAIL_PORT is not a port"),
        ({"ALERT_WEBHOOK": "http://example.com", "ALERT_WEBHOOK_SECRET": SECRET}, "not an https:// address"),
        ({"ALERT_WEBHOOK": "https://example.com", "ALERT_WEBHOOK_SECRET": "whsec_c2hvcnQ="}, "not a key of Standard"),
    ],
)
def test_settings_that_could_send_nothing_are_refused(given, problem):
    done = run_manage("check", **given)
    assert done.returncode == 1
    assert problem in done.stderr
