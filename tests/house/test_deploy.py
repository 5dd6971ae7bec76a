"""What is handed to an operator works as it stands: the example, the unit, the snippets."""

import hashlib
import hmac
import re
import subprocess
import tomllib

import pytest

from capd.api import people, telling
from capd.cli import code
from capd.config import Config, load
from capd.model import Secret, TokenRole
from capd.notify.webhook import signature
from tests.house.test_house import ROOT
from tests.servers.process import need

DEPLOY = ROOT / "deploy"
EXAMPLE = DEPLOY / "capd.example.toml"
UNIT = DEPLOY / "systemd" / "capd.service"
UNSET = re.compile(r"^# (?=[a-z_]+ = )", re.MULTILINE)


def keys_of(table, model, prefix=""):
    """Yield every key that *model* has and every one that *table* has, dotted."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = field.annotation
        if hasattr(inner, "model_fields"):
            yield from keys_of(table.get(field.alias or name, {}), inner, f"{key}.")
        else:
            yield key


OPERATORS_OWN = (  # tables whose keys the operator chooses
    "collect.snmp.firmware_minimum",
    "field.floors",
    "field.access_points",
)


def flat(table, prefix=""):
    for key, value in table.items():
        if isinstance(value, dict) and f"{prefix}{key}" not in OPERATORS_OWN:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def whole():
    """Return the example with every line that is not set put in force."""
    return UNSET.sub("", EXAMPLE.read_text())


def test_the_example_has_every_key_of_the_configuration_and_no_other():
    table = tomllib.loads(whole())
    known = set(keys_of(table, Config)) - {"source"}
    shown = {key if key in known else key.rpartition(".")[0] for key in flat(table)}  # a table's
    assert shown == known


@pytest.mark.parametrize("text", [EXAMPLE.read_text(), whole()], ids=["as it stands", "whole"])
def test_the_example_is_loaded_without_a_mistake(text, tmp_path):
    path = tmp_path / "capd.toml"
    path.write_text(text)
    assert load(path).operator.name == "Example Wireless"


def test_the_example_shows_the_defaults(tmp_path):
    path = tmp_path / "capd.toml"
    path.write_text(EXAMPLE.read_text())
    shown, default = load(path), Config()
    for section in ("collect", "enforce", "notify", "api"):
        assert getattr(shown, section) == getattr(default, section), section
    assert shown.decide.most_suspensions == default.decide.most_suspensions


def test_every_key_of_the_example_is_explained():
    lines = EXAMPLE.read_text().splitlines()
    for above, line in zip(["", *lines], lines, strict=False):
        key = re.match(r"(?:# )?[a-z_]+ = (.*)", line)
        if key:
            assert " # " in key[1] or re.match(r"# [A-Z]", above), line


def test_after_the_installation_the_service_may_read_its_files_and_nobody_else(tmp_path):
    assert code(["init", str(tmp_path)]) == 0
    (line,) = re.findall(
        r"chmod -R .* /etc/capd$", (DEPLOY / "README.md").read_text(), re.MULTILINE
    )
    subprocess.run(line.replace("/etc/capd", str(tmp_path)).split(), check=True)
    found = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert found == dict.fromkeys(("capd.toml", "policy.toml", "inventory.json"), 0o640)


def test_the_unit_is_sound_and_shut():
    analyse = need("systemd-analyze")
    found = subprocess.run(
        [analyse, "security", "--offline=true", "--threshold=20", str(UNIT)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "Unknown" in found.stderr or "unrecognized option" in found.stderr:
        pytest.skip("systemd-analyze knows no --offline")
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_unit_starts_the_daemon_and_does_not_restart_on_a_broken_file():
    text = UNIT.read_text()
    assert "capd run -c /etc/capd/capd.toml" in text
    assert "RestartPreventExitStatus=2" in text
    assert "Type=notify" in text


def snippet(language, heading):
    section = (DEPLOY / "README.md").read_text().split(f"## {heading}")[1].split("\n## ")[0]
    match = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert match, f"no {language} under {heading}"
    return match[1]


def test_the_check_of_signatures_in_the_readme_works():
    given = {}
    exec(snippet("python", "Webhooks"), given)  # what a reader would paste
    body, key = b'{"id": 1}', "a secret"
    now = 1_800_000_000
    headers = {
        "X-Capd-Timestamp": str(now),
        "X-Capd-Signature": signature(Secret(key), str(now), body),
    }
    assert given["genuine"](headers, body, key, now=now)
    assert given["genuine"](headers, body, key, now=now + 200)
    assert not given["genuine"](headers, body, key, now=now + 1000)
    assert not given["genuine"](headers, body + b" ", key, now=now)
    assert not given["genuine"](headers, body, "another", now=now)
    forged = hmac.new(b"another", f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    assert not given["genuine"](
        {**headers, "X-Capd-Signature": f"sha256={forged}"}, body, key, now=now
    )


def test_what_the_readme_of_deploy_names_is_there():
    text = (DEPLOY / "README.md").read_text()
    for name in re.findall(r"\]\(([\w./-]+)\)", text):
        assert (DEPLOY / name).exists(), name


def test_the_readme_says_what_each_role_of_token_may():
    section = (DEPLOY / "README.md").read_text().split("## The API")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(TokenRole)


def test_the_calls_of_the_readme_are_there():
    """Every path that a reader would paste is one that is served."""
    section = (DEPLOY / "README.md").read_text().split("## The API")[1].split("\n## ")[0]
    pasted = re.findall(r"\$API(/[\w/-]+)", section)
    served = {call.path.replace("{id}", "S-1") for call in people.CALLS + telling.CALLS}
    assert len(pasted) == 5
    assert set(pasted) - {"/events"} <= served
