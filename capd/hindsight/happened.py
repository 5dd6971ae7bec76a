"""What did happen to one subscriber, by the trail, and how things stood when that began. Pure."""

from bisect import bisect_left
from dataclasses import replace
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from capd.decide.contract import product_terms
from capd.decide.standing import apply, matter_of, turned
from capd.hindsight.known import Known, Span, Terms, Told, period_in
from capd.model import Event, Matter, ProductId, Standing, Usage


def happened(known: Known, terms: Terms, span: Span) -> tuple[Standing, Told]:
    """Return how things stood when *span* began, and what did happen in it, by the trail."""
    told = Told()
    standing = _first(known, terms, min([span.since, *(event.at for event in known.trail)]))
    trail = sorted(known.trail, key=lambda event: event.at)
    began = bisect_left(trail, span.since, key=lambda event: event.at)
    for event in trail[:began]:
        standing = _after(standing, event, known, terms)
    before = standing = _turned_to(standing, known, terms.zone, span.since)
    told.look(span.since, standing, terms.policy)
    for event in trail[began:]:
        if event.at >= span.until:
            break
        standing = _after(standing, event, known, terms)
        told.events.append(event)
        told.look(event.at, standing, terms.policy)
    return before, told


def _first(known: Known, terms: Terms, at: datetime) -> Standing:
    """Return what is known of a subscriber of whom nobody told anything yet.

    The product was the one that the first move on record led away from.
    """
    moves = (event.figures for event in known.trail if event.kind == "plan_changed")
    product = ProductId(str(next(moves, {"from": known.subscriber.product})["from"]))
    subscriber = replace(known.subscriber, product=product)
    period, row = period_in(known, terms.zone, at), terms.catalogue[product]
    kept = _kept_terms(known, product)
    return Standing(
        subscriber=subscriber,
        product=product_terms.in_force(row, kept, period),
        period=period,
        usage=Usage(subscriber=subscriber.id, period=period),
        matters=kept,
    )


def _kept_terms(known: Known, product: ProductId) -> tuple[Matter, ...]:
    """Return what *product* was before its first change, if it is one that was told (CT-6)."""
    several = (matter_of(event) for event in known.trail if event.kind == product_terms.KIND)
    mine = (matter for matter in several if matter is not None and matter.key == product)
    return tuple(islice(mine, 1))


def _after(standing: Standing, event: Event, known: Known, terms: Terms) -> Standing:
    there = _turned_to(standing, known, terms.zone, event.at)
    return apply(there, (event,), terms.catalogue)


def _turned_to(standing: Standing, known: Known, zone: ZoneInfo, at: datetime) -> Standing:
    if at < standing.period.end:
        return standing
    return turned(standing, period_in(known, zone, at))
