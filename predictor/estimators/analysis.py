"""Splits a text into terms as scikit-learn's vectorisers do, without scikit-learn."""

import re
import unicodedata
from collections.abc import Callable
from typing import Literal, assert_never

import msgspec

SPACES = re.compile(r"\s\s+")


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """What a vectoriser does to a text, in the words of its parameters.

    Source: `_VectorizerMixin` of sklearn.feature_extraction.text, scikit-learn 1.9. The pattern has no groups.
    """

    analyzer: Literal["word", "char", "char_wb"]
    lowercase: bool
    strip_accents: Literal["ascii", "unicode"] | None
    ngram_range: tuple[int, int]
    token_pattern: str = ""
    stop_words: frozenset[str] = frozenset()

    def build_analyzer(self) -> Callable[[str], list[str]]:
        """The function that gives a text's terms, as often as each occurs."""
        split = self._build_splitter()
        match self.strip_accents, self.lowercase:
            case None, True:
                return lambda text: split(text.lower())
            case None, False:
                return split
            case accents, lowercase:
                strip = strip_ascii if accents == "ascii" else strip_unicode
                return lambda text: split(strip(text.lower() if lowercase else text))

    def _build_splitter(self) -> Callable[[str], list[str]]:
        match self.analyzer:
            case "char":
                return self._split_characters
            case "char_wb":
                return self._split_characters_in_words
            case "word":
                find = re.compile(self.token_pattern).findall
                if self.ngram_range == (1, 1) and not self.stop_words:
                    return find
                return lambda text: self._join_words(find(text))
            case _:
                assert_never(self.analyzer)

    def _join_words(self, words: list[str]) -> list[str]:
        words = [word for word in words if word not in self.stop_words]
        fewest, most = self.ngram_range
        terms = [*words] if fewest == 1 else []
        for size in range(max(fewest, 2), min(most, len(words)) + 1):
            terms += map(" ".join, zip(*(words[start:] for start in range(size)), strict=False))
        return terms

    def _split_characters(self, text: str) -> list[str]:
        text = SPACES.sub(" ", text)
        fewest, most = self.ngram_range
        terms = [*text] if fewest == 1 else []
        for size in range(max(fewest, 2), min(most, len(text)) + 1):
            terms += [text[start : start + size] for start in range(len(text) - size + 1)]
        return terms

    def _split_characters_in_words(self, text: str) -> list[str]:
        fewest, most = self.ngram_range
        terms: list[str] = []
        add = terms.append
        for word in text.split():
            padded = f" {word} "
            length = len(padded)
            for size in range(fewest, most + 1):
                add(padded[:size])
                for start in range(1, length - size + 1):
                    add(padded[start : start + size])
                if size >= length:  # A short word is counted once.
                    break
        return terms


def strip_unicode(text: str) -> str:
    if text.isascii():
        return text
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))


def strip_ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
