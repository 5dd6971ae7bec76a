"""From a decision to the proof that it was told: over a relay, killed in between, come back."""

import asyncio
import csv
import io
import json
import os
import signal
import sys

import pytest

from capd.store import Store
from tests import reports
from tests.servers.commandline import Capd
from tests.servers.smtp import a_relay

SUBSCRIBERS = {
    "products": [{"id": "home-100", "name": "Home 100", "cap": "100GB", "price": "25.00"}],
    "subscribers": [
        {"id": "S-1", "name": "Anna", "email": "anna@example.net", "product": "home-100"},
        {"id": "S-2", "name": "Bert", "product": "home-100"},
    ],
}


class Installation(Capd):
    """capd in a folder of its own, whose mails go to a relay in this test's loop."""

    async def do(self, *arguments, code=0):
        said = await asyncio.to_thread(self, *arguments)
        assert said.code == code, said
        return said

    async def store(self):
        return await Store.open(f"sqlite:///{self.folder}/capd.db")

    async def records(self, *arguments):
        return (await self.do(*arguments, "--json")).json()


def installed(folder, relay):
    capd = Installation(folder)
    capd.ok("init")
    config = folder / "capd.toml"
    config.write_text(
        f'{config.read_text()}\n[notify.email]\nsmtp = "{relay.url}"\nfrom = "a@example.org"\n'
    )
    (folder / "people.json").write_text(json.dumps(SUBSCRIBERS))
    capd.ok("import", "people.json")
    return capd


@pytest.fixture
async def relay():
    async with a_relay() as found:
        found.data_answers = ["250 2.0.0 Ok: queued as 4F1A"]
        yield found


@pytest.fixture
def capd(tmp_path, relay):
    return installed(tmp_path, relay)


def returned(relay, n=0, text=reports.POSTFIX):
    """Return the report that the *n*th mail came back."""
    return text.replace(reports.OURS, relay.mails[n]["Message-ID"].strip("<>"))


async def test_a_notice_is_proven_from_the_decision_to_the_mail_servers_words__UC_6(capd, relay):
    await capd.do("topup", "S-1", "7GB", "--reference", "inv-1")
    assert (await capd.records("notices", "list"))[0]["state"] == "waiting"
    await capd.do("once")
    (mail,) = relay.mails
    (proof,) = await capd.records("notices", "proof", "S-1")
    (listed,) = await capd.records("notices", "list", "--subscriber", "S-1")
    assert listed.items() <= proof.items()
    assert (proof["notice"], proof["state"], proof["to"]) == (
        "topup", "accepted", "anna@example.net",
    )  # fmt: skip
    assert proof["answer"] == "250 2.0.0 Ok: queued as 4F1A"
    assert proof["message_id"] == mail["Message-ID"]
    assert proof["decided_at"] <= proof["accepted_at"]
    assert " ".join(proof["text"].split()) in " ".join(
        mail.get_body(("plain",)).get_content().split()
    )
    assert proof["clause"] == "UC-3"
    assert proof["unbroken"]
    store = await capd.store()
    async with store._database.read() as conn:
        row = await conn.exec_driver_sql(f"SELECT hash FROM events WHERE id={proof['event']}")
        assert row.scalar() == proof["hash"]
    await store.close()
    said = (await capd.do("notices", "proof", "S-1")).out
    assert proof["hash"] in said
    assert "queued as 4F1A" in said


async def test_what_was_told_to_nobodys_address_is_in_the_proof_too__UC_7(capd):
    await capd.do("topup", "S-2", "1GB", "--reference", "inv-2")
    (proof,) = await capd.records("notices", "proof", "S-2")
    assert (proof["state"], proof["channel"], proof["notice"]) == ("none", None, "topup")
    assert await capd.records("notices", "list", "--subscriber", "S-2") == []
    assert await capd.records("notices", "proof", "S-2", "--to", "2020-01-01") == []
    assert "S-2: 0 notices" in (await capd.do("notices", "proof", "S-2", "--to", "2020-01-01")).out
    wrong = await capd.do("notices", "proof", "S-2", "--from", "2026-13-01", code=2)
    assert "--from: wants a time such as" in wrong.err
    await capd.do("notices", "proof", "S-9", code=1)
    around = await capd.do("notices", "proof", "S-2", "--from", "3000-01-01", code=2)
    assert "--from" in around.err


