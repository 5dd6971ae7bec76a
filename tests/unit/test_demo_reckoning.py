"""What the demo says at its end."""

from datetime import UTC, datetime, timedelta

from capd.demo.households import neighbourhood
from capd.demo.reckoning import Count, Reckoning
from capd.model import Event

AT = datetime(2026, 6, 3, 12, tzinfo=UTC)


def an_order(number, state, minutes, *, who="S-001", suspended=True):
    return Event(
        at=AT + timedelta(minutes=minutes),
        kind=f"order_{state}",
        text=".",
        subscriber=who,
        device="cpe-001",
        figures={"order": number, "suspended": suspended},
    )


def a_reckoning(*events, counts=(), **more):
    plain = {"cut_off": frozenset(), "leaked_bytes": 0, "refused_bytes": 0, "speed": 3600}
    homes = {home.id: home for home in neighbourhood(40)}
    reckoning = Reckoning(households=homes, events=events, counts=counts, **plain | more)
    return dict(line.split(":", 1) for line in reckoning.lines())


def test_who_was_suspended_and_restored_is_told_from_the_routers_own_words():
    told = a_reckoning(
        an_order(1, "open", 0),
        an_order(1, "applied", 60),
        an_order(2, "open", 120, suspended=False),
        an_order(2, "applied", 240, suspended=False),
        an_order(3, "open", 0, who="S-002"),
    )

    assert "S-001 Amara Okafor" in told["suspended"]
    assert "S-001 Amara Okafor" in told["restored"]
    assert "S-002" not in told["suspended"]
    assert "2 verified" in told["pushes"]
    assert "median 1.5 s" in told["pushes"]


def test_a_changed_rate_restores_nobody():
    told = a_reckoning(
        an_order(1, "open", 0, suspended=False), an_order(1, "applied", 1, suspended=False)
    )

    assert told["restored"].strip() == "nobody"


def test_what_was_bought_is_named():
    topup = Event(
        at=AT, kind="topup", text=".", subscriber="S-001", figures={"size_bytes": 25 * 10**9}
    )

    assert a_reckoning(topup)["bought"].strip() == "S-001 Amara Okafor: 25 GB"


def test_bytes_counted_are_held_against_the_truth():
    same = Count(subscriber="S-001", counted=7, true=7, unknown_s=0)
    hidden = Count(subscriber="S-002", counted=5, true=9, unknown_s=60)

    assert a_reckoning(counts=[same])["bytes"].strip() == "counted 7, true 7: equal"
    told = a_reckoning(counts=[same, hidden])
    assert "NOT equal: -4" in told["bytes"]
    (why,) = [text for name, text in told.items() if "S-002" in name]
    assert "60 s in which nothing can be known" in why


def test_many_names_are_not_all_listed():
    warned = [Event(at=AT, kind="notice", text=".", subscriber=f"S-{n:03}") for n in range(1, 31)]

    assert a_reckoning(*warned)["warned"].endswith("and 18 more")
