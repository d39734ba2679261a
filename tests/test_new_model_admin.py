"""The pages that make a model of an uploaded table: each step is a job, and can be loaded again."""

import pytest
from bs4 import BeautifulSoup
from django.conf import settings as site_settings
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from predictor import jobs, tasks
from predictor.admin.new_models.column_fields import FIELDS, TICKS
from predictor.files.keeping import remove_expired
from predictor.lifecycle.data_versions import keep_data_version
from predictor.models import DataVersion, Job, KeptFile, StoredRecipe, Version
from predictor.training.stored.proposal import MOST_COLUMNS
from predictor.web.bounds import MOST_ADMIN_FIELDS
from tests.test_uploaded_models import HOUSES, keep

pytestmark = pytest.mark.django_db
LIST = "/admin/predictor/storedrecipe/"
UPLOAD = f"{LIST}upload/"


@pytest.fixture(autouse=True)
def switched_on(settings, tmp_path):
    settings.MODELS_FROM_UPLOADS = True
    settings.MODELS_DIR = tmp_path / "ml_models"


@pytest.fixture
def root():
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def read(response):
    return response.content.decode()


def work():
    """Do all jobs that wait, as a worker does."""
    while held := jobs.take(list(tasks.TASKS), "a worker"):
        tasks.carry_out(held.job.pk, held.lease)


def upload(client, slug="houses", content=HOUSES, name="houses.csv"):
    return client.post(UPLOAD, {"slug": slug, "table": SimpleUploadedFile(name, content.encode())})


def draft(client, content=HOUSES):
    """Upload a table and choose its target: the address of the form."""
    address = upload(client, content=content)["Location"]
    work()
    chosen = client.post(address, {"target": "2"})["Location"]
    work()
    return chosen


def fill_in(page):
    """What a browser sends of the form on a page as it is."""
    form = BeautifulSoup(page, "html.parser").select_one(".recipe-form")
    sent = {field["name"]: field.get_text().strip() for field in form.select("textarea")}
    sent |= {field["name"]: field.select_one("[selected]")["value"] for field in form.select("select")}
    for field in form.select("input[name]"):
        if field["type"] != "checkbox" or field.has_attr("checked"):
            sent[field["name"]] = field.get("value", "on" if field["type"] == "checkbox" else "")
    del sent["csrfmiddlewaretoken"]
    return sent


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_superuser_makes_a_model_of_a_table_and_changes_its_recipe(root):
    assert f"{LIST}add/" in read(root.get(LIST))
    assert root.get(f"{LIST}add/")["Location"] == UPLOAD
    address = upload(root)["Location"]
    for _ in range(2):
        assert "A worker looks into the table." in read(root.get(address))
    assert upload(root, slug="Houses").status_code == 200
    work()
    page = read(root.get(address))
    assert "120 rows. Which column is to be predicted?" in page
    assert page.count('type="radio" name="target"') == 4
    assert "Choose a column." in read(root.post(address, {}))
    form = root.post(address, {"target": "2"})["Location"]
    # Asked for twice, it is looked into once.
    assert root.post(address, {"target": "2"})["Location"] == form
    work()
    page = read(root.get(form))
    assert "Its name looks like an id" in page
    assert "120 rows. The target is Sold." in page
    assert "Numbers from 302 to 659" in page
    given = fill_in(page)
    assert (given["1-label"], given["1-use"], given["3-kind"]) == ("Living area", "on", "")
    given |= {"title": "Houses", "1-label": "Area <b>", "1-unit": "m²", "2-merge": "on", "0-unit": "$"}
    del given["3-use"]
    shown = read(root.post(form, given, follow=True))
    assert "A worker will train houses." in shown
    root.post(form, given)
    assert Job.objects.filter(kind=jobs.TRAIN).count() == 1
    work()
    version = Version.objects.get(model="houses")
    area, town = version.parsed_schema.features
    assert (area.label, area.unit, town.choices) == ("Area <b>", "m²", ("Bonn", "Ulm"))
    assert Version.objects.find_live("houses") == version
    assert "Area &lt;b&gt;" in read(root.get("/houses/"))
    assert '<a href="/houses/"' in read(root.get("/models/"))
    assert f"/admin/predictor/version/{version.pk}/retrain/" in read(root.get("/admin/"))
    asked = {"inputs": {"Living_Area": 150, "town": "Ulm"}}
    [answer] = root.post("/api/v1/models/houses/predict", asked, "application/json").json()["predictions"]
    assert 400 < answer["output"] < 500

    row = StoredRecipe.objects.get()
    page = read(root.get(f"{LIST}{row.pk}/change/"))
    assert "houses.csv, 120 rows" in page
    assert f"{LIST}{row.pk}/edit/" in page
    newer = keep_data_version("houses", keep(HOUSES + "300,Ulm,900,7300\n", "newer.csv"), "root")
    ask = f"{LIST}{row.pk}/edit/"
    assert "newer.csv, 121 rows" in read(root.get(ask))
    again = root.post(ask, {"data_version": newer.pk})["Location"]
    work()
    given = fill_in(read(root.get(again)))
    assert (given["1-label"], given["2-merge"], "3-use" in given) == ("Area <b>", "on", False)
    root.post(again, given | {"1-label": "Living area"})
    work()
    changed = StoredRecipe.objects.get()
    assert changed.data_version == newer
    assert changed.toml == row.toml.replace('label = "Area <b>"\n', 'label = "Living area"\n')


