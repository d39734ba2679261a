import threading
import time

import pytest

from mlsite.pooled.pool import Pool


def take_in_turn(places, number):
    """Let some threads wait for a place, one after the other; what each one got, in the order in which they got it."""
    got, threads = [], []
    for name in range(number):
        threads.append(threading.Thread(target=lambda name=name: got.append((name, places.take(5)))))
        threads[-1].start()
        while places.waiting <= name:
            time.sleep(0.001)
    return got, threads


def test_there_are_never_more_places_than_were_made():
    places = Pool(2)
    assert [places.take(0), places.take(0)] == [None, None]
    with pytest.raises(TimeoutError):
        places.take(0.01)


def test_what_was_given_back_is_taken_again_before_anything_new_is_opened():
    places = Pool(2)
    places.take(0)
    places.give_back("connection")
    assert [places.take(0), places.take(0)] == ["connection", None]


def test_who_waits_longest_is_next_and_who_has_gone_is_passed_over():
    places = Pool(1)
    places.take(0)
    with pytest.raises(TimeoutError):
        places.take(0.01)
    got, threads = take_in_turn(places, 3)
    for connection in "abc":
        places.give_back(connection)
        while len(got) < "abc".index(connection) + 1:
            time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert got == [(0, "a"), (1, "b"), (2, "c")]
