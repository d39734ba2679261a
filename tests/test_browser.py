"""What a person sees and does, in a real browser."""

import csv

import pytest

from predictor import jobs
from predictor.models import Outcome, Prediction, Version
from predictor.tasks import TASKS, carry_out
from tests.outcomes import read_log
from tests.recipes import write_recipe
from tests.test_written import RECIPE, make_rows
from tests.training import register_shipped, train

pytestmark = pytest.mark.browser

NARROW = {"width": 320, "height": 640}
PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
# The browser's own line for an answer that is meant to be one of these.
INTENDED = ("status of 401", "status of 404", "status of 413", "status of 422")


@pytest.fixture(scope="module")
def db(launched, committed_db):
    """Instead of pytest-django's own, which would wrap each test in a transaction."""


@pytest.fixture(scope="module")
def versions(db, shared_server):
    """What all tests of this module are served by: one that had versions of its own would wait for them."""
    register_shipped("line")
    register_shipped("penguins")
    shared_server.wait_until("/readyz").wait_until("/penguins/")


@pytest.fixture
def site(db, versions, shared_server):
    for model in (Outcome, Prediction):
        model.objects.all()._raw_delete("default")
    return shared_server.address


@pytest.fixture
def open_page(tabs, site):
    """Open a path of the site; at the end, fail on any word of the console's that was not to be expected."""
    complaints = []

    def complain(error):
        complaints.append(str(error))

    def open_path(path, viewport=DESKTOP, javascript=True, forgiven=()):
        def listen(message):
            is_expected = any(text in message.text for text in (*INTENDED, *forgiven))
            if message.type in ("error", "warning") and not is_expected:
                complaints.append(message.text)

        page = tabs.lend(viewport, javascript=javascript, console=listen, pageerror=complain)
        page.goto(site + path)
        return page

    yield open_path
    tabs.take_back()
    assert complaints == []


def press_until_focused(page, selector, key="Tab"):
    for _ in range(40):
        if page.locator(selector).evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{selector} cannot be reached with {key}")


def send_unchecked(page):
    """Send a form as a browser would that checks nothing itself."""
    page.locator("form.predict").evaluate("form => { form.noValidate = true }")
    page.click("button[type=submit]")


def press_predict(page):
    before = page.url
    page.click("form.predict button")
    page.wait_for_url(lambda address: "/predictions/" in address and address != before)
    page.wait_for_selector("h1.answer:focus")  # It comes a moment later, and takes what is typed until then.


def change_inputs(page):
    """Come to the form with the answer's inputs; htmx leaves the form next to its answer."""
    if not page.locator("form.predict").count():
        page.click(".actions a.button")
        page.wait_for_selector("form.predict")


def read_stored():
    return Prediction.objects.order_by("-id").values_list("inputs", "output")


either_way = pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
each_width = pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["360 px", "1280 px"])


def test_numbers_of_seven_digits_fit_a_phone(open_page, shared_server, tmp_path):
    folder = write_recipe(tmp_path, "price", RECIPE, make_rows())
    train(folder, "price")
    shared_server.wait_until("/price/")
    page = open_page("/price/", PHONE)
    page.fill("input[name=lot]", "12345.5")
    page.fill("input[name=built]", "2009")
    page.click("form.predict button")
    page.wait_for_url("**/predictions/*/")
    assert_fits(page)
    output = page.locator("output#prediction")
    assert output.evaluate("element => element.getClientRects().length") == 1
    # What charts are on that page is measured in tests/test_narrow.py.
    about = open_page("/about/price/", PHONE)
    assert about.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def assert_fits(page):
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    boxes = "elements => elements.map(element => element.getBoundingClientRect()).map(box => [box.left, box.right])"
    ends = [end for box in page.locator(".chart .tick.x").evaluate_all(boxes) for end in box]
    assert len(ends) >= 4
    assert ends == sorted(ends)
    frame = page.locator("svg.chart").bounding_box()
    assert ends[-1] <= frame["x"] + frame["width"]
    assert min(left for left, _ in page.locator(".chart .tick").evaluate_all(boxes)) >= frame["x"]


