"""The kinds of inputs, and the tasks of models."""

from typing import Literal

Kind = Literal["number", "integer", "category", "boolean"]
Task = Literal["regression", "classification"]
