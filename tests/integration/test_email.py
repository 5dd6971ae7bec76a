"""Mail through a real SMTP server: what arrives, and what becomes of each way to fail (UC-7)."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from capd.config import EmailConfig, Operator
from capd.model import Delivery, Event, Inventory, SubscriberId
from capd.notify import Done
from capd.notify.email import Email
from capd.notify.worker import Worker
from tests.builders import CATALOGUE, a_subscriber
from tests.servers.smtp import a_certificate, a_relay

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
OPERATOR = Operator(name="Example Wireless", timezone="Europe/London")


class Register:
    """Who is who."""

    def __init__(self, **changes):
        self.known = a_subscriber("S-1", **changes)

    async def subscriber(self, id_):
        return self.known if id_ == self.known.id else None

    async def products(self):
        return CATALOGUE


def a_delivery(to="a@example.net", event_id=7, **changes):
    given = {
        "at": NOON, "kind": "hold_opened", "clause": "UC-2", "subscriber": SubscriberId("S-1"),
        "text": "Over the cap: 101.2 of 100 GB used; service is suspended (UC-2).",
        "figures": {"reason": "cap", "counted_bytes": 101_200_000_000, "period": "2026-03"},
    }  # fmt: skip
    event = Event(**{**given, **changes})
    return Delivery(id=1, event_id=event_id, channel="email", event=event, to=to)


def an_email(smtp, *, people=None, timeout_s=20.0, **settings):
    config = EmailConfig(**{"smtp": smtp, "from": "support@example.org", **settings})
    return Email(
        config, operator=OPERATOR, people=people or Register(), clock=lambda: NOON,
        timeout_s=timeout_s,
    )  # fmt: skip


async def test_a_suspension_arrives_as_text_and_as_a_page__UC_6():
    async with a_relay() as relay:
        assert isinstance(await an_email(relay.url).tell(a_delivery()), Done)
        (mail,) = relay.mails
    assert relay.recipients == [["a@example.net"]]
    assert mail["From"] == "Example Wireless <support@example.org>"
    assert mail["To"] == "a@example.net"
    assert mail["Subject"] == "Example Wireless: your service is suspended"
    text = mail.get_body(("plain",)).get_content()
    assert "Dear A. Customer," in text
    assert "Used:      101.2 GB" in text or "Used:   101.2 GB" in text
    assert "101.2 GB" in mail.get_body(("html",)).get_content()


async def test_a_repeat_can_be_recognised_and_no_machine_answers_it():
    async with a_relay() as relay:
        door = an_email(relay.url)
        for event_id in (7, 7, 8):
            assert isinstance(await door.tell(a_delivery(event_id=event_id)), Done)
        first, again, other = (mail["Message-ID"] for mail in relay.mails)
        assert first == again != other
        assert first.endswith("@example.org>")
        assert relay.mails[0]["Auto-Submitted"] == "auto-generated"
        assert parsedate_to_datetime(relay.mails[0]["Date"]) == NOON


async def test_a_name_with_line_ends_adds_no_header():
    people = Register(name="Eve\r\nBcc: all@example.net")
    async with a_relay() as relay:
        assert isinstance(await an_email(relay.url, people=people).tell(a_delivery()), Done)
        (mail,) = relay.mails
    assert "Bcc" not in mail
    assert relay.recipients == [["a@example.net"]]


async def test_words_beyond_ascii_arrive_as_they_are():
    people = Register(name="Zoë Łukasz 王")
    async with a_relay() as relay:
        door = an_email(relay.url, people=people, **{"from": "Büro <support@example.org>"})
        assert isinstance(await door.tell(a_delivery(to="zoe@bücher.example")), Done)
        (mail,) = relay.mails
    assert mail["From"] == "Büro <support@example.org>"
    assert relay.recipients == [["zoe@xn--bcher-kva.example"]]
    assert "Dear Zoë Łukasz 王," in mail.get_body(("plain",)).get_content()


async def test_an_address_refused_for_good_is_recorded_and_not_tried_again__UC_7():
    async with a_relay() as relay:
        relay.rcpt_answers = ["550 5.1.1 nobody of that name"]
        problem = await an_email(relay.url).tell(a_delivery())
        assert relay.mails == []
    assert problem.final
    assert not problem.silent
    assert problem.text == "a@example.net: 550 5.1.1 nobody of that name"


async def test_a_mail_refused_for_good_is_recorded_and_not_tried_again__UC_7():
    async with a_relay() as relay:
        relay.data_answers = ["554 5.6.0 unwanted"]
        problem = await an_email(relay.url).tell(a_delivery())
    assert problem.final
    assert "554 5.6.0 unwanted" in problem.text


async def test_a_full_mailbox_is_tried_again_and_then_taken():
    async with a_relay() as relay:
        relay.rcpt_answers = ["452 4.2.2 mailbox full"]
        door = an_email(relay.url)
        problem = await door.tell(a_delivery())
        assert (problem.final, problem.silent) == (False, False)
        assert isinstance(await door.tell(a_delivery()), Done)
        assert len(relay.mails) == 1


async def test_a_relay_that_shuts_down_is_left_alone_for_a_while():
    async with a_relay() as relay:
        relay.rcpt_answers = ["421 4.3.2 shutting down"]
        problem = await an_email(relay.url).tell(a_delivery())
    assert problem.silent
    assert not problem.final


@pytest.mark.parametrize("where", ["rcpt_answers", "data_answers"])
async def test_a_relay_that_hangs_is_given_up_on_in_time(where):
    async with a_relay() as relay:
        setattr(relay, where, [None])
        problem = await an_email(relay.url, timeout_s=0.3).tell(a_delivery())
    assert problem.silent
    assert not problem.final
    assert "127.0.0.1: " in problem.text


async def test_a_relay_that_says_nothing_at_all_is_given_up_on_in_time():
    hung_up = asyncio.Event()

    async def mute(reader, writer):
        await reader.read()
        writer.close()
        hung_up.set()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        problem = await an_email(f"smtp://127.0.0.1:{port}", timeout_s=0.3).tell(a_delivery())
        await hung_up.wait()
    assert problem.silent


async def test_a_relay_that_is_not_there_is_one_line_for_a_person():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    problem = await an_email(f"smtp://127.0.0.1:{port}").tell(a_delivery())
    assert problem.silent
    assert not problem.final
    assert "127.0.0.1" in problem.text
    assert "\n" not in problem.text


@pytest.mark.parametrize(
    "to",
    ["nobody", "a@b, c@d", "a@example.net\r\nBcc: x@y.z", "a@", "@b", "", "ü@example.net", None],
)
async def test_what_is_no_address_is_recorded_and_not_tried__UC_7(to):
    async with a_relay() as relay:
        problem = await an_email(relay.url).tell(a_delivery(to=to))
        assert relay.recipients == []
    assert problem.final
    assert "\n" not in problem.text


async def test_what_customers_are_not_told_is_done_without_a_mail__UC_8():
    async with a_relay() as relay:
        assert isinstance(
            await an_email(relay.url).tell(a_delivery(kind="suspension_delayed")), Done
        )
        assert relay.mails == []


async def test_starttls_is_used_where_it_is_offered_also_without_a_proven_certificate(tmp_path):
    context, _ = a_certificate(tmp_path)
    async with a_relay(tls=context) as relay:
        assert isinstance(await an_email(relay.url).tell(a_delivery()), Done)
        assert relay.secured == [True]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
async def test_a_login_is_made_and_a_wrong_one_is_no_fault_of_the_customer():
    async with a_relay(auth=True) as relay:
        door = an_email(relay.url, username="capd", password="right")
        assert isinstance(await door.tell(a_delivery()), Done)
        assert relay.logins[-1] == ("capd", "right")
        problem = await an_email(relay.url, username="capd", password="wrong").tell(a_delivery())
    assert problem.silent
    assert not problem.final
    assert problem.text.startswith("127.0.0.1: 535 ")


async def test_smtps_wants_a_certificate_that_holds(tmp_path, monkeypatch):
    context, pem = a_certificate(tmp_path)
    async with a_relay(tls=context, implicit=True) as relay:
        url = f"smtps://localhost:{relay.port}"
        problem = await an_email(url).tell(a_delivery())
        assert "certificate verify failed" in problem.text
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        assert isinstance(await an_email(url).tell(a_delivery()), Done)
        assert len(relay.mails) == 1


async def test_a_refused_address_is_recorded_once_and_no_other_channel_is_tried__UC_7(sqlite_store):
    store = sqlite_store
    store.outbox.channels = ("email",)
    people = Inventory(
        products=tuple(CATALOGUE.values()),
        subscribers=(a_subscriber("S-1", email="a@example.net"),),
    )
    await store.people.apply(people, dry_run=False, author="test", at=NOON)
    async with store.judging() as desk:
        await desk.record([a_delivery().event, a_delivery(at=NOON + timedelta(hours=1)).event])
    async with a_relay() as relay:
        relay.rcpt_answers = ["550 5.1.1 nobody of that name"]
        door = an_email(relay.url, people=store.people)
        assert await Worker(store.outbox, door, clock=lambda: NOON).turn() == 1
        assert len(relay.mails) == 1
    ((lost, problem),) = await store.outbox.given_up()
    assert lost.to == "a@example.net"
    assert problem == "a@example.net: 550 5.1.1 nobody of that name"
    assert await store.outbox.due(NOON) == []


async def test_a_relay_that_is_down_for_two_days_loses_no_mail__UC_7(sqlite_store):
    store = sqlite_store
    store.outbox.channels = ("email",)
    people = Inventory(
        products=tuple(CATALOGUE.values()), subscribers=(a_subscriber(email="a@example.net"),)
    )
    await store.people.apply(people, dry_run=False, author="test", at=NOON)
    async with store.judging() as desk:
        await desk.record([a_delivery(at=NOON).event])
    async with a_relay() as relay:
        url = relay.url
    now, end, turns = NOON, NOON + timedelta(days=2), 0
    down = Worker(store.outbox, an_email(url, people=store.people), clock=lambda: now)
    while now < end:
        assert await down.turn() == 0
        now, turns = now + timedelta(hours=1), turns + 1
    assert await store.outbox.given_up() == []
    async with a_relay() as relay:
        up = Worker(store.outbox, an_email(relay.url, people=store.people), clock=lambda: now)
        now += timedelta(hours=6)
        assert await up.turn() == 1
        assert relay.recipients == [["a@example.net"]]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
async def test_a_password_is_not_sent_in_the_clear_to_another_machine():
    async with a_relay(auth=True) as relay:
        elsewhere = f"smtp://127.1:{relay.port}"  # loopback all the same, under an unusual name
        problem = await an_email(elsewhere, username="capd", password="right").tell(a_delivery())
        assert relay.logins == []
    assert "the password is not sent in the clear" in problem.text
    assert not problem.final
    assert problem.silent


async def test_a_password_goes_to_another_machine_only_if_its_certificate_holds(tmp_path):
    context, _ = a_certificate(tmp_path)
    async with a_relay(tls=context, auth=True) as relay:
        elsewhere = f"smtp://127.1:{relay.port}"
        problem = await an_email(elsewhere, username="capd", password="right").tell(a_delivery())
        assert relay.logins == []
    assert "certificate verify failed" in problem.text
