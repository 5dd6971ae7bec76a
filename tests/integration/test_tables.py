"""An access point or head-end serves all its subscribers in a few requests, whatever it bears."""

import pytest

from capd.collect.snmp import Asker
from capd.collect.snmp_gufo import GufoEngine
from capd.model import Meter, Secret, SnmpAccess
from capd.polled import Age, HealthOid, SnmpCollect, Table
from capd.profiles import Profile
from capd.simulator import ber
from tests.builders import NOON, a_device
from tests.servers.snmpagent import COMMUNITY, Manners, TableAgent

COLUMN = "1.3.6.1.4.1.9.7.1"
UP_TIME, BOX_TIME = "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.25.1.1.0"
STATIONS = Table(
    title="stations",
    key=f"{COLUMN}.1",
    key_is="mac",
    in_bytes=f"{COLUMN}.2",
    out_bytes=f"{COLUMN}.3",
    age=Age(oid=f"{COLUMN}.4"),
    radios=True,
    health={"signal_dbm": HealthOid(oid=f"{COLUMN}.5")},
)
BY_INDEX = STATIONS.model_copy(update={"key": None, "index": "{mac}"})


def mac(n):
    return f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}"


def octets(n):
    return bytes.fromhex(mac(n).replace(":", ""))


def row_of(n, table):
    return ".".join(map(str, octets(n))) if table is BY_INDEX else str(n)


def shown(stations, table=STATIONS, *, rows=None, grown=0, age=600):
    """Return what an access point shows of *stations*; *rows*: where each of them is."""
    cells = {UP_TIME: 8_640_000, "1.3.6.1.2.1.1.1.0": "an access point"}
    for n in stations:
        row = (rows or {}).get(n, row_of(n, table))
        if table is STATIONS:
            cells[f"{COLUMN}.1.{row}"] = octets(n)
        cells[f"{COLUMN}.2.{row}"] = f"c64:{n * 1000 + grown}"
        cells[f"{COLUMN}.3.{row}"] = f"c64:{n * 10**10 + grown}"
        cells[f"{COLUMN}.4.{row}"] = age
        cells[f"{COLUMN}.5.{row}"] = -60 - n % 20
    return cells


def an_access_point(agent, meters, *, version="2c"):
    return a_device(
        "ap",
        profile="ap",
        address="127.0.0.1",
        snmp=SnmpAccess(version=version, community=Secret(COMMUNITY), port=agent.port),
        meters=tuple(
            Meter(id=f"m{n}", subscriber=f"S-{n}", table="stations", row=mac(n)) for n in meters
        ),
    )


def an_asker(engine, table=STATIONS, **snmp):
    collect = SnmpCollect(versions=("1", "2c"), tables={"stations": table}, **snmp)
    return Asker(engine, {"ap": Profile(name="ap", title="AP", snmp=collect)}, lambda: NOON)


@pytest.fixture
async def engine():
    made = GufoEngine(timeout_s=0.3, retries=0)
    yield made
    await made.close()


@pytest.fixture
async def agents():
    started = []

    async def start(objects, **manners):
        agent = await TableAgent.start(objects, Manners(**manners))
        started.append(agent)
        return agent

    yield start
    for agent in started:
        agent.stop()


def right(poll, stations, *, grown=0):
    """Say whether *poll* has just the bytes of *stations*, each its own."""
    wanted = {f"m{n}": (n * 10**10 + grown, n * 1000 + grown) for n in stations}
    return {r.meter: (r.down_bytes, r.up_bytes) for r in poll.readings} == wanted


@pytest.mark.parametrize("table", [STATIONS, BY_INDEX], ids=["by number", "by MAC"])
async def test_two_hundred_stations_take_few_requests(engine, agents, table):
    stations = range(1, 201)
    agent = await agents(shown(stations, table))
    asking = an_asker(engine, table, max_oids=40, max_repetitions=40)
    device = an_access_point(agent, stations)
    assert right(await asking.ask(device), stations)
    agent.manners.answered.clear()
    assert right(await asking.ask(device), stations)
    cells = sum(oids for _, oids in agent.manners.answered)
    assert len(agent.manners.answered) <= 200 * (4 if table is STATIONS else 3) / 39 + 3
    assert cells < 200 * 4 + 30


