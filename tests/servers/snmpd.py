"""Debian's snmpd on loopback, with v1, v2c and v3 users."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.process import Daemon, free_port, need, until

COMMUNITY = "secret-community"
AUTH_KEY = "authentication-key"
PRIV_KEY = "private-key-of-capd"
USERS = {
    "sha256": "SHA-256 {auth} AES {priv}",
    "sha1des": "SHA {auth} DES {priv}",
    "authonly": "SHA-256 {auth}",
}


@dataclass
class Snmpd:
    """One agent; `prefix` runs it elsewhere, as in ("ip", "netns", "exec", "cpe1")."""

    folder: Path
    address: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    prefix: Sequence[str] = ()
    extra: str = ""  # lines on top of the configuration

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "persist").mkdir(exist_ok=True)
        conf = self.folder / "snmpd.conf"
        conf.write_text(self._conf())
        # -C with the persistent file named: else engineBoots stays 1 for ever
        files = f"{conf},{self.folder}/persist/snmpd.conf"
        self.daemon = Daemon(
            [*self.prefix, need("snmpd"), "-f", "-Lf", str(self.folder / "log"), "-C", "-c", files,
             "-p", str(self.folder / "pid"), f"udp:{self.address}:{self.port}"],
            self.folder / "out",
            env={"MIBS": "", "SNMP_PERSISTENT_DIR": str(self.folder / "persist")},
        )  # fmt: skip

    def _conf(self) -> str:
        users = [
            f"createUser {name} {line.format(auth=AUTH_KEY, priv=PRIV_KEY)}\n"
            f"rouser {name} {'auth' if name == 'authonly' else 'priv'}\n"
            for name, line in USERS.items()
        ]
        return f"rocommunity {COMMUNITY}\nagentXSocket\n{''.join(users)}{self.extra}\n"

    def start(self) -> None:
        self.daemon.start()
        until(self.answers, seconds=10, what=f"snmpd on port {self.port} answers")

    def stop(self) -> None:
        self.daemon.stop()

    def restart(self) -> None:
        """The agent alone: the kernel's counters go on."""
        self.stop()
        self.start()

    def answers(self) -> bool:
        """Whether net-snmp's own client gets sysUpTime."""
        asked = subprocess.run(
            [*self.prefix, need("snmpget"), "-v2c", "-c", COMMUNITY, "-t", "0.2", "-r", "0",
             f"udp:{self.address}:{self.port}", "1.3.6.1.2.1.1.3.0"],
            env={"MIBS": ""}, capture_output=True, check=False,
        )  # fmt: skip
        return asked.returncode == 0
