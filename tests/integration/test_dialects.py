"""Netmiko's real drivers against routers with a configuration mode, and what goes wrong in it."""

from dataclasses import replace

import pytest

from capd.clock import utc_now
from capd.config import EnforceConfig
from capd.enforce.ssh import NetmikoPusher
from capd.model import OrderState, Secret, SshAccess
from capd.profiles import load_all
from capd.simulator.cli import CliServer
from capd.simulator.ios_cli import Ios
from capd.simulator.set_cli import Junos, SetRouter
from tests.builders import a_device, a_meter, a_service, an_order

ON, OFF = a_service(), a_service(suspended=True)
FASTER = a_service(down_bps=60_000_000, up_bps=10_000_000)
PROFILES = load_all()
PASSWORD = "s3cret-of-the-router"
APPLIED, FAILED, UNKNOWN = OrderState.APPLIED, OrderState.FAILED, OrderState.UNKNOWN


def edgeos():
    lines = [
        "set firewall group address-group capd-suspended description 'kept by capd'",
        "set firewall group ipv6-network-group capd-suspended6 description 'kept by capd'",
        "set firewall name IN rule 1 source group address-group capd-suspended",
        *(f"set traffic-control smart-queue q{n} wan-interface eth{n}" for n in range(9)),
        *(f"set traffic-control smart-queue q{n} download rate 30000kbit" for n in range(9)),
        *(f"set traffic-control smart-queue q{n} upload rate 5000kbit" for n in range(9)),
    ]
    return SetRouter(running=list(lines), saved=list(lines))


def vyos():
    lines = [
        "set firewall group address-group capd-suspended description 'kept by capd'",
        "set firewall group ipv6-network-group capd-suspended6 description 'kept by capd'",
        "set firewall ipv4 forward filter rule 1 source group address-group capd-suspended",
        *(f"set qos policy shaper d{n} bandwidth 30000kbit" for n in range(9)),
        *(f"set qos policy shaper u{n} bandwidth 5000kbit" for n in range(9)),
    ]
    return SetRouter(name="vyos", running=list(lines), saved=list(lines))


def junos():
    lines = [
        "set policy-options prefix-list capd-suspended 192.0.2.255/32",
        "set policy-options prefix-list capd-suspended6 2001:db8:ffff::/64",
        "set firewall family inet filter F term capd from source-prefix-list capd-suspended",
        *(f"set firewall policer d{n} if-exceeding bandwidth-limit 30m" for n in range(9)),
        *(f"set firewall policer u{n} if-exceeding bandwidth-limit 5m" for n in range(9)),
    ]
    return Junos(running=list(lines), saved=list(lines))


def ios():
    sections = {
        ("object-group network capd-suspended",): ["host 192.0.2.255"],
        ("ip access-list extended IN",): ["5 deny ip object-group capd-suspended any"],
    }
    for n in range(9):
        sections[(f"policy-map d{n}",)] = []
        sections[(f"policy-map d{n}", "class class-default")] = ["shape average 30000000"]
        sections[(f"policy-map u{n}",)] = []
        sections[(f"policy-map u{n}", "class class-default")] = ["police cir 5000000"]
    return Ios(running=sections, startup={k: list(v) for k, v in sections.items()})


FAMILIES = {
    "edgeos": (edgeos, lambda n: {"address": f"10.0.0.{n}", "queue": f"q{n}"}),
    "vyos": (
        vyos,
        lambda n: {"address": f"10.0.0.{n}", "shaper_down": f"d{n}", "shaper_up": f"u{n}"},
    ),
    "juniper_junos": (
        junos,
        lambda n: {"address": f"10.0.0.{n}/32", "policer_down": f"d{n}", "policer_up": f"u{n}"},
    ),
    "cisco_ios": (
        ios,
        lambda n: {"address": f"10.0.0.{n}", "policy_down": f"d{n}", "policy_up": f"u{n}"},
    ),
}  # fmt: skip
COMMITTING = ("edgeos", "vyos", "juniper_junos")
every_family = pytest.mark.parametrize("bench", FAMILIES, indirect=True)


