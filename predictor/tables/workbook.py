"""Unpacks an .xlsx workbook within limits, and finds cells that would be read wrongly."""

import zipfile
from functools import cache
from typing import IO, Any, NamedTuple
from xml.parsers import expat

from predictor.formats import format_number
from predictor.tables.content import Content
from predictor.tables.packing import CHUNK, DAMAGES, MOST_UNPACKED_BYTES
from predictor.texts import take_first_line

# A reader makes room for every cell up to the last one: 1 GiB for so many, which is 32 full columns of a spreadsheet.
MOST_CELLS = 1 << 25
# Pictures and programs are not unpacked.
READ_PARTS = (".xml", ".rels")
DIGITS, MOST_LETTERS = "0123456789", 3
# What a cell's element contains where it has a value.
VALUES = ("v", "is", "f")
# Texts such as "#DIV/0!", by row and by column, from 0.
Errors = dict[int, dict[int, str]]
MOST_ERRORS = 10_000


class Oddities(NamedTuple):
    """What is odd in a workbook's cells: the first that would be read wrongly, and those that contain an error."""

    problem: str = ""
    first_error: str = ""
    errors: Errors = {}


class Cells:
    """Follows the elements of a sheet: how far its cells with values reach, and which are odd.

    A cell without a place of its own comes after the one before it.
    """

    def __init__(self) -> None:
        self.rows = self.columns = 0
        self.problem = self.first_error = ""
        self.errors: Errors = {}
        self._error_count = 0
        self._is_inside = self._has_formula = False
        self._row = self._column = 0
        self._place = self._type = self._text = ""

    def begin(self, tag: str, attributes: dict[str, str]) -> bool:
        """Take the start of an element; whether the text in it is wanted."""
        if tag == "sheetData":
            self._is_inside = True
        elif tag == "mergeCell":
            self._refuse(f"the cells {attributes.get('ref')} are merged, and only the first has a value: split them")
        elif not self._is_inside:
            return False
        elif tag == "c":
            self._begin_cell(attributes)
        elif tag == "row":
            self._row, self._column = int(attributes.get("r", self._row + 1)), 0
        elif tag in VALUES:
            self.rows, self.columns = max(self.rows, self._row), max(self.columns, self._column)
            self._has_formula |= tag == "f"
            return tag == "v" and (self._has_formula or self._type == "e")
        return False

    def add_text(self, text: str) -> None:
        self._text += text

    def end(self, tag: str) -> None:
        if tag == "c" and (self._has_formula or self._type == "e"):
            self._check_value(self._text.strip())
        elif tag == "sheetData":
            self._is_inside = False

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self._type, self._place = attributes.get("t", "n"), attributes.get("r", "")
        self._text, self._has_formula = "", False
        if self._place:
            letters = self._place.rstrip(DIGITS)
            self._row, self._column = int(self._place[len(letters) :]), _number_column(letters)
        else:
            self._column += 1
            self._place = f"{self._column} of row {self._row}"

    def _check_value(self, text: str) -> None:
        if self._type == "e" and text != "#N/A":
            self._add_error(text)
        elif self._has_formula and not text and self._type != "str":
            problem = "has a formula without its value: open the file in a spreadsheet program and save it"
            self._refuse(f"cell {self._place} {problem}")

    def _add_error(self, text: str) -> None:
        sentence = f"cell {self._place} contains the error {text!r}: correct its formula, or empty it"
        self.first_error = self.first_error or sentence
        self.errors.setdefault(self._row - 1, {})[self._column - 1] = text
        self._error_count += 1
        if self._error_count > MOST_ERRORS:
            self._refuse(f"{format_number(MOST_ERRORS)} cells and more contain an error; {self.first_error}")

    def _refuse(self, problem: str) -> None:
        self.problem = self.problem or problem


@cache
def _number_column(letters: str) -> int:
    """Column "A" is 1, and "AA" 27. Raises ValueError."""
    if not 1 <= len(letters) <= MOST_LETTERS:
        raise ValueError(f"a cell in column {letters[:10]!r}")
    number = 0
    for letter in letters:
        number = 26 * number + int(letter, 36) - 9
    return number


def unpack_workbook(content: Content, unpacked: IO[bytes]) -> Oddities:
    """Pack the sheets of a workbook anew, not compressed, while each of them is found to fit into memory.

    So no reader finds more in them than was counted here. Returns what is odd in the first part with such cells: merged
    ones and formulas without a stored value, which would be read wrongly, and errors, which readers take for empty.
    Raises DatasetError.
    """
    odd, size, area = Oddities(), 0, 0
    try:
        with content.open() as stream, zipfile.ZipFile(stream) as archive, zipfile.ZipFile(unpacked, "w") as kept:
            for member in archive.infolist():
                if not member.filename.lower().endswith(READ_PARTS):
                    continue
                # No more is read than was declared.
                size += member.file_size
                if size > MOST_UNPACKED_BYTES:
                    raise content.error(f"unpacks to more than {format_number(MOST_UNPACKED_BYTES)} bytes, the limit")
                with archive.open(member) as part, kept.open(member.filename, "w") as copy:
                    cells, found = _copy_part(content, part, copy)
                area, odd = area + cells, odd if any(odd) else found
                if area > MOST_CELLS:
                    limit = f"{format_number(MOST_CELLS)} cells and texts, up to the last that is filled"
                    raise content.error(f"has more than {limit}: save it as CSV, or delete cells that are far away")
    except (*DAMAGES, RuntimeError) as error:  # RuntimeError for a part with a password.
        raise content.error(f"cannot be unpacked: {take_first_line(error).rstrip('.')}") from error
    return odd


def _copy_part(content: Content, part: IO[bytes], copy: IO[bytes]) -> tuple[int, Oddities]:
    """The number of cells of a sheet, empty ones included, or of elements in another part; and what is odd."""
    cells, elements = Cells(), 0
    parser = _make_parser(cells)
    try:
        while chunk := part.read(CHUNK):
            parser.Parse(chunk)
            elements += chunk.count(b"<")
            copy.write(chunk)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, OverflowError) as error:
        raise content.error(f"cannot be read as a workbook: {take_first_line(error).rstrip('.')}") from error
    odd = Oddities(cells.problem, cells.first_error, cells.errors) if cells.rows else Oddities()
    return cells.rows * cells.columns or elements // 2, odd


def _make_parser(cells: Cells) -> Any:
    """A parser that raises ExpatError for what is not XML, and ValueError for what is not a place."""
    parser: Any = expat.ParserCreate()

    def begin(tag: str, attributes: dict[str, str]) -> None:
        wanted = cells.begin(tag.rpartition(":")[2], attributes)
        parser.CharacterDataHandler = cells.add_text if wanted else None

    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda tag: cells.end(tag.rpartition(":")[2])
    return parser
