"""A simulated device: its ports, their counters, and when it booted; faults can be switched on."""

from dataclasses import dataclass, field
from datetime import timedelta

from capd.clock import Clock

_LONG_UP = timedelta(days=40)
LINUX = "1.3.6.1.4.1.8072.3.2.10"  # sysObjectID of net-snmp on Linux
ROUTEROS = "1.3.6.1.4.1.14988.1"


@dataclass(slots=True, kw_only=True)
class Port:
    """One interface; *in* and *out* are the device's own point of view (IF-MIB)."""

    name: str
    index: int
    in_bytes: int = 0
    out_bytes: int = 0
    speed_bps: int = 100_000_000
    up: bool = True


@dataclass(slots=True, kw_only=True)
class Faults:
    """What is wrong with a device just now; each can be switched while it runs."""

    silent: bool = False
    slow_s: float = 0.0  # each answer comes so much later
    garbage: bool = False  # answers, but not in SNMP
    counter32: bool = False  # the "64-bit" columns really wrap at 2^32 (some firmware does)
    without: frozenset[str] = field(default_factory=frozenset)  # subtrees that do not answer


class Box:
    """A device that counts; whoever simulates traffic adds to its ports."""

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        ports: tuple[Port, ...] = (),
        sys_object_id: str = LINUX,
        sys_descr: str = "Linux simulated 6.1.0 #1 SMP x86_64",
        scalars: dict[str, str | int] | None = None,  # further OIDs, such as a serial
    ) -> None:
        self.name, self.sys_object_id, self.sys_descr = name, sys_object_id, sys_descr
        self.clock = clock
        self.ports = list(ports)
        self.scalars = scalars or {}
        self.faults = Faults()
        self.booted_at = self.agent_started_at = clock() - _LONG_UP
        self.shape = 0  # grows when rows appear or go, so that an agent looks again

    def port(self, name: str) -> Port:
        """Return the live port of that name; KeyError where there is none."""
        for port in reversed(self.ports):
            if port.name == name and port.up:
                return port
        raise KeyError(name)

    def uptime_s(self) -> float:
        """Return seconds since the box booted."""
        return (self.clock() - self.booted_at).total_seconds()

    def agent_uptime_s(self) -> float:
        """Return seconds since its SNMP agent started."""
        return (self.clock() - self.agent_started_at).total_seconds()

    def reboot(self) -> None:
        """Start again: every counter from zero, both uptimes too."""
        self.booted_at = self.agent_started_at = self.clock()
        for port in self.ports:
            port.in_bytes = port.out_bytes = 0

    def restart_agent(self) -> None:
        """Restart the SNMP agent alone: its uptime begins again, the kernel's counters go on."""
        self.agent_started_at = self.clock()

    def recreate(self, name: str, *, keep_dead: bool = True) -> Port:
        """Take the interface away and back: new index, counters from zero.

        net-snmp goes on showing the dead row (down, frozen) beside the live one.
        """
        dead = self.port(name)
        dead.up = False
        if not keep_dead:
            self.ports.remove(dead)
        index = 1 + max((port.index for port in self.ports), default=dead.index)
        live = Port(name=name, index=max(index, dead.index + 1), speed_bps=dead.speed_bps)
        self.ports.append(live)
        self.shape += 1
        return live
