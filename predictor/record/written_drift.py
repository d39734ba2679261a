"""Writes drift for people: in sentences and in a table."""

from predictor.formats import MISSING, format_number, format_share
from predictor.languages import gettext
from predictor.languages import gettext_noop as _
from predictor.record.drift import Drift, DriftUnknown, Shift
from predictor.record.reference import Part
from predictor.record.written_quality import WrittenTable
from predictor.schema.schema import Schema

# By what a column is made of, where that is not the input itself.
COLUMNS: dict[Part, str] = {
    "length": _("{label}: length"),
    "known words": _("{label}: known words"),
    "output": _("{label}: predicted"),
}
SHOWN_NAMES = 5
SMALLEST_P_VALUE = 0.001


def write_drift(found: Drift | DriftUnknown, schema: Schema) -> list[str]:
    """In sentences, what has changed since training, the most important first; or why that cannot be said."""
    if isinstance(found, DriftUnknown):
        return [gettext("Drift cannot be measured. {reason}").format(reason=found)]
    names = [name_column(each, schema) for each in found.shifted[:SHOWN_NAMES]]
    if found.changed > len(names):
        names.append(gettext("and {count} more").format(count=format_number(found.changed - len(names))))
    if names:
        sentences = [gettext("Not distributed as in training: {names}.").format(names="; ".join(names))]
    elif found.has_drifted:
        sentences = [gettext("No input has changed alone since training, but how inputs go together has.")]
    else:
        sentences = [gettext("Inputs and outputs are distributed as in training, as far as the window shows.")]
    if found.joint:
        sentence = gettext(
            "By all inputs together, five predictions are told from five training rows with an AUC of {auc}: 0.5 is"
            " chance, 1 is always."
        )
        # Chance also gives less than 0.5.
        sentences.append(sentence.format(auc=format_number(max(found.joint.auc, 0.5), decimals=2)))
    return sentences


def name_column(shift: Shift, schema: Schema) -> str:
    """What is compared, by the label of the input or the target."""
    labels = {feature.name: feature.label for feature in schema.features}
    label = schema.target.label if shift.part == "output" else labels.get(shift.name, shift.name)
    return gettext(COLUMNS[shift.part]).format(label=label) if shift.part in COLUMNS else label


def list_shifts(found: Drift, schema: Schema) -> WrittenTable:
    """All columns, those that have changed most first."""
    return WrittenTable(
        name="drift",
        title=gettext("Inputs and outputs, compared with training"),
        caption=gettext(
            "{rows} predictions and {training} training rows. PSI is the population stability index: 0.1 and more is a"
            " shift, unless chance gives as much. All p-values are corrected together (Holm's correction)."
        ).format(rows=format_number(found.rows), training=format_number(found.reference_rows)),
        head=(
            gettext("Column"),
            "PSI",
            gettext("By chance, up to"),
            gettext("p-value"),
            gettext("Missing in training"),
            gettext("Missing now"),
            gettext("Never seen"),
            gettext("Changed"),
        ),
        rows=tuple(_write_shift(each, schema) for each in found.shifts),
    )


def _write_shift(shift: Shift, schema: Schema) -> tuple[str, ...]:
    changes = [(shift.has_shifted, gettext("values")), (shift.has_gaps, gettext("missing values"))]
    return (
        name_column(shift, schema),
        MISSING if shift.psi is None else format_number(shift.psi, decimals=3),
        MISSING if shift.chance is None else format_number(shift.chance, decimals=3),
        MISSING if shift.corrected is None else _write_p_value(shift.corrected),
        format_share(shift.reference_missing),
        format_share(shift.missing),
        format_number(shift.unseen),
        ", ".join(name for has_changed, name in changes if has_changed) or MISSING,
    )


def _write_p_value(p_value: float) -> str:
    if p_value < SMALLEST_P_VALUE:
        return f"< {format_number(SMALLEST_P_VALUE)}"
    return format_number(p_value, decimals=3)
