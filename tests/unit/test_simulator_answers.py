"""The simulated agent's answers, without a socket: RFC 1157 and RFC 3416 to the letter."""

from datetime import UTC, datetime, timedelta

import pytest

from capd.simulator import ber
from capd.simulator.ber import Message, VarBind
from capd.simulator.box import Box, Port
from capd.simulator.snmp_agent import SnmpAgent

SYS_UPTIME = ber.oid("1.3.6.1.2.1.1.3.0")
HR_UPTIME = ber.oid("1.3.6.1.2.1.25.1.1.0")
IF_NAME = ber.oid("1.3.6.1.2.1.31.1.1.1.1")
HC_IN = ber.oid("1.3.6.1.2.1.31.1.1.1.6")
IN_OCTETS = ber.oid("1.3.6.1.2.1.2.2.1.10")


class Watch:
    def __init__(self):
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def box(watch):
    return Box(
        "cpe-1",
        clock=watch,
        ports=(Port(name="lan0", index=2), Port(name="wan0", index=3, in_bytes=5 * 10**9)),
    )


def ask(box, kind, *names, version=ber.V2C, community=b"public", status=0, index=0):
    question = Message(
        version=version,
        community=community,
        kind=kind,
        request_id=1,
        status=status,
        index=index,
        binds=tuple(VarBind(name, ber.NULL) for name in names),
    )
    answer = SnmpAgent(box).answer(ber.encode(question))
    return None if answer is None else ber.decode(answer)


def test_get_shows_the_wide_and_the_narrow_counter(box):
    answer = ask(box, ber.GET, (*HC_IN, 3), (*IN_OCTETS, 3))

    assert [bind.value.content for bind in answer.binds] == [5 * 10**9, 5 * 10**9 % 2**32]


def test_get_of_what_is_not_there_is_no_such_instance_in_v2c_and_an_error_in_v1(box):
    assert ask(box, ber.GET, (*HC_IN, 9)).binds[0].value == ber.NO_SUCH_INSTANCE
    refused = ask(box, ber.GET, SYS_UPTIME, (*HC_IN, 9), version=ber.V1)
    assert (refused.status, refused.index) == (ber.NO_SUCH_NAME, 2)


def test_v1_has_no_64_bit_counters(box):
    """RFC 2089: a walk passes them over."""
    assert ask(box, ber.GET, (*HC_IN, 3), version=ber.V1).status == ber.NO_SUCH_NAME
    behind = ask(box, ber.GETNEXT, HC_IN, version=ber.V1)
    assert behind.binds[0].oid == ber.oid("1.3.6.1.2.1.31.1.1.1.15.2")


def test_bulk_repeats_a_column_after_the_single_ones(box):
    answer = ask(box, ber.GETBULK, SYS_UPTIME[:-1], IF_NAME, status=1, index=2)

    assert [bind.oid for bind in answer.binds] == [SYS_UPTIME, (*IF_NAME, 2), (*IF_NAME, 3)]
    assert [bind.value.content for bind in answer.binds[1:]] == [b"lan0", b"wan0"]


def test_the_end_of_the_view_is_said(box):
    assert ask(box, ber.GETNEXT, (2, 0)).binds[0].value == ber.END_OF_VIEW
    assert len(ask(box, ber.GETBULK, (2, 0), index=30).binds) == 1


def test_a_bulk_answer_is_cut_to_one_packet(watch):
    ports = tuple(Port(name=f"vlan{n:04}", index=n) for n in range(1, 200))
    box = Box("tower", clock=watch, ports=ports)

    answer = ask(box, ber.GETBULK, IF_NAME, index=100)

    assert 20 < len(answer.binds) < 100


def test_a_get_that_does_not_fit_a_packet_is_too_big(box):
    assert ask(box, ber.GET, *[(*IF_NAME, 2)] * 90).status == ber.TOO_BIG


def test_nothing_can_be_set(box):
    assert ask(box, ber.SET, SYS_UPTIME).status == ber.NOT_WRITABLE


def test_a_wrong_community_meets_silence(box):
    assert ask(box, ber.GET, SYS_UPTIME, community=b"private") is None


def test_after_a_reboot_both_uptimes_and_the_counters_begin_again__CN_4(box, watch):
    box.reboot()
    watch.now += timedelta(seconds=5)

    answer = ask(box, ber.GET, SYS_UPTIME, HR_UPTIME, (*HC_IN, 3))

    assert [bind.value.content for bind in answer.binds] == [500, 500, 0]


def test_a_restarted_agent_forgets_its_uptime_and_not_the_counters__CN_6(box, watch):
    box.restart_agent()
    watch.now += timedelta(seconds=5)

    answer = ask(box, ber.GET, SYS_UPTIME, HR_UPTIME, (*HC_IN, 3))

    assert [bind.value.content for bind in answer.binds] == [
        500,
        40 * 86_400 * 100 + 500,
        5 * 10**9,
    ]


def test_a_recreated_interface_has_a_new_row_beside_the_dead_one__CN_5(box):
    before = ask(box, ber.GETNEXT, (*IF_NAME, 2)).binds[0].oid
    agent = SnmpAgent(box)
    box.recreate("wan0").in_bytes = 7

    assert before == (*IF_NAME, 3)
    assert box.port("wan0").index == 4
    question = Message(
        version=1,
        community=b"public",
        kind=ber.GET,
        request_id=1,
        binds=(VarBind((*HC_IN, 3), ber.NULL), VarBind((*HC_IN, 4), ber.NULL)),
    )
    shown = ber.decode(agent.answer(ber.encode(question)))
    assert [bind.value.content for bind in shown.binds] == [5 * 10**9, 7]


def test_some_firmware_wraps_its_wide_counters_at_32_bits__CN_9(box):
    box.faults.counter32 = True

    assert ask(box, ber.GET, (*HC_IN, 3)).binds[0].value.content == 5 * 10**9 % 2**32


def test_a_subtree_can_be_missing(box):
    box.faults.without = frozenset({"1.3.6.1.2.1.25"})

    assert ask(box, ber.GET, HR_UPTIME).binds[0].value == ber.NO_SUCH_INSTANCE


def test_time_ticks_wrap_after_497_days__CN_11(box, watch):
    watch.now += timedelta(days=460)

    ticks = ask(box, ber.GET, SYS_UPTIME).binds[0].value.content

    assert ticks == 500 * 86_400 * 100 - 2**32
