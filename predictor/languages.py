"""The language of a page: its sentences, and how it writes numbers and dates. English, unless a request sets another.

A catalogue maps each English sentence to its translation: locale/<locale>/LC_MESSAGES/django.mo.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import NullTranslations, translation
from pathlib import Path

import msgspec

CATALOGUES = Path(__file__).resolve().parent.parent / "locale"


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """One language: `tag` is its BCP 47 tag, as in HTML, and `name` its own name for itself."""

    tag: str
    name: str
    direction: str = "ltr"
    # As Django calls it, where that is not the tag in lower case.
    django: str = ""

    @property
    def code(self) -> str:
        """The tag in lower case, by which settings and recipes name the language."""
        return self.tag.lower()

    @property
    def django_code(self) -> str:
        return self.django or self.code


ENGLISH = Language(tag="en", name="English", django="en-gb")
LANGUAGES = {
    each.code: each
    for each in (
        ENGLISH,
        Language(tag="de", name="Deutsch"),
        Language(tag="fr", name="français"),
        Language(tag="es", name="español"),
        Language(tag="zh-Hans", name="简体中文"),
    )
}

_current: ContextVar[Language] = ContextVar("language", default=ENGLISH)
get_language = _current.get


@contextmanager
def use_language(language: Language) -> Iterator[None]:
    """Write in this language within the block, in this thread or greenlet."""
    former = _current.set(language)
    try:
        yield
    finally:
        _current.reset(former)


@cache
def find_catalogue(tag: str) -> NullTranslations:
    """The translations into a language; English, and a language without a catalogue, has the sentences themselves."""
    return translation("django", CATALOGUES, [tag.replace("-", "_")], fallback=True)


def gettext(message: str) -> str:
    """A sentence in the current language."""
    language = get_language()
    return message if language is ENGLISH else find_catalogue(language.tag).gettext(message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """A sentence about so many things in the current language."""
    return find_catalogue(get_language().tag).ngettext(singular, plural, number)


def gettext_noop(message: str) -> str:
    """Mark a sentence that is translated where it is used, by `gettext`."""
    return message
