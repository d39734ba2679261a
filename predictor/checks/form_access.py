"""Who may see forms, and whether other sites may embed what needs a sign-in."""

from collections.abc import Iterable, Sequence
from typing import Any

import django.db
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from predictor.access.forms import EXPECTED, LOGIN, is_open, read_form_access

HINT = (
    "Remove the origins, or let everybody see the model: frames of other sites get no cookie, so nobody is signed in."
)


@register()
def check_form_access(**kwargs: Any) -> Iterable[CheckMessage]:
    """FORM_ACCESS can be read, and no site may embed forms that need a sign-in."""
    try:
        given = read_form_access(settings.FORM_ACCESS)
    except ValueError as error:
        yield Error(f"FORM_ACCESS: {error}.", hint=f"Write {EXPECTED}.", id="predictor.E040")
        return
    if given.default == LOGIN and settings.EMBED_ORIGINS:
        problem = "EMBED_ORIGINS is set, and FORM_ACCESS is login: embedded forms are refused."
        yield Warning(problem, hint=HINT, id="predictor.W040")


@register(Tags.database)
def check_models(databases: Sequence[str] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    """FORM_ACCESS names models that exist, and no model that needs a sign-in may be embedded."""
    if not databases or "default" not in databases:
        return []
    try:
        return [*_check_named_models(), *_check_embedded_models()]
    except (django.db.Error, ValueError):
        return []


def _check_named_models() -> Iterable[CheckMessage]:
    from predictor.models import Version

    for model in sorted(read_form_access(settings.FORM_ACCESS).models.keys() - Version.objects.list_models()):
        problem = f"FORM_ACCESS names {model!r}, which has no version: it opens or closes nothing."
        yield Warning(problem, hint="Correct the name, as in the model's address.", id="predictor.W042")


def _check_embedded_models() -> Iterable[CheckMessage]:
    from predictor.models import Version

    versions: Iterable[Any] = Version.objects.served().with_access()
    for version in versions:
        own = version.parsed_layout.embed_origins
        origins = settings.EMBED_ORIGINS if own is None else own
        if origins and not is_open(version.model, version.own_access):
            problem = (
                f"{version.model} needs a sign-in, and may be embedded by {origins[0]}: its form is refused there."
            )
            yield Warning(problem, hint=HINT, id="predictor.W041")
