"""Measures how far the inputs and outputs of predictions are from the training data of a version."""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from predictor.monitoring.classifier import tell_apart
from predictor.monitoring.two_samples import (
    compare_categories,
    compare_numbers,
    compare_shares,
    correct_holm,
    find_chance,
    find_psi,
    group_bins,
)
from predictor.monitoring.window import Window
from predictor.record.drift import Bins, Drift, DriftUnknown, Joint, Shift
from predictor.record.reference import BLOCK_ROWS, Numbers, Reference, Sample, cut_blocks, number_bins
from predictor.schema.kinds import Category
from predictor.schema.schema import Schema
from predictor.schema.table import Table, Texts
from predictor.schema.text import Text, measure_texts, share_known_words
from predictor.schema.values import Label, Vector, write_value

# With 200 rows and ten bins, chance takes the index to 0.085 in 5 % of windows, below the 0.1 that counts as a shift.
FEWEST_PREDICTIONS = 200
# Of fewer, ten bins would have fewer than ten rows each.
FEWEST_TRAINING_ROWS = 100
# Outputs are compared with those for held-out rows, which are fewer.
FEWEST_OUTPUTS = 30
# Chosen by chance: to look up words takes long.
MOST_TEXTS = 2_000
MOST_BARS = 10
# Of a thousand inputs and more, the result would have megabytes.
MOST_SHIFTS = 200


def drift(reference: Reference | None, window: Window, *, version: int, seed: int = 0) -> Drift | DriftUnknown:
    """Compare a window with the reference of a version, the number of which says whose outputs are compared.

    All p-values together, that of the joint test too, are corrected for being many. The same arguments give the same.
    """
    if reference is None:
        return DriftUnknown(reason="no reference")
    if reference.rows < FEWEST_TRAINING_ROWS:
        return DriftUnknown(reason="few training rows", rows=reference.rows, needed=FEWEST_TRAINING_ROWS)
    rows = np.flatnonzero(window.fits)
    if len(rows) < FEWEST_PREDICTIONS:
        return DriftUnknown(reason="few predictions", rows=len(rows), needed=FEWEST_PREDICTIONS)
    random = np.random.default_rng(seed)
    shifts = [*_compare_inputs(reference, window, rows), *_compare_others(reference, window, rows, version, random)]
    return _correct(
        Drift(
            reference_rows=reference.rows,
            rows=len(rows),
            left_out=len(window) - len(rows),
            joint=_compare_jointly(reference, window, rows, random),
            compared=len(shifts),
            changed=0,
            shifts=tuple(shifts),
        )
    )


def _compare_inputs(reference: Reference, window: Window, rows: NDArray[np.int64]) -> Iterator[Shift]:
    for position, sample in _place_columns(reference, window):
        labels = _list_labels(window.schema, position)
        yield _compare_column(sample, _take_values(window, position, rows), labels)


def _place_columns(reference: Reference, window: Window) -> Iterator[tuple[int, Sample]]:
    """The columns of a reference with their positions in the window's schema, which has sensitive inputs too."""
    names = window.schema.names
    return ((names.index(sample.name), sample) for sample in reference.columns)


def _take_values(window: Window, position: int, rows: NDArray[np.int64]) -> Vector:
    texts = _read_texts(window)
    return measure_texts(texts[position][rows], len) if position in texts else window.matrix[rows, position]


def _read_texts(window: Window) -> Texts:
    return window.features.texts if isinstance(window.features, Table) else {}


def _list_labels(schema: Schema, position: int) -> Sequence[Label]:
    """The categories of a column by their codes; the last one stands for all others."""
    feature = schema.features[position]
    return (*feature.choices, "") if isinstance(feature, Category) else (False, True)


def _compare_others(
    reference: Reference, window: Window, rows: NDArray[np.int64], version: int, random: np.random.Generator
) -> Iterator[Shift]:
    """Known words of texts, and the outputs of the version alone; left out where they are too few."""
    places = {name: position for position, name in window.schema.text_columns.items()}
    for sample in reference.others:
        if sample.part == "output":
            values = window.outputs[window.versions == version]
        else:
            position = places[sample.name]
            feature = window.schema.features[position]
            assert isinstance(feature, Text)  # noqa: S101  # Only texts have known words.
            values = share_known_words(feature, _read_texts(window)[position][random.permutation(rows)[:MOST_TEXTS]])
        if len(values) >= FEWEST_PREDICTIONS and sum(sample.counts) + sample.missing >= FEWEST_OUTPUTS:
            yield _compare_column(sample, values, window.schema.target.classes)


