import pytest

from capd.enforce.render import script
from capd.enforce.session import carry, look
from capd.enforce.work import Work, mask, outcome
from capd.errors import DeviceUnreachable
from capd.model import OrderState, Secret, SnmpAccess, SshAccess
from capd.profiles import load_all
from capd.simulator.routeros_cli import RouterOs
from tests.builders import NOON, a_device, a_service, an_order

PROFILES = load_all()
ON, OFF = a_service(), a_service(suspended=True)


class Terminal:
    """Answers like a RouterOS whose list has so many entries; each add makes one more."""

    def __init__(self, *, listed=0, adds=1, lost_at=None, refuses=(), ruled=True):
        self.ruled = ruled
        self.listed, self.adds, self.lost_at, self.refuses = listed, adds, lost_at, refuses
        self.lines = []

    def type(self, line, *, ends):
        self.lines.append(line)
        if self.lost_at and self.lost_at in line:
            raise DeviceUnreachable("the session was lost in the middle")
        if any(word in line for word in self.refuses):
            return "failure: not now"
        if "address-list add" in line:
            self.listed += self.adds
        if "address-list remove" in line:
            self.listed = 0
        if "firewall filter" in line:
            return (
                "capd rule src reject\ncapd rule dst drop" if self.ruled else "capd rule src accept"
            )
        if "print" in line:
            return " 0   list=capd-suspended address=10.0.0.2 comment=capd:S-1" * self.listed
        return f"capd off {self.listed}" if ":put" in line else ""


def work(before=ON, after=OFF, *, save=()):
    device = a_device(profile="mikrotik_routeros", settings={"address": "10.0.0.2"})
    profile = PROFILES["mikrotik_routeros"]
    enforce = profile.enforce.model_copy(update={"save": save})
    order = an_order(before=before, after=after)
    return Work(script=script(order, device, profile.model_copy(update={"enforce": enforce})))


class OfRouter:
    """Types into a router in memory."""

    def __init__(self, router):
        self.router, self.lines = router, []

    def type(self, line, *, ends):
        self.lines.append(line)
        return self.router.answer(line)


def many(n, before=ON, after=OFF, *, among):
    settings = {"address": f"10.0.0.{n}"}
    device = a_device(profile="mikrotik_routeros", settings=settings)
    order = an_order(subscriber=f"S-{n}", before=before, after=after)
    return Work(script=script(order, device, PROFILES["mikrotik_routeros"], among=among))


def changing(terminal):
    return [line for line in terminal.lines if " add " in line or " remove " in line]


def test_a_change_is_applied_when_the_device_says_so_afterwards__UC_2():
    terminal, one = Terminal(), work()
    carry(terminal, [one])
    assert one.state is OrderState.APPLIED
    assert "print" in terminal.lines[0]  # read back before anything is typed
    assert ":put" in terminal.lines[-1]  # and after


def test_a_device_that_takes_the_lines_and_changes_nothing_is_a_failure():
    terminal, one = Terminal(adds=0), work()
    carry(terminal, [one])
    assert (one.state, one.retry) == (OrderState.FAILED, True)
    assert "it says: " in one.detail


def test_a_list_that_no_rule_shuts_out_is_told_and_nothing_is_typed__UC_2():
    terminal, off, on = Terminal(listed=1, ruled=False), work(), work(OFF, ON)
    carry(terminal, [off, on])
    assert (off.state, off.retry) == (OrderState.FAILED, False)
    assert "no two rules of its firewall shut the list capd-suspended out" in off.detail
    assert "/ip firewall filter add chain=forward src-address-list=capd-suspended" in off.detail
    assert on.state is OrderState.APPLIED  # who is owed service has it back all the same
    assert not any("address-list add" in line for line in terminal.lines)


def test_a_suspension_whose_rule_was_taken_away_is_not_as_it_was_left__UC_2():
    one = work()
    look(Terminal(listed=1, ruled=False), [one])
    assert one.state is OrderState.UNKNOWN
    assert "shut the list" in one.unmet


