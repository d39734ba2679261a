"""The kind of input that is a text in words of one's own."""

import math
from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import islice
from typing import ClassVar, Literal

from predictor.formats import format_number
from predictor.languages import gettext as _
from predictor.problems import Code
from predictor.schema.described import Described
from predictor.schema.seen_words import SeenWords, find_words
from predictor.schema.values import Value, Vector, write_given, write_value
from predictor.schema.warning import InputWarning
from predictor.texts import is_storable, normalise_text

FEWEST_CHARACTERS = 1_000
# In a form, which may have 512 KB, each character may take 12 bytes.
MOST_CHARACTERS = 40_000
# More words of an entry are not looked up.
MOST_WORDS = 1_000


class Text(Described, frozen=True, kw_only=True, tag="text"):
    """A text, kept as it is typed; its line ends are those of other inputs.

    It has no number: an encoded row has it next to the matrix (`schema.table`). `words` are those of the training
    texts, as `SeenWords` reads them; empty where they are unknown. The language is `unspaced` where it has no blanks
    between words. Nothing else of the training texts is kept.
    """

    kind: ClassVar[Literal["text"]] = "text"
    fitting: ClassVar[str] = "any text"

    seen: tuple[str, ...] = ()
    typical: str | None = None
    maximum_length: int = FEWEST_CHARACTERS
    words: str = ""
    unspaced: bool = False

    @property
    def expected(self) -> str:
        return _("a text of at most {count} characters").format(count=format_number(self.maximum_length))

    def encode(self, value: Value) -> float:
        """NaN: its place in the matrix is empty."""
        return math.nan

    def find_warning(self, value: Value) -> InputWarning | None:
        if value is None or not self.words:
            return None
        if any(word in self._seen_words for word in islice(find_words(str(value)), MOST_WORDS)):
            return None
        return InputWarning(code="no_word_seen", field=self.name)

    def write_warning(self, warning: InputWarning) -> str:
        return _("{label}: none of its words was ever seen in training").format(label=self.label)

    def share_known(self, text: str) -> float:
        """The share of a text's words that were seen in training; NaN where it has none."""
        words = list(islice(find_words(text), MOST_WORDS))
        return sum(word in self._seen_words for word in words) / len(words) if words else math.nan

    @cached_property
    def _seen_words(self) -> SeenWords:
        return SeenWords(self.words)

    @cached_property
    def _longest(self) -> int:
        # Browsers send two characters for each line end.
        return 2 * self.maximum_length

    def _find_limit(self, code: Code) -> float | str | None:
        return self.maximum_length if code == "too_long" else None

    def _read(self, given: str | float) -> str:
        text = normalise_text(write_given(given))
        if len(text) > self.maximum_length:
            raise self._refuse("too_long", given)
        return self._convert(text)

    def _convert(self, value: str | float) -> str:
        text = write_value(value)
        if not is_storable(text):
            raise self._refuse("not_storable", value)
        return text


def measure_texts(texts: Iterable[str | None], measure: Callable[[str], float]) -> Vector:
    """A number for each text, shape (n,); NaN for a missing one."""
    import numpy as np

    return np.fromiter((math.nan if text is None else measure(text) for text in texts), dtype=np.float64)


def share_known_words(feature: Text, texts: Iterable[str | None]) -> Vector:
    """The share of known words of each text that is not missing; NaN where it has no word."""
    return measure_texts((text for text in texts if text is not None), feature.share_known)