def test_a_form_with_errors_keeps_what_was_typed_and_a_training_that_fails_leads_back_to_it(root):
    form = draft(root)
    given = fill_in(read(root.get(form)))
    page = read(root.post(form, given | {"title": "", "params": "max_iter = 2020-01-01", "1-label": "Kept"}))
    assert "This field is required." in page
    assert "Write a line such as max_iter = 200 for each" in page
    assert fill_in(page)["1-label"] == "Kept"
    assert not Job.objects.filter(kind=jobs.TRAIN).exists()
    root.post(form, given | {"0-label": "Sold", "1-kind": "date", "1-label": "Kept"})
    work()
    page = read(root.get(form))
    assert "features.Living_Area.kind: data.csv also contains" in page
    assert (fill_in(page)["1-label"], fill_in(page)["1-kind"]) == ("Kept", "date")
    job = Job.objects.get(kind=jobs.TRAIN)
    assert form in read(root.get(f"/admin/predictor/job/{job.pk}/change/"))
    assert not StoredRecipe.objects.exists()


def test_a_recipe_is_deleted_where_no_version_goes_by_it_and_otherwise_its_page_says_what_to_do(root, line):
    row = StoredRecipe.objects.create(model="line", toml="", data_version=keep_data_version("line", keep(), "root"))
    address, discard = f"{LIST}{row.pk}/change/", f"{LIST}{row.pk}/discard/"
    assert discard in read(root.get(address))
    assert "It cannot be brought back; its table is kept." in read(root.get(discard))
    page = read(root.post(discard, follow=True))
    assert "`manage.py exportrecipe line`" in page
    assert "`manage.py retire line`" in page
    StoredRecipe.objects.update(handed_over_at=timezone.now())
    job = jobs.enqueue(jobs.RETRAIN, by="root", model="line")
    assert f"stays: job {job.pk} needs it" in read(root.post(discard, follow=True))
    assert StoredRecipe.objects.exists()
    jobs.cancel(job, by="root")
    assert "The recipe of line was deleted." in read(root.post(discard, follow=True))
    assert not StoredRecipe.objects.exists()
    # Without versions, none needs it.
    row = StoredRecipe.objects.create(model="new", toml="", data_version=DataVersion.objects.get())
    ada = Client()
    ada.force_login(User.objects.create_user("ada", is_staff=True))
    assert ada.post(f"{LIST}{row.pk}/discard/").status_code == 403
    root.post(f"{LIST}{row.pk}/discard/")
    assert not StoredRecipe.objects.exists()


@pytest.mark.parametrize(
    ("sent", "field", "sentence"),
    [
        ({"params": "max_iter = 1000000"}, "params", "max_iter must be a whole number from 1 to 1000, not 1000000."),
        ({"params": "max_iter = true"}, "params", "max_iter must be a whole number from 1 to 1000, not true."),
        ({"params": "n_jobs = -1"}, "params", "This estimator has no parameter n_jobs here; it has: early_stopping, "),
        ({"minimum": "5", "maximum": "5"}, "maximum", "Give a number above 5."),
    ],
)
def test_what_a_training_would_refuse_is_refused_at_its_field_with_what_would_be_right(root, sent, field, sentence):
    form = draft(root)
    given = fill_in(read(root.get(form)))
    page = BeautifulSoup(read(root.post(form, given | {"estimator": "boosted trees"} | sent)), "html.parser")
    control = page.select_one(f"#id_{field}")
    assert control["aria-invalid"] == "true"
    assert f"id_{field}_error" in control["aria-describedby"]
    assert page.select_one(f"#id_{field}_error").text.strip().startswith(sentence)
    assert not Job.objects.filter(kind=jobs.TRAIN).exists()


