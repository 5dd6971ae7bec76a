"""Sizes, rates and moments as people write them, and back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capd.units import bps_of, bytes_of, micros, moment, moment_of, rate_text, rfc3339, size_text


@pytest.mark.parametrize(
    ("text", "count"),
    [("100GB", 10**11), ("1.5 GiB", 1_610_612_736), ("2kib", 2048), (" 7 ", 7), (2048, 2048)],
)
def test_a_size_is_read_in_thousands_or_1024s(text, count):
    assert bytes_of(text) == count


@pytest.mark.parametrize("text", ["", "GB", "1 QB", "-1GB", "1e3", "0.1B", True, "10EB", "9" * 30])
def test_what_is_no_size_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"wants a size|not a whole number|more than any meter"):
        bytes_of(text)


def test_a_rate_is_read_in_thousands():
    assert bps_of("30Mbps") == 30_000_000
    assert bps_of("0.5 kbps") == 500
    with pytest.raises(ValueError, match="wants a rate"):
        bps_of("30GB")


@given(st.integers(0, 2**63 - 1))
def test_a_size_as_text_is_never_more_than_it_is(count):
    assert bytes_of(size_text(count)) <= count


def test_sizes_and_rates_are_said_shortly():
    assert size_text(999) == "999 B"
    assert size_text(214_390_000_000) == "214.3 GB"
    assert size_text(2 * 10**12) == "2 TB"
    assert rate_text(40_500_000) == "40.5 Mbps"
    assert rate_text(900) == "900 bps"


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2199, 1, 1)))
def test_a_moment_survives_the_store_and_the_wire(at):
    at = at.replace(tzinfo=UTC)
    assert moment(micros(at)) == at
    assert moment_of(rfc3339(at)) == at


def test_a_moment_wants_its_zone():
    east = datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    assert rfc3339(east) == "2026-03-01T00:00:00Z"
    for text in ("2026-03-01T00:00:00", "yesterday", ""):
        with pytest.raises(ValueError, match="wants a time"):
            moment_of(text)
    for text in ("9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", "20260-03-01T00:00Z"):
        with pytest.raises(ValueError, match=r"wants a (year|time)"):
            moment_of(text)
