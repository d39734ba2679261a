"""What a form can be filled in with: the recipe's examples and the typical cases of its version."""

from collections.abc import Iterator, Mapping

from predictor.formats import find_decimals
from predictor.languages import gettext, gettext_noop
from predictor.record.layout import Example, Layout
from predictor.schema.kinds import Feature, Number
from predictor.schema.schema import Schema
from predictor.schema.target import Target
from predictor.schema.values import Value

TITLES = {
    "all": gettext_noop("A typical case"),
    "low": gettext_noop("Low {target}"),
    "high": gettext_noop("High {target}"),
    "class": gettext_noop("A typical {of_class}"),
}
DIGITS = 2


def list_examples(layout: Layout, schema: Schema) -> Iterator[tuple[str, Mapping[str, Value]]]:
    """Titles with inputs. A version of a build that stored no examples has a typical case all the same."""
    examples = layout.examples or (Example(about="all", inputs=dict(list_typical(schema))),)
    for example in examples:
        known = {name: value for name, value in example.inputs.items() if name in schema.names}
        if known:
            yield example.title or name_case(example, schema.target), known


def list_typical(schema: Schema) -> Iterator[tuple[str, Value]]:
    """The typical value of each feature that has one; numbers are rounded, since a median is one of the rows' own."""
    for feature in schema.features:
        if feature.typical is not None:
            yield feature.name, round_typical(feature)


def round_typical(feature: Feature) -> Value:
    if not isinstance(feature, Number) or feature.typical is None or not feature.seen:
        return feature.typical
    decimals = find_decimals(feature.seen[-1] - feature.seen[0], DIGITS)
    try:
        rounded = feature.typical if decimals is None else round(feature.typical, decimals)
    except OverflowError:  # Near the largest float.
        return feature.typical
    return rounded + 0.0 if feature.seen[0] <= rounded <= feature.seen[-1] else feature.typical


def name_case(example: Example, target: Target) -> str:
    of_class = "" if example.of_class is None else target.name_class(example.of_class)
    return gettext(TITLES[example.about or "all"]).format(target=target.label, of_class=of_class)
