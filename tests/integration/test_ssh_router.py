"""linux_router against a real sshd and real nftables, with a subscriber whose traffic is tried."""

import json
import sys
from pathlib import Path

import pytest

from capd.clock import utc_now
from capd.config import EnforceConfig
from capd.enforce.ssh import NetmikoPusher
from capd.model import OrderState, Secret, SshAccess
from capd.profiles import load_all
from tests.builders import a_device, a_service, an_order
from tests.servers.router import (
    INTERNET,
    INTERNET6,
    PASSWORD,
    PORTAL,
    PORTAL6,
    router,
)
from tests.servers.sshd import Sshd

SERVERS = Path(__file__).parent.parent / "servers"
ON, OFF = a_service(), a_service(suspended=True)
CONF = "#!/usr/sbin/nft -f\n\nflush ruleset\n\ntable inet filter {\n}\n"


@pytest.fixture(params=[CONF], ids=["debian"])
def box(tmp_path, request):
    with router(tmp_path / "router", conf=request.param) as built:
        addresses = (f"::ffff:{INTERNET}", f"::ffff:{PORTAL}", INTERNET6, PORTAL6)
        script = str(SERVERS / "internet.py")
        server = built.start(built.internet, sys.executable, script, *addresses)
        assert server.stdout.readline() == "ready\n"
        yield built


@pytest.fixture
def sshd(box, tmp_path):
    server = Sshd(tmp_path / "sshd", enter=box.box.enter)
    yield server
    server.stop()


@pytest.fixture
def pusher():
    made = NetmikoPusher(load_all(), EnforceConfig(timeout_s=15), utc_now)
    yield made
    made.close()


def cpe(sshd, *, ssh=None, **settings):
    return a_device(
        address="127.0.0.1",
        ssh=ssh or SshAccess(username="root", password=Secret(PASSWORD), port=sshd.port),
        settings={"wan": "wan0", "lan": "lan0", "portal": f"{PORTAL}, {PORTAL6}", **settings},
    )


async def push(pusher, device, before, after):
    (outcome,) = await pusher.push(device, [an_order(before=before, after=after)])
    assert outcome.state is OrderState.APPLIED, f"{outcome.detail}\n{outcome.transcript}"
    assert PASSWORD not in outcome.transcript
    return outcome


def tries(box, *argv):
    """Return what the subscriber sees of one attempt."""
    script = str(SERVERS / "subscriber.py")
    printed = box.subscriber.run(sys.executable, script, *(str(word) for word in argv))
    return json.loads(printed.splitlines()[-1])


def begins(box, *argv):
    """Return an attempt that is under way."""
    script = str(SERVERS / "subscriber.py")
    process = box.start(box.subscriber, sys.executable, script, *(str(word) for word in argv))
    assert json.loads(process.stdout.readline()) == {"connected": True}
    return process


async def test_the_suspended_are_cut_off_both_ways_and_both_families_at_once__UC_2(
    box, sshd, pusher
):
    under_way = [
        begins(box, "fetch", INTERNET, 8080, 20),
        begins(box, "fetch", INTERNET6, 8080, 20),
        begins(box, "send", INTERNET, 9, 20),
    ]
    await push(pusher, cpe(sshd), ON, OFF)
    seen = box.forwarded()
    ended = [json.loads(process.stdout.readline())["ended"] for process in under_way]
    assert box.forwarded() - seen < 30_000  # transfers in flight stop at once
    assert ended[2] == "ConnectionResetError"  # who sends is told; who waits for data just waits
    assert set(ended) <= {"ConnectionResetError", "TimeoutError"}
    for address in (INTERNET, INTERNET6):
        new = tries(box, "fetch", address, 8080, 2)
        assert new["ended"] == "ConnectionRefusedError"
        assert new["bytes"] == 0
        assert new["seconds"] < 1  # refused, not left waiting
        assert tries(box, "ask", address, 123, 100, 3) == {"answered": 0}


