import re

import pytest
from django.contrib.staticfiles import finders

from mlsite.brand import find_image_origin
from predictor.checks.brand import check_accent_color, check_logo
from predictor.colours import DARK_PAPERS, LEAST_CONTRAST, LIGHT_PAPERS, lighten, measure_contrast
from predictor.web.brand import find_brand
from tests.conftest import ROOT, run_manage

STYLE = (ROOT / "static/site.css").read_text()
TOKENS = dict(re.findall(r"--([\w-]+): light-dark\((#\w+, #\w+)\);", STYLE))


def test_contrast_is_that_of_the_guidelines():
    assert measure_contrast("#000000", "#ffffff") == 21
    assert measure_contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", ["ink", "muted", "accent", "good", "warn", "bad", "own"])
def test_each_colour_of_text_can_be_read_in_both_themes(name):
    for colour, papers in zip(TOKENS[name].split(", "), (LIGHT_PAPERS, DARK_PAPERS), strict=True):
        for paper in papers:
            assert measure_contrast(colour, paper) >= LEAST_CONTRAST, (colour, paper)


def test_the_papers_that_colours_are_checked_on_are_those_of_the_style_sheet():
    pairs = [TOKENS[name].split(", ") for name in ("paper", "panel")]
    assert (*zip(*pairs, strict=True),) == (LIGHT_PAPERS, DARK_PAPERS)
    assert measure_contrast(*TOKENS["warn-ink"].split(", ")) > 4.5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("#ffcc00", "ACCENT_COLOR is #ffcc00 for the light theme, where its contrast is"),
        ("#23408e,#23408e", "ACCENT_COLOR is #23408e for the dark theme, where its contrast is"),
        ("red", "ACCENT_COLOR is 'red', which is not a colour"),
        ("#23408e,#a9bfff,#000000", "is not a colour"),
        ("#23408e; } body { color: red", "is not a colour"),
    ],
)
def test_an_accent_colour_that_cannot_be_read_is_refused(settings, given, message):
    settings.ACCENT_COLOR = given
    assert message in str([error.msg for error in check_accent_color()])


@pytest.mark.django_db
def test_the_accent_colour_is_in_the_only_style_sheet_and_brighter_in_the_dark_theme(client, line, settings):
    settings.ACCENT_COLOR = "#006644"
    assert list(check_accent_color()) == []
    [address] = re.findall(r'<link rel="stylesheet" href="(/site-[^"]+)">', client.get("/").content.decode())
    sheet = client.get(address)
    dark = lighten("#006644")
    assert f"--accent: light-dark(#006644, {dark}); --on-accent: light-dark(#ffffff, #10131c);" in sheet.text
    assert sheet.text.startswith(STYLE)
    assert min(measure_contrast(dark, paper) for paper in DARK_PAPERS) >= LEAST_CONTRAST
    assert "immutable" in sheet["Cache-Control"]
    assert client.get("/site-000000000000.css").status_code == 404


@pytest.mark.django_db
def test_name_logo_footer_and_links_are_on_every_page(client, settings):
    settings.SITE_NAME, settings.LOGO, settings.FOOTER_TEXT = "Ames & Co", "icon.svg", "<b>Ask us</b>"
    settings.IMPRINT_URL, settings.PRIVACY_URL = "/imprint", "https://example.com/privacy"
    page = client.get("/nothing/").content.decode()
    assert '<img src="/static/icon.svg" alt="Ames &amp; Co">' in page
    assert "&lt;b&gt;Ask us&lt;/b&gt;" in page
    assert '<a href="/imprint">Imprint</a>' in page
    assert '<a href="https://example.com/privacy">Privacy</a>' in page


@pytest.mark.parametrize(
    "logo", ["http://example.com/a.png", "nothing.svg", "../settings.py", "https:///a.png", "data:,"]
)
def test_a_logo_that_no_page_could_show_is_refused(settings, logo):
    settings.LOGO = logo
    [error] = check_logo()
    assert error.msg.startswith(f"LOGO is {logo!r}")


def test_only_the_host_of_the_logo_joins_the_content_security_policy():
    assert find_image_origin("https://cdn.example.com:8443/logo.svg; script-src *") == "https://cdn.example.com:8443"
    assert [find_image_origin(logo) for logo in ("", "icon.svg", "https://a b/", "https://x;y/")] == [""] * 4
    found = run_manage(
        "shell",
        "-c",
        "from django.conf import settings; print(settings.CONTENT_SECURITY_POLICY)",
        LOGO="https://cdn.example.com/logo.svg",
    )
    assert " img-src 'self' https://cdn.example.com;" in found.stdout


def test_a_site_without_settings_of_its_own_serves_the_collected_style_sheet():
    assert find_brand().style == "/static/site.css"
    assert finders.find("site.css")