async def test_an_event_that_was_tampered_with_proves_nothing(capd):
    await capd.do("topup", "S-1", "1GB", "--reference", "inv-1")
    store = await capd.store()
    async with store._database.write() as conn:
        for trigger in (await conn.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type='trigger' AND tbl_name='events'"
        )).scalars().all():  # fmt: skip
            await conn.exec_driver_sql(f"DROP TRIGGER {trigger}")
        await conn.exec_driver_sql("UPDATE events SET text='2 GB' WHERE kind='topup'")
    await store.close()
    said = await capd.do("notices", "proof", "S-1", "--json", code=1)
    assert [record["unbroken"] for record in said.json()] == [False]
    assert "capd db check" in said.err


async def test_the_proof_as_a_table_has_no_formula_in_it(capd):
    evil = '=HYPERLINK("http://x")'
    await capd.do("topup", "S-1", "1GB", "--reference", '-inv,"1"')
    await capd.do("hold", "S-1", "aup", "--note", evil)
    table = (await capd.do("notices", "proof", "S-1", "--csv")).out
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["notice"] for row in rows] == ["topup", "hold_opened"]
    assert all(cell[:1] not in "=+-@" for row in rows for cell in row.values() if cell)


async def test_killed_between_sending_and_writing_it_down_the_same_mail_goes_out_again(capd, relay):
    await capd.do("topup", "S-1", "7GB", "--reference", "inv-1")
    daemon = capd.background("once")
    relay.when_data = lambda: os.kill(daemon.pid, signal.SIGKILL)
    await asyncio.to_thread(daemon.communicate)
    relay.when_data = None
    assert len(relay.mails) == 1
    assert (await capd.records("notices", "list"))[0]["state"] == "waiting"
    await capd.do("once")
    await capd.do("once")
    first, again = relay.mails
    assert first["Message-ID"] == again["Message-ID"]
    assert first.get_body(("plain",)).get_content() == again.get_body(("plain",)).get_content()
    (listed,) = await capd.records("notices", "list")
    assert (listed["state"], listed["message_id"]) == ("accepted", first["Message-ID"])


async def test_a_notice_that_came_back_is_recorded_once_and_shown__UC_7(capd, relay):
    await capd.do("topup", "S-1", "7GB", "--reference", "inv-1")
    await capd.do("once")
    report = capd.folder / "report.eml"
    report.write_text(returned(relay, text=reports.POSTFIX_DELAY))
    said = await capd.do("notices", "bounced", "report.eml")
    assert said.out == "this is a delay: the mail server still tries: nothing is recorded\n"
    report.write_text(returned(relay))
    first = await capd.records("notices", "bounced", "report.eml")
    assert (first["became"], first["recorded"]) == ("failed", True)
    event = first["event"]
    assert (event["kind"], event["subscriber"], event["clause"]) == (
        "notice_bounced", "S-1", "UC-7",
    )  # fmt: skip
    assert (event["notice"], event["status"], event["address"]) == (
        "topup", "5.1.1", "a***@example.net",
    )  # fmt: skip
    assert "anna@" not in json.dumps(event)
    again = await capd.do("notices", "bounced", "report.eml")
    assert again.out.endswith("That is on record already.\n")
    (lost,) = await capd.records("notices", "list", "--bounced")
    assert (lost["state"], lost["bounce_status"]) == ("bounced", "5.1.1")
    assert lost["accepted_at"] is not None
    assert await capd.records("notices", "list", "--failed") == []
    (proof,) = await capd.records("notices", "proof", "S-1")
    assert proof["bounced_at"] is not None
    explained = await capd.records("explain", "S-1")
    assert [one["notice"] for one in explained["undelivered"]] == ["topup"]
    assert "not told: topup of " in (await capd.do("explain", "S-1")).out
    kinds = [event["kind"] for event in (await capd.do("events", "--json")).records()]
    assert kinds.count("notice_bounced") == 1
    assert (await capd.do("db", "check")).code == 0


