"""Real daemons as the other end: started on loopback, stopped by the process they are."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest


def need(program: str) -> str:
    """Return the path of *program*; without it the test is skipped, or fails where CI is set."""
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is not None:
        return path
    reason = f"{program} is not installed"
    if os.environ.get("CI") == "true" or os.environ.get("CAPD_NO_SKIP") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Return as soon as *true* is; fail with *what* when it never was."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Daemon:
    """A program that runs in the foreground, its output in a file."""

    def __init__(
        self, command: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None
    ) -> None:
        self.command = list(command)
        self.log = log
        self._env = {**os.environ, **(env or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self._env
            )

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """End it, kindly at first."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self.process = None

    def signal(self, number: int) -> None:
        """Send *number*: SIGSTOP makes a host that hangs, which is not one that is down."""
        assert self.process is not None
        self.process.send_signal(number)
