"""The log of what became live."""

from django.db import models
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from predictor.languages import gettext


class PromotionQuerySet(models.QuerySet["Promotion"]):
    def newest(self) -> "PromotionQuerySet":
        """The newest promotion of each model, which makes its version the live one."""
        newest = self.order_by().values("version__model").annotate(newest=Max("id"))
        return self.filter(id__in=newest.values("newest"))


class Promotion(models.Model):
    """The event that made a version live. Rows are only ever added; a rollback is one more."""

    version = models.ForeignKey(
        "predictor.Version", models.PROTECT, related_name="promotions", verbose_name=_("version")
    )
    previous = models.ForeignKey(
        "predictor.Version",
        models.PROTECT,
        related_name="+",
        null=True,
        db_index=False,
        help_text=_("The version live until then."),
        verbose_name=_("previous"),
    )
    restores = models.ForeignKey(
        "self", models.PROTECT, related_name="+", null=True, db_index=False, help_text="Of a rollback: to where."
    )
    promoted_at = models.DateTimeField(default=timezone.now, editable=False, verbose_name=_("promoted at"))
    promoted_by = models.CharField(max_length=150, verbose_name=_("promoted by"))
    reason = models.TextField(verbose_name=_("reason"))

    objects = PromotionQuerySet.as_manager()

    class Meta:
        verbose_name = _("promotion")
        verbose_name_plural = _("promotions")
        ordering = ["-id"]

    def __str__(self) -> str:
        return gettext("{version} on {date}").format(version=self.version, date=f"{self.promoted_at:%Y-%m-%d %H:%M}")

    @property
    def origin(self) -> "Promotion":
        """The promotion whose state this one established: itself, or the one that a rollback went back to."""
        return self.restores or self
