"""Delivery reports as mail servers write them: the structure is theirs, the words are ours."""

OURS = "capd.7.1774008000000000@example.org"

RETURNED = f"""\
Return-Path: <support@example.org>
Received: from isp.example.org (isp.example.org [192.0.2.9]) by mx.example.net; 20 Mar 2026
From: Example Wireless <support@example.org>
To: anna@example.net
Subject: Example Wireless: your service is suspended
Message-ID: <{OURS}>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="===============1=="
"""

POSTFIX = f"""\
Return-Path: <>
Date: Fri, 20 Mar 2026 12:00:02 +0000 (UTC)
From: MAILER-DAEMON@isp.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: support@example.org
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="4F1A.1774008002/isp"
Message-Id: <20260320120002.4F1A@isp.example.org>

This is a MIME-encapsulated message.

--4F1A.1774008002/isp
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

The mail could not be handed over to one recipient. What was answered:

<anna@example.net>: host mx.example.net[192.0.2.25] said: 550 5.1.1
    <anna@example.net>: no mailbox of that name here (in reply to RCPT TO command)

--4F1A.1774008002/isp
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; isp.example.org
X-Postfix-Queue-ID: 4F1A
X-Postfix-Sender: rfc822; support@example.org
Arrival-Date: Fri, 20 Mar 2026 12:00:01 +0000 (UTC)

Final-Recipient: rfc822; anna@example.net
Original-Recipient: rfc822;anna@example.net
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; 550 5.1.1 <anna@example.net>: no mailbox of that name
    here

--4F1A.1774008002/isp
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

{RETURNED}
--4F1A.1774008002/isp--
"""

POSTFIX_DELAY = POSTFIX.replace("Undelivered Mail Returned to Sender", "Delayed Mail").replace(
    "Action: failed\nStatus: 5.1.1", "Action: delayed\nStatus: 4.4.1"
)

EXIM = f"""\
Return-path: <>
From: Mail Delivery System <Mailer-Daemon@isp.example.org>
To: support@example.org
Auto-Submitted: auto-replied
X-Failed-Recipients: anna@example.net
Content-Type: multipart/report; report-type=delivery-status; boundary=1774008002-eximdsn-77
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1w3Xyz-0000aB-1C@isp.example.org>
Date: Fri, 20 Mar 2026 12:00:02 +0000

--1774008002-eximdsn-77
Content-type: text/plain; charset=us-ascii

A message could not be delivered to all of its recipients, for good:

  anna@example.net
    SMTP error from remote mail server after RCPT TO: 552 5.2.2 mailbox full

--1774008002-eximdsn-77
Content-type: message/delivery-status

Reporting-MTA: dns; isp.example.org

Action: failed
Final-Recipient: rfc822;anna@example.net
Status: 5.0.0
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; 552 5.2.2 mailbox full

--1774008002-eximdsn-77
Content-type: message/rfc822

{RETURNED}
--===============1==
Content-Type: text/plain

Dear Anna, your service is suspended.

--===============1==--

--1774008002-eximdsn-77--
"""

EXIM_OLD = f"""\
Return-path: <>
From: Mail Delivery System <Mailer-Daemon@isp.example.org>
To: support@example.org
Auto-Submitted: auto-replied
X-Failed-Recipients: anna@example.net
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1w3Xyz-0000aB-1C@isp.example.org>
Date: Fri, 20 Mar 2026 12:00:02 +0000

A message could not be delivered to all of its recipients, for good:

  anna@example.net
    SMTP error from remote mail server after RCPT TO:<anna@example.net>:
    host mx.example.net [192.0.2.25]: 550 5.1.1 nobody of that name

------ What follows is the message, with all headers ------

{RETURNED}
Dear Anna, your service is suspended.
"""

EXIM_WARNING = f"""\
Return-path: <>
From: Mail Delivery System <Mailer-Daemon@isp.example.org>
To: support@example.org
Auto-Submitted: auto-replied
Subject: Warning: message 1w3Xyz-0000aB-1C delayed 24 hours
Date: Sat, 21 Mar 2026 12:00:02 +0000

The message <{OURS}> could not be delivered to anna@example.net so far:
it will be retried for four days. Nothing need be done by you.
"""

