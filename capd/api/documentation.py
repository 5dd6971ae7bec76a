"""The page to read the API on: all on one page, nothing from elsewhere, readable on a phone."""

from typing import Any

from aiohttp import web

from capd.api.calls import JSON, PREFIX
from capd.api.once import as_json
from capd.api.pages import page, rendered


def routes(table: web.RouteTableDef, document: dict[str, Any]) -> None:
    """Add the document and its page to *table*."""
    text, html = as_json(document), _page(document)

    async def openapi(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type=JSON)

    async def docs(_: web.Request) -> web.Response:
        return page(html)

    table.get(f"{PREFIX}/openapi.json")(openapi)
    table.get(f"{PREFIX}/docs")(docs)


def _page(document: dict[str, Any]) -> str:
    subjects: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            subjects[operation["tags"][0]].append(_call(path, method, operation, schemas))
    return rendered(
        "docs.html",
        {
            "info": document["info"],
            "subjects": subjects,
            "schemas": {name: _fields(schema) for name, schema in sorted(schemas.items())},
            "about": {name: schema.get("description", "") for name, schema in schemas.items()},
            "prefix": PREFIX,
        },
    )


def _call(
    path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]
) -> dict[str, Any]:
    body = operation.get("requestBody")
    taken = {} if body is None else body["content"]
    name = _reference(taken[JSON]["schema"]) if JSON in taken else None
    responses = operation["responses"]
    answer = next(iter(responses.values()))["content"][JSON]["schema"]
    return {
        "id": operation["operationId"],
        "path": path,
        "method": method.upper(),
        "help": operation["summary"],
        "more": [line for line in operation["description"].split("\n") if line],
        "parameters": [one for one in operation["parameters"] if one["in"] != "path"],
        "takes": next((kind for kind in taken if kind != JSON), None),
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
