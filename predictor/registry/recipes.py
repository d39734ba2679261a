"""Deletes recipes that are rows, and that nothing goes by any more."""

from django.db import transaction

from predictor.exceptions import RecipeInUse
from predictor.languages import gettext as _
from predictor.models import Job, StoredRecipe, Version


@transaction.atomic(durable=True)
def delete_recipe(row: StoredRecipe) -> None:
    """Delete a recipe of a model without versions, or one that was handed over to a folder; its table stays.

    Raises RecipeInUse, in the current language.
    """
    locked = StoredRecipe.objects.select_for_update().filter(pk=row.pk).first()
    if locked is None:
        return
    job = Job.objects.unfinished().filter(model=row.model).first()
    if job is not None:
        raise RecipeInUse(_("The recipe of {model} stays: job {job} needs it.").format(model=row.model, job=job.pk))
    if locked.handed_over_at is None and Version.objects.filter(model=row.model).exists():
        sentence = _(
            "The recipe of {model} stays, since versions were trained by it. Hand it over to a folder by"
            " `manage.py exportrecipe {model}`, and then delete it; or withdraw the model by"
            " `manage.py retire {model}`."
        )
        raise RecipeInUse(sentence.format(model=row.model))
    locked.delete()
