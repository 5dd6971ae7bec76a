"""Debian's collectd, publishing an interface's counters and the uptime to a broker on loopback."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import Daemon, need

_CONF = """
Hostname "{name}"
FQDNLookup false
BaseDir "{folder}"
PIDFile "{folder}/pid"
TypesDB "/usr/share/collectd/types.db"
Interval {interval}
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File "{folder}/collectd.log"
</Plugin>
LoadPlugin interface
LoadPlugin uptime
<Plugin interface>
  Interface "{interface}"
</Plugin>
LoadPlugin mqtt
<Plugin mqtt>
  <Publish "capd">
    Host "127.0.0.1"
    Port {port}
    ClientId "{name}"
    Prefix "collectd"
    {rates}
  </Publish>
</Plugin>
"""


@dataclass
class Collectd:
    """One collector; `prefix` runs it elsewhere, as in ("ip", "netns", "exec", "cpe1")."""

    folder: Path
    broker_port: int
    name: str = "cpe-1"
    interface: str = "lo"
    interval_s: float = 0.5
    store_rates: bool | None = False  # None: as collectd has it by default, which is rates
    prefix: Sequence[str] = ()

    def __post_init__(self) -> None:
        program = need("collectd")
        self.folder.mkdir(parents=True, exist_ok=True)
        rates = "" if self.store_rates is None else f"StoreRates {str(self.store_rates).lower()}"
        conf = self.folder / "collectd.conf"
        conf.write_text(
            _CONF.format(
                name=self.name, folder=self.folder, interval=self.interval_s,
                interface=self.interface, port=self.broker_port, rates=rates,
            )
        )  # fmt: skip
        self.daemon = Daemon([*self.prefix, program, "-f", "-C", str(conf)], self.folder / "out")

    def start(self) -> None:
        self.daemon.start()

    def stop(self) -> None:
        self.daemon.stop()
