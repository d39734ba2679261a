"""What is wrong with an input, as a value; and the one place where such a value becomes a sentence."""

from typing import Literal

import msgspec

from predictor.formats import format_plain
from predictor.languages import gettext, gettext_noop
from predictor.texts import quote

Code = Literal[
    "missing",
    "too_long",
    "not_one_value",
    "not_a_number",
    "number_too_long",
    "number_too_large",
    "ambiguous_number",
    "not_whole",
    "below_minimum",
    "above_maximum",
    "not_a_choice",
    "not_a_boolean",
    "not_a_date",
    "not_a_datetime",
    "not_a_time",
    "too_early",
    "too_late",
    "unexpected_zone",
    "skipped_time",
    "not_storable",
    "not_a_class",
    "unknown_field",
    "more_unknown_fields",
    "repeated_field",
    "not_a_row",
    "not_a_reference",
    "reference_taken",
]
SENTENCES: dict[Code, str] = {
    "missing": gettext_noop("A value is needed: give {expected}."),
    "too_long": gettext_noop("{given} is too long: give {expected}."),
    "not_one_value": gettext_noop("One value is needed, not {plain}: give {expected}."),
    "not_a_number": gettext_noop("{given} is not a number: give {expected}."),
    "number_too_long": gettext_noop("{given} is too long for a number: give {expected}."),
    "number_too_large": gettext_noop("{given} is too large for a number here: give {expected}."),
    "ambiguous_number": gettext_noop("{given} can be read in two ways: write {expected}."),
    "not_whole": gettext_noop("{given} is not a whole number below 2⁵³: give {expected}."),
    "below_minimum": gettext_noop("{given} is too small: the least allowed is {limit}."),
    "above_maximum": gettext_noop("{given} is too large: the most allowed is {limit}."),
    "not_a_choice": gettext_noop("{given} is not a choice: give {expected}."),
    "not_a_boolean": gettext_noop("{given} is neither yes nor no: give {expected}."),
    "not_a_date": gettext_noop("{given} is not a date: give {expected}."),
    "not_a_datetime": gettext_noop("{given} is not a date with a time: give {expected}."),
    "not_a_time": gettext_noop("{given} is not a time: give {expected}."),
    "too_early": gettext_noop("{given} is too early: the earliest allowed is {limit}."),
    "too_late": gettext_noop("{given} is too late: the latest allowed is {limit}."),
    "unexpected_zone": gettext_noop("{given} has a zone, and this field has none: give {expected}."),
    "skipped_time": gettext_noop("{given} does not exist in {limit}, where clocks go forward then: give another time."),
    "not_storable": gettext_noop("{given} contains a character that cannot be stored: give {expected}."),
    "not_a_class": gettext_noop("{given} is not a class of this model: give {expected}."),
    "unknown_field": gettext_noop("There is no field {given} in this model; it has {expected}."),
    "more_unknown_fields": gettext_noop("Nor is there this one, or {limit} more."),
    "repeated_field": gettext_noop("This field was sent more than once: send it once."),
    "not_a_row": gettext_noop("A row must be an object of fields, not {plain}."),
    # Only the API has these, whose sentences stay English.
    "not_a_reference": "{given} is not a reference: give 1 to 200 characters, without NUL and not all blank.",
    "reference_taken": "{given} is the reference of a prediction of other inputs: give another, or the same inputs.",
}


class ParameterProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a parameter of an address is refused: a code for programs, and what would be right in a sentence."""

    code: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why an input is refused: a code for programs, what was given, what is expected, and the limit that it breaks."""

    code: Code
    # As it was sent, whatever it is. The sentence repeats it cut short.
    given: object = None
    # In words that fit after “give”, in the language in which it was found.
    expected: str = ""
    limit: float | str | None = None

    def __str__(self) -> str:
        return write_sentence(self)


def write_sentence(problem: Problem) -> str:
    """Say what is wrong and what would be right, for people, in the current language."""
    sentence = gettext(SENTENCES[problem.code])
    # Most values are quoted; these are words of our own.
    given = quote(problem.given) if "{given}" in sentence else ""
    plain = problem.given if "{plain}" in sentence else ""
    return _fill(sentence, problem, given=given, plain=plain)


def write_kind(problem: Problem) -> str:
    """Say what is wrong with all values that are refused for the same reason, as `write_sentence`; it repeats none."""
    return _fill(gettext(SENTENCES[problem.code]), problem, given=gettext("The value"), plain="a list")


def _fill(sentence: str, problem: Problem, **values: object) -> str:
    limit = "" if problem.limit is None else format_plain(problem.limit)
    return sentence.format(expected=problem.expected, limit=limit, **values)
