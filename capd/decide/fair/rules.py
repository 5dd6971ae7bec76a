"""FU-1, FU-2: a notice with what was used and what is fair; then, if it goes on, the next stage.

What is known of it is a matter of kind `fair_use`, keyed by the period: told, then acted on; its
`charged` says for how many units the excess was charged.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from capd.decide import charges, matters
from capd.decide.case import Case, Figures, Rule, needs
from capd.decide.terms.fair import Follows
from capd.decide.wording import amount_text, day_text, moment_text, money_text, rate_clause
from capd.model import Event, Matter, Reason
from capd.units import rfc3339

KIND = "fair_use"


def told(case: Case) -> tuple[Event, ...]:
    """Ask a subscriber to desist whose use is excessive, once a period (FU-1)."""
    terms, fair = case.policy.fair_use, fair_of(case)
    if fair is None or case.counted <= fair or _known(case) is not None:
        return ()
    until = case.now + timedelta(hours=terms.grace_h)
    text = (
        f"{amount_text(case.counted, case.unit)} used since "
        f"{day_text(case.standing.period.start, case.zone)} is more than is fair "
        f"({amount_text(fair, case.unit)}): please use less. If it goes on after "
        f"{moment_text(until, case.zone)}, {_consequence(case)} ({terms.notice})."
    )
    figures = _change(case, fair, due_at=until, told_bytes=case.counted)
    return (case.event("fair_use_notice", text, terms.notice, figures),)


@needs(KIND)
def waited(case: Case) -> tuple[Event, ...]:
    """Write down what was used when the time to use less is over: more is going on (FU-2)."""
    known, fair = _known(case), fair_of(case)
    if known is None or fair is None or case.now < _grace_end(known):
        return ()
    if matters.number(known, "base_bytes") is not None:
        return ()
    terms, at = case.policy.fair_use, _grace_end(known)
    text = (
        f"The time to use less is over on {moment_text(at, case.zone)} ({_used(case, fair)}): if "
        f"it goes on, {_consequence(case)} ({terms.action})."
    )
    figures = _change(case, fair, known=known, base_bytes=case.counted)
    return (case.event(KIND, text, terms.action, figures, at=at),)


@needs(KIND)
def acted_on(case: Case) -> tuple[Event, ...]:
    """Do what the policy says when it goes on after the notice (FU-2)."""
    known, fair = _known(case), fair_of(case)
    if known is None or fair is None or not _goes_on(case, known):
        return ()
    if case.policy.fair_use.follows is Follows.CHARGE:
        return tuple(_charged(case, known, fair))
    if matters.flag(known, "acted"):
        return ()
    return tuple(_held(case, known, fair))


@needs(KIND)
def over(case: Case) -> tuple[Event, ...]:
    """Forget it with its period: each month is looked at by itself."""
    old = [m for m in matters.of_kind(case.standing, KIND) if m.key != case.period]
    clause = case.policy.fair_use.notice
    start = case.standing.period.start
    text = f"A new period began: what is fair starts afresh ({clause})."
    return tuple(
        case.event(KIND, text, clause, matters.change(KIND, m.key, is_open=False), at=start)
        for m in old
    )


def lines(case: Case) -> Iterator[int]:
    """Yield the counted amounts at which one of these rules would do something."""
    fair, known, terms = fair_of(case), _known(case), case.policy.fair_use
    if fair is None:
        return
    yield fair + 1
    if known is None:
        return
    base = matters.number(known, "base_bytes")
    if terms.excess is not None:
        yield (matters.number(known, "told_bytes") or 0) + terms.excess
    if base is not None:
        yield base + 1
    units = max(_units(case, fair), matters.number(known, "charged") or 0)
    if terms.follows is Follows.CHARGE:
        yield fair + units * terms.unit + 1


def fair_of(case: Case) -> int | None:
    """Return what is fair in a period for the subscriber's product; None: no such rule."""
    terms = case.policy.fair_use
    if terms.families and case.standing.product.family not in terms.families:
        return None
    return terms.fair


def _known(case: Case) -> Matter | None:
    return matters.find(case.standing, KIND, case.period)


def _grace_end(known: Matter) -> datetime:
    return matters.moment(known, "grace_until") or known.opened_at


