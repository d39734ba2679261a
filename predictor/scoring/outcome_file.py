"""Reads a file of outcomes by the rules of all tables."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from predictor.exceptions import DatasetError
from predictor.formats import write_count
from predictor.numbers import NUMBER, UNCLEAR_COMMA, UNCLEAR_PATTERN
from predictor.outcomes.files import Entry
from predictor.texts import quote

MOST_NAMES = 20
UNCLEAR_POINT = re.compile(UNCLEAR_PATTERN.replace("MARK", r"\."))


class OutcomeFile:
    """The rows of a table with the columns id, or without one reference, and outcome, read anew each time.

    `rows` says how many there are. Raises DatasetError naming the file and the line.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._decimal_comma = False
        self.has_references = False
        self.rows = 0
        for entry in self._read_rows():
            self.rows += 1
            self._decimal_comma = self._decimal_comma or _has_decimal_comma(str(entry.outcome).strip())
            self.has_references = self.has_references or bool(entry.reference)

    def __iter__(self) -> Iterator[Entry]:
        return map(_read_comma, self._read_rows()) if self._decimal_comma else self._read_rows()

    def _read_rows(self) -> Iterator[Entry]:
        # It imports polars, which `--help` need not wait for.
        from predictor.tables.cell_texts import read_texts

        rows = read_texts(self._file)
        _, header = next(rows)
        name = "reference" if "reference" in header and "id" not in header else "id"
        places = [_find_column(self._file, header, each) for each in (name, "outcome")]
        for line, row in rows:
            if len(row) != len(header):
                problem = f"{write_count(len(row), 'value')} for {write_count(len(header), 'column')}"
                yield Entry(line=line, problem=problem)
                continue
            id, outcome = (row[place] for place in places)
            if name == "reference":
                yield make_reference_entry(line, id, outcome)
            else:
                yield Entry(line=line, id=id, outcome=outcome)


def make_reference_entry(line: int, reference: str, outcome: str) -> Entry:
    problem = "" if reference else "the reference is missing"
    return Entry(line=line, reference=reference, outcome=outcome, problem=problem)


def _find_column(file: Path, header: list[str], name: str) -> int:
    if header.count(name) != 1:
        found = ", ".join(quote(each) for each in header[:MOST_NAMES])
        raise DatasetError(f"{file}: one column {name!r} is needed; the columns are {found}.")
    return header.index(name)


def _has_decimal_comma(text: str) -> bool:
    """Whether a comma can only separate decimals."""
    return (
        "," in text
        and "." not in text
        and not UNCLEAR_COMMA.fullmatch(text)
        and NUMBER.fullmatch(text.replace(",", ".", 1)) is not None
    )


def _read_comma(entry: Entry) -> Entry:
    """Read an outcome by the commas of the others: in "1,234" too it is decimal, and "1.234" may be in thousands."""
    text = str(entry.outcome).strip()
    if UNCLEAR_COMMA.fullmatch(text):
        return replace(entry, outcome=text.replace(",", "."))
    if UNCLEAR_POINT.fullmatch(text):
        problem = f"{quote(text)} may be in thousands, since other rows have decimal commas"
        return replace(entry, problem=f"{problem}: write it with a comma, or without a point")
    return entry
