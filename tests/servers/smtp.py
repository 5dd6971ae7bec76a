"""A real SMTP relay (aiosmtpd) on loopback, that refuses, delays and hangs as it is told."""

import asyncio
import datetime as dt
import ssl
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from ipaddress import ip_address

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Relay:
    """What it took, and what it answers next; an answer of None hangs."""

    def __init__(self):
        self.mails = []
        self.recipients = []
        self.secured = []
        self.logins = []
        self.rcpt_answers = []
        self.data_answers = []
        self.port = 0
        self.when_data = None  # called when a mail has come in, before it is answered

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self.rcpt_answers.pop(0) if self.rcpt_answers else "250 ok"
        if answer is None:
            await asyncio.Event().wait()
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        answer = self.data_answers.pop(0) if self.data_answers else "250 taken"
        if answer is None:
            await asyncio.Event().wait()
        if answer.startswith("2"):
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
            self.recipients.append(envelope.rcpt_tos)
            self.secured.append(session.ssl is not None)
            if self.when_data is not None:
                self.when_data()
        return answer

    def authenticate(self, server, session, envelope, mechanism, auth_data):
        self.logins.append((auth_data.login.decode(), auth_data.password.decode()))
        return AuthResult(success=auth_data.password == b"right", handled=False)


@asynccontextmanager
async def a_relay(*, tls=None, implicit=False, auth=False):
    """Run a Relay; *tls* is a server's context, offered as STARTTLS or spoken from the start."""
    relay = Relay()
    options = {"tls_context": None if implicit else tls}
    if auth:
        options |= {
            "authenticator": relay.authenticate,
            "auth_required": True,
            "auth_require_tls": tls is not None and not implicit,
        }
    loop, sessions = asyncio.get_running_loop(), []

    def a_session():
        sessions.append(SMTP(relay, loop=loop, hostname="relay.example.net", **options))
        return sessions[-1]

    server = await loop.create_server(a_session, "127.0.0.1", 0, ssl=tls if implicit else None)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        for session in sessions:
            if session.transport is not None and not session.transport.is_closing():
                session.transport.abort()
        await asyncio.sleep(0.01)  # for the sessions to notice


def a_certificate(folder, name="localhost"):
    """Return a server's TLS context with a certificate that nobody vouches for, and its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    names = [x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "relay.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context, pem
