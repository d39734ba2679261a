"""Staff whose models are chosen look at these, and at no others."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db import IntegrityError, transaction

from predictor.access.rights import find_models
from predictor.models import ModelRight

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
