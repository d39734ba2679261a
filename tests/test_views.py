from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from predictor.models import Artifact, Prediction
from predictor.schema.kinds import make_feature
from predictor.serving.service import service
from predictor.web.forms import make_widget
from tests.test_predict_journey import PENGUIN
from tests.training import register_shipped, train

pytestmark = pytest.mark.django_db


def send_raw(client, path, body):
    return client.post(path, data=body, content_type="application/x-www-form-urlencoded")


def test_the_form_is_built_from_the_schema(client, penguins):
    page = BeautifulSoup(client.get("/penguins/").content, "html.parser")
    bill = page.select_one("input[name=bill_length_mm]")
    assert (bill["type"], bill["inputmode"]) == ("text", "decimal")
    form = page.select_one("form.predict")
    assert (form["autocapitalize"], form["autocorrect"], form["spellcheck"]) == ("none", "off", "false")
    assert page.select_one(f"label[for={bill['id']}]").text == "Bill length optional"
    assert page.select_one(f"#{bill['aria-describedby']}").text.strip() == "Seen in training: 32.1 to 55.9\u00a0mm."
    assert page.select_one("input[name=bill_length_mm] + .unit").text == "mm"
    assert page.select_one("input[name=year]")["type"] == "text"
    assert page.select_one("select[name=island]").has_attr("required")
    assert [option["value"] for option in page.select("select[name=sex] option")] == ["", "female", "male"]
    assert "Where the penguin was observed." in page.text


def test_the_default_model_is_a_setting(client, line, penguins, settings):
    assert '<h1 dir="auto">A straight line</h1>' in client.get("/").content.decode()
    settings.DEFAULT_MODEL = "penguins"
    assert '<h1 dir="auto">Palmer penguins</h1>' in client.get("/").content.decode()


def test_a_small_navigation_leads_between_the_models(client, line, penguins):
    page = client.get("/line/").content.decode()
    assert '<a href="/line/" aria-current="page">A straight line</a>' in page
    assert '<a href="/penguins/">Palmer penguins</a>' in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "A value is needed: give a number such as"),
        ("abc", "“abc” is not a number"),
        ("NaN", "“NaN” is not a number"),
        ("infinity", "“infinity” is not a number"),
        ("-inf", "“-inf” is not a number"),
        ("1e400", "“1e400” is too large"),
        ("1_0", "“1_0” is not a number"),
        ("٣", "“٣” is not a number"),
        ("0x10", "“0x10” is not a number"),
        ("1,234", "“1,234” can be read in two ways: write 1234 or 1.234."),
        ("1,2,3", "“1,2,3” is not a number"),
        ("5\x00", "“5\\x00” is not a number"),
    ],
)
def test_wrong_numbers_are_refused_with_what_was_typed_and_nothing_is_stored(client, line, typed, said):
    response = client.post("/", {"x": typed})
    page = response.content.decode()
    assert response.status_code == 422
    assert said in page
    assert 'id="feature-1_error"' in page
    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="feature-1_helptext feature-1_error"' in page
    assert f'value="{typed}"' in page or not typed
    assert not Prediction.objects.exists()


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("bill_length_mm", "-1", "“-1” is too small: the least allowed is 0"),
        ("bill_length_mm", "201", "“201” is too large: the most allowed is 200"),
        ("island", "Atlantis", "“Atlantis” is not a choice: give one of “Biscoe”, “Dream”, “Torgersen”"),
        ("year", "2008.5", "“2008.5” is not a whole number"),
        ("sex", "male\x00", "“male\\x00” is not a choice"),
    ],
)
def test_wrong_penguins_are_refused_at_their_field(client, penguins, field, typed, said):
    response = client.post("/penguins/", {**PENGUIN, field: typed})
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not Prediction.objects.exists()


def test_every_wrong_field_is_named_at_once_and_the_right_ones_are_kept(client, penguins):
    page = client.post("/penguins/", {**PENGUIN, "island": "", "year": "x"}).content.decode()
    assert "2 problems to fix." in page
    assert 'value="15.2"' in page


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("x=1&z=2", "There is no field “z” in this model; it has x."),
        ("x=1&x=2", "This field was sent more than once"),
        ("x=1&x=1", "This field was sent more than once"),
        ("x=1&%00=2", "There is no field “\\x00”"),
    ],
)
def test_unknown_and_doubled_fields_are_refused(client, line, body, said):
    response = send_raw(client, "/", body)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not Prediction.objects.exists()


