"""What is wrong with the rows of a file, in sentences of the page's language."""

from typing import Any

from predictor.exceptions import InvalidValue, NoAnswer
from predictor.languages import gettext as _
from predictor.models import Job, Version
from predictor.record.file_preview import RowProblem
from predictor.schema.schema import Schema


def describe_problem(schema: Schema, found: RowProblem) -> dict[str, Any]:
    """A row's problem in the words of the page's language, where the same value is refused in it too."""
    feature, problem = schema.by_name.get(found.field), found.problem
    label = feature.label if feature else found.field
    sentence = _describe_length() if problem is None else str(problem)
    if feature is not None and problem is not None:
        try:
            feature.parse(problem.given)
        except InvalidValue as error:
            sentence = str(error)
    return {"row": found.row, "label": label, "sentence": sentence}


def list_errors(job: Job) -> list[tuple[str, str, int]]:
    """The kinds of errors in a result, each with its column, a sentence and a count, the most frequent first."""
    result: dict[str, Any] = job.result or {}
    version = Version.objects.filter(model=job.model, number=result.get("version") or 0).first()
    schema = version.parsed_schema if version else None
    ordered = sorted(result.get("errors", {}).items(), key=lambda each: -each[1])
    parts = [(*name.partition("/")[::2], count) for name, count in ordered]
    return [(column, _describe_kind(code, column, schema), count) for code, column, count in parts]


def _describe_kind(code: str, column: str, schema: Schema | None) -> str:
    """What is wrong with all rows of a kind; the code itself where this build does not know it."""
    if code == "no_answer":
        return str(NoAnswer())
    if code == "wrong_length":
        return _describe_length()
    return (schema.write_kind(column, code) if schema else "") or code


def _describe_length() -> str:
    return _("The row has more values than the file has columns, or fewer.")
