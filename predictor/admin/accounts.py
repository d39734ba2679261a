"""The admin of users and groups: Django's own, with lists that take any address."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.admin.lists import CheckedListMixin
from predictor.formats import MISSING

admin.site.unregister([User, Group])


@admin.register(User)
class CheckedUserAdmin(CheckedListMixin, UserAdmin):
    """Says in words what a user may do: most users are no staff, which is nothing that a red cross should mark."""

    list_display = ["username", "email", "first_name", "last_name", "role"]

    @admin.display(description=_("role"))
    def role(self, user: User) -> str:
        if not user.is_active:
            return gettext("inactive")
        return gettext("superuser") if user.is_superuser else gettext("staff") if user.is_staff else MISSING


@admin.register(Group)
class CheckedGroupAdmin(CheckedListMixin, GroupAdmin):
    pass
