"""Hosts out of Linux namespaces: made, entered and ended by pid and start time, nothing by name.

A host's first process dies with the test run (PDEATHSIG), and everything in its pid namespace dies
with it, so even a test run that is killed leaves no process behind; what remains of it (a bridge, a
route, a mount) is cleaned by the next one.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")
_ENTER = ("--net", "--mount", "--uts", "--pid", "--time")


class LabError(Exception):
    """A step of the lab that did not work, with what the program said."""


def run(*argv: str, stdin: str = "", timeout_s: float = 20.0) -> str:
    """Return what *argv* prints; LabError with its complaint if it fails."""
    done = subprocess.run(  # noqa: PLW1510 - judged below, with the complaint in the message
        argv, input=stdin, capture_output=True, text=True, timeout=timeout_s
    )
    if done.returncode:
        raise LabError(f"{' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}\n{stdin}")
    return done.stdout


def _started(pid: int) -> int | None:
    """Return the kernel's start time of *pid* in ticks, None if it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


@dataclass(frozen=True, slots=True)
class Process:
    """A process that cannot be mistaken for a later one with the same pid."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "Process":
        """Return the process that is *pid* now."""
        started = _started(pid)
        if started is None:
            raise LabError(f"process {pid} is gone already")
        return cls(pid, started)

    @property
    def alive(self) -> bool:
        """Tell whether it still runs (a zombie does not)."""
        return _started(self.pid) == self.started

    def signal(self, number: int) -> None:
        """Send signal *number*, if it is still there."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def end(self, *, timeout_s: float = 5.0) -> None:
        """Kill it and wait until it is gone."""
        self.signal(signal.SIGKILL)
        wait_until(lambda: not self.alive, timeout_s=timeout_s, what=f"the end of {self.pid}")


def wait_until(is_so, *, timeout_s: float, what: str, every_s: float = 0.02):
    """Return the first true answer of *is_so*; LabError naming *what* if none comes in time."""
    give_up = time.monotonic() + timeout_s
    while not (answer := is_so()):
        if time.monotonic() > give_up:
            raise LabError(f"waited {timeout_s} s in vain for {what}")
        time.sleep(every_s)
    return answer


class Records:
    """The processes that a lab started, on disk, so that a later run can end what is left."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, process: Process) -> None:
        """Write *process* down before anything can go wrong."""
        with self._path.open("a") as out:
            out.write(f"{process.pid} {process.started}\n")

    def end_all(self) -> None:
        """End every recorded process that is still the same one, the last first."""
        if self._path.exists():
            for line in reversed(self._path.read_text().splitlines()):
                pid, started = line.split()
                Process(int(pid), int(started)).end()


class Host:
    """A machine of the lab: its own network, mounts, host name, processes and boot clock."""

    def __init__(self, name: str, records: Records, logs: Path) -> None:
        self.name = name
        self._records, self._logs = records, logs
        self._init: Process | None = None
        self._spawned: list[subprocess.Popen[bytes]] = []

    def boot(self, script: str) -> None:
        """Start the host: *script* runs as its first process's preparation, under bash."""
        uptime_s = int(time.clock_gettime(time.CLOCK_BOOTTIME))
        starter = self._popen(
            *_DIES_WITH_US, "unshare", "--net", "--mount", "--uts", "--pid", "--fork",
            "--time", "--boottime", str(-uptime_s), "--kill-child=KILL",
            "bash", "-ec", f"{_PREPARE.format(name=self.name)}\n{script}\n{_STAY}",
        )  # fmt: skip
        children = Path(f"/proc/{starter.pid}/task/{starter.pid}/children")
        ready = self._logs / f"{self.name}.ready"
        wait_until(
            lambda: ready.exists() or starter.poll() is not None,
            timeout_s=10,
            what=f"{self.name} to boot",
        )
        if starter.poll() is not None:
            raise LabError(f"{self.name} did not boot: {self.log('bash')}")
        ready.unlink()
        self._init = Process.of(int(children.read_text().split()[0]))
        self._records.add(self._init)

    @property
    def pid(self) -> int:
        """Return the pid of the host's first process, as the root namespace sees it."""
        if self._init is None:
            raise LabError(f"{self.name} is down")
        return self._init.pid

    @property
    def is_up(self) -> bool:
        """Tell whether the host runs."""
        return self._init is not None and self._init.alive

    def run(self, *argv: str, stdin: str = "") -> str:
        """Return what *argv* prints when it is run on this host."""
        return run(*self._entered(), *argv, stdin=stdin)

    def spawn(self, *argv: str) -> subprocess.Popen[bytes]:
        """Start *argv* on this host; its output goes to a log named after it."""
        return self._popen(
            *_DIES_WITH_US, *self._entered(), *_DIES_WITH_US, *argv, log=Path(argv[0]).name
        )

    def spawn_outside(self, *argv: str) -> subprocess.Popen[bytes]:
        """Start *argv* in the root namespace, to be ended with this host all the same."""
        return self._popen(*_DIES_WITH_US, *argv, log=Path(argv[0]).name)

    def listens(self, protocol: str, port: int) -> bool:
        """Tell whether a socket of the host is bound to *port* ("tcp" or "udp")."""
        lines = self.run("cat", f"/proc/net/{protocol}").splitlines()[1:]
        return any(line.split()[1].endswith(f":{port:04X}") for line in lines)

    def log(self, program: str) -> str:
        """Return what *program* has written so far."""
        path = self._logs / f"{self.name}.{program}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def processes(self, program: str) -> Sequence[Process]:
        """Return the host's processes whose program is called *program*."""
        return list(self._find(program))

    def end(self) -> None:
        """Cut the power: every process of the host is gone at once."""
        for started in self._spawned:  # nsenter stops with its child, and must be there to reap it
            started.send_signal(signal.SIGCONT)
        if self._init is not None:
            self._init.end()
            self._init = None
        for started in self._spawned:
            started.kill()
            started.wait(5)
        self._spawned.clear()

    def _entered(self) -> tuple[str, ...]:
        return ("nsenter", "--target", str(self.pid), *_ENTER, "--")

    def _popen(self, *argv: str, log: str = "bash") -> subprocess.Popen[bytes]:
        with (self._logs / f"{self.name}.{log}.log").open("ab") as out:
            started = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, "MIBS": "", "CAPD_LAB_LOGS": str(self._logs)},
            )
        with contextlib.suppress(LabError):  # it may be over already
            self._records.add(Process.of(started.pid))
        self._spawned.append(started)
        return started

    def _find(self, program: str) -> Iterator[Process]:
        here = Path(f"/proc/{self.pid}/ns/pid").readlink()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, LabError):
                if (
                    entry.name.isdecimal()
                    and (entry / "comm").read_text().strip() == program
                    and (entry / "ns/pid").readlink() == here
                ):
                    yield Process.of(int(entry.name))


# Copies of /run/netns mounts would keep other people's dead network namespaces alive.
_PREPARE = """
hostname {name}
for copy in /run/netns/*; do umount -l "$copy" 2>/dev/null || true; done
mount -t proc proc /proc
mount -t sysfs sysfs /sys
echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
ip link set lo up
ready="$CAPD_LAB_LOGS/{name}.ready"
"""
_STAY = """
touch "$ready"
exec </dev/null
while :; do sleep 3600 & wait $!; done
"""
