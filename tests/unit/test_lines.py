"""Readings and facts as JSON lines: what is accepted, and what is said of the rest."""

import json
from datetime import UTC, datetime

import pytest

from capd.lines import event_record, line_of
from capd.model import Event, Fact, Reading

READING = {
    "at": "2026-03-01T00:05:00Z",
    "device": "cpe-1",
    "meter": "wan",
    "down_bytes": 123,
    "up_bytes": 45,
}


def line(**changes):
    fields = {**READING, **changes}
    return json.dumps({key: value for key, value in fields.items() if value != "leave out"})


def test_a_reading_says_as_much_as_its_line_does():
    reading = line_of(line(uptime_s=86400.0, counter_bits=32, link_bps=10**9, epoch=7))
    assert reading == Reading(
        device="cpe-1",
        meter="wan",
        at=datetime(2026, 3, 1, 0, 5, tzinfo=UTC),
        down_bytes=123,
        up_bytes=45,
        uptime_s=86400.0,
        counter_bits=32,
        link_bps=10**9,
        epoch="7",
    )


def test_a_fact_keeps_its_details_as_text():
    text = '{"at":"2026-03-02T11:00:00+01:00","fact":"topup","subscriber":"S-1","size":"10GB"}'
    assert line_of(text) == Fact(
        at=datetime(2026, 3, 2, 10, tzinfo=UTC),
        fact="topup",
        subscriber="S-1",
        details={"size": "10GB"},
    )


def test_a_detail_that_is_true_or_false_is_yes_or_no():
    text = b'{"at":"2026-03-02T11:00:00Z","fact":"breach","subscriber":"S-1","serious":%s}'
    assert line_of(text % b"true").details == {"serious": "yes"}
    assert line_of(text % b"false").details == {"serious": "no"}


def test_what_is_not_known_may_be_null_or_left_out():
    unknown = dict.fromkeys(("uptime_s", "agent_uptime_s", "epoch", "link_bps", "counter_bits"))
    assert line_of(line(**unknown)) == line_of(line())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"down_bytes": 1.5}, "down_bytes wants a whole number"),
        ({"down_bytes": -1}, "down_bytes wants a whole number"),
        ({"down_bytes": "12"}, "down_bytes wants a whole number"),
        ({"down_bytes": True}, "down_bytes wants a whole number"),
        ({"up_bytes": 2**64}, "up_bytes wants a whole number"),
        ({"up_bytes": "leave out"}, "up_bytes is missing"),
        ({"at": "2026-03-01T00:05:00"}, "with its zone"),
        ({"at": "yesterday"}, "at wants a time"),
        ({"at": 12}, "at wants a time"),
        ({"at": "leave out"}, "at is missing"),
        ({"device": ""}, "device wants a name"),
        ({"meter": "leave out"}, "meter is missing"),
        ({"counter_bits": 48}, "counter_bits wants 32 or 64"),
        ({"uptime_s": -3}, "uptime_s wants seconds"),
        ({"upbytes": 3}, "unknown key 'upbytes'"),
    ],
)
def test_what_cannot_be_trusted_is_refused_with_its_reason__CN_17(changes, said):
    with pytest.raises(ValueError, match=said):
        line_of(line(**changes))


@pytest.mark.parametrize("text", [b"{", b"[]", b"7", b'"x"', b"\xff"])
def test_a_line_that_is_no_object_is_refused(text):
    with pytest.raises(ValueError, match=r"JSON|object"):
        line_of(text)


def test_an_event_is_a_line_with_its_own_figures():
    event = Event(
        at=datetime(2026, 3, 1, tzinfo=UTC),
        kind="notice",
        text="You have used 80 %.",
        clause="UC-11",
        subscriber="S-1",
        figures={"notice": "usage_80"},
    )
    assert event_record(event) == {
        "at": "2026-03-01T00:00:00Z",
        "kind": "notice",
        "subscriber": "S-1",
        "notice": "usage_80",
        "clause": "UC-11",
        "text": "You have used 80 %.",
    }


def test_no_figure_of_an_event_hides_what_every_event_says():
    figures = dict.fromkeys(("id", "at", "kind", "subscriber", "device", "text"), "x")
    event = Event(at=datetime(2026, 3, 1, tzinfo=UTC), kind="seen", text="Seen.", figures=figures)
    assert event_record(event, id_=7) == {
        "id": 7,
        "at": "2026-03-01T00:00:00Z",
        "kind": "seen",
        "clause": None,
        "text": "Seen.",
        "author": event.author,
    }
