"""Delivery reports of every kind of mail server: failures are told from all else (UC-7)."""

import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capd.bounces import hidden
from capd.notify.reports import LARGEST, Became, read_report
from capd.told import masked
from tests import reports

NAMED = (7, 1774008000000000)


def read_or_refuse(raw):
    try:
        return read_report(raw), ""
    except ValueError as exc:
        return None, str(exc)


def read(text):
    return read_report(text.encode())


@pytest.mark.parametrize(
    ("name", "recipient", "status", "words"),
    [
        (
            "POSTFIX",
            "anna@example.net",
            "5.1.1",
            "550 5.1.1 <anna@example.net>: no mailbox of",
        ),
        ("INTERNATIONAL", "anna@example.net", "5.1.1", "550 5.1.1 <anna@example.net>: no mailbox"),
        ("EXIM", "anna@example.net", "5.2.2", "552 5.2.2 mailbox full"),
        ("EXIM_OLD", "anna@example.net", "5.1.1", "550 5.1.1 nobody of that name"),
        ("EXCHANGE", "anna@example.net", "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; no"),
        ("GMAIL", "anna@gmail.com", "5.1.1", "550-5.1.1 The account does not exist. Please check"),
        ("QMAIL", "anna@example.net", "5.1.1", "Sorry, no mailbox here by that name. (#5.1.1)"),
    ],
)
def test_a_failure_is_read_whoever_reports_it__UC_7(name, recipient, status, words):
    report = read(getattr(reports, name))
    assert report.became is Became.FAILED
    assert (report.event, report.at) == NAMED
    assert (report.recipient, report.status) == (recipient, status)
    assert words in report.diagnostic


@pytest.mark.parametrize(
    ("name", "became"),
    [
        ("POSTFIX_DELAY", Became.DELAYED),
        ("EXIM_WARNING", Became.DELAYED),
        ("VACATION", Became.OTHER),
        ("REPLY", Became.OTHER),
        ("RECEIPT", Became.OTHER),
        ("COMPLAINT", Became.OTHER),
    ],
)
def test_a_delay_an_answer_and_a_receipt_are_no_bounces__UC_7(name, became):
    report = read(getattr(reports, name))
    assert report.became is became
    assert report.said


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_a_report_of_success_is_no_bounce(action):
    text = reports.POSTFIX.replace("failed\nStatus: 5.1.1", f"{action}\nStatus: 2.0.0")
    assert read(text).became is Became.DELIVERED


def test_a_mail_that_was_tried_for_days_and_given_up_is_a_bounce_though_its_status_is_4():
    text = reports.POSTFIX.replace("Status: 5.1.1", "Status: 4.4.7")
    report = read(text.replace("smtp; 550 5.1.1", "smtp; 450"))
    assert (report.became, report.status) == (Became.FAILED, "4.4.7")


def test_of_several_recipients_the_failed_one_is_told():
    other = "Final-Recipient: rfc822; bob@example.net\nAction: delivered\nStatus: 2.0.0\n\nFinal-R"
    report = read(reports.POSTFIX.replace("Final-R", other, 1))
    assert (report.became, report.recipient) == (Became.FAILED, "anna@example.net")


def test_without_an_action_the_status_says_it():
    text = reports.POSTFIX.replace("Action: failed\n", "")
    assert read(text).became is Became.FAILED
    assert read(text.replace("Status: 5.1.1", "Status: 4.2.2")).became is Became.DELAYED


def test_a_return_path_of_its_own_names_the_notice_where_nothing_else_does():
    text = reports.POSTFIX.replace(reports.OURS, "somebody-elses@example.org")
    assert read(text).event is None
    text = text.replace("To: support@example.org", f"To: support+{reports.OURS}", 1)
    assert (read(text).event, read(text).at) == NAMED


def test_the_returned_mail_is_believed_before_words():
    text = reports.POSTFIX.replace("What was answered:", "<capd.99.5@example.org>")
    assert read(text).event == 7


def nested(depth):
    mail = EmailMessage()
    mail["Subject"] = "x"
    text = "From: a\nTo: b\nSubject: c\n"
    for n in range(depth):
        text += f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n'
    return text


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is no mail"),
        (b"\x00\xff\xfe" * 1000, "is no mail"),
        (b"hello\n\nFrom: me", "is no mail"),
        (b"From: a\n\n" + b"x" * LARGEST, "is larger than"),
        (nested(40_000).encode()[: LARGEST - 1], "more parts than"),
        (b"From: a\n" + b"Content-Type: message/rfc822\n\n" * 30_000, "more parts than"),
    ],
)
def test_what_is_no_report_or_is_made_to_hurt_is_refused_in_one_line(raw, words):
    began = time.monotonic()
    with pytest.raises(ValueError, match=words) as refused:
        read_report(raw)
    assert "\n" not in str(refused.value)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "body", ["<" + "@" * 60_000, "5" * 60_000, "\n" * 60_000, "5.1.1" * 12_000, "capd." * 12_000]
)
def test_words_made_to_keep_a_reader_busy_do_not(body):
    read_report(f"From: MAILER-DAEMON@x\nSubject: failure\n\n{body}".encode())
    read_or_refuse(reports.POSTFIX.replace("550 5.1.1", body).encode())


PIECES = st.sampled_from(
    ["From: a@b\n", "Subject: \udcff\n", "Content-Type: multipart/report; boundary=x\n", "\n",
     "--x\n", "--x--\n", "Content-Type: message/delivery-status\n", "Action: failed\n",
     "Content-Type: message/rfc822\n", "Content-Type: text/plain; charset=nope\n", "Status: 5.\n",
     "Content-Transfer-Encoding: base64\n", "Message-ID: <capd.1.2@x>\n", "=?utf-8?q?=ff?=\n",
     "Content-Type: message/global-delivery-status\n", "Final-Recipient: ;\n", "é\n"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30), st.binary(max_size=40))
def test_any_bytes_are_a_report_or_a_refusal_in_one_line(pieces, tail):
    raw = "".join(pieces).encode("utf-8", "surrogateescape") + tail
    report, refusal = read_or_refuse(raw)
    assert report is not None or refusal.isprintable()
    assert report is None or (report.diagnostic + report.recipient).isprintable()


def test_an_address_is_masked_so_that_its_owner_knows_it():
    assert masked("anna@example.net") == "a***@example.net"
    assert masked("nobody") == "***"
    assert hidden("550 <Anna@Example.net>: anna@example.net", "anna@example.net", None, "x") == (
        "550 <a***@example.net>: a***@example.net"
    )
