"""What a device gave before is read out of its own words of then."""

import pytest

from capd.enforce.former import former
from capd.profiles import load_all
from tests.builders import a_device, a_service, an_order

PROFILES = load_all()
GUESSES = [a_service(down_bps=None, up_bps=None), a_service()]
LISTED = " 0   list=capd-suspended address=10.0.0.2 comment=capd:S-1\ncapd off 1"


def before(words, *, profile="mikrotik_routeros", **settings):
    settings = settings or {"address": "10.0.0.2", "queue": "Q 1"}
    device = a_device(profile=profile, settings=settings)
    return former(words, an_order(), device, PROFILES[profile], GUESSES)


@pytest.mark.parametrize(
    ("words", "suspended", "rates"),
    [
        ("capd off 0\ncapd rate 1000000/7000000", False, (7_000_000, 1_000_000)),
        ("capd off 0\ncapd rate 0/0", False, (None, None)),
        (f"{LISTED}\ncapd rate 0/4000000", True, (4_000_000, None)),
        ("capd lists 0\ncapd rate 9/9 Q 2\ncapd rate 1000000/7000000 Q 1", False,
         (7_000_000, 1_000_000)),
    ],
)  # fmt: skip
def test_whatever_rate_the_words_show_goes_back(words, suspended, rates):
    found = before(words)
    assert (found.suspended, (found.down_bps, found.up_bps)) == (suspended, rates)


def test_where_no_rate_is_read_the_products_are_tried():
    vyos = {"address": "10.0.0.2", "shaper_down": "d", "shaper_up": "u"}
    group = "set firewall group address-group capd-suspended"
    rule = "set firewall ipv4 forward filter rule 1 source group address-group capd-suspended"
    shaped = [f"set qos policy shaper {way} bandwidth {kbps}kbit" for way, kbps in
              (("d", 30000), ("u", 5000))]  # fmt: skip
    words = "\n".join([f"{group} description x", rule, *shaped])
    assert before(words, profile="vyos", **vyos) == a_service()
    off = f"{words}\n{group} address 10.0.0.2"
    assert before(off, profile="vyos", **vyos) == a_service(suspended=True)


@pytest.mark.parametrize("words", ["", "capd off 2\ncapd rate 0/0", "bad command name"])
def test_what_no_order_could_bring_about_again_is_not_guessed(words):
    assert before(words) is None
