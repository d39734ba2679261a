"""How a version's form is arranged, and with what it can be filled in, as stored with it.

Builds before it stored none. It is not signed, as titles are not: no prediction depends on it.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from predictor.schema.values import Label, Value


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """Inputs with which visitors can fill the form, as the schema stores them; it is not a row of the data."""

    # What the recipe calls it; without that, `about` says what it is made of.
    title: str = ""
    # All rows, those with a low or a high target, or those of the class in `of_class`.
    about: Literal["", "all", "low", "high", "class"] = ""
    of_class: Label | None = None
    # By the feature's name; without those that have no typical value, such as texts.
    inputs: dict[str, Value]


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """How a form is arranged, and where it may appear."""

    # By the feature's name, the title of its group.
    groups: dict[str, str] = {}
    # The names of the features that come first; the others follow by their importance.
    order: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    # The sites that may embed it; None leaves that to EMBED_ORIGINS.
    embed_origins: tuple[str, ...] | None = None

    def translate(self, groups: Mapping[str, str], examples: Mapping[str, str]) -> "Layout":
        """The same with titles in another language, by the recipe's own; what is left out keeps those."""
        return msgspec.structs.replace(
            self,
            groups={name: groups.get(title, title) for name, title in self.groups.items()},
            examples=tuple(
                msgspec.structs.replace(each, title=examples.get(each.title, each.title)) for each in self.examples
            ),
        )

    @property
    def given(self) -> tuple[Any, ...]:
        """What of it the recipe gives; the rest is made of the data."""
        return self.groups, self.order, [example for example in self.examples if example.title]


def read_layout(stored: Mapping[str, Any] | None) -> Layout:
    """Read a stored layout; without groups, order and examples where an earlier build stored none."""
    return msgspec.convert(stored or {}, Layout)
