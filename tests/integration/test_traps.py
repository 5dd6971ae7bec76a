"""Traps and informs of the real net-snmp tools, heard by capd: whose, of what kind."""

import asyncio
import shutil
import socket
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from capd.collect.traps import Trap, TrapReceiver
from capd.errors import CapdError
from capd.model import Secret, SnmpAccess
from capd.simulator import ber
from capd.simulator.ber import Value, VarBind
from capd.unasked import Unasked
from tests.builders import NOON, a_device
from tests.conftest import need
from tests.integration.test_pipeline import a_house

COLD, LINK_DOWN = "1.3.6.1.6.3.1.1.5.1", "1.3.6.1.6.3.1.1.5.3"
ENGINE = "0x8000000001020304"
V3 = SnmpAccess(
    version="3", user="capd", auth="sha256", auth_key=Secret("authauth1"),
    priv="aes128", priv_key=Secret("privpriv1"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def tools():
    need("Debian's snmp (snmptrap, snmpinform)", shutil.which("snmptrap"))


class Ear:
    """A receiver on a free port, and what it heard and refused."""

    def __init__(self, access, address="127.0.0.1"):
        self.heard, self.refused = [], []
        self.receiver = TrapReceiver(("127.0.0.1", 0), self.heard.append, self.refused.append)
        self.receiver.replace([a_device("cpe-1", address=address, snmp=access)])

    async def tell(self, command, *arguments):
        process = await asyncio.create_subprocess_exec(
            command, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        for _ in range(20):
            if self.heard or self.refused:
                break
            await asyncio.sleep(0.05)
        return process.returncode, said.decode()

    def v2c(self, *what, community="public", command="snmptrap"):
        where = f"127.0.0.1:{self.receiver.port}"
        return self.tell(command, "-v2c", "-c", community, where, "", *what)

    def v3(self, *what, key="authauth1", command="snmptrap"):
        where = f"127.0.0.1:{self.receiver.port}"
        engine = ["-e", ENGINE] if command == "snmptrap" else []
        return self.tell(
            command, "-v3", *engine, "-u", "capd", "-l", "authPriv", "-a", "SHA-256", "-A", key,
            "-x", "AES", "-X", "privpriv1", where, "", *what,
        )  # fmt: skip


@asynccontextmanager
async def an_ear(access=None, **more):
    ear = Ear(access or SnmpAccess(community=Secret("public")), **more)
    await ear.receiver.start()
    try:
        yield ear
    finally:
        await ear.receiver.stop()


async def test_a_cold_start_is_heard_from_the_device_that_it_came_from():
    async with an_ear() as ear:
        await ear.v2c(COLD)
        assert ear.heard == [Trap(device="cpe-1", kind="cold_start")]


async def test_a_link_that_goes_down_has_a_name():
    async with an_ear() as ear:
        await ear.v2c(LINK_DOWN, "1.3.6.1.2.1.31.1.1.1.1.3", "s", "wan0\nroot")
        assert ear.heard == [Trap(device="cpe-1", kind="link_down", what="wan0root")]


async def test_a_version_1_trap_says_the_same():
    async with an_ear() as ear:
        where = f"127.0.0.1:{ear.receiver.port}"
        await ear.tell("snmptrap", "-v1", "-c", "public", where, "1.3.6.1.4.1.14988.1",
                       "127.0.0.1", "3", "0", "42")  # fmt: skip
        assert [trap.kind for trap in ear.heard] == ["link_up"]


async def test_another_kind_is_told_by_its_oid():
    async with an_ear() as ear:
        await ear.v2c("1.3.6.1.4.1.99999.1")
        assert ear.heard == [Trap(device="cpe-1", kind="other", what="1.3.6.1.4.1.99999.1")]


async def test_an_inform_is_answered():
    async with an_ear() as ear:
        code, said = await ear.v2c(COLD, command="snmpinform")
        assert (code, said) == (0, "")
        assert [trap.kind for trap in ear.heard] == ["cold_start"]


async def test_a_wrong_community_is_not_heard_and_counted():
    async with an_ear() as ear:
        await ear.v2c(COLD, community="guessed")
        assert (ear.heard, ear.refused) == ([], ["community"])


async def test_the_community_of_another_device_is_none_of_ours():
    async with an_ear() as ear:
        mine = a_device("cpe-1", address="127.0.0.1", snmp=SnmpAccess(community=Secret("mine")))
        other = a_device("cpe-2", address="127.0.0.9", snmp=SnmpAccess(community=Secret("public")))
        ear.receiver.replace([mine, other])
        await ear.v2c(COLD)
        assert (ear.heard, ear.refused) == ([], ["community"])


GARBLED = (
    b"",
    b"\xff" * 300,
    b"0\x82\xff\xff\x02\x01\x01",
    b"0\x0d\x02\x01\x01\x04\x06public\x05\x00",  # a community, and nothing behind it
    b"0\x10\x02\x01\x01\x04\x06public\xa7\x03\x04\x01a",  # a notification of one letter
    b"0\x10\x02\x01\x07\x04\x06public\xa7\x03\x02\x01\x01",  # a version that there is not
)


async def test_what_no_one_can_read_is_counted_and_told_to_nobody():
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(what))
    async with an_ear() as ear:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anyone:
            for datagram in GARBLED:
                anyone.sendto(datagram, ("127.0.0.1", ear.receiver.port))
        await ear.v2c(COLD)
        for _ in range(100):
            if ear.heard:
                break
            await asyncio.sleep(0.05)
        assert [trap.kind for trap in ear.heard] == ["cold_start"]  # it hears on
        assert set(ear.refused) <= {"community", "unreadable"}
        assert len(ear.refused) >= 3
    assert told == []


async def test_a_flood_is_cut_short__one_device_cannot_take_the_whole_core():
    bind = VarBind(ber.oid("1.3.6.1.6.3.1.1.4.1.0"), Value(ber.OID, ber.oid(COLD)))
    uptime = VarBind(ber.oid("1.3.6.1.2.1.1.3.0"), Value(ber.TIMETICKS, 1))
    async with an_ear() as ear:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
            for n in range(100):
                said = ber.Message(
                    version=ber.V2C, community=b"public", kind=0xA7, request_id=n,
                    binds=(uptime, bind),
                )  # fmt: skip
                device.sendto(ber.encode(said), ("127.0.0.1", ear.receiver.port))
        for _ in range(100):
            if len(ear.heard) + len(ear.refused) == 100:
                break
            await asyncio.sleep(0.05)
        assert 30 <= len(ear.heard) <= 40
        assert set(ear.refused) == {"too_many"}


async def test_a_stranger_is_not_heard_and_counted():
    async with an_ear(address="127.0.0.9") as ear:
        await ear.v2c(COLD)
        assert (ear.heard, ear.refused) == ([], ["unknown_source"])


async def test_version_3_traps_are_known_by_their_keys():
    async with an_ear(V3) as ear:
        await ear.v3(COLD)
        assert ear.heard == [Trap(device="cpe-1", kind="cold_start")]


async def test_version_3_informs_are_answered():
    async with an_ear(V3) as ear:
        code, _ = await ear.v3(COLD, command="snmpinform")
        assert code == 0
        assert ear.heard == [Trap(device="cpe-1", kind="cold_start")]


async def test_version_3_with_another_key_is_not_heard():
    async with an_ear(V3) as ear:
        await ear.v3(COLD, key="wrongwrong")
        assert ear.heard == []


async def test_nobody_gets_around_version_3_with_a_community():
    async with an_ear(V3) as ear:
        await ear.v2c(COLD)
        assert (ear.heard, ear.refused) == ([], ["version"])


async def test_nonsense_is_not_heard_and_the_next_is():
    async with an_ear() as ear:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nonsense:
            nonsense.sendto(b"\x30\x82\xff\xff garbage", ("127.0.0.1", ear.receiver.port))
            nonsense.sendto(b"", ("127.0.0.1", ear.receiver.port))
        await ear.v2c(COLD)
        assert [trap.kind for trap in ear.heard] == ["cold_start"]


async def test_a_port_that_is_taken_is_said_in_a_line():
    async with an_ear() as ear:
        other = TrapReceiver(("127.0.0.1", ear.receiver.port), lambda _: None, lambda _: None)
        with pytest.raises(CapdError, match=r"collect\.traps: cannot listen on 127\.0\.0\.1:"):
            await other.start()


async def test_a_trap_makes_capd_look_at_once_and_stands_in_the_trail(sqlite_store):
    looked = []
    clock = Clock()
    unasked = Unasked(await a_house(sqlite_store), clock, ("127.0.0.1", 0), looked.append)
    restarted = Trap(device="cpe-1", kind="cold_start")
    unasked.hear(restarted)
    unasked.hear(restarted)
    unasked.hear(Trap(device="cpe-1", kind="link_down", what="wan0"))
    await unasked.turn()
    assert looked == ["cpe-1"]
    clock.now += timedelta(seconds=61)
    unasked.hear(restarted)
    await unasked.turn()
    await unasked.turn()
    assert looked == ["cpe-1", "cpe-1"]
    told = [event for _, event in await sqlite_store.trail.events() if event.device == "cpe-1"]
    assert [(event.kind, event.text) for event in told] == [
        ("device_cold_start", "cpe-1 says that it started; it is polled now."),
        ("device_link_down", "cpe-1 says that a link went down: wan0; it is polled now."),
        ("device_cold_start", "cpe-1 says that it started; it is polled now."),
    ]


class Clock:
    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now
