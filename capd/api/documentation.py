"""The page to read the API on: all on one page, nothing from elsewhere, readable on a phone."""

import base64
import hashlib
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from capd.api.calls import PREFIX
from capd.api.once import as_json

_METHODS = ("get", "post", "delete")


def routes(table: web.RouteTableDef, document: dict[str, Any]) -> None:
    """Add the document and its page to *table*."""
    text, page = as_json(document), _page(document)
    policy = f"default-src 'none'; style-src '{_style_hash()}'; frame-ancestors 'none'"

    async def openapi(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type="application/json")

    async def docs(_: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": f"{policy}; base-uri 'none'"}
        return web.Response(text=page, content_type="text/html", headers=headers)

    table.get(f"{PREFIX}/openapi.json")(openapi)
    table.get(f"{PREFIX}/docs")(docs)


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("capd.api", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _style() -> str:
    environment = _environment()
    return environment.get_template("style.css").render()


def _style_hash() -> str:
    digest = hashlib.sha256(_style().encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _page(document: dict[str, Any]) -> str:
    subjects: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            subjects[operation["tags"][0]].append(_call(path, method, operation, schemas))
    return (
        _environment()
        .get_template("docs.html")
        .render(
            info=document["info"],
            subjects=subjects,
            style=_style(),
            schemas={name: _fields(schema) for name, schema in sorted(schemas.items())},
            about={name: schema.get("description", "") for name, schema in schemas.items()},
            prefix=PREFIX,
        )
    )


def _call(
    path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]
) -> dict[str, Any]:
    body = operation.get("requestBody")
    name = None if body is None else _reference(body["content"]["application/json"]["schema"])
    responses = operation["responses"]
    answer = next(iter(responses.values()))["content"]["application/json"]["schema"]
    return {
        "id": operation["operationId"],
        "path": path,
        "method": method.upper(),
        "help": operation["summary"],
        "more": [line for line in operation["description"].split("\n") if line],
        "parameters": [one for one in operation["parameters"] if one["in"] != "path"],
        "body": None if name is None else _fields(schemas[name]),
        "answer": _reference(answer),
        "statuses": [(status, told["description"]) for status, told in responses.items()],
    }


def _fields(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = schema.get("required", ())
    return [
        {
            "name": name,
            "required": name in required,
            "kind": _kind(one),
            "about": one.get("description", ""),
        }
        for name, one in schema.get("properties", {}).items()
    ]


def _kind(one: dict[str, Any]) -> str:
    if "$ref" in one:
        return _reference(one)
    if "anyOf" in one:
        return " or ".join(dict.fromkeys(_kind(each) for each in one["anyOf"]))
    if "enum" in one:
        return ", ".join(map(str, one["enum"]))
    if "const" in one:
        return str(one["const"])
    if one.get("type") == "array":
        return f"list of {_kind(one.get('items', {}))}"
    return str(one.get("type", "anything"))


def _reference(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]
