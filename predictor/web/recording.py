"""Where staff record on an answer's page what really happened, and visitors report it."""

from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from predictor.access.addresses import find_address
from predictor.access.visitors import count_report
from predictor.exceptions import InvalidInput, OutcomeChanged
from predictor.outcomes import recording as outcomes
from predictor.outcomes import visitor_reports
from predictor.web.answers import find_prediction, render_prediction
from predictor.web.forms import OutcomeForm
from predictor.web.pages import SeeOther, wants_fragment
from predictor.web.shown import list_outcomes
from predictor.web.staff import may_record


@require_POST
def record_outcome(request: HttpRequest, id: UUID) -> HttpResponse:
    """Record the outcome that staff enter, then redirect to the prediction's page."""
    prediction = find_prediction(request, id)
    if not may_record(request, prediction.version.model):
        raise PermissionDenied
    form = OutcomeForm(prediction.version.parsed_schema.target, prediction.output, request.POST)
    if form.is_valid():
        raw, seen = request.POST.get("outcome"), form.cleaned_data["seen"]
        try:
            outcomes.record_outcome(prediction, raw, by=request.user.get_username(), seen=seen)
        except InvalidInput as error:
            form.add_error("outcome", error.fields["outcome"])
        except OutcomeChanged as error:
            form.add_error(None, str(error))
    if form.errors:
        return render_prediction(
            request, prediction, list_outcomes(prediction), form, is_about_outcome=True, status=422
        )
    if wants_fragment(request):
        return render_prediction(request, prediction, list_outcomes(prediction), is_about_outcome=True)
    return SeeOther(prediction.get_absolute_url() + "#outcome")


@require_POST
def report_outcome(request: HttpRequest, id: UUID) -> HttpResponse:
    """Store what a visitor reports, then redirect to the prediction's page. Raises TooOften."""
    if not settings.VISITOR_REPORTS:
        raise Http404("Visitors report nothing here.")
    prediction = find_prediction(request, id)
    if prediction.has_outcome:
        return SeeOther(prediction.get_absolute_url() + "#outcome")
    form = OutcomeForm(prediction.version.parsed_schema.target, prediction.output, request.POST)
    count_report(find_address(request), id)
    try:
        visitor_reports.report_outcome(prediction, request.POST.get("outcome"))
    except InvalidInput as error:
        form.add_error("outcome", error.fields["outcome"])
        return render_prediction(request, prediction, [], report_form=form, is_about_outcome=True, status=422)
    return SeeOther(f"{prediction.get_absolute_url()}?reported=yes#outcome")
