"""Exports what the list of predictions shows: at once, or by a worker where that takes long."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from predictor import jobs
from predictor.access.rights import limit
from predictor.admin.asking import ask
from predictor.admin.retraining import describe_missing_worker
from predictor.exceptions import ExportError, InvalidFilters
from predictor.formats import format_number
from predictor.history.exporting import FORMATS, stream_export
from predictor.history.filters import Filters, read_filters
from predictor.history.limits import check_inputs
from predictor.history.search import has_more_than
from predictor.models import Job, Version
from predictor.texts import quote

# What is written within a few seconds.
MOST_AT_ONCE = 50_000


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is to be exported."""

    model: str
    filters: Filters
    format: str


class ExportMixin(admin.ModelAdmin):
    """Adds the address `export/`, which takes the list's filters and a `format`; a POST has a worker write it."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_http_methods(["GET", "HEAD", "POST"])(self.export))
        return [path("export/", view, name="predictor_prediction_export"), *super().get_urls()]

    def export(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            choice = read_choice(request)
            if request.method == "POST":
                return redirect("admin:predictor_job_change", enqueue_export(request, choice).pk)
            if has_more_than(choice.filters, MOST_AT_ONCE):
                return self.ask(request, choice)
            return stream_export(choice.model, choice.filters, choice.format, by=request.user)
        except (ExportError, InvalidFilters) as error:
            messages.error(request, str(error))
            wrong = {"format", *(error.fields if isinstance(error, InvalidFilters) else ())}
            query = urlencode({name: text for name, text in request.GET.items() if name not in wrong})
            return HttpResponseRedirect(f"{reverse('admin:predictor_prediction_changelist')}?{query}")

    def ask(self, request: HttpRequest, choice: Choice) -> TemplateResponse:
        """Ask whether a worker is to write the file."""
        sentence = _("There may be more than {most}: a worker writes the file, which can then be downloaded here.")
        sentences = [sentence.format(most=format_number(MOST_AT_ONCE)), describe_missing_worker()]
        filters = urlencode(choice.filters.to_query())
        return ask(
            request,
            self.opts,
            title=_("Export predictions of {model} as {format}").format(
                model=choice.model, format=FORMATS[choice.format][0]
            ),
            sentence=" ".join(filter(None, sentences)),
            button_label=_("Export"),
            back=f"{reverse('admin:predictor_prediction_changelist')}?{filters}",
            back_label=choice.model,
        )


def read_choice(request: HttpRequest) -> Choice:
    """What an address asks for, among what the user may see. Raises ExportError and InvalidFilters."""
    filters = read_filters(request.GET.dict())
    models = limit(Version.objects.all(), request.user).list_models()
    model, format = filters.model or choose_only(models), request.GET.get("format", "csv")
    if model not in models:
        raise ExportError(_("There is no version of {model}.").format(model=quote(model)))
    if format not in FORMATS:
        raise ExportError(_("Choose one of the formats {formats}.").format(formats=", ".join(FORMATS)))
    filters = read_filters({**request.GET.dict(), "model": model})
    check_inputs(filters)
    return Choice(model=model, filters=filters, format=format)


def choose_only(models: list[str]) -> str:
    """The model where there is a single one. Raises ExportError."""
    if len(models) != 1:
        raise ExportError(_("Choose a model first: each has columns of its own."))
    return models[0]


def enqueue_export(request: HttpRequest, choice: Choice) -> Job:
    """The job that writes an export: a new one, unless the same user has asked for the same before it was written."""
    by = request.user.get_username()
    arguments = {"format": choice.format, "filters": choice.filters.to_query()}
    same = Job.objects.unfinished().filter(kind=jobs.EXPORT, made_by=by, model=choice.model, arguments=arguments)
    return same.first() or jobs.enqueue(jobs.EXPORT, by=by, model=choice.model, arguments=arguments)
