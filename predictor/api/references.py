"""The references that a request gives its rows: the client's own ids, each of which names one prediction of a model.

A body has a `reference` next to a single row's `inputs`, or `references` next to a list of them: one a row, or null.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from predictor.api.bodies import MOST_NAMED, Inputs, Refused
from predictor.formats import write_count
from predictor.models.reference import MOST_CHARACTERS
from predictor.problems import Problem
from predictor.texts import name_type


def read_references(inputs: Inputs) -> Sequence[str | None]:
    """The reference of each row, or none where no row has one; raise Refused that names those that are none."""
    sent, rows = inputs.references, len(inputs.rows)
    if sent is None:
        return ()
    if inputs.is_list and (not isinstance(sent, list) or len(sent) != rows):
        raise Refused(
            400,
            "malformed",
            f"references must be a list with a text or null for each of the {write_count(rows, 'row')}.",
        )
    references: list[Any] = sent if inputs.is_list else [sent]
    wrong = (each for each in enumerate(references) if not (each[1] is None or is_reference(each[1])))
    problems = {
        name_reference(position, inputs): Problem(code="not_a_reference", given=describe(given))
        for position, given in islice(wrong, MOST_NAMED)
    }
    if problems:
        raise Refused(422, "invalid_input", "Some references are invalid; nothing was predicted or stored.", problems)
    return references if any(references) else ()


def is_reference(value: Any) -> bool:
    """Whether a row can have this reference: a text with more than spaces, of at most 200 characters, without NUL."""
    return isinstance(value, str) and len(value) <= MOST_CHARACTERS and "\0" not in value and bool(value.strip())


def refuse_taken(taken: Mapping[int, str], inputs: Inputs) -> Refused:
    """The refusal of references that name predictions of other inputs; it does not say which those are."""
    problems = {
        name_reference(position, inputs): Problem(code="reference_taken", given=reference)
        for position, reference in islice(taken.items(), MOST_NAMED)
    }
    message = "Some references name predictions of other inputs; nothing was predicted or stored."
    return Refused(409, "reference_taken", message, problems)


def name_reference(position: int, inputs: Inputs) -> str:
    """The name of a row's reference in errors."""
    return f"references.{position}" if inputs.is_list else "reference"


def describe(value: Any) -> Any:
    """What an error repeats of a value: lists and objects may nest too deeply to be written."""
    return name_type(value) if isinstance(value, dict | list) else value
