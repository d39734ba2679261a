"""A model that goes wrong and gets well again, as everybody concerned sees it."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import numpy as np
import pytest
from bs4 import BeautifulSoup
from django.core.management import call_command

from predictor.models import Monitoring, Outcome, Prediction, Version
from predictor.monitoring.announcing import announce_state
from predictor.monitoring.watch import store, watch
from predictor.serving.answer import describe_answer
from predictor.serving.service import service
from tests.past import make_id
from tests.recipes import write_recipe

DAY, WEEK = timedelta(days=1), timedelta(days=7)
PRICES = """
title = "House prices"
target = "price"
data = "data.csv"

[estimator]
class = "sklearn.ensemble.HistGradientBoostingRegressor"
"""


def draw_houses(random, rows, *, large):
    """Areas, of which a share is `large`, and prices, which are hard to tell for large houses."""
    areas = np.where(random.random(rows) < large, random.uniform(80, 120, rows), random.uniform(20, 80, rows)).round(2)
    wave = np.where(areas > 80, 30 * np.sin(areas / 4), 0)
    return areas, (areas + wave + random.normal(0, 1, rows)).round(3)


class Town:
    """The site with its visitors; the true prices are known to nobody before they are recorded."""

    def __init__(self, folder):
        self.random = np.random.default_rng(0)
        areas, prices = draw_houses(self.random, 3_000, large=0.06)
        rows = "".join(f"{area},{price}\n" for area, price in zip(areas, prices, strict=True))
        write_recipe(folder, "prices", PRICES, "area,price\n" + rows)
        self.unrecorded = []

    def ask(self, since, until, rows, *, large):
        """Let visitors ask the live version during this time."""
        service.forget()  # It notices within 2 s what went live, and visitors come later.
        runtime = service.get_runtime("prices")
        areas, prices = draw_houses(self.random, rows, large=large)
        parsed = [runtime.schema.parse({"area": str(area)}) for area in areas]
        answers, _ = runtime.answer(parsed)
        moments = [since + (until - since) * (number / rows) for number in range(rows)]
        made = [
            Prediction(
                **describe_answer(runtime.schema, row, answer),
                **{"version": runtime.version, "id": make_id(moment), "created_at": moment, "source": "form"},
                duration_ms=1.0,
            )
            for row, answer, moment in zip(parsed, answers, moments, strict=True)
        ]
        Prediction.objects.bulk_create(made)
        self.unrecorded += zip(made, prices, strict=True)

    def record_outcomes(self):
        """What has happened meanwhile becomes known."""
        Outcome.objects.bulk_create(
            Outcome(prediction=made, value=float(price), recorded_by="Ada") for made, price in self.unrecorded
        )
        self.unrecorded.clear()


def monitor(moment):
    """A daily run at this moment."""
    stored = store("prices", watch("prices", WEEK, moment))
    announce_state(stored, "")
    return stored.parsed_result


def read(client, path):
    return BeautifulSoup(client.get(path).content, "html.parser")


@pytest.mark.django_db
def test_a_model_goes_wrong_is_noticed_before_outcomes_say_so_and_gets_well_by_a_retrain(
    admin_client, models_dir, settings, mailoutbox
):
    settings.ALERT_EMAILS = ["ada@example.com"]
    town = Town(models_dir.parent)
    call_command("retrain", "prices", stdout=StringIO())
    now = datetime.now(UTC)
    start = now - 3 * WEEK

    # The first week is like the training data.
    town.ask(start, start + WEEK, 700, large=0.06)
    town.record_outcomes()
    assert monitor(start + WEEK).state == "well"

    # Then more and more houses are large. No outcome is known yet, and the estimate falls first.
    town.ask(start + WEEK, start + 2 * WEEK, 700, large=0.5)
    found = monitor(start + 2 * WEEK)
    assert (found.state, found.decided_by) == ("alarm", ("estimate",))
    assert found.quality.judged.state != "alarm"
    assert "area" in [shift.name for shift in found.drift.shifted]
    assert monitor(start + 2 * WEEK + DAY).state == "alarm"

    # Outcomes arrive late, and confirm it.
    town.ask(start + 2 * WEEK, now - DAY, 700, large=0.9)
    town.record_outcomes()
    found = monitor(now)
    assert (found.state, found.decided_by) == ("alarm", ("quality",))
    assert [mail.subject for mail in mailoutbox] == ["prices: alarm"]
    for path in ("/about/prices/", "/models/", "/admin/", "/admin/predictor/version/quality/prices/"):
        assert "promised" in read(admin_client, path).text, path

    # A retrain with these outcomes is better, and goes live.
    call_command("retrain", "prices", "--with-outcomes", stdout=StringIO(), stderr=StringIO())
    assert Version.objects.find_live("prices").number == 2
    # There are fewer large houses again, among which it now knows its way.
    town.ask(now - DAY / 2, now, 1_500, large=0.1)
    town.record_outcomes()
    assert monitor(now).state == "well"
    assert [mail.subject for mail in mailoutbox] == ["prices: alarm", "prices: well"]
    changes = Monitoring.objects.changes("prices").values_list("state", flat=True)
    assert list(changes) == ["well", "alarm", "well"]
    page = read(admin_client, "/about/prices/")
    assert "Version 2 does what it promised" in page.select_one("#live-quality").parent.text
    assert not page.select_one(".verdict a[href='#live-quality']")
    assert "well" in read(admin_client, "/admin/").text
