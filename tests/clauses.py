"""From clause to policy setting to test: `python -m tests.clauses` writes the table anew."""

import ast
import re
import tomllib
from collections import defaultdict
from pathlib import Path

from capd.decide.clauses import TITLES
from capd.policies.cited import cited

ROOT = Path(__file__).parents[1]
POLICIES = ROOT / "deploy" / "policies"
TABLE = POLICIES / "CLAUSES.md"
_NAMED = re.compile(r"(?<![a-z])(uc|nm|au|ct|ad|in|fu|b|c|d|e)[-_]([0-9]+)(?![0-9])", re.IGNORECASE)
_MOST_TESTS = 6  # shown of a clause
_HEAD = """\
# The clauses

What the terms say, where the shipped policies say it, and which tests hold capd to it. Made by
`python -m tests.clauses`; the tests of a clause are found by its id, in their names, their
docstrings, or what a scenario is about.

| clause | about | settings | tests |
|---|---|---|---|
"""


def named(text):
    """Return the ids of the clauses that *text* names, as in `__CT_2` or "CT-2"."""
    found = {f"{family.upper()}-{number}" for family, number in _NAMED.findall(text)}
    return found & TITLES.keys()


def settings():
    """Return the settings that each clause is cited beside, by the policies that do."""
    found = defaultdict(dict)
    for path in sorted(POLICIES.glob("*.toml")):
        for clause, beside in cited(tomllib.loads(path.read_text())).items():
            for setting in beside:
                found[clause].setdefault(setting, []).append(path.stem)
    return found


def held():
    """Return the tests of each clause: "unit/test_decide_cap.py::test_..."."""
    found = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, text in _functions(path):
            for clause in sorted(named(text)):
                found[clause].append(f"{path.relative_to(ROOT / 'tests')}::{name}")
    for path in sorted((ROOT / "tests" / "scenarios").glob("*.toml")):
        for clause in sorted(named(tomllib.loads(path.read_text())["about"])):
            found[clause].append(f"scenarios/{path.name}")
    return found


def _functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
            "test_"
        ):
            yield node.name, f"{node.name} {ast.get_docstring(node) or ''}"


def table():
    """Return the whole file."""
    beside, tests = settings(), held()
    rows = [
        f"| {clause} | {about} | {_settings(beside[clause])} | {_tests(tests[clause])} |\n"
        for clause, about in TITLES.items()
    ]
    return _HEAD + "".join(rows)


def _settings(found):
    return "<br>".join(f"`{name}` ({', '.join(who)})" for name, who in sorted(found.items()))


def _tests(found):
    shown = [f"`{name}`" for name in found[:_MOST_TESTS]]
    more = len(found) - len(shown)
    return "<br>".join([*shown, *([f"and {more} more"] if more else [])])


if __name__ == "__main__":
    TABLE.write_text(table())
