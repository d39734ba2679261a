"""Recipes that are rows: models that were made from an uploaded table."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from predictor.models.data_version import DataVersion


class StoredRecipeQuerySet(models.QuerySet["StoredRecipe"]):
    def in_use(self) -> "StoredRecipeQuerySet":
        """Those that a retrain goes by: they were not handed over to a folder."""
        return self.filter(handed_over_at=None)


class StoredRecipe(models.Model):
    """What a folder's model.toml says, and the table; `predictor/lifecycle/recipes.py` reads it as a folder's."""

    model = models.CharField(max_length=50, unique=True, verbose_name=_("model"))
    toml = models.TextField(verbose_name=_("recipe"), help_text="As model.toml has it.")
    data_version = models.ForeignKey(DataVersion, models.PROTECT, related_name="recipes", verbose_name=_("table"))
    made_by = models.CharField(max_length=150, verbose_name=_("by"))
    made_at = models.DateTimeField(default=timezone.now, editable=False)
    handed_over_at = models.DateTimeField(null=True, help_text="When a folder took its place; null while it is used.")

    objects = StoredRecipeQuerySet.as_manager()

    class Meta:
        verbose_name = _("recipe")
        verbose_name_plural = _("recipes")
        ordering = ["model"]

    def __str__(self) -> str:
        return self.model
