"""What members of the group “reviewers” may do, and all that they may not."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

from predictor.models import Outcome, Prediction, Promotion
from predictor.registry.retirement import retire
from tests.outcomes import make_predictions

pytestmark = pytest.mark.django_db

MAY = {"view_prediction", "view_version", "view_promotion", "view_outcome", "add_outcome"}


def make_group():
    """By the migration itself: tests that empty the tables also remove what it made."""
    migration = import_module("predictor.migrations.0014_reviewers")
    migration.make_group(apps, SimpleNamespace(connection=connection))
    return Group.objects.get(name="reviewers")


@pytest.fixture
def reviewer(db):
    user = User.objects.create_user("grace", is_staff=True)
    user.groups.add(make_group())
    client = Client()
    client.force_login(user)
    return client


def test_reviewers_have_the_least_permissions(db):
    assert {each.codename for each in make_group().permissions.all()} == MAY
    assert set(make_group().permissions.values_list("content_type__app_label", flat=True)) == {"predictor"}


def test_a_group_of_this_name_that_a_site_has_already_keeps_its_permissions(db):
    Group.objects.filter(name="reviewers").delete()
    Group.objects.create(name="reviewers")
    assert not make_group().permissions.exists()


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.model_name)
def test_reviewers_open_their_own_lists_and_are_refused_all_else(reviewer, model):
    [prediction] = make_predictions(1)
    Outcome.objects.create(prediction=prediction, value=1.0, recorded_by="tests")
    retire("line", by="tests", reason="a test")
    name = model._meta.model_name
    base, row = f"/admin/{model._meta.app_label}/{name}", model.objects.first()
    # Of jobs they see those that they asked for.
    looked = 200 if f"view_{name}" in MAY or name == "job" else 403
    assert reviewer.get(f"{base}/").status_code == looked
    assert reviewer.get(f"{base}/add/").status_code == (200 if f"add_{name}" in MAY else 403)
    if row is not None:
        before = model.objects.count()
        assert reviewer.get(f"{base}/{row.pk}/change/").status_code == looked
        assert reviewer.post(f"{base}/{row.pk}/change/", {"reason": "x"}).status_code == 403
        assert reviewer.post(f"{base}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
        reviewer.post(f"{base}/", {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
        assert model.objects.count() == before


def test_reviewers_promote_no_version(reviewer):
    version = make_predictions(1)[0].version
    assert reviewer.post(f"/admin/predictor/version/{version.pk}/promote/", {"reason": "r"}).status_code == 403
    chosen = {"action": "promote", "reason": "r", "_selected_action": version.pk}
    reviewer.post("/admin/predictor/version/", chosen)
    assert not Promotion.objects.exists()


def test_reviewers_record_what_really_happened(reviewer):
    [prediction] = make_predictions(1)
    sent = {"prediction": prediction.pk, "value": "7.5", "seen": ""}
    assert reviewer.post("/admin/predictor/outcome/add/", sent).status_code == 302
    assert reviewer.post(f"/predictions/{prediction.pk}/outcome/", {"outcome": "8", "seen": ""}).status_code == 422
    assert Prediction.objects.get().outcomes.get().recorded_by == "grace"