class Bench:
    """One router, and whoever pushes to it."""

    def __init__(self, family, server, pusher):
        self.family, self.server, self.pusher = family, server, pusher
        self.settings = FAMILIES[family][1]
        self.device = a_device(
            "r-1", profile=family, address="127.0.0.1", settings={},
            ssh=SshAccess(username="capd", password=Secret(PASSWORD), port=server.port),
            meters=tuple(a_meter(f"m{n}", f"S-{n}", settings=self.settings(n)) for n in range(9)),
        )  # fmt: skip

    def order(self, n, before=ON, after=OFF):
        order = an_order(number=n, subscriber=f"S-{n}", device="r-1", before=before, after=after)
        return replace(order, meter=f"m{n}")

    async def push(self, *orders):
        outcomes = await self.pusher.push(self.device, orders)
        for outcome in outcomes:
            assert PASSWORD not in f"{outcome.detail}{outcome.transcript}{outcome.before}"
        return [outcome.state for outcome in outcomes], outcomes

    @property
    def config(self):
        """Return what the router does, and what it will do after a reboot."""
        cli = self.server.cli
        saved = cli.startup if isinstance(cli, Ios) else cli.saved
        return repr(cli.running), cli.running if self.family == "juniper_junos" else saved

    def passes(self, n):
        return self.server.cli.passes(f"10.0.0.{n}")


@pytest.fixture(params=["juniper_junos", "cisco_ios"])
async def bench(request):
    server = CliServer(FAMILIES[request.param][0](), username="capd", password=PASSWORD)
    server.port = await server.start()
    pusher = NetmikoPusher(PROFILES, EnforceConfig(timeout_s=5), utc_now)
    yield Bench(request.param, server, pusher)
    pusher.close()
    await server.stop()


committing = pytest.mark.parametrize("bench", ["edgeos", "juniper_junos"], indirect=True)


@every_family
async def test_a_router_is_suspended_restored_and_byte_for_byte_as_it_was__UC_2_UC_3(bench):
    before = bench.config
    (state,), (outcome,) = await bench.push(bench.order(1))
    assert state is APPLIED, f"{outcome.detail}\n{outcome.transcript}"
    assert not bench.passes(1)
    assert bench.passes(2)
    (state, other), (again, _) = await bench.push(bench.order(1), bench.order(2, ON, FASTER))
    assert (state, "nothing was typed" in again.detail) == (APPLIED, True)
    assert other is APPLIED
    (state, other), _ = await bench.push(bench.order(1, OFF, ON), bench.order(2, FASTER, ON))
    assert state is APPLIED
    assert bench.passes(1)
    assert bench.config == before


@pytest.mark.parametrize("bench", ["edgeos", "cisco_ios"], indirect=True)
async def test_a_suspension_outlives_a_reboot__UC_2(bench):
    await bench.push(bench.order(1))
    bench.server.cli.reboot()
    assert not bench.passes(1)


async def test_rates_are_set_and_taken_back__UC_4(bench):
    before = bench.config
    down_only = a_service(down_bps=8_000_000, up_bps=None)
    up_only = a_service(down_bps=None, up_bps=8_000_000)
    unlimited = a_service(down_bps=None, up_bps=None)
    wanted = {1: FASTER, 2: down_only, 3: up_only, 4: unlimited}
    states, outcomes = await bench.push(*(bench.order(n, ON, to) for n, to in wanted.items()))
    assert set(states) == {APPLIED}, outcomes
    assert bench.config != before
    states, outcomes = await bench.push(*(bench.order(n, to, ON) for n, to in wanted.items()))
    assert set(states) == {APPLIED}, outcomes
    assert sorted(bench.config[0]) == sorted(before[0])


