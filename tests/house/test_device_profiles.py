"""What a person who adds a radio reads is whole: every key, every figure, every family."""

import re

import pytest

from capd import polled
from capd.profiles import load_all
from tests.house.test_house import ROOT

GUIDE = (ROOT / "device_profiles" / "README.md").read_text()
MODELS = [
    polled.Age, polled.HealthOid, polled.Interfaces, polled.Narrow, polled.Recognise,
    polled.SnmpCollect, polled.Table, polled.UptimeOid,
]  # fmt: skip


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_of_a_profile_is_explained(model):
    named = set(re.findall(r"[a-z_]+", "".join(re.findall(r"`[^`]*`", GUIDE))))
    assert set(model.model_fields) - named == set()


def test_every_figure_of_health_is_named():
    named = set(re.findall(r"`([a-z_]+)`", GUIDE))
    assert (polled.NUMBERS | polled.TEXTS) - named == set()


def test_every_family_is_in_the_front_page():
    front = (ROOT / "README.md").read_text()
    assert [name for name in load_all() if f"`{name}`" not in front] == []
