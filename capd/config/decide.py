"""`[decide]`: by which policies usage is judged, and the brake."""

from pydantic import Field

from capd.config.shapes import Strict


class DecideConfig(Strict):
    """How usage is judged, and the brake."""

    policy: str | tuple[str, ...] = Field(default="policy.toml", min_length=1)
    paused: bool = False
    most_suspensions: int = Field(default=20, ge=0)
    every_s: float = Field(default=60.0, gt=0)  # everyone is judged again at least this often

    @property
    def policies(self) -> tuple[str, ...]:
        """Return the files of the policies: versions of one (CT-6), and those of other families."""
        return (self.policy,) if isinstance(self.policy, str) else self.policy
