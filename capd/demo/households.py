"""Who lives in the pretend neighbourhood: what they pay for, take and do. Pure."""

import random
from dataclasses import dataclass
from enum import StrEnum

from capd.simulator.habits import Habit, households
from capd.units import bytes_of

GB = 10**9
PRODUCTS = (  # id, cap, down, up, price a month, what follows when it is too small
    ("home-50", "50GB", "30Mbps", "5Mbps", "22.00", "home-150"),
    ("home-150", "150GB", "40Mbps", "8Mbps", "29.00", "home-400"),
    ("home-400", "400GB", "60Mbps", "12Mbps", "38.00", "home-max"),
    ("home-max", None, "80Mbps", "20Mbps", "55.00", None),
)
CAPS = {product: None if cap is None else bytes_of(cap) for product, cap, *_ in PRODUCTS}
NEXT = {product: following for product, *_, following in PRODUCTS}

_SEED = 7
_UPLOAD_SHARE = 0.12
_MONTH = 30
_UNLIMITED_APPETITE = 500 * GB
_FIRST = (
    *("Amara", "Ben", "Chloe", "Dev", "Elin", "Farid", "Gwen", "Hugo", "Isla", "Jonas"),
    *("Kezia", "Liam", "Mina", "Noor", "Owen", "Priya", "Rhys", "Sana", "Tomas", "Una"),
)
_LAST = (
    *("Okafor", "Shaw", "Price", "Mehta", "Bevan", "Karimi", "Lloyd", "Adler", "Reid", "Lind"),
    *("Musa", "Byrne", "Sato", "Haddad", "Pugh", "Nair", "Morgan", "Iqbal", "Kral", "Doyle"),
)


class Character(StrEnum):
    """What somebody does when their service is suspended."""

    BUYS = "buys data"
    UPGRADES = "moves to a larger product"
    WAITS = "waits for the new month"


class Home(StrEnum):
    """How a household hangs on the network, and how it is counted."""

    ROUTER_SNMP = "router, polled over SNMP"
    ROUTER_MQTT = "router, publishes over MQTT as collectd does"
    TOWER = "port of the tower's RouterOS, polled over SNMP"
    RADIO = "radio, publishes JSON over MQTT, on a port of the tower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """One subscriber of the demo."""

    id: str
    name: str
    product: str
    home: Home
    habit: Habit
    character: Character
    cycle_day: int = 1


_STORY = (  # the first three make sure that the first minute shows something: days to their cap
    (2.0, Character.BUYS, Home.ROUTER_SNMP, 1),
    (2.6, Character.UPGRADES, Home.TOWER, 1),
    (3.6, Character.WAITS, Home.ROUTER_MQTT, 7),  # has a billing day of their own
)
_HOMES = (Home.TOWER, Home.ROUTER_SNMP, Home.RADIO, Home.ROUTER_MQTT, Home.TOWER)
_MOST_ROUTERS = 60  # more households than that share towers, as they do in the field


def neighbourhood(count: int) -> list[Household]:
    """Return *count* households, the same each time: three with a story, the rest by chance."""
    dice = random.Random(_SEED)  # noqa: S311 - play, not secrets
    told = [_with_a_story(n, *story) for n, story in enumerate(_STORY[:count])]
    shares = households(max(count - len(told), 0), seed=_SEED)
    return told + [_by_chance(n, share, dice) for n, share in enumerate(shares, start=len(told))]


def _with_a_story(
    n: int, days: float, character: Character, home: Home, cycle_day: int
) -> Household:
    return Household(
        id=_id(n),
        name=_name(n),
        product="home-50",
        home=home,
        habit=_habit(n, 50 * GB / days),
        character=character,
        cycle_day=cycle_day,
    )


def _by_chance(n: int, share: float, dice: random.Random) -> Household:
    product = dice.choices(list(CAPS), weights=(5, 8, 4, 2))[0]
    appetite = share * (CAPS[product] or _UNLIMITED_APPETITE)
    return Household(
        id=_id(n),
        name=_name(n),
        product=product,
        home=_HOMES[n % len(_HOMES)] if n < _MOST_ROUTERS else Home.TOWER,
        habit=_habit(n, appetite / _MONTH),
        character=dice.choices(list(Character), weights=(5, 3, 2))[0],
    )


def _id(n: int) -> str:
    return f"S-{n + 1:03}"


def _name(n: int) -> str:
    return f"{_FIRST[n % len(_FIRST)]} {_LAST[(n + n // len(_FIRST)) % len(_LAST)]}"


def _habit(n: int, bytes_a_day: float) -> Habit:
    up = int(bytes_a_day * _UPLOAD_SHARE)
    return Habit(seed=n, down_bytes_a_day=int(bytes_a_day) - up, up_bytes_a_day=up)