def test_much_in_one_field_or_its_name_is_hardly_repeated(client, line):
    page = BeautifulSoup(
        send_raw(client, "/", urlencode({"x": "\u202e" * 1_000, "y" * 5_000: "1"})).content, "html.parser"
    )
    assert "is too long" in page.select_one("#feature-1_error").text
    assert len(page.select_one(".problems").text) < 300


@pytest.mark.parametrize("kind", ["number", "integer"])
@pytest.mark.parametrize(
    ("minimum", "seen", "keys"),
    [(0, (-1.0, 5.0), "decimal"), (-1, (0.0, 5.0), "text"), (None, (0.0, 5.0), "decimal"), (None, (-1.0, 5.0), "text")],
)
def test_the_keys_of_a_phone_can_type_what_is_allowed_and_usual(kind, minimum, seen, keys):
    feature = make_feature(name="x", kind=kind, label="x", minimum=minimum, seen=seen)
    assert make_widget(feature, 1).attrs["inputmode"] == keys


def test_an_input_that_overflows_the_model_is_refused(client, line):
    response = client.post("/", {"x": "1.7e308"})
    assert response.status_code == 422
    assert "no finite answer" in response.content.decode()
    assert not Prediction.objects.exists()


def test_what_was_typed_is_escaped(client, line):
    page = client.post("/", {"x": '"><script>alert(1)</script>'}).content.decode()
    assert "<script>alert" not in page


def test_a_body_over_512_kb_is_too_large(client, line):
    response = send_raw(client, "/", "x=" + "1" * 530_000)
    assert response.status_code == 413
    assert "at most 512 KB" in response.content.decode()
    assert not Prediction.objects.exists()


def test_a_large_file_in_a_form_is_too_large_as_well(client, line, tmp_path):
    file = tmp_path / "large"
    file.write_bytes(bytes(530_000))
    with file.open("rb") as opened:
        assert client.post("/", {"x": "1", "file": opened}).status_code == 413


def test_a_form_without_its_token_is_refused(line):
    client = Client(enforce_csrf_checks=True)
    response = client.post("/", {"x": "1"})
    assert response.status_code == 403
    assert "The form could not be verified" in response.content.decode()
    assert not Prediction.objects.exists()


@pytest.mark.parametrize(
    "path",
    ["/nothing/", "/about/nothing/", "/predictions/00000000-0000-7000-8000-000000000000/", "/predictions/x/", "/a/b"],
)
def test_what_does_not_exist_has_a_decent_404(client, line, path):
    response = client.get(path)
    assert response.status_code == 404
    assert "Page not found" in response.content.decode()


def test_a_fault_of_ours_has_a_page_of_its_own(client, line):
    client.raise_request_exception = False
    Artifact.objects.filter(kind="onnx").delete()
    service.get_runtime("line").estimator.steps[0] = ("broken", None)
    response = client.post("/", {"x": "1"})
    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()
    assert not Prediction.objects.exists()


def test_without_any_version_the_first_page_is_not_available(client):
    response = client.get("/")
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert client.get("/readyz").status_code == 503


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/", "/about/line/", "/predictions/00000000-0000-7000-8000-000000000000/"])
def test_a_missing_table_gives_the_503_page(client, path):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE predictor_promotion RENAME TO away")
        cursor.execute("ALTER TABLE predictor_prediction RENAME TO gone")
    try:
        response = client.get(path)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO predictor_promotion")
            cursor.execute("ALTER TABLE gone RENAME TO predictor_prediction")
    assert response.status_code == 503
    assert "Temporarily unavailable" in response.content.decode()


def test_a_kept_answer_can_be_read_when_the_model_cannot_be_loaded(client, line):
    page = client.post("/", {"x": "5"})["Location"]
    Artifact.objects.update(signature="0" * 64)
    service.forget()
    response = client.get(page)
    assert response.status_code == 200
    assert "Change inputs" not in response.content.decode()
    assert client.get("/").status_code == 503


def test_health_needs_no_model_and_readiness_does(client, line):
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    Artifact.objects.update(signature="0" * 64)
    service.forget()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_htmx_gets_the_answer_in_place_and_its_address(client, line):
    response = client.post("/", {"x": "5"}, headers={"HX-Request": "true"})
    prediction = Prediction.objects.get()
    page = response.content.decode()
    assert response.status_code == 200
    assert response["HX-Push-Url"] == prediction.get_absolute_url()
    assert "<title>y: " in page
    assert "<html" not in page
    assert '<output id="prediction" ' in page


@pytest.mark.parametrize(("typed", "status"), [("abc", 422), ("1" * 530_000, 413)])
def test_htmx_gets_errors_in_place(client, line, typed, status):
    response = client.post("/", {"x": typed}, headers={"HX-Request": "true"})
    assert response.status_code == status
    assert "<html" not in response.content.decode()
    assert response["HX-Retarget"] == ("#notice" if status == 413 else "#main")


