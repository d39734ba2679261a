"""Every page on a small screen, with words of any length and in scripts that are written from right to left."""

import csv
import io
import json
import random
from datetime import timedelta
from itertools import combinations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from predictor.models import DataVersion, Job, KeptFile, Prediction, Promotion, Replay, Version
from predictor.monitoring.watch import store, watch
from predictor.schema.target import Target
from predictor.training.reports.figures import draw_figures
from tests.test_report import answer_classes, answer_regression
from tests.training import register_shipped, train

pytestmark = pytest.mark.browser

SMALL, LARGE = {"width": 320, "height": 640}, {"width": 1280, "height": 800}
WORD = "Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüssel"
ARABIC = "سعر البيع النهائي (تقديري) 123!"
TOWNS = [WORD * 3, ARABIC, "W" * 200, 'b "c" <i>']
NUMBER, CLASS = "r" * 50, "c" * 50
USER = "u" * 150

# What reaches beyond the screen, and cannot be scrolled to within a part of the page.
FIND_CUT_OFF = """() => {
    const isCutOff = element => {
        const box = element.getBoundingClientRect();
        const width = document.documentElement.clientWidth;
        const isHidden = box.width <= 1 || element.closest(".skip, .visually-hidden");
        if (isHidden || (box.left >= -0.5 && box.right <= width + 0.5)) return false;
        for (let around = element.parentElement; around; around = around.parentElement)
            if (["auto", "scroll"].includes(getComputedStyle(around).overflowX)) return false;
        return true;
    };
    return [...document.querySelectorAll("body *")].filter(isCutOff).map(element => element.outerHTML.slice(0, 80));
}"""
# Arabic text whose direction is not its own. An option cannot contain elements; a message may quote what was typed, and
# code goes from left to right.
FIND_UNDIRECTED = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement;
        const isExempt = parent.closest("option, svg title, .wrong, pre");
        const isDirected = parent.closest("bdi, [dir=auto], .unit, output");
        if (/[\\u0600-\\u06ff]/.test(walker.currentNode.data) && !isExempt && !isDirected)
            found.push(parent.outerHTML.slice(0, 80));
    }
    return found;
}"""
FIND_TEXTS_OUTSIDE = """() => {
    const frame = document.querySelector("svg").getBoundingClientRect();
    const isOutside = ({left, right, top, bottom}) =>
        left < frame.left || right > frame.right || top < frame.top || bottom > frame.bottom;
    const texts = [...document.querySelectorAll("svg text")];
    return texts.filter(text => isOutside(text.getBoundingClientRect())).map(text => text.textContent);
}"""


# Each chart: its name, its frame, and the boxes of its axes' titles and of its numbers.
MEASURE_CHARTS = """() => {
    const measure = element => {
        const {left, top, right, bottom} = element.getBoundingClientRect();
        return [left, top, right, bottom];
    };
    return [...document.querySelectorAll("svg.chart")].map(chart => [
        (chart.closest("figure").querySelector("h3") || chart.querySelector("title")).textContent.slice(0, 30),
        measure(chart),
        [...chart.parentElement.querySelectorAll(".axis")].map(measure),
        [...chart.querySelectorAll(".tick")].map(measure),
    ]);
}"""


# Where the minus and the digits of a negative number in an element begin.
PLACE_MINUS = """element => {
    element.textContent = "-0.25";
    const place = (start, end) => {
        const range = document.createRange();
        range.setStart(element.firstChild, start);
        range.setEnd(element.firstChild, end);
        return range.getBoundingClientRect().left;
    };
    return {minus: place(0, 1), digits: place(1, 5)};
}"""


# The colour of the page's text, and those of what charts draw.
FIND_FORCED = """() => {
    const style = element => getComputedStyle(element);
    const filled = [...document.querySelectorAll(".chart .point, .chart text:not(.current)")];
    const stroked = [...document.querySelectorAll(".chart .series:not(.dashed)")];
    const drawn = [...filled.map(each => style(each).fill), ...stroked.map(each => style(each).stroke)];
    return [style(document.body).color, drawn];
}"""


@pytest.fixture(scope="module")
def db(launched, committed_db):
    """Instead of pytest-django's own, which would wrap each test in a transaction."""