def _goes_on(case: Case, known: Matter) -> bool:
    """Say whether more was used after the grace, or so much more that it does not wait (FU-2)."""
    more = case.counted - (matters.number(known, "told_bytes") or 0)
    excess, base = case.policy.fair_use.excess, matters.number(known, "base_bytes")
    if excess is not None and more >= excess:
        return True
    return base is not None and case.counted > base


def _held(case: Case, known: Matter, fair: int) -> Iterator[Event]:
    terms = case.policy.fair_use
    restrict = terms.follows is Follows.RESTRICT
    until = case.standing.period.end
    rates = (terms.down_bps, terms.up_bps) if restrict else (None, None)
    what = f"limited{rate_clause(*rates)}" if restrict else "suspended"
    text = (
        f"Excessive use went on after it was told of ({_used(case, fair)}): service is {what} "
        f"until {moment_text(until, case.zone)} ({terms.action})."
    )
    reason = Reason.RESTRICTED if restrict else Reason.AUP
    if any(hold.reason is reason for hold in case.standing.holds):
        return  # it has what this would lead to already
    yield case.event(KIND, text, terms.action, _change(case, fair, known=known, acted=True))
    figures: Figures = {
        "reason": reason.value,
        "note": f"fair use {case.period}",
        "until": rfc3339(until),
        "down_bps": rates[0],
        "up_bps": rates[1],
        "counted_bytes": case.counted,
        "fair_bytes": fair,
    }
    yield case.event("hold_opened", text, terms.action, figures)


def _charged(case: Case, known: Matter, fair: int) -> Iterator[Event]:
    terms = case.policy.fair_use
    before, after = matters.number(known, "charged") or 0, _units(case, fair)
    if after <= before:
        return
    amount = terms.unit_price * (after - before)
    each = amount_text(terms.unit, case.unit)
    text = (
        f"Excessive use went on after it was told of ({_used(case, fair)}): {after - before} "
        f"of {each} beyond it cost {money_text(amount)} {case.currency} ({terms.action})."
    )
    yield case.event(KIND, text, terms.action, _change(case, fair, known=known, charged=after))
    figures = charges.figures(
        case.standing.subscriber.id,
        "excessive_use",
        f"{case.period}/{before + 1}",
        amount,
        currency=case.currency,
        behind={
            "period": case.period,
            "units": after - before,
            "unit_bytes": terms.unit,
            "unit_price": money_text(terms.unit_price),
            "charged_before": before,
            "counted_bytes": case.counted,
            "fair_bytes": fair,
        },
    )
    yield case.event("charge", text, terms.action, figures)


def _units(case: Case, fair: int) -> int:
    return max(0, -(-(case.counted - fair) // case.policy.fair_use.unit))


def _used(case: Case, fair: int) -> str:
    return f"{amount_text(case.counted, case.unit)}, {amount_text(fair, case.unit)} is fair"


def _change(
    case: Case,
    fair: int,
    *,
    known: Matter | None = None,
    due_at: datetime | None = None,
    told_bytes: int = 0,
    base_bytes: int | None = None,
    acted: bool = False,
    charged: int | None = None,
) -> Figures:
    if known is None:
        return matters.change(
            KIND, case.period, due_at=due_at, told_bytes=told_bytes, fair_bytes=fair,
            grace_until=due_at,
        )  # fmt: skip
    return matters.change(
        KIND,
        case.period,
        told_bytes=matters.number(known, "told_bytes") or 0,
        fair_bytes=fair,
        grace_until=_grace_end(known),
        due_at=None if base_bytes is not None or acted else known.due_at,
        base_bytes=base_bytes if base_bytes is not None else matters.number(known, "base_bytes"),
        acted=acted or matters.flag(known, "acted") or None,
        charged=charged if charged is not None else matters.number(known, "charged"),
    )


def _consequence(case: Case) -> str:
    terms = case.policy.fair_use
    if terms.follows is Follows.CHARGE:
        each = amount_text(terms.unit, case.unit)
        return f"each {each} beyond it costs {money_text(terms.unit_price)} {case.currency}"
    if terms.follows is Follows.RESTRICT:
        return f"service is limited{rate_clause(terms.down_bps, terms.up_bps)}"
    return "service is suspended"


RULES: tuple[Rule, ...] = (over, told, waited, acted_on)
