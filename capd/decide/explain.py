"""Why a subscriber has what they have, and what would change it: for `capd explain` and the API."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from capd.decide import holds
from capd.decide.case import covers
from capd.decide.contract.words import BY_THEMSELVES, contract_record
from capd.decide.matters import find, flag
from capd.decide.policy import Policy
from capd.decide.prepaid import balance
from capd.decide.wording import amount_text, day_text, moment_text
from capd.model import (
    Applied,
    Delay,
    Hold,
    Kind,
    Matter,
    Product,
    ProductId,
    Reason,
    Service,
    Standing,
    Unit,
    Verdict,
)
from capd.units import rfc3339

_GB = 1_000_000_000
_MINUTE = 60


def explain(
    standing: Standing,
    verdict: Verdict,
    applied: Sequence[Applied],
    catalogue: Mapping[ProductId, Product],
    policy: Policy,
    *,
    zone: tzinfo,
) -> dict[str, object]:
    """Return the whole answer, ready for JSON; *standing* has the verdict's events applied."""
    return {
        "subscriber": standing.subscriber.id,
        "state": "suspended" if verdict.owed.suspended else "in service",
        "reason": verdict.reason,
        "clause": verdict.clause,
        "owed": _service(verdict.owed),
        "applied": [_applied(row) for row in applied],
        "holds": [_hold(hold, policy) for hold in standing.holds],
        "contract": contract_record(standing, policy, zone=zone),
        "next_change_at": _moment(verdict.due_at),
        "matters": [_matter(matter) for matter in standing.matters],
        "figures": _figures(standing, verdict),
        "what_would_change": what_would_change(standing, verdict, catalogue, policy, zone=zone),
    }


def what_would_change(
    standing: Standing,
    verdict: Verdict,
    catalogue: Mapping[ProductId, Product],
    policy: Policy,
    *,
    zone: tzinfo,
) -> list[str]:
    """Return a sentence for each thing that would change the service owed, with exact figures."""
    blocking = holds.blocking(standing.holds, policy)
    others = [hold for hold in blocking if hold.reason is not Reason.CAP]
    clauses, said = policy.clauses, []
    if len(others) < len(blocking):
        effect = "closes the hold for the cap" if others else "restores service"
        back = _ways_back(standing, verdict, catalogue, policy)
        said.append(f"{back} {effect} ({clauses.back}).")
        end = day_text(standing.period.end, zone)
        said.append(f"The new period, from {end}, {effect} ({clauses.allowance}).")
    limits = [hold for hold in standing.holds if hold not in blocking]
    if policy.prorate and standing.days is not None and verdict.allowance_bytes is not None:
        served, whole = standing.days
        said.append(f"The cap of this period is for {served} of {whole} days.")
    said += verdict.ways
    said += [_until_released(hold, "hold", zone) for hold in others if not _ends(standing, hold)]
    said += [_until_released(hold, "limit", zone) for hold in limits]
    if len(blocking) > 1:
        said.append(f"Service comes back when all {len(blocking)} holds are closed.")
    if not blocking:
        said += _headroom(standing, verdict, policy)
    return said


def _ends(standing: Standing, hold: Hold) -> bool:
    """Say whether what had opened *hold* closes it as well: a debt that is paid, a purchase."""
    if hold.reason in BY_THEMSELVES:
        return True
    if hold.reason is Reason.PREPAID:
        kept = find(standing, balance.KIND, balance.KEY)
        return kept is not None and flag(kept, "stopped")
    known = find(standing, "suspension", hold.reason)
    return known is not None and known.data.get("state") == "on"


def missing_text(verdict: Verdict, unit: Unit = Unit.BYTES) -> str:
    """Return the fewest whole GB (minutes) that bring usage back within the allowance."""
    whole, name = (_MINUTE, "min") if unit is Unit.SECONDS else (_GB, "GB")
    return f"{-(-max(0, verdict.counted_bytes - (verdict.allowance_bytes or 0)) // whole)} {name}"


