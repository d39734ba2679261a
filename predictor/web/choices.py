"""The choices of a category as a form offers them: as a select or, where there are many, to be searched."""

import re
from functools import lru_cache
from typing import TypeGuard

from predictor.languages import gettext as _
from predictor.schema.kinds import OTHER, Category, Feature
from predictor.texts import make_printable

# The whitespace that browsers strip or collapse in the text of an option.
FOLDED = re.compile(r"^[ \t\n\f\r]|[\t\n\f\r]|  |[ \t\n\f\r]$")
# What is more than that is searched by typing.
MOST_LISTED = 12


def list_choices(feature: Category) -> list[tuple[str, str]]:
    """The options of a select; where the empty text is a choice, it does not also stand for a missing value."""
    shown = [(choice, show_choice(feature.words.write(choice))) for choice in feature.choices]
    if feature.unseen and OTHER not in feature.choices:
        shown.append((OTHER, _("other")))
    if feature.required:
        return [("", _("choose…")), *shown]
    return shown if "" in feature.choices else [("", _("unknown")), *shown]


def show_choice(choice: str) -> str:
    """The choice itself, or in quotes where a browser would change its whitespace."""
    return f"“{make_printable(choice)}”" if FOLDED.search(choice) or not choice else choice


def is_searched(feature: Feature) -> TypeGuard[Category]:
    """Whether a category is a text input with suggestions; not where a browser would change what was typed."""
    return isinstance(feature, Category) and len(feature.choices) > MOST_LISTED and not _has_odd_choice(feature.choices)


@lru_cache(maxsize=1000)
def _has_odd_choice(choices: tuple[str, ...]) -> bool:
    return any(FOLDED.search(choice) or not choice for choice in choices)


def list_suggestions(feature: Category) -> list[str]:
    """What is typed for each choice: its words, where it has any."""
    return [feature.words.write(choice) for choice in feature.choices]


def find_choice(feature: Category, typed: str) -> str:
    """The choice that is meant by a text in another case; the text itself where that is none, or more than one."""
    if typed in feature.choices:
        return typed
    folded = typed.strip().casefold()
    found = {
        choice for choice in feature.choices if folded in (choice.casefold(), feature.words.write(choice).casefold())
    }
    return found.pop() if len(found) == 1 else typed
