"""Netmiko's real drivers against command lines in memory, and all that goes wrong over SSH."""

import asyncio
import logging
import time

import asyncssh
import pytest

from capd.clock import utc_now
from capd.config import EnforceConfig
from capd.enforce.ready import lacks
from capd.enforce.ssh import NetmikoPusher
from capd.model import DeviceId, OrderState, Secret, SshAccess
from capd.profiles import load_all
from capd.simulator.cli import CliServer
from capd.simulator.linux_cli import LinuxRouter
from capd.simulator.routeros_cli import RouterOs
from tests.builders import NOON, a_device, a_service, an_order
from tests.servers.process import free_port

ON, OFF = a_service(), a_service(suspended=True)
PASSWORD = "s3cret-of-the-router"
PROFILES = load_all()
MARK = "put 'table inet capd-suspend"  # in the middle of a suspension on Linux


@pytest.fixture
async def linux():
    server = CliServer(LinuxRouter(), username="root", password=PASSWORD)
    server.port = await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def mikrotik():
    router = RouterOs()
    router.add("/queue simple", name="Q 1", target="10.0.0.2/32", max_limit="5000000/30000000")
    router.add("/ppp secret", name="joe")
    router.add("/ppp active", name="joe", address="10.0.0.2")
    router.add("/ip firewall connection", src_address="10.0.0.2:5000")
    server = CliServer(router, username="admin", password=PASSWORD)
    server.port = await server.start()
    yield server
    await server.stop()


@pytest.fixture
def pusher():
    made = NetmikoPusher(PROFILES, EnforceConfig(timeout_s=3, at_once=20), utc_now)
    yield made
    made.close()


def cpe(server, name="cpe-1", *, password=PASSWORD, **more):
    access = SshAccess(username="root", password=Secret(password), port=server.port, **more)
    return a_device(name, address="127.0.0.1", ssh=access)


def tik(server, **settings):
    access = SshAccess(username="admin", password=Secret(PASSWORD), port=server.port)
    return a_device(
        "tik-1",
        profile="mikrotik_routeros",
        address="127.0.0.1",
        ssh=access,
        settings={"address": "10.0.0.2", **settings},
    )


async def push(pusher, device, before=ON, after=OFF):
    (outcome,) = await pusher.push(device, [an_order(device=device.id, before=before, after=after)])
    assert PASSWORD not in f"{outcome.detail}{outcome.transcript}"
    assert "Traceback" not in outcome.detail
    assert "\n" not in outcome.detail
    return outcome


def fate(outcome):
    return outcome.state, outcome.retry


APPLIED = (OrderState.APPLIED, False)
REFUSED = (OrderState.FAILED, False)
AGAIN = (OrderState.FAILED, True)
UNKNOWN = (OrderState.UNKNOWN, True)


async def test_linux_is_suspended_restored_and_as_it_was__UC_2_UC_3(linux, pusher):
    files = dict(linux.cli.files)
    assert fate(await push(pusher, cpe(linux))) == APPLIED
    assert not linux.cli.passes("lan0")
    linux.cli.reboot()
    assert not linux.cli.passes("lan0")
    assert fate(await push(pusher, cpe(linux), OFF, ON)) == APPLIED
    assert linux.cli.passes("lan0")
    assert (linux.cli.files, linux.cli.tables) == (files, {})


async def test_linux_is_given_the_rates_of_another_product__UC_4(linux, pusher):
    faster = a_service(down_bps=60_000_000, up_bps=10_000_000)
    assert fate(await push(pusher, cpe(linux), ON, faster)) == APPLIED
    assert linux.cli.limits("wan0", "lan0") == (60_000_008, 10_000_008)
    unlimited = a_service(down_bps=None, up_bps=None)
    assert fate(await push(pusher, cpe(linux), faster, unlimited)) == APPLIED
    assert linux.cli.limits("wan0", "lan0") == (None, None)


@pytest.mark.parametrize(
    "settings",
    [{}, {"method": "queue", "queue": "Q 1"}, {"method": "pppoe", "secret": "joe"}],
    ids=["address_list", "queue", "pppoe"],
)
async def test_routeros_is_suspended_and_restored_and_as_it_was__UC_2_UC_3(
    mikrotik, pusher, settings
):
    router = mikrotik.cli
    before = {menu: [item.values.copy() for item in rows] for menu, rows in router.menus.items()}
    assert fate(await push(pusher, tik(mikrotik, **settings))) == APPLIED
    again = await push(pusher, tik(mikrotik, **settings))
    assert (fate(again), "nothing was typed" in again.detail) == (APPLIED, True)
    assert fate(await push(pusher, tik(mikrotik, **settings), OFF, ON)) == APPLIED
    for menu in ("/ip firewall address-list", "/queue simple"):
        assert [item.values for item in router.menus.get(menu, [])] == before.get(menu, [])
    assert router.menus["/ppp secret"][0].get("disabled") == "no"


