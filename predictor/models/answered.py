"""What has a version's answer, written for people: a stored prediction, or a trial."""

from functools import cached_property
from typing import Any

import msgspec

from predictor.formats import Written
from predictor.languages import ENGLISH, get_language, gettext
from predictor.schema.warning import InputWarning


class Answered:
    """An answer with its inputs, each as JSON has it, and the version that gave it."""

    version: Any
    inputs: Any
    output: Any
    interval: Any
    probabilities: Any
    warnings: Any
    warning_codes: Any

    @cached_property
    def decimals(self) -> int | None:
        """The decimals of its output: the recipe's, those of its interval, or without one those of its version."""
        decimals = self.version.target.find_decimals(self.output, self.interval)
        return self.version.decimals if decimals is None else decimals

    @property
    def is_forgotten(self) -> bool:
        """Whether its inputs and output were erased, by `manage.py forget`."""
        return self.output is None

    @property
    def written_output(self) -> Written:
        if self.is_forgotten:
            return Written(text=gettext("forgotten"))
        return self.version.target.write(self.output, decimals=self.decimals)

    @property
    def written_interval(self) -> Written | None:
        """Its interval, formatted for people; None where it has none."""
        if self.interval is None:
            return None
        return self.version.target.write_range(*self.interval, decimals=self.decimals)

    @property
    def written_warnings(self) -> list[str]:
        """Its warnings in the current language; as they were stored, where that is all that this build can read."""
        if get_language() is ENGLISH or not self.warning_codes:
            return list(self.warnings)
        try:
            warnings = msgspec.convert(self.warning_codes, list[InputWarning])
            return list(self.version.parsed_schema.write_warnings(warnings))
        except (LookupError, TypeError, ValueError):
            return list(self.warnings)
