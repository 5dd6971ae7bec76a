"""A small wireless operator in one machine: an internet, routers, a subscriber behind each.

    root namespace (capd, the broker) --- management bridge --- mgmt0 of every router
    internet wan<n> --- wan0 router lan0 --- eth0 subscriber

Several labs can be up at once: each takes a slot, which is in the names and addresses of all that
it puts into the root namespace. Everything else is inside namespaces that die with the test run.
Start hosts from the main thread: they die with the thread that started them.
"""

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.e2e.cpe import Cpe, CpeSpec
from tests.e2e.hosts import Host, LabError, Records, run, wait_until
from tests.e2e.slots import a_slot, clean, home_of, metric
from tests.e2e.transfers import Download, program

INTERNET = "198.19.255.1"  # the far end of every download
PORTAL = "198.19.254.1"  # where a suspended subscriber may still look
RESOLVER = "198.19.255.53"


@dataclass(frozen=True, slots=True)
class Counters:
    """What the kernel has counted on an interface, in bytes, as the interface sees it."""

    rx: int
    tx: int

    def __add__(self, other: "Counters") -> "Counters":
        return Counters(self.rx + other.rx, self.tx + other.tx)

    def __sub__(self, other: "Counters") -> "Counters":
        return Counters(self.rx - other.rx, self.tx - other.tx)