@pytest.fixture(scope="module")
def site(db, shared_server, tmp_path_factory):
    """A site with a regression and a classification whose every text is long or Arabic, and a staff member as such."""
    folder = tmp_path_factory.mktemp("ml_models")
    for slug in (NUMBER, CLASS):
        write_hostile_recipe(folder, slug)
        version = train(folder, slug)
        Promotion.objects.create(version=version, previous=version, promoted_by=USER, reason="z" * 500)
        add_candidate(version)
    register_shipped("line")
    register_shipped("penguins")
    get_user_model().objects.create_superuser(USER, first_name="f" * 150, last_name="l" * 150)
    for path in (f"/{NUMBER}/", f"/{CLASS}/", "/penguins/", "/readyz"):
        shared_server.wait_until(path)
    return shared_server.address


def add_candidate(version):
    """A second version with other inputs, which answered stored predictions again."""
    schema, town = version.schema, version.schema["features"][2]
    first = {**schema["features"][0], "unit": ARABIC, "choices": [], "maximum": 1e12}
    added = {**town, "name": "n" * 50, "label": "L" * 100}
    names = [field.attname for field in Version._meta.concrete_fields if field.name not in ("id", "number", "schema")]
    copied = {name: getattr(version, name) for name in names}
    features = [first, *schema["features"][1:], added]
    candidate = Version.objects.create(number=2, schema={**schema, "features": features}, **copied)
    is_class = bool(version.target.classes)
    group = {"rows": 1234567, "changed": 1234567, **({} if is_class else {"mean_change": -1234567.0, "mean_size": 9e9})}
    names = [feature["name"] for feature in features]
    result = {
        **{
            "asked": 10,
            "rows": 9_999_999,
            "since": "2026-01-01T00:00",
            "until": "2026-02-01T00:00",
            "changed": 9_999_999,
        },
        **{"versions": {"1": 9_999_999}, "with_interval": 5, "outside": 5, "refused": 3, "unanswered": 7},
        "quantiles": [] if is_class else [[share, 1e7 * share] for share in (0.0, 0.05, 0.5, 0.95, 1.0)],
        "moves": [{"old": TOWNS[0], "new": TOWNS[2], "rows": 1_000_000}] if is_class else [],
        "groups": [{**group, "feature": names[0], "low": 1.5}, {**group, "feature": names[2], "value": TOWNS[0]}],
        "refusals": [{"feature": names[5], "code": "missing", "problem": "q" * 300, "rows": 7}],
    }
    Replay.objects.create(version=candidate, result=result)


def write_hostile_recipe(folder, slug):
    columns = [WORD + "w", "x", "town", ARABIC, "is_new"]
    target = "t" * 100
    is_class = slug == CLASS
    estimator = "ensemble.RandomForestClassifier" if is_class else "linear_model.LinearRegression"
    described = {
        columns[0]: {"label": WORD, "unit": WORD, "help": "h" * 200},
        "x": {"label": ARABIC, "unit": "ريال سعودي", "help": ARABIC},
        "town": {"label": WORD * 3},
        target: {"label": WORD if is_class else ARABIC} | ({} if is_class else {"unit": WORD}),
    }
    texts = {"title": WORD * 3, "description": f"{ARABIC} https://example.org/{'q' * 300}", "target": target}
    lines = [f"{name} = {json.dumps(text)}" for name, text in (texts | {"data": "data.csv"}).items()]
    lines += ["show_data = true", "[estimator]", f'class = "sklearn.{estimator}"']
    if is_class:
        lines += ["[tune]", "params = { n_estimators = [3, 5], max_depth = [3, 4] }"]
    for column, texts in described.items():
        lines += [f"[features.{json.dumps(column)}]", *(f"{key} = {json.dumps(text)}" for key, text in texts.items())]
    (folder / slug).mkdir()
    (folder / slug / "model.toml").write_text("\n".join(lines))
    with (folder / slug / "data.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[*columns, target], *make_rows(is_class)])


def make_rows(is_class):
    drawn = random.Random(0)  # noqa: S311  # Of test data.
    for i in range(300):
        width, x = round(drawn.uniform(-1e7, 1e7), 2), round(drawn.uniform(1e5, 9e5), 1)
        value = TOWNS[2 * (width > 0) + (x > 5e5)] if is_class else round(5e6 + width * 0.3 + drawn.gauss(0, 2e5), 2)
        yield [width, x, TOWNS[i % 4], ["true", "false", ""][i % 3], ["true", "false"][i % 2], value]


@pytest.fixture
def open_page(tabs, site):
    """Open a path of the site on a small screen, as that staff member where `staff` says so."""

    def open_path(path, viewport=SMALL, staff=False, theme="light"):
        page = tabs.lend(viewport, theme)
        if staff:
            client = Client()
            client.force_login(get_user_model().objects.get(username=USER))
            session = client.cookies["sessionid"].value
            page.context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
        page.goto(site + path)
        return page

    yield open_path
    tabs.take_back()


def assert_fits(page, directed=True):
    shown = page.evaluate("decodeURI(location.pathname + location.search).slice(0, 80)")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], shown
    assert (shown, page.evaluate(FIND_CUT_OFF)) == (shown, [])
    if directed:
        assert (shown, page.evaluate(FIND_UNDIRECTED)) == (shown, [])