def test_doubts_and_bounds_are_in_the_language_of_the_page_and_those_of_a_former_build_in_english(root, settings):
    settings.OFFERED_LANGUAGES, settings.USE_I18N = ["en", "de"], True
    settings.LANGUAGES = [("en", "en"), ("de", "de")]
    form = draft(root)
    job = Job.objects.get(arguments__target="Sold")

    def list_doubts():
        page = BeautifulSoup(read(root.get(form, headers={"Accept-Language": "de"})), "html.parser")
        shown = page.select(".found span, .doubts li")
        return [(each.text, each.get("lang")) for each in shown], page.select_one("dl").text

    doubts, bounds = list_doubts()
    assert ("Kategorien (3): „Bonn“, „Ulm“, „bonn“", None) in doubts
    assert ("Ihr Name sieht nach einer ID aus, die für eine neue Zeile nichts bedeutet.", None) in doubts
    assert any(text.startswith("„Bonn“ wird auch „bonn“ geschrieben: Kreuzen Sie") for text, _ in doubts)
    assert "max_iter: eine ganze Zahl von 1 bis 1000" in bounds
    for column in job.result["columns"]:
        del column["coded"], column["left_out"], column["found"]
    del job.result["limits"]
    job.save()
    doubts, bounds = list_doubts()
    assert ("3 categories: “Bonn”, “Ulm”, “bonn”", "en") in doubts
    assert ("its name looks like an id, which has no meaning for a new row", "en") in doubts
    assert "max_iter: a whole number from 1 to 1000" in bounds


def test_a_draft_whose_table_has_expired_and_one_that_failed_lead_to_the_upload(root):
    form = draft(root)
    KeptFile.objects.update(expires_at=timezone.now())
    assert remove_expired() == 1
    assert not Job.objects.exclude(result=None).exists()
    for response in (root.get(form), root.post(form, {})):
        assert "The table is no longer kept: upload it again." in read(response)
        assert UPLOAD in read(response)
    address = upload(root, content="a,b\n")["Location"]
    work()
    assert "houses.csv has a header (line 1) but no rows" in read(root.get(address))


def test_a_proposed_form_is_accepted_as_it_is_also_with_a_question_as_a_column_name(root):
    question = "How satisfied are you, all in all, " * 10
    table = f'a,b,"{question}"\n' + "".join(f"{n},{n * n},{n % 7}\n" for n in range(60))
    form = draft(root, table)
    response = root.post(form, fill_in(read(root.get(form))))
    content = Job.objects.get(kind=jobs.TRAIN).arguments["content"]
    assert response.status_code == 302
    assert content["target"] == question.strip()


def test_a_column_that_cannot_be_predicted_leads_back_to_the_choice_of_another(root):
    choice = upload(root, content="a,b\n" + "1,5\n2,5\n" * 30)["Location"]
    work()
    form = root.post(choice, {"target": "1"})["Location"]
    work()
    page = read(root.get(form))
    assert "every row is 5" in page
    assert f'href="{choice}"' in page


def test_only_superusers_make_models_and_only_where_the_site_has_it_on(root, settings):
    form = draft(root)
    row_count = Job.objects.count()
    staff = Client()
    user = User.objects.create_user("grace", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="predictor"))
    staff.force_login(user)
    for address in (LIST, UPLOAD, form, f"{LIST}add/"):
        assert staff.get(address, follow=True).status_code == 403
    assert staff.post(UPLOAD, {"slug": "x", "table": SimpleUploadedFile("x.csv", HOUSES.encode())}).status_code == 403
    assert staff.post(form, {}).status_code == 403
    settings.MODELS_FROM_UPLOADS = False
    for address in (UPLOAD, form):
        assert root.get(address).status_code == 403
    assert UPLOAD not in read(root.get(LIST))
    assert f"{LIST}add/" not in read(root.get(LIST))
    assert Job.objects.count() == row_count
    checked = Client(enforce_csrf_checks=True)
    checked.force_login(User.objects.get(username="root"))
    settings.MODELS_FROM_UPLOADS = True
    assert upload(checked).status_code == 403


