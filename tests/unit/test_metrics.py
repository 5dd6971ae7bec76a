"""What capd promises to Prometheus: names, labels, and that a scrape is cheap and well formed."""

import gzip
import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from capd.metrics import Metrics
from capd.model import (
    DeviceId,
    Event,
    MeterState,
    Order,
    OrderState,
    Outcome,
    Part,
    Period,
    Poll,
    Posting,
    ProductId,
    Quality,
    Reading,
    Reason,
    SectorId,
    Service,
    Step,
    SubscriberId,
    Verdict,
)
from capd.quick import Late

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROMISED = {
    "capd_polls_total": {"protocol", "result"},
    "capd_poll_seconds": set(),
    "capd_readings_total": {"quality"},
    "capd_counted_bytes_total": {"direction"},
    "capd_poll_lag_seconds": set(),
    "capd_subscribers": {"state"},
    "capd_holds": {"reason"},
    "capd_breaches_total": set(),
    "capd_orders": {"state"},
    "capd_push_seconds": set(),
    "capd_pushes_total": {"profile", "result"},
    "capd_breach_to_applied_seconds": set(),
    "capd_guard_held_orders": set(),
    "capd_device_up": {"device"},
    "capd_sector_load_ratio": {"sector", "direction"},
    "capd_notices_total": {"notice", "result"},
    "capd_leaking_subscribers": set(),
    "capd_build_info": {"version", "python"},
}


def a_poll(**changes):
    given = {"device": DeviceId("cpe-1"), "protocol": "snmp", "at": NOON, "took_s": 0.02}
    return Poll(**{**given, **changes})


def an_outcome(state=OrderState.APPLIED):
    order = Order(
        id=1, device=DeviceId("cpe-1"), subscriber=SubscriberId("S-1"), meter="wan",
        before=Service(product=ProductId("p")),
        after=Service(product=ProductId("p"), suspended=True),
        reason="over the cap", clause="UC-2", created_at=NOON,
    )  # fmt: skip
    return Outcome(order=order, state=state, detail="", at=NOON, took_s=3.5)


def a_posting(**changes):
    reading = Reading(device=DeviceId("cpe-1"), meter="wan", at=NOON, down_bytes=0, up_bytes=0)
    month = Period(name="2026-03", start=NOON, end=NOON + timedelta(days=31))
    given = {"down_bytes": 0, "up_bytes": 0, "estimated_bytes": 0, "unknown_us": 0}
    part = Part(
        subscriber=SubscriberId("S-1"), period=month, started_at=NOON, ended_at=NOON,
        **{**given, **changes},
    )  # fmt: skip
    step = Step(quality=Quality.COUNTED, state=MeterState(last=reading))
    return Posting(before=None, step=step, reading=reading, parts=(part,))


def a_verdict(*events):
    return Verdict(
        subscriber=SubscriberId("S-1"), owed=Service(product=ProductId("p")),
        why=Late(lambda: ("", None)), allowance_bytes=None, counted_bytes=0, events=events,
    )  # fmt: skip


def everything(metrics):
    """Let each metric happen once, so that each has a series."""
    metrics.polled(a_poll())
    metrics.read(Quality.COUNTED, 3)
    metrics.counted(10**12, 5)
    metrics.lag(0.3)
    metrics.posted([a_posting()])
    metrics.mqtt_connected(up=True)
    metrics.mqtt_rejected("nonsense")
    metrics.breached()
    metrics.set_subscribers({"active": 9, "suspended": 1})
    metrics.set_holds({Reason.CAP: 1})
    metrics.set_orders({OrderState.HELD: 2})
    metrics.set_guard_held(2)
    metrics.set_leaking(1)
    metrics.set_paused(paused=True)
    metrics.set_sector_load(SectorId("hill-3"), 0.75, 0.5)
    metrics.pushed(an_outcome(), "linux_router")
    metrics.breach_to_applied(12.0)
    metrics.noticed("usage_80", "sent")
    metrics.set_loop_lag(0.001)
    metrics.turned("decide", 0.2, failed=True)
    metrics.set_history({"raw": 9, "hours": 3, "days": 1})
    metrics.compacted(12)
    metrics.http.answered("/subscribers", "GET", 200, 0.02)
    return metrics


