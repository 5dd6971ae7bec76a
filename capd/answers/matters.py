"""What is open between the operator and subscribers."""

from capd.store.matters import Kept
from capd.units import rfc3339


def matter_record(kept: Kept) -> dict[str, object]:
    """Return a matter as JSON wants it; what is known of it stands in `data`."""
    matter = kept.matter
    return {
        "subscriber": kept.subscriber,
        "kind": matter.kind,
        "key": matter.key,
        "open": kept.is_open,
        "opened_at": rfc3339(matter.opened_at),
        "due_at": None if matter.due_at is None else rfc3339(matter.due_at),
        "event": kept.event,
        "data": dict(matter.data),
    }
