"""A campaign small enough for every change; `python -m tests.e2e.campaign` is the long one."""

import os
import secrets

import pytest

from tests.e2e.campaign import Size, campaign

SEED = int(os.environ.get("CAPD_CAMPAIGN_SEED") or secrets.randbelow(10**9))
LONG = bool(os.environ.get("CAPD_CAMPAIGN_LONG"))

pytestmark = pytest.mark.slow


@pytest.mark.timeout(3600 if LONG else 120)
def test_whatever_befalls_and_however_often_it_is_killed_the_books_are_never_more_than_true():
    size = Size(meters=40, days=60, every_s=21_600, kills=6, faults=0.1, seed=SEED)
    found = campaign(Size(seed=SEED) if LONG else size)
    print(found.text())
    assert found.mistakes == []
    assert found.kills == (50 if LONG else 6)
    assert found.clean


@pytest.mark.timeout(3600 if LONG else 120)
def test_the_same_holds_on_postgresql(postgres_server):
    size = Size(meters=20, days=30, every_s=21_600, kills=4, faults=0.1, seed=SEED)
    found = campaign(Size(seed=SEED) if LONG else size, server=postgres_server)
    assert found.mistakes == []
