"""Which models users may look at."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ModelRightQuerySet(models.QuerySet["ModelRight"]):
    def of_user(self, user_id: int) -> "ModelRightQuerySet":
        """The user's own ones, and those of the groups in which the user is."""
        return self.filter(Q(user=user_id) | Q(group__user=user_id))


class ModelRight(models.Model):
    """That a user, or each member of a group, may see a model. A user with none of them may see all models."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="model_rights", db_index=False
    )
    group = models.ForeignKey("auth.Group", models.CASCADE, null=True, related_name="model_rights", db_index=False)
    model = models.CharField(max_length=50, verbose_name=_("model"))

    objects = ModelRightQuerySet.as_manager()

    class Meta:
        verbose_name = _("right to a model")
        verbose_name_plural = _("models that may be seen (none chosen: all)")
        ordering = ["model"]
        constraints = [
            models.CheckConstraint(condition=Q(user=None) ^ Q(group=None), name="model_right_one_owner"),
            models.UniqueConstraint(fields=["user", "model"], name="model_right_user"),
            models.UniqueConstraint(fields=["group", "model"], name="model_right_group"),
        ]

    def __str__(self) -> str:
        return self.model
