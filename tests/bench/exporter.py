"""Debian's prometheus-snmp-exporter, probed as Prometheus would, and what it spends on that."""

import http.client
import json
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.process import Daemon, free_port, need, until
from tests.servers.snmpd import COMMUNITY

Module = Mapping[str, object]

_IF = "1.3.6.1.2.1.2.2.1"
_IFX = "1.3.6.1.2.1.31.1.1.1"
_IF_COLUMNS = (
    ("ifIndex", 1, "gauge"), ("ifDescr", 2, "DisplayString"), ("ifType", 3, "gauge"),
    ("ifMtu", 4, "gauge"), ("ifSpeed", 5, "gauge"), ("ifPhysAddress", 6, "PhysAddress48"),
    ("ifAdminStatus", 7, "gauge"), ("ifOperStatus", 8, "gauge"), ("ifLastChange", 9, "gauge"),
    ("ifInOctets", 10, "counter"), ("ifInUcastPkts", 11, "counter"),
    ("ifInNUcastPkts", 12, "counter"), ("ifInDiscards", 13, "counter"),
    ("ifInErrors", 14, "counter"), ("ifInUnknownProtos", 15, "counter"),
    ("ifOutOctets", 16, "counter"), ("ifOutUcastPkts", 17, "counter"),
    ("ifOutNUcastPkts", 18, "counter"), ("ifOutDiscards", 19, "counter"),
    ("ifOutErrors", 20, "counter"), ("ifOutQLen", 21, "gauge"),
)  # fmt: skip
_IFX_COLUMNS = (
    ("ifName", 1, "DisplayString"), ("ifInMulticastPkts", 2, "counter"),
    ("ifInBroadcastPkts", 3, "counter"), ("ifOutMulticastPkts", 4, "counter"),
    ("ifOutBroadcastPkts", 5, "counter"), ("ifHCInOctets", 6, "counter"),
    ("ifHCInUcastPkts", 7, "counter"), ("ifHCInMulticastPkts", 8, "counter"),
    ("ifHCInBroadcastPkts", 9, "counter"), ("ifHCOutOctets", 10, "counter"),
    ("ifHCOutUcastPkts", 11, "counter"), ("ifHCOutMulticastPkts", 12, "counter"),
    ("ifHCOutBroadcastPkts", 13, "counter"), ("ifLinkUpDownTrapEnable", 14, "gauge"),
    ("ifHighSpeed", 15, "gauge"), ("ifPromiscuousMode", 16, "gauge"),
    ("ifConnectorPresent", 17, "gauge"), ("ifAlias", 18, "DisplayString"),
    ("ifCounterDiscontinuityTime", 19, "gauge"),
)  # fmt: skip


def if_mib() -> Module:
    """Return the module that everybody uses: interfaces and ifXTable walked, sysUpTime got."""
    index = [{"labelname": "ifIndex", "type": "gauge"}]
    columns = [(name, f"{_IF}.{n}", kind) for name, n, kind in _IF_COLUMNS]
    columns += [(name, f"{_IFX}.{n}", kind) for name, n, kind in _IFX_COLUMNS]
    return _module(
        walk=["1.3.6.1.2.1.2", "1.3.6.1.2.1.31.1.1"],
        get=["1.3.6.1.2.1.1.3.0"],
        metrics=[
            {"name": "sysUpTime", "oid": "1.3.6.1.2.1.1.3", "type": "gauge", "help": "since"},
            *(
                {"name": name, "oid": oid, "type": kind, "help": name, "indexes": index}
                for name, oid, kind in columns
            ),
        ],
    )


def only(oids: Sequence[str]) -> Module:
    """Return a module that gets *oids* and walks nothing."""
    return _module(
        walk=[],
        get=list(oids),
        metrics=[
            {"name": f"figure{n}", "oid": oid, "type": "gauge", "help": "one of capd's"}
            for n, oid in enumerate(oids)
        ],
    )


def _module(**parts: object) -> Module:
    return {**parts, "version": 2, "auth": {"community": COMMUNITY}}


def probe(module: Module, port: int, *, probes: int, folder: Path) -> tuple[int, float]:
    """Probe the agent *probes* times; return the series of one answer, and CPU seconds in all."""
    (folder / "snmp.yml").write_text(json.dumps({"bench": module}))  # JSON is YAML
    listen = free_port(socket.SOCK_STREAM)
    exporter = Daemon(
        [need("prometheus-snmp-exporter"), f"--config.file={folder}/snmp.yml",
         f"--web.listen-address=127.0.0.1:{listen}", "--log.level=error"],
        folder / "exporter.log",
    )  # fmt: skip
    exporter.start()
    try:
        until(lambda: _listens(listen), seconds=20, what="snmp_exporter listens")
        pid = exporter.process.pid
        for n in range(probes + 3):
            if n == 3:
                spent = _cpu_s(pid)
            series = _scrape(listen, f"/snmp?module=bench&target=127.0.0.1:{port}")
        return series, _cpu_s(pid) - spent
    finally:
        exporter.stop()


def _listens(port: int) -> bool:
    with socket.socket() as probe_:
        return probe_.connect_ex(("127.0.0.1", port)) == 0


def _scrape(port: int, path: str) -> int:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        link.request("GET", path)
        answer = link.getresponse()
        body = answer.read().decode()
    finally:
        link.close()
    assert answer.status == 200, body
    return sum(1 for line in body.splitlines() if line and not line.startswith(("#", "snmp_")))


def _cpu_s(pid: int) -> float:
    """Return user + system seconds that the process has spent."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
