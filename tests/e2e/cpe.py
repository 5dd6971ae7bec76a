"""A subscriber's router: Linux forwarding between wan0 and lan0, snmpd, sshd, nftables, collectd.

Its /etc is an overlay over the real one and its /run, /var/log and /var/lib/snmp are its own, so
nothing that happens on it touches the machine that the lab runs on. What is in /etc and
/var/lib/snmp survives a reboot, as on a real router; rules that were only typed do not.
"""

import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.hosts import Host, Records, run, wait_until

USER = "capd"  # may do everything
VIEWER = "viewer"  # may log in and nothing else
PASSWORD = "lab-password"
COMMUNITY = "public"
AUTH_KEY = "lab-auth-key"
PRIV_KEY = "lab-priv-key"

_HASH = (
    "$6$capdlab$KnBQFU5kVjoMAEkrJlyTPtgWEok8sA7/V7eBbGiUvMIr9FQ60XZIm/w7wTpYLBUN"
    ".kIUsTGL3IlzLuVkrP7zt1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CpeSpec:
    """What a router of the lab is called, and whether it publishes over MQTT as well."""

    name: str
    collectd: bool = False
    collectd_interval_s: int = 1


class Cpe(Host):
    """One router; *number* and *slot* pick its address `management`, where capd reaches it."""

    def __init__(self, spec: CpeSpec, number: int, slot: int, records: Records, home: Path) -> None:
        super().__init__(spec.name, records, home / "logs")
        self.spec, self.number = spec, number
        self.management, self._broker = f"198.18.{slot}.{number + 10}", f"198.18.{slot}.1"
        self._home = home / spec.name
        self._write_disk()

    def power_on(self) -> None:
        """Boot with the disk of before; links and services come later."""
        self.boot(_BOOT.format(home=self._home))

    def start_services(self) -> None:
        """Load the firewall that is on disk and start the daemons, as a boot does."""
        self.run("nft", "-f", "/etc/nftables.conf")
        for service in self.services:
            self.start(service)
        wait_until(
            lambda: all(self._listens(service) for service in ("sshd", "snmpd")),
            timeout_s=10,
            what=f"the services of {self.name}",
        )

    @property
    def services(self) -> tuple[str, ...]:
        """Return what runs on this router."""
        return tuple(s for s in _COMMANDS if s != "collectd" or self.spec.collectd)

    def start(self, service: str) -> None:
        """Start *service*: sshd, snmpd or collectd."""
        self.spawn(*_COMMANDS[service])

    def restart(self, service: str) -> None:
        """Stop *service* politely, start it, and wait until it listens again."""
        for process in self.processes(service):
            process.signal(signal.SIGTERM)
        wait_until(
            lambda: not self.processes(service), timeout_s=5, what=f"{service} to stop", every_s=0.1
        )
        self.start(service)
        wait_until(lambda: self._listens(service), timeout_s=5, what=f"{service} of {self.name}")

    def signal(self, service: str, number: int) -> None:
        """Send signal *number* to all processes of *service*."""
        for process in self.processes(service):
            process.signal(number)

    def _listens(self, service: str) -> bool:
        if service == "collectd":
            return bool(self.processes(service))
        return self.listens("tcp", 22) if service == "sshd" else self.listens("udp", 161)

    def _write_disk(self) -> None:
        etc = self._home / "etc"
        for folder in ("work", "snmp", "etc/nftables.d", "etc/ssh", "etc/snmp", "etc/collectd"):
            (self._home / folder).mkdir(parents=True, exist_ok=True)
        (etc / "nftables.conf").write_text(_NFTABLES)
        (etc / "snmp/snmpd.conf").write_text(_SNMPD.format(name=self.name, at=self.management))
        (etc / "ssh/sshd_config").write_text(_SSHD.format(at=self.management))
        (etc / "collectd/collectd.conf").write_text(
            _COLLECTD.format(
                name=self.name, every_s=self.spec.collectd_interval_s, broker=self._broker
            )
        )
        for name in ("passwd", "shadow"):
            shutil.copy(f"/etc/{name}", etc / name)
            with (etc / name).open("a") as out:
                out.write(_USERS[name])
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(etc / "ssh/host_key"))


_COMMANDS = {
    "sshd": ("/usr/sbin/sshd", "-D", "-e", "-f", "/etc/ssh/sshd_config"),
    # -C: engineBoots counts on only if the persistent file is named as well
    "snmpd": (
        "/usr/sbin/snmpd", "-f", "-Le", "-C",
        "-c", "/etc/snmp/snmpd.conf,/var/lib/snmp/snmpd.conf",
    ),
    "collectd": ("/usr/sbin/collectd", "-f", "-C", "/etc/collectd/collectd.conf"),
}  # fmt: skip

_BOOT = """
mkdir -p /var/lib/snmp
mount -t overlay overlay -o lowerdir=/etc,upperdir={home}/etc,workdir={home}/work /etc
mount --bind {home}/snmp /var/lib/snmp
mount -t tmpfs tmpfs /var/log
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd /run/home /run/collectd
echo 1 > /proc/sys/net/ipv4/ip_forward
"""

_USERS = {
    "passwd": f"{USER}:x:0:0::/run/home:/bin/bash\n{VIEWER}:x:64999:64999::/run/home:/bin/bash\n",
    "shadow": f"{USER}:{_HASH}:19000:0:99999:7:::\n{VIEWER}:{_HASH}:19000:0:99999:7:::\n",
}

_NFTABLES = """#!/usr/sbin/nft -f
flush ruleset
include "/etc/nftables.d/*.nft"
"""

_SNMPD = f"""agentaddress udp:{{at}}:161
sysName {{name}}
sysDescr Linux {{name}} lab router
rocommunity {COMMUNITY}
createUser {USER} SHA-256 {AUTH_KEY} AES {PRIV_KEY}
rouser {USER} authpriv
"""

_SSHD = """ListenAddress {at}
HostKey /etc/ssh/host_key
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 100
PidFile none
"""

_COLLECTD = """Hostname "{name}"
FQDNLookup false
Interval {every_s}
BaseDir "/run/collectd"
PIDFile "/run/collectd/pid"
TypesDB "/usr/share/collectd/types.db"
LoadPlugin interface
LoadPlugin uptime
LoadPlugin mqtt
<Plugin interface>
  Interface "wan0"
</Plugin>
<Plugin mqtt>
  <Publish "capd">
    Host "{broker}"
    Port "1883"
    Prefix "collectd"
    StoreRates false
  </Publish>
</Plugin>
"""
