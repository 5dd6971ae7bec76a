"""Post events, signed, to the operator's own systems; aiohttp's client stays behind this door.

Each request carries `X-Capd-Id` (the event's id: whoever sees it twice drops the second),
`X-Capd-Timestamp` (seconds since 1970) and, where a secret is set, `X-Capd-Signature:
sha256=HEX`, the HMAC-SHA256 of timestamp + "." + body. deploy/README.md shows how to check it.
"""

import asyncio
import errno
import hashlib
import hmac
import os
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp
import orjson

from capd import __version__
from capd.clock import Clock
from capd.config import WebhookConfig, secret
from capd.lines import event_record
from capd.model import Delivery, Secret
from capd.notify import Done, Problem

_AT_ONCE = 16


def body_of(delivery: Delivery) -> bytes:
    """Return the event as JSON, with its id (as `capd events --json` prints it)."""
    return orjson.dumps(event_record(delivery.event, id_=delivery.event_id))


def signature(key: Secret, timestamp: str, body: bytes) -> str:
    """Return what `X-Capd-Signature` says of *body* sent at *timestamp*."""
    signed = hmac.new(key.reveal().encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"


class Webhook:
    """Posts each event to one URL. Use it in the loop that it was first used in."""

    channel = "webhook"

    def __init__(self, config: WebhookConfig, *, clock: Clock) -> None:
        if config.url is None:
            raise ValueError("notify.webhook has no url")
        self.attempts = config.attempts
        self.patience = timedelta()
        self._url = config.url
        self._to = urlsplit(config.url).hostname or "the webhook"  # the rest may be secret
        self._key = None if config.secret is None else secret(config.secret)
        self._timeout_s = config.timeout_s
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def tell(self, delivery: Delivery) -> Done | Problem:
        """Post the event once; 2xx is done, anything else is a problem."""
        body = body_of(delivery)
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client().post(
                    self._url,
                    data=body,
                    headers=self._headers(delivery, body),
                    allow_redirects=False,
                ) as answer,
            ):
                return self._judged(answer)
        except TimeoutError:
            return Problem(text=f"{self._to}: no answer in {self._timeout_s:g} s", silent=True)
        except aiohttp.ClientError as exc:
            why = _in_one_line(exc).replace(self._url, self._to)
            return Problem(text=f"{self._to}: {why}", silent=True)

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_AT_ONCE),
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
                headers={"User-Agent": f"capd/{__version__}"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _headers(self, delivery: Delivery, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._clock().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "X-Capd-Id": str(delivery.event_id),
            "X-Capd-Timestamp": timestamp,
        }
        if self._key is not None:
            headers["X-Capd-Signature"] = signature(self._key, timestamp, body)
        return headers

    def _judged(self, answer: aiohttp.ClientResponse) -> Done | Problem:
        if answer.status // 100 == HTTPStatus.OK // 100:
            return Done(answer=str(answer.status))
        said = f"{self._to}: answered {answer.status}"
        if answer.status // 100 == HTTPStatus.MULTIPLE_CHOICES // 100:
            said += ", and redirects are not followed: set notify.webhook.url to where it leads"
        return Problem(text=said)


def _in_one_line(exc: Exception) -> str:
    if isinstance(exc, aiohttp.ClientConnectorError):
        known = exc.os_error.errno is not None and exc.os_error.errno in errno.errorcode
        why = os.strerror(exc.os_error.errno or 0) if known else exc.os_error.strerror
        return f"cannot be reached ({why or exc.os_error})"
    return " ".join(f"{type(exc).__name__} {exc}".split())
