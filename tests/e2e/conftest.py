"""What the lab needs of the machine: root, and Debian's packages (`tests/run` installs them)."""

import os

import pytest

from tests.servers.process import need

_PROGRAMS = (
    "ip", "ethtool", "unshare", "nsenter", "setpriv", "nft", "snmpd", "snmpget", "sshd",
    "ssh-keygen", "mosquitto", "mosquitto_sub", "collectd",
)  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def _machine_for_a_lab() -> None:
    """Skip where no lab can be built; where CI is set, fail."""
    if os.geteuid() != 0:
        strict = os.environ.get("CI") == "true" or os.environ.get("CAPD_NO_SKIP") == "1"
        (pytest.fail if strict else pytest.skip)("a lab needs root")
    for program in _PROGRAMS:
        need(program)
