"""A subscriber's transfers: started as processes on the subscriber's host, watched from outside."""

import sys
from pathlib import Path
from typing import Self

from tests.e2e import traffic
from tests.e2e.hosts import Host, wait_until


def program(*argv: str) -> tuple[str, ...]:
    """Return how to run traffic.py on a host: without site-packages, so that it starts fast."""
    return (sys.executable, "-I", "-S", traffic.__file__, *argv)


class Download:
    """A download that runs; end it, or let it come to its end."""

    def __init__(self, host: Host, url: str, progress: Path) -> None:
        self._progress = progress
        self._process = host.spawn(*program("fetch", url, str(progress)))

    @property
    def bytes(self) -> int:
        """Return how much has arrived so far."""
        try:
            return int(self._progress.read_text() or 0)
        except FileNotFoundError:
            return 0

    @property
    def alive(self) -> bool:
        """Tell whether it goes on: not refused, not cut, not silent for seconds, not done."""
        return self._process.poll() is None

    @property
    def complete(self) -> bool:
        """Tell whether everything asked for has arrived."""
        return self._process.poll() == 0

    def wait_for(self, count: int, *, timeout_s: float = 20.0) -> None:
        """Wait until *count* bytes have arrived."""
        wait_until(lambda: self.bytes >= count, timeout_s=timeout_s, what=f"{count} bytes")

    def wait(self, *, timeout_s: float = 30.0) -> bool:
        """Wait for its end; tell whether it is complete."""
        return self._process.wait(timeout_s) == 0

    def stop(self) -> None:
        """Break it off, as a subscriber does who closes the page."""
        self._process.kill()
        self._process.wait(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
