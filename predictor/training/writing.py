"""Writes TOML: keys, strings, and the whole model.toml of a recipe that was not written by hand."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def write_recipe(content: Mapping[str, Any]) -> str:
    """Write a model.toml of plain values: texts, numbers, booleans, arrays and tables, without those that are None."""
    tables = {
        write_key(key): value for key, value in content.items() if isinstance(value, Mapping) and key != "features"
    }
    features = {f"features.{write_key(name)}": value for name, value in content.get("features", {}).items()}
    lines = list(_write_lines({key: value for key, value in content.items() if not isinstance(value, Mapping)}))
    for name, table in {**tables, **features}.items():
        lines += ["", f"[{name}]", *_write_lines(table)]
    return "\n".join(lines) + "\n"


def _write_lines(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        if value is not None:
            yield f"{write_key(key)} = {write_value(value)}"


def write_value(value: Any) -> str:
    """Write a value in one line."""
    if isinstance(value, Mapping):
        return write_inline(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(write_value, value))}]"
    return write_string(value) if isinstance(value, str) else json.dumps(value)


def write_key(name: str) -> str:
    """Write a TOML key, in quotes where it needs them."""
    return name if BARE_KEY.fullmatch(name) else write_string(name)


def write_string(text: str) -> str:
    """Write a TOML basic string: JSON's escapes are among TOML's, which also refuses a bare DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def write_inline(table: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(f"{write_key(key)} = {write_value(value)}" for key, value in table.items()) + " }"
