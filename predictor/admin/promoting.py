"""Promotes a version in the name of the user who asks for it, with a reason for the log."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ActionForm
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictor.exceptions import ArtifactError, ModelRetired
from predictor.models import Version
from predictor.registry.versions import promote

MOST_CHARACTERS = 1_000
PROMOTE = "predictor.add_promotion"


class PromotionActionForm(ActionForm):
    """The form above the list of versions: an action and its reason."""

    reason = forms.CharField(
        required=False,
        max_length=MOST_CHARACTERS,
        label=_("Reason"),
        help_text=_("Why it is promoted; kept in the log."),
    )


class PromotionForm(forms.Form):
    """Why one version is promoted."""

    reason = forms.CharField(
        max_length=MOST_CHARACTERS,
        label=_("Reason"),
        help_text=_("Why it is promoted; kept in the log, which the model's page shows."),
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60, "aria-describedby": "id_reason_helptext"}),
    )


def promote_for(request: HttpRequest, version: Version, reason: str) -> bool:
    """Whether the version is live then; the user gets a message in either case."""
    try:
        promotion = promote(version, by=request.user.get_username(), reason=reason)
    except ModelRetired as error:
        problem = gettext("Not promoted: {problem}; {remedy}.")
        messages.error(request, problem.format(problem=error, remedy=error.remedy))
    except ArtifactError as error:
        problem = gettext("Not promoted: {version} could not be loaded: {problem}.")
        messages.error(request, problem.format(version=version, problem=error))
    else:
        result = gettext("Live now: {version}.") if promotion else gettext("Live already: {version}.")
        messages.success(request, result.format(version=version))
        return True
    return False


def describe_change(version: Version) -> dict[str, Any]:
    """What the page says that asks whether a version is to be promoted."""
    live = Version.objects.only("model", "number").find_live(version.model)
    sentence = gettext("Version {number} of {model} becomes live, for all visitors within 2 seconds.")
    if live is not None:
        sentence = gettext(
            "Version {number} of {model} becomes live instead of version {live}, for all visitors within 2 seconds."
        )
    return {
        "version": version,
        "live": live if live and live.pk != version.pk else None,
        "sentence": sentence.format(number=version.number, model=version.model, live=live and live.number),
        "compare_label": gettext("Compare the two"),
        "promote_label": gettext("Promote"),
    }
