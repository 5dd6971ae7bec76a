"""A lab's place in the root namespace: what is named after it, held by a lock, and cleaned."""

import contextlib
import fcntl
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from tests.e2e.hosts import LabError, Records, run, wait_until

_HOME = Path("/var/lib/capd-lab")
_SLOTS = range(1, 16)


def home_of(slot: int) -> Path:
    """Return the folder of the lab in *slot*."""
    return _HOME / str(slot)


def metric(slot: int) -> int:
    """Return the metric that tells this lab's route for stray traffic from another's."""
    return 4200 + slot


@contextlib.contextmanager
def a_slot() -> Iterator[int]:
    """Hold the first free slot; wait for the first one when all are taken."""
    _HOME.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        locks = {n: stack.enter_context((_HOME / f"{n}.lock").open("w")) for n in _SLOTS}
        yield wait_until(
            lambda: next((n for n in _SLOTS if _locked(locks[n])), None),
            timeout_s=300,
            what="a free slot for a lab",
            every_s=1.0,
        )


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def clean(slot: int) -> None:
    """Remove whatever a lab in *slot* has left in the root namespace: links before processes."""
    home = home_of(slot)
    for link in json.loads(run("ip", "-j", "link", "show")):
        if link["ifname"].startswith(f"capd{slot}-"):
            with contextlib.suppress(LabError):  # it went with the namespace at its other end
                run("ip", "link", "del", link["ifname"])
    Records(home / "processes").end_all()
    with contextlib.suppress(LabError):
        run("ip", "route", "del", "unreachable", "198.18.0.0/15", "metric", str(metric(slot)))
    if home.is_mount():
        run("umount", "--lazy", str(home))
    shutil.rmtree(home, ignore_errors=True)
