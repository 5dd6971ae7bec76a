"""What sections of capd.toml are made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainValidator

from capd.inventory.credentials import as_secret
from capd.model import Secret

SecretText = Annotated[Secret, PlainValidator(as_secret)]
"""A literal, `env:NAME` or `file:PATH`; opened where it is used."""


class Strict(BaseModel):
    """A section: what it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)
