"""Whoever makes a new kind of event says whether subscribers are told about it."""

import re

from capd.told import INNER, TOLD, is_told
from tests.builders import an_event
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
    texts = [*modules("capd/decide"), *(ROOT / "capd/notify/letters").glob("*.j2")]
    assert len(texts) > len(TOLD)
    assert [path.name for path in texts if promise.search(path.read_text())] == []
