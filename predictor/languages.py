"""The language of a page: its sentences, and how it writes numbers and dates. All else is in English.

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


# A space that is narrow and does not break. Languages with a decimal comma write it between thousands (ISO 80000-1,
# 7.3.1): a point there could be read as the decimal point.
NARROW_SPACE = "\u202f"


def split(names: str) -> tuple[str, ...]:
    return tuple(names.split())


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """One language: `tag` is its BCP 47 tag, as in HTML, and `name` its own name for itself.

    `date` is how a day, the name of a month and a year make a date.
    """

    tag: str
    name: str
    direction: str = "ltr"
    # As Django calls it, where that is not the tag in lower case.
    django: str = ""
    decimal_mark: str = "."
    group_mark: str = ","
    is_currency_first: bool = True
    quotes: tuple[str, str] = ("“", "”")
    months: tuple[str, ...] = split(
        "January February March April May June July August September October November December"
    )
    short_months: tuple[str, ...] = split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
    date: str = "{day} {month} {year}"

    @property
    def code(self) -> str:
        """The tag in lower case, by which settings and recipes name the language."""
        return self.tag.lower()

    @property
    def django_code(self) -> str:
        return self.django or self.code


# That of the API, of commands and of what is stored: never that of a page.
ENGLISH = Language(tag="en", name="English", django="en-gb")
LANGUAGES = {
    each.code: each
    for each in (
        # That of pages, which also have a recipe's words for English.
        msgspec.structs.replace(ENGLISH),
        Language(
            tag="de",
            name="Deutsch",
            decimal_mark=",",
            group_mark=NARROW_SPACE,
            is_currency_first=False,
            quotes=("„", "“"),
            months=split("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
            short_months=split("Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez."),
            date="{day}. {month} {year}",
        ),
        Language(
            tag="fr",
            name="français",
            decimal_mark=",",
            group_mark=NARROW_SPACE,
            is_currency_first=False,
            quotes=(f"«{NARROW_SPACE}", f"{NARROW_SPACE}»"),
            months=split("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
            short_months=split("janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc."),
        ),
        Language(
            tag="es",
            name="español",
            decimal_mark=",",
            group_mark=NARROW_SPACE,
            is_currency_first=False,
            quotes=("«", "»"),
            months=split("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
            short_months=split("ene feb mar abr may jun jul ago sept oct nov dic"),
            date="{day} de {month} de {year}",
        ),
        Language(
            tag="zh-Hans",
            name="简体中文",
            months=split("1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月"),
            short_months=split("1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月"),
            date="{year}年{month}{day}日",
        ),
    )
}

_current: ContextVar[Language] = ContextVar("language", default=ENGLISH)
get_language = _current.get
# For each request, which `use_language` would make slower.
set_language, reset_language = _current.set, _current.reset


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
    tag = get_language().tag
    return message if tag == "en" else find_catalogue(tag).gettext(message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """A sentence about so many things in the current language."""
    return find_catalogue(get_language().tag).ngettext(singular, plural, number)


def gettext_noop(message: str) -> str:
    """Mark a sentence that is translated where it is used, by `gettext`."""
    return message