@either_way
@each_width
def test_the_line_is_asked_by_keyboard_alone(open_page, viewport, javascript):
    page = open_page("/", viewport, javascript)
    press_until_focused(page, "input[name=x]")
    page.keyboard.type("5.5")
    page.keyboard.press("Enter")
    page.wait_for_url("**/predictions/*/")

    prediction = Prediction.objects.get()
    assert prediction.inputs == {"x": 5.5}
    assert page.locator("output#prediction").inner_text() == str(prediction.written_output)
    assert page.locator("svg.chart .own").count() == 1
    assert page.title() == f"y: {prediction.written_output}"
    change_inputs(page)
    assert page.locator("form.predict input[name=x]").input_value() == "5.5"


@either_way
@each_width
def test_the_penguin_is_asked_by_keyboard_alone(open_page, viewport, javascript):
    page = open_page("/penguins/", viewport, javascript)
    press_until_focused(page, "select[name=island]")
    page.keyboard.type("Dream")
    for name, typed in [("bill_length_mm", "49.5"), ("bill_depth_mm", "19"), ("flipper_length_mm", "200")]:
        press_until_focused(page, f"input[name={name}]")
        page.keyboard.type(typed)
    press_until_focused(page, "input[name=year]")
    page.keyboard.type("2009")
    press_until_focused(page, "button[type=submit]")
    page.keyboard.press("Space")
    page.wait_for_url("**/predictions/*/")

    [(inputs, output)] = read_stored()
    assert (inputs["island"], inputs["bill_length_mm"], inputs["sex"], inputs["year"]) == ("Dream", 49.5, None, 2009)
    assert page.locator("output#prediction").inner_text() == output == "Chinstrap"


@either_way
def test_what_really_happened_is_recorded_and_corrected_by_keyboard_alone(open_page, site, admin_client, javascript):
    page = open_page("/penguins/", PHONE, javascript)
    session = admin_client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
    page.select_option("select[name=island]", "Dream")
    page.fill("input[name=year]", "2008")
    page.click("button[type=submit]")
    page.wait_for_url("**/predictions/*/")
    for typed in ("Gentoo", "Chinstrap"):
        press_until_focused(page, "select[name=outcome]")
        page.keyboard.type(typed)
        press_until_focused(page, "form.record button")
        page.keyboard.press("Enter")
        page.wait_for_selector(f".happened strong:has-text('{typed}')")
        assert page.locator("#happened").evaluate("element => element.getBoundingClientRect().top") < PHONE["height"]
    assert read_log() == [("Gentoo", "admin", None), ("Chinstrap", "admin", "Gentoo")]
    assert page.locator("#outcome tbody tr").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_queue_is_answered_by_typing_and_enter_alone(open_page, site, admin_client):
    line, penguins = map(Version.objects.find_live, ("line", "penguins"))
    rows = [(line, 5.0), (line, 6.0), (penguins, "Adelie")]
    for version, output in rows:
        Prediction.objects.create(version=version, inputs={}, output=output, duration_ms=1, source="api")
    page = open_page("/healthz", PHONE, False)
    page.context.add_cookies([{"name": "sessionid", "value": admin_client.cookies["sessionid"].value, "url": site}])
    page.goto(f"{site}/admin/predictor/prediction/queue/?model=line")
    for typed in ("7.5", "8.5"):
        page.wait_for_selector("[autofocus]:focus")
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        page.wait_for_selector(f".messagelist:has-text('Recorded: {typed}.')")
    page.wait_for_selector("#none")
    page.goto(f"{site}/admin/predictor/prediction/queue/?model=penguins")
    page.wait_for_selector("[autofocus]:focus")
    for key in ("Space", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.wait_for_selector("#none")
    assert [value for value, *_ in read_log()] == [7.5, 8.5, "Chinstrap"]


@either_way
def test_an_outcome_with_a_decimal_comma_is_recorded_as_it_was_typed(open_page, site, admin_client, javascript):
    page = open_page("/", PHONE, javascript)
    session = admin_client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
    page.fill("input[name=x]", "2")
    press_predict(page)
    page.locator("input[name=outcome]").press_sequentially("7,5")
    page.click("form.record button")
    page.wait_for_selector(".happened")
    prediction = Prediction.objects.get()
    page.goto(f"{site}/admin/predictor/outcome/add/?prediction={prediction.id}")
    page.fill("textarea[name=value]", "1,234")
    page.click("input[name=_save]")
    page.wait_for_selector(".errorlist")
    assert "“1,234” can be read in two ways: write 1234 or 1.234." in page.locator(".errorlist").all_inner_texts()
    assert page.locator("textarea[name=value]").input_value() == "1,234"
    assert read_log() == [(7.5, "admin", None)]


@either_way
def test_errors_appear_at_their_fields_and_the_rest_stays_typed(open_page, javascript):
    page = open_page("/penguins/", PHONE, javascript)
    page.fill("input[name=bill_length_mm]", "999")
    page.fill("input[name=bill_depth_mm]", "19")
    send_unchecked(page)
    page.wait_for_selector(".problems")

    wrong = page.locator("input[name=bill_length_mm]")
    assert wrong.get_attribute("aria-invalid") == "true"
    described = wrong.get_attribute("aria-describedby").split()
    assert "“999” is too large: the most allowed is 200." in [page.locator(f"#{id}").inner_text() for id in described]
    assert wrong.input_value() == "999"
    assert page.locator("input[name=bill_depth_mm]").input_value() == "19"
    assert not read_stored().exists()

    if javascript:
        assert page.locator(".problems").evaluate("element => element === document.activeElement")
    page.fill("input[name=bill_length_mm]", "49")
    page.fill("input[name=year]", "2008")
    page.select_option("select[name=island]", "Biscoe")
    page.click("button[type=submit]")
    page.wait_for_selector("output#prediction")
    assert len(read_stored()) == 1


@either_way
@each_width
def test_a_decimal_comma_arrives_as_it_was_typed(open_page, viewport, javascript):
    page = open_page("/", viewport, javascript)
    for typed in ("3,7", "−0,9", "1.234,5"):
        change_inputs(page)
        page.fill("form.predict input[name=x]", "")
        page.locator("form.predict input[name=x]").press_sequentially(typed)
        press_predict(page)
    assert [inputs["x"] for inputs, _ in read_stored()] == [1234.5, -0.9, 3.7]


@either_way
@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("1,234", "“1,234” can be read in two ways: write 1234 or 1.234."),
        ("1e", "“1e” is not a number"),
        ("--5", "“--5” is not a number"),
        ("1e400", "“1e400” is too large for a number here"),
        ("12 m", "“12 m” is not a number"),
    ],
)
def test_what_is_no_number_is_asked_back_as_it_was_typed(open_page, javascript, typed, message):
    page = open_page("/penguins/", PHONE, javascript)
    page.select_option("select[name=island]", "Dream")
    page.fill("input[name=year]", "2008")
    bill = page.locator("input[name=bill_length_mm]")
    bill.press_sequentially(typed)
    page.keyboard.press("Enter")
    page.wait_for_selector("p.wrong")
    assert message in page.locator("p.wrong").inner_text()
    assert bill.input_value() == typed
    assert bill.get_attribute("aria-invalid") == "true"
    assert page.locator("select[name=island]").input_value() == "Dream"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert not read_stored().exists()


