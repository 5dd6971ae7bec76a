"""Facts: what billing, NOC and field tell of a subscriber, as the registry of facts knows them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, create_model

from capd.amend import Correction, correct_turn
from capd.answers.subscribers import known, standing_of
from capd.api.calls import PREFIX, Answer, AnyCall, Ask, Asked, Call, Nothing
from capd.api.outcomes import Witnessed
from capd.api.problems import Problem
from capd.api.requests import Note, mistaken
from capd.api.roles import MAY, MONEY_REASONS, Right, right_of, roles_with
from capd.api.shapes import Facts, Outcome
from capd.decide import facts
from capd.decide.facts import FACTS, FactKind
from capd.errors import CannotBeDone, NoSuch
from capd.lines import detail_text
from capd.model import Fact, SubscriberId
from capd.pipeline import accept_turn
from capd.units import moment_of, signed_bytes_of

_SUBJECT = "Facts"
_HELD = ("hold", "release")
_HINTS = {  # a later kind of fact may have others: its help says what they are
    "size": 'Such as "10GB"; a bare number is bytes.',
    "reference": "Whose it is in your books: the same one twice counts once.",
    "note": "Why; kept in the audit trail.",
    "until": "RFC 3339, such as 2026-03-01T09:00:00Z.",
    "down": 'A rate such as "2Mbps".',
    "up": 'A rate such as "512kbps".',
    "product": "The id of a product.",
    "amount": 'Such as "25.00", in the operator\'s currency.',
}


def _body_of(name: str, kind: FactKind) -> type[BaseModel]:
    """Return what the body of that fact may be: text or numbers by the registry's names."""
    value = str | bool | int | float
    fields: dict[str, Any] = {
        key: (value, Field(description=_HINTS.get(key))) for key in kind.required
    } | {
        key: (value | None, Field(default=None, description=_HINTS.get(key)))
        for key in kind.optional
    }
    title = "".join(word.capitalize() for word in name.split("_"))
    return create_model(f"{title}Fact", __base__=Asked, **fields)


_BODIES = {name: _body_of(name, kind) for name, kind in FACTS.items() if kind.of_subscriber}


class ReleaseQuery(Asked):
    """Why a hold is closed."""

    note: str | None = Field(default=None, description="Why; kept in the audit trail.")


def _signed(value: str | int) -> str | int:
    signed_bytes_of(value)
    return value


_Signed = Annotated[str | int, AfterValidator(_signed)]


class CorrectionBody(Asked):
    """A person's own figures: added to what was counted."""

    down: _Signed = Field(default=0, description='Such as "10GB" or "-500MB".')
    up: _Signed = Field(default=0, description='Such as "10GB" or "-500MB".')
    period: str | None = Field(default=None, description="Such as 2026-03; else the running one.")
    at: str | None = Field(default=None, description="To date it then: RFC 3339.")
    note: Note


async def tell(
    ask: Ask[Any, Any], name: str, details: Mapping[str, str], status: int = HTTPStatus.OK
) -> Answer:
    """Tell a fact, and return what became different; *status* is that of a change."""
    _expect_may_hold(ask, name, details)
    who = ask.path["id"]
    fact = Fact(
        at=ask.now,
        fact=name,
        subscriber=SubscriberId(who),
        details=details,
        author=ask.author,
    )
    wrong = facts.check(fact)
    if wrong:
        raise mistaken(*wrong)
    await known(ask.house, who)
    witness = Witnessed(ask.keep, status)
    refused = await accept_turn(ask.house, fact, now=ask.now, witness=witness)
    if refused is not None:
        raise CannotBeDone(refused)
    return witness.answer


def _expect_may_hold(ask: Ask[Any, Any], name: str, details: Mapping[str, str]) -> None:
    if name in _HELD and Right.SERVICE not in MAY[ask.token.role]:
        reason = details.get("reason", "")
        if reason not in MONEY_REASONS:
            words = " and ".join(sorted(MONEY_REASONS))
            raise Problem(
                HTTPStatus.FORBIDDEN,
                f"{ask.token.role} opens and closes holds for {words}; {reason or 'any other'} "
                f"takes {' or '.join(roles_with(Right.SERVICE))}",
            )


def _details(body: BaseModel) -> dict[str, str]:
    """Return a body as the details of a fact: text, as in a replay's line."""
    return {key: detail_text(value) for key, value in body.model_dump(exclude_none=True).items()}


