"""The admin of users and groups: Django's own, with lists that take any address, and with the models they may see."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Field
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.access.rights import find_models
from predictor.admin.lists import CheckedListMixin
from predictor.formats import MISSING
from predictor.models import ModelRight, Version

admin.site.unregister([User, Group])


class ModelRightInline(admin.TabularInline):
    """The models that a user, or the members of a group, may see. With none of them, they may see all."""

    model = ModelRight
    fields = ["model"]
    extra = 1

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not for users who do not see all models themselves: they would find the others here, and open them."""
        return find_models(request.user) is None and super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return find_models(request.user) is None and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return find_models(request.user) is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return find_models(request.user) is None and super().has_delete_permission(request, obj)

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: Any, **options: Any) -> Any:
        """A choice of all models, those included that have rows but no versions any more."""
        if db_field.name != "model":
            return super().formfield_for_dbfield(db_field, request, **options)
        named = ModelRight.objects.order_by().values_list("model", flat=True)
        models = sorted({*Version.objects.list_models(), *named})
        choices = [("", "---------"), *((model, model) for model in models)]
        return forms.ChoiceField(choices=choices, label=db_field.verbose_name)


class ModelRightsMixin(CheckedListMixin):
    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Not where an account is added, which is saved before its models are chosen."""
        return [] if obj is None else [ModelRightInline]


@admin.register(User)
class CheckedUserAdmin(ModelRightsMixin, UserAdmin):
    """Says in words what a user may do: most users are no staff, which is nothing that a red cross should mark."""

    list_display = ["username", "email", "first_name", "last_name", "role"]

    @admin.display(description=_("role"))
    def role(self, user: User) -> str:
        if not user.is_active:
            return gettext("inactive")
        return gettext("superuser") if user.is_superuser else gettext("staff") if user.is_staff else MISSING


@admin.register(Group)
class CheckedGroupAdmin(ModelRightsMixin, GroupAdmin):
    pass
