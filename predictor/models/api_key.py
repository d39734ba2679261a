"""Keys by which programs use the API."""

from typing import Literal

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def valid(self) -> "ApiKeyQuerySet":
        """Those that are neither revoked nor expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)


class ApiKey(models.Model):
    """What is stored of a key: never the key, only its hash. Only its use and its revocation change a row."""

    name = models.CharField(max_length=100, verbose_name=_("name"))
    sha256 = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(
        max_length=20,
        editable=False,
        help_text=_("The first characters, by which its owner recognises it."),
        verbose_name=_("key"),
    )
    scopes = models.JSONField(verbose_name=_("scopes"))
    only_models = models.JSONField(null=True, help_text=_("Their slugs; null for all."), verbose_name=_("models"))
    made_at = models.DateTimeField(default=timezone.now, editable=False, verbose_name=_("made at"))
    made_by = models.CharField(max_length=150, verbose_name=_("made by"))
    expires_at = models.DateTimeField(null=True, verbose_name=_("expires at"))
    last_used_at = models.DateTimeField(null=True, editable=False, verbose_name=_("last used at"))
    revoked_at = models.DateTimeField(null=True, editable=False, verbose_name=_("revoked at"))
    revoked_by = models.CharField(max_length=150, blank=True, verbose_name=_("revoked by"))
    reason = models.TextField(blank=True, help_text=_("Why it was revoked."), verbose_name=_("reason"))

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(revoked_at=None), name="api_key_name_in_use")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def state(self) -> Literal["valid", "expired", "revoked"]:
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= timezone.now() else "valid"
