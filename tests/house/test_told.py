"""Whoever makes a new kind of event says whether subscribers are told about it."""

import re

from capd.decide import holds
from capd.decide.contract import product_terms
from capd.decide.policy import Policy
from capd.told import INNER, TOLD, is_told
from tests.builders import LONDON, NOON, a_product, an_event
from tests.house.test_house import ROOT, modules

MADE = re.compile(r"""(?:\.event\(\s*|Event\([^()]*?kind=)"([a-z_]+)"[^()]*""")


def test_every_kind_of_event_that_is_decided_is_told_or_kept_back_on_purpose():
    found = {}
    for path in modules("capd/decide"):
        for kind in MADE.findall(path.read_text()):
            found[kind] = path.name
    assert {"notice", "charge", "plan_changed"} <= found.keys()
    said = TOLD.keys() | INNER
    undecided = {kind: path for kind, path in found.items() if kind not in said}
    assert undecided == {}, "a line in capd/told.py: told, and by which name, or INNER"
    assert not TOLD.keys() & INNER


def test_people_are_told_by_e_mail_and_systems_by_webhook__CT_14():
    for kind, telling in TOLD.items():
        event = an_event(kind)
        assert "email" in telling.channels
        assert is_told(event, "webhook")
        for channel in ("email", "text", "letter"):
            assert is_told(event, channel) is (channel in telling.channels)


def test_no_letter_and_no_sentence_promises_a_speed__C_4():
    promise = re.compile(r"guarante|assured|at least \S+ ?[KMG]bps", re.IGNORECASE)
    pages = [path for kind in ("*.j2", "*.html", "*.js") for path in (ROOT / "capd").rglob(kind)]
    texts = [*modules("capd"), *pages, *(ROOT / "deploy/policies").glob("*.toml")]
    assert len(texts) > len(TOLD)
    assert [str(path) for path in texts if promise.search(path.read_text())] == []


def test_a_product_is_told_by_the_most_that_it_gives__C_4():
    was, becomes = (a_product(down_bps=rate) for rate in (30_000_000, 50_000_000))
    at = {"at": NOON, "now": NOON, "clause": "CT-6", "currency": "GBP", "zone": LONDON}
    text = product_terms.told("S-1", was, becomes, **at).text
    assert "up to 50 Mbps down instead of up to 30 Mbps down" in text
    allotted = holds.owed(becomes, (), Policy())
    assert (allotted.down_bps, allotted.up_bps) == (50_000_000, None)  # a ceiling, and no floor
