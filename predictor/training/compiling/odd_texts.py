"""Makes rows with texts on which a compiled model would most likely differ."""

import unicodedata
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from predictor.schema.schema import Schema
from predictor.schema.table import Table
from predictor.schema.text import Text

# Each of them alone, and after the words of a row.
ODD = (
    "",
    " ",
    "\n\t \u00a0\u3000\u2028",
    "zzqx qqxz zzqxzzqx",
    "a",
    "É é Ç ß ẞ İ ı ŉ ﬁ Å ǅ",  # Some change their length when their case changes.
    unicodedata.normalize("NFD", "É é Ç Å ñ ệ"),
    "\u0301\u0301 e\u0301\u0323 \u0345",
    "👍 👩\u200d👩\u200d👧 🇫🇷 ❤\ufe0f",
    "今日はいい天気です。这是一个句子 ｱｲｳ ＡＢＣ １２ ﷺ",
    "שלום עולם مرحبا \u200f\u202eabc",
    "don't co-op under_score x1 1x 3.14 1,000 ٣٤ ² ½ a.b@c.d #tag http://e.f/g?h=i",
    "one\x00two \x1c\x1d\x85 three\ufeff",
)
SOME_ROWS = 5
# A text of this length takes scikit-learn up to a second.
LONGEST = 100_000


def make_odd_texts(schema: Schema, table: Table, chosen: np.random.Generator) -> list[Table]:
    """Copies of rows in which one text is odd, of the longest length or in another case; missing ones apart."""
    made = []
    for column, feature in enumerate(schema.features):
        if not isinstance(feature, Text):
            continue
        some = table.texts[column][chosen.integers(len(table), size=SOME_ROWS)]
        seen = [text for text in some if text] or ["word"]
        changed = [*_list_odd(seen, min(feature.maximum_length, LONGEST))]
        made.append(_replace_texts(table, column, changed, chosen))
        if not feature.required:
            made.append(_replace_texts(table, column, [None], chosen))
    return made


def _list_odd(seen: list[str], longest: int) -> Iterator[str]:
    yield from ODD
    for text in seen:
        yield from (text.upper(), text.lower(), text.swapcase(), text[::-1], f"{text} {text}")
        yield from (unicodedata.normalize(form, text) for form in ("NFD", "NFKC"))
    yield from (f"{seen[0]} {odd}" for odd in ODD)
    for text in (f"{' '.join(seen)} ", "x", "\u00e9 ", "👍"):
        yield (text * (longest // len(text) + 1))[:longest]


def _replace_texts(table: Table, column: int, changed: "list[str] | list[None]", chosen: np.random.Generator) -> Table:
    rows = table.take(chosen.integers(len(table), size=len(changed)))
    values: NDArray[np.object_] = np.array(changed, dtype=object)
    return replace(rows, texts={**rows.texts, column: values})
