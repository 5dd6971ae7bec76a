import pytest
from pydantic import ValidationError

from capd.dialect import Enforce, addresses_of, mistakes

VERIFY = {"line": "show {lan}", "suspended": "^off {lan}$"}
WHOLE = {"netmiko": "linux", "suspend": ["off {lan}"], "restore": ["on {lan}"], "verify": VERIFY}
SETTINGS = {"lan": None, "portal": "", "method": "list"}


def found(**changes):
    return list(mistakes(Enforce(**{**WHOLE, **changes}), SETTINGS))


def test_a_whole_dialect_has_no_mistakes():
    assert found(rate=["rate {down_bps} { 80, 443 } do={x=1}"]) == []


def test_a_placeholder_that_nothing_fills_is_named():
    assert found(suspend=["off {lam}"]) == ["enforce.suspend: unknown placeholder {lam}"]
    assert found(verify={**VERIFY, "rate": "{up_mbps}"}) == [
        "enforce.verify.rate: unknown placeholder {up_mbps}"
    ]


def test_a_condition_on_nothing_is_named():
    assert found(suspend=[{"line": "off", "when": "portal5"}]) == [
        "enforce.suspend: unknown placeholder {portal5}"
    ]
    assert found(suspend=[{"line": "off {portal4}", "when": "portal4"}]) == []


def test_two_lines_in_one_are_a_mistake():
    assert found(suspend=["off {lan}\nreboot"]) == [
        "enforce.suspend: one line each: a line end would be typed as Enter"
    ]


def test_a_dialect_without_a_read_back_is_a_mistake():
    assert found(verify=None) == ["enforce: suspend, restore and verify must be given, or methods"]


def test_a_choice_of_methods_has_a_setting_that_makes_it():
    way = {"suspend": ["a"], "restore": ["b"], "verify": VERIFY}
    both = {"suspend": [], "restore": [], "verify": None, "methods": {"list": way}}
    assert found(**both, method="method") == []
    assert found(**both) == [
        "enforce.method: must name the setting that chooses one of enforce.methods"
    ]
    assert found(**both, method="ways") == ["enforce.method: there is no setting 'ways'"]
    assert found(methods={"list": way}, method="method") == [
        "enforce: suspend, restore and verify belong into the methods, since there are some"
    ]
    assert found(**{**both, "methods": {"queue": way}}, method="method") == [
        "enforce.methods: has no 'list', the default of settings.method"
    ]


def test_a_need_that_is_no_setting_is_a_mistake():
    assert found(needs=["address"]) == ["enforce.needs: there is no setting 'address'"]


def test_an_expression_that_is_none_is_refused_on_reading():
    with pytest.raises(ValidationError, match="is no regular expression"):
        found(failure_marks=["("])


def test_addresses_are_told_apart_and_none_is_within_another():
    text = "192.0.2.0/24, 2001:db8::1 192.0.2.7,198.51.100.1/32"
    assert addresses_of(text) == (("192.0.2.0/24", "198.51.100.1"), ("2001:db8::1",))
    assert addresses_of("") == ((), ())
    with pytest.raises(ValueError, match=r"'192\.0\.2\.1/24' is no IP address or network"):
        addresses_of("192.0.2.1/24")
