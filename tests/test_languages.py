from datetime import datetime

import pytest
from bs4 import BeautifulSoup
from django.template import engines
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from predictor.exceptions import InvalidValue, NoAnswer
from predictor.formats import Quantity, format_exact
from predictor.languages import ENGLISH, LANGUAGES, Language, get_language, use_language
from predictor.metrics.interval import Interval
from predictor.models import Prediction
from predictor.moments import write_moment
from predictor.numbers import read_number
from predictor.record.decision import Decision
from predictor.record.written_decision import show_reason
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


def write_in(code, write):
    with use_language(LANGUAGES[code]):
        return write()


@pytest.mark.parametrize(
    ("code", "written"),
    [
        ("en", "-$1,234,567.89, 0.5 to 2,500\u00a0m, 2026"),
        ("de", "-1\u202f234\u202f567,89\u00a0$, 0,5 bis 2\u202f500\u00a0m, 2026"),
        ("fr", "-1\u202f234\u202f567,89\u00a0$, 0,5 à 2\u202f500\u00a0m, 2026"),
        ("es", "-1\u202f234\u202f567,89\u00a0$, 0,5 a 2\u202f500\u00a0m, 2026"),
        ("zh-hans", "-$1,234,567.89, 0.5 至 2,500\u00a0m, 2026"),
    ],
)
def test_numbers_are_written_in_the_languages_manner(code, written):
    def write():
        amount, length = Quantity(unit="$", decimals=2), Quantity(unit="m")
        return f"{amount.write(-1234567.891)}, {length.write_range(0.5, 2500)}, {Quantity().write(2026)}"

    assert write_in(code, write) == written


@pytest.mark.parametrize(
    ("code", "long", "short"),
    [
        ("en", "1 March 2026, 12:30", "1 Mar 2026, 12:30"),
        ("de", "1. März 2026, 12:30", "1. März 2026, 12:30"),
        ("fr", "1 mars 2026, 12:30", "1 mars 2026, 12:30"),
        ("es", "1 de marzo de 2026, 12:30", "1 de mar de 2026, 12:30"),
        ("zh-hans", "2026年3月1日, 12:30", "2026年3月1日, 12:30"),
    ],
)
def test_dates_are_written_in_the_languages_manner(code, long, short):
    moment = datetime(2026, 3, 1, 12, 30)
    assert write_in(code, lambda: (write_moment(moment), write_moment(moment, short=True))) == (long, short)


@pytest.mark.parametrize("code", LANGUAGES)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_a_field_is_filled_in_with_is_read_back_exactly(code, number):
    assert write_in(code, lambda: read_number(format_exact(number), str)) == number


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("typed", ["1,234", "1.234", "-12,345", "+12.345"])
def test_what_can_be_read_in_two_ways_is_asked_back_in_every_language(code, typed):
    """A single point is the decimal point only where pages write decimals with a point."""

    def read():
        if "." in typed and get_language().decimal_mark == ".":
            assert read_number(typed, str) == float(typed)
            return
        with pytest.raises(InvalidValue) as refused:
            read_number(typed, str)
        assert refused.value.problem.code == "ambiguous_number"
        readings = {read_number(each, str) for each in refused.value.problem.expected.split() if each[-1].isdigit()}
        whole = float(typed.replace(",", "").replace(".", ""))
        assert readings == {whole, whole / 1000}

    write_in(code, read)


@pytest.mark.django_db
def test_a_warning_is_shown_in_the_pages_language_and_stored_in_english_too(client, line, several):
    german = {"accept-language": "de"}
    page = client.post("/", {"x": "50,5"}, follow=True, headers=german).content
    prediction = Prediction.objects.get()
    assert prediction.warnings == ["x: 50.5 is outside what the model has seen: 0.31 to 9.92"]
    assert prediction.warning_codes == [{"code": "outside_seen", "field": "x", "value": 50.5, "seen": [0.31, 9.92]}]
    [shown] = BeautifulSoup(page, "html.parser").select("ul.warnings li")
    assert shown.text == "x: 50,5 liegt außerhalb dessen, was das Modell gesehen hat: 0,31 bis 9,92"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "codes",
    [
        None,
        [{"code": "of_a_newer_build", "field": "x", "value": 1}],
        [{"code": "not_seen", "field": "gone", "value": 1}],
    ],
)
def test_a_warning_that_is_stored_as_a_sentence_alone_is_shown_as_it_is(client, line, several, codes):
    client.post("/", {"x": "50"})
    Prediction.objects.update(warning_codes=codes)
    address = Prediction.objects.get().get_absolute_url()
    assert (
        "50 is outside what the model has seen"
        in client.get(address, headers={"accept-language": "de"}).content.decode()
    )


@pytest.mark.django_db
def test_why_a_version_went_live_is_in_the_pages_language_where_its_decision_says_so(client, line, several):
    page = BeautifulSoup(client.get("/about/line/1/", headers={"accept-language": "de"}).content, "html.parser")
    assert page.select_one(".events bdi").text == "die erste Version"


@pytest.mark.django_db
def test_errors_are_in_the_pages_language_and_those_of_the_api_in_english(client, line, several):
    german = {"accept-language": "de"}
    page = client.post("/", {"x": "viel"}, headers=german)
    assert "„viel“ ist keine Zahl: Geben Sie eine Zahl" in page.content.decode()
    answer = client.post(
        "/api/v1/models/line/predict", {"inputs": {"x": "viel"}}, content_type="application/json", headers=german
    )
    assert answer.json()["error"]["fields"]["x"].startswith("“viel” is not a number: give a number")


BETTER = Decision(verdict="better", metric="mae", rows=1200, champion=3, gain=Interval(low=0.5, high=1.25))
IN_ENGLISH = "better than version 3: MAE gains on 1200 rows, 95 % interval 0.5 to 1.25"
IN_GERMAN = "besser als Version 3: Gewinn an MAE bei 1200 Zeilen, 95-%-Intervall 0,5 bis 1,25"


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (IN_ENGLISH, IN_GERMAN),
        (f"as requested: never; otherwise {IN_ENGLISH}", f"wie verlangt: nie; sonst {IN_GERMAN}"),
        ("better, as a former build wrote it", "better, as a former build wrote it"),
    ],
)
def test_a_decision_is_in_the_pages_language_where_its_figures_say_all_of_it(stored, shown):
    decision = replace(BETTER, reason=stored)
    assert show_reason(decision) == stored
    assert write_in("de", lambda: show_reason(decision)) == shown


def test_the_admins_own_words_are_in_the_pages_language(admin_client, line, several):
    german = {"accept-language": "de"}
    index = BeautifulSoup(admin_client.get("/admin/", headers=german).content, "html.parser")
    assert index.h1.text == "Verlauf und Versionen"
    assert {"Vorhersagen", "Versionen", "Ergebnisse", "Stilllegungen"} <= {
        each.text.strip() for each in index.select("th a")
    }
    admin_client.post("/", {"x": "50,5"}, headers=german)
    listed = admin_client.get("/admin/predictor/prediction/", headers=german).content.decode()
    assert "x = 50,5" in listed
    assert "liegt außerhalb dessen" in listed


def test_an_error_of_another_thread_is_in_the_language_of_whoever_reads_it():
    with use_language(ENGLISH):
        error = NoAnswer("too large")
    assert write_in("de", lambda: str(error)) != str(error)