def samples(metrics):
    """Return {(name, labels as a frozenset): value} of a scrape."""
    body, _ = metrics.render()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in plain(body.decode())
        for sample in family.samples
    }


def value(metrics, name, **labels):
    return samples(metrics).get((name, frozenset(labels.items())))


@pytest.mark.parametrize(("name", "labels"), PROMISED.items())
def test_every_metric_of_the_contract_has_its_name_and_its_labels(name, labels):
    found = {
        frozenset(dict(pairs)) - {"le"}
        for sample, pairs in samples(everything(Metrics()))
        if re.fullmatch(rf"{name}(_bucket|_sum|_count)?", sample)
    }
    assert found == {frozenset(labels)}


@pytest.mark.parametrize(
    ("accept", "parse"),
    [
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", openmetrics),
        ("text/plain;version=0.0.4", plain),
        ("", plain),
    ],
)
def test_a_scraper_gets_the_format_that_it_asks_for(accept, parse):
    body, content_type = everything(Metrics()).render(accept)
    assert ("openmetrics" in content_type) == (parse is openmetrics)
    assert "capd_build_info" in body.decode()
    assert sum(len(family.samples) for family in parse(body.decode())) > 50


def test_no_series_is_doubled_by_the_moment_it_was_created():
    body, _ = everything(Metrics()).render("application/openmetrics-text; version=1.0.0")
    assert b"_created" not in body


def test_a_poll_without_an_answer_is_told_apart_from_one_that_makes_no_sense():
    metrics = Metrics()
    metrics.polled(a_poll())
    metrics.polled(a_poll(problem="no answer", unreachable=True))
    metrics.polled(a_poll(device=DeviceId("cpe-2"), problem="no such interface: wan0"))
    metrics.polled(a_poll(protocol="mqtt"))
    for result in ("ok", "unreachable", "error"):
        assert value(metrics, "capd_polls_total", protocol="snmp", result=result) == 1
    assert value(metrics, "capd_polls_total", protocol="mqtt", result="ok") == 1
    assert value(metrics, "capd_device_up", device="cpe-1") == 1
    assert value(metrics, "capd_device_up", device="cpe-2") == 1


def test_a_silent_device_is_down_until_it_answers():
    metrics = Metrics()
    metrics.polled(a_poll(problem="no answer", unreachable=True))
    assert value(metrics, "capd_device_up", device="cpe-1") == 0
    metrics.polled(a_poll())
    assert value(metrics, "capd_device_up", device="cpe-1") == 1


def test_the_series_for_each_device_may_be_switched_off_and_old_ones_dropped():
    off = Metrics(devices=False)
    off.polled(a_poll())
    assert b"capd_device_up" not in off.render()[0]
    on = Metrics()
    on.polled(a_poll())
    on.polled(a_poll(device=DeviceId("cpe-2")))
    on.forget_devices(frozenset({DeviceId("cpe-2")}))
    assert value(on, "capd_device_up", device="cpe-1") is None
    assert value(on, "capd_device_up", device="cpe-2") == 1


def test_what_has_not_happened_yet_is_zero_and_not_missing():
    seen = samples(Metrics())
    for quality in Quality:
        assert seen["capd_readings_total", frozenset({("quality", quality.value)})] == 0
    for reason in Reason:
        assert seen["capd_holds", frozenset({("reason", reason.value)})] == 0
    for state in OrderState:
        assert seen["capd_orders", frozenset({("state", state.value)})] == 0


def test_a_state_that_emptied_shows_zero():
    metrics = Metrics()
    metrics.set_subscribers({"active": 9, "suspended": 1})
    metrics.set_subscribers({"active": 10})
    assert value(metrics, "capd_subscribers", state="suspended") == 0
    metrics.set_holds({Reason.CAP: 4})
    metrics.set_holds({})
    assert value(metrics, "capd_holds", reason="cap") == 0


