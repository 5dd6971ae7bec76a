"""Debian's sshd, one process a connection, behind a port of 127.0.0.1; in another host if asked.

The port is listened on here, and each connection is handed to `sshd -i`: so a router may live in
namespaces that have no way to it but this one, and a connection can be cut, frozen or counted.
"""

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.servers.process import need

_CONFIG = """
HostKey {folder}/host_{kind}
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication yes
PrintMotd no
PidFile none
LogLevel VERBOSE
MaxStartups 200
{more}
"""


class Sshd:
    """An SSH server on a free port; *enter* is put before sshd, to start it in another host."""

    def __init__(
        self, folder: Path, *, enter: Sequence[str] = (), kind: str = "ed25519", more: str = ""
    ) -> None:
        self._sshd = need("sshd")
        self._enter, self._kind, self._more = tuple(enter), kind, more
        self.folder = folder
        self.key_file = folder / "login"
        self.connections = 0
        self._running: list[subprocess.Popen[bytes]] = []
        folder.mkdir(parents=True, exist_ok=True)
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # privilege separation wants it
        self.new_host_key(kind)
        self._keygen(self.key_file, "ed25519")
        (folder / "authorized_keys").write_text(self.key_file.with_suffix(".pub").read_text())
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Return the port of 127.0.0.1 that it listens on."""
        return int(self._listener.getsockname()[1])

    @property
    def host_key(self) -> str:
        """Return its public key as an inventory writes it."""
        text = (self.folder / f"host_{self._kind}.pub").read_text()
        return " ".join(text.split()[:2])

    @property
    def log(self) -> str:
        """Return what sshd wrote."""
        path = self.folder / "sshd.log"
        return path.read_text() if path.exists() else ""

    def new_host_key(self, kind: str = "ed25519") -> None:
        """Change its identity, as a device that was replaced or reset does."""
        self._kind = kind
        key = self.folder / f"host_{kind}"
        for old in (key, key.with_suffix(".pub")):
            old.unlink(missing_ok=True)
        self._keygen(key, kind)
        config = _CONFIG.format(folder=self.folder, kind=kind, more=self._more)
        (self.folder / "sshd_config").write_text(config)

    def drop(self) -> None:
        """Cut every open connection."""
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Let every open connection hang: nothing is answered, nothing is closed."""
        self._signal(signal.SIGSTOP)

    def stop(self) -> None:
        """End it and all its connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        self._signal(signal.SIGCONT)
        self.drop()
        for process in self._running:
            process.wait(5)

    def _signal(self, number: int) -> None:
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)

    def _serve(self) -> None:
        command = [*self._enter, self._sshd, "-i", "-e", "-f", str(self.folder / "sshd_config")]
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection, (self.folder / "sshd.log").open("ab") as log:
                self._running.append(
                    subprocess.Popen(
                        command,
                        stdin=connection,
                        stdout=connection,
                        stderr=log,
                        start_new_session=True,
                    )
                )
            for ended in [process for process in self._running if process.poll() is not None]:
                self._running.remove(ended)

    def _keygen(self, path: Path, kind: str) -> None:
        subprocess.run(
            [need("ssh-keygen"), "-q", "-t", kind, "-N", "", "-f", str(path)], check=True
        )
