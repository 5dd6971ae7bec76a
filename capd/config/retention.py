"""`[store.retention]`: how long records are kept."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from capd.account.retention import DISPUTE_DAYS, Keep


def _disputable(days: int) -> int:
    if days < DISPUTE_DAYS:
        raise ValueError(
            f"wants at least {DISPUTE_DAYS} days, not {days}: so long a charge may be disputed, "
            "and the readings behind it must be there (E-5)"
        )
    return days


class RetentionConfig(BaseModel):
    """For how many days each kind of record is kept; totals and the audit trail are for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    raw_days: Annotated[int, AfterValidator(_disputable)] = 90  # single readings
    hours_days: int = Field(default=400, ge=1)
    days_days: int = Field(default=2555, ge=1)
    transcripts_days: int = Field(default=400, ge=1)  # of what was typed on devices
    deliveries_days: int = Field(default=400, ge=1)  # of mails and webhook calls that are over
    every_s: float = Field(default=300.0, gt=0)

    @model_validator(mode="after")
    def _coarser_is_longer(self) -> "RetentionConfig":
        if not self.raw_days <= self.hours_days <= self.days_days:
            raise ValueError(
                "raw_days, hours_days and days_days must not fall: readings become hours, "
                f"hours become days; not {self.raw_days}, {self.hours_days}, {self.days_days}"
            )
        return self

    @property
    def keep(self) -> Keep:
        """Return the days, as those want them who look after the records."""
        return Keep(
            raw_days=self.raw_days,
            hours_days=self.hours_days,
            days_days=self.days_days,
            transcripts_days=self.transcripts_days,
            deliveries_days=self.deliveries_days,
        )
