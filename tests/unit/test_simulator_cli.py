import pytest

from capd.simulator.linux_cli import LinuxRouter
from capd.simulator.quoting import Unbalanced, split
from capd.simulator.routeros_cli import RouterOs


def test_a_line_is_taken_apart_outside_of_quotes_and_brackets():
    assert list(split('a; b "c;d" [e; f] {g;h};;i', ";")) == ["a", 'b "c;d" [e; f] {g;h}', "i"]
    assert list(split("put 'a && b' && c", "&&", quotes="\"'")) == ["put 'a && b'", "c"]
    for open_end in ('"a', "[a", "(a"):
        with pytest.raises(Unbalanced):
            list(split(open_end, ";"))


def test_routeros_says_nothing_when_a_find_matches_nothing():
    router = RouterOs()
    assert router.answer('/queue simple set [find name="x"] max-limit=1M/1M') == ""
    assert router.answer("/queue simple print") == ""


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/queue simpel print", "bad command name"),
        ("/queue simple add nonsense", "expected end of command"),
        ("/queue simple add name=x max-limit=1M", "value of max-limit"),
        ("/queue simple get [find name=x] target", "no such item"),
        (':put ("a"', "syntax error"),
    ],
)
def test_routeros_says_what_it_did_not_like(line, answer):
    assert answer in RouterOs().answer(line)


def test_routeros_takes_an_address_once_on_a_list():
    router = RouterOs()
    line = "/ip firewall address-list add list=a address=10.0.0.1"
    assert router.answer(line) == ""
    assert router.answer(line) == "failure: already have such entry"


def test_routeros_adds_up_strings_and_counts():
    router = RouterOs()
    router.add("/ppp secret", name="joe")
    assert router.answer(':put ("found " . [:len [/ppp secret find]] . "!")') == "found 1!"
    assert router.answer(":do {/ppp secret get [find name=x] name} on-error={:put no}") == "no"


def test_a_disabled_entry_shuts_nobody_out():
    router = RouterOs()
    router.add("/ip firewall address-list", list="capd-suspended", address="10.0.0.1")
    assert not router.passes("10.0.0.1")
    router.answer("/ip firewall address-list set [find] disabled=yes")
    assert router.passes("10.0.0.1")


def test_linux_says_what_it_does_not_know_with_its_status():
    router = LinuxRouter()
    assert router.answer('frob && true; echo "capd:$?"') == "sh: frob: not found\ncapd:127"
    assert router.answer('cat /nope; echo "capd:$?"').endswith("capd:1")
    assert router.answer("put 'open") == "sh: syntax error: unterminated quoted string"


def test_a_reboot_of_linux_loses_what_no_file_keeps():
    router = LinuxRouter(tables={"capd-suspend-lan0": []})
    assert not router.passes("lan0")
    router.reboot()
    assert router.passes("lan0")