def predict(page, typed=("-98765432.25", "1234567.5")):
    page.locator("form.predict").evaluate("form => { form.noValidate = true }")
    for position, text in enumerate(typed, start=1):
        page.fill(f"#feature-{position}", text)
    page.select_option("#feature-3", index=1)
    page.click("form.predict button")


each_width = pytest.mark.parametrize("viewport", [SMALL, LARGE], ids=["320 px", "1280 px"])
each_model = pytest.mark.parametrize("slug", [NUMBER, CLASS, "line", "penguins"], ids=lambda slug: slug[:8])


@each_width
@each_model
def test_the_pages_of_a_model_fit_the_screen_whatever_its_recipe_contains(open_page, slug, viewport):
    page = open_page(f"/{slug}/", viewport)
    assert_fits(page)
    about = f"/about/{slug}/"
    for path in (f"{about}?at=2026-01-01T00:00", f"{about}?at={'q' * 300}", f"{about}1/", f"{about}compare/"):
        page.goto(page.evaluate("location.origin") + path)
        assert_fits(page)


@each_width
@pytest.mark.parametrize("slug", [NUMBER, CLASS], ids=["regression", "classification"])
def test_a_prediction_and_its_outcomes_fit_the_screen(open_page, slug, viewport):
    page = open_page(f"/{slug}/", viewport, staff=True)
    predict(page)
    page.wait_for_selector("output#prediction")
    assert_fits(page)
    if slug == CLASS:
        page.select_option("[name=outcome]", value=TOWNS[0])
    else:
        page.fill("[name=outcome]", "9" * 500)
        page.click("form.record button")
        page.wait_for_selector(".problems")
        assert_fits(page)
        page.fill("[name=outcome]", "-123456789012345.25")
    page.click("form.record button")
    page.wait_for_selector(".happened")
    assert_fits(page)
    answer = Prediction.objects.first()
    reasons = ("reasons/", "curve/?input=x", "curve/?input=town")
    for path in ("try/", *reasons, "api/", "compare/", f"compare/{answer.id}/", "../"):
        page.goto(page.evaluate("location.origin") + answer.get_absolute_url() + path)
        assert_fits(page)


@pytest.mark.parametrize(("viewport", "theme"), [(SMALL, "dark"), (LARGE, "light")], ids=["320 px", "1280 px"])
def test_axe_finds_nothing_on_pages_of_the_site_and_our_own_of_the_admin(open_page, site, viewport, theme):
    page, checked = open_page("/penguins/", viewport, staff=True, theme=theme), []
    page.get_by_role("link", name="A typical case").click()
    page.wait_for_function("document.querySelector('form.predict input[type=text]').value")
    checked += find_violations(page)
    page.click("form.predict button")
    page.wait_for_selector("output#prediction")
    checked += find_violations(page)
    answer = Prediction.objects.first()
    own = [
        "",
        "try/",
        "reasons/",
        "curve/?input=year",
        "curve/?input=island",
        "api/",
        "compare/",
        f"compare/{answer.id}/",
    ]
    version = Version.objects.get(model=NUMBER, number=2)
    tables = [f"predictor/{table}/" for table in ("prediction", "version", "promotion", "outcome")]
    paths = ["/models/", "/line/?x=abc", "/about/penguins/", f"/about/{NUMBER}/compare/", "/nothing/", "/predictions/"]
    paths += [answer.get_absolute_url() + path for path in own]
    asked = [f"{tables[1]}{version.pk}/{what}/" for what in ("promote", "retrain", "replay")]
    paths += [f"/admin/{path}" for path in ("", *tables, *asked, *list_table_pages())]
    reviewed = ["?model=penguins&error_above=x", "queue/?model=penguins", f"{answer.id}/change/?model=penguins"]
    paths += [f"/admin/{tables[0]}{path}" for path in reviewed]
    store("penguins", watch("penguins", timedelta(days=7), timezone.now()))
    paths += ["/admin/predictor/version/quality/penguins/", "/api/docs#predict_penguins"]
    for path in paths:
        page.goto(site + path)
        checked += find_violations(page)
    assert checked == []