def test_an_address_always_shows_a_whole_page(client, line):
    assert "<html" in client.get("/", headers={"HX-Request": "true"}).content.decode()


def test_the_picture_has_the_training_points_the_line_and_ones_own_point(client, line):
    page = client.post("/", {"x": "5"}, follow=True).content.decode()
    assert page.count('<use href="#mark-0"') == line.data["training_rows"]
    assert page.count('class="point class-0"') == 2  # The mark itself, and the one in the key.
    assert '<polyline class="curve" points="' in page
    assert page.count('<circle class="own"') == 2
    assert "your point at 5, " in page


def test_no_training_row_is_shown_unless_the_recipe_says_so(client, models_dir, db):
    recipe = models_dir / "line/model.toml"
    recipe.write_text(recipe.read_text().replace("show_data = true", ""))
    version = train(models_dir, "line")
    assert version.profile["points"] == []
    page = client.post("/", {"x": "5"}, follow=True).content.decode()
    assert "training points</span>" not in page
    assert '<polyline class="curve"' in page


def test_about_tells_worth_data_and_versions(client, models_dir, penguins):
    train(models_dir, "penguins")
    page = client.get("/about/penguins/").content.decode()
    assert "macro F1" in page
    assert "Baseline" in page
    assert "Trained on 277 rows of data.csv." in page
    assert "67 more are held out and never used for training." in page
    assert page.count("live now") == 1
    assert penguins.data["sha256"] in page


def test_boolean_features_are_checkboxes_and_an_empty_one_means_no(client, models_dir, db):
    rows = "".join(f"{x},{'true' if x % 3 else 'false'},{x}\n" for x in range(60))
    (models_dir / "line/data.csv").write_text("x,fresh,y\n" + rows)
    train(models_dir, "line")
    assert '<input type="checkbox" name="fresh" value="true"' in client.get("/").content.decode()
    client.post("/", {"x": "5"})
    assert Prediction.objects.get().inputs["fresh"] is False
    page = client.post("/", {"x": "5", "fresh": "true"}, follow=True).content.decode()
    assert Prediction.objects.filter(inputs__fresh=True).count() == 1
    assert 'value="true" id="feature-2" aria-describedby' in page or "checked" in page


def test_categories_with_line_ends_come_back_from_a_browser(client, models_dir, db):
    rows = "".join(f'"a\nb",{x}\n"c",{x + 1}\n' for x in range(30))
    (models_dir / "line/data.csv").write_text("kind,y\n" + rows)
    (models_dir / "line/model.toml").write_text(
        'title = "Lines"\ndata = "data.csv"\ntarget = "y"\ntask = "regression"\nholdout = 0\n'
        '[estimator]\nclass = "sklearn.linear_model.Ridge"\n'
    )
    train(models_dir, "line")
    assert client.post("/", {"kind": "a\r\nb"}).status_code == 303
    assert Prediction.objects.get().inputs == {"kind": "a\nb"}


def test_pages_carry_a_strict_content_security_policy(client, line):
    policy = client.get("/")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_only_reading_and_posting_are_allowed(client, line):
    assert client.put("/").status_code == 405
    assert client.post("/healthz").status_code == 405


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("2000-01-01T12:00", "No version was live then."),
        ("2999-01-01T12:00:30", "This moment is in the future"),
        ("0001-01-01T00:00:00+23:59", "is not a date with a time"),
        ("yesterday", "“yesterday” is not a date with a time: write it like 2026-03-01T12:30."),
    ],
)
def test_about_tells_which_version_answered_at_a_moment(client, line, typed, said):
    page = client.get("/about/line/", {"at": typed}).content.decode()
    assert said in page
    assert f'value="{typed}"' in page


def test_about_tells_which_version_answers_now(client, line):
    typed = datetime.now(tz=UTC).isoformat(timespec="microseconds")
    assert "Version 1 was live then." in client.get("/about/line/", {"at": typed}).content.decode()


def test_about_tells_what_became_of_each_version(client, line):
    page = BeautifulSoup(client.get("/about/line/").content, "html.parser")
    assert page.select_one(".timeline .judged").text == "The first version"


