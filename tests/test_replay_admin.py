"""Replays that are asked for in the admin, and carried out as jobs."""

import pytest

from predictor import jobs, tasks
from predictor.models import Artifact, ArtifactChunk, Job, Prediction, Replay
from tests.staff import sign_in
from tests.training import register_shipped

pytestmark = pytest.mark.django_db


def read(response):
    return response.content.decode().replace("\N{NO-BREAK SPACE}", " ")


def find_page(version):
    return f"/admin/predictor/version/{version.pk}/replay/"


def work():
    """What a worker does with the next job."""
    held = jobs.take([jobs.REPLAY], "tests")
    tasks.carry_out(held.job.pk, held.lease)
    return Job.objects.get(pk=held.job.pk)


def make_predictions(version, rows):
    Prediction.objects.bulk_create(
        Prediction(
            version=version, inputs={"x": 1 + i / 100}, output=1000.0, warnings=[], source="api", duration_ms=1.0
        )
        for i in range(rows)
    )


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_replay_is_asked_for_on_a_version_and_job_and_version_lead_to_what_it_found(line):
    second = register_shipped("line")
    make_predictions(line, 1_200)
    client = sign_in("can_replay", "view_version")
    shown = f"/admin/predictor/version/{second.pk}/change/"
    assert find_page(second) in read(client.get(shown))
    assert "Ensure this value is less than or equal to 1000000." in read(
        client.post(find_page(second), {"last": 1e6 + 1})
    )
    assert "A worker will replay predictions by line 2." in read(
        client.post(find_page(second), {"last": 1_100}, follow=True)
    )
    # Asked for twice, it is done once.
    assert "waits or runs already" in read(client.post(find_page(second), {"last": 5}, follow=True))
    job = work()
    assert (job.state, job.result) == ("done", {"version": 2, "rows": 1_100, "changed": 1_100})
    assert (job.done, job.total) == (1_100, 1_100)
    assert (Replay.objects.get().version, Prediction.objects.count()) == (second, 1_200)
    for address in ("/admin/predictor/job/", shown):
        page = read(client.get(address))
        assert "answers that change: 1100 of 1100" in page
        assert "/about/line/compare/?new=2#replay" in page
    assert "Version 2 changes 1100 of 1100 answers" in read(client.get("/about/line/compare/?new=2"))


def test_a_replay_of_nothing_or_by_what_cannot_be_loaded_fails_with_the_reason(line):
    client = sign_in("can_replay")
    client.post(find_page(line), {"last": 10})
    assert (work().state, Job.objects.get().error) == ("failed", "line has no stored predictions")
    client.post(find_page(line), {"last": 10})
    ArtifactChunk.objects.all().delete()
    assert "line 1 cannot be loaded: " in work().error
    assert not Replay.objects.exists()


def test_only_who_may_replay_a_model_can_ask_for_it_and_a_version_without_its_model_has_no_button(line):
    shown = f"/admin/predictor/version/{line.pk}/change/"
    reviewer = sign_in("view_version", "can_retrain", name="reviewer")
    assert find_page(line) not in read(reviewer.get(shown))
    assert reviewer.post(find_page(line), {"last": 5}).status_code == 403
    assert sign_in("can_replay", name="other", models=["penguins"]).get(find_page(line)).status_code == 404
    ArtifactChunk.objects.all().delete()
    Artifact.objects.all().delete()
    assert find_page(line) not in read(sign_in("can_replay", "view_version").get(shown))
    assert not Job.objects.exists()


def test_a_replay_is_cancelled_by_who_asked_for_it_but_not_what_others_asked_for(line):
    client = sign_in("can_replay")
    client.post(find_page(line), {"last": 5})
    own, other = Job.objects.get(), jobs.enqueue(jobs.RETRAIN, by="ada", model="line")
    assert client.post(f"/admin/predictor/job/{other.pk}/cancel/").status_code == 404
    client.post(f"/admin/predictor/job/{own.pk}/cancel/")
    assert Job.objects.get(pk=own.pk).state == "cancelled"