# Names that a browser's form has for something else, a line end, and quotes.
AWKWARD = {"children": "3,5", "length": "4", "elements": "5", "action": "6", "id": "7", "a\nb": "8", 'a "b" & c': "9"}
TOWNS = [" Bonn", "Bonn", "Bad\nEms", 'a "b" <i>']


@pytest.fixture(scope="module")
def kinds(versions, shared_server, tmp_path_factory):
    """A model with an input of each kind, whose names and choices a browser might change."""
    names = ["town", "is_new", "is_sold", *AWKWARD]
    rows = [
        [
            TOWNS[i % 4],
            ["true", "false"][i % 2],
            ["", "true", "false"][i % 3],
            *(i + j / 2 + 0.25 for j in range(len(AWKWARD))),
        ]
        for i in range(60)
    ]
    folder = tmp_path_factory.mktemp("ml_models") / "kinds"
    folder.mkdir()
    with (folder / "data.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[*names, "y"], *([*row, i] for i, row in enumerate(rows))])
    estimator = 'class = "sklearn.ensemble.HistGradientBoostingRegressor"'
    text = f'title = "Kinds"\ntarget = "y"\ndata = "data.csv"\nholdout = 0\n[estimator]\n{estimator}\n'
    (folder / "model.toml").write_text(text)
    train(folder.parent, "kinds")
    shared_server.wait_until("/kinds/")


@either_way
def test_every_widget_sends_what_was_put_in_also_after_its_answer_filled_it(open_page, kinds, javascript):
    page = open_page("/kinds/", PHONE, javascript)
    for position, typed in enumerate(AWKWARD.values(), start=4):
        page.fill(f"#feature-{position}", typed)
    page.select_option("select[name=is_sold]", "false")
    rounds = list(zip(TOWNS, [False, True, True, False], strict=True))
    for town, is_new in rounds:
        change_inputs(page)
        page.select_option("form.predict select[name=town]", value=town)
        page.set_checked("form.predict input[name=is_new]", is_new)
        press_predict(page)
    given = {"is_sold": False, **{name: float(typed.replace(",", ".")) for name, typed in AWKWARD.items()}}
    stored = [inputs for inputs, _ in read_stored()]
    assert stored == [{**given, "town": town, "is_new": is_new} for town, is_new in reversed(rounds)]


@either_way
def test_all_that_was_put_in_stays_next_to_the_error_of_another_field(open_page, kinds, javascript):
    page = open_page("/kinds/", PHONE, javascript)
    page.fill("#feature-4", "1,234")
    page.select_option("select[name=town]", value="Bad\nEms")
    page.select_option("select[name=is_sold]", "true")
    page.check("input[name=is_new]")
    send_unchecked(page)
    page.wait_for_selector("p.wrong")
    assert page.locator("#feature-4").input_value() == "1,234"
    assert page.locator("select[name=town]").input_value() == "Bad\nEms"
    assert page.locator("select[name=is_sold]").input_value() == "true"
    assert page.locator("input[name=is_new]").is_checked()


@pytest.fixture(scope="module")
def days(versions, shared_server, tmp_path_factory):
    """A model with a date that may be missing, a date with a time in a zone, and a time."""
    folder = tmp_path_factory.mktemp("ml_models") / "days"
    folder.mkdir()
    rows = [f"2024-0{i % 9 + 1}-1{i % 10},2024-03-0{i % 9 + 1}T1{i % 10}:00Z,0{i % 10}:30,{i}" for i in range(60)]
    rows[0] = rows[0].replace("2024-01-10", "")
    (folder / "data.csv").write_text("\n".join(["day,start,clock,y", *rows, ""]))
    text = 'title = "Days"\ntarget = "y"\ndata = "data.csv"\nholdout = 0\n[features.start]\nzone = "Europe/Berlin"\n'
    (folder / "model.toml").write_text(text + '[estimator]\nclass = "sklearn.linear_model.Ridge"\n')
    train(folder.parent, "days")
    shared_server.wait_until("/days/")


@either_way
def test_dates_are_sent_as_they_were_put_in_also_after_their_answer_filled_them(open_page, days, javascript):
    page = open_page("/days/", PHONE, javascript)
    assert page.locator("#feature-2 + .unit").inner_text() == "Europe/Berlin"
    page.fill("input[name=day]", "2024-02-29")
    page.fill("input[name=start]", "2024-03-05T12:30:15")
    page.fill("input[name=clock]", "08:30")
    for _ in range(2):
        change_inputs(page)
        press_predict(page)
    inputs = {"day": "2024-02-29", "start": "2024-03-05T12:30:15+01:00", "clock": "08:30:00"}
    assert [each for each, _ in read_stored()] == [inputs, inputs]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@either_way
def test_a_date_that_is_half_filled_in_never_arrives_as_missing(open_page, days, javascript):
    page = open_page("/days/", DESKTOP, javascript)
    page.fill("input[name=start]", "2024-03-05T12:30")
    page.fill("input[name=clock]", "08:30")
    page.focus("input[name=day]")
    page.keyboard.type("0203")  # A month and a day, without a year.
    page.click("button[type=submit]")
    page.wait_for_selector("input[name=day]:invalid:focus")
    assert page.url.endswith("/days/")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.type("2024")
    press_predict(page)
    [(inputs, _)] = read_stored()
    assert inputs["day"] == "2024-02-03"


@either_way
def test_the_heading_of_an_answer_is_named_by_it(open_page, javascript):
    page = open_page("/", DESKTOP, javascript)
    page.fill("input[name=x]", "2")
    press_predict(page)
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    headings = [node["name"]["value"] for node in tree if node.get("role", {}).get("value") == "heading"]
    output = page.locator("output#prediction")
    assert f"y {output.inner_text()}" in headings
    assert output.get_attribute("data-value") == repr(read_stored()[0][1])


@either_way
def test_a_moment_arrives_as_it_was_typed(open_page, javascript):
    page = open_page("/about/line/", DESKTOP, javascript)
    page.fill("input[name=at]", "2026-03-01T12:30:07")
    page.click("form.moment button")
    page.wait_for_url("**at=2026-03-01T12*")
    assert page.locator("input[name=at]").input_value() == "2026-03-01T12:30:07"
    assert page.locator("#moment").inner_text() == "No version was live then."


def test_a_model_that_cannot_answer_leaves_the_form_as_it_was_typed(open_page):
    page = open_page("/", forgiven=["status of 403"])
    page.context.clear_cookies()
    page.fill("input[name=x]", "2")
    page.click("button[type=submit]")
    page.wait_for_selector("#notice h1")
    assert page.locator("input[name=x]").input_value() == "2"
    assert page.locator("#notice h1").evaluate("element => element === document.activeElement")


def test_the_answer_appears_in_place_and_its_address_can_be_reloaded_and_left(open_page, site):
    page = open_page("/")
    page.evaluate("window.stayed = true")
    page.fill("input[name=x]", "2")
    page.click("button[type=submit]")
    page.wait_for_url("**/predictions/*/")
    answer = page.locator("output#prediction").inner_text()
    assert page.evaluate("window.stayed")
    assert page.locator("h1.answer").evaluate("element => element === document.activeElement")

    page.reload()
    assert page.locator("output#prediction").inner_text() == answer
    page.go_back()
    page.wait_for_selector("h1:has-text('A straight line')")
    assert page.url == site + "/"
    assert len(read_stored()) == 1


@pytest.mark.parametrize(("viewport", "scheme"), [(NARROW, "light"), (DESKTOP, "dark")], ids=["320 px", "1280 px"])
def test_an_answer_can_be_used_by_keyboard_at_every_width(open_page, site, viewport, scheme):
    page = open_page("/penguins/", viewport)
    page.emulate_media(color_scheme=scheme)
    page.select_option("select[name=island]", "Biscoe")
    page.fill("input[name=year]", "2008")
    press_predict(page)
    page.goto(page.url)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert page.locator("h1.answer").evaluate("element => element === document.activeElement")
    assert page.locator(".given dl").is_visible() == (viewport is DESKTOP)
    press_until_focused(page, ".what-if a")
    page.keyboard.press("Enter")
    page.wait_for_selector("#trial:focus")
    press_until_focused(page, "input.slider[data-moves=try-2]")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#trial:has-text('A trial, not kept')")
    moved = page.locator("#try-2").input_value()
    assert moved == page.locator("input.slider[data-moves=try-2]").input_value()
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert len(read_stored()) == 1
    before = page.url
    press_until_focused(page, "form.try button.quiet")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: address != before)
    assert read_stored()[0][0]["bill_length_mm"] == float(moved)
    page.goto(f"{site}/predictions/")
    assert page.locator("ol.own li").count() == 2


