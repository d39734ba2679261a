"""The shell of all pages and the form, in a real browser: at every width, in both themes, by keyboard, without
JavaScript."""

import pytest

from predictor.models import Prediction, Promotion, Version
from tests.test_browser import press_until_focused
from tests.test_narrow import FIND_CUT_OFF, FIND_UNDIRECTED
from tests.training import register_shipped
from tests.wide import LONG, register_wide

pytestmark = pytest.mark.browser

MODELS = 22
MOST_REQUESTS = 6
DESK = 1024
MEASURE_SHIFT = """() => new Promise(resolve => {
    let shift = 0;
    new PerformanceObserver(list => list.getEntries().forEach(each => { shift += each.value; }))
        .observe({type: "layout-shift", buffered: true});
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(shift)));
})"""


@pytest.fixture(scope="module")
def db(launched, committed_db):
    """Instead of pytest-django's own, which would wrap each test in a transaction."""


@pytest.fixture(scope="module")
def site(db, shared_server, tmp_path_factory):
    """A site with the wide model, and so many others that nobody looks through them."""
    register_wide(tmp_path_factory.mktemp("ml_models"))
    line = register_shipped("line")
    for number in range(MODELS - 2):
        line.pk, line.model, line.title = None, f"line_{number}", f"Line {number} {LONG}"
        line.save(force_insert=True)
        Promotion.objects.create(version=line, promoted_by="tests", reason="a copy")
    shared_server.wait_until("/readyz").wait_until("/wide/")
    return shared_server.address


@pytest.fixture
def open_page(launched, site):
    contexts, complaints = [], []

    def open_path(path, width=1280, theme="light", javascript=True):
        viewport = {"width": width, "height": 800}
        contexts.append(launched.new_context(viewport=viewport, color_scheme=theme, java_script_enabled=javascript))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text) if is_fault(message) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.requested = []
        page.on("request", lambda request: page.requested.append(request.url))
        page.goto(site + path)
        return page

    yield open_path
    for context in contexts:
        context.close()
    assert complaints == []


def is_fault(message):
    return message.type == "error" and "status of 422" not in message.text


def assert_fits(page):
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert page.evaluate(FIND_CUT_OFF) == []
    assert page.evaluate(FIND_UNDIRECTED) == []


def read_fields(page):
    fields = page.locator("form.predict [name]:not([type=hidden])")
    return fields.evaluate_all("fields => fields.map(field => field.type === 'checkbox' ? field.checked : field.value)")


@pytest.mark.parametrize(("width", "theme"), [(320, "light"), (360, "dark"), (1280, "dark"), (1920, "light")])
def test_the_answer_comes_to_its_inputs_and_back_shows_them_again(open_page, width, theme):
    page = open_page("/wide/", width, theme)
    assert page.evaluate(MEASURE_SHIFT) == 0
    assert len(page.requested) <= MOST_REQUESTS
    assert_fits(page)
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("document.documentElement.dir = 'ltr'")

    press_until_focused(page, "a.fill >> nth=0")
    page.keyboard.press("Enter")
    page.fill("input[name=measure_0]", "99,5")
    assert page.locator(".seen.outside").count() == 1
    sent = read_fields(page)
    assert all(text != "" for text in sent)
    page.keyboard.press("Enter")
    page.wait_for_selector("h1.answer:focus")
    page.wait_for_url("**/predictions/*/")
    assert read_fields(page) == sent
    form, answer = (page.locator(part).bounding_box() for part in ("form.predict", "#answer"))
    is_beside = answer["x"] >= form["x"] + form["width"] and answer["y"] < form["y"] + form["height"]
    assert is_beside == (width >= DESK)
    assert answer["x"] + answer["width"] <= width

    page.go_back()
    page.wait_for_selector("#answer .empty")
    assert page.url.endswith("/wide/")
    assert read_fields(page) == sent


def test_without_javascript_the_form_is_filled_in_sent_and_shown_again_by_back(open_page):
    page = open_page("/wide/", 360, javascript=False)
    assert page.locator("#theme").is_hidden()
    press_until_focused(page, "a.fill >> nth=0")
    page.keyboard.press("Enter")
    page.wait_for_url("**/wide/?*")
    page.fill("input[name=measure_0]", "99,5")
    sent = read_fields(page)
    page.keyboard.press("Enter")
    page.wait_for_selector("output#prediction")
    page.go_back()
    page.wait_for_selector(".fillings")
    assert read_fields(page) == sent


