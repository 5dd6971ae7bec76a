"""The benches still run; what they measure is nobody's test."""

import pytest

from tests.bench import judging, ledger, mqtt, polls, push, simulate, stations
from tests.servers.process import need

pytestmark = pytest.mark.slow


def test_everybody_who_polls_can_be_compared():
    need("snmpd")
    need("prometheus-snmp-exporter")
    costs = polls.compare(polls.Size(rate=5, seconds=1.5, interval_s=1.0))
    assert [cost.polls > 0 for cost in costs] == [True] * len(polls.CONTESTANTS)
    assert "ratio" in polls.table(costs)


def test_the_ledger_is_measured_on_both_stores(postgres_server):
    speeds = list(ledger.compare([20], postgres_server, least=40))
    assert [speed.store for speed in speeds] == ["sqlite", "postgresql"]
    assert [speed.readings for speed in speeds] == [40, 40]
    assert "readings/s" in ledger.table(speeds)


def test_judging_is_measured_at_the_start_and_later_on():
    sweeps = list(judging.compare([20]))
    assert [(one.how, one.subscribers) for one in sweeps] == [("judged", 20), ("looked at", 20)]
    assert "pen ms" in judging.table(sweeps)


def test_messages_are_measured_beside_a_bare_loop():
    need("mosquitto")
    costs = mqtt.compare(mqtt.Size(devices=10, rounds=3))
    assert [cost.messages for cost in costs] == [30] * len(mqtt.CONTESTANTS)
    assert "30 readings posted, 0 mistakes" in costs[0].remark
    assert "ratio" in mqtt.table(costs)


def test_an_access_point_is_measured_beside_bare_loops():
    costs = stations.run(12, 2)
    assert [cost.readings for cost in costs] == [12, 12, 12]
    assert "ratio" in stations.table(costs)


def test_suspensions_are_measured_beside_a_session_each():
    costs = push.compare(push.Size(orders=3, routers=2, plain=1))
    assert [cost.orders for cost in costs] == [3, 1, 2, 2]
    assert "ratio" in push.table(costs)


def test_a_simulated_year_is_measured(tmp_path):
    costs = list(simulate.compare(5, 4, tmp_path))
    assert [cost.command.split()[1] for cost in costs] == ["simulate", "forecast", "forecast"]
    assert all(cost.printed_mb > 0 for cost in costs)
    assert "CPU s" in simulate.table(costs)
