"""Which settings of a policy file stand beside which clause."""

import tomllib

from capd import policies
from capd.decide.clauses import TITLES
from capd.policies.cited import cited

SHIPPED = sorted(policies.default_path().parent.glob("*.toml"))


def of(text):
    return cited(tomllib.loads(text))


def test_the_settings_of_a_section_are_its_clauses():
    assert of('[notices]\nclause = "UC-11"\nshares = [50, 80]\n') == {
        "UC-11": {"notices.shares": [50, 80]}
    }


def test_a_section_below_belongs_to_the_clause_above_it():
    text = '[repeat]\nclause = "4.2"\naction = "charge"\n[repeat.charge]\nfee = "5.00"\n'
    assert of(text) == {"4.2": {"repeat.action": "charge", "repeat.charge.fee": "5.00"}}


def test_clauses_of_their_own_section_stand_for_the_one_above():
    text = '[addons]\nnotice_hours = 48\n[addons.clauses]\ncancel = "AD-6"\nsingle = "one"\n'
    assert of(text) == {"AD-6": {"addons.notice_hours": 48}, "one": {"addons.notice_hours": 48}}


def test_each_step_of_a_list_has_its_own_clause():
    text = '[[debt.steps]]\nclause = "B-1"\nday = 30\n[[debt.steps]]\nclause = "B-2"\nday = 40\n'
    assert of(text) == {"B-1": {"debt.steps[1].day": 30}, "B-2": {"debt.steps[2].day": 40}}


def test_every_clause_that_a_shipped_policy_cites_has_a_title():
    for path in SHIPPED:
        unknown = cited(tomllib.loads(path.read_text())).keys() - TITLES.keys() - {"operator"}
        assert unknown == set(), path.name
