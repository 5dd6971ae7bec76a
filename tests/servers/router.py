"""A Debian router out of namespaces, with a subscriber behind it and an internet in front.

No address of it exists in the network of the tests: sshd is reached by way of `sshd.Sshd`. Its
/etc is an overlay, so what is pushed stays in a temporary folder, also over a reboot.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.servers.process import need, until

PASSWORD = "s3cret-of-the-router"
LAN, WAN = "lan0", "wan0"
SUBSCRIBER, INTERNET, PORTAL = "192.0.2.2", "198.51.100.2", "198.51.100.80"
SUBSCRIBER6, INTERNET6, PORTAL6 = "2001:db8:1::2", "2001:db8:2::2", "2001:db8:2::80"

_ROUTER = """
mount --make-rprivate /
mount -t overlay overlay -o lowerdir=/etc,upperdir={folder}/upper,workdir={folder}/work /etc
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd
mount -t sysfs sysfs /sys
hostname cpe-1
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
"""
_SERVER = Path(__file__).with_name("internet.py")


class Space:
    """Namespaces of one host, held by a process that dies with the tests."""

    def __init__(self, *unshare: str) -> None:
        self._holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", *unshare, "sleep", "infinity"],
            stdin=subprocess.DEVNULL,
        )
        self._flags = unshare
        until(self._apart, seconds=5, what="a host of its own")

    @property
    def pid(self) -> int:
        return self._holder.pid

    @property
    def enter(self) -> tuple[str, ...]:
        return ("nsenter", "--target", str(self.pid), *self._flags, "--")

    def run(self, *argv: str, stdin: str | None = None, check: bool = True) -> str:
        """Return what *argv* prints on this host, its complaints included."""
        done = subprocess.run(
            [*self.enter, *argv],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{argv}: {done.stderr or done.stdout}")
        return done.stdout + done.stderr

    def spawn(self, *argv: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *self.enter, *argv],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def end(self) -> None:
        self._holder.kill()
        self._holder.wait(5)

    def _apart(self) -> bool:
        def net(pid: str) -> str:
            return str(Path(f"/proc/{pid}/ns/net").readlink())

        return (
            net(str(self.pid)) != net("self")
            and Path(f"/proc/{self.pid}/comm").read_text() == "sleep\n"
        )


class Router:
    """The router under test and its two neighbours."""

    def __init__(self, folder: Path, *, conf: str | None = None) -> None:
        """Build it; *conf* is its /etc/nftables.conf (None: it has none)."""
        if os.geteuid() != 0:
            pytest.skip("needs root")
        for program in ("nft", "unshare", "nsenter", "ip", "setpriv"):
            need(program)
        self.folder = folder
        for part in ("upper", "work"):
            (folder / part).mkdir(parents=True)
        self.box = Space("--net", "--mount", "--uts")
        self.subscriber, self.internet = Space("--net"), Space("--net")
        self._spawned: list[subprocess.Popen[str]] = []
        self.box.run("sh", "-ec", _ROUTER.format(folder=folder))
        self._etc(conf)
        self._wire()

    def reboot(self) -> None:
        """Lose what runs, then do what nftables.service does at boot."""
        self.box.run("nft", "flush", "ruleset")
        if self.has("/etc/nftables.conf"):
            self.box.run("nft", "-f", "/etc/nftables.conf")

    def has(self, path: str) -> bool:
        return self.box.run("sh", "-c", f"test -e {path} && echo yes || true").strip() == "yes"

    def etc(self) -> dict[str, str]:
        """Return what differs from the host's /etc, nftables' part of it: path and content."""
        listed = self.box.run(
            "sh", "-c", "find /etc/nftables* -exec ls -ld --time-style=+ {} + 2>/dev/null; true"
        )
        found: dict[str, str] = {}
        for line in listed.splitlines():
            path = line.split()[-1]
            kept = self.box.run("cat", path, check=False) if line.startswith("-") else ""
            found[path] = line.split()[0] + kept
        return found

    def forwarded(self) -> int:
        """Return the bytes that its two ports have sent on."""
        paths = [f"/sys/class/net/{port}/statistics/tx_bytes" for port in (LAN, WAN)]
        return sum(int(line) for line in self.box.run("cat", *paths).split())

    def ruleset(self) -> str:
        return self.box.run("nft", "list", "ruleset")

    def start(self, who: Space, *argv: str) -> subprocess.Popen[str]:
        process = who.spawn(*argv)
        self._spawned.append(process)
        return process

    def end(self) -> None:
        for process in self._spawned:
            process.send_signal(signal.SIGKILL)
            process.wait(5)
            if process.stdout is not None:
                process.stdout.close()
        for space in (self.subscriber, self.internet, self.box):
            with contextlib.suppress(AssertionError):
                space.run("ip", "link", "del", "eth0", check=False)
            space.end()

    def _etc(self, conf: str | None) -> None:
        self.box.run("sh", "-c", "rm -rf /etc/nftables.conf /etc/nftables.d")
        if conf is not None:
            self.box.run("tee", "/etc/nftables.conf", stdin=conf)
        self.box.run("chpasswd", "-c", "SHA512", stdin=f"root:{PASSWORD}\n")

    def _wire(self) -> None:
        for space in (self.box, self.subscriber, self.internet):  # addresses may be used at once
            space.run("sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad")
        for space, port, mine, theirs in (
            (self.subscriber, LAN, "192.0.2.1/24 2001:db8:1::1/64", [SUBSCRIBER, SUBSCRIBER6]),
            (self.internet, WAN, "198.51.100.1/24 2001:db8:2::1/64",
             [INTERNET, PORTAL, INTERNET6, PORTAL6]),
        ):  # fmt: skip
            self.box.run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0",
                         "netns", str(space.pid))  # fmt: skip
            _address(self.box, port, mine.split())
            _address(space, "eth0", [f"{a}/{64 if ':' in a else 24}" for a in theirs])
            space.run("ip", "link", "set", "lo", "up")
            for gateway in mine.split():
                space.run("ip", "route", "add", "default", "via", gateway.split("/")[0])


def _address(space: Space, port: str, addresses: Sequence[str]) -> None:
    space.run("ip", "link", "set", port, "up")
    for address in addresses:
        nodad = ["nodad"] if ":" in address else []
        space.run("ip", "address", "add", address, "dev", port, *nodad)


@contextlib.contextmanager
def router(folder: Path, *, conf: str | None = None) -> Iterator[Router]:
    """Yield a router that is up, and leave nothing of it behind."""
    built = Router(folder, conf=conf)
    try:
        yield built
    finally:
        built.end()
