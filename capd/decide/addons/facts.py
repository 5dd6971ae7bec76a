"""What is told of add-ons: ordered, paid, cancelled, not paid."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from capd.decide.addons import rules
from capd.decide.addons.book import Addon, addons_of, offer_of
from capd.decide.holds import has_ended
from capd.decide.shapes import guess, one_of
from capd.decide.terms.addons import Addons, Every, Offer
from capd.decide.told import Answer, FactKind, Refused, Told
from capd.decide.wording import list_text, moment_text, money_text
from capd.model import Event


def _ordered(told: Told) -> Answer:
    terms, key = told.policy.addons, told.fact.details["addon"]
    offer = terms.offers.get(key)
    if offer is None:
        return Refused(f"there is no add-on {key!r}.{guess(key, terms.offers)}")
    every = Every(told.get("every") or Every.MONTH)
    refused = _not_allowed(told, offer, every)
    if refused is not None:
        return refused
    addon = Addon(
        key=key,
        every=every,
        ordered_at=told.now,
        unlimited=offer.adds_bytes is None,
        adds_bytes=offer.adds_bytes,
    )
    price, clause = money_text(offer.prices[every]), terms.clauses.active
    text = (
        f"{offer.name} was ordered, at {price} {told.currency} a {every.value}; it is active "
        f"within {terms.active_within_h} hours ({clause})."
    )
    figures = {**addon.change(told.zone, terms), "addon": key, "reference": told.get("reference")}
    return (told.event("addon", text, clause, figures),)


def _not_allowed(told: Told, offer: Offer, every: Every) -> Refused | None:
    product, clauses = told.standing.product, told.policy.addons.clauses
    if has_ended(told.standing):
        return Refused("the contract has ended: an activation begins a new one")
    if product.cap_bytes is None:
        return Refused(f"{product.name} has no cap: nothing to add to ({clauses.capped})")
    if product.family not in offer.families:
        families = list_text([repr(name) for name in offer.families])
        return Refused(f"{offer.name} goes with {families}, not with {product.family!r}")
    if every not in offer.prices:
        sold = list_text([one.value for one in offer.prices])
        return Refused(f"{offer.name} is sold by the {sold}, not by the {every.value}")
    there = addons_of(told.standing)
    if there:
        name = offer_of(told.policy.addons, there[0]).name
        return Refused(f"{name} is there already: one a connection ({clauses.single})")
    return None


def _paid(told: Told) -> Answer:
    found = _the_one(told)
    if isinstance(found, Refused) or found.active:
        return found if isinstance(found, Refused) else ()
    return tuple(_by(told, event) for event in rules.activation(told.case, found, told.now))


def _unpaid(told: Told) -> Answer:
    found = _the_one(told)
    if isinstance(found, Refused):
        return found
    events = rules.ending(told.case, found, told.now, why=", as its payment failed")
    return tuple(_by(told, event) for event in events)


def _cancelled(told: Told) -> Answer:
    found = _the_one(told)
    if isinstance(found, Refused):
        return found
    if found.ends_at is not None:
        return ()
    if not found.active:
        events = rules.ending(told.case, found, told.now, why=" before it was active")
        return tuple(_by(told, event) for event in events)
    terms = told.policy.addons
    ends_at = _end(told, found, terms)
    clause = terms.clauses.cancel
    stands = "" if ends_at == found.renews_at(told.zone) else ", after one more renewal"
    text = (
        f"{offer_of(terms, found).name} was cancelled: it may be used until "
        f"{moment_text(ends_at, told.zone)}{stands} ({clause})."
    )
    figures = replace(found, ends_at=ends_at).change(told.zone, terms)
    return (told.event("addon_cancelled", text, clause, figures),)


def _end(told: Told, addon: Addon, terms: Addons) -> datetime:
    """Return when a cancellation told now takes effect (AD-6)."""
    next_at = addon.renews_at(told.zone) or told.now
    in_time = told.now <= next_at - timedelta(hours=terms.notice_h)
    return next_at if in_time else addon.renews_at(told.zone, after=2) or next_at


def _the_one(told: Told) -> Addon | Refused:
    key, there = told.fact.details["addon"], addons_of(told.standing)
    found = next((addon for addon in there if addon.key == key), None)
    if found is None:
        return Refused(f"there is no add-on {key!r}.{guess(key, [a.key for a in there])}")
    return found


def _by(told: Told, event: Event) -> Event:
    return replace(event, author=told.fact.author)


FACTS: Mapping[str, FactKind] = {
    "addon": FactKind(
        help="orders an add-on of the policy, by the month or year; one a connection (AD-1, AD-4)",
        required=("addon",),
        optional=("every", "reference"),
        shapes={"every": one_of(*(every.value for every in Every))},
        accept=_ordered,
    ),
    "addon_paid": FactKind(
        help="makes an add-on active that waits for its payment (AD-1)",
        required=("addon",),
        accept=_paid,
    ),
    "addon_payment_failed": FactKind(
        help="ends an add-on whose payment failed (AD-3)", required=("addon",), accept=_unpaid
    ),
    "addon_cancel": FactKind(
        help="cancels an add-on at its next renewal, or the one after it (AD-6)",
        required=("addon",),
        accept=_cancelled,
    ),
}