def test_many_orders_of_a_session_are_read_back_in_one_answer_for_all():
    router = RouterOs()
    router.add("/ip firewall address-list", list="capd-suspended", address="9.9.9.9", comment="x")
    terminal = OfRouter(router)
    off = [many(n, among=60) for n in range(60)]
    carry(terminal, off)
    assert {one.state for one in off} == {OrderState.APPLIED}
    reading = [line for line in terminal.lines if "find list=" in line and " remove " not in line]
    assert len(set(reading)) == 1
    assert len(reading) == 3  # before, and after each fifty
    assert all(not router.passes(f"10.0.0.{n}") for n in range(60))
    back = [many(n, OFF, ON, among=60) for n in range(60)]
    carry(terminal, back)
    assert {one.state for one in back} == {OrderState.APPLIED}
    assert [item.get("address") for item in router.menus["/ip firewall address-list"]] == [
        "9.9.9.9"
    ]


def test_in_one_answer_for_all_each_finds_its_own_and_nobody_else_s():
    """S-1 is none of S-10; an address that is not the one to be shut out is no suspension."""
    router = RouterOs()
    for who, address in (("S-10", "10.0.0.1"), ("S-2", "10.0.0.99")):
        item = {"list": "capd-suspended", "address": address, "comment": f"capd:{who}"}
        router.add("/ip firewall address-list", **item)
    some = [many(1, among=20), many(2, among=20)]
    look(OfRouter(router), some)
    assert [one.state for one in some] == [OrderState.UNKNOWN, OrderState.UNKNOWN]


def test_a_device_that_changed_and_is_not_as_owed_is_unknown_not_merely_failed__UC_2():
    """The books must not go on believing that it is as before: it would never be put back."""
    terminal, one = Terminal(adds=2), work()
    carry(terminal, [one])
    assert (one.state, one.retry) == (OrderState.UNKNOWN, True)


def test_what_is_already_so_is_applied_and_nothing_is_typed():
    terminal, one = Terminal(listed=1), work()
    carry(terminal, [one])
    assert one.state is OrderState.APPLIED
    assert changing(terminal) == []


@pytest.mark.parametrize(
    ("lost_at", "state"),
    [("print", OrderState.FAILED), ("remove", OrderState.UNKNOWN), (" add ", OrderState.UNKNOWN)],
)
def test_a_lost_session_is_unknown_only_if_something_may_have_been_typed(lost_at, state):
    terminal, one = Terminal(lost_at=lost_at), work()
    carry(terminal, [one])
    assert (one.state, one.retry, one.unreachable) == (state, True, True)


def test_a_lost_session_leaves_what_was_proven_before_proven():
    first, second = work(OFF, ON), work()
    terminal = Terminal(lost_at="address-list add")
    carry(terminal, [first, second])
    assert (first.state, second.state) == (OrderState.APPLIED, OrderState.UNKNOWN)


def test_a_refused_line_ends_the_order_with_the_device_s_words():
    terminal, one = Terminal(refuses=["address-list add"]), work()
    carry(terminal, [one])
    assert (one.state, one.retry) == (OrderState.FAILED, False)
    assert "failure: not now" in one.detail


def test_a_read_back_that_is_refused_before_anything_was_typed_changes_nothing():
    terminal, one = Terminal(refuses=["print"]), work()
    carry(terminal, [one])
    assert (one.state, changing(terminal)) == (OrderState.FAILED, [])


def test_what_makes_changes_last_is_typed_once_a_session_and_only_after_a_change():
    terminal = Terminal()
    carry(terminal, [work(save=("/save",)), work(save=("/save",))])
    assert terminal.lines.count("/save") == 1
    terminal = Terminal(listed=1)
    carry(terminal, [work(save=("/save",))])
    assert "/save" not in terminal.lines


def test_a_change_that_was_not_saved_is_no_success():
    one = work(save=("/save",))
    carry(Terminal(refuses=["/save"]), [one])
    assert one.state is OrderState.UNKNOWN
    assert "not saved" in one.detail


def test_the_outcome_keeps_what_was_typed_and_answered():
    one = work()
    carry(Terminal(), [one])
    told = outcome(one, NOON, 1.5)
    assert '> /ip firewall address-list add list="capd-suspended"' in told.transcript
    assert (told.at, told.took_s) == (NOON, 1.5)


def test_every_secret_of_the_device_is_masked():
    device = a_device(
        ssh=SshAccess(username="capd", password=Secret("hunter2")),
        snmp=SnmpAccess(community=Secret("hunter"), auth_key=Secret("k1"), priv_key=Secret("")),
    )
    assert mask("hunter2 hunter k1 capd", device) == "*** *** *** capd"