def test_a_posted_batch_counts_its_readings_and_the_bytes_of_main_meters_only__CN_14():
    metrics = Metrics(clock=lambda: NOON + timedelta(seconds=4))
    main, backup = a_posting(down_bytes=700, up_bytes=30), a_posting(down_bytes=690, counts=False)
    metrics.posted([main, backup])
    assert value(metrics, "capd_readings_total", quality="counted") == 2
    assert value(metrics, "capd_counted_bytes_total", direction="down") == 700
    assert value(metrics, "capd_counted_bytes_total", direction="up") == 30
    assert value(metrics, "capd_last_commit_timestamp_seconds") == NOON.timestamp() + 4


def test_a_reading_of_a_meter_that_nobody_knows_is_counted_as_such():
    metrics = Metrics()
    metrics.read("unknown_meter")
    assert value(metrics, "capd_readings_total", quality="unknown_meter") == 1


def test_a_verdict_that_found_a_breach_counts_it__UC_4():
    metrics = Metrics()
    found = Event(at=NOON, kind="hold_opened", text="", figures={"breach": "2026-03"})
    told = Event(at=NOON, kind="notice", text="", figures={"notice": "usage_80"})
    metrics.judged([a_verdict(told), a_verdict(found, found, told), a_verdict()])
    assert value(metrics, "capd_breaches_total") == 1
    metrics.judged([a_verdict(found)])  # a further charge for the same breach
    assert value(metrics, "capd_breaches_total") == 1


def test_bytes_are_counted_by_the_batch():
    metrics = Metrics()
    metrics.counted(1_000, 20)
    metrics.counted(2_000, 30)
    assert value(metrics, "capd_counted_bytes_total", direction="down") == 3_000
    assert value(metrics, "capd_counted_bytes_total", direction="up") == 50


def test_a_push_counts_by_profile_and_result():
    metrics = Metrics()
    metrics.pushed(an_outcome(OrderState.FAILED), "linux_router")
    assert value(metrics, "capd_pushes_total", profile="linux_router", result="failed") == 1
    assert value(metrics, "capd_pushes_total", profile="linux_router", result="applied") == 0
    assert value(metrics, "capd_push_seconds_sum") == 3.5


def test_no_broker_is_neither_connected_nor_disconnected():
    assert value(Metrics(), "capd_mqtt_connected") != value(Metrics(), "capd_mqtt_connected")


def test_a_moment_from_a_clock_that_was_set_back_is_no_negative_lag():
    metrics = Metrics()
    metrics.lag(-3.0)
    assert value(metrics, "capd_poll_lag_seconds_sum") == 0


def test_a_configuration_that_could_not_be_read_again_shows():
    metrics = Metrics()
    assert value(metrics, "capd_config_last_reload_successful") == 1
    metrics.reloaded(ok=False)
    assert value(metrics, "capd_config_last_reload_successful") == 0


def test_two_daemons_in_one_process_do_not_share_their_counts():
    one, other = Metrics(), Metrics()
    one.breached()
    assert value(other, "capd_breaches_total") == 0


def test_twenty_thousand_devices_are_rendered_in_a_thread_while_the_loop_goes_on_polling():
    metrics = Metrics()
    for n in range(20_000):
        metrics.polled(a_poll(device=DeviceId(f"cpe-{n}")))
    rendered = []
    thread = threading.Thread(target=lambda: rendered.append(metrics.render(packed=True)))
    thread.start()
    n = 20_000
    while thread.is_alive():
        metrics.polled(a_poll(device=DeviceId(f"cpe-{n}")))
        n += 1
    body = gzip.decompress(rendered[0][0])
    assert body.count(b"\ncapd_device_up{") >= 20_000
    assert len(rendered[0][0]) < len(body) / 5
