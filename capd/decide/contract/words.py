"""What is said of a contract when somebody asks: its dates, and what would change it."""

from collections.abc import Iterable
from datetime import tzinfo

from capd.decide import matters
from capd.decide.case import Case
from capd.decide.contract import (
    agreement,
    downgrades,
    ending,
    equipment,
    linked,
    plans,
    product_terms,
    versions,
)
from capd.decide.contract.days import day_of
from capd.decide.contract.ending import State
from capd.decide.holds import has_ended
from capd.decide.policy import Policy
from capd.decide.wording import date_text, list_text, moment_text
from capd.model import Reason, Standing
from capd.units import rfc3339

BY_THEMSELVES = frozenset({Reason.ENDED, Reason.LINKED})
"""Holds that nobody releases: what ends them is said here."""


def ways(case: Case) -> tuple[str, ...]:
    """Return a sentence for each thing of the contract that would change what is owed, or will."""
    return (*_of_holds(case), *_to_come(case))


def _of_holds(case: Case) -> Iterable[str]:
    terms = case.policy.contract
    for hold in case.standing.holds:
        if hold.reason is Reason.ENDED:
            yield f"A new activation begins a new contract ({terms.term.start})."
        if hold.reason is Reason.LINKED:
            mains = [matter.key for matter in matters.of_kind(case.standing, linked.KIND)]
            names = list_text(mains, "and")
            yield f"Service comes back with the connection of {names} ({terms.linked.clause})."


def _to_come(case: Case) -> Iterable[str]:
    over, terms = ending.of(case.standing), case.policy.contract
    if over is not None and over.state is State.CANCELLING:
        end = moment_text(over.ends_at, case.zone)
        yield f"Service ends on {end}, unless that is withdrawn ({terms.ending.clause})."
    items = equipment.out(case.standing)
    if over is not None and over.state is State.AWAITING_EQUIPMENT and items:
        names = list_text(list(items), "and")
        yield f"The contract is at its end when {names} came back ({terms.ending.clause})."
    pending = matters.find(case.standing, plans.PENDING, plans.PENDING)
    if pending is not None and pending.due_at is not None:
        on = date_text(day_of(pending.due_at, case.zone))
        yield f"The product becomes {pending.data.get('to')} on {on}, unless that is called off."
    changes = product_terms.coming_text(case)
    if changes is not None and not has_ended(case.standing):
        yield changes
    back = downgrades.way_back_text(case)
    if back is not None and not has_ended(case.standing):
        yield back
    for told in matters.of_kind(case.standing, versions.KIND):
        at = matters.moment(told, "effective_at")
        if at is not None and at > case.now:
            on, version = date_text(day_of(at, case.zone)), told.data.get("version")
            yield f"Version {version} of the terms holds from {on} ({terms.changes.clause})."


def contract_record(standing: Standing, policy: Policy, *, zone: tzinfo) -> dict[str, object]:
    """Return what is known of the contract, as JSON wants it."""
    known, over = agreement.of(standing), ending.of(standing)
    return {
        "state": "active" if over is None else over.state.value,
        "activated_on": None if known is None else known.activated_on.isoformat(),
        "minimum_term_ends_on": None if known is None else known.bound_until(zone).isoformat(),
        "cools_off_until": None if known is None else rfc3339(known.cools_off_until(policy, zone)),
        "ends_at": None if over is None else rfc3339(over.ends_at),
        "cause": None if over is None else over.cause.value,
        "moved_to": None if over is None else over.moved_to,
        "radio": None
        if known is None
        else {"device": known.device, "serial": known.serial, "mac": known.mac},
        "equipment": list(equipment.out(standing)),
        "way_back_to": [
            matter.key
            for matter in matters.of_kind(standing, downgrades.KIND)
            if matters.text(matter, "month") is not None
        ],
    }
