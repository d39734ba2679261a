"""The list of predictions: one line each, filtered by a plain address, page by page from the newest on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from predictor.access.rights import find_models, limit
from predictor.admin.cells import Judgement, fold, judge_outcome, show_moment
from predictor.admin.detail import find_archived_address, make_detail_address
from predictor.admin.filter_controls import list_tests, make_controls
from predictor.admin.own_columns import choose_columns, list_offered
from predictor.exceptions import InvalidFilters
from predictor.formats import MISSING, Written, format_number
from predictor.history.cursor import NEWEST, Cursor, read_cursor
from predictor.history.exporting import FORMATS
from predictor.history.filters import Filters, read_filters
from predictor.history.limits import check_inputs
from predictor.history.search import ROWS_OF_A_PAGE, SECONDS_OF_A_PAGE, Count, Page, count, find
from predictor.models import Prediction, Version
from predictor.schema.kinds import Feature
from predictor.texts import shorten

# Shown for each prediction; a model may have thousands, and a prediction's own page shows them all.
MOST_INPUTS = 20


@dataclass(frozen=True, kw_only=True)
class Line:
    """One prediction of the list, written for people."""

    address: str
    moment: SafeString
    version: str
    answer: Written
    interval: Written | None
    happened: str
    judgement: Judgement | None
    warnings: SafeString | str
    source: str
    inputs: SafeString | str
    own: list[str]


def show_list(request: HttpRequest) -> HttpResponse:
    """Show the page of predictions that the address asks for; a form's address is first made short."""
    canonical = make_canonical(request.GET)
    if canonical != request.GET:
        return HttpResponseRedirect(f"{request.path}?{canonical.urlencode()}" if canonical else request.path)
    given = request.GET.dict()
    problems: dict[str, str] = {}
    filters, cursor = Filters(), NEWEST
    try:
        filters, cursor = replace(read_filters(given), only=find_models(request.user)), read_cursor(given)
        check_inputs(filters)
    except InvalidFilters as error:
        problems = error.fields
    page = (
        Page(rows=[], next=None, previous=None)
        if problems
        else find(filters, cursor, limit=ROWS_OF_A_PAGE, seconds=SECONDS_OF_A_PAGE)
    )
    none = (
        gettext("Nothing was searched for: correct what is marked.")
        if problems
        else gettext("No prediction was found.")
    )
    context = make_context(request, given, filters, problems)
    counted = None if problems else count(filters)
    context |= describe_page(page, cursor, counted, make_query(filters, request.GET))
    query = request.GET.urlencode()
    context["lines"] = [make_line(each, make_detail_address(each, query), context["columns"]) for each in page.rows]
    context["archived_address"] = find_archived_address(filters.id) if filters.id and not page.rows else ""
    context |= {"page": page, "none": none, **admin.site.each_context(request)}
    return TemplateResponse(request, "admin/predictor/prediction/list.html", context)


def make_canonical(given: QueryDict) -> QueryDict:
    """The same address without what is empty, and with a filter of an input that the form adds under its own name."""
    canonical = given.copy()
    added = [canonical.pop(f"add_{part}", [""])[-1] for part in ("test", "feature", "value")]
    if all(added):
        canonical[f"{added[0]}.{added[1]}"] = added[2]
    for name, values in list(canonical.lists()):
        kept = [value for value in values if value.strip()]
        # An empty column says that none of them is chosen.
        if name == "column" and not kept and "model" in canonical:
            kept = [""]
        canonical.setlist(name, kept) if kept else canonical.pop(name)
    return canonical


def make_context(
    request: HttpRequest, given: Mapping[str, str], filters: Filters, problems: Mapping[str, str]
) -> dict[str, Any]:
    """The form with the filters, and the columns of the model that is chosen."""
    model = given.get("model", "")
    models = limit(Version.objects.all(), request.user).list_models()
    live = Version.objects.find_live(model) if model in models else None
    chosen = request.GET.getlist("column") if "column" in request.GET else None
    offered = list_offered(live, chosen or ())
    columns = choose_columns(offered, chosen)
    controls = make_controls(given, problems, models, live, offered)
    shown = {each.name for each in [*controls.first, *controls.more, *controls.inputs]}
    user: Any = request.user
    return {
        "title": gettext("Predictions"),
        "opts": Prediction._meta,
        "controls": controls,
        "tests": list_tests(),
        "offered": offered,
        "columns": columns,
        "chosen": {each.name for each in columns},
        "problems": [f"{name}: {problem}" for name, problem in problems.items() if name not in shown],
        "is_filtered": bool(filters.to_query() or problems),
        "all_address": reverse("admin:predictor_prediction_changelist"),
        "exports": list_exports(filters) if filters.model else [],
        "queue_address": make_queue_address(model) if user.has_perm("predictor.add_outcome") else "",
        "archives_address": reverse("admin:predictor_prediction_archives") if settings.ARCHIVE_DIR else "",
        "words": describe_form(),
    }


