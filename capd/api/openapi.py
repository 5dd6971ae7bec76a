"""The OpenAPI 3.1 document, from the very declarations that the routes are made of."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from capd import __version__
from capd.api.calls import JSON, PREFIX, AnyCall
from capd.api.problems import CONTENT_TYPE
from capd.api.roles import roles_with
from capd.api.shapes import ProblemDocument

_ALWAYS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_OF_WRITES = (
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
_ABOUT = """\
Errors are problem documents (RFC 9457). Lists are paged: hand the `next` of a page back as
`cursor`. Writes take an `Idempotency-Key`: asked again with the same key within a week, they are
answered again and not done again. Sizes are bytes, rates bits a second, money is decimal text,
times are RFC 3339 in UTC, periods the operator's local months."""
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text that is new for each thing to be done.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}

Schema = dict[str, Any]


def document(calls: Iterable[AnyCall]) -> Schema:
    """Return the document of *calls*, ready for JSON."""
    every = list(calls)
    refs, components = _components(every)
    paths: dict[str, Schema] = {}
    for call in every:
        paths.setdefault(PREFIX + call.path, {})[call.method.lower()] = _operation(call, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "capd", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "tags": [{"name": name} for name in dict.fromkeys(call.subject for call in every)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _components(calls: Iterable[AnyCall]) -> tuple[dict[type[BaseModel], Schema], Schema]:
    answers: set[type[BaseModel]] = {call.answer for call in calls} | {ProblemDocument}
    bodies = {call.body for call in calls if call.body is not None}
    wanted = [(model, "serialization") for model in sorted(answers, key=lambda m: m.__name__)]
    wanted += [(model, "validation") for model in sorted(bodies, key=lambda m: m.__name__)]
    found, top = models_json_schema(
        wanted,  # type: ignore[arg-type]
        ref_template="#/components/schemas/{model}",
    )
    return {
        model: schema for (model, _), schema in found.items() if issubclass(model, BaseModel)
    }, top.get("$defs", {})


def _operation(call: AnyCall, refs: dict[type[BaseModel], Schema]) -> Schema:
    roles = ", ".join(roles_with(call.right))
    own = "; portal for its own subscriber" if call.own else ""
    told: Schema = {
        "operationId": call.name,
        "summary": call.help,
        "description": f"{call.more}\n\nRoles: {roles}{own}.".strip(),
        "tags": [call.subject],
        "parameters": [_place(name) for name in call.places] + _query(call.query),
        "responses": _responses(call, refs),
    }
    if call.writes:
        told["parameters"].append(_KEY)
    if call.body is not None:
        told["requestBody"] = {
            "required": call.needs_body,
            "content": _json(refs[call.body]),
        }
    elif call.takes != JSON:
        schema = {"type": "string", "minLength": 1, "contentMediaType": call.takes}
        told["requestBody"] = {"required": True, "content": {call.takes: {"schema": schema}}}
    return told


def _place(name: str) -> Schema:
    number = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
    text = {"type": "string", "minLength": 1}
    schema = number if name == "number" else text
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query(model: type[BaseModel]) -> list[Schema]:
    schema = model.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "description": one.pop("description", ""),
            "schema": _bare(one, schema.get("$defs", {})),
        }
        for name, one in schema.get("properties", {}).items()
    ]


def _bare(one: Schema, known: Schema) -> Schema:
    """Return the schema of a query's value: there is no null in a query."""
    kinds = [each for each in one.get("anyOf", [one]) if each.get("type") != "null"]
    kind = kinds[0]
    return dict(known[kind["$ref"].rpartition("/")[2]] if "$ref" in kind else kind)


def _responses(call: AnyCall, refs: dict[type[BaseModel], Schema]) -> Schema:
    content = _json(refs[call.answer])
    if call.stream is not None:
        content["text/event-stream"] = {"schema": {"type": "string"}}
    told: Schema = {
        str(int(status)): {"description": HTTPStatus(status).phrase, "content": content}
        for status in call.statuses
    }
    places = (HTTPStatus.NOT_FOUND,) if call.places else ()
    for status in sorted({*_ALWAYS, *places, *call.problems, *(_OF_WRITES if call.writes else ())}):
        told[str(int(status))] = {
            "description": HTTPStatus(status).phrase,
            "content": {CONTENT_TYPE: {"schema": refs[ProblemDocument]}},
        }
    if call.body is not None or call.takes != JSON:
        told["415"] = told["400"] | {"description": "Unsupported Media Type"}
    told["503"] = told["400"] | {"description": "The books cannot be used right now"}
    return told


def _json(schema: Schema) -> Schema:
    return {JSON: {"schema": schema}}
