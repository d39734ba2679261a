"""Every sentence that people read on a page is translated into every language."""

import io
import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.frontend import CommandLineInterface
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from bs4 import BeautifulSoup

from predictor.languages import CATALOGUES, LANGUAGES
from tests.conftest import ROOT

TRANSLATED = [language for code, language in LANGUAGES.items() if code != "en"]
each_language = pytest.mark.parametrize("language", TRANSLATED, ids=lambda language: language.code)
PLACEHOLDERS = re.compile(r"\{\w*\}|%\(\w+\)s|%%")
# What is written in a language as it is in English.
SAME = {
    "de": {"Baseline", "Live", "Name", "Version", "Version %(number)s", "live", "{label}: {answer}."},
    "es": {"Error %(code)s", "Error: %(title)s", "log-odds", "no", "{label}: {answer}."},
    "fr": {
        *(
            "description",
            "figures",
            "importances",
            "source",
            "Source",
            "Page",
            "date",
            "version",
            "versions",
            "classes",
            "verdict",
        ),
        *(
            "maximum",
            "minimum",
            "Archives",
            "Calibration",
            "Description",
            "Importance",
            "Score",
            "Type",
            "Version",
            "Versions",
            "Version %(number)s",
        ),
        *("version {number}", "%(title)s, version %(number)s", "<bdi>%(title)s</bdi>, version %(number)s"),
    },
    "zh-hans": set(),
}
# What is called so in every language.
NAMES = {"API", "UTC", "OpenAPI", "curl", "CSV", "Parquet", "Excel", "xlsx"}
SPOKEN = ("alt", "aria-label", "placeholder", "title")


def find_folder(language):
    return CATALOGUES / language.tag.replace("-", "_") / "LC_MESSAGES"


def read_catalogue(language):
    with (find_folder(language) / "django.po").open("rb") as file:
        return read_po(file, locale=language.tag.replace("-", "_"))


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    file = tmp_path_factory.mktemp("messages") / "django.pot"
    keywords = ["--keyword", "gettext_noop", "--keyword", "gettext_lazy"]
    command = ["pybabel", "--quiet", "extract", "--mapping-file", str(ROOT / "pyproject.toml"), *keywords]
    folders = [str(ROOT / name) for name in ("mlsite", "predictor", "templates")]
    CommandLineInterface().run([*command, "--output-file", str(file), *folders])
    with file.open("rb") as pot:
        return read_po(pot)


TAGS = re.compile(
    r"{#.*?#}|{% *(?:trans|blocktrans(?:late)?)\b.*?%}.*?{% *end(?:block)?trans(?:late)? *%}|{%.*?%}|{{.*?}}", re.DOTALL
)
TEMPLATES = [file for name in ("templates", "predictor/templates") for file in (ROOT / name).rglob("*.html")]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.name)
def test_a_template_has_no_words_that_could_not_be_translated(template):
    page = BeautifulSoup(TAGS.sub("\n", template.read_text()), "html.parser")
    texts = [page.get_text("\n")]
    texts += [element[name] for name in SPOKEN for element in page.find_all(attrs={name: True})]
    words = {word for text in texts for word in re.findall(r"[\w-]*[^\W\d_]{2}[\w-]*", text)}
    assert words <= NAMES


def list_texts(text):
    return [text] if isinstance(text, str) else list(text)


@each_language
def test_every_sentence_is_translated_and_nothing_else(extracted: Catalog, language):
    catalogue = read_catalogue(language)
    ids, known = ({(each.context, each.id) for each in found if each.id} for found in (extracted, catalogue))
    assert ids - known == set(), "run bin/translate, and translate these"
    assert known - ids == set(), "run bin/translate: these are no longer in the code"
    for message in catalogue:
        if not message.id:
            continue
        assert all(list_texts(message.string)), f"without a translation: {message.id}"
        assert not message.fuzzy, f"to be checked: {message.id}"


@each_language
def test_a_translation_has_the_placeholders_of_the_sentence(language):
    for message in read_catalogue(language):
        if not message.id:
            continue
        placeholders = set(PLACEHOLDERS.findall(list_texts(message.id)[-1]))
        for text in list_texts(message.string):
            assert set(PLACEHOLDERS.findall(text)) <= placeholders, text
        assert set(PLACEHOLDERS.findall(list_texts(message.string)[-1])) == placeholders, message.string


@each_language
def test_only_words_that_are_the_same_in_both_languages_are_as_in_english(language):
    assert {message.id for message in read_catalogue(language) if message.string == message.id} - {""} == SAME[
        language.code
    ]


@each_language
def test_what_is_served_is_compiled_from_what_is_read(language):
    compiled = io.BytesIO()
    write_mo(compiled, read_catalogue(language))
    assert (find_folder(language) / "django.mo").read_bytes() == compiled.getvalue(), "run bin/translate"
