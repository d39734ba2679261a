"""What an input can be, and what a model can do."""

from typing import Literal

Kind = Literal["number", "integer", "category", "boolean"]
Task = Literal["regression", "classification"]
