"""What becomes of an add-on by time alone: active, late, renewed, ended (AD-1 to AD-3, AD-5)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from capd.decide import charges, matters
from capd.decide.addons.book import KIND, PAST, Addon, addons_of, offer_of
from capd.decide.case import Case, Figures, Rule, needs
from capd.decide.wording import day_text, moment_text, money_text
from capd.model import Event
from capd.units import rfc3339, size_text


@needs(KIND)
def activated(case: Case) -> tuple[Event, ...]:
    """Make active what was ordered and need not wait for its payment (AD-1)."""
    if case.policy.addons.wait_for_payment:
        return ()
    waiting = [addon for addon in addons_of(case.standing) if not addon.active]
    return tuple(event for addon in waiting for event in activation(case, addon, case.now))


def activation(case: Case, addon: Addon, at: datetime) -> Iterator[Event]:
    """Yield the events by which *addon* becomes active at *at*, and is charged for (AD-2)."""
    terms = case.policy.addons
    counted = case.standing.usage.counted(case.standing.product.counts)
    addon = replace(addon, started_at=at, base_period=case.period, base_bytes=counted)
    renews_at = addon.renews_at(case.zone) or at
    clause = terms.clauses.active
    text = (
        f"{offer_of(terms, addon).name} is active{_gives(addon)}, and renews by itself on "
        f"{day_text(renews_at, case.zone)} ({clause})."
    )
    yield case.event("addon_activated", text, clause, addon.change(case.zone, terms), at=at)
    yield from _charged(case, addon, at)


@needs(KIND)
def late(case: Case) -> tuple[Event, ...]:
    """Tell of what is not active in time (AD-1)."""
    terms, found = case.policy.addons, []
    for addon in addons_of(case.standing):
        by = addon.ordered_at + timedelta(hours=terms.active_within_h)
        if addon.active or addon.late_told or case.now < by:
            continue
        clause = terms.clauses.active
        text = (
            f"{offer_of(terms, addon).name} was ordered on "
            f"{moment_text(addon.ordered_at, case.zone)} and is not active after "
            f"{terms.active_within_h} hours ({clause})."
        )
        figures = replace(addon, late_told=True).change(case.zone, terms)
        found.append(case.event("addon_late", text, clause, figures, at=by))
    return tuple(found)


@needs(KIND)
def renewed(case: Case) -> tuple[Event, ...]:
    """Renew on the same day of the month, as often as it has fallen due by now (AD-2)."""
    found: list[Event] = []
    terms = case.policy.addons
    for first in addons_of(case.standing):
        addon = first
        while (at := addon.renews_at(case.zone)) is not None and at <= case.now:
            if addon.ends_at is not None and addon.ends_at <= at:
                break
            addon = replace(addon, renewals=addon.renewals + 1)
            until = addon.renews_at(case.zone) or at
            clause = terms.clauses.renewal
            text = (
                f"{offer_of(terms, addon).name} was renewed until "
                f"{day_text(until, case.zone)} ({clause})."
            )
            figures = addon.change(case.zone, terms)
            found.append(case.event("addon_renewed", text, clause, figures, at=at))
            found += _charged(case, addon, at)
    return tuple(found)


@needs(KIND)
def useless(case: Case) -> tuple[Event, ...]:
    """Let an add-on end at its renewal where the product has no cap any more (AD-7)."""
    if case.standing.product.cap_bytes is not None:
        return ()
    terms, found = case.policy.addons, []
    for addon in addons_of(case.standing):
        if addon.ends_at is not None or not addon.active:
            continue
        ends_at = addon.renews_at(case.zone)
        clause = terms.clauses.capped
        text = (
            f"{case.standing.product.name} has no cap: {offer_of(terms, addon).name} is not "
            f"renewed on {day_text(ends_at or case.now, case.zone)} ({clause})."
        )
        figures = replace(addon, ends_at=ends_at).change(case.zone, terms)
        found.append(case.event("addon_cancelled", text, clause, figures))
    return tuple(found)


@needs(KIND)
def ended(case: Case) -> tuple[Event, ...]:
    """End what was cancelled, when its time is over (AD-3, AD-6)."""
    return tuple(
        event
        for addon in addons_of(case.standing)
        if addon.ends_at is not None and addon.ends_at <= case.now
        for event in ending(case, addon, addon.ends_at)
    )


def ending(case: Case, addon: Addon, at: datetime, why: str = "") -> Iterator[Event]:
    """Yield the events by which *addon* ends at *at*; what was used under it stays free (AD-5)."""
    terms = case.policy.addons
    name, clause = offer_of(terms, addon).name, terms.clauses.end
    figures = addon.change(case.zone, terms, is_open=False)
    text = f"{name} ended on {moment_text(at, case.zone)}{why} ({clause})."
    yield case.event("addon_ended", text, clause, figures, at=at)
    if not addon.active:
        return
    if addon.unlimited:
        yield from _used_under_it(case, addon, at)
    text = f"{name} was active until {moment_text(at, case.zone)} ({terms.clauses.carry})."
    past = matters.change(
        PAST,
        f"{addon.key}/{rfc3339(at)}",
        due_at=case.standing.period.end,
        ended_at=at,
        unlimited=addon.unlimited,
        adds_bytes=addon.adds_bytes,
    )
    yield case.event("addon_past", text, terms.clauses.carry, past, at=at)


@needs(PAST)
def forgotten(case: Case) -> tuple[Event, ...]:
    """Close what ended in an earlier period: no late bytes are of its time any more."""
    clause = case.policy.addons.clauses.carry
    return tuple(
        case.event(
            "addon_past",
            f"Nothing is carried over of an add-on into a new period ({clause}).",
            clause,
            matters.change(PAST, matter.key, is_open=False),
            at=matter.due_at,
        )
        for matter in matters.of_kind(case.standing, PAST)
        if matter.due_at is not None and matter.due_at <= case.now
    )


def _used_under_it(case: Case, addon: Addon, at: datetime) -> Iterator[Event]:
    base = addon.base_bytes if addon.base_period == case.period else 0
    free = case.standing.usage.counted(case.standing.product.counts) - base
    cap = case.standing.product.cap_bytes
    if free <= 0 or cap is None:
        return
    clause = case.policy.addons.clauses.carry
    text = (
        f"{size_text(free)} used under {offer_of(case.policy.addons, addon).name} "
        f"do not count against the allowance ({clause})."
    )
    figures: Figures = {
        "size_bytes": free,
        "reference": f"{case.standing.subscriber.id}/{addon.key}/{rfc3339(at)}",
        "period": case.period,
        "allowance_bytes": cap + case.standing.topup_bytes + free,
    }
    yield case.event("topup", text, clause, figures, at=at)


def _charged(case: Case, addon: Addon, at: datetime) -> Iterator[Event]:
    """Yield the charge for the term that begins at *at* (AD-2, AD-8)."""
    terms = case.policy.addons
    price = offer_of(terms, addon).prices.get(addon.every, Decimal(0))
    if not price:
        return
    yearly = addon.every.months > 1
    clause = terms.clauses.refund if yearly else terms.clauses.renewal
    refund = ", not refunded once active" if yearly else ""
    text = (
        f"{offer_of(terms, addon).name} costs {money_text(price)} {case.currency} for the "
        f"{addon.every.value} from {day_text(at, case.zone)}{refund} ({clause})."
    )
    started = rfc3339(addon.started_at or at)
    figures = charges.figures(
        case.standing.subscriber.id,
        "addon",
        f"{addon.key}/{started}/{addon.renewals}",
        price,
        currency=case.currency,
        behind={
            "addon": addon.key,
            "every": addon.every.value,
            "refundable": not yearly,
            "starts_at": rfc3339(at),
        },
    )
    yield case.event("charge", text, clause, figures, at=at)


def _gives(addon: Addon) -> str:
    if addon.unlimited:
        return ": there is no cap while it lasts"
    return f": {size_text(addon.adds_bytes or 0)} more in each period"


RULES: tuple[Rule, ...] = (activated, late, renewed, useless, ended, forgotten)
