import re
from dataclasses import replace

import pytest

from capd.enforce.render import script
from capd.errors import CannotBeDone
from capd.profiles import load_all
from tests.builders import a_device, a_meter, a_service, an_order

PROFILES = load_all()
ON, OFF = a_service(), a_service(suspended=True)
FASTER = a_service(down_bps=60_000_000, up_bps=10_000_000)
UNLIMITED = a_service(down_bps=None, up_bps=None)


def rendered(before=ON, after=OFF, *, subscriber="S-1", profile="linux_router", **settings):
    device = a_device(profile=profile, settings=settings or {"wan": "wan0", "lan": "lan0"})
    order = an_order(before=before, after=after, subscriber=subscriber)
    return script(order, device, PROFILES[profile])


def mikrotik(before=ON, after=OFF, *, subscriber="S-1", **settings):
    return rendered(before, after, subscriber=subscriber, profile="mikrotik_routeros", **settings)


def says(*, suspend="running 0 file 0", rate="running  file ", boot="yes"):
    """Return what a Linux router answers to the read-back."""
    return f"suspend: {suspend}\nrate: {rate}\nboot: {boot}\ncapd:0"


SUSPENDED = says(suspend="running 7 file 7")


def test_a_suspension_names_the_line_and_its_reason_is_legible_on_the_router__UC_2():
    lines = "\n".join(rendered().missing(says()))
    assert "# S-1 is suspended; written by capd" in lines
    assert 'iifname "lan0" jump up' in lines
    assert 'oifname "lan0" jump down' in lines
    assert "reject with tcp reset" in lines
    assert "reject with icmpx type admin-prohibited" in lines


def test_what_is_already_so_is_not_typed_again():
    assert rendered().missing(SUSPENDED) == ()
    assert rendered(OFF, ON).missing(says()) == ()


@pytest.mark.parametrize(
    "half",
    [
        says(suspend="running 7 file 0"),  # lost before the file got its name
        says(suspend="running 0 file 7"),  # somebody flushed the ruleset
        says(suspend="running 6 file 7"),  # somebody took a rule out
        says(suspend="running 7 file 7", boot="no"),  # would be gone after a reboot
    ],
)
def test_half_a_suspension_is_done_again(half):
    assert rendered().missing(half) == rendered().suspend


@pytest.mark.parametrize("half", ["running 7 file 0", "running 0 file 7"])
def test_half_a_restoration_is_done_again__UC_3(half):
    script = rendered(OFF, ON)
    assert script.missing(says(suspend=half)) == script.restore


def test_an_upgrade_while_suspended_sets_the_rate_and_restores__UC_3():
    made = rendered(OFF, FASTER)
    assert made.missing(SUSPENDED) == (*made.rate, *made.restore)
    assert "limit rate over 7500001 bytes/second" in "\n".join(made.rate)
    assert "limit rate over 1250001 bytes/second" in "\n".join(made.rate)


def test_a_restoration_alone_leaves_rates_alone__UC_3():
    assert rendered(OFF, ON).rate == ()


def test_a_rate_that_the_router_shows_is_not_typed_again():
    made = rendered(ON, FASTER)
    shown = "wan0>lan0=7500001 lan0>wan0=1250001 "
    assert made.missing(says(rate=f"running {shown} file {shown}")) == ()
    assert made.missing(says(rate=f"running {shown} file ")) == made.rate


def test_a_limit_that_is_no_longer_owed_is_taken_away():
    made = rendered(ON, UNLIMITED)
    shown = "wan0>lan0=7500001 "
    assert made.missing(says(rate=f"running {shown} file {shown}")) == made.rate
    assert "forget /etc/nftables.d capd-rate-lan0" in made.rate[0]
    assert made.missing(says()) == ()