def test_a_model_is_found_among_many_by_keyboard(open_page):
    page = open_page("/wide/", 360)
    press_until_focused(page, ".switcher summary")
    page.keyboard.press("Enter")
    page.wait_for_selector(".switcher nav", state="visible")
    assert page.locator(".switcher li").count() == MODELS
    assert_fits(page)
    page.keyboard.press("Tab")
    page.keyboard.type("straight")
    assert page.locator(".switcher li:visible").all_inner_texts() == ["A straight line"]
    page.keyboard.press("Escape")
    assert page.locator(".switcher nav").is_hidden()
    assert page.locator(".switcher summary").evaluate("element => element === document.activeElement")

    plain = open_page("/wide/", 320, javascript=False)
    plain.click(".switcher summary")
    assert plain.locator(".switcher input").is_hidden()
    plain.click(".switcher li a >> nth=0")
    plain.wait_for_selector("h1:has-text('A straight line')")


def test_the_chosen_theme_stays_and_is_there_before_the_page_is_painted(open_page, site):
    def find_paper():
        return page.evaluate("getComputedStyle(document.documentElement).backgroundColor")

    page = open_page("/models/", 1280, "light")
    light = find_paper()
    page.select_option("#theme", "dark")
    dark = find_paper()
    assert dark != light
    # What is known of the theme at the first moment at which the body is there.
    page.add_init_script(
        "new MutationObserver(() => { if (document.body) window.first ??= document.documentElement.dataset.theme; })"
        ".observe(document, {childList: true, subtree: true})"
    )
    page.goto(f"{site}/wide/")
    assert page.evaluate("window.first") == "dark"
    assert (find_paper(), page.locator("#theme").input_value()) == (dark, "dark")
    page.select_option("#theme", "")
    page.reload()
    assert find_paper() == light
    page.emulate_media(color_scheme="dark")
    assert find_paper() == dark
    # As the admin, on the same host, calls the system's.
    page.evaluate("localStorage.setItem('theme', 'auto')")
    page.reload()
    assert (find_paper(), page.locator("#theme").input_value()) == (dark, "")


@pytest.mark.parametrize("width", [320, 1920])
def test_the_home_page_fits_the_screen(open_page, width):
    page = open_page("/models/", width)
    assert page.locator(".card").count() == MODELS == Version.objects.values("model").distinct().count()
    assert_fits(page)
    assert page.evaluate(MEASURE_SHIFT) == 0


def test_the_link_of_an_error_leads_to_its_field(open_page):
    page = open_page("/wide/", 360)
    page.click("a.fill >> nth=0")
    page.fill("input[name=measure_1]", "1,2,3")
    page.locator("form.predict").evaluate("form => { form.noValidate = true }")
    page.click("form.predict button")
    page.wait_for_selector(".problems:focus")
    press_until_focused(page, ".problems a")
    page.keyboard.press("Enter")
    assert page.locator("input[name=measure_1]").evaluate("element => element === document.activeElement")
    assert_fits(page)
    assert not Prediction.objects.filter(inputs__measure_1=1.0).exists()


def test_the_home_page_does_not_move_while_it_arrives_in_parts(open_page, site):
    page = open_page("/models/", 1920)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    slow = {"offline": False, "latency": 5, "downloadThroughput": 20_000, "uploadThroughput": 1e6}
    devtools.send("Network.emulateNetworkConditions", slow)
    page.goto(f"{site}/models/")
    assert page.evaluate(MEASURE_SHIFT) == 0


def test_a_slow_device_paints_a_page_once_all_of_it_is_there(open_page, site):
    page = open_page("/models/", 1920)
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 20})
    page.add_init_script(
        "new MutationObserver(() => { if (document.querySelector('#foot')) window.complete ??= performance.now(); })"
        ".observe(document, {childList: true, subtree: true})"
    )
    page.goto(f"{site}/wide/")
    assert page.evaluate(MEASURE_SHIFT) == 0
    first = "performance.getEntriesByName('first-paint')[0]"
    page.wait_for_function(first)
    assert page.evaluate(f"{first}.startTime >= window.complete")
