"""What is told of activations: to the phone on the roof, the command line, the API."""

from capd.model import Activation
from capd.units import rfc3339


def activation_record(known: Activation) -> dict[str, object]:
    """Return *known* as JSON wants it, each step with what to do about it."""
    return {
        "id": known.id,
        "subscriber": known.subscriber,
        "device": known.device,
        "serial": known.serial,
        "mac": known.mac,
        "author": known.author,
        "at": rfc3339(known.at),
        "state": known.state.value,
        "undone_by": None if known.undo is None else known.undo.author,
        "ended_at": None if known.ended_at is None else rfc3339(known.ended_at),
        "steps": [
            {"name": step.name, "state": step.state.value, "text": step.text, "fix": step.fix}
            for step in known.steps
        ],
    }