def test_a_product_limited_one_way_leaves_the_other_way_open():
    made = rendered(ON, a_service(down_bps=8_000_000, up_bps=None))
    assert 'iifname "lan0" oifname "wan0"' not in "\n".join(made.rate)
    one, both = "wan0>lan0=1000001 ", "wan0>lan0=1000001 lan0>wan0=625001 "
    assert made.missing(says(rate=f"running {one} file {one}")) == ()
    assert made.missing(says(rate=f"running {both} file {both}")) == made.rate


@pytest.mark.parametrize("bps", [1, 8192, 64_000, 8_192_000, 1_000_000_000, 100_000_000_000])
def test_a_rate_is_never_a_multiple_that_nft_would_write_in_larger_units(bps):
    lines = "\n".join(rendered(ON, a_service(down_bps=bps, up_bps=bps)).rate)
    figures = [int(figure) for figure in re.findall(r"(\d+) bytes/second", lines)]
    assert len(figures) == 2
    assert all(figure % 2 == 1 and figure < 2**35 for figure in figures)


def test_an_order_without_a_difference_makes_sure__and_leaves_unpoliced_lines_so():
    made = rendered(ON, ON)
    other = "wan0>lan0=1 lan0>wan0=1 "
    assert made.missing(says()) == ()
    assert made.missing(says(rate=f"running {other} file {other}")) == made.rate
    assert made.missing(SUSPENDED) == made.restore
    assert made.assumed() == ()


def test_a_meter_may_have_its_own_line():
    device = a_device(
        settings={"wan": "wan0"},
        meters=(a_meter(), a_meter("two", "S-2", settings={"lan": "lan1"})),
    )
    order = replace(an_order(subscriber="S-2"), meter="two")
    made = script(order, device, PROFILES["linux_router"])
    assert 'iifname "lan1" jump up' in "\n".join(made.suspend)


def test_the_walled_garden_is_the_portal_and_the_resolvers_of_both_families():
    text = "\n".join(
        rendered(
            wan="w", lan="l", dns="192.0.2.53, 2001:db8::53", portal="192.0.2.0/25,192.0.2.9"
        ).suspend
    )
    assert "ip daddr { 192.0.2.53 } meta l4proto { tcp, udp } th dport 53 limit rate" in text
    assert "ip6 daddr { 2001:db8::53 } meta l4proto { tcp, udp } th dport 53 limit rate" in text
    assert "ip daddr { 192.0.2.0/25 } tcp dport { 80, 443 } accept" in text  # not the one inside
    assert "ip6 daddr { 2001:db8::53 } tcp" not in text
    assert "'meta l4proto { tcp, udp } th dport 53" not in text  # not any resolver


@pytest.mark.parametrize(
    "lan", ["lan0\nreboot", 'lan0"', "lan0'", "lan0;reboot", "$(reboot)", "`reboot`", "", "x" * 16]
)
def test_a_name_that_would_be_a_command_is_refused_with_a_sentence(lan):
    with pytest.raises(CannotBeDone, match=r"cpe-1: settings\.lan: .* does not look like"):
        rendered(wan="wan0", lan=lan)


@pytest.mark.parametrize("bad", ["\n", '"', "'", ";", "$", "`", "\\", "?", "\x1b", "ü"])
def test_a_profile_that_lets_anything_in_does_not_get_it_typed(bad):
    loose = PROFILES["linux_router"].settings["lan"].model_copy(update={"pattern": "(?s).*"})
    settings = {**PROFILES["linux_router"].settings, "lan": loose}
    profile = PROFILES["linux_router"].model_copy(update={"settings": settings})
    device = a_device(settings={"wan": "wan0", "lan": f"lan{bad}0"})
    with pytest.raises(CannotBeDone, match="which is never typed"):
        script(an_order(), device, profile)


def test_an_odd_subscriber_id_is_made_fit_for_a_comment_and_stays_its_own():
    one, two = rendered(subscriber="S 1'; reboot"), rendered(subscriber='S 1"; reboot')
    assert re.search(r"# S-1---reboot~[0-9a-f]{8} is suspended", one.suspend[0])
    assert one.suspend[0] != two.suspend[0]