def list_table_pages():
    """The pages of uploaded tables, one of which has long names and numbers."""
    file = KeptFile.objects.create(name=f"{'W' * 190}.csv", made_by="w" * 150, size=49_999_999, is_whole=True)
    described = {"rows": 1_234_567, "columns": [WORD, ARABIC, "W" * 200], "made_by": "w" * 150}
    table, _ = DataVersion.objects.get_or_create(model=NUMBER, sha256="a" * 64, defaults={"file": file, **described})
    return ["predictor/dataversion/", *(f"predictor/dataversion/{table.pk}/{page}/" for page in ("change", "discard"))]


def find_violations(page):
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    shown = page.evaluate("decodeURI(location.pathname).slice(0, 80)")
    return [(shown, each["id"], node["html"][:120]) for each in found for node in each["nodes"]]


@pytest.mark.parametrize(("viewport", "theme"), [(SMALL, "dark"), (LARGE, "light")], ids=["320 px", "1280 px"])
def test_the_pages_of_a_file_fit_the_screen_and_axe_finds_nothing_on_them(open_page, viewport, theme):
    page = open_page(f"/{NUMBER}/file/", viewport, theme=theme)
    found = check_page(page)
    header = [WORD + "w", "x", "town", "is_new", "ü" * 100, f"{ARABIC} 2"]
    upload(page, [["a"], [1]])
    page.wait_for_selector(".problems")
    found += check_page(page)
    upload(page, [header, *[["9" * 300, ARABIC * 3, "W" * 200, "maybe", WORD * 9, ARABIC]] * 3])
    page.wait_for_selector("#start")
    found += check_page(page)
    page.click("form.start button")
    page.wait_for_selector("#job")
    found += check_page(page)
    job, kept = Job.objects.latest("id"), KeptFile.objects.latest("id")
    errors = {f"not_a_number/{WORD * 3}": 1_234_567, f"missing/{ARABIC}": 7}
    result = {
        "file": str(kept.pk),
        "rows": 9_999_999,
        "refused": 1_234_567,
        "errors": errors,
        "version": 1,
        "newer": 12,
    }
    states = [{"state": "running", "done": 1_234_567, "total": 9_999_999}, {"state": "failed", "error": WORD * 20}]
    for values in [*states, {"state": "done", "result": result, "error": ""}]:
        Job.objects.filter(pk=job.pk).update(**values)
        page.reload()
        found += check_page(page)
    assert found == []


def check_page(page):
    assert_fits(page)
    return find_violations(page)


def upload(page, rows):
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    file = {"name": f"{WORD}.csv", "mimeType": "text/csv", "buffer": written.getvalue().encode()}
    page.set_input_files("#file", files=[file])
    page.click("form.upload button")


@pytest.mark.parametrize("typed", ["9" * 3000, "x" * 3000, ARABIC * 20], ids=["digits", "letters", "Arabic"])
def test_the_errors_of_a_form_fit_the_screen_whatever_was_typed(open_page, typed):
    page = open_page(f"/{NUMBER}/")
    predict(page, [typed, typed])
    page.wait_for_selector(".problems")
    assert_fits(page)


def test_the_pages_of_errors_fit_the_screen(open_page, site):
    page = open_page(f"/{'n' * 300}/")
    assert_fits(page)
    page.goto(site + f"/{NUMBER}/")
    page.context.clear_cookies()
    predict(page)
    page.wait_for_selector("#notice h1")
    assert_fits(page)


@each_width
def test_no_page_of_the_admin_is_wider_than_the_screen(open_page, site, viewport):
    page = open_page(f"/{NUMBER}/", viewport, staff=True)
    predict(page)
    page.wait_for_selector("form.record")
    page.fill("[name=outcome]", "-123456789012345.25")
    page.click("form.record button")
    page.wait_for_selector(".happened")
    version, prediction = Version.objects.get(model=NUMBER, number=1), Prediction.objects.first()
    tables = ["prediction", "version", "promotion", "outcome"]
    one = {"prediction": prediction, "version": version, "promotion": version.promotions.first()}
    one["outcome"] = prediction.outcomes.first()
    paths = ["", "password_change/", "auth/user/", f"predictor/prediction/?q={'s' * 300}", "predictor/nothing/"]
    paths += [f"predictor/prediction/queue/?model={CLASS}", f"predictor/prediction/?model={NUMBER}&since={'s' * 300}"]
    asked = [f"predictor/version/{version.pk}/{what}/" for what in ("retrain", "replay")]
    paths += [f"predictor/version/{version.pk + 1}/promote/", *asked, *list_table_pages()] + [
        f"predictor/{table}/" for table in tables
    ]
    paths += [f"predictor/{table}/{one[table].pk}/{page}/" for table in tables for page in ("change", "history")]
    for path in paths:
        page.goto(f"{site}/admin/{path}")
        assert_fits(page, directed=False)
    page.goto(f"{site}/admin/predictor/outcome/add/?prediction={prediction.id}")
    page.fill("textarea[name=value]", "q" * 500)
    page.click("input[name=_save]")
    page.wait_for_selector(".errorlist")
    assert_fits(page, directed=False)


