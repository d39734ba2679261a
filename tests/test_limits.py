"""What may not be done too often: counted across threads and processes, and forgotten in time."""

import subprocess
import sys
from collections import Counter

import pytest

from predictor.access import limits
from predictor.access.limits import MOST_REMOVED, Rate
from predictor.models import RateWindow
from tests.conftest import ROOT
from tests.together import run_together

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

RATE = Rate(most=3, seconds=60)
HIT = """
import django
django.setup()
from predictor.access import limits
numbers = [limits.hit("tries", "x", limits.Rate(most=3, seconds=60)).number for _ in range(20)]
print(*numbers)
"""


def hit(times, key="x", rate=RATE):
    return [limits.hit("tries", key, rate) for _ in range(times)]


def end_all_windows():
    RateWindow.objects.update(ends_at=1)


def test_what_comes_too_often_is_refused_and_told_when_to_come_again():
    hits = hit(5)
    assert [each.is_allowed for each in hits] == [True, True, True, False, False]
    assert [each.retry_after for each in hits[:3]] == [0, 0, 0]
    assert 50 < hits[3].retry_after <= 60


def test_one_hit_of_a_window_is_the_first_that_is_refused():
    assert [each.is_first_refused for each in hit(6)] == [False, False, False, True, False, False]


def test_keys_and_names_are_counted_apart():
    hit(5)
    assert hit(1, key="y")[0].number == 1
    assert limits.hit("others", "x", RATE).number == 1
    assert limits.hit("tries\0x", "", RATE).number == 1


def test_a_window_that_is_over_begins_anew():
    hit(5)
    end_all_windows()
    [again] = hit(1)
    assert (again.number, again.is_allowed) == (1, True)
    assert again.seconds_left > 50


def test_an_open_window_is_known_and_one_that_is_over_is_not():
    assert not limits.is_counted("tries", "x")
    hit(1)
    assert limits.is_counted("tries", "x")
    end_all_windows()
    assert not limits.is_counted("tries", "x")


def test_a_hit_can_be_taken_back_and_all_can_be_forgotten():
    hit(3)
    limits.take_back("tries", "x")
    assert hit(1)[0].number == 3
    limits.forget("tries", "x")
    limits.take_back("tries", "x")
    assert hit(1)[0].number == 1


def test_hits_at_the_same_moment_are_all_counted_once():
    results = run_together([lambda: hit(10)] * 8)
    assert sorted(each.number for hits in results for each in hits) == list(range(1, 81))


def test_processes_count_together(database_url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "mlsite.settings")
    running = [
        subprocess.Popen([sys.executable, "-c", HIT], cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603  # Our own.
        for _ in range(2)
    ]
    numbers = [int(number) for process in running for number in process.communicate(timeout=60)[0].split()]
    assert sorted(numbers) == list(range(1, 41))


def test_windows_that_are_over_are_removed_as_new_ones_come():
    for key in range(3 * MOST_REMOVED):
        hit(1, key=str(key))
    end_all_windows()
    for key in "abc":
        hit(1, key=key)
    assert RateWindow.objects.count() == 3


def test_removing_and_beginning_anew_at_the_same_moment_lose_no_hit():
    """Each thread hits keys whose windows are over, and removes those of the others while it does."""

    def hit_all():
        return [(key, hit(1, key=str(key))[0].number) for key in range(8)]

    counts = Counter()
    for _ in range(3):
        hit_all()
        end_all_windows()
        for hits in run_together([hit_all] * 4):
            counts.update(hits)
    assert counts == {(key, number): 3 for key in range(8) for number in range(1, 5)}


def test_what_is_counted_cannot_be_read_in_the_database():
    limits.hit("sign-in by account", "grace", RATE)
    [row] = RateWindow.objects.values()
    assert set(row) == {"id", "count", "ends_at"}
    assert isinstance(row["id"], int)
