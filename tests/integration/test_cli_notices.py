"""What subscribers are told, from the command line: how it reads, and what is wrong with it."""

import importlib.util
import subprocess
import sys
import zipfile

import pytest

from capd.notify.files import SHIPPED
from capd.told import TOLD
from tests.conftest import need
from tests.house.test_house import ROOT
from tests.servers.commandline import Capd


@pytest.fixture
def capd(tmp_path):
    """Return an operator with one subscriber, S-1, and a folder for templates."""
    found = Capd(tmp_path)
    found.ok("init")
    found.ok("import", "inventory.json")
    (tmp_path / "notices").mkdir()
    path = tmp_path / "capd.toml"
    settings = 'timezone = "Europe/London"\nsupport = "help@example.net"\n[notify]\n'
    settings += 'templates = "notices"\n'
    path.write_text(path.read_text().replace('timezone = "Europe/London"', settings, 1).replace(
        'currency = "GBP"\n', "", 1))  # fmt: skip
    return found


def write(capd, **files):
    for name, text in files.items():
        (capd.folder / "notices" / f"{name.replace('__', '.')}.j2").write_text(text)


def test_a_notice_can_be_read_before_it_is_sent__UC_6(capd):
    shown = capd.ok("notices", "preview", "usage_50").out
    assert shown.startswith(
        "Subject: Example Wireless: 50 % of your data allowance is used\n\nDear"
    )
    assert "Questions? help@example.net\n" in shown
    assert capd.ok("notices", "preview", "charge", "--html").out.startswith("<!doctype html>\n")
    record = capd.ok("notices", "preview", "hold_opened", "--json").json()
    assert record.keys() == {"kind", "made_up", "subject", "text", "html"}
    for kind in TOLD:
        assert capd.ok("notices", "preview", kind).out.startswith("Subject: Example Wireless: ")


def test_a_real_event_of_a_subscriber_is_shown_where_there_is_one(capd):
    made_up = capd.ok("notices", "preview", "topup", "--subscriber", "S-1", "--json").json()
    assert made_up["made_up"]
    capd.ok("topup", "S-1", "7GB", "--reference", "inv-1")
    real = capd.ok("notices", "preview", "topup", "--subscriber", "S-1", "--json").json()
    assert not real["made_up"]
    assert real["subject"] == "Example Wireless: 7 GB added to your allowance"
    assert "inv-1" in real["text"]
    nobody = capd("notices", "preview", "topup", "--subscriber", "S-l")
    assert (nobody.code, nobody.err) == (
        1, "there is no subscriber 'S-l'. Did you mean 'S-1'?\n"
    )  # fmt: skip
    unknown = capd("notices", "preview", "top_up")
    assert (unknown.code, unknown.err) == (
        2, "nobody is told of 'top_up'. Did you mean 'topup'?\n"
    )  # fmt: skip


def test_an_operators_own_words_are_used_and_checked(capd):
    write(capd, topup="{% set subject = 'thanks' %}", email__html="<i>{{ decision }}</i>")
    assert "templates: " in capd.ok("check").out
    assert capd.ok("notices", "preview", "topup").out.startswith(
        "Subject: Example Wireless: thanks"
    )
    page = capd.ok("notices", "preview", "topup", "--html").out
    assert page == "<i>A sentence about what happened.</i>\n"
    listed = {row["kind"]: row for row in capd.ok("notices", "kinds", "--json").json()}
    assert listed.keys() == TOLD.keys()
    assert listed["topup"]["templates"] == ["topup.j2"]
    assert "topup" in capd.ok("notices", "kinds").out


def test_check_lists_every_mistake_in_templates_with_file_and_line(capd):
    write(capd, hold_opened="\n{% set subject = reasn %}", charge__html="{{ decision }\n",
          email__txt="Dear {{ name }}")  # fmt: skip
    said = capd("check")
    assert said.code == 2
    assert f"{capd.folder}/notices/charge.html.j2:1: unexpected '}}'" in said.err
    write(capd, charge__html="<p>{{ decision }}</p>{{ figures.invoice }}")
    said = capd("check")
    places = sorted({line.split(": ")[0].rpartition("/")[2] for line in said.err.splitlines()})
    assert places == ["charge.html.j2:1", "email.txt.j2", "hold_opened.j2:2"]
    assert said.code == 2
    assert capd("notices", "preview", "charge").code == 2
    assert capd("once").code == 2


def test_check_says_which_files_are_never_looked_at(capd):
    write(capd, hold_open="{{ decision }}", _piece="", __pieces="")
    (capd.folder / "notices" / "charge.html").write_text("x")
    (capd.folder / "notices" / "README").write_text("x")
    said = capd("check")
    folder = f"{capd.folder}/notices"
    assert said.err.splitlines() == [
        f"{folder}/charge.html: is not looked at: call it charge.html.j2",
        f"{folder}/hold_open.j2: there is no such template. Did you mean 'hold_opened.j2'?",
    ]
    (capd.folder / "notices" / "hold_open.j2").unlink()
    (capd.folder / "notices" / "charge.html").unlink()
    (capd.folder / "notices" / "charge.j2").write_bytes(b"\xff")
    assert "charge.j2: " in capd("check").err


def test_a_folder_that_is_not_there_and_a_kind_that_is_none_are_told_by_their_keys(capd):
    path = capd.folder / "capd.toml"
    path.write_text(path.read_text().replace('"notices"', '"elsewhere"\noff = ["topup", "charg"]'))
    said = capd("check")
    assert said.code == 2
    assert "notify.off: nobody is told of 'charg'. Did you mean 'charge'?" in said.err
    path.write_text(path.read_text().replace(', "charg"', ""))
    assert "notify.templates: no such folder: " in capd("check").err
    (capd.folder / "elsewhere").mkdir()
    assert not [row for row in capd.ok("notices", "kinds", "--json").json()
                if row["told"] == (row["kind"] == "topup")]  # fmt: skip


def test_capds_own_templates_are_handed_out_and_hold_as_they_are(capd):
    folder = capd.folder / "notices"
    before = capd.ok("notices", "preview", "charge").out
    capd.ok("notices", "templates", str(folder))
    assert {path.name for path in folder.iterdir()} == {path.name for path in SHIPPED.iterdir()}
    assert "all is well" in capd.ok("check").out
    assert capd.ok("notices", "preview", "charge").out == before
    again = capd("notices", "templates", str(folder))
    assert again.code == 1
    assert "there already, and left alone" in again.err


def test_what_templates_may_use_is_listed_in_one_place(capd):
    listed = capd.ok("notices", "variables", "--json").json()
    assert "decision" in listed["variables"]
    assert listed["words"].keys() == {"subject", "opening", "facts", "way_back"}
    assert "way_back" in capd.ok("notices", "variables").out


def test_a_wheel_brings_the_templates_along(tmp_path):
    need("hatchling", importlib.util.find_spec("hatchling"))
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", tmp_path, ROOT],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    assert {f"capd/notify/letters/{path.name}" for path in SHIPPED.iterdir()} <= names