@pytest.mark.parametrize(
    ("slug", "problem"),
    [
        ("Houses", "Use lower-case letters, digits and underscores, beginning with a letter."),
        ("../houses", "Use lower-case letters, digits and underscores, beginning with a letter."),
        ("barns", "There is a folder"),
        ("line", "There is a model of this name: choose another one."),
        ("admin", "There is a page of this name: choose another one."),
        ("models", "There is a page of this name: choose another one."),
    ],
)
def test_names_that_no_model_may_have_are_refused_at_the_field(root, line, settings, tmp_path, slug, problem):
    settings.MODELS_DIR = tmp_path / "others"
    (settings.MODELS_DIR / "barns").mkdir(parents=True)
    assert problem in read(upload(root, slug=slug))
    assert not KeptFile.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_way_from_a_table_to_answers_works_with_and_without_javascript(serve, tabs, root, tmp_path):
    server = serve(MODELS_FROM_UPLOADS="on", WEB_CONCURRENCY="1")
    server.wait_until("/healthz")
    table = tmp_path / "houses.csv"
    table.write_text(HOUSES)
    cookie = {"name": site_settings.SESSION_COOKIE_NAME, "value": root.cookies["sessionid"].value}
    for slug, javascript in (("houses", True), ("homes", False)):
        page = tabs.lend({"width": 1280, "height": 900}, javascript=javascript)
        page.context.add_cookies([{**cookie, "url": server.address}])
        page.goto(f"{server.address}{LIST}")
        page.click(".addlink")
        page.fill("[name=slug]", slug)
        page.set_input_files("[name=table]", table)
        page.click("[type=submit][value=Upload]")
        go_on(page, javascript)
        page.check("label:has-text('Sold')")
        page.click("[type=submit][value='Look for doubts']")
        go_on(page, javascript)
        page.fill("[name=title]", "Houses of the town")
        page.fill("[name='1-label']", "Living space")
        page.uncheck("[name='3-use']")
        page.click("[type=submit][value=Train]")
        page.wait_for_selector(f"text=A worker will train {slug}.")
        work()
        server.wait_until(f"/{slug}/")
        page.goto(f"{server.address}/{slug}/")
        page.fill("[name=Living_Area]", "150")
        page.select_option("[name=town]", "Ulm")
        page.click("main [type=submit]")
        page.wait_for_selector("#prediction")
        assert "Living space" in page.inner_text("main")
        answer = float(page.get_attribute("#prediction", "data-value"))
        assert 400 < answer < 500
    tabs.take_back()


def go_on(page, javascript):
    """Wait until a worker has looked into the table: htmx loads the page again, or a link does."""
    page.wait_for_selector("text=A worker looks into the table.")
    work()
    if not javascript:
        page.click("text=Load this page again")
    page.wait_for_selector("form[method=post] [type=submit].default")


def test_the_form_of_the_widest_table_has_no_more_fields_than_the_admin_takes():
    assert len([*FIELDS, *TICKS]) * MOST_COLUMNS + 20 < MOST_ADMIN_FIELDS


def test_few_whole_numbers_get_words_and_classes_theirs(root):
    rows = "".join(f"{i % 97},{i % 3},{int(i % 97 > 40)}\n" for i in range(300))
    address = upload(root, content=f"size,zone,sold\n{rows}")["Location"]
    work()
    form = root.post(address, {"target": "2"})["Location"]
    work()
    given = fill_in(read(root.get(form)))
    assert (given["0-words"], given["2-words"]) == ("", "")
    page = read(root.post(form, given | {"2-words": "0 = country, suburb"}))
    assert "Write each as code = word, with commas between them, not suburb." in page
    root.post(form, given | {"2-words": "0 = country, 1 = suburb, 2 = city", "0-words": "0 = no, 1 = yes"})
    work()
    schema = Version.objects.get().parsed_schema
    assert schema.features[1].labels == {"0": "country", "1": "suburb", "2": "city"}
    assert schema.target.labels == {"0": "no", "1": "yes"}
    assert fill_in(read(root.get(form)))["0-words"] == "0 = no, 1 = yes"
    # A newer table, whose target can only be a number.
    newer = keep_data_version("houses", keep(f"size,zone,sold\n{rows}50,1,0.5\n"), "root")
    again = root.post(f"{LIST}{StoredRecipe.objects.get().pk}/edit/", {"data_version": newer.pk})["Location"]
    work()
    assert fill_in(read(root.get(again)))["task"] == "regression"
