"""The tables, and nothing else: moments are microseconds since 1970 UTC, money is text."""

from capd.store.tables.access import answered, tokens
from capd.store.tables.field import activations
from capd.store.tables.fieldbook import device_health, unknown_radios
from capd.store.tables.history import days, hours, lapsed, legal_holds
from capd.store.tables.inventory import devices, meters, products, sectors, subscribers
from capd.store.tables.ledger import (
    adjustments,
    entries,
    gaps,
    implausible,
    meter_states,
    totals,
)
from capd.store.tables.naming import metadata
from capd.store.tables.service import applied, orders, outbox, surges
from capd.store.tables.trail import (
    breaches,
    charges,
    delays,
    events,
    given,
    holds,
    matters,
    remembered,
    seen,
    topups,
)

__all__ = [
    "activations",
    "adjustments",
    "answered",
    "applied",
    "breaches",
    "charges",
    "days",
    "delays",
    "device_health",
    "devices",
    "entries",
    "events",
    "gaps",
    "given",
    "holds",
    "hours",
    "implausible",
    "lapsed",
    "legal_holds",
    "matters",
    "metadata",
    "meter_states",
    "meters",
    "orders",
    "outbox",
    "products",
    "remembered",
    "sectors",
    "seen",
    "subscribers",
    "surges",
    "tokens",
    "topups",
    "totals",
    "unknown_radios",
]
