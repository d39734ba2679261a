"""Retrains on tables that were uploaded in the admin, which are kept, named by versions, and deleted by hand."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from predictor import jobs, tasks
from predictor.exceptions import FileGone
from predictor.files.data_versions import discard
from predictor.files.keeping import FileWriter
from predictor.lifecycle.data_versions import hold_while_registered, keep_data_version
from predictor.models import DataVersion, Job, KeptFile, StoredRecipe, Version
from predictor.registry.versions import prune_chosen
from tests.recipes import write_line
from tests.staff import sign_in
from tests.training import train

pytestmark = pytest.mark.django_db
TABLES = "/admin/predictor/dataversion/"


def read(response):
    return response.content.decode()


def find_page(version):
    return f"/admin/predictor/version/{version.pk}/retrain/"


def make_table(models_dir, **how):
    """The bytes of a table for line, whose own is left as it was."""
    own = models_dir / "line/data.csv"
    before = own.read_bytes()
    write_line(models_dir, **how)
    made = own.read_bytes()
    own.write_bytes(before)
    return made


def upload(content=b"x,y\n1,2\n", name="new.csv"):
    return SimpleUploadedFile(name, content, "text/csv")


def keep(content=b"x,y\n1,2\n2,4\n", model="line"):
    with FileWriter(name="new.csv", made_by="ada", expires=None) as writer:
        writer.write(content)
        return keep_data_version(model, writer.finish(), "ada")


def work():
    """What a worker does with the next job."""
    held = jobs.take([jobs.RETRAIN_ON_TABLE], "tests")
    tasks.carry_out(held.job.pk, held.lease)
    return Job.objects.get(pk=held.job.pk)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_model_is_retrained_on_an_uploaded_table_which_later_retrains_can_name(models_dir, capsys):
    write_line(models_dir, noise=3.0)
    live = train(models_dir, "line")
    client = sign_in("can_retrain", "view_version", "delete_dataversion")
    page = find_page(live)
    assert f'action="{page}upload/" enctype="multipart/form-data"' in read(client.get(page))
    sent = {"table": upload(make_table(models_dir, noise=0.1), "week 48.csv"), "with_outcomes": "on"}
    assert "A worker will retrain line." in read(client.post(f"{page}upload/", sent, follow=True))
    assert jobs.take([jobs.RETRAIN], "a worker of the former build") is None
    assert "A retrain of line waits or runs already." in read(client.post(page, follow=True))
    job = work()
    assert (job.state, job.result["version"], job.result["promoted"]) == ("done", 2, True)
    table, version = DataVersion.objects.get(), Version.objects.get(number=2)
    assert (table.rows, table.columns, table.made_by, table.file.expires_at) == (400, ["x", "y"], "grace", None)
    assert version.data["file"] == "week 48.csv"
    assert (version.data["data_version"], version.data["sha256"]) == (table.pk, table.sha256)

    # It is there to choose, and by its number.
    assert f"{table.pk}: week 48.csv, 400 rows, uploaded on " in read(client.get(page))
    client.post(page, {"data_version": table.pk})
    assert work().result["reason"] == "predicts as version 2, which is live: nothing to register"
    call_command("retrain", "line", "--data", str(table.pk))
    assert "predicts as version 2, which is live: nothing to register" in capsys.readouterr().out

    # It stays as long as its version can be served.
    assert "week 48.csv" in read(client.get(TABLES))
    shown = read(client.post(f"{TABLES}{table.pk}/discard/", follow=True))
    assert "cannot be deleted: version 2 was trained on it" in shown
    call_command("promote", "line", "1", "--reason", "tests")
    prune_chosen("line", [2])
    assert "was deleted" in read(client.post(f"{TABLES}{table.pk}/discard/", follow=True))
    assert not KeptFile.objects.exists()


def test_an_uploaded_table_that_cannot_be_trained_on_fails_the_job_and_leaves_what_is_live(models_dir, line):
    client, page = sign_in("can_retrain"), find_page(line)
    recipe = models_dir / "line/model.toml"
    recipe.write_text(f"{recipe.read_text()}\n[contract]\nranges = 0\n")
    for content, problem in (
        (b"x,y\n", "few.csv has a header (line 1) but no rows"),
        (b"a,b\n1,2\n2,3\n", "'y' is not a column; the columns are 'a', 'b'"),
        (make_table(models_dir, noise=0.1), "few.csv differs from the table of version 1 in what [contract]"),
    ):
        client.post(page, {"table": upload(content, "few.csv")})
        job = work()
        assert job.state == "failed"
        assert problem in job.error
        assert "mlsite-table" not in job.error
    # One that can be read is kept, for a retrain once the contract allows it.
    assert DataVersion.objects.count() == 2
    assert Version.objects.count() == 1


def test_a_form_that_cannot_be_carried_out_says_why_and_adds_no_job(line, settings):
    table = keep()
    other = keep(model="penguins")
    client, page = sign_in("can_retrain"), find_page(line)
    assert "Choose a table or upload one, not both." in read(
        client.post(page, {"table": upload(), "data_version": table.pk})
    )
    assert "Select a valid choice." in read(client.post(page, {"data_version": other.pk}))
    assert "The submitted file is empty." in read(client.post(page, {"table": upload(b"")}))
    settings.FILES_MAX_MB = 0
    assert "There is no space for" in read(client.post(page, {"table": upload()}))
    settings.UPLOAD_MAX_BYTES = 4
    assert "The file is larger than 50 MB." in read(client.post(page, {"table": upload()}))
    assert not Job.objects.exists()
    assert KeptFile.objects.count() == 2


def test_a_table_may_be_larger_than_a_form(line):
    content = b"x,y\n" + b"1.5,2.5\n" * 200_000
    client = sign_in("can_retrain")
    assert client.post(f"{find_page(line)}upload/", {"table": upload(content)}).status_code == 302
    kept = KeptFile.objects.get()
    assert (kept.size, kept.chunks.count(), kept.is_whole) == (len(content), 2, True)
    assert Job.objects.get().arguments == {"with_outcomes": False, "file": str(kept.pk)}


def test_an_imported_model_has_no_button_and_no_page_to_retrain_it(line):
    client = sign_in("can_retrain", "view_version")
    ask, shown = find_page(line), f"/admin/predictor/version/{line.pk}/change/"
    assert all(ask in read(client.get(address)) for address in (shown, "/admin/"))
    Version.objects.update(data={"origin": "imported", "model_file": "a.pkl", "model_sha256": "", **line.data})
    assert not any(ask in read(client.get(address)) for address in (shown, "/admin/"))
    assert [client.get(ask).status_code, client.post(ask).status_code] == [403, 403]


def test_a_number_that_is_no_table_of_the_model_names_those_that_are(line, capsys):
    first, second = keep(), keep(b"x,y\n3,4\n")
    other = keep(model="penguins")
    known = f"line has no data version {other.pk}; those of line are, from the newest on: {second.pk}, {first.pk}."
    with pytest.raises(CommandError, match=known):
        call_command("retrain", "line", "--data", str(other.pk))


def test_who_may_see_and_delete_tables_and_of_which_models(line):
    table = keep()
    address, discarded = f"{TABLES}{table.pk}/change/", f"{TABLES}{table.pk}/discard/"
    trainer, reviewer = sign_in("can_retrain"), sign_in("view_version", name="reviewer")
    assert [trainer.get(each).status_code for each in (TABLES, address, discarded)] == [200, 200, 403]
    assert [reviewer.get(each).status_code for each in (TABLES, address)] == [403, 403]
    other = sign_in("can_retrain", "delete_dataversion", name="other", models=["penguins"])
    assert "new.csv" not in read(other.get(TABLES))
    assert other.post(discarded).status_code == 404
    assert DataVersion.objects.exists()


def test_a_table_that_an_unfinished_job_or_a_recipe_needs_stays_and_one_that_is_gone_registers_nothing(line):
    table = keep()
    job = jobs.enqueue(jobs.RETRAIN_ON_TABLE, by="ada", model="line", arguments={"data_version": table.pk})
    client = sign_in("can_retrain", "delete_dataversion")
    shown = read(client.post(f"{TABLES}{table.pk}/discard/", follow=True))
    assert f"cannot be deleted: job {job.pk} needs it" in shown
    jobs.cancel(job, by="ada")
    recipe = StoredRecipe.objects.create(model="line", toml="", data_version=table, made_by="ada")
    shown = read(client.post(f"{TABLES}{table.pk}/discard/", follow=True))
    assert "cannot be deleted: the recipe of line names it" in shown
    recipe.delete()
    discard(table)
    with pytest.raises(FileGone, match="was deleted during the training"):
        hold_while_registered(DataVersion(pk=99), None)(None)
