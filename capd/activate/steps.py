"""The four things that a step can be."""

from capd.model import ActivationStep, StepState


def done(name: str, text: str) -> ActivationStep:
    """Return a step that is well."""
    return ActivationStep(name=name, state=StepState.DONE, text=text)


def noted(name: str, text: str, fix: str = "") -> ActivationStep:
    """Return a step that could not be looked at, and stands in nobody's way."""
    return ActivationStep(name=name, state=StepState.NOTED, text=text, fix=fix)


def refused(name: str, text: str, fix: str = "") -> ActivationStep:
    """Return a step that must be put right first; nothing was changed."""
    return ActivationStep(name=name, state=StepState.REFUSED, text=text, fix=fix)


def failed(name: str, text: str, fix: str = "") -> ActivationStep:
    """Return a step that was tried, and did not work."""
    return ActivationStep(name=name, state=StepState.FAILED, text=text, fix=fix)
