"""capd as an operator installs it: its files, the daemon as a process, the command line."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.e2e import cpe as router
from tests.e2e.hosts import wait_until
from tests.e2e.lab import PORTAL, Counters, Lab
from tests.servers.process import free_port

POLICY = Path(__file__).parents[2] / "deploy/policies/wireless_broadband.toml"
SETTLED_S = 4.0  # snmpd keeps counters for three seconds: older than this, they are the kernel's

_CONFIG = """
[operator]
name = "Lab Wireless"
timezone = "Europe/London"
currency = "GBP"
[store]
url = "sqlite:///{folder}/capd.db"
[collect.snmp]
interval_s = {interval_s}
timeout_s = 1.0
retries = 1
{mqtt}
[decide]
policy = "{policy}"
paused = {paused}
most_suspensions = {most_suspensions}
[enforce]
timeout_s = 10
backoff_s = 2
drift_every_s = 3
[api]
listen = "127.0.0.1:{port}"
"""


class Installation:
    """capd, as it would be installed for the routers of a lab."""

    def __init__(self, lab: Lab, folder: Path, *, interval_s: int = 4) -> None:
        self.lab, self.folder = lab, folder
        self._interval_s = interval_s
        self.config = folder / "capd.toml"
        self._port = free_port(socket.SOCK_STREAM)
        self._daemon: subprocess.Popen[bytes] | None = None
        self.configure()

    def configure(self, *, paused: bool = False, most_suspensions: int = 20) -> None:
        """Write capd.toml."""
        broker = f'[collect.mqtt]\nurl = "mqtt://{self.lab.gateway}:1883"'
        self.config.write_text(
            _CONFIG.format(
                folder=self.folder,
                interval_s=self._interval_s,
                mqtt=broker if self.lab.has_broker else "",
                policy=POLICY,
                paused=str(paused).lower(),
                most_suspensions=most_suspensions,
                port=self._port,
            )
        )

    # ---- the command line ------------------------------------------------------------------------

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `capd *words*`, whatever comes of it."""
        return subprocess.run(
            [sys.executable, "-m", "capd", *words, "-c", str(self.config)],
            check=False, capture_output=True, text=True, timeout=60, env=self._env(),
        )  # fmt: skip

    def do(self, *words: str) -> str:
        """Run `capd *words*`, which must succeed; return what it prints."""
        done = self.ask(*words)
        assert done.returncode == 0, f"capd {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *words: str) -> Any:
        """Return what `capd *words* --json` prints: a value, or a list of its lines."""
        said = self.do(*words, "--json")
        try:
            return json.loads(said)
        except json.JSONDecodeError:
            return [json.loads(line) for line in said.splitlines()]

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """Return what `capd *words* --json` lists, also if it is one row or none."""
        said = self.do(*words, "--json").strip()
        if not said:
            return []
        found = (
            json.loads(said) if said.startswith("[") else list(map(json.loads, said.split("\n")))
        )
        return list(found)

    def bring_in(self, inventory: Mapping[str, object]) -> None:
        """`capd import` an inventory."""
        path = self.folder / "inventory.json"
        path.write_text(json.dumps(inventory))
        self.do("import", str(path))

    def usage(self, subscriber: str) -> Counters:
        """Return what the ledger has for *subscriber*, as its router's wan0 would see it."""
        said = self.json("usage", subscriber)
        assert said["estimated_bytes"] == 0, said
        return Counters(said["down_bytes"], said["up_bytes"])

    def state(self, subscriber: str) -> str:
        """Return the state that `capd subscribers` shows."""
        rows = {row["id"]: row for row in self.rows("subscribers")}
        return str(rows[subscriber]["state"])

    def events(
        self, subscriber: str | None = None, kind: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the audit trail's events, of one subscriber and one kind where given."""
        return [
            event
            for event in self.rows("events")
            if (subscriber is None or event.get("subscriber") == subscriber)
            and (kind is None or event["kind"] == kind)
        ]

    # ---- the daemon ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start `capd run` and wait until it is ready."""
        with (self.folder / "capd.log").open("ab") as out:
            self._daemon = subprocess.Popen(
                [sys.executable, "-m", "capd", "run", "-c", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self._env(),
            )  # fmt: skip
        wait_until(lambda: self.ready or self._is_over(), timeout_s=60, what="capd to be ready")
        assert not self._is_over(), f"capd ended: {self.log()}"

    @property
    def ready(self) -> bool:
        """Tell whether /readyz says so."""
        return self._get("/readyz") is not None

    @property
    def daemon(self) -> subprocess.Popen[bytes]:
        """Return the daemon's process."""
        assert self._daemon is not None, "capd was not started"
        return self._daemon

    def log(self) -> str:
        """Return all that the daemon has written."""
        return (self.folder / "capd.log").read_text(errors="replace")

    def kill(self) -> None:
        """`kill -9`, as a power cut would."""
        self.daemon.kill()
        self.daemon.wait(10)

    def hang_up(self) -> None:
        """SIGHUP: read the configuration again."""
        self.daemon.send_signal(signal.SIGHUP)

    def stop(self) -> int:
        """SIGTERM, and wait; return the exit code. A daemon that does not end is killed."""
        if self._daemon is None:
            return 0
        print(self.log())  # pytest shows it where the test has failed
        self._daemon.terminate()
        try:
            return self._daemon.wait(20)
        finally:
            self._daemon.kill()
            self._daemon.wait(5)
            self._daemon = None

    def metric(self, name: str, **labels: str) -> float:
        """Return one series of /metrics; 0 where there is none yet."""
        text = self._get("/metrics") or ""
        for line in text.splitlines():
            series, _, figure = line.rpartition(" ")
            found, _, rest = series.partition("{")
            if found == name and dict(re.findall(r'(\w+)="([^"]*)"', rest)) == labels:
                return float(figure)
        return 0.0

    def _get(self, path: str) -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=5) as got:
                return str(got.read().decode())
        except (OSError, urllib.error.HTTPError):
            return None

    def _is_over(self) -> bool:
        return self._daemon is not None and self._daemon.poll() is not None

    def _env(self) -> dict[str, str]:
        return {**os.environ, "CPE_PASSWORD": router.PASSWORD, "PYTHONWARNINGS": "default"}

    # ---- the ledger and the kernel ---------------------------------------------------------------

    def wait_for_baselines(self, count: int) -> None:
        """Wait until *count* meters have had their first reading."""
        wait_until(
            lambda: self.metric("capd_readings_total", quality="baseline") >= count,
            timeout_s=40, what=f"{count} first readings", every_s=0.2,
        )  # fmt: skip

    def settle(self) -> dict[str, Counters]:
        """Wait until no router's counters move any more, for longer than snmpd remembers."""
        names = list(self.lab.cpes)
        still, since = self.kernel(names), time.monotonic()
        give_up = since + 60
        while time.monotonic() < since + SETTLED_S:
            assert time.monotonic() < give_up, "something goes on flowing"
            time.sleep(0.2)
            now = self.kernel(names)
            if now != still:
                still, since = now, time.monotonic()
        return still

    def kernel(self, names: Sequence[str]) -> dict[str, Counters]:
        """Return the wan0 counters of each router, from its kernel."""
        return {name: self.lab.kernel_counters(name) for name in names}

    def wait_until_counted(
        self,
        homes: Mapping[str, str],
        since: Mapping[str, Counters],
        *,
        on_top_of: Mapping[str, Counters] | None = None,
    ) -> None:
        """Wait until the ledger has, to the byte, what the kernels counted *since* then.

        *homes*: whose router is which, {"S-1": "cpe1"}; nothing may flow any more. *on_top_of* is
        what the ledger had before routers rebooted.
        """
        ended = self.settle()
        nothing = dict.fromkeys(homes, Counters(0, 0))
        expected = {
            who: (on_top_of or nothing)[who] + ended[at] - since[at] for who, at in homes.items()
        }
        self._wait_for_two_polls_of_everyone()  # a byte counted twice would show as well
        assert {who: self.usage(who) for who in homes} == expected
        assert self.kernel(list(self.lab.cpes)) == ended, "something flowed meanwhile"

    def _wait_for_two_polls_of_everyone(self) -> None:
        """Wait for SNMP's polls, or where there are none for the more frequent MQTT messages."""
        asked = sum(not cpe.spec.collectd for cpe in self.lab.cpes.values())
        protocol, more = ("snmp", 2 * asked) if asked else ("mqtt", 8)

        def read() -> float:
            return self.metric("capd_polls_total", protocol=protocol, result="ok")

        enough = read() + more
        wait_until(
            lambda: read() >= enough, timeout_s=60, what="two more polls of all", every_s=0.2
        )


def a_line(lab: Lab, cpe: str, subscriber: str, *, mqtt: bool = False) -> dict[str, object]:
    """Return the inventory's device for a router of the lab and the subscriber behind it."""
    device: dict[str, object] = {
        "id": cpe,
        "profile": "linux_router",
        "address": lab.cpes[cpe].management,
        "snmp": {"version": "2c", "community": router.COMMUNITY},
        "ssh": {"username": router.USER, "password": "env:CPE_PASSWORD"},
        "settings": {"wan": "wan0", "lan": "lan0", "portal": PORTAL},
        "meters": [{"id": "wan", "subscriber": subscriber, "ifName": "wan0", "down": "in"}],
    }
    if mqtt:
        device["mqtt"] = {"name": cpe}
    return device


def a_customer(subscriber: str, product: str) -> dict[str, object]:
    """Return the inventory's subscriber."""
    return {"id": subscriber, "name": f"Customer {subscriber}", "product": product}


def a_product(name: str, cap: str) -> dict[str, object]:
    """Return the inventory's product; both directions count."""
    return {"id": name, "name": name, "cap": cap, "counts": "both", "price": "25.00"}