async def test_a_notice_that_came_back_is_sent_again_to_a_better_address__UC_7(capd, relay):
    await capd.do("topup", "S-1", "7GB", "--reference", "inv-1")
    await capd.do("once")
    (sent,) = await capd.records("notices", "list")
    refused = await capd.do("notices", "retry", str(sent["id"]), "--note", "x", code=1)
    assert "did not come back" in refused.err
    (capd.folder / "report.eml").write_text(returned(relay))
    await capd.do("notices", "bounced", "report.eml")
    people = {**SUBSCRIBERS, "products": []}
    people["subscribers"] = [{**SUBSCRIBERS["subscribers"][0], "email": "anna@elsewhere.example"}]
    (capd.folder / "people.json").write_text(json.dumps(people))
    await capd.do("import", "people.json")
    again = await capd.records("notices", "retry", str(sent["id"]), "--note", "moved")
    assert (again["state"], again["to"]) == ("waiting", "anna@elsewhere.example")
    late = await capd.do("notices", "bounced", "report.eml")  # of the old address, days later
    assert "sent again, and no more to a***@example.net: nothing is recorded" in late.out
    on_its_way = await capd.do("notices", "retry", str(sent["id"]), "--note", "x", code=1)
    assert "is on its way" in on_its_way.err
    await capd.do("once")
    assert relay.recipients == [["anna@example.net"], ["anna@elsewhere.example"]]
    (listed,) = await capd.records("notices", "list")
    assert listed["state"] == "accepted"
    kinds = [event["kind"] for event in (await capd.do("events", "--json")).records()]
    assert kinds[-2:] != ["notice_retried"] * 2
    assert "notice_retried" in kinds
    await capd.do("notices", "retry", "999", "--note", "x", code=1)


async def test_an_address_refused_at_once_is_listed_and_can_be_tried_again__UC_7(capd, relay):
    relay.rcpt_answers = ["550 5.1.1 nobody of that name"]
    await capd.do("topup", "S-1", "7GB", "--reference", "inv-1")
    await capd.do("once")
    (lost,) = await capd.records("notices", "list", "--failed")
    assert (lost["state"], lost["problem"]) == (
        "failed", "anna@example.net: 550 5.1.1 nobody of that name",
    )  # fmt: skip
    assert lost["accepted_at"] is None
    assert "550 5.1.1 nobody" in (await capd.do("notices", "list", "--failed", "--bounced")).out
    await capd.do("notices", "retry", str(lost["id"]), "--note", "mailbox is back")
    await capd.do("once")
    assert len(relay.mails) == 1
    assert await capd.records("notices", "list", "--failed") == []


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (reports.POSTFIX, 1, "the report names the notice 7, which capd did not send"),
        (reports.POSTFIX.replace(reports.OURS, "x@y"), 1, "the report names no mail of capd's"),
        (reports.VACATION, 0, ""),
        ("\0\0\0", 2, "report.eml: is no mail"),
    ],
)
def test_reports_of_others_and_garbage_are_refused_in_one_line(tmp_path, text, code, words):
    capd = Capd(tmp_path)
    capd.ok("init")
    (tmp_path / "people.json").write_text(json.dumps(SUBSCRIBERS))
    capd.ok("import", "people.json")
    (tmp_path / "report.eml").write_text(text)
    said = capd("notices", "bounced", "report.eml")
    assert said.code == code
    assert words in said.err
    assert len(said.lines) == (code != 0)
    assert capd("notices", "bounced", "gone.eml").code == 2


async def test_a_report_is_taken_from_standard_input_as_a_mail_server_hands_it_over(capd, relay):
    await capd.do("topup", "S-1", "7GB", "--reference", "inv-1")
    await capd.do("once")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "capd", "notices", "bounced", "-",
        cwd=capd.folder, env=capd.environment(),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate(returned(relay, text=reports.EXIM).encode())
    assert (
        out.decode()
        == "The notice topup to a***@example.net came back: 5.2.2 552 5.2.2 mailbox full.\n"
    )
    assert process.returncode == 0
