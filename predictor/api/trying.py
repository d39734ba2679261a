"""The operation that answers inputs as a trial: nothing of it is stored, and it has no id."""

from typing import Any

import msgspec
from django.conf import settings

from predictor.access.callers import Scope
from predictor.access.visitors import count_trial
from predictor.api.admission import name_caller
from predictor.api.bodies import Refused, parse_rows, read_inputs
from predictor.api.large import take_turn
from predictor.api.operations import ApiRequest, operation
from predictor.api.stored import Output
from predictor.serving.service import service
from predictor.serving.trials import Trial, try_rows

MOST_ROWS = 200


class TrialAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the model would predict; `label` and `text` are what pages would show."""

    output: Output
    interval: tuple[float, float] | None
    probabilities: dict[str, float] | None
    label: str | None
    text: str
    warnings: list[str]


class Trials(msgspec.Struct, frozen=True, kw_only=True):
    """Answers that were not stored, one for each row."""

    model: str
    version: int
    unit: str
    trial: bool = True
    answers: list[TrialAnswer]


@operation(
    "POST", scope=Scope.PREDICT, response=Trials, setting="TRIALS_API", statuses=(400, 404, 410, 411, 413, 415, 422)
)
def try_inputs(request: ApiRequest, slug: str) -> Trials:
    """Answer one row or up to 200 of them as a trial: nothing is stored, and no answer has an id."""
    if not settings.TRIALS_API:
        raise Refused(404, "trials_off", "This site takes no trials by API: TRIALS_API is off.")
    with take_turn(request):
        inputs = read_inputs(request)
        if len(inputs.rows) > MOST_ROWS:
            problem = f"A trial may have at most {MOST_ROWS} rows, not {len(inputs.rows):,}."
            raise Refused(413, "too_many_rows", problem)
        if inputs.references is not None:
            raise Refused(400, "malformed", "A trial is not stored, and has no reference.")
        runtime = service.get_runtime(slug)
        rows = parse_rows(runtime.schema, inputs)
    count_trial(name_caller(request))
    version = runtime.version
    described = [describe_trial(each) for each in try_rows(runtime, rows)]
    return Trials(model=slug, version=version.number, unit=version.target.unit, answers=described)


def describe_trial(trial: Trial) -> TrialAnswer:
    made: dict[str, Any] = {name: getattr(trial, name) for name in ("output", "interval", "probabilities", "warnings")}
    return TrialAnswer(**made, label=trial.version.target.find_label(trial.output), text=str(trial.written_output))
