"""The simulated agent against three clients that others wrote: net-snmp's, gufo's and pysnmp."""

import asyncio
import shutil
from contextlib import asynccontextmanager

import pytest
from gufo.snmp import SnmpVersion
from gufo.snmp.aio import SnmpSession
from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    get_cmd,
)

from capd.clock import utc_now
from capd.simulator.box import Box, Port
from capd.simulator.snmp_agent import SnmpAgent
from tests.conftest import need

HC_IN = "1.3.6.1.2.1.31.1.1.1.6"


def need_net_snmp():
    need("snmpbulkwalk (Debian: snmp)", shutil.which("snmpbulkwalk"))


@asynccontextmanager
async def an_agent():
    port = Port(name="wan0", index=3, in_bytes=2**40, out_bytes=2**33 + 1)
    box = Box("cpe-1", clock=utc_now, ports=(Port(name="lan0", index=2), port))
    agent = await SnmpAgent.start(box)
    try:
        yield agent
    finally:
        await agent.stop()


async def said(*command):
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_snmpget_reads_a_64_bit_counter():
    need_net_snmp()
    async with an_agent() as agent:
        code, output = await said(
            "snmpget", "-v2c", "-cpublic", "-On", f"127.0.0.1:{agent.port}", f"{HC_IN}.3"
        )

    assert code == 0, output
    assert f".{HC_IN}.3 = Counter64: {2**40}\n" in output


@pytest.mark.parametrize(
    "walk", [["snmpwalk", "-v1"], ["snmpwalk", "-v2c"], ["snmpbulkwalk", "-v2c"]]
)
async def test_a_walk_shows_every_row_and_ends(walk):
    need_net_snmp()
    async with an_agent() as agent:
        code, output = await said(*walk, "-cpublic", "-On", f"127.0.0.1:{agent.port}", ".1.3.6.1")

    objects = [line for line in output.splitlines() if " = " in line and "No more" not in line]
    assert code == 0, output
    assert len(objects) == (35 if walk[1] == "-v1" else 39)  # v1 has no Counter64: two ports, two


async def test_a_wrong_community_gets_no_answer():
    need_net_snmp()
    async with an_agent() as agent:
        code, output = await said(
            "snmpget", "-v2c", "-cwrong", "-t0.2", "-r0", f"127.0.0.1:{agent.port}", f"{HC_IN}.3"
        )

    assert code == 1
    assert "Timeout" in output


async def test_gufo_reads_and_walks_it():
    async with (
        an_agent() as agent,
        SnmpSession(
            "127.0.0.1", port=agent.port, community="public", version=SnmpVersion.v2c
        ) as session,
    ):
        counter = await session.get(f"{HC_IN}.3")
        rows = [row async for row in session.getbulk("1.3.6.1.2.1.31.1.1.1.1")]

    assert counter == 2**40
    assert [name for _, name in rows] == [b"lan0", b"wan0"]


async def test_pysnmp_reads_it():
    engine = SnmpEngine()
    async with an_agent() as agent:
        target = await UdpTransportTarget.create(("127.0.0.1", agent.port), timeout=2, retries=0)
        error, status, _, binds = await get_cmd(
            engine,
            CommunityData("public", mpModel=1),
            target,
            ContextData(),
            ObjectType(ObjectIdentity(f"{HC_IN}.3")),
        )
    engine.close_dispatcher()

    assert (error, int(status), int(binds[0][1])) == (None, 0, 2**40)


async def test_a_silent_box_answers_again_when_it_is_no_longer_silent():
    async with (
        an_agent() as agent,
        SnmpSession("127.0.0.1", port=agent.port, community="public", timeout=0.2) as session,
    ):
        agent.box.faults.silent = True
        with pytest.raises(TimeoutError):
            await session.get(f"{HC_IN}.3")
        agent.box.faults.silent = False

        assert await session.get(f"{HC_IN}.3") == 2**40