async def test_routeros_cuts_what_is_under_way__UC_2(mikrotik, pusher):
    await push(pusher, tik(mikrotik))
    assert not mikrotik.cli.passes("10.0.0.2")
    assert mikrotik.cli.menus["/ip firewall connection"] == []
    await push(pusher, tik(mikrotik, method="pppoe", secret="joe"))
    assert mikrotik.cli.menus["/ppp active"] == []


async def test_routeros_restores_and_sets_the_rate_in_one_order__UC_4(mikrotik, pusher):
    device = tik(mikrotik, queue="Q 1")
    await push(pusher, device)
    faster = a_service(down_bps=60_000_000, up_bps=10_000_000)
    assert fate(await push(pusher, device, OFF, faster)) == APPLIED
    assert mikrotik.cli.passes("10.0.0.2")
    assert mikrotik.cli.limits("Q 1") == (60_000_000, 10_000_000)


async def test_a_queue_that_does_not_exist_is_no_success(mikrotik, pusher):
    """A find that matches nothing is silent on RouterOS: only the read-back can tell."""
    outcome = await push(pusher, tik(mikrotik, queue="Q 2"), ON, a_service(down_bps=1_000_000))
    assert outcome.state is OrderState.FAILED
    assert "took every line, and is not as owed" in outcome.detail


async def test_a_device_that_swallows_a_line_is_no_success(linux, mikrotik, pusher):
    mikrotik.faults.ignore = "address-list add"
    linux.faults.ignore = "keep "
    assert (await push(pusher, tik(mikrotik))).state is OrderState.FAILED
    assert (await push(pusher, cpe(linux))).state is OrderState.FAILED
    assert linux.cli.passes("lan0")


async def test_a_refusal_is_told_in_the_device_s_words_and_is_for_a_person(mikrotik, pusher):
    mikrotik.cli.add("/ip firewall address-list", list="capd-suspended", address="10.0.0.2")
    outcome = await push(pusher, tik(mikrotik))
    assert fate(outcome) == REFUSED
    assert "failure: already have such entry" in outcome.detail


async def test_half_a_suspension_that_is_refused_is_put_back__UC_2(mikrotik, pusher):
    mikrotik.faults.refuse = "/ipv6 firewall address-list add"
    outcome = await push(pusher, tik(mikrotik, address6="2001:db8:7::/56"))
    assert fate(outcome) == REFUSED
    assert "put back as it was" in outcome.detail
    assert mikrotik.cli.passes("10.0.0.2")
    mikrotik.faults.refuse = "address-list"
    mikrotik.faults.refusal = "failure: not allowed"
    assert (await push(pusher, tik(mikrotik))).state is OrderState.FAILED


async def test_what_cannot_even_be_put_back_is_unknown_and_for_a_person(mikrotik, pusher):
    mikrotik.faults.refuse = "/ipv6 firewall address-list add"
    mikrotik.faults.ignore = "/ip firewall address-list remove"
    outcome = await push(pusher, tik(mikrotik, address6="2001:db8:7::/56"))
    assert fate(outcome) == (OrderState.UNKNOWN, False)
    assert "could not be put back" in outcome.detail


async def test_a_device_rests_between_two_sessions(linux):
    pusher = NetmikoPusher(PROFILES, EnforceConfig(session_every_s=0.6), utc_now)
    began = time.monotonic()
    assert fate(await push(pusher, cpe(linux))) == APPLIED
    assert fate(await push(pusher, cpe(linux), OFF, ON)) == APPLIED
    assert time.monotonic() - began >= 0.6
    pusher.close()


async def test_a_wrong_password_is_for_a_person_and_nothing_was_typed(linux, pusher):
    outcome = await push(pusher, cpe(linux, password="wrong"))
    assert fate(outcome) == REFUSED
    assert "cpe-1: refused the login" in outcome.detail
    assert linux.typed == []


async def test_a_login_without_password_and_key_is_for_a_person(linux, pusher):
    device = a_device(address="127.0.0.1", ssh=SshAccess(username="root", port=linux.port))
    outcome = await push(pusher, device)
    assert fate(outcome) == REFUSED
    assert "has neither password nor key_file" in outcome.detail