def describe_form() -> dict[str, str]:
    return {
        "filter": gettext("Filter"),
        "all": gettext("Show all"),
        "show": gettext("Show"),
        "more": gettext("More filters"),
        "columns": gettext("Columns"),
        "input": gettext("Input"),
        "none": gettext("no input"),
        "test": gettext("Test"),
        "value": gettext("Value"),
        "queue": gettext("Next without an outcome"),
        "archives": gettext("Archives"),
        "archived": gettext("Look for it in the archive of its month"),
        "export": gettext("Export"),
        "newest": gettext("Newest"),
        "newer": gettext("Newer"),
        "made": gettext("made"),
        "version": gettext("model and version"),
        "answer": gettext("answer (90 % interval)"),
        "happened": gettext("what happened"),
        "verdict": gettext("verdict"),
        "warnings": gettext("warnings"),
        "source": gettext("source"),
        "inputs": gettext("inputs"),
        "hint": gettext("The id of a prediction, or a value that its answer or one of its inputs is."),
    }


def list_exports(filters: Filters) -> list[tuple[str, str]]:
    """The formats in which the predictions of one model are exported, with their addresses."""
    address = reverse("admin:predictor_prediction_export")
    query = filters.to_query()
    return [(name, f"{address}?{urlencode({**query, 'format': code})}") for code, (name, _) in FORMATS.items()]


def make_queue_address(model: str) -> str:
    return f"{reverse('admin:predictor_prediction_queue')}?{urlencode({'model': model} if model else {})}".rstrip("?")


def make_query(filters: Filters, given: QueryDict) -> list[tuple[str, str]]:
    """The parameters that all pages of one list have in common."""
    return [*filters.to_query().items(), *(("column", name) for name in given.getlist("column"))]


def describe_page(page: Page, cursor: Cursor, counted: Count | None, query: list[tuple[str, str]]) -> dict[str, Any]:
    """How many there are, as far as that is known; how far it was looked back; and the pages next to this one."""
    older = gettext("Older") if page.complete else gettext("Continue")
    looked: SafeString | str = ""
    if page.looked_back_to is not None:
        looked = format_html(
            gettext("Looked back to {moment}; there may be more."), moment=show_moment(page.looked_back_to)
        )
    return {
        "count": describe_count(counted) if counted else "",
        "looked_back": looked,
        "newest": make_page_address(NEWEST, query) if cursor != NEWEST else "",
        "newer": make_page_address(page.previous, query) if page.previous else "",
        "older": make_page_address(page.next, query) if page.next else "",
        "older_label": older,
    }


def describe_count(counted: Count) -> str:
    if counted.is_least:
        return gettext("at least {count} predictions").format(count=format_number(counted.number))
    sentence = ngettext("{count} prediction", "{count} predictions", counted.number)
    return sentence.format(count=format_number(counted.number))


def make_page_address(cursor: Cursor, query: list[tuple[str, str]]) -> str:
    return f"?{urlencode([*query, *cursor.to_query().items()])}"


def make_line(prediction: Any, address: str, columns: list[Feature]) -> Line:
    outcome = next(iter(prediction.current_outcomes), None)
    count = len(prediction.warnings)
    warned = ngettext("{count} warning", "{count} warnings", count).format(count=count)
    return Line(
        address=address,
        moment=show_moment(prediction.created_at),
        version=str(prediction.version),
        answer=prediction.written_output,
        interval=prediction.written_interval,
        happened=str(prediction.version.target.write(outcome.value)) if outcome else MISSING,
        judgement=judge_outcome(prediction, outcome.value) if outcome else None,
        warnings=fold(warned, prediction.written_warnings),
        source=str(prediction.get_source_display()),
        inputs=fold_inputs(prediction),
        own=[
            MISSING if prediction.is_forgotten else shorten(str(feature.write(prediction.inputs.get(feature.name))))
            for feature in columns
        ],
    )


def fold_inputs(prediction: Prediction) -> SafeString | str:
    shown = [f"{name} = {shorten(str(value))}" for name, value in prediction.write_inputs(MOST_INPUTS)]
    inputs = len(prediction.version.schema["features"])
    more = inputs - len(shown)
    rest = [gettext("and {count} more").format(count=format_number(more))] if more else []
    count = ngettext("{count} input", "{count} inputs", inputs).format(count=format_number(inputs))
    return fold(count, [", ".join([*shown, *rest])])
