"""API tokens: made and shown once, known again by their digest, taken back.

A token is 256 bits from the operating system, so its plain SHA-256 is kept: there is no dictionary
to try, as there is for passwords, and a slow hash would cost every request what it costs a thief.
"""

import hashlib
import hmac
import re
import secrets
from datetime import datetime

from capd.errors import CannotBeDone, NoSuch
from capd.model import Event, SubscriberId, Token, TokenRole
from capd.store import Store
from capd.strict import did_you_mean
from capd.units import rfc3339

_MARK = "capd_"  # so that scanners for leaked secrets can find one
_BYTES = 32
_LONGEST = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


async def create(
    store: Store,
    name: str,
    role: TokenRole,
    *,
    subscriber: SubscriberId | None,
    author: str,
    now: datetime,
) -> str:
    """Make a token and return it: it is shown this once, and cannot be had again.

    Raises CannotBeDone: the name is taken, or is none; somebody but a portal has a *subscriber*.
    """
    if not _NAME.fullmatch(name):
        raise CannotBeDone(
            f"a token's name has letters, digits, dots, dashes; at most 64: not {name!r}"
        )
    if subscriber is not None and role is not TokenRole.PORTAL:
        raise CannotBeDone(f"only a portal's token is of one subscriber; {role} sees them all")
    whose = "" if subscriber is None else f" of {subscriber}"
    event = Event(
        at=now,
        kind="token_created",
        text=f"API token {name} for the role {role}{whose} was created.",
        author=author,
        figures={"token": name, "role": role.value, "for": subscriber},
    )
    text = _MARK + secrets.token_urlsafe(_BYTES)
    if not await store.tokens.add(name, role, subscriber, digest=_digest(text), event=event):
        raise CannotBeDone(
            f"there is a token {name} already: revoke it first, or take another name"
        )
    return text


async def revoke(store: Store, name: str, *, author: str, now: datetime) -> None:
    """End the token *name*: its next request is refused. NoSuch where there is none."""
    event = Event(
        at=now,
        kind="token_revoked",
        text=f"API token {name} was revoked.",
        author=author,
        figures={"token": name},
    )
    if not await store.tokens.revoke(name, event):
        known = [token.name for token in await store.tokens.listing()]
        problem = f"there is no token {name!r}.{did_you_mean(name, known)}"
        raise NoSuch(problem.removesuffix("."))


async def recognised(store: Store, text: str) -> Token | None:
    """Return the token whose text this is; None where there is none, or none any more."""
    if len(text) > _LONGEST or not text.isascii():
        return None
    digest = _digest(text)
    found = await store.tokens.by_digest(digest)
    if found is None or not hmac.compare_digest(found[1], digest):
        return None
    return found[0]


def token_record(token: Token) -> dict[str, object]:
    """Return a token as JSON wants it."""
    return {
        "name": token.name,
        "role": token.role.value,
        "subscriber": token.subscriber,
        "created_at": rfc3339(token.created_at),
        "created_by": token.created_by,
        "last_used_at": None if token.last_used_at is None else rfc3339(token.last_used_at),
        "revoked_at": None if token.revoked_at is None else rfc3339(token.revoked_at),
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
