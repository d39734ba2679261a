"""Describes what a table's columns contain, and how keys make them be read."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from predictor.formats import Quantity, format_number, format_share, write_count
from predictor.record.remark import Remark, make_remark
from predictor.texts import make_printable, quote
from predictor.training.columns import Column
from predictor.training.dates import describe_form
from predictor.training.feature_recipe import FeatureRecipe

SHOWN = 5


def join(parts: Iterable[Remark]) -> str:
    """A description in English, as `model.toml` has it."""
    return ", ".join(part.text for part in parts if part.text)


def describe_column(column: Column) -> tuple[Remark, ...]:
    """Describe a column's values in a few words, and count the missing ones."""
    rows = len(column.values) if column.texts is None else len(column.texts)
    if column.texts is not None:
        texts = [text for text in column.texts if text is not None]
        return (_describe_texts(texts), *_count_gaps(rows - len(texts), rows))
    present = column.values[~np.isnan(column.values)]
    gaps = _count_gaps(rows - len(present), rows)
    if column.kind == "category":
        return (describe_labels(column.choices, "categories", "category"), *gaps)
    if column.kind == "boolean":
        share = present.mean().item()
        return (make_remark("yes_or_no", f"yes or no, {format_share(share, decimals=0)} yes", share=share), *gaps)
    low, high = present.min().item(), present.max().item()
    if column.form is None:
        return (describe_numbers(low, high, are_whole=column.kind == "integer"), *gaps)
    text = f"{describe_form(column.form)} from {column.form.write_range(low, high)}"
    first, last = (str(column.form.reader.decode(end)) for end in (low, high))
    return (make_remark(f"{column.form.kind}s", text, low=first, high=last), *gaps)


def describe_numbers(low: float, high: float, *, are_whole: bool = False) -> Remark:
    kind = "whole numbers" if are_whole else "numbers"
    return make_remark(
        "whole_numbers" if are_whole else "numbers",
        f"{kind} from {Quantity().write_range(low, high)}",
        low=low,
        high=high,
    )


def describe_labels(labels: Sequence[object], many: str, one: str) -> Remark:
    """How many categories or classes there are, and some of them."""
    some, has_more = [str(label) for label in labels[:SHOWN]], len(labels) > SHOWN
    text = f"{write_count(len(labels), one, many)}: {', '.join(map(quote, some))}{', …' if has_more else ''}"
    return make_remark(f"more_{many}" if has_more else many, text, count=len(labels), some=some)


def _describe_texts(texts: list[str]) -> Remark:
    longest, different = max(map(len, texts), default=0), len(set(texts))
    text = f"{write_count(different, 'different text')} of up to {format_number(longest)} characters"
    return make_remark("texts", text, count=different, longest=longest)


def _count_gaps(gaps: int, rows: int) -> Iterator[Remark]:
    if gaps:
        text = f"empty in {format_number(gaps)} of {write_count(rows, 'row')}"
        yield make_remark("empty", text, gaps=gaps, rows=rows)


def describe_keys(given: FeatureRecipe) -> Iterator[Remark]:
    """How each of these keys makes a column be read."""
    if given.kind == "category":
        yield make_remark("codes_stay_texts", "codes with leading zeros stay texts")
    elif given.kind == "text":
        text = "most values differ and have several words, so the model is trained on these"
        yield make_remark("trained_on_words", text)
    elif given.unit:
        unit = make_printable(given.unit)
        yield make_remark("read_with_unit", f"read as numbers with the unit {unit}", unit=unit)
    elif given.kind:
        yield make_remark("read_without_separators", "read as numbers without their separators of thousands")
    if given.missing:
        words = [str(word) for word in given.missing]
        yield make_remark("means_missing", f"{', '.join(map(quote, words))} means missing", words=words)
