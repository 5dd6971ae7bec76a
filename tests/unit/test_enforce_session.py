import pytest

from capd.enforce.render import script
from capd.enforce.session import carry
from capd.enforce.work import Work, mask, outcome
from capd.errors import DeviceUnreachable
from capd.model import OrderState, Secret, SnmpAccess, SshAccess
from capd.profiles import load_all
from tests.builders import NOON, a_device, a_service, an_order

PROFILES = load_all()
ON, OFF = a_service(), a_service(suspended=True)


class Terminal:
    """Answers like a RouterOS whose list has so many entries; each add makes one more."""

    def __init__(self, *, listed=0, adds=1, lost_at=None, refuses=()):
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
        if "print" in line:
            return " 0   list=capd-suspended address=10.0.0.2 comment=capd:S-1" * self.listed
        return f"capd off {self.listed}" if ":put" in line else ""


def work(before=ON, after=OFF, *, save=()):
    device = a_device(profile="mikrotik_routeros", settings={"address": "10.0.0.2"})
    profile = PROFILES["mikrotik_routeros"]
    enforce = profile.enforce.model_copy(update={"save": save})
    order = an_order(before=before, after=after)
    return Work(script=script(order, device, profile.model_copy(update={"enforce": enforce})))


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