def test_the_pages_to_sign_in_fit_the_screen(open_page):
    for path, problem in (("/admin/login/", ".errornote"), ("/sign-in/", ".problems")):
        page = open_page(path)
        page.fill("input[name=username]", "u" * 150)
        page.fill("input[name=password]", "wrong")
        page.keyboard.press("Enter")
        page.wait_for_selector(problem)
        assert_fits(page, directed=False)


@each_width
@pytest.mark.parametrize("slug", [NUMBER, CLASS], ids=["regression", "classification"])
def test_the_titles_of_a_charts_axes_are_whole_and_its_numbers_are_inside_and_apart(open_page, slug, viewport):
    page = open_page(f"/about/{slug}/", viewport)
    titles = page.locator(".plot > figure .axis").all_inner_texts()
    assert titles == [f"{ARABIC} ({WORD if slug == NUMBER else 'ريال سعودي'})", f"{WORD} ({WORD})"]
    charts = page.evaluate(MEASURE_CHARTS)
    assert len(charts) == 4
    for name, frame, titles, ticks in charts:
        assert len(ticks) >= (2 if name.startswith("When") else 4), name
        assert all(is_inside(box, frame) for box in ticks), name
        assert not [(one, two) for one, two in combinations([*titles, *ticks], 2) if do_meet(one, two)], name


def test_a_page_from_right_to_left_fits_the_screen_and_its_numbers_run_from_left_to_right(open_page):
    page = open_page("/about/penguins/", SMALL)
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert_fits(page)
    for name, frame, titles, ticks in page.evaluate(MEASURE_CHARTS):
        assert all(is_inside(box, frame) for box in ticks), name
        assert not [(one, two) for one, two in combinations([*titles, *ticks], 2) if do_meet(one, two)], name
    negative = page.locator("td.number").first.evaluate(PLACE_MINUS)
    assert negative["minus"] < negative["digits"]
    assert page.locator("h1").evaluate("title => getComputedStyle(title).textAlign") == "right"


def test_charts_take_the_colours_that_a_visitor_forces_on_pages(open_page):
    page = open_page("/about/penguins/", SMALL)
    page.emulate_media(forced_colors="active")
    ink, drawn = page.evaluate(FIND_FORCED)
    assert len(drawn) >= 3
    assert set(drawn) == {ink}


def is_inside(box, frame):
    (left, top, right, bottom), (frame_left, frame_top, frame_right, frame_bottom) = box, frame
    return frame_left <= left and right <= frame_right and frame_top <= top and bottom <= frame_bottom


def do_meet(one, two):
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def test_a_model_page_is_read_by_keyboard_from_its_own_menu_on(open_page):
    page = open_page("/about/line/", LARGE)
    page.locator("nav.within a", has_text="Versions").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "versions"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") in ("A", "SUMMARY")
    page.keyboard.press("Enter")
    assert page.locator("#versions ~ .two-columns details[open], h1:has-text('version 1')").count() == 1


LABELS = {"long": WORD, "capitals": "W" * 30, "ideographs": "年収の予測値と実際の値の差額合計", "Arabic": ARABIC}


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("size", [1.0, 1e13])
def test_no_text_of_a_regressions_figures_is_cut_off(tabs, label, size):
    target = Target(name="y", label=label, unit=label, task="regression")
    assert_drawn_whole(tabs, target, answer_regression(200, scale=size))


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("classes", [3, 6, 20])
def test_no_text_of_a_classifications_figures_is_cut_off(tabs, label, classes):
    labels = tuple(f"{label}{number}" for number in range(classes))
    target = Target(name="y", label=label, task="classification", classes=labels)
    assert_drawn_whole(tabs, target, answer_classes(300, classes))


def assert_drawn_whole(tabs, target, evaluation):
    drawn = draw_figures(target, evaluation, show_data=True, seed=0).drawings
    assert drawn
    page = tabs.lend(LARGE)
    for drawing in drawn:
        page.set_content(drawing.svg)
        assert page.locator("svg text").count() > 4
        assert (drawing.name, page.evaluate(FIND_TEXTS_OUTSIDE)) == (drawing.name, [])
    tabs.take_back()