async def test_the_suspended_reach_the_portal_and_dns_and_dns_is_no_tunnel__UC_2(box, sshd, pusher):
    await push(pusher, cpe(sshd), ON, OFF)
    for portal in (PORTAL, PORTAL6):
        assert tries(box, "fetch", portal, 80, 0.2)["bytes"] > 0
        assert "1 received" in box.subscriber.run("ping", "-c1", "-W2", portal)
    assert tries(box, "fetch", PORTAL, 8080, 1)["ended"] == "ConnectionRefusedError"
    assert tries(box, "fetch", INTERNET, 80, 1)["ended"] == "ConnectionRefusedError"
    for resolver in (INTERNET, INTERNET6):
        assert tries(box, "ask", resolver, 53, 60, 5) == {"answered": 5}
    assert tries(box, "ask", INTERNET, 53, 1400, 60)["answered"] < 40


async def test_only_the_named_resolvers_answer_the_suspended(box, sshd, pusher):
    await push(pusher, cpe(sshd, dns=PORTAL), ON, OFF)
    assert tries(box, "ask", PORTAL, 53, 60, 3) == {"answered": 3}
    assert tries(box, "ask", INTERNET, 53, 60, 3) == {"answered": 0}


async def test_a_suspension_survives_a_reboot_of_the_router__UC_2(box, sshd, pusher):
    device = cpe(sshd)
    await push(pusher, device, ON, OFF)
    box.reboot()
    assert tries(box, "fetch", INTERNET, 8080, 1)["ended"] == "ConnectionRefusedError"
    again = await push(pusher, device, ON, OFF)
    assert "nothing was typed" in again.detail


@pytest.mark.parametrize(
    "box", [CONF, "flush ruleset", None], indirect=True, ids=["debian", "no-line-end", "none"]
)
async def test_a_restoration_leaves_the_router_as_it_was__UC_3(box, sshd, pusher):
    device = cpe(sshd)
    before, rules = box.etc(), box.ruleset()
    await push(pusher, device, ON, OFF)
    await push(pusher, device, ON, OFF)
    assert box.etc() != before
    await push(pusher, device, OFF, ON)
    await push(pusher, device, OFF, ON)
    after = box.etc()
    if "/etc/nftables.conf" in before:  # its last line has an end now
        before["/etc/nftables.conf"] = before["/etc/nftables.conf"].rstrip("\n") + "\n"
    assert after == before
    assert box.ruleset() == rules
    assert tries(box, "fetch", INTERNET, 8080, 0.2)["bytes"] > 0


async def test_a_router_that_lost_its_running_rules_is_suspended_again(box, sshd, pusher):
    device = cpe(sshd)
    await push(pusher, device, ON, OFF)
    box.box.run("nft", "flush", "ruleset")
    await push(pusher, device, ON, OFF)
    assert tries(box, "fetch", INTERNET, 8080, 1)["ended"] == "ConnectionRefusedError"


async def test_rates_are_held_both_ways_and_survive_a_reboot__UC_4(box, sshd, pusher):
    faster = a_service(down_bps=20_000_000, up_bps=4_000_000)
    await push(pusher, cpe(sshd), ON, faster)
    box.reboot()
    down = tries(box, "fetch", INTERNET, 8080, 5)["late_bps"]
    up = tries(box, "send", INTERNET6, 9, 5)["late_bps"]
    # Of 2.5 seconds: the kernel's bucket may hold another one, saved up while TCP was waiting.
    assert 6_000_000 < down < 20_000_000 * 3.5 / 2.5
    assert 1_200_000 < up < 4_000_000 * 3.5 / 2.5 + 1_000_000  # what waits in a socket was "sent"


async def test_an_upgrade_brings_back_service_and_the_new_rate_in_one_order__UC_4(
    box, sshd, pusher
):
    device = cpe(sshd)
    before, rules = box.etc(), box.ruleset()
    await push(pusher, device, ON, OFF)
    await push(pusher, device, OFF, a_service(down_bps=20_000_000, up_bps=None))
    assert "limit rate over 2500001 bytes/second" in box.ruleset()
    assert "capd-suspend" not in box.ruleset()
    unlimited = a_service(down_bps=None, up_bps=None)
    await push(pusher, device, a_service(down_bps=20_000_000, up_bps=None), unlimited)
    assert (box.etc(), box.ruleset()) == (before, rules)


