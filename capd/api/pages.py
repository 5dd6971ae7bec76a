"""Pages for people: rendered here, nothing from elsewhere, readable on a phone, light and dark."""

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

_CODE = re.compile(r"`([^`]+)`")


def rendered(name: str, values: Mapping[str, object]) -> str:
    """Return the page *name* of `capd/api/templates`, with capd's style in it."""
    return _environment().get_template(name).render(style=Markup(_style()), **values)  # noqa: S704


def page(text: str) -> web.Response:
    """Return a rendered page: the browser runs nothing in it, and fetches nothing for it."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; "
        "base-uri 'none'; form-action 'none'"
    )
    headers = {"Content-Security-Policy": policy}
    return web.Response(text=text, content_type="text/html", headers=headers)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("capd.api", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = _words
    return environment


@lru_cache(maxsize=1)
def _style() -> str:
    return _environment().get_template("style.css").render()


def _words(text: str) -> Markup:
    """Return *text* with what stands in `backticks` as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped
