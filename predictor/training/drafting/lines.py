"""The lines that a first recipe has for a column."""

import json
from collections.abc import Iterator

import msgspec

from predictor.schema.target import Target
from predictor.training.drafting.described import describe_keys, join
from predictor.training.feature_recipe import FeatureRecipe
from predictor.training.kinds import MOST_CLASSES
from predictor.training.writing import write_key, write_string

CODES = "Few whole numbers: if they are codes, give their words, which make it a category"
CLASSES = "Words for its classes"


def write_keys(given: FeatureRecipe | None) -> Iterator[str]:
    """The keys without which a column would be read otherwise."""
    if given and given.kind:
        yield f"# {begin_sentence(join(describe_keys(msgspec.structs.replace(given, missing=None))))}."
        yield f"kind = {write_string(given.kind)}"
    if given and given.missing:
        yield f"missing = {json.dumps(given.missing, ensure_ascii=False)}"


def write_quiet_labels(labels: dict[str, str]) -> Iterator[str]:
    lines = [f"{write_key(name)}.label = {write_string(label)}" for name, label in labels.items() if label != name]
    if lines:
        yield from ("# Those with a label below are configured as <column>.<key> there.", "[features]", *lines)


def write_label(name: str, labels: dict[str, str]) -> str:
    """The label where it is not the name itself; otherwise a comment to fill in."""
    return f"{'' if labels[name] != name else '# '}label = {write_string(labels[name])}"


def write_unit(given: FeatureRecipe | None) -> Iterator[str]:
    yield f"unit = {write_string(given.unit)}" if given and given.unit else '# unit = ""'


def list_coded(target: Target) -> tuple[int, ...]:
    codes = tuple(label for label in target.classes if type(label) is int)
    return codes if len(codes) <= MOST_CLASSES else ()


def note_codes(codes: tuple[int, ...], note: str) -> Iterator[str]:
    if codes:
        words = ", ".join(f'{code} = "…"' for code in codes)
        yield f"# {note}:"
        yield f"# labels = {{ {words} }}"


def write_merge(merge: dict[str, list[str]]) -> Iterator[str]:
    if merge:
        pairs = (f"{write_key(into)} = {json.dumps(texts, ensure_ascii=False)}" for into, texts in merge.items())
        yield f"# merge = {{ {', '.join(pairs)} }}".replace("\x7f", "\\u007f")


def begin_sentence(text: str) -> str:
    # Not `capitalize`, which would make “kWh” another unit.
    return text[0].upper() + text[1:]


def end_sentence(text: str) -> str:
    return text if text.endswith(("?", ".", "…")) else f"{text}."
