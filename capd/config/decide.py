"""`[decide]`: by which policies usage is judged, and the brake."""

from pydantic import Field

from capd.config.shapes import Strict
from capd.decide.guard import Limits


class DecideConfig(Strict):
    """How usage is judged, and the brake."""

    policy: str | tuple[str, ...] = Field(default="policy.toml", min_length=1)
    paused: bool = False
    most_suspensions: int = Field(default=20, ge=0)
    most_suspensions_in_sector: int | None = Field(default=None, ge=0)
    most_suspended_share: float | None = Field(default=None, gt=0, le=1)  # in any 24 hours
    jump: int = Field(default=40, ge=0)  # caps exceeded in a quarter of an hour; 0: not looked for
    surge: int = Field(default=40, ge=0)  # subscribers whose usage is implausible; likewise
    every_s: float = Field(default=300.0, gt=0)  # everyone is judged again at least this often

    @property
    def limits(self) -> Limits:
        """Return the guard's limits."""
        return Limits(
            most_suspensions=self.most_suspensions,
            most_in_sector=self.most_suspensions_in_sector,
            most_share=self.most_suspended_share,
            jump=self.jump,
            surge=self.surge,
        )

    @property
    def policies(self) -> tuple[str, ...]:
        """Return the files of the policies: versions of one (CT-6), and those of other families."""
        return (self.policy,) if isinstance(self.policy, str) else self.policy
