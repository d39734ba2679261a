"""Lists of predictions in other formats than JSON: all that the filters choose, as one stream."""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse

from predictor.api.bodies import Refused
from predictor.api.operations import ApiRequest, Parameter
from predictor.exceptions import ExportError, ExportsBusy, InvalidFilters
from predictor.history.exporting import FORMATS, stream_export, write_headers
from predictor.history.filters import Filters
from predictor.problems import ParameterProblem
from predictor.texts import quote

# The content types without their parameters, by format; the first is for whoever takes anything.
# A workbook has room for about a million rows, which is for people.
TYPES = {"json": "application/json"} | {
    name: type.partition(";")[0] for name, (_label, type) in FORMATS.items() if name != "xlsx"
}
STREAMS = tuple(type for name, type in TYPES.items() if name != "json")
FORMAT = Parameter(
    name="format",
    description="Wins over the header Accept. All but json are streams of all rows, without pages.",
    schema={"enum": list(TYPES)},
)


def choose_format(request: HttpRequest, given: Mapping[str, str]) -> str:
    """The format that the parameter `format`, else the header Accept, asks for. Raises InvalidFilters."""
    format = given.get("format", "")
    if not format:
        preferred = request.get_preferred_type(list(TYPES.values()))
        format = next((name for name, type in TYPES.items() if type == preferred), "json")
    if format not in TYPES:
        sentence = f"{quote(format)} is not a format: give one of {', '.join(TYPES)}."
        raise InvalidFilters({"format": ParameterProblem(code="not_a_format", sentence=sentence)})
    paging = [name for name in ("limit", "cursor") if given.get(name)] if format != "json" else []
    if paging:
        sentence = f"The format {format} has all rows at once, and no pages."
        raise InvalidFilters({name: ParameterProblem(code="no_pages", sentence=sentence) for name in paging})
    return format


def stream(request: ApiRequest, filters: Filters, format: str) -> HttpResponseBase:
    """All predictions that the filters choose, as a download. Raises Refused where another one is being written."""
    if request.method == "HEAD":
        return StreamingHttpResponse((), content_type=FORMATS[format][1], headers=write_headers(filters.model, format))
    try:
        return stream_export(filters.model, filters, format, by=request.caller)
    except ExportsBusy as error:
        raise Refused(503, "export_busy", str(error)) from error
    except ExportError as error:
        raise Refused(500, "export_failed", "The export failed: the site's log says why.") from error
