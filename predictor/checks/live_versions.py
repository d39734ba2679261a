"""Whether the live versions can be served here."""

from collections.abc import Iterable, Sequence
from typing import Any

import django.db
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from predictor.exceptions import ArtifactError, UntrustedArtifact


@register(Tags.database)
def check_live_versions(databases: Sequence[str] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    """Live versions of models that are not retired can be served here: their artifacts are verified, and never loaded.

    Reports nothing about missing tables and columns: `migrate`, which creates them, runs these checks first.
    """
    if not databases or "default" not in databases:
        return []
    try:
        return list(_check_live_versions())
    except django.db.Error:
        return []


def _check_live_versions() -> Iterable[CheckMessage]:
    from predictor.models import Retirement, Version
    from predictor.registry.trust import explain_distrust
    from predictor.registry.versions import verify_servable

    served = list(Version.objects.served())
    if not settings.DEFAULT_MODEL:
        pass  # The first page is the home page.
    elif Retirement.objects.find(settings.DEFAULT_MODEL) is not None:
        problem = f"DEFAULT_MODEL is {settings.DEFAULT_MODEL!r}, which is retired: the home page has no form."
        hint = f"Set it to another model, or run `manage.py retire {settings.DEFAULT_MODEL} --undo`."
        yield Warning(problem, hint=hint, id="predictor.W005")
    elif settings.DEFAULT_MODEL not in [version.model for version in served]:
        problem = f"DEFAULT_MODEL is {settings.DEFAULT_MODEL!r}, which has no live version: the home page has no form."
        yield Warning(problem, hint=f"Run `manage.py retrain {settings.DEFAULT_MODEL}`.", id="predictor.W002")
    for version in served:
        try:
            verify_servable(version)
        except UntrustedArtifact as error:
            yield Warning(explain_distrust(version, error), id="predictor.W001")
        except ArtifactError as error:
            problem = f"{version} is live but cannot be served ({type(error).__name__}): {error}."
            yield Warning(problem, hint=f"Run `manage.py retrain {version.model}`.", id="predictor.W001")