def _compare_column(sample: Sample, values: Vector, labels: Sequence[Label]) -> Shift:
    known = values[np.isfinite(values)]
    theirs, missing = np.array(sample.counts), len(values) - len(known)
    ours = np.bincount(sample.place(known), minlength=len(theirs))
    # A class that only a later version has.
    theirs = np.pad(theirs, (0, len(ours) - len(theirs)))
    m, n = int(theirs.sum()), len(known)
    shift = Shift(
        name=sample.name,
        part=sample.part,
        reference_rows=m,
        rows=n,
        reference_missing=sample.missing / (m + sample.missing),
        missing=missing / len(values),
        missing_p_value=compare_shares(sample.missing, m + sample.missing, missing, len(values)),
        missing_corrected=1.0,
        unseen=int(ours[theirs == 0].sum()),
    )
    if not (m and n):
        return shift
    is_numbers = isinstance(sample, Numbers)
    groups = group_bins(theirs, sample.single) if isinstance(sample, Numbers) else np.arange(len(theirs))
    grouped = [np.bincount(groups, weights=each).astype(np.int64) for each in (theirs, ours)]
    test = compare_numbers(theirs, ours) if is_numbers else compare_categories(theirs, ours)
    return replace(
        shift,
        psi=find_psi(*grouped),
        chance=find_chance(int(np.count_nonzero(grouped[0])), m, n),
        test=test.name if test else None,
        statistic=test.statistic if test else None,
        p_value=test.p_value if test else None,
        bins=_draw_numbers(sample, groups, grouped)
        if isinstance(sample, Numbers)
        else _draw_categories(labels, grouped),
    )


def _draw_numbers(sample: Numbers, groups: NDArray[np.int64], grouped: Sequence[NDArray[np.int64]]) -> Bins:
    theirs, ours = (tuple((counts / counts.sum()).tolist()) for counts in grouped)
    ends = sample.read_edges()[np.flatnonzero(np.diff(groups))]
    return Bins(reference=theirs, window=ours, ends=tuple(ends.tolist()))


def _draw_categories(labels: Sequence[Label], grouped: Sequence[NDArray[np.int64]]) -> Bins:
    """The most frequent categories of both, and then all others together."""
    theirs, ours = (counts / counts.sum() for counts in grouped)
    order = np.argsort(-(theirs + ours), kind="stable")
    shown, rest = np.sort(order[:MOST_BARS]), order[MOST_BARS:]
    names = [write_value(labels[code]) if code < len(labels) else "" for code in shown]
    bars = [(*each[shown].tolist(), *([float(each[rest].sum())] if len(rest) else [])) for each in (theirs, ours)]
    return Bins(reference=bars[0], window=bars[1], labels=(*names, *([""] if len(rest) else [])))


def _compare_jointly(
    reference: Reference, window: Window, rows: NDArray[np.int64], random: np.random.Generator
) -> Joint | None:
    """As many predictions as training rows are kept, chosen by chance, or all where they are fewer."""
    kept = reference.read_blocks()
    if not len(kept):
        return None
    chosen = random.permutation(rows)[: len(kept) * BLOCK_ROWS]
    numbers = [number_bins(each, _take_values(window, i, chosen)) for i, each in _place_columns(reference, window)]
    blocks = cut_blocks(np.column_stack(numbers), np.arange(len(chosen)))
    told = tell_apart(reference, blocks, seed=int(random.integers(2**31)))
    if told is None:
        return None
    return Joint(auc=told.auc, p_value=told.p_value, corrected=1.0, reference_blocks=len(kept), blocks=len(blocks))


def _correct(found: Drift) -> Drift:
    """The same with all p-values corrected together, and the columns that have changed most first."""
    joint = [found.joint.p_value] if found.joint else []
    values = [each.p_value for each in found.shifts if each.p_value is not None]
    p_values = [*joint, *values, *(each.missing_p_value for each in found.shifts)]
    corrected = iter(correct_holm(np.array(p_values)).tolist())
    with_joint = replace(found.joint, corrected=next(corrected)) if found.joint else None
    shifts = [each if each.p_value is None else replace(each, corrected=next(corrected)) for each in found.shifts]
    shifts = [replace(each, missing_corrected=next(corrected)) for each in shifts]
    changed = sum(each.has_changed for each in shifts)
    ordered = sorted(shifts, key=lambda each: (each.has_changed, each.psi or 0.0), reverse=True)
    return replace(found, joint=with_joint, changed=changed, shifts=tuple(ordered[:MOST_SHIFTS]))
