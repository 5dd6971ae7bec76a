"""Tell systemd how capd is: READY, RELOADING, STOPPING, WATCHDOG (sd_notify(3))."""

import os
import socket


def tell(*lines: str) -> None:
    """Send *lines* ("READY=1") to the service manager; does nothing where there is none."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as door:
        door.settimeout(1.0)
        try:
            door.sendto("\n".join(lines).encode(), address)
        except OSError:
            return  # a manager that went away is no reason to stop metering


def watchdog_s() -> float | None:
    """Return how often systemd wants a sign of life, in seconds: half of what it waits for."""
    micros = os.environ.get("WATCHDOG_USEC", "")
    return int(micros) / 2_000_000 if micros.isdigit() and int(micros) > 0 else None