def product_that_covers(
    standing: Standing, catalogue: Mapping[ProductId, Product], policy: Policy
) -> Product | None:
    """Return the product of the same family with the lowest cap that covers what was used."""
    fitting = [
        product
        for product in catalogue.values()
        if product.family == standing.product.family
        and product.id != standing.product.id
        and product.kind is Kind.MONTHLY
        and product.withdrawn_on is None
        and covers(standing, product, policy)
    ]
    return min(
        fitting,
        key=lambda p: (p.cap_bytes is None, p.cap_bytes or 0, p.price or 0, p.id),
        default=None,
    )


def _ways_back(
    standing: Standing,
    verdict: Verdict,
    catalogue: Mapping[ProductId, Product],
    policy: Policy,
) -> str:
    unit = standing.product.unit
    buying = f"Buying {missing_text(verdict, unit)} or more"
    product = product_that_covers(standing, catalogue, policy)
    return buying if product is None else f"{buying}, or moving to {product.name},"


def _until_released(hold: Hold, what: str, zone: tzinfo) -> str:
    name = holds.NAMES[hold.reason]
    if hold.until is None:
        return f"The {what} for {name} stays until someone releases it ({hold.clause})."
    end = moment_text(hold.until, zone)
    return f"The {what} for {name} ends on {end}, or when released ({hold.clause})."


def _headroom(standing: Standing, verdict: Verdict, policy: Policy) -> list[str]:
    allowance, clause = verdict.allowance_bytes, policy.hold_rule(Reason.CAP).clause
    if allowance is None or verdict.counted_bytes > allowance:
        return []
    left = amount_text(allowance - verdict.counted_bytes, standing.product.unit)
    return [f"Using more than another {left} goes over the cap ({clause})."]


def _service(service: Service) -> dict[str, object]:
    return {
        "product": service.product,
        "suspended": service.suspended,
        "down_bps": service.down_bps,
        "up_bps": service.up_bps,
    }


def _applied(row: Applied) -> dict[str, object]:
    return {
        "device": row.device,
        "state": row.state,
        **_service(row.service),
        "at": _moment(row.at),
        "order": row.order,
    }


def _hold(hold: Hold, policy: Policy) -> dict[str, object]:
    return {
        "reason": hold.reason.value,
        "clause": hold.clause,
        "author": hold.author,
        "note": hold.note,
        "opened_at": rfc3339(hold.opened_at),
        "until": _moment(hold.until),
        "blocking": policy.hold_rule(hold.reason).blocking,
        "text": hold.text,
    }


def _matter(matter: Matter) -> dict[str, object]:
    return {
        "kind": matter.kind,
        "key": matter.key,
        "opened_at": rfc3339(matter.opened_at),
        "due_at": _moment(matter.due_at),
        **matter.data,
    }


def _figures(standing: Standing, verdict: Verdict) -> dict[str, object]:
    usage, allowance = standing.usage, verdict.allowance_bytes
    left = None if allowance is None else max(0, allowance - verdict.counted_bytes)
    return {
        "period": standing.period.name,
        "start": rfc3339(standing.period.start),
        "end": rfc3339(standing.period.end),
        "down_bytes": usage.down_bytes,
        "up_bytes": usage.up_bytes,
        "counted_bytes": verdict.counted_bytes,
        "cap_bytes": standing.product.cap_bytes,
        "topup_bytes": standing.topup_bytes,
        "allowance_bytes": allowance,
        **balance_record(standing),
        "remaining_bytes": left,
        "estimated_bytes": usage.estimated_bytes,
        "unknown_s": usage.unknown_us / 1_000_000,
        "breaches": [
            {"period": b.period, "at": rfc3339(b.at), "counted_bytes": b.counted_bytes}
            for b in standing.breaches
        ],
        "delay": _delay(standing.delay),
    }


def balance_record(standing: Standing) -> dict[str, object]:
    """Return what is left of a prepaid balance, for those who have one (E-1)."""
    left = balance.left(standing)
    return {} if left is None else {"balance_bytes": left}


def _delay(delay: Delay | None) -> dict[str, object] | None:
    if delay is None:
        return None
    return {"until": rfc3339(delay.until), "author": delay.author, "note": delay.note}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