def test_about_shows_the_report_of_the_live_version(client, penguins):
    page = BeautifulSoup(client.get("/about/penguins/").content, "html.parser")
    images = page.select(".figures img")
    assert [image["alt"] for image in images] == [
        "Confusion matrix of version 1",
        "ROC curves of version 1",
    ]
    assert all(image["loading"] == "lazy" and image["width"] and image["height"] for image in images)
    report = page.select_one("section[aria-labelledby=why]").text
    assert "log loss gets worse" in report
    assert report.index("Bill length") < report.index("Year")
    low, high = penguins.metrics["intervals"]["accuracy"]
    assert f"{low:.4g} to {high:.4g}" in page.select_one("section[aria-labelledby=quality]").text


def test_each_version_has_a_page_with_its_own_report(client, models_dir, line):
    train(models_dir, "line")
    page = client.get("/about/line/1/").content.decode()
    assert "A straight line, version 1" in page
    assert "Decision: the first version" in page
    assert "/about/line/1/residuals.svg" in page
    assert BeautifulSoup(client.get("/about/line/").content, "html.parser").select_one('a[href="/about/line/1/"]')


def test_a_figure_is_an_image_that_may_bring_styles_and_be_kept_for_ever(client, line):
    image = BeautifulSoup(client.get("/about/line/").content, "html.parser").select_one(".figures img")
    answer = client.get(image["src"])
    assert answer["Content-Type"] == "image/svg+xml"
    assert answer["Content-Security-Policy"] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert "immutable" in answer["Cache-Control"]
    assert "Cookie" not in answer.get("Vary", "")
    assert answer.content.startswith(b"<svg")
    assert answer.content.decode() == line.figures.get(name="residuals").svg


@pytest.mark.parametrize(
    "path", ["line/1/nothing.svg", "line/2/residuals.svg", "penguins/1/residuals.svg", "line/2/", "penguins/1/"]
)
def test_there_is_no_page_of_what_was_never_made(client, line, path):
    assert client.get(f"/about/{path}").status_code == 404


def test_a_version_from_before_reports_has_a_page_without_one(client, line):
    line.figures.all().delete()
    line.report = {}
    del line.metrics["intervals"]
    line.save()
    for path in ("/about/line/", "/about/line/1/"):
        page = client.get(path)
        assert page.status_code == 200
        assert b"The importance of the inputs was not measured." in page.content
        assert b"95 % interval" not in page.content


def test_pictures_are_not_read_where_they_are_only_named(client, line):
    with CaptureQueriesContext(connection) as queries:
        client.get("/about/line/")
    assert [query["sql"] for query in queries if '"svg"' in query["sql"]] == []
    before = len(queries)
    for _ in range(3):
        register_shipped("line")
    service.forget()
    with CaptureQueriesContext(connection) as queries:
        client.get("/about/line/")
    assert len(queries) <= before


@pytest.mark.parametrize("path", ["/about/line/", "/about/line/1/"])
def test_versions_of_libraries_and_the_commit_are_shown_to_staff_only(client, admin_client, line, path):
    secrets = ["Libraries", "Git commit", line.report["commit"], *line.libraries.values()]
    public, ours = client.get(path).content.decode(), admin_client.get(path).content.decode()
    assert "Total time" in public
    assert [secret for secret in secrets if secret in public] == []
    assert [secret for secret in secrets if secret not in ours] == []


def test_readiness_says_what_is_not_ready_and_no_versions_of_libraries(client, line, monkeypatch):
    Artifact.objects.all().delete()
    response = client.get("/readyz")
    assert (response.status_code, response.content) == (503, b"line 1 cannot be served\n")


@pytest.mark.parametrize(
    ("method", "path", "content", "links"),
    [
        ("get", "/nothing/", "", ["/"]),
        ("post", "/line/", "x=" + "1" * 100_000, ["/line/", "/"]),
        ("get", "/about/nothing/", "", ["/"]),
    ],
)
def test_the_page_of_an_error_names_the_next_step(client, line, method, path, content, links):
    kind = {"content_type": "application/x-www-form-urlencoded"} if content else {}
    response = getattr(client, method)(path, data=content or None, **kind)
    article = BeautifulSoup(response.content, "html.parser").select_one("article.error")
    assert [link["href"] for link in article.select(".steps a")] == links


def test_a_page_that_failed_can_be_tried_again_and_who_lacks_permission_can_sign_in(client, line, settings):
    Artifact.objects.all().delete()
    page = BeautifulSoup(client.get("/line/?x=5").content, "html.parser")
    assert [link["href"] for link in page.select(".steps a")] == ["/line/?x=5", "/"]
    number = Prediction.objects.create(version=line, inputs={}, output=1.0, source="form", duration_ms=1.0).id
    page = BeautifulSoup(client.post(f"/predictions/{number}/outcome/").content, "html.parser")
    assert page.select_one(".steps a")["href"] == "/sign-in/"
