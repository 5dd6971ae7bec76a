"""What the keys of a policy file may hold."""

from contextlib import suppress
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from capd.units import bps_of, bytes_of, seconds_of


def _quantity(text: str | int) -> int:
    try:
        return bytes_of(text)
    except ValueError:
        with suppress(ValueError):
            return seconds_of(text)  # of products that count seconds (D-1)
        raise


Size = Annotated[int, BeforeValidator(_quantity), Field(gt=0)]
Rate = Annotated[int, BeforeValidator(bps_of), Field(gt=0)]
Money = Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=2)]
Clause = Annotated[str, Field(min_length=1, max_length=40)]
Share = Annotated[int, Field(ge=1, le=1000)]
Days = Annotated[int, Field(ge=0, le=3660)]


class Strict(BaseModel):
    """A section: what it does not know is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)
