"""The usage record that people and billing systems are shown, one shape everywhere (contract)."""

from capd.model import Counts, Unit, Usage
from capd.units import rfc3339


def usage_record(
    usage: Usage, counts: Counts, allowance_bytes: int | None, unit: Unit = Unit.BYTES
) -> dict[str, object]:
    """Return *usage* as JSON wants it; `unknown_s` is whole seconds where it is whole.

    What counts seconds instead of bytes (D-1) says so, in a key of its own: `unit`.
    """
    return {
        "kind": "usage",
        "subscriber": usage.subscriber,
        "period": usage.period.name,
        "start": rfc3339(usage.period.start),
        "end": rfc3339(usage.period.end),
        "down_bytes": usage.down_bytes,
        "up_bytes": usage.up_bytes,
        "counted_bytes": usage.counted(counts),
        "allowance_bytes": allowance_bytes,
        "estimated_bytes": usage.estimated_bytes,
        "unknown_s": seconds(usage.unknown_us),
        **({} if unit is Unit.BYTES else {"unit": unit.value}),
    }


def seconds(micros: int) -> int | float:
    """Return *micros* as seconds, an int where that is exact."""
    return micros / 1_000_000 if micros % 1_000_000 else micros // 1_000_000