async def test_a_line_that_loses_some_answers_costs_their_rows_and_no_habits(agents):
    """Otherwise each loss would make the requests smaller, so more of them, and more be lost."""
    engine = GufoEngine(timeout_s=0.1, retries=0)
    agent = await agents(shown(range(1, 61)))
    asking = an_asker(engine, max_oids=20)
    device = an_access_point(agent, range(1, 61))
    try:
        assert right(await asking.ask(device), range(1, 61))
        agent.manners.answered.clear()
        assert right(await asking.ask(device), range(1, 61))
        requests = len(agent.manners.answered)
        agent.show(shown(range(1, 61), grown=7))
        for each in (4, 5, 6):
            agent.manners.answered.clear()
            agent.manners.loses_each = each
            poll = await asking.ask(device)
            assert poll.problem == "some requests were not answered"
            assert not poll.unreachable
            assert 30 <= len(poll.readings) < 60
            assert all(r.up_bytes % 1000 == 7 for r in poll.readings)
        agent.manners.loses_each = 0
        agent.manners.answered.clear()
        assert right(await asking.ask(device), range(1, 61), grown=7)
        assert len(agent.manners.answered) == requests
    finally:
        await engine.close()


async def test_an_agent_that_bears_less_than_it_did_is_read_again_in_the_end(agents):
    engine = GufoEngine(timeout_s=0.2, retries=0)
    agent = await agents(shown(range(1, 31)))
    asking = an_asker(engine, max_oids=20)
    device = an_access_point(agent, range(1, 31))
    try:
        assert right(await asking.ask(device), range(1, 31))
        agent.manners.most_oids, agent.manners.silent_above = 5, 5
        polls = [await asking.ask(device) for _ in range(9)]
        assert polls[0].unreachable
        assert any(right(poll, range(1, 31)) for poll in polls[6:])
    finally:
        await engine.close()


@pytest.mark.parametrize(
    ("version", "manners"),
    [
        ("2c", {"most_oids": 7, "most_repetitions": 3}),
        ("2c", {"most_oids": 9, "silent_above": 20}),
        ("2c", {"bulk": False}),
        ("1", {"versions": (ber.V1,)}),
        ("1", {"versions": (ber.V1,), "most_oids": 9}),
    ],
    ids=["tooBig", "silence above 20 OIDs", "no GETBULK", "SNMPv1", "SNMPv1 and tooBig"],
)
@pytest.mark.parametrize("table", [STATIONS, BY_INDEX], ids=["by number", "by MAC"])
async def test_whatever_an_agent_bears_it_is_read_and_its_limits_are_learned(
    engine, agents, table, version, manners
):
    stations = range(1, 31)
    agent = await agents(shown(stations, table), **manners)
    asking = an_asker(engine, table, max_oids=30)
    device = an_access_point(agent, [*stations, 99], version=version)
    for grown in (0, 5):
        agent.show(shown(stations, table, grown=grown))
        poll = await asking.ask(device)
        assert poll.problem is None
        assert right(poll, stations, grown=grown)
    agent.manners.answered.clear()
    assert right(await asking.ask(device), stations, grown=5)
    gets = [oids for kind, oids in agent.manners.answered if kind == ber.GET]
    assert len(gets) < 45  # it is not tried in vain again


async def test_rows_that_are_renumbered_never_mix_two_stations(engine, agents):
    """Between two polls every station gets another row, and two are gone."""
    agent = await agents(shown(range(1, 41)))
    asking = an_asker(engine)
    device = an_access_point(agent, range(1, 41))
    assert right(await asking.ask(device), range(1, 41))
    left = [n for n in range(1, 41) if n not in (7, 8)]
    agent.show(shown(left, rows={n: str(at + 1) for at, n in enumerate(reversed(left))}, grown=9))
    poll = await asking.ask(device)
    assert poll.problem is None
    assert right(poll, left, grown=9)
    assert poll.short == 0


