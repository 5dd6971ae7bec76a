"""Write to the address on file (UC-7); aiosmtplib stays behind this door.

A refusal of the address or of the mail for good (5xx) is recorded and not tried again; what may
pass is tried later. STARTTLS is used where it is offered; a password goes to another machine only
over a connection that is encrypted and whose certificate holds.
"""

import asyncio
import ipaddress
import logging
import ssl
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import aiosmtplib

from capd.clock import Clock
from capd.config import EmailConfig, Operator, secret
from capd.model import Delivery, Product, ProductId, Subscriber, SubscriberId
from capd.notify import Done, Problem
from capd.notify.letter import Message, one_line
from capd.notify.messages import Letters
from capd.notify.values import Addressee, addressee_of
from capd.units import micros

log = logging.getLogger(__name__)

_Told = TypeVar("_Told", Done, Problem)

_ATTEMPTS = 12  # a day of them (worker.wait_s)
_PATIENCE = timedelta(days=5)  # RFC 5321, 4.5.4.1: 4 to 5 days, where the relay is down
_TIMEOUT_S = 60.0
_GOODBYE_S = 2.0
_SHUTTING_DOWN = 421  # RFC 5321, 4.2.2
_FOR_GOOD = 500


class People(Protocol):
    """Who is written to, and what their products are called."""

    async def subscriber(self, subscriber: SubscriberId) -> Subscriber | None:
        """Return who that is."""

    async def products(self) -> Mapping[ProductId, Product]:
        """Return the catalogue."""


class Email:
    """Sends each event as a mail to its subscriber, over one relay."""

    channel = "email"
    attempts = _ATTEMPTS
    patience = _PATIENCE

    def __init__(
        self,
        config: EmailConfig,
        *,
        operator: Operator,
        people: People,
        clock: Clock,
        letters: Letters | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        if config.smtp is None or config.from_ is None:
            raise ValueError("notify.email has no smtp or no from")
        self._relay = _Relay(config, timeout_s)
        self._operator = operator
        self._people = people
        self._clock = clock
        self.letters = letters or Letters()  # may be exchanged at any moment
        self._told: str | None = None  # of the operator's templates, what was wrong last
        name, self._from = parseaddr(config.from_)
        self._sender = Address(display_name=name or operator.name, addr_spec=self._from)

    async def tell(self, delivery: Delivery) -> Done | Problem:
        """Send the mail once; a kind that customers are not told about is done at once."""
        if not delivery.to:
            return Problem(text="there is no e-mail address on file", final=True)
        try:
            said = self.letters.message(delivery.event, await self._addressee(delivery))
            if said is None:
                return Done()
            self._warn(said.problem)
            to = _mailbox(delivery.to)
            mail = self._mail(delivery, said, to)
        except (ArithmeticError, LookupError, MessageError, ValueError) as exc:
            return Problem(text=one_line(f"{delivery.to}: cannot be written to: {exc}"), final=True)
        return await self._relay.send(mail, self._from, to.addr_spec)

    async def close(self) -> None:
        """Do nothing: each mail has a connection of its own."""

    async def _addressee(self, delivery: Delivery) -> Addressee:
        event = delivery.event
        who = None if event.subscriber is None else await self._people.subscriber(event.subscriber)
        return addressee_of(event, who, await self._people.products(), self._operator)

    def _warn(self, problem: str) -> None:
        if problem and problem != self._told:
            log.warning("%s; the mail went out in capd's own words", problem)
        self._told = problem or self._told

    def _mail(self, delivery: Delivery, said: Message, to: Address) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = to
        mail["Subject"] = said.subject
        mail["Date"] = format_datetime(self._clock())
        mail["Message-ID"] = _message_id(delivery, self._sender.domain)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine shall answer
        mail.set_content(said.text)
        mail.add_alternative(said.html, subtype="html")
        return mail


class _Relay:
    """The machine that takes the mail; one connection a mail."""

    def __init__(self, config: EmailConfig, timeout_s: float) -> None:
        parts = urlsplit(config.smtp or "")
        self._host, self._port = parts.hostname or "localhost", parts.port
        self._tls = parts.scheme == "smtps"
        self._near = _is_this_machine(self._host)
        self._username = config.username
        self._password = "" if config.password is None else secret(config.password).reveal()
        self._domain = parseaddr(config.from_ or "")[1].rpartition("@")[2]
        self._timeout_s = timeout_s
        self._context = ssl.create_default_context()
        if not self._tls and (self._near or self._username is None):
            # RFC 7435: what would else go in the clear gains by any encryption
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE

    async def send(self, mail: EmailMessage, sender: str, to: str) -> Done | Problem:
        """Hand over one mail; what went wrong is a problem, never an exception."""
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            timeout=self._timeout_s,
            use_tls=self._tls,
            tls_context=self._context,
            local_hostname=self._domain,  # the machine's own name is often no domain
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                problem = await self._connect(client)
                if problem is not None:
                    return await _left(client, problem)
                _, answer = await client.send_message(mail, sender=sender, recipients=[to])
        except (aiosmtplib.SMTPException, OSError, ValueError) as exc:
            client.close()
            return self._judged(exc, to)
        taken = Done(answer=one_line(f"250 {answer}"), message_id=mail["Message-ID"])
        return await _left(client, taken)

    async def _connect(self, client: aiosmtplib.SMTP) -> Problem | None:
        """Connect and log in, where there is a login."""
        await client.connect()
        if self._username is None:
            return None
        if client.get_transport_info("sslcontext") is None and not self._near:
            why = "offers no STARTTLS, and the password is not sent in the clear: use smtps://"
            return Problem(text=f"{self._host}: {why}", silent=True)
        await client.login(self._username, self._password)
        return None

    def _judged(self, exc: Exception, to: str) -> Problem:
        """Return what *exc* means: this mail for good, this mail for now, or any mail for now."""
        refused = exc.recipients[0] if isinstance(exc, aiosmtplib.SMTPRecipientsRefused) else exc
        if isinstance(refused, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError):
            return Problem(
                text=one_line(f"{to}: {refused.code} {refused.message}"),
                final=refused.code >= _FOR_GOOD,
                refused=isinstance(refused, aiosmtplib.SMTPRecipientRefused),
                silent=refused.code == _SHUTTING_DOWN,
            )
        if isinstance(exc, aiosmtplib.SMTPNotSupported):  # an address beyond ASCII
            return Problem(text=one_line(f"{to}: {exc}"), final=True)
        if isinstance(exc, TimeoutError):
            why = f"no answer in {self._timeout_s:g} s"
        elif isinstance(exc, aiosmtplib.SMTPResponseException):
            why = f"{exc.code} {exc.message}"
        else:
            why = str(exc) or type(exc).__name__
        return Problem(text=one_line(f"{self._host}: {why}"), silent=True)


async def _left(client: aiosmtplib.SMTP, told: _Told) -> _Told:
    """QUIT, but never wait long for it: the mail is already theirs. Return *told*."""
    with suppress(aiosmtplib.SMTPException, OSError):
        await client.quit(timeout=_GOODBYE_S)
    client.close()
    return told


def _mailbox(written: str) -> Address:
    """Return the one address that *written* is; ValueError and its kin where it is none."""
    found = Address(addr_spec=written)
    return Address(username=found.username, domain=found.domain.encode("idna").decode("ascii"))


def _message_id(delivery: Delivery, domain: str) -> str:
    """Return the same id for the same event, so that a repeat can be recognised."""
    return f"<capd.{delivery.event_id}.{micros(delivery.event.at)}@{domain}>"


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
