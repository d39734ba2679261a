import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone

from predictor.models import Prediction, Promotion, Version, make_prediction_id, make_prediction_id_text
from predictor.registry import versions as registry

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


def make_version(model="line", number=1):
    return Version.objects.create(
        model=model,
        number=number,
        title=model,
        estimator="",
        schema={},
        metrics={},
        profile={},
        split={},
        data={},
        decision={},
        libraries={},
    )


def make_prediction(version, **changes):
    made = {"inputs": {"x": 1.0}, "output": 5.0, "source": "form", "duration_ms": 1.0, **changes}
    return Prediction.objects.create(version=version, **made)


def promote(version):
    return Promotion.objects.create(version=version, promoted_by="tests", reason="tests")


def test_the_newest_promotion_of_each_model_names_its_live_version():
    first, second, other = make_version(), make_version(number=2), make_version("penguins")
    for version in (first, second, other, first):
        promote(version)

    assert set(Version.objects.live()) == {first, other}
    assert Promotion.objects.newest().count() == 2


def test_a_version_that_was_never_promoted_is_not_live():
    make_version()
    assert not Version.objects.live().exists()


def test_numbers_count_up_for_each_model_on_its_own():
    make_version(number=1)
    make_version(number=2)
    assert Version.objects.next_number("line") == 3
    assert Version.objects.next_number("penguins") == 1


def test_a_number_is_given_once():
    make_version()
    with pytest.raises(IntegrityError), transaction.atomic():
        make_version()


def test_what_has_history_cannot_be_deleted():
    version = make_version()
    make_prediction(version)
    promote(version)
    with pytest.raises(models.ProtectedError):
        version.delete()


def test_prediction_ids_are_version_7_and_in_order_of_their_milliseconds():
    before = time.time_ns() // 1_000_000
    ids = [make_prediction_id() for _ in range(1000)]
    assert all(isinstance(made, uuid.UUID) and made.version == 7 for made in ids)
    moments = [made.int >> 80 for made in ids]
    assert moments == sorted(moments)
    assert before <= moments[0] <= moments[-1] <= time.time_ns() // 1_000_000


@pytest.mark.parametrize("output", [9.98, 0, "Gentoo", True, 1])
def test_an_output_is_a_bare_number_or_label(output):
    prediction = make_prediction(make_version(), output=output)
    prediction.refresh_from_db()
    assert prediction.output == output
    assert type(prediction.output) is type(output)


def test_the_fixed_names_of_tables_and_columns():
    wanted = {
        "predictor_version": {"id", "model", "number"},
        "predictor_promotion": {"id", "version_id"},
        "predictor_prediction": {"id", "version_id", "inputs", "output", "source", "created_at"},
        "predictor_artifact": {"id", "version_id", "kind", "sha256"},
        "predictor_artifactchunk": {"artifact_id", "number", "data"},
    }
    with connection.cursor() as cursor:
        for table, columns in wanted.items():
            found = {column.name for column in connection.introspection.get_table_description(cursor, table)}
            assert columns <= found


def test_promotions_are_locked_one_transaction_at_a_time_without_stopping_readers():
    with transaction.atomic():
        registry.lock_registry()
        assert Promotion.objects.count() == 0


def test_which_version_answered_at_a_moment_is_one_query(django_assert_num_queries):
    first, second, other = make_version(), make_version(number=2), make_version("penguins")
    for day, version in enumerate((first, other, second, first), start=1):
        made = promote(version)
        Promotion.objects.filter(id=made.id).update(promoted_at=datetime(2026, 3, day, 12, tzinfo=UTC))
    assert set(Version.objects.live_at(datetime(2026, 3, 1, 12, tzinfo=UTC))) == {first}
    with django_assert_num_queries(1):
        assert set(Version.objects.live_at(datetime(2026, 3, 3, 13, tzinfo=UTC))) == {second, other}
    assert set(Version.objects.live_at(datetime(2026, 3, 2, 13, tzinfo=UTC))) == {first, other}
    assert not Version.objects.live_at(datetime(2026, 3, 1, 11, tzinfo=UTC))


def promote_at(version, moment):
    Promotion.objects.filter(id=promote(version).id).update(promoted_at=moment)


def test_who_answered_at_a_moment_follows_the_log_where_the_clock_went_back(django_assert_num_queries):
    """By an hour: the third promotion says 12:30, and came after that of 13:00."""
    first, second, third = (make_version(number=number) for number in (1, 2, 3))
    for version, hour, minute in ((first, 12, 0), (second, 13, 0), (third, 12, 30)):
        promote_at(version, datetime(2026, 3, 1, hour, minute, tzinfo=UTC))

    def find(hour, minute):
        return Version.objects.live_at(datetime(2026, 3, 1, hour, minute, tzinfo=UTC)).first()

    assert [find(11, 59), find(12, 15), find(12, 45), find(12, 59)] == [None, first, first, first]
    assert [find(13, 0), find(18, 0)] == [third, third]
    with django_assert_num_queries(1):
        find(12, 45)


def test_a_promotion_of_a_clock_that_was_ahead_counts_once_the_clock_is_right():
    """It is live, though its time is still to come, and so is whatever is promoted after it."""
    now = timezone.now()
    first, ahead, other = make_version(), make_version(number=2), make_version("penguins")
    promote_at(first, now - timedelta(hours=2))
    promote_at(other, now - timedelta(hours=1))
    promote_at(ahead, now + timedelta(hours=1))
    assert set(Version.objects.live_at(now)) == {ahead, other} == set(Version.objects.live())
    promote_at(first, now - timedelta(minutes=1))
    assert set(Version.objects.live_at(now)) == {first, other} == set(Version.objects.live())


@pytest.mark.parametrize("make", [make_prediction_id, lambda: uuid.UUID(make_prediction_id_text())])
def test_ids_of_one_millisecond_tell_nothing_of_each_other(make):
    ids = [make() for _ in range(2_000)]
    moments = Counter(id.int >> 80 for id in ids)
    together = [id for id in ids if id.int >> 80 == moments.most_common(1)[0][0]]
    assert len(together) > 20
    # In random order, and with no bit but version and variant that stays as it is.
    assert together != sorted(together)
    fixed = {place for place in range(80) if len({id.int >> place & 1 for id in ids}) == 1}
    assert fixed == {62, 63, 76, 77, 78, 79}