def telling(
    name: str,
    path: str,
    *,
    subject: str = _SUBJECT,
    status: int = HTTPStatus.OK,
    words: str | None = None,
) -> AnyCall:
    """Return the call at *path* that tells the fact *name*."""

    async def handle(ask: Ask[Nothing, Any]) -> Answer:
        return await tell(ask, name, _details(ask.body), status)

    statuses = (HTTPStatus.OK,) if status == HTTPStatus.OK else (HTTPStatus.OK, status)
    return Call(
        method="POST",
        path=path,
        subject=subject,
        right=right_of(name),
        help=words or f"Tell the fact {name}",
        more=FACTS[name].help,
        query=Nothing,
        body=_BODIES[name],
        answer=Outcome,
        statuses=statuses,
        handle=handle,
    )


async def release(ask: Ask[ReleaseQuery, None]) -> Answer:
    """Close a hold; NoSuch where none is open for that reason."""
    standing = await standing_of(ask.house, ask.path["id"], ask.now)
    reason = ask.path["reason"]
    details = {"reason": reason, "note": ask.query.note or ""}
    _expect_may_hold(ask, "release", details)
    if reason not in [hold.reason for hold in standing.holds]:
        raise NoSuch(f"no hold for {reason!r} is open")
    return await tell(ask, "release", details)


async def correct(ask: Ask[Nothing, CorrectionBody]) -> Answer:
    """Add to what was counted, or take away from it."""
    body = ask.body
    try:
        at = None if body.at is None else moment_of(body.at)
    except ValueError as exc:
        raise mistaken(f"at: {exc}") from None
    subscriber = await known(ask.house, ask.path["id"])
    correction = Correction(
        subscriber=subscriber.id,
        down_bytes=signed_bytes_of(body.down),
        up_bytes=signed_bytes_of(body.up),
        note=body.note,
        author=ask.author,
        period=body.period,
        at=at,
    )
    witness = Witnessed(ask.keep, HTTPStatus.CREATED)
    await correct_turn(ask.house, correction, now=ask.now, witness=witness)
    return witness.answer


async def kinds(ask: Ask[Nothing, None]) -> Answer:
    """Return the kinds of facts, and which of them this token may tell."""
    may = MAY[ask.token.role]
    return Answer(
        {
            "items": [
                {
                    "fact": name,
                    "help": FACTS[name].help,
                    "required": list(FACTS[name].required),
                    "optional": list(FACTS[name].optional),
                    "path": f"{PREFIX}/subscribers/{{id}}/facts/{name}",
                    "roles": [role.value for role in roles_with(right_of(name))],
                    "yours": right_of(name) in may,
                }
                for name in _BODIES
            ]
        }
    )


CALLS: tuple[AnyCall, ...] = (
    telling(
        "topup",
        "/subscribers/{id}/topups",
        status=HTTPStatus.CREATED,
        words="Add data to the running period",
        subject="Subscribers",
    ),
    telling(
        "plan",
        "/subscribers/{id}/plan",
        words="Change the product",
        subject="Subscribers",
    ),
    telling(
        "hold",
        "/subscribers/{id}/holds",
        status=HTTPStatus.CREATED,
        words="Open a hold",
        subject="Subscribers",
    ),
    Call(
        method="DELETE",
        path="/subscribers/{id}/holds/{reason}",
        subject="Subscribers",
        right=right_of("release"),
        help="Close a hold",
        more=FACTS["release"].help,
        query=ReleaseQuery,
        answer=Outcome,
        handle=release,
    ),
    Call(
        method="POST",
        path="/subscribers/{id}/corrections",
        subject="Subscribers",
        right=Right.LEDGER,
        help="Correct what was counted",
        more="An entry of its own with who and why; nothing that stands is changed.",
        query=Nothing,
        body=CorrectionBody,
        answer=Outcome,
        statuses=(HTTPStatus.CREATED,),
        handle=correct,
    ),
    Call(
        method="GET",
        path="/facts",
        subject=_SUBJECT,
        right=Right.OFFERS,
        help="List the kinds of facts that may be told",
        query=Nothing,
        answer=Facts,
        handle=kinds,
    ),
    *(telling(name, f"/subscribers/{{id}}/facts/{name}") for name in _BODIES),
)