def test_addresses_that_are_none_are_refused():
    with pytest.raises(CannotBeDone, match=r"settings\.portal: '1\.2\.3' is no IP address"):
        rendered(wan="w", lan="l", portal="1.2.3")


def test_a_missing_setting_is_asked_for():
    with pytest.raises(CannotBeDone, match=r"settings\.lan: must be given"):
        rendered(wan="wan0")


def test_every_line_fits_the_narrowest_shell_even_with_the_longest_settings():
    """OpenWrt's BusyBox cuts a line at 512 characters, Netmiko's terminal at 511."""
    made = rendered(
        ON, FASTER,
        wan="w" * 15, lan="l" * 15, rules_dir="/usr/share/nftables.d/ruleset-post",
        dns=",".join(f"2001:db8:1111:2222:3333:4444:5555:{n:04x}" for n in range(1, 5)),
        portal=", ".join(f"198.51.100.{n}" for n in range(100, 112)), subscriber="S" * 99,
    )  # fmt: skip
    for line in (*made.opening, *made.suspend, *made.restore, *made.rate, *made.verify):
        assert len(line + made.line_end) <= 480


def test_a_family_that_is_enforced_elsewhere_says_where():
    profile = PROFILES["linux_router"].model_copy(
        update={"enforce": None, "enforce_elsewhere": "count only, enforce on the gateway"}
    )
    with pytest.raises(CannotBeDone, match="enforce on the gateway"):
        script(an_order(), a_device(), profile)


def test_a_refusal_is_quoted_in_the_device_s_own_words():
    made = rendered()
    assert made.refusal("fine\ncapd:0") is None
    assert made.refusal("Operation not permitted (you must be root)\ncapd:1") == (
        "Operation not permitted (you must be root)"
    )


def test_routeros_lists_the_address_once_and_takes_it_out_by_its_comment():
    made = mikrotik(address="10.0.0.2")
    listed = " 0   list=capd-suspended address=10.0.0.2 comment=capd:S-1\ncapd off 1"
    assert made.suspend[1] == (
        '/ip firewall address-list add list="capd-suspended" address=10.0.0.2 comment="capd:S-1"'
    )
    assert made.missing(listed) == ()
    assert made.missing("capd off 0") == made.suspend
    assert made.missing(listed.replace("10.0.0.2", "10.0.0.20")) == made.suspend
    assert mikrotik(OFF, ON, address="10.0.0.2").missing("capd off 0") == ()


def test_routeros_says_nothing_where_nothing_matches__and_that_proves_nothing():
    for after in (ON, OFF):
        made = mikrotik(OFF, after, address="10.0.0.2")
        assert made.missing("") != ()


def test_a_method_asks_for_the_setting_that_it_needs():
    with pytest.raises(CannotBeDone, match=r"settings\.queue: must be given"):
        mikrotik(method="queue")
    with pytest.raises(CannotBeDone, match=r"settings\.method: 'radius' does not look like"):
        mikrotik(method="radius")


def test_routeros_rates_are_upload_first_and_0_is_no_limit():
    made = mikrotik(ON, a_service(down_bps=30_000_000, up_bps=None), method="queue", queue="Q 1")
    assert made.rate == ('/queue simple set [find name="Q 1"] max-limit=0/30000000',)


def test_a_router_without_a_queue_of_the_subscriber_has_no_rates_to_set():
    assert mikrotik(ON, FASTER, address="10.0.0.2").missing("capd off 0") == ()


def test_a_ppp_secret_that_does_not_exist_is_neither_on_nor_off():
    made = mikrotik(method="pppoe", secret="joe")
    assert made.missing("capd off 0 of 0\ncapd on line 0") == made.suspend
    assert made.missing("capd off 1 of 1\ncapd on line 0") == ()
    assert made.missing("capd off 1 of 1\ncapd on line 1") == made.suspend  # still connected
