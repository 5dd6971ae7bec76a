"""[notify]: who is told, and over what."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from capd.config import checks
from capd.config.shapes import SecretText, Strict


class EmailConfig(Strict):
    """The mail relay; without a url nobody is mailed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    smtp: Annotated[str, AfterValidator(checks.smtp_url)] | None = None
    from_: Annotated[str, AfterValidator(checks.mail_address)] | None = Field(
        default=None, alias="from"
    )
    username: Annotated[str, AfterValidator(checks.one_line)] | None = None
    password: SecretText | None = None

    @model_validator(mode="before")
    @classmethod
    def _login(cls, data: object) -> object:
        return checks.split_login(data, "smtp")

    @model_validator(mode="after")
    def _whole(self) -> EmailConfig:
        if self.smtp is not None and self.from_ is None:
            raise ValueError("from is missing: whom the mail is from")
        return self


class WebhookConfig(Strict):
    """Where every event is posted, signed with the secret; the url itself may be a secret."""

    url: Annotated[str, AfterValidator(checks.web_url)] | None = Field(default=None, repr=False)
    secret: SecretText | None = None
    timeout_s: float = Field(default=10, gt=0)
    attempts: int = Field(default=12, ge=1)


class NotifyConfig(Strict):
    """Who is told."""

    email: EmailConfig = EmailConfig()
    webhook: WebhookConfig = WebhookConfig()
    templates: str | None = Field(default=None, min_length=1)  # a folder of the operator's own
    off: Annotated[tuple[str, ...], AfterValidator(checks.kinds)] = ()  # not told to subscribers