EXCHANGE = f"""\
From: Microsoft Outlook
 <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@corp.example.net>
To: "support@example.org" <support@example.org>
Date: Fri, 20 Mar 2026 12:00:05 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="c1b2a3d4-e5f6"
Content-Language: en-GB
Message-ID: <9f8e7d6c-5b4a@corp.example.net>
In-Reply-To: <{OURS}>
References: <{OURS}>
Subject: =?utf-8?B?VW5kZWxpdmVyYWJsZTogRXhhbXBsZSBXaXJlbGVzcw==?=
Auto-Submitted: auto-generated
X-MS-Exchange-Message-Is-Ndr:
MIME-Version: 1.0

--c1b2a3d4-e5f6
Content-Type: multipart/alternative; differences=Content-Type; boundary="aa11"

--aa11
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: base64

WW91ciBtZXNzYWdlIHdhcyBub3QgZGVsaXZlcmVkIHRvIGFubmFAZXhhbXBsZS5uZXQu

--aa11
Content-Type: text/html; charset="utf-8"

<html><body>Not delivered to <b>anna@example.net</b>.</body></html>

--aa11--

--c1b2a3d4-e5f6
Content-Type: message/delivery-status

Reporting-MTA: dns;EX01.corp.example.net
Received-From-MTA: dns;isp.example.org
Arrival-Date: Fri, 20 Mar 2026 12:00:04 +0000

Final-Recipient: rfc822;anna@example.net
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; no such recipient by SMTP lookup
X-Display-Name: anna@example.net

--c1b2a3d4-e5f6
Content-Type: message/rfc822

Received: from EX01.corp.example.net by EX02.corp.example.net; Fri, 20 Mar 2026 12:00:05 +0000
Content-Type: application/ms-tnef; name="winmail.dat"
Subject: Example Wireless: your service is suspended
From: Example Wireless <support@example.org>

--c1b2a3d4-e5f6--
"""

GMAIL = f"""\
Return-Path: <>
From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
To: support@example.org
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: <{OURS}>
In-Reply-To: <{OURS}>
X-Failed-Recipients: anna@gmail.com
Message-ID: <65fab123.050a0220.1f.GMR@mx.google.com>
Date: Fri, 20 Mar 2026 05:00:03 -0700 (PDT)
Content-Type: multipart/report; boundary="000000000000d1"; report-type=delivery-status

--000000000000d1
Content-Type: multipart/related; boundary="000000000000d2"

--000000000000d2
Content-Type: multipart/alternative; boundary="000000000000d3"

--000000000000d3
Content-Type: text/plain; charset="UTF-8"

The address was not found, or cannot take mail.

--000000000000d3--

--000000000000d2--

--000000000000d1
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.com
Received-From-MTA: dns; support@example.org
Arrival-Date: Fri, 20 Mar 2026 05:00:02 -0700 (PDT)
X-Original-Message-ID: <{OURS}>

Final-Recipient: rfc822; anna@gmail.com
Action: failed
Status: 5.1.1
Remote-MTA: dns; gmail-smtp-in.l.google.com. (192.0.2.27, the server for the domain.)
Diagnostic-Code: smtp; 550-5.1.1 The account does not exist. Please check the address
 550 5.1.1 for spelling
Last-Attempt-Date: Fri, 20 Mar 2026 05:00:03 -0700 (PDT)

--000000000000d1--
"""

QMAIL = f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example.net
To: support@example.org
Subject: failure notice
Date: 20 Mar 2026 12:00:02 -0000

Hi. This is the qmail-send program at mx.example.net.
Your message went no further; this is for good.

<anna@example.net>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

{RETURNED}
Dear Anna, your service is suspended. Call 550 123.
"""

INTERNATIONAL = POSTFIX.replace(
    "message/delivery-status", "message/global-delivery-status"
).replace("text/rfc822-headers", "message/global-headers")

VACATION = f"""\
Return-Path: <>
From: Anna <anna@example.net>
To: support@example.org
Subject: Out of office: Example Wireless: your service is suspended
In-Reply-To: <{OURS}>
Auto-Submitted: auto-replied
Date: Fri, 20 Mar 2026 12:00:09 +0000

I am away until Monday. For 550 reasons.
"""

REPLY = f"""\
From: Anna <anna@example.net>
To: support@example.org
Subject: Re: Example Wireless: your service is suspended
In-Reply-To: <{OURS}>
Date: Fri, 20 Mar 2026 13:00:09 +0000

My mails are returned: 550 5.1.1 undeliverable. What is going on?
"""

RECEIPT = f"""\
From: anna@example.net
To: support@example.org
Subject: Read: your service is suspended
Date: Fri, 20 Mar 2026 13:00:09 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary=mdn

--mdn
Content-Type: text/plain

It was shown on a screen.

--mdn
Content-Type: message/disposition-notification

Final-Recipient: rfc822; anna@example.net
Original-Message-ID: <{OURS}>
Disposition: manual-action/MDN-sent-manually; displayed

--mdn--
"""

COMPLAINT = RECEIPT.replace("disposition-notification", "feedback-report")
