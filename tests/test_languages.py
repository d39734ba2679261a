import pytest
from django.template import engines
from django.urls import reverse

from predictor.languages import LANGUAGES, Language, get_language, use_language
from tests.conftest import run_manage

ARABIC = Language(tag="ar", name="العربية", direction="rtl")


@pytest.fixture
def several(settings):
    settings.LANGUAGE, settings.OFFERED_LANGUAGES, settings.USE_I18N = "en", ["en", "de", "zh-hans"], True
    settings.LANGUAGES = [(LANGUAGES[code].django_code, code) for code in settings.OFFERED_LANGUAGES]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("de-AT,en;q=0.9", "de"),
        ("zh-CN", "zh-Hans"),
        ("pt,en;q=0.1,de;q=0.9", "de"),
        ("pt", "en"),
        ("*", "en"),
        ("", "en"),
        (";=, ,x" * 900, "en"),
    ],
)
def test_the_browser_chooses_among_the_languages_that_are_offered(client, several, accepted, tag):
    page = client.get("/nothing/", headers={"accept-language": accepted})
    assert (page["Content-Language"], page["Vary"]) == (tag, "Accept-Language")
    assert f'<html lang="{tag}" dir="ltr">' in page.content.decode()
    assert get_language().tag == "en"


@pytest.mark.django_db
def test_a_site_in_one_language_negotiates_nothing(client, settings):
    settings.LANGUAGE, settings.OFFERED_LANGUAGES, settings.USE_I18N = "fr", ["fr"], True
    page = client.get("/nothing/", headers={"accept-language": "de"})
    assert '<html lang="fr" dir="ltr">' in page.content.decode()
    assert "Content-Language" not in page
    assert "Vary" not in page


@pytest.mark.django_db
def test_a_language_that_is_written_from_right_to_left_turns_the_page(client, settings, monkeypatch):
    monkeypatch.setitem(LANGUAGES, "ar", ARABIC)
    settings.LANGUAGE, settings.OFFERED_LANGUAGES, settings.USE_I18N = "ar", ["ar"], True
    assert '<html lang="ar" dir="rtl">' in client.get(reverse("default")).content.decode()


@pytest.mark.parametrize(
    ("given", "named"), [({"LANGUAGE": "pt"}, "LANGUAGE is or"), ({"LANGUAGES": "de,xx"}, "LANGUAGES")]
)
def test_a_language_without_translations_stops_the_site(given, named):
    done = run_manage("check", **given)
    assert done.returncode == 1
    assert named in done.stderr
    assert "de, en, es, fr, zh-hans" in done.stderr


def test_what_systems_set_for_other_programs_is_not_meant_for_the_site():
    assert run_manage("check", LANGUAGE="pt_BR:pt:en").returncode == 0


def test_values_in_a_sentence_are_escaped_and_its_markup_is_not():
    page = engines["jinja2"].from_string(
        "{% trans name=x %}90 % of <b>{{ name }}</b>{% endtrans %} {% trans %}100 %{% endtrans %}"
        " {% trans n=2 %}{{ n }} row{% pluralize %}{{ n }} rows{% endtrans %}"
    )
    with use_language(LANGUAGES["de"]):
        assert page.render({"x": "<i>"}) == "90 % of <b>&lt;i&gt;</b> 100 % 2 rows"