async def test_a_key_file_that_is_missing_or_none_is_for_a_person(linux, pusher, tmp_path):
    broken = tmp_path / "key"
    broken.write_text("no key")
    for path, words in ((tmp_path / "none", "cannot be read"), (broken, "cannot be used")):
        outcome = await push(pusher, cpe(linux, key_file=str(path)))
        assert fate(outcome) == REFUSED
        assert words in outcome.detail


async def test_nobody_there_is_tried_again(linux, pusher):
    linux.port = free_port()
    outcome = await push(pusher, cpe(linux))
    assert fate(outcome) == AGAIN
    assert outcome.unreachable
    assert "cannot be reached: Connection refused" in outcome.detail


async def test_one_who_takes_the_call_and_says_nothing_is_tried_again(pusher):
    async def mute(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with server:
        server.port = server.sockets[0].getsockname()[1]
        outcome = await push(pusher, cpe(server))
    assert fate(outcome) == AGAIN
    assert "did not greet as SSH does" in outcome.detail


async def test_a_session_lost_in_the_middle_is_unknown_and_found_out_next_time__UC_2(linux, pusher):
    linux.faults.drop_at = MARK
    assert fate(await push(pusher, cpe(linux))) == UNKNOWN
    assert linux.cli.passes("lan0")
    linux.faults.drop_at = None
    assert fate(await push(pusher, cpe(linux))) == APPLIED
    assert not linux.cli.passes("lan0")


async def test_a_session_lost_after_the_last_line_is_not_typed_again(linux, pusher):
    linux.faults.drop_after = "keep "
    assert fate(await push(pusher, cpe(linux))) == UNKNOWN
    linux.faults.drop_after = None
    outcome = await push(pusher, cpe(linux))
    assert (fate(outcome), "nothing was typed" in outcome.detail) == (APPLIED, True)


async def test_a_session_lost_before_anything_was_typed_is_not_unknown(linux, pusher):
    linux.faults.drop_at = "nft list tables"
    assert fate(await push(pusher, cpe(linux))) == AGAIN


@pytest.mark.parametrize("where", [MARK, "nft list tables"])
async def test_a_device_that_hangs_is_given_up_in_time(linux, pusher, where):
    linux.faults.hang_at = where
    async with asyncio.timeout(20):
        outcome = await push(pusher, cpe(linux))
    assert outcome.retry
    assert "no end of its answer in 3 s" in outcome.detail
    assert (outcome.state is OrderState.UNKNOWN) == (where == MARK)


async def test_a_slow_prompt_and_a_talkative_login_do_no_harm(linux, mikrotik):
    pusher = NetmikoPusher(PROFILES, EnforceConfig(timeout_s=10), utc_now)
    linux.faults.motd = "####  $$$ Welcome # authorised use only  ####\n\n  100 % monitored >\n"
    mikrotik.faults.motd = "\n  MikroTik RouterOS 7.15 (c) 1999-2024\n\nPress F1 for help\n\n"
    linux.faults.slow_prompt_s = mikrotik.faults.slow_prompt_s = 0.15
    assert fate(await push(pusher, cpe(linux))) == APPLIED
    assert fate(await push(pusher, tik(mikrotik))) == APPLIED
    pusher.close()


async def test_a_prompt_that_comes_behind_the_echo_of_the_next_line_is_no_answer(linux, pusher):
    linux.faults.late_prompt = True
    assert fate(await push(pusher, cpe(linux))) == APPLIED


async def test_a_prompt_that_never_comes_is_tried_again(linux, pusher):
    linux.faults.slow_prompt_s = 60
    outcome = await push(pusher, cpe(linux))
    assert fate(outcome) == AGAIN
    assert "showed no prompt" in outcome.detail or "took too long" in outcome.detail


@pytest.mark.parametrize("prompt", ["# ", "~ # ", "root@OpenWrt:/tmp# ", "[root@cpe ~]# ", "$ "])
async def test_prompts_of_other_shells_will_do(linux, pusher, prompt):
    class Other(LinuxRouter):
        @property
        def prompt(self):
            return prompt

    linux.cli = Other()
    assert fate(await push(pusher, cpe(linux))) == APPLIED


async def test_a_host_key_is_remembered_and_a_changed_one_is_refused(linux, pusher):
    assert fate(await push(pusher, cpe(linux))) == APPLIED
    await linux.stop()
    linux.new_host_key()
    await linux.start(port=linux.port)
    typed = len(linux.typed)
    outcome = await push(pusher, cpe(linux), OFF, ON)
    assert fate(outcome) == REFUSED
    assert "cpe-1: shows another host key than before (SHA256:" in outcome.detail
    assert len(linux.typed) == typed


async def test_the_first_key_is_handed_out_to_be_remembered(linux):
    kept = {}

    async def recall(device):
        return kept.get(device)

    async def remember(device, key):
        kept[device] = key

    pusher = NetmikoPusher(PROFILES, EnforceConfig(), utc_now, recall=recall, remember=remember)
    assert fate(await push(pusher, cpe(linux))) == APPLIED
    assert kept == {DeviceId("cpe-1"): linux.host_key}
    pusher.close()


async def test_the_inventory_s_host_key_decides_from_the_first_visit(linux, pusher):
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    assert fate(await push(pusher, cpe(linux, host_key=linux.host_key))) == APPLIED
    assert fate(await push(pusher, cpe(linux, host_key=other))) == REFUSED
    rsa = asyncssh.generate_private_key("ssh-rsa").export_public_key().decode()
    assert fate(await push(pusher, cpe(linux, host_key=rsa))) == REFUSED
    assert fate(await push(pusher, cpe(linux, host_key="nonsense"))) == REFUSED


async def test_all_orders_of_a_device_go_in_one_session(linux, pusher):
    orders = [
        an_order(number=1),
        an_order(number=2, before=ON, after=a_service(down_bps=8_000_000)),
        an_order(number=3, before=ON, after=a_service(down_bps=8_000_000, suspended=True)),
    ]
    outcomes = await pusher.push(cpe(linux), orders[:2])
    assert [outcome.order.id for outcome in outcomes] == [1, 2]
    assert linux.sessions == 1


async def test_two_visits_of_one_device_wait_for_each_other(linux, pusher):
    await asyncio.gather(*(push(pusher, cpe(linux, host_key=linux.host_key)) for _ in range(4)))
    assert (linux.sessions, linux.most_at_once) == (4, 1)


async def test_an_order_that_cannot_be_typed_does_not_stop_the_others(linux, pusher):
    device = cpe(linux)
    orders = [an_order(number=1, after=OFF), an_order(number=2, after=OFF)]
    odd = a_device(address=device.address, ssh=device.ssh, profile="generic_ifmib", settings={})
    outcomes = await pusher.push(odd, orders)
    assert {fate(outcome) for outcome in outcomes} == {REFUSED}
    assert linux.sessions == 0


async def test_a_dry_run_says_what_would_be_typed_and_types_nothing(linux, pusher):
    lines = await pusher.dry_run(cpe(linux), an_order())
    assert any("capd-suspend-lan0" in line for line in lines)
    assert linux.sessions == 0


async def test_no_secret_is_logged_and_no_traceback(linux, pusher, caplog):
    caplog.set_level(logging.DEBUG)
    linux.faults.motd = f"your password is {PASSWORD}\n"
    linux.faults.drop_at = MARK
    await push(pusher, cpe(linux))
    await push(pusher, cpe(linux, password="wrong-secret"))
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("asyncssh")]
    assert not any(PASSWORD in line or "wrong-secret" in line for line in ours)
    assert not any("Traceback" in line for line in ours)


