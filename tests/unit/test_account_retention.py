"""How long records are kept: local days, each kind its own, and never too short."""

from datetime import UTC, datetime, timedelta

import pytest

from capd.account.retention import DISPUTE_DAYS, Keep, cuts
from capd.config import load
from capd.config.retention import RetentionConfig
from capd.errors import ConfigError
from tests.builders import LONDON


def test_records_go_at_local_midnights_once_a_day():
    keep = Keep(raw_days=90)
    night = datetime(2026, 6, 30, 22, 59, tzinfo=UTC)
    found = cuts(keep, night, LONDON)
    assert found.raw == datetime(2026, 3, 31, 23, tzinfo=UTC)  # summer time by then
    assert found == cuts(keep, night - timedelta(hours=23), LONDON)
    assert found != cuts(keep, night + timedelta(minutes=1), LONDON)
    assert found.days < found.hours < found.raw < found.disputes


def test_what_the_file_leaves_out_is_what_the_code_assumes():
    assert RetentionConfig().keep == Keep()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("raw_days = 59", f"retention.raw_days: wants at least {DISPUTE_DAYS} days, not 59"),
        ("hours_days = 89", "retention: raw_days, hours_days and days_days must not fall"),
        ("days_days = 300", "retention: raw_days, hours_days and days_days must not fall"),
        ("transcripts_days = 0", "retention.transcripts_days: "),
        ("day_days = 300", "Did you mean 'days_days'?"),
    ],
)
def test_a_time_that_is_too_short_is_refused_with_a_sentence__E_5(tmp_path, text, problem):
    path = tmp_path / "capd.toml"
    path.write_text(f"[store.retention]\n{text}\n")
    with pytest.raises(ConfigError) as told:
        load(path)
    assert problem in str(told.value)
