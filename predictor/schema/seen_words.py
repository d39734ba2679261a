"""The words of training texts, as a set that is small enough to be stored with each version."""

import base64
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

# Scripts that are written without blanks between words, from Thai to Chinese: each character counts as a word.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
UNSPACED_CHARACTER = re.compile(f"[{UNSPACED}]")
# As scikit-learn's vectorisers find them: two letters or digits, or more.
SPACED_WORD = rf"[^\W{UNSPACED}]{{2,}}"
WORD = re.compile(f"{UNSPACED_CHARACTER.pattern}|{SPACED_WORD}")
# Of ten bits a word, four of which are set, 1.2 % of other words look as if they had been seen. The set of more words
# than fit 64 KiB is less exact: of 100,000, each takes 5 bits, and 8 % of others look seen.
BITS_A_WORD, PLACES = 10, 4
FEWEST_BITS, MOST_BITS = 2**6, 2**19


def find_words(text: str) -> Iterator[str]:
    """The words of a text in lower case, in their order."""
    return (match.group() for match in WORD.finditer(text.lower()))


def collect_words(text: str) -> set[str]:
    """The different words that `find_words` gives, in less time."""
    text = text.lower()
    return {each for each in set(text) if UNSPACED_CHARACTER.match(each)} | set(re.findall(SPACED_WORD, text))


class SeenWords:
    """A Bloom filter (Bloom 1970, "Space/time trade-offs in hash coding with allowable errors").

    A word that was seen is always in it; of others, few are. The places of a word are those of double hashing
    (Kirsch and Mitzenmacher 2008, "Less hashing, same performance").
    """

    def __init__(self, stored: str) -> None:
        self._bits = base64.b64decode(stored)

    def __contains__(self, word: str) -> bool:
        places = place_digests(int.from_bytes(digest_word(word), "little"), 8 * len(self._bits))
        return all(self._bits[place >> 3] >> (place & 7) & 1 for place in places)


def store_words(words: Iterable[str]) -> str:
    """Write a set of words as `SeenWords` reads it; the same words give the same text. Empty where there are none."""
    import numpy as np

    digests = np.frombuffer(b"".join(map(digest_word, set(words))), dtype="<u8")
    if not len(digests):
        return ""
    size = min(max(1 << (BITS_A_WORD * len(digests) - 1).bit_length(), FEWEST_BITS), MOST_BITS)
    bits = np.zeros(size, dtype=bool)
    for places in place_digests(digests, size):
        bits[places] = True
    return base64.b64encode(np.packbits(bits, bitorder="little").tobytes()).decode()


def digest_word(word: str) -> bytes:
    return blake2b(word.encode(), digest_size=8).digest()


def place_digests(digests: Any, size: int) -> Iterator[Any]:
    """The places of a word among `size` bits, a power of two, by its digest: of one, or of an array of them."""
    step = digests >> 32 | 1
    return ((digests + i * step) & (size - 1) for i in range(PLACES))
