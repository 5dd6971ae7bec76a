"""CT-6, B-3: a subscriber stays on the version of the terms that they have, until they were told.

The versions of a policy are a line, oldest first. A matter `terms` says which one the subscriber
was told of, and from when it holds; without one it is the version of the day of activation, and
where that is not known the oldest that is listed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo

from capd.decide import matters
from capd.decide.breaches import months_after
from capd.decide.case import Case
from capd.decide.contract import agreement
from capd.decide.contract.days import after_days, day_of, start_of
from capd.decide.holds import has_ended
from capd.decide.policy import Policy
from capd.decide.terms.contract import Changes
from capd.decide.wording import date_text
from capd.model import Event, Standing

KIND = "terms"


def in_force(standing: Standing, line: Sequence[Policy], now: datetime) -> Policy:
    """Return the version of *line* that holds for the subscriber at *now*."""
    told = matters.find(standing, KIND, key_of(line[0]))
    begun = _first(standing, line)
    if told is None:
        return begun
    from_ = matters.moment(told, "effective_at")
    name = "version" if from_ is None or now >= from_ else "before"
    # told before the activation that already was under the newer one
    return max(_named(line, str(told.data[name])), begun, key=lambda policy: policy.valid_from)


def _named(line: Sequence[Policy], version: str) -> Policy:
    return next((policy for policy in line if policy.version == version), line[0])


def _first(standing: Standing, line: Sequence[Policy]) -> Policy:
    """Return the version that the contract began with."""
    known = agreement.of(standing)
    if known is None:
        return line[0]
    before = [policy for policy in line if policy.valid_from <= known.activated_on]
    return before[-1] if before else line[0]


def key_of(policy: Policy) -> str:
    """Return what tells the line of *policy* from others: the families that it is for."""
    return " ".join(("policy", *policy.families))


def announced(case: Case, line: Sequence[Policy]) -> tuple[Event, ...]:
    """Tell the subscriber, once, that the newest version of *line* will hold, and from when.

    The case's policy is the one in force, whose notice is given.
    """
    newest, present = line[-1], case.policy
    told = matters.find(case.standing, KIND, key_of(newest))
    known = present.version if told is None else matters.text(told, "version")
    up_to_date = newest.version in {known, present.version}
    if up_to_date or has_ended(case.standing):
        return ()
    terms = present.contract.changes
    at = max(start_of(newest.valid_from, case.zone), notice_end(case.now, terms, case.zone))
    text = (
        f"New terms ({newest.name}, version {newest.version}) hold for you from "
        f"{date_text(day_of(at, case.zone))}; until then those of version {present.version} do "
        f"({terms.clause})."
    )
    figures = matters.change(
        KIND,
        key_of(newest),
        due_at=at,
        version=newest.version,
        before=present.version,
        policy=newest.name,
        effective_at=at,
    )
    return (case.event("terms_changed", text, terms.clause, figures),)


def notice_end(now: datetime, terms: Changes, zone: tzinfo) -> datetime:
    """Return the first local midnight by which notice that is given *now* is over (CT-6)."""
    over = after_days(months_after(now, terms.notice_months, zone), terms.notice_days, zone)
    local = over.astimezone(zone)
    midnight = local.time() == time()
    return start_of(local.date() + timedelta(days=0 if midnight else 1), zone).astimezone(UTC)
