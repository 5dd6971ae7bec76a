"""What went wrong, as a problem document (RFC 9457): type, title, status, detail, errors."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus

from aiohttp import web

from capd.errors import CannotBeDone, ConfigError, NoSuch, StoreError

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTENT_TYPE = "application/problem+json"
_WORDS: Mapping[int, str] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "the body is larger than any call needs"
}
_AGAIN_S = 2  # when the books can be used again, at the earliest


class Problem(Exception):
    """The request is answered with *status* and one sentence; *errors* are a line each."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Iterable[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what went wrong into a problem document."""
    try:
        return await handler(request)
    except web.HTTPException as exc:
        if exc.status < HTTPStatus.BAD_REQUEST:
            raise
        return answer(_of_aiohttp(exc, request.path))
    except Exception as exc:
        problem = of(exc)
        if problem is None:
            log.exception("%s %s failed", request.method, request.path)
            problem = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "")
        return answer(problem)


def of(exc: Exception) -> Problem | None:
    """Return what *exc* is to whoever asked; None for a bug."""
    if isinstance(exc, Problem):
        return exc
    if isinstance(exc, ConfigError):
        return Problem(HTTPStatus.BAD_REQUEST, _how_many(exc.problems), errors=exc.problems)
    if isinstance(exc, NoSuch):
        return Problem(HTTPStatus.NOT_FOUND, str(exc))
    if isinstance(exc, CannotBeDone):
        return Problem(HTTPStatus.CONFLICT, str(exc))
    if isinstance(exc, StoreError):
        log.error("the books cannot be used: %s", exc)
        return Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "the books cannot be used right now; ask again",
            headers={"Retry-After": str(_AGAIN_S)},
        )
    return None


def answer(problem: Problem) -> web.Response:
    """Return *problem* as a response."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
    }
    if problem.detail:
        body["detail"] = problem.detail
    if problem.errors:
        body["errors"] = [_error(line) for line in problem.errors]
    return web.json_response(
        body, status=problem.status, headers=problem.headers, content_type=CONTENT_TYPE
    )


def _error(line: str) -> dict[str, str]:
    """Return one mistake: the key it is in, where it is in one, and what is wrong."""
    key, colon, detail = line.partition(": ")
    return {"key": key, "detail": detail} if colon else {"detail": line}


def _how_many(lines: tuple[str, ...]) -> str:
    return lines[0] if len(lines) == 1 else f"{len(lines)} mistakes, each in errors"


def _of_aiohttp(exc: web.HTTPException, path: str) -> Problem:
    headers = {"Allow": exc.headers["Allow"]} if "Allow" in exc.headers else None
    detail = _WORDS.get(exc.status, "")
    if exc.status == HTTPStatus.NOT_FOUND and path.startswith("/api/"):
        detail = "there is no such path; /api/v1/docs lists what there is"
    return Problem(exc.status, detail, headers=headers)
