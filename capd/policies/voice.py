"""The section [calls] (D-1): how a call becomes seconds of an allotment."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from capd.decide.terms.voice import Calls
from capd.policies.shapes import Clause, Strict
from capd.units import seconds_of

_PLAIN = Calls()
_Seconds = Annotated[int, BeforeValidator(seconds_of), Field(ge=1, le=24 * 3600)]


class CallSection(Strict):
    """[calls]: the shortest that counts, and the step that it is rounded up to."""

    clause: Clause = _PLAIN.clause
    minimum: _Seconds = _PLAIN.minimum_s
    step: _Seconds = _PLAIN.step_s

    def terms(self) -> Calls:
        """Return what the section says."""
        return Calls(minimum_s=self.minimum, step_s=self.step, clause=self.clause)
