"""Staff whose models are chosen look at these, and at no others."""

import re
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import URLPattern, get_resolver

from predictor.access.rights import find_models
from predictor.history.filters import read_filters
from predictor.history.search import count, find, find_ids
from predictor.models import Job, ModelRight, Monitoring, Outcome, Promotion, Retirement, Schedule, VisitorReport
from tests.outcomes import PENGUINS, make_predictions

pytestmark = pytest.mark.django_db


def find_anew(user):
    return find_models(User.objects.get(pk=user.pk))


@pytest.mark.both_databases
def test_users_see_all_models_until_some_are_chosen_for_them_or_for_one_of_their_groups(django_assert_num_queries):
    grace, root = User.objects.create_user("grace"), User.objects.create_superuser("root")
    group = Group.objects.create(name="zoologists")
    assert find_anew(grace) is None
    ModelRight.objects.create(user=grace, model="line")
    ModelRight.objects.create(user=root, model="line")
    ModelRight.objects.create(group=group, model="penguins")
    assert find_anew(grace) == {"line"}
    grace.groups.add(group)
    assert find_anew(grace) == {"line", "penguins"}
    assert find_anew(root) is None
    assert find_models(AnonymousUser()) == frozenset()
    again = User.objects.get(pk=grace.pk)
    with django_assert_num_queries(1):
        assert find_models(again) == find_models(again)


@pytest.mark.both_databases
def test_a_right_is_that_of_one_user_or_of_one_group(db):
    grace, group = User.objects.create_user("grace"), Group.objects.create(name="zoologists")
    for owners in ({}, {"user": grace, "group": group}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ModelRight.objects.create(model="line", **owners)


def test_superusers_choose_the_models_of_users_and_groups_on_their_pages(admin_client, line):
    grace, group = User.objects.create_user("grace"), Group.objects.create(name="zoologists")
    for page, given in (
        (
            f"/admin/auth/user/{grace.pk}/change/",
            {"username": "grace", "is_active": "on", "date_joined_0": "2026-03-01", "date_joined_1": "12:00"},
        ),
        (f"/admin/auth/group/{group.pk}/change/", {"name": "zoologists"}),
    ):
        assert '<option value="line">line</option>' in admin_client.get(page).content.decode()
        rows = {"model_rights-TOTAL_FORMS": "1", "model_rights-INITIAL_FORMS": "0", "model_rights-0-model": "line"}
        assert admin_client.post(page, given | rows).status_code == 302
    assert find_anew(grace) == {"line"}
    assert [each.model for each in group.model_rights.all()] == ["line"]
    grace.delete()
    group.delete()
    assert not ModelRight.objects.exists()


SECRET = "zzsecret"  # noqa: S105  # The name of a model.
VALUES = {"app_label": "predictor", "slug": SECRET, "url": "x", "content_type_id": "1"}


def fill_model(model, target):
    """Rows of each table that the admin shows, about one model."""
    [prediction] = make_predictions(1, target, model)
    value = target.classes[0] if target.classes else 1.0
    Promotion.objects.create(version=prediction.version, promoted_by="tests", reason=f"{model} went live")
    Retirement.objects.create(model=model, is_retired=False, recorded_by="tests", reason=f"{model} came back")
    VisitorReport.objects.create(prediction=prediction, value=value)
    Monitoring.objects.create(model=model, state="well", result={})
    Schedule.objects.create(model=model, kind="monitor", timing="daily", made_by=f"{model}'s trainer")
    return prediction, Outcome.objects.create(prediction=prediction, value=value, recorded_by=f"{model}'s reviewer")


@pytest.fixture
def reviewer(db):
    """Staff with all permissions of this app, for penguins alone."""
    user = User.objects.create_user("grace", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="predictor"))
    ModelRight.objects.create(user=user, model="penguins")
    client = Client()
    client.force_login(user)
    return client


def list_tables():
    return [each for each in admin.site._registry if each._meta.app_label == "predictor"]


def list_addresses(rows):
    """Every address of the admin; each that is about a row is given the one of its table."""

    def walk(patterns, prefix):
        for pattern in patterns:
            address = prefix + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield address
            else:
                yield from walk(pattern.url_patterns, address)

    for pattern in dict.fromkeys(walk(get_resolver().url_patterns, "/")):
        if not pattern.startswith("/admin/") or "logout" in pattern or "^" in pattern:
            continue
        id = next((str(row.pk) for row in rows if f"/{row._meta.model_name}/" in pattern), "1")
        address = pattern
        for captured in re.findall(r"<[^>]+>", pattern):
            address = address.replace(captured, VALUES.get(captured.strip("<>").rpartition(":")[2], id))
        yield address


