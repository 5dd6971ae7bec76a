"""Whoever makes a new kind of event says whether subscribers are told about it."""

import re

from capd.told import INNER, TOLD
from tests.house.test_house import modules

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