async def test_what_the_router_had_before_is_kept_with_the_order(bench):
    _, (outcome,) = await bench.push(bench.order(1))
    assert "capd-suspended" in outcome.before
    assert "10.0.0.1" not in outcome.before


async def test_all_orders_of_a_router_go_in_one_session_and_are_read_back_once_for_all(bench):
    orders = [bench.order(n) for n in range(1, 8)]
    states, _ = await bench.push(*orders)
    assert set(states) == {APPLIED}
    assert bench.server.sessions == 1
    reads = [line for line in bench.server.typed if line.startswith("show conf")]
    assert len(reads) == 2 * len(set(reads))  # before and after
    if bench.family in COMMITTING:
        assert bench.server.cli.commits == 1


@committing
async def test_an_order_refused_at_the_commit_does_not_take_the_others_down(bench):
    bench.server.cli.refuses_at_commit = "10.0.0.3"
    states, outcomes = await bench.push(*(bench.order(n) for n in range(1, 6)))
    assert states == [APPLIED, APPLIED, FAILED, APPLIED, APPLIED]
    assert "refused 'commit" in outcomes[2].detail
    assert [bench.passes(n) for n in range(1, 6)] == [False, False, True, False, False]


async def test_an_order_with_a_line_that_is_refused_does_not_take_the_others_down(bench):
    bench.server.faults.refuse = "10.0.0.3"
    bench.server.faults.refusal = {
        "cisco_ios": "% Invalid input detected at '^' marker.", "juniper_junos": "syntax error.",
    }.get(bench.family, "  Set failed")  # fmt: skip
    states, outcomes = await bench.push(*(bench.order(n) for n in range(1, 5)))
    assert states == [APPLIED, APPLIED, FAILED, APPLIED]
    assert not outcomes[2].retry
    assert [bench.passes(n) for n in range(1, 5)] == [False, False, True, False]


@committing
async def test_a_session_lost_before_the_commit_leaves_nothing_behind(bench):
    before = bench.config
    bench.server.faults.drop_at = "10.0.0.2"
    states, outcomes = await bench.push(bench.order(1), bench.order(2))
    assert (states, {outcome.retry for outcome in outcomes}) == ([FAILED, FAILED], {True})
    assert bench.config == before
    bench.server.faults.drop_at = None
    states, _ = await bench.push(bench.order(1), bench.order(2))
    assert states == [APPLIED, APPLIED]


async def test_a_session_lost_while_it_takes_effect_is_unknown_and_found_out_next_time(bench):
    bench.server.faults.drop_after = (
        "commit confirmed"
        if bench.family == "juniper_junos"
        else "commit"
        if bench.family in COMMITTING
        else "host 10.0.0.1"
    )
    states, outcomes = await bench.push(bench.order(1))
    assert (states, outcomes[0].retry) == ([UNKNOWN], True)
    bench.server.faults.drop_after = None
    if bench.family == "juniper_junos":  # it waits for a confirmation that nobody gives any more
        (state,), (outcome,) = await bench.push(bench.order(1))
        assert (state, outcome.retry, outcome.unreachable) == (FAILED, True, True)
        assert "is not to be changed now" in outcome.detail
        bench.server.cli.expire()
        assert bench.passes(1)
    (state,), _ = await bench.push(bench.order(1))
    assert state is APPLIED
    assert not bench.passes(1)


@pytest.mark.parametrize("bench", ["juniper_junos"], indirect=True)
async def test_junos_keeps_what_was_proven_and_undoes_by_itself_what_was_not(bench):
    await bench.push(bench.order(1))
    bench.server.cli.expire()
    assert not bench.passes(1)  # it was confirmed
    bench.server.faults.ignore = "set policy-options"
    before = bench.config
    (state,), _ = await bench.push(bench.order(2, ON, replace(FASTER, suspended=True)))
    assert state is UNKNOWN  # its rate was changed, and will go back by itself
    bench.server.cli.expire()
    assert bench.config == before


