"""Users of the admin."""

from django.contrib.auth.models import Permission, User
from django.test import Client

from predictor.models import ModelRight


def sign_in(*permissions, name="grace", models=()):
    """A client of a new user with these permissions, for all models or for some."""
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    ModelRight.objects.bulk_create([ModelRight(user=user, model=model) for model in models])
    client = Client()
    client.force_login(user)
    return client