def test_no_page_of_the_admin_shows_or_changes_a_model_that_a_user_may_not_see(reviewer):
    fill_model("penguins", PENGUINS)
    prediction, outcome = fill_model(SECRET, PENGUINS)
    [free] = make_predictions(1, PENGUINS, SECRET)  # Whoever may record an outcome could do so.
    VisitorReport.objects.filter(prediction=prediction).update(prediction=free)
    rows = [
        prediction,
        prediction.version,
        outcome,
        *(
            each.objects.get(**{f"{path}": SECRET})
            for each, path in (
                (Promotion, "version__model"),
                (Retirement, "model"),
                (Schedule, "model"),
                (VisitorReport, "prediction__version__model"),
            )
        ),
    ]
    # They may ask for an export of penguins.
    counts = [each.objects.count() for each in list_tables() if each is not Job]
    addresses = list(list_addresses(rows))
    for query in ("", f"?model={SECRET}", f"?q={prediction.pk}", f"?prediction={prediction.pk}"):
        for address in addresses:
            if (SECRET in address and query) or ("export" in address and f"model={SECRET}" not in query):
                continue
            answered = reviewer.get(address + query)
            assert answered.status_code in (200, 302, 400, 403, 404, 405), address
            shown = answered.content.decode() if not answered.streaming else ""
            shown += answered.get("Location", "")
            given = [
                f'value="{SECRET}"',
                f"“{SECRET}”",
                query.lstrip("?"),
                urlencode({"next": address + query}),
                urlencode({"_changelist_filters": query.lstrip("?")}),
                address,
            ]
            for each in filter(None, given):
                shown = shown.replace(each, "")
            assert SECRET not in shown, address + query
    for address in addresses:
        action = "promote" if "version" in address else "accept"
        chosen = [str(row.pk) for row in rows if f"/{row._meta.model_name}/" in address]
        given = {"action": action, "_selected_action": chosen, "reason": "because", "value": "Gentoo"}
        reviewer.post(address, {**given, "prediction": str(free.pk), "outcome": "Gentoo"})
    assert [each.objects.count() for each in list_tables() if each is not Job] == counts
    assert not Job.objects.exclude(model="penguins").exists()
    assert VisitorReport.objects.get(prediction=free).decided_at is None


def test_the_same_pages_show_it_to_users_who_may_see_it(reviewer):
    prediction, outcome = fill_model(SECRET, PENGUINS)
    ModelRight.objects.create(user=User.objects.get(), model=SECRET)
    for address in (
        "/admin/",
        "/admin/predictor/prediction/",
        f"/admin/predictor/prediction/?q={prediction.pk}",
        f"/admin/predictor/prediction/{prediction.pk}/change/",
        f"/admin/predictor/prediction/queue/?model={SECRET}",
        f"/admin/predictor/outcome/{outcome.pk}/change/",
        "/admin/predictor/promotion/",
        "/admin/predictor/retirement/",
        f"/admin/predictor/version/quality/{SECRET}/",
    ):
        assert SECRET in reviewer.get(address).content.decode(), address


@pytest.mark.both_databases
def test_searches_are_among_the_models_that_may_be_looked_at(db):
    [mine], [other] = make_predictions(1), make_predictions(1, PENGUINS, "penguins")
    for given in (
        {},
        {"model": "penguins"},
        {"q": str(other.pk)},
        {"is.x": "0"},
        {"outcome": "no"},
        {"source": "form"},
    ):
        filters = read_filters(given)
        limited = replace(filters, only=frozenset({"line"}))
        expected = [] if "model" in given or "q" in given else [mine.pk]
        assert find_ids(limited, most=9) == expected
        assert [row.pk for row in find(limited).rows] == expected
        counted = count(limited)
        assert counted is None or counted.number == len(expected)
        assert other.pk in find_ids(filters, most=9)
        assert limited.to_query() == filters.to_query()


def test_who_does_not_see_all_models_opens_none_for_others(reviewer):
    grace = User.objects.get()
    grace.user_permissions.add(*Permission.objects.filter(codename="change_user"))
    page = reviewer.get(f"/admin/auth/user/{grace.pk}/change/").content.decode()
    assert "model_rights" not in page
    given = {
        "username": "grace",
        "is_active": "on",
        "is_staff": "on",
        "date_joined_0": "2026-03-01",
        "date_joined_1": "12:00",
    }
    rows = {"model_rights-TOTAL_FORMS": "1", "model_rights-INITIAL_FORMS": "0", "model_rights-0-model": SECRET}
    reviewer.post(f"/admin/auth/user/{grace.pk}/change/", given | rows)
    assert find_anew(grace) == {"penguins"}
