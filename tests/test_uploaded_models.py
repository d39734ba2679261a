"""Models that are made of an uploaded table: a job looks into it, another trains, and the recipe is a row."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from predictor import jobs, tasks
from predictor.files.keeping import FileWriter
from predictor.models import DataVersion, Job, KeptFile, StoredRecipe, Version
from tests.recipes import write_recipe
from tests.training import register_shipped

pytestmark = pytest.mark.django_db
HOUSES = "Living_Area,town,Sold,id\n" + "".join(
    f"{area},{('Ulm', 'Bonn', 'bonn')[area % 3]},{area * 3 + area % 7},{area + 7000}\n" for area in range(100, 220)
)


def keep(content=HOUSES, name="houses 2026.csv"):
    content = content if isinstance(content, bytes) else content.encode()
    with FileWriter(name=name, made_by="ada", expires=timezone.now() + timedelta(days=7)) as writer:
        writer.write(content)
        return writer.finish()


def do(kind, slug="houses", **arguments):
    """Have a job done as a worker does it, in this process."""
    job = jobs.enqueue(kind, by="ada", model=slug, arguments=arguments)
    held = jobs.take([kind], "a worker")
    tasks.carry_out(held.job.pk, held.lease)
    return Job.objects.get(pk=job.pk)


@pytest.fixture(autouse=True)
def switched_on(settings, tmp_path):
    settings.MODELS_FROM_UPLOADS = True
    settings.MODELS_DIR = tmp_path / "ml_models"


@pytest.mark.both_databases
def test_a_table_becomes_a_model_whose_recipe_is_a_row():
    file = keep()
    columns = do(jobs.DRAFT, file=str(file.pk)).result
    assert [each["name"] for each in columns["columns"]] == ["Living_Area", "town", "Sold", "id"]
    assert (columns["rows"], columns["columns"][1]["values"]) == (120, ["Bonn", "bonn", "Ulm"])
    proposal = do(jobs.DRAFT, file=str(file.pk), target="Sold").result
    content = proposal["content"]
    assert (content["target"], content["features"]["Living_Area"]["label"]) == ("Sold", "Living area")
    town, number = proposal["columns"][1], proposal["columns"][2]
    assert (town["merge"], number["name"]) == ({"Bonn": ["bonn"]}, "id")
    assert any("looks like an id" in doubt for doubt in number["doubts"])
    assert town["doubts"] == ["“Bonn” is also written “bonn”: tick “Unite spellings” to make them one"]
    assert not StoredRecipe.objects.exists()
    assert not Version.objects.exists()

    content["features"]["town"]["merge"] = town["merge"]
    job = do(jobs.TRAIN, file=str(file.pk), content=content)
    assert (job.state, job.result["version"], job.error) == ("done", 1, "")
    version, recipe = Version.objects.get(model="houses"), StoredRecipe.objects.get(model="houses")
    assert next(each for each in version.schema["features"] if each["name"] == "town")["choices"] == ["Bonn", "Ulm"]
    assert (recipe.data_version.file, recipe.data_version.rows, recipe.made_by) == (file, 120, "ada")
    assert KeptFile.objects.get().expires_at is None

    content["title"] = "Houses, sold"
    again = do(jobs.TRAIN, file=str(file.pk), content=content)
    assert "nothing to register" in again.result["reason"] or again.result["version"] == 2
    assert 'title = "Houses, sold"' in StoredRecipe.objects.get().toml
    assert DataVersion.objects.count() == 1


def test_a_training_that_fails_stores_nothing_and_says_why():
    file = keep()
    content = {"title": "Houses", "target": "Sold", "estimator": {"class": "sklearn.linear_model.Ridge"}}
    for changed, problem in [
        (
            {"estimator": {"class": "os.system"}},
            "the recipe of houses in the database: estimator.class: must be one of",
        ),
        ({"features": {"town": {"merge": {"Ulm": ["Bonn", "bonn"]}}}, "target": "town"}, "houses 2026.csv: town: "),
        ({"target": "Price"}, "the recipe of houses in the database: target: 'Price' is not a column"),
        ({"features": {"town": {"kind": "number"}}}, "the recipe of houses in the database: features.town.kind: "),
    ]:
        job = do(jobs.TRAIN, file=str(file.pk), content=content | changed)
        assert (job.state, job.error[: len(problem)]) == ("failed", problem)
    assert not StoredRecipe.objects.exists()
    assert not Version.objects.exists()
    assert KeptFile.objects.get().expires_at is not None


def test_a_recipe_that_was_handed_over_is_not_trained_by_a_form_that_was_open(tmp_path):
    file = keep()
    content = do(jobs.DRAFT, file=str(file.pk), target="Sold").result["content"]
    do(jobs.TRAIN, file=str(file.pk), content=content)
    call_command("exportrecipe", "houses", str(tmp_path / "exported"))
    job = do(jobs.TRAIN, file=str(file.pk), content=content)
    assert "the recipe was exported on" in job.error
    assert StoredRecipe.objects.get().handed_over_at is not None


def test_names_that_are_taken_and_a_site_that_has_it_off_are_refused(settings, models_dir):
    file = keep()
    register_shipped("line")
    write_recipe(models_dir.parent, "barns")
    for slug, problem in [
        ("barns", f"barns has a folder, {models_dir / 'barns'}: choose another name, or change the recipe there."),
        ("admin", "admin: the slug 'admin' is already a page of the site; rename the folder."),
        ("../x", "../x: the folder's name '../x' is the model's slug and must be"),
    ]:
        assert do(jobs.DRAFT, slug, file=str(file.pk)).error.startswith(problem)
    settings.MODELS_DIR = models_dir / "empty"
    assert do(jobs.DRAFT, "line", file=str(file.pk)).error.startswith("line is a model already, whose recipe is")
    settings.MODELS_FROM_UPLOADS = False
    assert do(jobs.TRAIN, file=str(file.pk), content={}).error.startswith("Models from uploads are switched off")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "houses 2026.csv, line 1: "),
        (b"\x80\x04\x95K\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94", "houses 2026.csv"),
        ('{"a\\u0000b": 1, "c": 2}\n', "houses 2026.csv: the name a\\x00b contains a character that databases cannot"),
        (",".join(f"c{i}" for i in range(200)) + "\n" + ",".join("1" * 200) + "\n", "houses 2026.csv has 200 columns"),
    ],
    ids=["empty", "pickle", "name", "wide"],
)
def test_what_no_form_can_show_is_refused(content, problem):
    job = do(jobs.DRAFT, file=str(keep(content).pk))
    assert (job.state, job.error[: len(problem)]) == ("failed", problem)
    json.dumps(job.error)