async def test_one_who_is_restored_does_not_bring_back_the_neighbour__UC_3(box, sshd, pusher):
    await push(pusher, cpe(sshd), ON, OFF)
    await push(pusher, cpe(sshd, lan="lan1"), ON, OFF)
    await push(pusher, cpe(sshd, lan="lan1"), OFF, ON)
    box.reboot()
    assert tries(box, "fetch", INTERNET, 8080, 1)["ended"] == "ConnectionRefusedError"


@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/dash"])
async def test_bash_and_dash_both_take_the_long_lines(box, sshd, pusher, shell):
    box.box.run("chsh", "-s", shell, "root")
    await push(pusher, cpe(sshd), ON, OFF)
    await push(pusher, cpe(sshd), OFF, ON)


async def test_a_key_file_logs_in_without_a_password(box, sshd, pusher):
    access = SshAccess(username="root", key_file=str(sshd.key_file), port=sshd.port)
    await push(pusher, cpe(sshd, ssh=access), ON, OFF)


async def test_one_who_is_not_root_goes_through_sudo(box, sshd, pusher):
    """A stand-in for sudo with its -n, since Debian's may not be installed."""
    root = "/usr/local/bin/root-shell"
    box.box.run("mount", "-t", "tmpfs", "tmpfs", "/usr/local/bin")
    box.box.run("sh", "-ec", f"cp /bin/dash {root}; chmod 4755 {root}")
    box.box.run("useradd", "-M", "-d", "/", "-s", "/bin/bash", "capd")
    box.box.run("chpasswd", "-c", "SHA512", stdin=f"capd:{PASSWORD}\n")
    box.box.run(
        "tee",
        "/usr/local/bin/sudo",
        stdin=f'#!{root} -p\n[ "$1" = -n ] || exit 1\nshift\n'
        'exec setpriv --reuid=0 --regid=0 --clear-groups "$@"\n',
    )
    box.box.run("chmod", "755", "/usr/local/bin/sudo")
    access = SshAccess(username="capd", password=Secret(PASSWORD), port=sshd.port)
    await push(pusher, cpe(sshd, ssh=access), ON, OFF)
    assert tries(box, "fetch", INTERNET, 8080, 1)["ended"] == "ConnectionRefusedError"
    await push(pusher, cpe(sshd, ssh=access), OFF, ON)
    assert "capd" not in box.ruleset()


async def test_one_without_rights_changes_nothing_and_the_refusal_is_quoted(box, sshd, pusher):
    box.box.run("useradd", "-M", "-d", "/", "-s", "/bin/sh", "viewer")
    box.box.run("chpasswd", "-c", "SHA512", stdin=f"viewer:{PASSWORD}\n")
    access = SshAccess(username="viewer", password=Secret(PASSWORD), port=sshd.port)
    (outcome,) = await pusher.push(cpe(sshd, ssh=access), [an_order(before=ON, after=OFF)])
    assert (outcome.state, outcome.retry) == (OrderState.FAILED, False)
    assert "would not be read back" in outcome.detail
    assert "sudo" in outcome.detail


async def test_a_folder_that_cannot_be_written_fails_and_the_line_still_works(box, sshd, pusher):
    device = cpe(sshd, rules_dir="/proc/capd")
    (outcome,) = await pusher.push(device, [an_order(before=ON, after=OFF)])
    assert (outcome.state, outcome.retry) == (OrderState.FAILED, False)
    assert "refused" in outcome.detail
    assert tries(box, "fetch", INTERNET, 8080, 0.2)["bytes"] > 0


async def test_another_host_key_than_before_is_refused_before_the_password_is_sent(
    box, sshd, pusher
):
    device = cpe(sshd)
    await push(pusher, device, ON, OFF)
    sshd.new_host_key()
    (outcome,) = await pusher.push(device, [an_order(before=OFF, after=ON)])
    assert (outcome.state, outcome.retry) == (OrderState.FAILED, False)
    assert "shows another host key than before" in outcome.detail
    assert sshd.log.count("Accepted password") == 1