class Lab:
    """The hosts, and what can be done to them."""

    def __init__(self, slot: int) -> None:
        self.slot = slot
        self.home = home_of(slot)
        self.gateway = f"198.18.{slot}.1"  # the root namespace's own address: capd and the broker
        self.records = Records(self.home / "processes")
        self.cpes: dict[str, Cpe] = {}
        self.subscribers: dict[str, Host] = {}
        self.internet: Host
        self._broker: Host | None = None
        self._downloads = 0

    # ---- made and removed ------------------------------------------------------------------------

    @classmethod
    @contextlib.contextmanager
    def of(cls, specs: Sequence[CpeSpec]) -> Iterator["Lab"]:
        """Build a lab with these routers; it is gone afterwards, whatever happens."""
        with a_slot() as slot:
            lab = cls(slot)
            clean(slot)
            try:
                lab._build(specs)
                yield lab
            finally:
                lab._tear_down()

    def _build(self, specs: Sequence[CpeSpec]) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        run("mount", "-t", "tmpfs", "tmpfs", str(self.home))
        (self.home / "logs").mkdir()
        bridge = f"capd{self.slot}-mgmt"
        mac = f"02:ca:bd:{self.slot:02x}:00:01"  # fixed: else it follows the bridge's ports
        run(
            "ip",
            "route",
            "replace",
            "unreachable",
            "198.18.0.0/15",
            "metric",
            str(metric(self.slot)),
        )
        run("ip", "link", "add", bridge, "address", mac, "type", "bridge")
        run("ip", "addr", "add", f"{self.gateway}/24", "dev", bridge)
        run("ip", "link", "set", bridge, "up")
        self.internet = self._host("internet")
        for address in (INTERNET, PORTAL, RESOLVER):
            self.internet.run("ip", "addr", "add", f"{address}/32", "dev", "lo")
        self.internet.spawn(*program("serve"))
        if any(spec.collectd for spec in specs):
            self.start_broker()
        for number, spec in enumerate(specs, start=1):
            cpe = Cpe(spec, number, self.slot, self.records, self.home)
            self.cpes[spec.name] = cpe
            self.subscribers[spec.name] = self._host(f"host-of-{spec.name}")
            self.up(spec.name)
        wait_until(
            lambda: self.internet.listens("tcp", 80) and self.internet.listens("udp", 53),
            timeout_s=10,
            what="the internet to listen",
        )

    def _tear_down(self) -> None:
        for name in self.cpes:
            self._cut_links(name)
        for host in (*self.cpes.values(), *self.subscribers.values()):
            host.end()
        if hasattr(self, "internet"):
            self.internet.end()
        self.stop_broker()
        clean(self.slot)

    def _host(self, name: str) -> Host:
        host = Host(name, self.records, self.home / "logs")
        host.boot("")
        return host

    # ---- the broker: a process of the root namespace ---------------------------------------------

    def start_broker(self) -> None:
        """Start mosquitto on the gateway's address, port 1883; it keeps nothing over a restart."""
        conf = self.home / "mosquitto.conf"
        conf.write_text(f"listener 1883 {self.gateway}\nallow_anonymous true\nuser root\n")
        self._broker = Host("broker", self.records, self.home / "logs")
        self._broker.spawn_outside("/usr/sbin/mosquitto", "-c", str(conf))

    @property
    def has_broker(self) -> bool:
        """Tell whether the broker runs."""
        return self._broker is not None

    def stop_broker(self) -> None:
        """Kill the broker."""
        if self._broker is not None:
            self._broker.end()
            self._broker = None

    # ---- power and cables ------------------------------------------------------------------------

    def up(self, name: str) -> None:
        """Switch a router on: cables, addresses, the firewall on its disk, its services."""
        cpe = self.cpes[name]
        cpe.power_on()
        self._plug_in_management(cpe)
        self._plug_in_wan(cpe)
        self._plug_in_lan(cpe)
        cpe.start_services()

    def down(self, name: str) -> None:
        """Cut a router's power: its links go first, so nothing can say goodbye."""
        self._cut_links(name)
        self.cpes[name].end()

    def reboot(self, name: str) -> None:
        """Switch a router off and on: counters from zero, runtime rules lost."""
        self.down(name)
        self.up(name)

    def recreate(self, name: str, interface: str = "wan0") -> None:
        """Make the router's *interface* anew: new index, counters from zero, the rest goes on."""
        if interface != "wan0":
            raise LabError(f"only wan0 can be made anew, not {interface}")
        self.internet.run("ip", "link", "del", f"wan{self.cpes[name].number}")
        self._plug_in_wan(self.cpes[name])

    def _plug_in_management(self, cpe: Cpe) -> None:
        port, n = f"capd{self.slot}-m{cpe.number}", cpe.number
        run("ip", "-batch", "-", stdin=(
            f"link add {port} address 02:ca:be:{self.slot:02x}:00:{n:02x} type veth "
            f"peer name mgmt0 address 02:ca:bf:{self.slot:02x}:00:{n:02x} netns {cpe.pid}\n"
            f"link set {port} master capd{self.slot}-mgmt up\n"
        ))  # fmt: skip
        run("ethtool", "-K", port, *_NO_OFFLOADS)
        _configure(cpe, "mgmt0", f"addr add {cpe.management}/24 dev mgmt0\n")

    def _plug_in_wan(self, cpe: Cpe) -> None:
        n = cpe.number
        far, near = f"02:ca:aa:00:00:{n:02x}", f"02:ca:ab:00:00:{n:02x}"
        _cable((self.internet, f"wan{n}", far), (cpe, "wan0", near))
        # Neighbours are known for good, so that no ARP is counted when nothing flows.
        _configure(
            self.internet,
            f"wan{n}",
            f"addr add 198.19.{n}.1/24 dev wan{n}\n"
            f"neigh replace 198.19.{n}.2 lladdr {near} dev wan{n} nud permanent\n"
            f"route replace 198.19.{100 + n}.0/24 via 198.19.{n}.2\n",
        )
        _configure(
            cpe,
            "wan0",
            f"addr add 198.19.{n}.2/24 dev wan0\n"
            f"neigh replace 198.19.{n}.1 lladdr {far} dev wan0 nud permanent\n"
            f"route replace default via 198.19.{n}.1\n",
        )

    def _plug_in_lan(self, cpe: Cpe) -> None:
        n, host = cpe.number, self.subscribers[cpe.name]
        far, near = f"02:ca:ad:00:00:{n:02x}", f"02:ca:ac:00:00:{n:02x}"
        _cable((host, "eth0", far), (cpe, "lan0", near))
        _configure(cpe, "lan0", f"addr add 198.19.{100 + n}.1/24 dev lan0\n")
        _configure(
            host,
            "eth0",
            f"addr add 198.19.{100 + n}.2/24 dev eth0\n"
            f"route replace default via 198.19.{100 + n}.1\n",
        )

    def _cut_links(self, name: str) -> None:
        """Take the links away before the processes: an orphaned socket keeps a namespace alive."""
        cpe = self.cpes[name]
        if cpe.is_up:
            for link in ("mgmt0", "wan0", "lan0"):
                with contextlib.suppress(LabError, subprocess.TimeoutExpired):
                    cpe.run("ip", "link", "del", link)

    # ---- services --------------------------------------------------------------------------------

    def restart_snmpd(self, name: str) -> None:
        """Restart the agent: sysUpTime from zero, engineBoots one more, counters go on."""
        self.cpes[name].restart("snmpd")

    def freeze(self, name: str, service: str) -> None:
        """Make *service* hang: its ports stay open and nobody answers."""
        self.cpes[name].signal(service, signal.SIGSTOP)

    def thaw(self, name: str, service: str) -> None:
        """Let a frozen *service* go on."""
        self.cpes[name].signal(service, signal.SIGCONT)

    def kill(self, name: str, service: str) -> None:
        """Kill *service*: its ports are closed."""
        self.cpes[name].signal(service, signal.SIGKILL)

    # ---- what flows ------------------------------------------------------------------------------

    def kernel_counters(self, name: str, interface: str = "wan0") -> Counters:
        """Return what the router's kernel has counted, both directions in one look."""
        said = self.cpes[name].run("ip", "-s", "-j", "link", "show", "dev", interface)
        stats = json.loads(said)[0]["stats64"]
        return Counters(stats["rx"]["bytes"], stats["tx"]["bytes"])

    def index(self, name: str, interface: str = "wan0") -> int:
        """Return the interface's index."""
        said = self.cpes[name].run("ip", "-j", "link", "show", "dev", interface)
        return int(json.loads(said)[0]["ifindex"])

    def download(self, name: str, count: int | None = None, *, rate: int | None = None) -> Download:
        """Start a download of *count* bytes (None: endless) at *rate* bytes a second."""
        asked = [f"n={count}"] * (count is not None) + [f"rate={rate}"] * (rate is not None)
        self._downloads += 1
        progress = self.home / f"download-{self._downloads}"
        return Download(
            self.subscribers[name], f"http://{INTERNET}/bytes?{'&'.join(asked)}", progress
        )

    def upload(self, name: str, count: int) -> None:
        """Send *count* bytes to the internet and wait until they are there."""
        self.subscribers[name].run(*program("send", INTERNET, str(count)))

    def can_fetch(
        self, name: str, url: str = f"http://{INTERNET}/", *, patience_s: float = 1.5
    ) -> bool:
        """Tell whether the subscriber gets an answer from *url*."""
        return self._works(name, "fetch", url, "/dev/null", str(patience_s))

    def can_resolve(self, name: str) -> bool:
        """Tell whether the subscriber's resolver answers."""
        return self._works(name, "resolve", RESOLVER, "example.net")

    def _works(self, name: str, *what: str) -> bool:
        try:
            self.subscribers[name].run(*program(*what))
        except LabError:
            return False
        return True


_NO_OFFLOADS = ("tso", "off", "gso", "off", "gro", "off")  # else a super-packet counts one header


def _cable(one: tuple[Host, str, str], other: tuple[Host, str, str]) -> None:
    """Lay a cable between two ends, each a host, the name of its link, and its MAC."""
    (host, end, mac), (peer, peer_end, peer_mac) = one, other
    run(
        "ip", "link", "add", "name", end, "address", mac, "netns", str(host.pid),
        "type", "veth",
        "peer", "name", peer_end, "address", peer_mac, "netns", str(peer.pid),
    )  # fmt: skip


def _configure(host: Host, link: str, lines: str) -> None:
    host.run("ethtool", "-K", link, *_NO_OFFLOADS)
    up, _, routes = lines.partition("\n")
    host.run("ip", "-batch", "-", stdin=f"{up}\nlink set {link} up\n{routes}")
