"""Voice (D-1): how a call becomes seconds of an allotment."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Each call counts at least so much, and is rounded up."""

    minimum_s: int = 60
    step_s: int = 60
    clause: str = "D-1"

    def counted_s(self, seconds: int) -> int:
        """Return the seconds that a call of *seconds* counts; one that was not answered, none."""
        if seconds <= 0:
            return 0
        least = max(seconds, self.minimum_s)
        return -(-least // self.step_s) * self.step_s
