"""Sets the stage: a scratch folder with a configuration, a policy, an inventory and a database."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from capd import config, inventory, policies, profiles
from capd.clock import Clock
from capd.config import Config
from capd.demo.site import Site
from capd.errors import CannotBeDone, ConfigError
from capd.model import Inventory
from capd.network import enforces
from capd.store import Store

ZONE = "Europe/London"
_HOST = "127.0.0.1"
_NEAR = range(8080, 8100)

_TOML = """# written by `capd demo`, and gone when it ends
[operator]
name = "Hilltop Wireless (pretend)"
timezone = "{zone}"
currency = "GBP"
[store]
url = "sqlite:///capd.db"
[collect]
batch_ms = 100
[collect.snmp]
interval_s = {every_s}
timeout_s = 1.0
at_once = 100
[collect.mqtt]
url = "{broker}"
[decide]
policy = "policy.toml"
most_suspensions = 1000   # an hour passes in a quarter of a second
every_s = 5
[enforce]
at_once = 6               # sessions, as many as two cores carry
timeout_s = 20
backoff_s = 3600          # of the pretend clock
[api]
listen = "127.0.0.1:{port}"
"""


def write(folder: Path, site: Site, *, port: int, every_s: float) -> Config:
    """Write what `capd run` would need into *folder*, and read it as `capd run` would."""
    text = _TOML.format(zone=ZONE, every_s=every_s, broker=site.broker.url, port=port)
    (folder / "capd.toml").write_text(text)
    (folder / "policy.toml").write_text(policies.default_text())
    (folder / "inventory.json").write_text(json.dumps(site.inventory(), indent=1))
    return config.load(folder / "capd.toml")


async def fill(settings: Config, folder: Path, clock: Clock) -> Inventory:
    """Import the inventory into a fresh database, as `capd import` does."""
    told = inventory.read(folder / "inventory.json")
    known = profiles.load_all(None)
    misfits = inventory.check(told, known)
    if misfits:
        raise ConfigError(*misfits)
    enforcing = {device.id for device in told.devices if enforces(device, known)}
    store = await Store.open(settings.store.url, upgrade=True)
    try:
        await store.people.apply(
            told, dry_run=False, author="demo", at=clock(), enforcing=enforcing
        )
    finally:
        await store.close()
    return told


@contextmanager
def free_port(wanted: int | None) -> Iterator[int]:
    """Choose *wanted*, or else a port near 8080 that nobody listens on, and keep other demos off.

    Raises CannotBeDone where the wanted one is taken.
    """
    for port in _NEAR if wanted is None else (wanted,):
        with socket.socket() as probe, socket.socket(type=socket.SOCK_DGRAM) as kept:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                kept.bind((_HOST, port))  # nobody wants the UDP port; another demo looks at it
                probe.bind((_HOST, port))
            except OSError:
                continue
            probe.close()
            yield port
            return
    near = f"{_NEAR.start} to {_NEAR.stop - 1}" if wanted is None else str(wanted)
    raise CannotBeDone(f"{_HOST}:{near} is in use: choose another with --port")
