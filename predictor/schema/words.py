"""The words for codes: what people read and may write for the choices of a category or the classes of a target."""

from collections.abc import Mapping, Sequence

from predictor.languages import gettext as _
from predictor.numbers import find_written
from predictor.schema.values import SHOWN_CHOICES
from predictor.texts import clip, normalise_text, quote


class Words:
    """The codes of a category or of a target, with the words for those that have any, looked up without delay.

    No words are those of another code, or another code itself, in any case (`find_ambiguous`), so each text means one
    code. The code as it is written goes first.
    """

    def __init__(self, codes: Sequence[str], labels: Mapping[str, str]) -> None:
        self.codes, self.labels = codes, labels
        self._codes = {fold(words): code for code, words in labels.items()}

    def find_code(self, text: str) -> str | None:
        """The code whose words these are, in any case and with or without blanks around them; None without any."""
        return self._codes.get(fold(text)) if self._codes else None

    def write(self, code: str) -> str:
        """The words for a code; the code itself where it has none."""
        return self.labels.get(code, code)

    def name(self, code: str) -> str:
        """Words and code, for a sentence: “low” (1)."""
        words = self.labels.get(code)
        return quote(code) if words is None else f"{quote(words)} ({clip(code)})"

    @property
    def expected(self) -> str:
        """The first codes with their words, described so that they fit after “give”."""
        more = ", …" if len(self.codes) > SHOWN_CHOICES else ""
        return _("one of {choices}").format(choices=", ".join(map(self.name, self.codes[:SHOWN_CHOICES])) + more)

    @property
    def listed(self) -> list[str]:
        """Each code's words, with the code in brackets for those who send it: low (1)."""
        return [f"{self.labels[code]} ({code})" if code in self.labels else code for code in self.codes]


def fold(text: str) -> str:
    return normalise_text(text).strip().casefold()


def find_ambiguous(codes: Sequence[str], labels: Mapping[str, str]) -> str | None:
    """Say which words also mean another code; None where each means one."""
    owners: dict[str, str] = {}
    for code, words in labels.items():
        meant = [owners.setdefault(fold(words), code), find_written(normalise_text(words), codes)]
        meant += [each for each in codes if fold(each) == fold(words)]
        other = next((each for each in meant if each not in (None, code)), None)
        if other is not None:
            return f"{quote(words)} would be both {quote(other)} and {quote(code)}: give each words of its own"
    return None