def test_without_javascript_a_trial_is_made_and_kept(open_page):
    page = open_page("/", NARROW, javascript=False)
    page.fill("input[name=x]", "2")
    press_predict(page)
    page.click(".what-if a")
    assert page.locator("input.slider").is_hidden()
    page.fill("form.try input[name=x]", "3")
    page.click("text=Try")
    page.wait_for_selector("#trial:has-text('A trial, not kept')")
    assert len(read_stored()) == 1
    page.click("text=Keep this one")
    page.wait_for_url("**/predictions/*/")
    assert [inputs["x"] for inputs, _ in read_stored()] == [3, 2]


def test_the_link_of_an_answer_is_copied(open_page, site):
    page = open_page("/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.fill("input[name=x]", "2")
    press_predict(page)
    page.click("button[data-copy]")
    page.wait_for_selector("text=Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{site}{Prediction.objects.get().get_absolute_url()}"


def test_a_site_that_cannot_be_reached_says_so(open_page):
    page = open_page("/", forgiven=["net::ERR_INTERNET_DISCONNECTED", "htmx:sendError", "htmx:afterRequest"])
    assert page.locator("#unreachable").is_hidden()
    page.context.set_offline(True)
    page.fill("input[name=x]", "2")
    page.click("button[type=submit]")
    page.wait_for_selector("#unreachable", state="visible")

    page.context.set_offline(False)
    page.click("button[type=submit]")
    page.wait_for_selector("output#prediction")
    assert page.locator("#unreachable").is_hidden()


def test_an_operation_of_the_api_is_tried_with_a_key_that_is_kept_nowhere(open_page, site):
    page = open_page("/api/docs#predict_line")
    page.fill("#key", "mlsite_unknown")
    assert page.locator("#predict_line textarea").input_value()
    page.fill("#predict_line textarea", '{"inputs": {"x": 5}}')
    with page.expect_request("**/predict") as sent:
        page.click("#predict_line form button")
    assert sent.value.headers["authorization"] == "Bearer mlsite_unknown"
    page.fill("#key", "")
    page.click("#predict_line form button")
    page.wait_for_selector("#predict_line .status:has-text('200')")
    assert '"model": "line"' in page.inner_text("#predict_line .got")
    assert Prediction.objects.latest("id").inputs == {"x": 5.0}
    kept = "JSON.stringify([localStorage, sessionStorage, document.cookie, location.href, history.state])"
    page.fill("#key", "mlsite_unknown")
    assert "mlsite_unknown" not in page.evaluate(kept)


def test_without_scripts_the_page_of_the_api_is_readable_and_offers_no_form(open_page):
    page = open_page("/api/docs", javascript=False)
    page.click("#predict_line > summary")
    assert page.is_visible("#predict_line pre >> text=curl")
    assert not page.is_visible("#key")
    assert not page.is_visible("#predict_line form")


@each_width
def test_no_page_is_wider_than_the_screen(open_page, site, viewport):
    page = open_page("/", viewport)
    for path in ("/", "/penguins/", "/about/line/", "/about/penguins/", "/nothing/", "/api/docs#predict_penguins"):
        page.goto(site + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path


def test_the_admin_works_under_the_content_security_policy(open_page, site, django_user_model):
    django_user_model.objects.create_superuser("ada", password="a long one, for tests")
    page = open_page("/admin/")
    page.fill("input[name=username]", "ada")
    page.fill("input[name=password]", "a long one, for tests")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=History and versions")
    for table in ("prediction", "version", "promotion", "outcome"):
        page.goto(f"{site}/admin/predictor/{table}/")
    page.goto(f"{site}/admin/predictor/version/")
    page.check("tr:has-text('line 1') input.action-select")
    page.select_option("select[name=action]", "promote")
    page.fill("input[name=reason]", "to see it work")
    page.click("button[name=index]")
    assert page.locator(".messagelist").inner_text() == "Live already: line 1."


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
def test_a_file_is_uploaded_checked_scored_and_downloaded(open_page, site, tmp_path, javascript):
    file = tmp_path / "new.csv"
    file.write_text("note,x\nfirst,1.5\nsecond,many\n")
    page = open_page("/", PHONE, javascript=javascript)
    page.click("text=Score a file")
    page.set_input_files("#file", files=[{"name": "empty.csv", "mimeType": "text/csv", "buffer": b""}])
    page.click("form.upload button")
    page.wait_for_selector("#file_error:has-text('The file is empty')")
    page.set_input_files("#file", file)
    if javascript:
        page.locator("#file").evaluate("input => { input.dataset.most = 5 }")
        page.click("form.upload button")
        page.wait_for_selector("#file_size:has-text('The file is too large')")
        page.locator("#file").evaluate("input => { input.dataset.most = 500 }")
    page.click("form.upload button")
    page.wait_for_selector("h1:has-text('Check new.csv')")
    assert page.locator("section[aria-labelledby=first] tbody tr").count() == 1
    page.click("text=Score all rows")
    page.wait_for_selector("#state:has-text('It waits for a worker')")
    address = page.url
    page.goto(site)
    page.goto(address)
    follow(page, "#state:has-text('Done')", javascript)
    assert [prediction.inputs for prediction in Prediction.objects.all()] == [{"x": 1.5}]
    with page.expect_download() as download:
        page.click(".downloads a:has-text('CSV')")
    assert download.value.suggested_filename == "new-scored.csv"
    with download.value.path().open(newline="") as made:
        assert [(row["note"], bool(row["prediction"])) for row in csv.DictReader(made)] == [
            ("first", True),
            ("second", False),
        ]
    page.click("text=Write as Excel")
    page.wait_for_selector("text=The Excel file is being written.")
    follow(page, "a:has-text('Excel')", javascript)
    with page.expect_download() as download:
        page.click("a:has-text('Excel')")
    assert download.value.suggested_filename == "new-scored.xlsx"


def follow(page, selector, javascript):
    """Have a worker do what waits; the page shows it by itself or, without JavaScript, by its link."""
    held = jobs.take(TASKS, "a worker")
    carry_out(held.job.pk, held.lease)
    if not javascript:
        page.click("text=Reload")
    page.wait_for_selector(selector)
