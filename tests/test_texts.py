"""What somebody gave is repeated short, printable, and without a walk over all of it."""

import time

import pytest

from predictor.texts import quote


def test_what_is_repeated_is_short_and_printable():
    assert quote("a\x00\ud800" + "b" * 100) == "“a\\x00\\ud800" + "b" * 29 + "…”"


@pytest.mark.parametrize("length", [39, 40, 41])
@pytest.mark.parametrize("character", ["a", "\u202e"])
def test_it_is_marked_as_cut_exactly_where_it_was(character, length):
    shown = quote(character * length)
    assert shown.endswith("…”") == (length > 40 or character != "a")
    assert len(shown.strip("“…”")) == min(40, length if character == "a" else 40)


def test_megabytes_are_repeated_as_fast_as_a_word():
    megabytes = "\u202e" * 4_000_000
    started = time.perf_counter()
    for _ in range(20):
        quote(megabytes)
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(("exponent", "shown"), [(5_000, "0x"), (50, "1000000000")])
def test_an_integer_that_python_refuses_to_write_is_repeated_all_the_same(exponent, shown):
    assert quote(10**exponent).startswith(f"“{shown}")
    assert quote(-(10**exponent)).startswith(f"“-{shown}")
    assert quote(10**exponent).endswith("…”")
