"""What each role of token may do: one table."""

from collections.abc import Mapping
from enum import StrEnum

from capd.model import Reason, TokenRole


class Right(StrEnum):
    """Something that a call needs to be allowed."""

    PEOPLE = "people"  # read subscribers, their usage, and why they have what they have
    OFFERS = "offers"  # read products
    NETWORK = "network"  # read devices and sectors
    EVENTS = "events"  # read the audit trail
    WORK = "work"  # read orders, readings put aside, deliveries given up
    MONEY = "money"  # tell what is bought, invoiced and paid; holds for debt
    NOTICES = "notices"  # send a notice again, report that one came back
    SERVICE = "service"  # tell every other fact, every hold
    LEDGER = "ledger"  # decide on readings put aside, correct figures
    ORDERS = "orders"  # decide on orders to devices
    BRAKE = "brake"  # pause and resume
    FIELD = "field"  # activate and replace radios


_READ = frozenset({Right.PEOPLE, Right.OFFERS, Right.NETWORK, Right.EVENTS, Right.WORK})

MAY: Mapping[TokenRole, frozenset[Right]] = {
    TokenRole.NOC: frozenset(Right),
    TokenRole.VIEWER: _READ,
    TokenRole.BILLING: _READ - {Right.NETWORK} | {Right.MONEY, Right.NOTICES},
    TokenRole.TECH: frozenset({Right.PEOPLE, Right.OFFERS, Right.NETWORK, Right.FIELD}),
    TokenRole.PORTAL: frozenset({Right.OFFERS}),  # and what is its own subscriber's
}
_FAMILIES: Mapping[str, Right] = {  # by the first word of a fact's name; the rest is SERVICE
    "topup": Right.MONEY,
    "plan": Right.MONEY,
    "hold": Right.MONEY,  # those in MONEY_REASONS; all take SERVICE
    "release": Right.MONEY,
    "addon": Right.MONEY,
    "call": Right.MONEY,  # by its record
    "invoice": Right.MONEY,
    "payment": Right.MONEY,
    "credit": Right.MONEY,
    "refund": Right.MONEY,
    "attempt": Right.MONEY,  # to reach a debtor
    "dispute": Right.MONEY,
    "dunning": Right.MONEY,
    "task": Right.MONEY,  # a call was made
    "charge": Right.MONEY,  # reversed
    "cancel": Right.MONEY,
    "move": Right.MONEY,
    "cycle": Right.MONEY,
    "job": Right.FIELD,
    "activated": Right.FIELD,
    "measured": Right.FIELD,
    "equipment": Right.FIELD,
}
MONEY_REASONS = frozenset({Reason.NON_PAYMENT, Reason.PREPAID})


def right_of(fact: str) -> Right:
    """Return what it takes to tell a fact of that kind."""
    return _FAMILIES.get(fact.partition("_")[0], Right.SERVICE)


def roles_with(right: Right) -> tuple[TokenRole, ...]:
    """Return the roles that have *right*."""
    return tuple(role for role in TokenRole if right in MAY[role])
