import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from predictor.exceptions import TooLate
from predictor.serving.lookup import Lookup


class Table:
    """Holds the squares of small numbers; notes what it was asked, and answers only while the gate is open."""

    def __init__(self):
        self.asked, self.failures = [], 0
        self.gate = threading.Event()
        self.gate.set()

    def find_many(self, keys):
        self.asked.append(set(keys))
        self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise OSError("away")
        return {key: key**2 for key in keys if key < 10}


@pytest.fixture
def pool():
    with ThreadPoolExecutor(max_workers=8) as pool:
        yield pool


def gather(pool, lookup, table, keys):
    """Let the first key be asked for, and the others come while that query is under way."""
    table.gate.clear()
    futures = []
    for number, key in enumerate(keys):
        futures.append(pool.submit(lookup.find, key))
        while not table.asked or lookup.waiting < number:
            time.sleep(0.001)
    table.gate.set()
    return futures


def test_one_who_asks_alone_is_answered_at_once():
    table = Table()
    lookup = Lookup(table.find_many)
    assert [lookup.find(3), lookup.find(4), lookup.find(10)] == [9, 16, None]
    assert table.asked == [{3}, {4}, {10}]


def test_those_who_come_meanwhile_share_one_query(pool):
    table = Table()
    lookup = Lookup(table.find_many)
    futures = gather(pool, lookup, table, [1, 2, 3, 3, 10])
    assert [future.result(5) for future in futures] == [1, 4, 9, 9, None]
    assert table.asked == [{1}, {2, 3, 10}]


def test_a_query_that_fails_fails_for_those_who_shared_it_and_for_nobody_else(pool):
    table = Table()
    table.failures = 1
    lookup = Lookup(table.find_many)
    first, *others = gather(pool, lookup, table, [1, 2, 3])
    with pytest.raises(OSError, match="away"):
        first.result(5)
    assert [future.result(5) for future in others] == [4, 9]
    table.failures = 1
    table.asked.clear()
    first, *others = gather(pool, lookup, table, [4, 5])
    assert isinstance(first.exception(5), OSError)
    assert others[0].result(5) == 25
    assert lookup.find(6) == 36


def test_one_who_gave_up_is_never_left_to_ask_for_the_others(pool):
    table = Table()
    lookup = Lookup(table.find_many, seconds=0.05)
    table.gate.clear()
    first = pool.submit(lookup.find, 1)
    while not table.asked:
        time.sleep(0.001)
    with pytest.raises(TooLate):
        lookup.find(2)
    table.gate.set()
    assert first.result(5) == 1
    assert lookup.find(3) == 9
    assert table.asked == [{1}, {3}]


def test_those_who_share_a_failure_have_an_error_each(pool):
    table = Table()
    lookup = Lookup(table.find_many)
    table.failures = 2
    errors = [future.exception(5) for future in gather(pool, lookup, table, [1, 2, 3])]
    assert [str(error) for error in errors] == ["away"] * 3
    assert len({id(error) for error in errors}) == 3


def test_nobody_is_forgotten_when_many_ask_at_once(pool):
    lookup = Lookup(Table().find_many)
    keys = [number % 11 for number in range(500)]
    assert list(pool.map(lookup.find, keys)) == [key**2 if key < 10 else None for key in keys]
    assert lookup.waiting == 0


class Unrepeatable(Exception):
    """An error that cannot be made again from its arguments."""

    def __init__(self, *, cause):
        super().__init__(f"because of {cause}")


@pytest.mark.parametrize(("raised", "shared"), [(Unrepeatable(cause="x"), Unrepeatable), (SystemExit(1), TooLate)])
def test_whatever_a_query_raises_wakes_everybody_who_waited_for_it(pool, raised, shared):
    table = Table()
    asked = []

    def find_many(keys):
        asked.append(keys)
        table.find_many(keys)
        if len(asked) == 2:
            raise raised
        return {}

    lookup = Lookup(find_many)
    first, leader, *others = gather(pool, lookup, table, [1, 2, 3, 4])
    assert first.result(5) is None
    assert isinstance(leader.exception(5), type(raised))
    assert [type(other.exception(5)) for other in others] == [shared, shared]


def test_a_query_that_never_ends_keeps_nobody_for_ever(pool):
    table, never = Table(), threading.Event()

    def find_many(keys):
        found = table.find_many(keys)
        if len(keys) > 1:
            never.wait()
        return found

    lookup = Lookup(find_many, seconds=0.2)
    _, leader, other = gather(pool, lookup, table, [1, 2, 3])
    assert isinstance(other.exception(5), TooLate)
    never.set()
    assert leader.result(5) == 4
