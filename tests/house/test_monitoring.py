"""Dashboards and alerts name only what capd measures, and say what they show, to whom, in what."""

import json
import re
import subprocess

import pytest

from capd.metrics import Metrics
from tests.house.test_house import ROOT
from tests.servers.process import need

DEPLOY = ROOT / "deploy"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
RULES = DEPLOY / "prometheus" / "rules.yaml"
RULES_TEST = DEPLOY / "prometheus" / "rules_test.yaml"
METRIC = re.compile(r"\b(?:capd|process|python)_[a-z0-9_]+\b")
SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "info": ("_info",),
}
VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$job": ".*", "$instance": ".*"}


def measured():
    """Return the name of every series that capd can show."""
    return {
        f"{family.name}{suffix}"
        for family in Metrics()._registry.collect()
        for suffix in SUFFIXES.get(family.type, ("",))
    }


def panels(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", ())


def shown(path):
    """Yield (panel, expression) for everything that a dashboard asks Prometheus."""
    for panel in panels(json.loads(path.read_text())):
        for target in panel.get("targets", ()):
            yield panel, target["expr"]


def substituted(expression):
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def names_in(text):
    """Return the metrics that PromQL names, its label names and texts left out."""
    bare = re.sub(r"\{[^}]*\}|\"[^\"]*\"|by \([^)]*\)", " ", text)
    return set(METRIC.findall(bare))


def test_there_is_a_dashboard():
    assert DASHBOARDS


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_metric_that_a_dashboard_names_is_measured(path):
    named = {name for _, expr in shown(path) for name in names_in(expr)}
    variables = {
        variable["definition"].split("(")[1].split("{")[0].split(",")[0]
        for variable in json.loads(path.read_text())["templating"]["list"]
        if "definition" in variable
    }
    assert named | variables <= measured()


def test_every_metric_that_a_rule_names_is_measured():
    text = re.sub(r"^\s*(summary|action|#).*$", "", RULES.read_text(), flags=re.MULTILINE)
    recorded = set(re.findall(r"record: \S+", text))
    for record in recorded:
        text = text.replace(record, "").replace(record.removeprefix("record: "), "")
    assert names_in(text) - {"capd"} <= measured()


def test_every_metric_of_capd_has_a_panel_or_an_alert():
    """The reverse: nothing is measured that nobody looks at, but for these."""
    drill_down = {"capd_device_up", "capd_build_info"}
    text = RULES.read_text() + "".join(path.read_text() for path in DASHBOARDS)
    unseen = {
        family.name
        for family in Metrics()._registry.collect()
        if family.name.startswith("capd_") and family.name not in text
    }
    assert unseen - drill_down == set()


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_expression_of_a_dashboard_is_sound(path, tmp_path):
    rules = "\n".join(
        f"  - record: panel:number_{n}:value\n    expr: {json.dumps(substituted(expr))}"
        for n, (_, expr) in enumerate(shown(path))
    )
    written = tmp_path / "panels.yaml"
    written.write_text(f"groups:\n- name: panels\n  rules:\n{rules}\n")
    promtool("check", "rules", str(written))


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_says_what_it_shows_and_in_what_unit(path):
    dashboard = json.loads(path.read_text())
    every = list(panels(dashboard))
    assert len({panel["id"] for panel in every}) == len(every)
    for panel in (panel for panel in every if panel["type"] != "row"):
        assert panel["title"], panel["id"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        assert panel["targets"], panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references), panel["title"]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_do_not_lie_on_one_another(path):
    cells = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in panels(json.loads(path.read_text()))
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_query_follows_the_variables_and_reads_counters_as_rates(path):
    for panel, expr in shown(path):
        for name in METRIC.findall(re.sub(r"\{[^}]*\}", "", expr)):
            assert f"{name}{{" in expr, panel["title"]
            if name.endswith(("_total", "_bucket")):
                assert re.search(rf"(rate|increase)\({name}\{{", expr), panel["title"]
        for selector in re.findall(r"\{([^}]*)\}", expr):
            assert 'job=~"$job",instance=~"$instance"' in selector, panel["title"]


def test_the_uids_of_the_dashboards_are_their_own():
    uids = [json.loads(path.read_text())["uid"] for path in DASHBOARDS]
    assert len(set(uids)) == len(uids)


def promtool(*arguments):
    found = subprocess.run(
        [need("promtool"), *arguments],
        cwd=RULES.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_alerts_are_sound_and_fire_when_they_should():
    promtool("check", "rules", RULES.name)
    promtool("test", "rules", RULES_TEST.name)


def test_the_scrape_configuration_is_sound():
    promtool("check", "config", "scrape.yaml")


def test_every_alert_is_tested_and_says_what_to_do():
    alerts = re.findall(r"- alert: (\w+)\n(.*?)(?=\n\n|\Z)", RULES.read_text(), re.DOTALL)
    assert alerts
    tests = RULES_TEST.read_text()
    for name, body in alerts:
        assert f"alertname: {name}" in tests, name
        assert re.search(r"severity: (critical|warning|info)", body), name
        assert re.search(r"^\s+summary: \S", body, re.MULTILINE), name
        assert re.search(r"^\s+action: \S", body, re.MULTILINE), name
