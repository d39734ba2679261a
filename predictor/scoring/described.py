"""Makes what is stored of a table's answered rows."""

from typing import Any

from django.utils import timezone

from predictor.answering.columns import ScoredColumns
from predictor.models import Prediction, make_prediction_id_text
from predictor.schema.columnar import ParsedColumns
from predictor.serving.answer import Answer, describe_answer
from predictor.serving.history import Stored
from predictor.serving.runtime import Runtime


def describe_columns(
    runtime: Runtime, parsed: ParsedColumns, scored: ScoredColumns, duration_ms: float
) -> list[Stored]:
    """The answered rows as they are stored; each also gets its id in `scored`."""
    rows = [row for row in range(len(scored)) if row not in scored.kinds]
    names, classes = list(parsed.values), list(scored.probabilities)
    inputs = list(zip(*parsed.values.values(), strict=True))
    shares = list(zip(*scored.probabilities.values(), strict=True))
    created_at, is_plain = timezone.now(), not runtime.schema.sensitive
    stored: list[Stored] = []
    for row in rows:
        described: dict[str, Any] = {
            "inputs": dict(zip(names, inputs[row], strict=True)),
            "hashed_inputs": None,
            "output": scored.outputs[row],
            "probabilities": dict(zip(classes, shares[row], strict=True)) if classes else None,
            "interval": scored.intervals[row],
            "warnings": [],
            "warning_codes": None,
        }
        if row in parsed.warnings or not is_plain:
            # Few rows have something to be hidden or written.
            answer = Answer(**{name: described[name] for name in ("output", "interval", "probabilities")})
            described = describe_answer(runtime.schema, parsed.get_row(row), answer)
        described |= {"id": make_prediction_id_text(), "version_id": runtime.version.id, "created_at": created_at}
        scored.ids[row] = described["id"]
        stored.append(described | {"source": Prediction.Source.CSV.value, "duration_ms": duration_ms})
    return stored
