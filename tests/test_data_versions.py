"""Uploaded tables, kept for good: once for each model, and read again as they were."""

from datetime import timedelta

import pytest
from django.utils import timezone

from predictor.exceptions import DatasetError
from predictor.files.keeping import FileWriter, remove_expired
from predictor.lifecycle.data_versions import keep_data_version, open_table
from predictor.models import DataVersion, KeptFile
from tests.recipes import LINE_CSV

pytestmark = pytest.mark.django_db


def keep(content=LINE_CSV, name="lines.csv"):
    with FileWriter(name=name, made_by="ada", expires=timezone.now() - timedelta(days=1)) as writer:
        writer.write(content.encode())
        return writer.finish()


@pytest.mark.both_databases
def test_a_table_is_kept_for_good_and_the_same_bytes_once():
    kept = keep_data_version("line", keep(), "ada")
    again = keep_data_version("line", keep(), "eve")
    assert (again, DataVersion.objects.count(), kept.rows, kept.columns) == (kept, 1, 100, ["x", "y"])
    remove_expired()
    assert list(KeptFile.objects.all()) == [kept.file]
    with open_table(kept.file) as table:
        assert table.read_text() == LINE_CSV


def test_what_is_no_table_or_was_changed_is_not_kept():
    with pytest.raises(DatasetError, match=r"^lines\.csv has a header"):
        keep_data_version("line", keep("x,y\n"), "ada")
    changed = keep()
    changed.chunks.update(content=b"x,y\n1,2\n")
    with pytest.raises(DatasetError, match=r"^lines\.csv: the stored bytes are not those that were uploaded"):
        keep_data_version("line", changed, "ada")
    assert not DataVersion.objects.exists()
