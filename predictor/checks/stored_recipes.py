"""Whether no model has two recipes."""

from collections.abc import Iterable, Sequence
from typing import Any

import django.db
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.database)
def check_stored_recipes(databases: Sequence[str] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    """A model whose recipe is a row of the database has no folder, too.

    Reports nothing about missing tables: `migrate`, which creates them, runs these checks first.
    """
    if not databases or "default" not in databases:
        return []
    try:
        return list(_check_stored_recipes())
    except django.db.Error:
        return []


def _check_stored_recipes() -> Iterable[CheckMessage]:
    from predictor.models import StoredRecipe

    for slug in StoredRecipe.objects.in_use().values_list("model", flat=True):
        folder = settings.MODELS_DIR / slug
        if folder.exists():
            problem = f"{slug} has two recipes: {folder} and a row of the database. It is not retrained."
            hint = f"Remove the folder, or run `manage.py exportrecipe {slug} FOLDER` to keep the row in another one."
            yield Error(problem, hint=hint, id="predictor.E040")
