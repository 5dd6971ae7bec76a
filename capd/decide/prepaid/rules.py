"""What follows from a balance: it begins and rests with the product, runs out, is filled (E-1)."""

from dataclasses import replace

from capd.decide import holds
from capd.decide.case import Case, Figures, Rule, needs
from capd.decide.prepaid.balance import KIND, Balance, balance, drawn, is_prepaid, left, used
from capd.decide.told import Told
from capd.decide.wording import amount_text, quantity_of
from capd.model import Event, Hold, Reason, Unit

_GB = 1_000_000_000
_WHOLE = 100


def kept(case: Case) -> tuple[Event, ...]:
    """Begin a balance with a prepaid product, let it rest with another, take it up again."""
    known, on = balance(case.standing), is_prepaid(case.standing)
    whole, clause = case.standing.lifetime, case.policy.prepaid.clause
    if whole is None or on == (known is not None and not known.rests):
        return ()
    if known is None:
        if not on:
            return ()
        began = Balance(down_bytes=whole.down_bytes, up_bytes=whole.up_bytes)
        text = f"The balance begins; what is bought is used up from now on ({clause})."
        return (case.event("prepaid_began", text, clause, began.change()),)
    so_far = drawn(case.standing, known)
    if on:
        again = replace(
            known,
            rests=False,
            down_bytes=whole.down_bytes - so_far.down_bytes,
            up_bytes=whole.up_bytes - so_far.up_bytes,
        )
        text = f"The balance is drawn on again ({clause})."
        return (case.event("prepaid_resumed", text, clause, again.change()),)
    rests = replace(known, rests=True, down_bytes=so_far.down_bytes, up_bytes=so_far.up_bytes)
    text = f"The balance rests, and is there on coming back ({clause})."
    return (case.event("prepaid_rests", text, clause, rests.change()),)


@needs(KIND)
def restored(case: Case) -> tuple[Event, ...]:
    """Close the hold that the balance opened, at once when it is filled (E-1)."""
    known, hold, rest = balance(case.standing), _hold(case), left(case.standing)
    if known is None or hold is None or not known.stopped or (rest is not None and rest < 0):
        return ()
    clause = hold.clause
    why = "the product is not prepaid any more" if rest is None else f"{_text(case, rest)} is left"
    text = f"The balance stops service no more: {why} ({clause})."
    figures = replace(known, stopped=False).change()
    return (holds.closed(hold, at=case.now, clause=clause, text=text, figures=figures),)


@needs(KIND)
def told(case: Case) -> tuple[Event, ...]:
    """Return the notice of the highest share of the last purchase that is used up."""
    known, rest = balance(case.standing), left(case.standing)
    if known is None or rest is None or not known.last_bytes:
        return ()
    share = max((s for s in case.policy.prepaid.shares if rest <= _rest(known, s)), default=0)
    if share <= known.told_share:
        return ()
    clause = case.policy.prepaid.clause
    text = (
        f"{share} % of the last purchase is used: {_text(case, max(0, rest))} of the balance is "
        f"left; when it is used up, service is suspended until more is bought ({clause})."
    )
    figures: Figures = {
        **replace(known, told_share=share).change(),
        "notice": f"balance_{share}",
        "remaining_bytes": max(0, rest),
    }
    return (case.event("notice", text, clause, figures),)


@needs(KIND)
def stopped(case: Case) -> tuple[Event, ...]:
    """Suspend, without prior notice, when more is used than was bought: > and not >= (E-1)."""
    known, rest = balance(case.standing), left(case.standing)
    if known is None or rest is None or rest >= 0 or known.let_go or _hold(case) is not None:
        return ()
    clause = case.policy.hold_rule(Reason.PREPAID).clause
    text = (
        f"The balance is used up: {_text(case, used(case.standing, known))} used, "
        f"{_text(case, known.bought_bytes)} bought; service is suspended until more is bought "
        f"({clause})."
    )
    figures: Figures = {
        **replace(known, stopped=True).change(),
        "reason": Reason.PREPAID.value,
        "balance_bytes": rest,
    }
    return (case.event("hold_opened", text, clause, figures),)


def lines(case: Case) -> list[int]:
    """Return the period's counted bytes at which the balance leads to something."""
    known, rest = balance(case.standing), left(case.standing)
    if known is None or rest is None:
        return []
    rests = [-1]
    if known.last_bytes:
        shares = case.policy.prepaid.shares
        rests += [_rest(known, share) for share in shares if share > known.told_share]
    return [case.counted + rest - line for line in rests]


def bought(told: Told) -> tuple[Event, ...]:
    """Return the event of a purchase: it fills the balance, and service comes back at once."""
    standing, unit = told.standing, told.standing.product.unit
    size = quantity_of(told.fact.details["size"], unit)
    reference, clause = told.fact.details["reference"], told.policy.prepaid.clause
    known = balance(standing) or _fresh(told)
    after = replace(
        known,
        bought_bytes=known.bought_bytes + size,
        last_bytes=size,
        told_share=0,
        let_go=False,
    )
    rest = after.bought_bytes - used(standing, after)
    text = (
        f"{amount_text(size, unit)} bought (reference {reference}): "
        f"{amount_text(max(0, rest), unit)} of the balance is left ({clause})."
    )
    figures: Figures = {
        **after.change(),
        "size_bytes": size,
        "reference": reference,
        "period": PERIOD,
        "balance_bytes": rest,
    }
    return (told.event("topup", text, clause, figures),)


PERIOD = "prepaid"
"""What a purchase has in place of the period that a top-up is for."""


def ways(case: Case) -> tuple[str, ...]:
    """Return what would bring service back, or how far the balance goes."""
    known, rest = balance(case.standing), left(case.standing)
    if known is None or rest is None:
        return ()
    clause = case.policy.hold_rule(Reason.PREPAID).clause
    if rest >= 0:
        return (f"Using more than another {_text(case, rest)} uses up the balance ({clause}).",)
    if not known.stopped:
        return ()
    several = len(holds.blocking(case.standing.holds, case.policy)) > 1
    effect = "closes the hold for the balance" if several else "restores service"
    return (f"Buying {_enough(case, -rest)} or more {effect} ({clause}).",)


def _enough(case: Case, missing: int) -> str:
    if case.standing.product.unit is Unit.SECONDS:
        return f"{-(-missing // 60)} minutes"
    return f"{-(-missing // _GB)} GB"


def _fresh(told: Told) -> Balance:
    whole = told.standing.lifetime or told.standing.usage
    return Balance(down_bytes=whole.down_bytes, up_bytes=whole.up_bytes)


def _rest(known: Balance, share: int) -> int:
    """Return the most that is left when *share* per cent of the last purchase are used."""
    return known.last_bytes * (_WHOLE - share) // _WHOLE


def _hold(case: Case) -> Hold | None:
    return next((hold for hold in case.standing.holds if hold.reason is Reason.PREPAID), None)


def _text(case: Case, count: int) -> str:
    return amount_text(count, case.standing.product.unit)


CLOSINGS: tuple[Rule, ...] = (restored,)
RULES: tuple[Rule, ...] = (kept, told, stopped)
