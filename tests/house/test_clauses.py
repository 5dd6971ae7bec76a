"""Each clause of the terms has a test that names it; the table of them lists just the clauses."""

import re

import pytest

from capd.decide.clauses import TITLES
from tests import clauses

OTHERS = {"E-2", "D-2", "D-3", "D-4", "D-5"}
"""Of network management, as the family NM is: not of the policy alone."""

OURS = [one for one in TITLES if one not in OTHERS and not one.startswith("NM-")]


@pytest.fixture(scope="module")
def held():
    return clauses.held()


@pytest.mark.parametrize("clause", OURS)
def test_a_clause_has_a_test_that_names_it(held, clause):
    assert held[clause]


def test_the_table_lists_the_clauses_and_can_be_made_anew():
    listed = re.findall(r"^\| ([A-Z]+-[0-9]+) \|", clauses.TABLE.read_text(), re.MULTILINE)
    made = re.findall(r"^\| ([A-Z]+-[0-9]+) \|", clauses.table(), re.MULTILINE)
    assert listed == made == list(TITLES), "python -m tests.clauses makes it anew"
