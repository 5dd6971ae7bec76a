"""Debian's mosquitto on loopback: plain, with a password, or with TLS."""

import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.process import Daemon, free_port, need, until


@dataclass
class Mosquitto:
    """One broker; it keeps its port over a restart."""

    folder: Path
    port: int = field(default_factory=lambda: free_port(socket.SOCK_STREAM))
    login: tuple[str, str] | None = None
    cert: tuple[Path, Path] | None = None  # certificate and key: TLS only
    extra: str = ""  # lines on top of the configuration

    def __post_init__(self) -> None:
        program = need("mosquitto")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        lines = [f"listener {self.port} 127.0.0.1", "persistence false", "user root",
                 f"allow_anonymous {'false' if self.login else 'true'}"]  # fmt: skip
        if self.login:
            name, password = self.login
            file = self.folder / "passwords"
            subprocess.run(
                [need("mosquitto_passwd"), "-b", "-c", str(file), name, password],
                check=True, capture_output=True,
            )  # fmt: skip
            lines.append(f"password_file {file}")
        if self.cert:
            lines += [f"certfile {self.cert[0]}", f"keyfile {self.cert[1]}"]
        conf = self.folder / "mosquitto.conf"
        conf.write_text("\n".join([*lines, self.extra, ""]))
        self.daemon = Daemon([program, "-c", str(conf)], self.folder / "log")

    @property
    def url(self) -> str:
        return f"{'mqtts' if self.cert else 'mqtt'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.daemon.start()
        until(self.listens, seconds=10, what=f"mosquitto on port {self.port} listens")

    def stop(self) -> None:
        self.daemon.stop()

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish with the broker's own client."""
        login = ["-u", self.login[0], "-P", self.login[1]] if self.login else []
        if self.cert:
            login += ["--cafile", str(self.cert[0])]
        subprocess.run(
            [need("mosquitto_pub"), "-h", "127.0.0.1", "-p", str(self.port), "-q", "1",
             *(["-r"] if retain else []), *login, "-t", topic, "-s"],
            input=payload, check=True, capture_output=True,
        )  # fmt: skip


def a_certificate(folder: Path) -> tuple[Path, Path]:
    """Return a certificate for 127.0.0.1 that vouches for itself, and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


class Shipped(Mosquitto):
    """A broker as `deploy/mosquitto` sets it up; all *logins* have the same password."""

    PASSWORD = "s3cret-word"

    def __init__(self, folder: Path, deploy: Path, logins: Sequence[str]) -> None:
        super().__init__(folder)
        cert, key = a_certificate(folder)
        passwords = folder / "passwords"
        passwords.touch(mode=0o600)
        for name in logins:
            subprocess.run(
                [need("mosquitto_passwd"), "-b", str(passwords), name, self.PASSWORD],
                check=True, capture_output=True,
            )  # fmt: skip
        shutil.copy(deploy / "acl", folder / "acl")
        (folder / "acl").chmod(0o600)
        text = (deploy / "capd.conf").read_text()
        for there, here in (
            ("/etc/mosquitto/certs/broker.crt", str(cert)),
            ("/etc/mosquitto/certs/broker.key", str(key)),
            ("/etc/mosquitto/", f"{folder}/"),
            ("listener 8883", f"listener {free_port(socket.SOCK_STREAM)} 127.0.0.1"),
            ("listener 1883", f"listener {self.port}"),
        ):
            assert there in text, there
            text = text.replace(there, here)
        (folder / "conf.d").mkdir()
        (folder / "conf.d" / "capd.conf").write_text(text)
        # what Debian's own file says before it includes the others
        lines = ["user root", "persistence true", f"persistence_location {folder}/"]
        (folder / "mosquitto.conf").write_text(
            "\n".join([*lines, f"include_dir {folder}/conf.d", ""])
        )
