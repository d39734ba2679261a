"""The pages that make a model of an uploaded table: each step is a job, and can be loaded again."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from predictor import jobs, tasks
from predictor.files.keeping import remove
from predictor.models import Job, KeptFile, StoredRecipe, Version
from tests.test_uploaded_models import HOUSES

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


def draft(client):
    """Upload a table and choose its target: the address of the form."""
    address = upload(client)["Location"]
    work()
    chosen = client.post(address, {"target": "2"})["Location"]
    work()
    return chosen


def fill_in(page):
    """What a browser sends of a form as it is."""
    sent = {}
    for tag in re.findall(r"<(?:input|textarea|select)[^>]*>(?:[^<]*</textarea>)?", page):
        name, kind = re.search(r'name="([^"]+)"', tag), re.search(r'type="([^"]+)"', tag)
        if name is None or (kind and kind[1] in ("submit", "hidden")):
            continue
        if kind and kind[1] == "checkbox":
            sent |= {name[1]: "on"} if " checked" in tag else {}
        else:
            value = re.search(r'value="([^"]*)"', tag)
            typed = re.sub(r"^<[^>]*>|</textarea>$", "", tag).strip()
            sent[name[1]] = value[1] if value else typed
            if tag.startswith("<select"):
                options = page[page.index(tag) :].partition("</select>")[0]
                sent[name[1]] = re.search(r'<option value="([^"]*)" selected', options)[1]
    return sent


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_superuser_makes_a_model_of_a_table_and_changes_its_recipe(root):
    assert UPLOAD in read(root.get(f"{LIST}add/", follow=True)) or root.get(f"{LIST}add/")["Location"] == UPLOAD
    address = upload(root)["Location"]
    for _ in range(2):
        assert "A worker looks into the table." in read(root.get(address))
    assert upload(root, slug="Houses").status_code == 200
    work()
    page = read(root.get(address))
    assert "120 rows. Which column is to be predicted?" in page
    assert "Choose a column." in read(root.post(address, {}))
    form = root.post(address, {"target": "2"})["Location"]
    # Asked for twice, it is looked into once.
    assert root.post(address, {"target": "2"})["Location"] == form
    work()
    page = read(root.get(form))
    assert "its name looks like an id" in page
    assert "120 rows; Sold is numbers from 302 to 659." in page
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

    row = StoredRecipe.objects.get()
    page = read(root.get(f"{LIST}{row.pk}/change/"))
    assert "houses.csv, 120 rows" in page
    assert f"{LIST}{row.pk}/edit/" in page
    again = root.post(f"{LIST}{row.pk}/edit/")["Location"]
    work()
    given = fill_in(read(root.get(again)))
    assert (given["1-label"], given["2-merge"], "3-use" in given) == ("Area &lt;b&gt;", "on", False)
    root.post(again, given | {"1-label": "Living area"})
    work()
    assert StoredRecipe.objects.get().toml == row.toml.replace('label = "Area <b>"\n', 'label = "Living area"\n')


def test_a_form_with_errors_keeps_what_was_typed_and_a_training_that_fails_leads_back_to_it(root):
    form = draft(root)
    given = fill_in(read(root.get(form)))
    page = read(root.post(form, given | {"title": "", "params": "max_iter = 2020-01-01", "1-label": "Kept"}))
    assert "This field is required." in page
    assert "Write a line such as max_iter = 200 for each" in page
    assert fill_in(page)["1-label"] == "Kept"
    assert not Job.objects.filter(kind=jobs.TRAIN).exists()
    root.post(form, given | {"params": "max_iter = 1000000", "estimator": "boosted trees", "1-label": "Kept"})
    work()
    page = read(root.get(form))
    assert "estimator.params.max_iter: must be a whole number from 1 to 1000, not 1000000." in page
    assert (fill_in(page)["1-label"], fill_in(page)["params"]) == ("Kept", "max_iter = 1000000")
    job = Job.objects.get(kind=jobs.TRAIN)
    assert form in read(root.get(f"/admin/predictor/job/{job.pk}/change/"))
    assert not StoredRecipe.objects.exists()


def test_a_draft_whose_table_has_expired_and_one_that_failed_lead_to_the_upload(root):
    form = draft(root)
    remove(KeptFile.objects.get())
    for response in (root.get(form), root.post(form, {})):
        assert "The table is no longer kept: upload it again." in read(response)
        assert UPLOAD in read(response)
    address = upload(root, content="a,b\n")["Location"]
    work()
    assert "houses.csv has a header (line 1) but no rows" in read(root.get(address))


def test_only_superusers_make_models_and_only_where_the_site_has_it_on(root, settings):
    form = draft(root)
    row_count = Job.objects.count()
    staff = Client()
    user = User.objects.create_user("grace", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="predictor"))
    staff.force_login(user)
    for address in (LIST, UPLOAD, form, f"{LIST}add/"):
        assert staff.get(address).status_code == 403 or staff.get(address, follow=True).status_code == 403
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
    ],
)
def test_names_that_no_model_may_have_are_refused_at_the_field(root, line, settings, tmp_path, slug, problem):
    settings.MODELS_DIR = tmp_path / "others"
    (settings.MODELS_DIR / "barns").mkdir(parents=True)
    assert problem in read(upload(root, slug=slug))
    assert not KeptFile.objects.exists()