@committing
async def test_a_router_that_somebody_else_commits_on_is_tried_again_and_nothing_is_lost(bench):
    bench.server.faults.refuse = "commit" if bench.family != "juniper_junos" else "exclusive"
    bench.server.faults.refusal = "Configuration system temporarily locked: another commit"
    if bench.family == "juniper_junos":
        bench.server.faults.refusal = "error: configuration database locked by:\n  root (pid 9)"
    states, outcomes = await bench.push(bench.order(1))
    assert (outcomes[0].retry, outcomes[0].unreachable) == (True, True)
    assert bench.passes(1)
    bench.server.faults.refuse = None
    states, _ = await bench.push(bench.order(1))
    assert states == [APPLIED]


async def test_a_router_that_swallows_a_line_is_no_success(bench):
    bench.server.faults.ignore = "10.0.0.1"
    (state,), (outcome,) = await bench.push(bench.order(1))
    assert (state, outcome.retry) == (FAILED, True)
    assert bench.passes(1)


async def test_a_list_that_no_rule_uses_cuts_nobody_off_and_is_no_success__UC_2(bench):
    cli = bench.server.cli
    if isinstance(cli, Ios):
        del cli.running[("ip access-list extended IN",)]
    else:
        cli.running = [x for x in cli.running if " from source" not in x]
    (state,), (outcome,) = await bench.push(bench.order(1))
    assert state is FAILED, outcome.transcript
    assert (
        "capd-suspended: nothing was typed. Add it once, then retry the order: " in outcome.detail
    )
    assert "10.0.0.1" not in repr(bench.config)


@pytest.mark.parametrize("bench", ["edgeos", "vyos", "cisco_ios"], indirect=True)
@pytest.mark.parametrize(
    "words",
    ["Error: No space left on device", "startup-config file open failed (Not enough space)"],
)
async def test_a_full_disk_makes_a_change_that_would_not_outlive_a_reboot__UC_2(bench, words):
    """It is done and not saved: what the device has is unknown, and a person must look."""
    bench.server.faults.refuse = "write memory" if bench.family == "cisco_ios" else "save"
    bench.server.faults.refusal = words
    (state,), (outcome,) = await bench.push(bench.order(1))
    assert (state, outcome.retry) == (UNKNOWN, False)
    assert "changed, but not saved" in outcome.detail
    bench.server.faults.refuse = None
    assert (await bench.push(bench.order(1)))[0] == [APPLIED]


async def test_a_pager_a_banner_and_slow_prompts_do_no_harm(bench):
    bench.server.faults.motd = "####  Welcome > # authorised use only $ ####\n\n 100 % monitored\n"
    bench.server.faults.page_lines = 5
    bench.server.faults.slow_prompt_s = 0.05
    cli = bench.server.cli
    if isinstance(cli, Ios):
        cli.running[("object-group network capd-suspended",)] += [
            f"host 10.1.0.{n}" for n in range(30)
        ]
    else:
        stem = next(x for x in cli.running if "capd-suspended" in x).rsplit(" ", 1)[0]
        stem = stem.split(" description")[0] + (" address" if "firewall" in stem else "")
        cli.running += [
            f"{stem} 10.1.0.{n}" + "/32" * (bench.family == "juniper_junos") for n in range(30)
        ]
    states, (outcome,) = await bench.push(bench.order(1))
    assert states == [APPLIED], f"{outcome.detail}\n{outcome.transcript}"
    assert not bench.passes(1)


async def test_a_device_without_rights_is_for_a_person(bench):
    bench.server.faults.refuse = "configure"
    bench.server.faults.refusal = {
        "cisco_ios": "% Authorization failed.", "juniper_junos": "error: permission denied",
    }.get(bench.family, "  Invalid command: [configure]")  # fmt: skip
    (state,), (outcome,) = await bench.push(bench.order(1))
    assert (state, outcome.retry) == (FAILED, False)
    assert "refused 'configure" in outcome.detail
