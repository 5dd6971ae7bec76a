"""[field]: radios that go into service."""

from pydantic import Field

from capd.config.shapes import Strict


class FieldConfig(Strict):
    """What a radio must hear and show before it goes into service; the field page's settings."""

    signal_floor_dbm: float | None = Field(default=None, ge=-150, le=0)  # None: not looked at
    floors: dict[str, float] = Field(default_factory=dict)  # by product, instead
    access_points: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # by sector
    undo_hours: float = Field(default=24, ge=0)  # after that an activation is undone with a note
    signal_watchers: int = Field(default=20, ge=0, le=1000)  # over the API, at once
    signal_minutes: float = Field(default=10, gt=0, le=120)  # each of them
