"""Makes labels that people read of the names of columns: “Sale price” of Sale_Price and salePrice."""

import re
from collections import Counter
from collections.abc import Iterable

# Between "sale" and "Price", and between "MS" and "Sub"; "pH" stays one word.
HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[A-Z])(?=[A-Z][a-z])")
# x, c12 and v1.5 are names and not words.
WORD = re.compile(r"[^\W\d_]{2}")
GAPS = re.compile(r"[\s_]+|(?<=[^\W\d_])[.-](?=[^\W\d_])")


def label_columns(names: Iterable[str]) -> dict[str, str]:
    """A label for each column; the name itself where two columns would have the same."""
    labels = {name: make_label(name) for name in names}
    taken = Counter(labels.values())
    return {name: label if taken[label] == 1 else name for name, label in labels.items()}


def make_label(name: str) -> str:
    """Divide a name into words, and write them as in a sentence; abbreviations in capitals stay."""
    words = [word for part in GAPS.split(name.strip()) for word in HUMPS.split(part) if word]
    if not WORD.search(name):
        return name
    lowered = [word.lower() if word.istitle() else word for word in words]
    first = lowered[0]
    return " ".join([first[:1].upper() + first[1:] if first.islower() else first, *lowered[1:]])