async def test_a_cancelled_push_lets_go_of_the_device(linux, pusher):
    linux.faults.hang_at = MARK
    async with asyncio.timeout(20):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await push(pusher, cpe(linux))
        assert any(MARK in line for line in linux.typed)
        linux.faults.hang_at = None
        assert fate(await push(pusher, cpe(linux))) == APPLIED


async def test_a_router_says_beforehand_whether_it_would_take_a_suspension__UC_2(mikrotik, pusher):
    device = tik(mikrotik, address6="2001:db8::/56")
    assert await lacks(pusher, device, PROFILES, NOON) == []
    rules = mikrotik.cli.menus["/ipv6 firewall filter"]
    rules[0].values["disabled"] = "yes"
    (lack,) = await lacks(pusher, device, PROFILES, NOON)
    assert lack.startswith("tik-1: no two rules of its IPv6 firewall shut the list capd-suspended")
    assert "/ipv6 firewall filter add chain=forward src-address-list=capd-suspended" in lack
    outcome = await push(pusher, device)
    assert fate(outcome) == REFUSED
    assert mikrotik.cli.passes("10.0.0.2")
    assert "address-list add" not in outcome.transcript
    own = tik(mikrotik, address6="2001:db8::/56", own_rules="yes")
    assert await lacks(pusher, own, PROFILES, NOON) == []
    assert fate(await push(pusher, own)) == APPLIED


async def test_a_login_that_would_be_refused_is_known_before_the_first_suspension(linux, pusher):
    (lack,) = await lacks(pusher, cpe(linux, password="wrong"), PROFILES, NOON)
    assert "refused the login" in lack
    nobody_may = a_device(ssh=None)
    assert await lacks(pusher, nobody_may, PROFILES, NOON) is None