async def test_a_station_that_comes_back_in_another_row_is_found_again(engine, agents):
    agent = await agents(shown([1, 2]))
    asking, device = an_asker(engine), an_access_point(agent, [1, 2])
    await asking.ask(device)
    agent.show(shown([1]))
    gone = await asking.ask(device)
    assert right(gone, [1])
    assert gone.problem is None  # a radio that is switched off is no fault of the access point
    agent.show(shown([1, 2], rows={2: "77"}))
    assert right(await asking.ask(device), [1, 2])


@pytest.mark.parametrize("bulk", [True, False])
async def test_a_walk_that_ends_early_is_noticed_and_no_reading_is_lost(engine, agents, bulk):
    """The walk stops in the middle; the rows behind are there all the same when asked for."""
    stations = range(1, 31)
    agent = await agents(shown(stations))
    asking = an_asker(engine, bulk=bulk)
    device = an_access_point(agent, [*stations, 99])  # 99 is never there: so it is looked for
    assert right(await asking.ask(device), stations)
    agent.manners.end_after = f"{COLUMN}.1.12"
    short = await asking.ask(device)
    assert right(short, stations)
    assert short.short == 18
    agent.manners.end_after = None
    whole = await asking.ask(device)
    assert right(whole, stations)
    assert whole.short == 0


@pytest.mark.parametrize("bulk", [True, False])
async def test_a_first_walk_that_ends_early_is_noticed_too_and_the_rows_are_found(
    engine, agents, bulk
):
    """Another column is whole; what it shows more is asked who it is, and counted as short."""
    stations = range(1, 31)
    agent = await agents(shown(stations), end_after=f"{COLUMN}.1.12")
    asking, device = an_asker(engine, bulk=bulk), an_access_point(agent, stations)
    first = await asking.ask(device)
    assert right(first, stations)
    assert first.short == 18
    agent.manners.end_after = None
    asking.forget("ap")
    whole = await asking.ask(device)
    assert right(whole, stations)
    assert whole.short == 0


async def test_a_table_in_which_nobody_is_found_is_a_problem_in_words(engine, agents):
    agent = await agents(shown([]))
    poll = await an_asker(engine).ask(an_access_point(agent, [1, 2, 3, 4]))
    assert poll.readings == ()
    named = ", ".join(f"{mac(n)} in stations" for n in (1, 2, 3))
    assert poll.problem == f"there is no {named} and 1 more"


async def test_what_a_table_needs_to_be_filled_is_told_where_it_is_empty(engine, agents):
    agent = await agents(shown([]))
    needy = STATIONS.model_copy(update={"needs": "somebody must fill it"})
    poll = await an_asker(engine, needy).ask(an_access_point(agent, [1]))
    assert poll.problem == f"there is no {mac(1)} in stations; somebody must fill it"


async def test_who_is_connected_is_told_now_and_then(engine, agents):
    agent = await agents(shown([1, 2, 3]))
    device = an_access_point(agent, [1])
    asking = an_asker(engine)
    first, second = await asking.ask(device), await asking.ask(device)
    assert {radio.mac for radio in first.radios} == {mac(1), mac(2), mac(3)}
    assert first.meter_health == {"m1": {"signal_dbm": -61.0}}
    assert second.radios is None
    asking._census_s = 0.0
    assert len((await asking.ask(device)).radios) == 3


async def test_values_of_a_wrong_type_are_refused_and_the_others_read(engine, agents):
    cells = shown([1, 2, 3])
    cells |= {f"{COLUMN}.2.1": -5, f"{COLUMN}.3.2": b"many"}
    agent = await agents(cells)
    poll = await an_asker(engine).ask(an_access_point(agent, [1, 2, 3]))
    assert right(poll, [3])
    assert "the counter of bytes in is negative (-5)" in poll.problem
    assert "the counter of bytes out is b'many', not a whole number" in poll.problem


async def test_what_goes_wrong_with_counting_radios_costs_no_reading(engine, agents):
    agent = await agents(shown([1, 2], BY_INDEX), deaf_to_walks=True)
    poll = await an_asker(engine, BY_INDEX).ask(an_access_point(agent, [1, 2]))
    assert right(poll, [1, 2])
    assert poll.problem.startswith("its radios could not be counted: no answer")
    assert poll.radios is None
