"""One subscriber, looked at afresh: what became different, what is owed, when to look again."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import lru_cache

from capd.decide import allowance, breaches, caps, holds, notices, overage, proration
from capd.decide.addons import rules as addons
from capd.decide.case import Case, Rule, is_open, may_find
from capd.decide.contract import addresses, downgrades
from capd.decide.contract import rules as contract
from capd.decide.contract.words import ways as contract_ways
from capd.decide.debt import rules as debt
from capd.decide.debt import schedule
from capd.decide.debt.words import ways as debt_ways
from capd.decide.fair import rules as fair
from capd.decide.policy import Action, Policy
from capd.decide.prepaid import rules as prepaid
from capd.decide.standing import apply
from capd.model import Event, Product, ProductId, Standing, Verdict
from capd.quick import Late, replace

RULES: tuple[Rule, ...] = (
    *addons.RULES,  # AD
    holds.closings,  # UC-1, UC-3, UC-8, and holds with an end
    *prepaid.CLOSINGS,  # E-1
    *debt.CLOSINGS,  # CT-4
    *contract.RULES,  # CT, UC-5
    notices.reached,  # UC-11
    caps.over,  # UC-2, UC-4
    *fair.RULES,  # FU
    *prepaid.RULES,  # E-1
    *debt.RULES,  # CT-4, B-1, C-1 to C-3, E-3
)
_MOST = 10 * len(RULES)  # looks until it must be settled


def judge(
    standing: Standing,
    catalogue: Mapping[ProductId, Product],
    policy: Policy,
    now: datetime,
    *,
    currency: str,
    zone: tzinfo,
) -> Verdict:
    """Return what *standing* amounts to at *now*, its own events already taken into account.

    Judging again what the events make of *standing* gives the same verdict, without events.
    """
    case = Case(
        standing=standing,
        catalogue=catalogue,
        policy=policy,
        now=now,
        currency=currency,
        zone=zone,
    )
    case, events = _settle(case)
    return Verdict(
        subscriber=standing.subscriber.id,
        owed=holds.owed(case.standing.product, case.standing.holds, policy),
        why=Late(lambda: allowance.why(case)),
        allowance_bytes=case.allowance,
        counted_bytes=case.counted,
        events=events,
        watch_bytes=watch_bytes(case),
        due_at=due_at(case),
        awaits_at=downgrades.awaited(case),
        other_ways=Late(lambda: (*prepaid.ways(case), *debt_ways(case), *contract_ways(case))),
    )


def _settle(case: Case) -> tuple[Case, tuple[Event, ...]]:
    """Take the rules in turn until none finds anything; each sees what those before it did."""
    events: list[Event] = []
    left, first = _MOST, 0
    while left > 0:
        asked = _in_turn(first, is_open(case.standing))
        hits = ((number, found) for number, rule in asked if (found := rule(case)))
        hit = next(hits, None)
        if hit is None:
            break  # all of them in a row found nothing
        number, found = hit
        found = (*found, *proration.following(case, found))
        events += found
        case = replace(case, standing=apply(case.standing, found, case.catalogue))
        left -= 1 + (number - first) % len(RULES)
        first = (number + 1) % len(RULES)
    return case, tuple(events)


@lru_cache(maxsize=4096)
def _in_turn(first: int, open_: frozenset[str]) -> tuple[tuple[int, Rule], ...]:
    """Return once the rules that may find something, with their numbers, from the *first* on."""
    numbered = list(enumerate(RULES))
    turn = (*numbered[first:], *numbered[:first])
    return tuple((number, rule) for number, rule in turn if may_find(rule, open_))


def watch_bytes(case: Case) -> int | None:
    """Return the counted bytes at which the next thing would happen; None: nothing by usage."""
    lines, limit = [*fair.lines(case), *prepaid.lines(case)], case.allowance
    if limit is None:
        return min((line for line in lines if line > case.counted), default=None)
    told = notices.given_share(case)
    lines += [notices.line(limit, share) for share in case.policy.notice_shares if share > told]
    lines.append(limit + 1)
    if case.is_over and _is_charged(case):
        units = max(overage.started_units(case), overage.charged_units(case))
        lines.append(limit + units * case.policy.overage.unit_bytes + 1)
    return min((line for line in lines if line > case.counted), default=None)


def due_at(case: Case) -> datetime:
    """Return when time alone changes something: the period's end, or what falls due before it."""
    moments = [hold.until for hold in case.standing.holds if hold.until is not None]
    if case.standing.matters:
        moments += [matter.due_at for matter in case.standing.matters if matter.due_at is not None]
        moments += schedule.moments(case)
        moments += addresses.moments(case)
    moments += downgrades.moments(case)
    if case.standing.delay is not None:
        moments.append(case.standing.delay.until)
    if case.is_over and case.cap_hold is None:
        moments.append(caps.follows_at(case, breaches.current(case)))
    later = [moment for moment in moments if moment > case.now]
    return min([*later, case.standing.period.end])


def _is_charged(case: Case) -> bool:
    if case.cap_hold is not None:
        return False
    return caps.action_for(case, breaches.current(case).number) is Action.CHARGE
