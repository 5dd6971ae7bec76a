"""UC-3: a reference stands for one fact; the same twice counts once."""

from capd.decide.facts import check
from capd.model import Event, Fact
from capd.units import bytes_of, rfc3339, size_text


def repeated(before: Event, fact: Fact) -> str | None:
    """Return why *fact* is refused, whose reference *before* bore already; None: it is the same.

    Money may stand behind a reference: whoever gives it to somebody else, or with another size,
    must hear that nothing was added (UC-3).
    """
    wrong = check(fact)
    if wrong:
        return "; ".join(wrong)
    added = before.figures.get("size_bytes")
    size = None if added is None else bytes_of(fact.details["size"])
    if (before.subscriber, added) == (fact.subscriber, size):
        return None
    what = "" if added is None else f"{size_text(int(added))} "
    return (
        f"reference {fact.details['reference']!r} stands for {what}of {before.subscriber} since "
        f"{rfc3339(before.at)}; nothing was added, give this one a reference of its own"
    )
