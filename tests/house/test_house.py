"""The house holds: imports point downstairs, everything is tested, small, and speaks of itself."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 45
LEFTOVERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
TEXT = {".py", ".toml", ".md", ".yaml", ".yml", ".json", ".service", ".cfg", ".txt", ".html"}

# A module that no test imports by its name, and the tests that go through it. The longest prefix
# counts; whatever fits none must have a test of its own.
TESTED_THROUGH = {
    "capd.__main__": ("tests/integration/test_cli_setup.py", "one line that calls the cli"),
    "capd.activate": ("tests/integration/test_activate.py", "real SNMP and SSH to a router"),
    "capd.account": ("tests/unit/test_account_usage.py", "the stage's sentence"),
    "capd.api": ("tests/integration/test_api_v1.py", "asked over HTTP"),
    "capd.answers": ("tests/integration/test_cli_facts.py", "what commands print"),
    "capd.brake": ("tests/integration/test_cli_facts.py", "pause and resume"),
    "capd.cli": ("tests/integration/test_cli_setup.py", "the command line, from outside"),
    "capd.collect": ("tests/integration/test_poller.py", "the stage's Protocol"),
    "capd.companions": ("tests/integration/test_replay_ending.py", "linked services, by files"),
    "capd.config": ("tests/unit/test_config.py", "one line for each mistake in a file"),
    "capd.daemon": ("tests/e2e/test_month.py", "the whole daemon, with real devices"),
    "capd.decide": ("tests/unit/test_decide_cap.py", "rules are seen through `judge`"),
    "capd.cli.in_force": ("tests/integration/test_cli_simulate.py", "what two commands begin with"),
    "capd.foresight": ("tests/unit/test_foresight.py", "the package's sentence"),
    "capd.hindsight": ("tests/integration/test_simulate.py", "the package's sentence"),
    "capd.demo": ("tests/integration/test_demo.py", "the demo, from outside"),
    "capd.dialect": ("tests/unit/test_enforce_render.py", "read with the profiles"),
    "capd.enforce": ("tests/integration/test_ssh_router.py", "real sessions on a router"),
    "capd.gate": ("tests/integration/test_guard.py", "the guard, with the books"),
    "capd.inventory": ("tests/unit/test_inventory.py", "files in, inventories out"),
    "capd.judgement": ("tests/integration/test_pipeline.py", "verdicts, by the turns"),
    "capd.network": ("tests/integration/test_pipeline.py", "which device is asked how"),
    "capd.objections": ("tests/integration/test_replay_contract.py", "facts that are refused"),
    "capd.opening": ("tests/integration/test_cli_facts.py", "the books as a command opens them"),
    "capd.once": ("tests/integration/test_pipeline.py", "the turns, by hand"),
    "capd.parts": ("tests/e2e/test_month.py", "the wiring of the daemon"),
    "capd.policies": ("tests/unit/test_policies.py", "files in, policies out"),
    "capd.proof": ("tests/integration/test_drift.py", "devices read back, between orders"),
    "capd.rounds": ("tests/integration/test_pipeline.py", "the turns, again and again"),
    "capd.series": ("tests/unit/test_metrics.py", "shown with the other metrics"),
    "capd.simulator": ("tests/integration/test_simulator_agent.py", "asked by real clients"),
    "capd.store": ("tests/integration/test_ledger.py", "the books, on both databases"),
    "capd.systemd": ("tests/e2e/test_month.py", "a datagram to the service manager"),
}
LONG_FOR_A_REASON = {
    "capd/model.py": "the words: they are read together, from arrow to arrow",
    "capd/store/migrations/versions/0001_first.py": "a migration lists every column once",
}


def ours(*folders):
    """Return the files that git knows, or would on the next commit; all files without git."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        paths = [ROOT / line for line in listed.stdout.splitlines()]
        return sorted(path for path in paths if path.is_file())
    places = [ROOT / folder for folder in folders] or [ROOT]
    return sorted(path for place in places for path in place.rglob("*") if path.is_file())


def modules(folder="capd"):
    return [path for path in ours(folder) if path.suffix == ".py"]


def dotted(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def imported_by_tests():
    names = set()
    for path in modules("tests"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def through(module):
    prefixes = [p for p in TESTED_THROUGH if module == p or module.startswith(f"{p}.")]
    return TESTED_THROUGH.get(max(prefixes, key=len, default=""))


def test_every_import_points_downstairs():
    found = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr


def test_every_module_is_tested_by_name_or_through_another():
    known = imported_by_tests()
    untested = [
        module for module in map(dotted, modules()) if module not in known and not through(module)
    ]
    assert untested == []


@pytest.mark.parametrize(("module", "test"), TESTED_THROUGH.items())
def test_what_is_tested_through_another_is_there_and_so_is_the_test(module, test):
    path = ROOT / Path(*module.split("."))
    assert path.with_suffix(".py").is_file() or path.is_dir()
    assert (ROOT / test[0]).is_file(), f"{module} is said to be tested by {test[0]}: {test[1]}"


def test_no_module_is_long():
    long = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in modules()
        if str(path.relative_to(ROOT)) not in LONG_FOR_A_REASON
    }
    assert {path: n for path, n in long.items() if n > MOST_LINES} == {}


def test_no_function_is_long():
    long = []
    for path in modules():
        if str(path.relative_to(ROOT)) in LONG_FOR_A_REASON:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > MOST_LINES_OF_A_FUNCTION:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines}")
    assert long == []


def test_nothing_is_named_for_nothing():
    idle = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}
    assert [path for path in ours("capd", "tests") if path.stem in idle] == []


def readable():
    here = Path(__file__)
    return [path for path in ours() if path.suffix in TEXT and path != here]


def test_nothing_is_left_to_be_done_in_the_files():
    left = [
        f"{path.relative_to(ROOT)}:{n}"
        for path in readable()
        for n, line in enumerate(path.read_text().splitlines(), 1)
        if LEFTOVERS.search(line)
    ]
    assert left == []


def test_no_file_speaks_of_the_machine_that_it_was_written_on():
    home = f"{Path.home()}{os.sep}"
    places = [re.escape(f"{ROOT}{os.sep}"), re.escape(home), r"/tmp/\w"]
    if ROOT.parent != Path(ROOT.anchor):
        places.append(re.escape(f"{ROOT.parent}{os.sep}"))
    speaks = re.compile(rf"(?<![\w.~-])(?:{'|'.join(places)})")
    found = [
        f"{path.relative_to(ROOT)}:{n}: {line.strip()}"
        for path in readable()
        for n, line in enumerate(path.read_text().splitlines(), 1)
        if speaks.search(line)
    ]
    assert found == []


def test_migrations_are_one_chain_each_after_the_one_before():
    told = []
    for path in sorted((ROOT / "capd" / "store" / "migrations" / "versions").glob("*.py")):
        text = path.read_text()
        names = re.findall(r'^(?:down_)?revision = (?:"(\w+)"|None)$', text, re.MULTILINE)
        told.append((path.name.partition("_")[0], *names))
    numbers = [number for number, *_ in told]
    assert told == list(zip(numbers, numbers, ["", *numbers], strict=False))


def test_periods_are_asked_for_by_the_cycle_and_not_by_the_day_that_holds_today():
    calls = re.compile(
        r"\b(?:period_of|next_period|period_before|period_named|parts)\([^()]*\.cycle_day"
    )
    found = [path.name for path in (ROOT / "capd").rglob("*.py") if calls.search(path.read_text())]
    assert found == []  # a changed cycle day leaves periods that were: see capd/account/periods.py
