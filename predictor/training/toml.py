"""Turns TOML tables into structs; errors say in TOML's terms what is wrong with which key."""

import re
from pathlib import Path
from typing import Any, TypeVar, get_args

import msgspec

from predictor.exceptions import RecipeError

Shape = TypeVar("Shape", bound=msgspec.Struct)
TOML_NAMES = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "array": "an array",
    "object": "a table",
}
HEADER = re.compile(r"\s*\[\[?([^\[\]]+)\]")


def convert_table(file: Path, table: str, content: Any, shape: type[Shape]) -> Shape:
    """Turn one TOML table into its struct; errors name the file, the key and the value."""
    if not isinstance(content, dict):
        raise RecipeError(f"{file}: {table}: must be a table such as [{table}], not {content!r}.")
    where = f"{table}." if table else ""
    known = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    for key in content:
        if key not in known:
            raise refuse_key(file, f"{where}{key}", shape)
    for key, field in known.items():
        if field.required and key not in content:
            raise RecipeError(f'{file}: {where}{key}: is missing: write {key} = "…".')
    try:
        return msgspec.convert(content, shape)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).rpartition(" - at `$.")
        key = path.rstrip("`")
        given = content[key.partition("[")[0]]
        raise RecipeError(
            f"{file}: {where}{key}: must be {_explain(problem, known[key.partition('[')[0]].type)}, not {given!r}."
        ) from error


def _explain(problem: str, kind: Any) -> str:
    """Say in TOML's terms what msgspec expected in a field of this type."""
    if problem.startswith("Invalid enum value"):
        literals = [kind, *get_args(kind)]
        return " or ".join(repr(word) for literal in literals for word in get_args(literal) if isinstance(word, str))
    if problem == "Number out of range":
        return "a number that float64 can hold"
    expected = problem.removeprefix("Expected ").partition(", got")[0]
    expected = re.sub(" matching regex .*", " without NUL characters", expected)
    for name, words in TOML_NAMES.items():
        expected = re.sub(rf"\b{name}\b", words, expected)
    return expected.replace(" | null", "").replace(" | ", " or ").replace("`", "")


def refuse_key(file: Path, key: str, shape: type[msgspec.Struct]) -> RecipeError:
    """Make the error for a key that a table does not have."""
    known = [f.encode_name for f in msgspec.structs.fields(shape) if f.name not in ("slug", "folder")]
    return RecipeError(f"{file}: {key}: there is no such key; it may be one of {', '.join(known)}.")


def add_line(file: Path, error: RecipeError) -> RecipeError:
    """The same error of this file with the line of the key that it blames, where that is found."""
    blamed = str(error).removeprefix(f"{file}: ")
    line = find_line(file.read_text(encoding="utf-8-sig"), blamed.partition(":")[0])
    return RecipeError(f"{file}, line {line}: {blamed}") if line else error


def find_line(text: str, key: str) -> int | None:
    """The line of a key with its tables, such as schedule.retrain, or else of its table."""
    table = ""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := HEADER.match(line):
            table = header[1].strip()
            found.setdefault(table, number)
        elif "=" in line:
            name = line.partition("=")[0].strip()
            found.setdefault(f"{table}.{name}" if table else name, number)
    return found.get(key) or found.get(key.rpartition(".")[0])
